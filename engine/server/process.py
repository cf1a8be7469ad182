"""`python -m engine serve`: a serving process and, beside it, a learner process."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path

import uvloop

from engine.config import Settings
from engine.server.server import Server
from engine.wiring import open_worker

log = logging.getLogger(__name__)

_RESTART_S = 2.0


def serve(settings: Settings, config: Path | None, announce: str = "") -> None:
    """Serve until SIGTERM or SIGINT, then drain.

    Args:
        settings: All settings.
        config: The file that they came from, for the learner's process.
        announce: A file that gets `host:port` once the server listens; for callers that asked for any free port.
    """
    uvloop.run(_serve(settings, config, announce))


async def _serve(settings: Settings, config: Path | None, announce: str) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = Server(settings, open_worker(settings))
    await server.start()
    settle_memory()
    address = f"{settings.server.host}:{server.port}"
    log.info("serving on %s, data in %s", address, settings.folder)
    if announce:
        part = Path(f"{announce}.part")
        part.write_text(address)
        part.rename(announce)
    learner = asyncio.create_task(_keep_learning(settings, config)) if settings.learner.enabled else None
    await stopping.wait()
    log.info("draining")
    if learner is not None:
        learner.cancel()
    await server.stop()
    if learner is not None:
        await asyncio.gather(learner, return_exceptions=True)


def settle_memory() -> None:
    """Keep the garbage collector from what lives as long as the server, and from looking every few requests.

    Requests leave no cycles behind; so collections find next to nothing, and each one walks all that is alive.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


async def _keep_learning(settings: Settings, config: Path | None) -> None:
    """Run the learner's process; start it again when it ends, as serving goes on without it.

    It ends by itself once this process is gone, or a killed server would leave it behind with the learner's lease.
    """
    arguments = [sys.executable, "-m", "engine", "learn", "--data", str(settings.folder), "--beside", str(os.getpid())]
    if config is not None:
        arguments += ["--config", str(config)]
    while True:
        process = await asyncio.create_subprocess_exec(*arguments, env={**os.environ})
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
        log.error("the learner ended with code %d; starting it again in %g s", code, _RESTART_S)
        await asyncio.sleep(_RESTART_S)
