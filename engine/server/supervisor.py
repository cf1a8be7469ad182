"""Several workers on one port: forked here, watched, started again when one dies, restarted one by one on SIGHUP."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.config import Settings
from engine.core.errors import ArmsreachError, Unavailable

log = logging.getLogger(__name__)

_LOOK_S = 0.05
_REST_S = 1.0
_READY_S = 60.0
_PR_SET_PDEATHSIG = 1

RunWorker = Callable[[Settings, int, Callable[[str], None]], None]
"""Serve as worker number i until SIGTERM, and say when it listens."""


class Supervisor:
    """Keeps `settings.server.workers` processes serving, and the learner beside them.

    Workers are forked, so that they share tables and whatever was read before. This process itself serves nothing and
    starts no threads: forking is safe at any time.
    """

    def __init__(
        self,
        settings: Settings,
        run_worker: RunWorker,
        learner: list[str] | None,
        refresh_tables: Callable[[], None] = lambda: None,
        keep_tables: Callable[[], None] = lambda: None,
    ) -> None:
        """Start nothing yet.

        Args:
            settings: All settings.
            run_worker: What a worker does, once it is forked.
            learner: The learner's command; None without one.
            refresh_tables: Brings tables that workers will share up to date; called before a rolling restart, and once
                more when the workers of before are gone, who may have written meanwhile.
            keep_tables: Writes a checkpoint of them, every `caps_table.checkpoint_s`.
        """
        self._refresh_tables = refresh_tables
        self._keep_tables = keep_tables
        self._kept = time.monotonic()
        self._settings = settings
        self._run_worker = run_worker
        self._learner_command = learner
        self._workers: dict[int, int] = {}
        self._started: dict[int, float] = {}
        self._learner: subprocess.Popen[bytes] | None = None
        self._learner_ended = 0.0
        self._stopping = self._rolling = False

    def run(self, announce: Callable[[str], None]) -> None:
        """Serve until SIGTERM or SIGINT, then let all workers drain.

        Args:
            announce: Told `host:port` once all workers listen.

        Raises:
            Unavailable: If the address is taken, or a worker does not start.
        """
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, self._roll)
        with _reserved(self._settings.server.host, self._settings.server.port) as port:
            self._settings = replace(self._settings, server=replace(self._settings.server, port=port))
            try:
                for number in range(self._settings.server.workers):
                    self._start(number)
                announce(f"{self._settings.server.host}:{port}")
                while not self._stopping:
                    self._look()
                    time.sleep(_LOOK_S)
            finally:
                self._end()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _roll(self, *_: object) -> None:
        self._rolling = True

    def _look(self) -> None:
        """Start again what has ended; one after the other where a rolling restart is wanted."""
        self._keep_learning()
        self._keep()
        for number, pid in list(self._workers.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                log.error("worker %d ended with code %d; starting it again", number, os.waitstatus_to_exitcode(status))
                self._start_again(number)
        if self._rolling:
            self._rolling = False
            if not self._refresh():
                log.error("workers are not restarted, as they would not find their tables; send SIGHUP again")
                return
            for number in list(self._workers):
                if not self._stopping:
                    log.info("restarting worker %d", number)
                    self._drain(number)
                    self._start_again(number)
            self._refresh()
            self._rolling = False  # what workers asked for meanwhile is done

    def _keep(self) -> None:
        rest = self._settings.caps_table.checkpoint_s
        if not rest or time.monotonic() - self._kept < rest:
            return
        self._kept = time.monotonic()
        try:
            self._keep_tables()
        except (ArmsreachError, OSError) as error:
            log.error("no checkpoint of frequency caps was written; the last one stays: %s", error)

    def _refresh(self) -> bool:
        try:
            self._refresh_tables()
        except Exception:
            log.exception("shared tables stay as they were")
            return False
        return True

    def _start_again(self, number: int) -> None:
        """At most once a second each, or a worker that cannot start would keep a core busy."""
        rest = self._started[number] + _REST_S - time.monotonic()
        if rest > 0:
            time.sleep(rest)
        try:
            self._start(number)
        except Unavailable as error:
            log.error("worker %d: %s", number, error)

    def _start(self, number: int) -> None:
        """Fork a worker, and wait until it listens.

        Raises:
            Unavailable: If it does not.
        """
        reading, writing = os.pipe()
        self._started[number] = time.monotonic()
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            self._be_worker(number, writing)
        os.close(writing)
        self._workers[number] = pid
        os.set_blocking(reading, False)
        ends = time.monotonic() + _READY_S
        try:
            while not self._stopping and time.monotonic() < ends:
                try:
                    said = os.read(reading, 1)
                except BlockingIOError:
                    time.sleep(0.01)
                    continue
                if said:
                    return
                raise Unavailable("it ended before it listened; its log says why")
            if not self._stopping:
                log.error("worker %d does not listen after %g s; it goes on trying", number, _READY_S)
        finally:
            os.close(reading)

    def _be_worker(self, number: int, writing: int) -> None:
        """The rest of a forked process's life; it goes with its parent, however that goes."""
        code = 1
        try:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, signal.SIG_DFL)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal hangs up on the whole group

            def ready(_: str) -> None:
                with contextlib.suppress(OSError):  # nobody waits any more
                    os.write(writing, b"1")
                os.close(writing)

            self._run_worker(self._settings, number, ready)
            code = 0
        except BaseException:
            log.exception("worker %d failed", number)
        finally:
            logging.shutdown()
            os._exit(code)

    def _drain(self, number: int) -> None:
        """Ask a worker to end, and wait; one that does not in time is killed."""
        pid = self._workers[number]
        os.kill(pid, signal.SIGTERM)
        ends = time.monotonic() + self._settings.server.drain_s + 5.0
        while time.monotonic() < ends:
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
            time.sleep(0.01)
        log.error("worker %d did not end in time; killing it", number)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def _keep_learning(self) -> None:
        if self._learner_command is None:
            return
        if self._learner is not None and (code := self._learner.poll()) is not None:
            log.error("the learner ended with code %d; starting it again", code)
            self._learner, self._learner_ended = None, time.monotonic()
        if self._learner is None and time.monotonic() - self._learner_ended > 2 * _REST_S:
            self._learner = subprocess.Popen(self._learner_command)

    def _end(self) -> None:
        if self._learner is not None and self._learner.poll() is None:
            self._learner.terminate()
        for pid in self._workers.values():
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue
        for number in list(self._workers):
            try:
                self._drain(number)
            except (ChildProcessError, ProcessLookupError):
                continue
        if self._learner is not None:
            self._learner.wait()


class _reserved:  # noqa: N801 - used like a function
    """Holds a port for all workers, without listening: the kernel spreads connections over those that listen."""

    def __init__(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise Unavailable(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another server.port or --port"
            ) from None

    def __enter__(self) -> int:
        return int(self._socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def learner_command(settings: Settings, config: Path | None) -> list[str] | None:
    """How the learner's process is started; None where settings turn it off.

    It ends by itself once this process is gone, or a killed server would leave it behind with the learner's lease.
    """
    if not settings.learner.enabled:
        return None
    command = [sys.executable, "-m", "engine", "learn", "--data", str(settings.folder), "--beside", str(os.getpid())]
    return command + (["--config", str(config)] if config is not None else [])
