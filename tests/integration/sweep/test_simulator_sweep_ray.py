"""The same sweep on Ray: the same bytes, also when a worker is killed on the way."""

from __future__ import annotations

import json
import os
import signal

import pytest

from simulator import sweep

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[cluster]'")


def pid(_: None, task: int) -> tuple[int, int]:
    return os.getpid(), task


def killed_once(marker: str, task: int) -> int:
    if task == 3 and not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return task


@pytest.fixture(scope="module")
def cluster():
    from simulator.sweep.engine_ray import RayEngine

    # Ray leaves sockets and log files of its own making to the collector.
    engine = RayEngine(processes=2)
    yield engine
    engine.close()


pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::FutureWarning"
)


def test_tasks_run_elsewhere_and_again_where_a_worker_was_killed(cluster, tmp_path):
    found = dict(cluster.run(pid, None, range(5)))
    assert [task for _, task in (found[place] for place in range(5))] == list(range(5))
    assert os.getpid() not in {process for process, _ in found.values()}
    assert dict(cluster.run(killed_once, str(tmp_path / "killed"), range(8))) == {task: task for task in range(8)}
    assert (tmp_path / "killed").exists()


def test_a_sweep_on_ray_gives_the_bytes_of_one_on_this_machine_though_workers_are_killed(
    cluster, shop_log, space, tmp_path, write
):
    rows = [json.loads(line) for line in shop_log.read_text().splitlines()]
    folder = tmp_path / "parts"
    folder.mkdir()
    for number, start in enumerate(range(0, len(rows), 1000)):
        write(folder / f"part-{number}.jsonl", rows[start : start + 1000])
    whole = sweep(folder, space, engine="local", out=tmp_path / "local")
    workers = {process for process, _ in dict(cluster.run(pid, None, range(8))).values()}
    killed = []

    def kill(_: str) -> None:
        if workers and len(killed) < 2:
            killed.append(workers.pop())
            os.kill(killed[-1], signal.SIGKILL)

    again = sweep(folder, space, engine=cluster, out=tmp_path / "ray", progress=kill)
    assert killed
    assert json.dumps(again.to_json()) == json.dumps(whole.to_json())
