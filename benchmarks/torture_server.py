"""A server with workers and learner whose processes can be killed one by one, or all at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

KEY = "ab" * 32


class VictimServer:
    """Supervisor, workers and learner over one data folder; started again on the same port after it was killed."""

    def __init__(self, folder: Path, config: str, workers: int) -> None:
        """Write the settings; nothing starts yet.

        Args:
            folder: For data, settings and log.
            config: Settings in TOML, with the number of workers.
            workers: That number.
        """
        self.folder = folder
        self.workers = workers
        self.address = ""
        self.port = 0
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "armsreach.toml").write_text(config)
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, more: str) -> None:
        """Add to the settings, for the next start."""
        with (self.folder / "armsreach.toml").open("a") as file:
            file.write(more)

    def command(self, verb: str, *more: str) -> list[str]:
        """`python -m engine VERB` over this folder."""
        config, data = str(self.folder / "armsreach.toml"), str(self.folder / "data")
        return [sys.executable, "-m", "engine", verb, "--config", config, "--data", data, *more]

    def start(self, within_s: float = 60.0) -> None:
        """Start, and wait until it listens.

        Raises:
            SystemExit: If it does not.
        """
        announce = self.folder / "announce"
        announce.unlink(missing_ok=True)
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve", "--port", str(self.port), "--announce", str(announce)),
                stdout=log, stderr=log, env={**os.environ, "ARMSREACH_SERVER_KEY": KEY},
            )  # fmt: skip
        _until(announce.exists, within_s, lambda: f"it did not start:\n{self.log()[-3000:]}", self.process)
        self.address = announce.read_text()
        self.port = int(self.address.rsplit(":", 1)[1])

    def log(self) -> str:
        """What it said."""
        return (self.folder / "serve.log").read_text(errors="replace")

    def children(self) -> tuple[list[int], list[int]]:
        """Process ids of its workers, and of its learner."""
        assert self.process is not None
        workers, learners = [], []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with suppress(OSError, IndexError, ValueError):
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) != self.process.pid:
                    continue
                command = (entry / "cmdline").read_bytes().split(b"\0")
                if b"learn" in command:
                    learners.append(int(entry.name))
                elif b"serve" in command:
                    workers.append(int(entry.name))
        return workers, learners

    def until_whole(self, within_s: float = 60.0) -> None:
        """Wait until all its processes run."""

        def whole() -> bool:
            workers, learners = self.children()
            return len(workers) == self.workers and len(learners) == 1

        _until(whole, within_s, lambda: f"it did not come back:\n{self.log()[-3000:]}", self.process)

    def kill_all(self) -> int:
        """Kill supervisor, workers and learner at one moment; how many that were."""
        assert self.process is not None
        workers, learners = self.children()
        everything = [self.process.pid, *workers, *learners]
        for pid in everything:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        _until(lambda: not any(map(_runs, everything)), 30.0, lambda: "killed processes stay")
        return len(everything)

    def stop(self) -> None:
        """Drain and end.

        Raises:
            SystemExit: If it ends with another code than 0.
        """
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        if (code := self.process.wait(60)) != 0:
            raise SystemExit(f"the server ended with code {code}:\n{self.log()[-3000:]}")

    def put_down(self) -> None:
        """End it, whatever state it is in."""
        if self.process is not None and self.process.poll() is None:
            self.kill_all()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _until(done: object, within_s: float, otherwise: object, process: subprocess.Popen[bytes] | None = None) -> None:
    assert callable(done)
    assert callable(otherwise)
    ends = time.monotonic() + within_s
    while not done():
        if time.monotonic() > ends or (process is not None and process.poll() is not None):
            raise SystemExit(otherwise())
        time.sleep(0.02)
