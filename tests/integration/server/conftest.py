"""A real server process on a free port, and what tests ask it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.client import Client, ClientOptions
from engine.config import Settings
from engine.core.decision import Decision
from engine.wiring import open_campaigns, open_journal

KEY = "ab" * 32
PATIENT = ClientOptions(deadline_ms=5_000.0)


@dataclass
class RunningServer:
    """A server process that this test started; it is ended by its own process id."""

    folder: Path
    process: subprocess.Popen[bytes]
    address: str
    arguments: list[str] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    @property
    def log(self) -> str:
        return (self.folder / "serve.log").read_text()

    def decisions(self) -> list[Decision]:
        """What its journal has, over all workers."""
        settings = Settings(data=str(self.folder / "data"))
        journal = open_journal(settings, open_campaigns(settings))
        return [entry.record for _, entry in journal.read() if isinstance(entry.record, Decision)]

    def workers(self) -> list[int]:
        """Its worker processes: forked, so that their command line is their parent's."""
        own = Path(f"/proc/{self.process.pid}/cmdline").read_bytes()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) if entry.name.isdigit() else 0
                if parent == self.process.pid and (entry / "cmdline").read_bytes() == own:
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def stop(self, within_s: float = 20.0) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)


def settings_text(clock: str, learner: bool, workers: int = 1, limits: str = "") -> str:
    return (
        f'clock = "{clock}"\npoll_s = 0.05\n[journal]\nmark_s = 0.2\n'
        f"[learner]\nenabled = {str(learner).lower()}\npoll_s = 0.05\n[server]\ndrain_s = 5.0\n"
        f"workers = {workers}\n{limits}[caps_table]\nusers = 10_000\ncheckpoint_s = 0.3\n"
    )


StartServer = Callable[..., RunningServer]


def _until_announced(server: RunningServer, announce: Path, within_s: float) -> None:
    ends = time.monotonic() + within_s
    while not announce.exists():
        if server.process.poll() is not None or time.monotonic() > ends:
            server.process.kill()
            raise AssertionError(f"the server did not start:\n{server.log}")
        time.sleep(0.02)
    server.address = announce.read_text()


def starter(root: Path, running: list[RunningServer]) -> StartServer:
    def start(
        name: str = "var",
        *,
        clock: str = "server",
        learner: bool = False,
        port: int = 0,
        wait: bool = True,
        settings: str = "",
        key: str = KEY,
        workers: int = 1,
        limits: str = "",
    ) -> RunningServer:
        folder = root / name
        folder.mkdir(exist_ok=True)
        config, announce = folder / "armsreach.toml", folder / f"announce-{len(running)}"
        config.write_text(settings_text(clock, learner, workers, limits) + settings)
        arguments = ["serve", "--config", str(config), "--data", str(folder / "data"), "--port", str(port)]
        with (folder / "serve.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "engine", *arguments, "--announce", str(announce)],
                stdout=log,
                stderr=log,
                env={**os.environ, "ARMSREACH_SERVER_KEY": key},
            )
        server = RunningServer(folder, process, "", arguments)
        running.append(server)
        if wait:
            _until_announced(server, announce, 20.0)
        return server

    return start


def end_all(running: list[RunningServer]) -> None:
    for server in running:
        if server.process.poll() is None:
            server.process.terminate()
    for server in running:
        try:
            server.process.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts servers for one test."""
    running: list[RunningServer] = []
    yield starter(tmp_path, running)
    end_all(running)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests of a module, without a learner."""
    running: list[RunningServer] = []
    yield starter(tmp_path_factory.mktemp("server"), running)()
    end_all(running)


@pytest.fixture(scope="module")
def clocked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests of a module that believes its callers' times, without a learner."""
    running: list[RunningServer] = []
    yield starter(tmp_path_factory.mktemp("clocked"), running)(clock="client")
    end_all(running)


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[Client]:
    """A patient client of the module's server, which has the campaign `promo`."""
    with Client(server.address, PATIENT) as made:
        made.create_campaign(campaign_settings())
        yield made


def variant(name: str, *channels: str, state: str = "approved") -> dict[str, Any]:
    return {
        "id": name,
        "state": state,
        "channels": {channel: {"text": f"{name} on {channel}"} for channel in channels},
        "offer": {"kind": "percent", "percent": 10.0},
        "features": {"tone": "warm"},
    }


def campaign_settings(name: str = "promo", **changes: Any) -> dict[str, Any]:
    """Three variants, three channels of which one needs consent, two slots; 4 dimensions, 3 attributes."""
    return {
        "id": name,
        "schema": {
            "dimension": 4,
            "attributes": {
                "segment": {"kind": "categorical", "vocabulary": ["new", "regular"]},
                "age": {"kind": "number", "low": 0.0, "high": 100.0},
                "member": {"kind": "boolean"},
            },
        },
        "channels": [{"id": "email"}, {"id": "push"}, {"id": "sms", "needs_consent": True}],
        "slots": [{"id": "now"}, {"id": "evening"}],
        "variants": [variant("a", "email", "push"), variant("b", "email", "sms"), variant("c", "push")],
        "shares": {"control": 0.1, "holdout": 0.05},
        **changes,
    }


@pytest.fixture(scope="session")
def make_settings() -> Callable[..., dict[str, Any]]:
    """Settings of the test campaign, with changes."""
    return campaign_settings


@pytest.fixture(scope="session")
def patient() -> ClientOptions:
    """Deadlines that a busy test machine keeps; the tests of deadlines set their own."""
    return PATIENT


@pytest.fixture
def shoppers() -> Callable[[int], list[dict[str, Any]]]:
    """The first n of an endless row of shoppers, the same in every test: keyword arguments of `decide`."""

    def make(count: int) -> list[dict[str, Any]]:
        generator = np.random.default_rng(7)
        return [
            {
                "user": f"user-{i}",
                "embedding": generator.normal(size=4).astype(np.float32),
                "attributes": {"segment": ("new", "regular")[i % 2], "age": float(i % 90), "member": i % 3 == 0},
                "consents": ("sms",) if i % 4 == 0 else (),
                "request_id": f"request-{i}",
            }
            for i in range(count)
        ]

    return make


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stands between a process and its C library; see fault_shim.c."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    built = tmp_path_factory.mktemp("shim") / "fault_shim.so"
    source = Path(__file__).with_name("fault_shim.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(built), str(source), "-ldl"], check=True)
    return built
