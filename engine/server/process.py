"""`python -m engine serve`: one serving process or several, and beside them a learner's process."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.config import Settings
from engine.core.errors import Unavailable
from engine.server.supervisor import Supervisor, learner_command
from engine.wiring import SharedTables, fill_frequencies, keep_frequencies, open_shared, open_worker

log = logging.getLogger(__name__)

_RESTART_S = 2.0
SWITCH_S = 0.0005
"""How long another thread, as one that swaps a snapshot in, may keep the interpreter from the event loop; Python's own
5 ms are several answers long."""


def serve(settings: Settings, config: Path | None, announce: str = "") -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Args:
        settings: All settings.
        config: The file that they came from, for the learner's process.
        announce: A file that gets `host:port` once the server listens; for callers that asked for any free port.
    """

    def listening(address: str) -> None:
        log.info("serving on %s, data in %s", address, settings.folder)
        if announce:
            part = Path(f"{announce}.part")
            part.write_text(address)
            part.rename(announce)

    learner = learner_command(settings, config)
    if settings.server.workers == 1:
        serve_alone(settings, 0, listening, learner=learner)
    else:
        shared = open_shared(settings)
        refresh = partial(fill_frequencies, settings, shared.frequencies)
        keep = partial(keep_frequencies, settings, shared.frequencies)
        Supervisor(settings, partial(serve_alone, shared=shared), learner, refresh, keep).run(listening)


def serve_alone(
    settings: Settings,
    number: int,
    listening: Callable[[str], None],
    shared: SharedTables | None = None,
    learner: list[str] | None = None,
) -> None:
    """Serve in this process until SIGTERM or SIGINT.

    Args:
        settings: All settings.
        number: Of this worker.
        listening: Told `host:port`.
        shared: Tables that other workers use, too; None where there are none.
        learner: The learner's command, where this process has to start it.
    """
    import uvloop

    uvloop.run(_serve(settings, number, listening, shared, learner))


async def _serve(
    settings: Settings,
    number: int,
    listening: Callable[[str], None],
    shared: SharedTables | None,
    learner: list[str] | None,
) -> None:
    from engine.server.server import Server  # a supervisor must not have loaded grpc when it forks

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_, stopping.set)
    server = Server(settings, open_worker(settings, number, shared))
    await server.start()
    settle_memory()
    sys.setswitchinterval(SWITCH_S)
    listening(f"{settings.server.host}:{server.port}")
    learning = asyncio.create_task(_keep_learning(learner)) if learner is not None else None
    stopped, failed = asyncio.create_task(stopping.wait()), asyncio.create_task(server.fails())
    await asyncio.wait((stopped, failed), return_when=asyncio.FIRST_COMPLETED)
    failure = None if stopped.done() else Unavailable("grpc took no more calls; start the server again")
    cause = None if failure is None else await failed
    for task in (stopped, failed):
        task.cancel()
    log.info("draining")
    if learning is not None:
        learning.cancel()
    await server.stop()
    if learning is not None:
        await asyncio.gather(learning, return_exceptions=True)
    if failure is not None:
        raise failure from cause


def settle_memory() -> None:
    """Keep the garbage collector from what lives as long as the server, and from looking every few requests.

    A request leaves one small cycle behind, grpc's; so collections can be rare, as each one walks all that is alive. A
    full one comes after some two million objects, and takes some milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # the next full one waits for a quarter of what this one finds
    gc.set_threshold(20_000, 10, 10)


async def _keep_learning(command: list[str]) -> None:
    """Run the learner's process; start it again when it ends, as serving goes on without it."""
    while True:
        process = await asyncio.create_subprocess_exec(*command)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            raise
        log.error("the learner ended with code %d; starting it again in %g s", code, _RESTART_S)
        await asyncio.sleep(_RESTART_S)
