"""`python -m engine learn`."""

from __future__ import annotations

import os
import signal
import socket

from rich.console import Console

from engine.config import Settings
from engine.service.learning_loop import LearningLoop
from engine.wiring import journal_folder, open_campaigns, open_learning


def run(settings: Settings, campaign: str, *, rebuild: bool, once: bool, beside: int = 0) -> None:
    """Learn; see the command's help."""
    # A data folder has one server at a time, and that starts one learner at a time: the next one takes over the lease
    # of one that was killed, be it with its server. The lease's epoch keeps one that still runs from publishing.
    holder = f"{socket.gethostname()}:{'beside' if beside else os.getpid()}"
    if rebuild or campaign or once:
        journal_folder(settings)  # a mistyped folder would look like nothing to learn
    campaigns = open_campaigns(settings)
    if rebuild or campaign:
        names = [campaign] if campaign else [stored.campaign.id for stored in campaigns.all()]
        for name in names:
            _one(settings, name, holder, rebuild=rebuild)
        if rebuild or once:
            return
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: stopping.append(got))
    loop = LearningLoop(campaigns, lambda name: open_learning(settings, name, holder=holder))
    if once:
        while loop.step() and not stopping:
            pass
        loop.close()
    else:
        loop.run(lambda: bool(stopping) or _orphaned(beside), settings.learner.poll_s)


def _orphaned(beside: int) -> bool:
    """Whether the server that started this process is gone; another parent has taken over then."""
    return beside != 0 and os.getppid() != beside


def _one(settings: Settings, campaign: str, holder: str, *, rebuild: bool) -> None:
    learning = open_learning(settings, campaign, holder=holder)
    if rebuild:
        learning.rebuild()
    while learning.step():
        pass
    Console().print(f"{campaign}: {learning.learned} decisions learned")
    learning.close()
