"""Processes that die change no number: neither the sweep's own, nor those that work for it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.core.errors import Unavailable
from simulator import sweep
from simulator.sweep.engine_local import LocalEngine

ROOT = Path(__file__).parents[3]


def square(offset: int, task: int) -> int:
    return offset + task**2


def killed_once(marker: str, task: int) -> int:
    """Kill the process that works on task 3, the first time."""
    if task == 3:
        try:
            Path(marker).touch(exist_ok=False)
        except FileExistsError:
            return task
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def always_killed(_: None, __: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.fixture
def local():
    engine = LocalEngine(2)
    yield engine
    engine.close()


def test_every_task_has_its_result(local):
    assert dict(local.run(square, 100, range(30))) == {task: 100 + task**2 for task in range(30)}
    assert dict(local.run(square, 7, [5])) == {0: 32}
    assert dict(local.run(square, 7, [])) == {}


def test_tasks_of_a_process_that_was_killed_run_again(local, tmp_path):
    found = list(local.run(killed_once, str(tmp_path / "killed"), range(12)))
    assert (tmp_path / "killed").exists()
    assert sorted(found) == [(task, task) for task in range(12)]


def test_processes_that_die_again_and_again_are_an_error(local):
    with pytest.raises(Unavailable, match="died 4 times"):
        list(local.run(always_killed, None, [1]))


def started(log, space, out, result):
    arguments = [sys.executable, "-m", "simulator", "sweep", str(log), "--space", str(space), "--out", str(out)]
    return subprocess.Popen(
        [*arguments, "--json", str(result)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip


def test_a_sweep_that_was_killed_goes_on_and_ends_with_the_same_bytes(shop_log, space_file, tmp_path):
    undisturbed = started(shop_log, space_file, tmp_path / "whole", tmp_path / "whole.json")
    assert undisturbed.wait(240) == 0

    killed = 0
    deadline = time.monotonic() + 240
    while True:
        process = started(shop_log, space_file, tmp_path / "out", tmp_path / "again.json")
        # Let it find some more, then kill it and all that work for it.
        before = len(list((tmp_path / "out" / "results").glob("*.json")))
        while process.poll() is None and killed < 2:
            if len(list((tmp_path / "out" / "results").glob("*.json"))) >= before + 5:
                os.killpg(process.pid, signal.SIGKILL)
                killed += 1
                break
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.wait(240)
        if process.returncode == 0:
            break
    assert killed == 2
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert json.loads((tmp_path / "again.json").read_bytes())["better"]


def test_a_worker_that_is_killed_changes_no_number(shop_log, space, tmp_path):
    whole = sweep(shop_log, space, engine="local")
    engine = LocalEngine(2)
    killed = []

    def kill(_: str) -> None:
        if len(killed) < 2 and engine._pool is not None:
            killed.append(next(iter(engine._pool._processes)))
            os.kill(killed[-1], signal.SIGKILL)

    try:
        again = sweep(shop_log, space, engine=engine, progress=kill)
    finally:
        engine.close()
    assert len(killed) == 2
    assert json.dumps(again.to_json()) == json.dumps(whole.to_json())
