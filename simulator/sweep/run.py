"""Sweeps a log: the whole job in one call."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from engine.config import read_toml
from engine.core.campaign import Campaign
from engine.core.errors import InvalidInput
from engine.core.reading import plain, read
from engine.store.folder_lock import folder_lock
from simulator.log import Log
from simulator.promotion import settings_toml
from simulator.replay_settings import ReplaySettings
from simulator.report.ranking import less_is_more
from simulator.report.write import write_report
from simulator.sweep.contender import Contender
from simulator.sweep.engine import Engine
from simulator.sweep.engine_local import LocalEngine
from simulator.sweep.halving import Halving, Rung
from simulator.sweep.measured import Measured
from simulator.sweep.periods import Period
from simulator.sweep.selection import best_of
from simulator.sweep.setup import Setup
from simulator.sweep.space import Space
from simulator.sweep.standings import confirmed_row, ranked_rows
from simulator.sweep.state import State
from simulator.sweep.sweep_log import SweepLog
from simulator.sweep.sweep_report import RungReport, SweepReport, Winner
from simulator.sweep.trial import LOGGED, Trial

__all__ = ["ENGINES", "sweep"]

ENGINES = ("local", "ray")
WINNER = "winner"
_FORMAT = 1
_LOGS = (".jsonl", ".jsonl.gz", ".parquet", ".ndjson")
_PathLike = str | os.PathLike[str]


def sweep(
    log: Log | _PathLike | Sequence[_PathLike],
    space: Space | Mapping[str, Any] | _PathLike,
    *,
    campaign: Campaign | _PathLike | None = None,
    metric: str | None = None,
    estimator: str = "dr",
    engine: str | Engine = "local",
    out: _PathLike | None = None,
    settings: ReplaySettings | None = None,
    progress: Callable[[str], None] | None = None,
) -> SweepReport:
    """Try many settings and policies on a log, and say whether one is better than today's policy.

    Candidates learn from the first period, are chosen among on the second, and the one that was chosen is valued on
    the third, which had no part in it: there one interval stands alone, however many candidates there were.

    Args:
        log: A log in memory, a file, several files of one log, or a folder of them.
        space: What to try: a TOML file, its content, or a `Space`.
        campaign: The campaign whose log this is, or its file; without one, columns and arms are read off the log, and
            the result cannot be promoted.
        metric: What candidates are valued by; by default as the space says, else the campaign's objective, else as in
            `evaluate`.
        estimator: Key of the estimator.
        engine: `local`, `ray`, or where else tasks run.
        out: Folder of the sweep: what is found is kept there, so that a sweep that was killed goes on, and the winner's
            snapshot. A temporary one when None.
        settings: Everything else, as for `evaluate`.
        progress: Told what was done.

    Raises:
        InvalidInput: When log, space and settings do not fit together.
        ModuleNotFoundError: When Ray is asked for and not installed.
    """
    settings = settings or ReplaySettings(interval="bootstrap_t")
    # The engine has a process for each core, and more threads would only be in each other's way.
    with _folder(out) as folder, _engine(engine) as running, threadpool_limits(1):
        source = SweepLog.of(_paths(log, folder), ["campaign", *([settings.cluster] if settings.cluster else [])])
        known = _campaign(campaign)
        tried = _space(space)
        setup = Setup.of(source, tried, known, metric or tried.metric, estimator, settings)
        state = State(folder, _root(setup))
        trial = Trial(setup.course, running, state, progress or (lambda _: None))
        return _run(setup, trial, state, "" if out is None else os.fspath(out))


def _run(setup: Setup, trial: Trial, state: State, folder: str) -> SweepReport:
    course, by_name = setup.course, {one.name: one for one in setup.contenders}
    last = len(setup.fractions) - 1
    key, less = course.metric.key, less_is_more(course.metric.key)
    logged: dict[int, Measured] = {}

    def value(names: Sequence[str], rung: int) -> Mapping[str, Measured]:
        own = [by_name[name] for name in names]
        measured = trial.value(own, Period.SELECT, rung)
        logged[rung] = measured[LOGGED.name]
        if rung < last:
            trial.forget(own, rung)
        return measured

    halving = Halving(setup.fractions, setup.keep, course.settings.level, less)
    rungs = halving.run(list(by_name), value)
    chosen = best_of(rungs[-1].measured, rungs[-1].bounds)
    winner = None if chosen is None else _confirmed(by_name[chosen], setup, trial, state, less=less)
    trial.forget([one for name, one in by_name.items() if name != chosen], last)
    decisions = {rung.number: trial.decisions[Period.SELECT, rung.number] for rung in rungs}
    rows = ranked_rows(
        rungs,
        logged[last],
        None if winner is None else winner.row,
        decisions,
        key,
        course.estimator.key,
        course.settings.level,
        less=less,
    )
    return SweepReport(
        log=setup.facts.summary,
        metric=key,
        estimator=course.estimator.key,
        level=course.settings.level,
        periods=setup.told,
        candidates=len(by_name),
        rungs=tuple(_round(rung, share, decisions) for rung, share in zip(rungs, setup.fractions, strict=True)),
        rows=tuple(rows),
        winner=winner,
        notes=setup.notes,
        folder=folder,
    )


def _confirmed(one: Contender, setup: Setup, trial: Trial, state: State, *, less: bool) -> Winner:
    """Value the winner on the rows that had no part in choosing it, and lay its snapshot down."""
    course, last = setup.course, len(setup.fractions) - 1
    measured = trial.value([one], Period.CONFIRM, last)[one.name]
    row = confirmed_row(one.name, measured, course.metric.key, course.estimator.key, less=less)
    winner = Winner(row, measured.reasons, trial.decisions[Period.CONFIRM, last])
    target = state.folder / WINNER
    shutil.rmtree(target, ignore_errors=True)
    if one.campaign is None or course.campaign is None:
        return winner
    path = Path(trial.taught([one], last)[one.name].path)
    snapshots = target / "snapshots" / path.parent.name
    shutil.copytree(path, snapshots / path.name)
    settings = settings_toml(one.campaign)
    write_report(target / "settings.toml", settings.encode())
    return Winner(
        row=row,
        reasons=measured.reasons,
        decisions=winner.decisions,
        campaign=path.parent.name,
        snapshot=str((snapshots / path.name).relative_to(state.folder)),
        settings=settings,
        derived=course.campaign.derived,
    )


def _round(rung: Rung, share: float, decisions: Mapping[int, int]) -> RungReport:
    return RungReport(len(rung.measured), share, decisions[rung.number], rung.critical)


def _root(setup: Setup) -> str:
    """Name everything that a result follows from, besides the candidate and the rung."""
    course = setup.course
    known = [
        _FORMAT,
        course.log.digest(),
        course.log.timed,
        asdict(course.periods),
        plain(course.horizons),
        list(course.kinds),
        course.metric.key,
        course.estimator.key,
        dict(course.objective),
        plain(course.settings),
        None if course.campaign is None else course.campaign.derived,
    ]
    return hashlib.blake2b(json.dumps(known, sort_keys=True).encode(), digest_size=16).hexdigest()


def _paths(log: Log | _PathLike | Sequence[_PathLike], folder: Path) -> list[Path]:
    if isinstance(log, Log):
        # Other processes read it from here; its content is in its name.
        content = pickle.dumps(log, protocol=pickle.HIGHEST_PROTOCOL)
        path = folder / f"log-{hashlib.blake2b(content, digest_size=8).hexdigest()}.pickle"
        path.write_bytes(content)
        return [path]
    named = [log] if isinstance(log, str | os.PathLike) else list(log)
    paths: list[Path] = []
    for name in named:
        path = Path(name).resolve()
        if path.is_dir():
            paths += sorted(one for one in path.iterdir() if one.name.endswith(_LOGS))
        else:
            paths.append(path)
    if not paths:
        raise InvalidInput(f"expected a log, got a folder without files such as *{', *'.join(_LOGS)}", field="LOG")
    return list(dict.fromkeys(paths))


def _campaign(campaign: Campaign | _PathLike | None) -> Campaign | None:
    if campaign is None or isinstance(campaign, Campaign):
        return campaign
    path = Path(campaign)
    return read(Campaign, read_toml(path), file=str(path))


def _space(space: Space | Mapping[str, Any] | _PathLike) -> Space:
    if isinstance(space, Space):
        return space
    return Space.of(space) if isinstance(space, Mapping) else Space.read(Path(space))


@contextmanager
def _folder(out: _PathLike | None) -> Iterator[Path]:
    """Open the folder of the sweep; one sweep at a time works in it."""
    if out is None:
        with tempfile.TemporaryDirectory(prefix="armsreach-sweep-") as name:
            yield Path(name)
        return
    folder = Path(out).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"expected a folder that can be written to, got {error.strerror}", field="--out") from error
    with folder_lock(folder):
        yield folder


@contextmanager
def _engine(engine: str | Engine) -> Iterator[Engine]:
    if not isinstance(engine, str):
        yield engine
        return
    if engine not in ENGINES:
        raise InvalidInput(f"expected one of {', '.join(ENGINES)}; got {engine!r}; correct it", field="--engine")
    if engine == "ray":
        from simulator.sweep.engine_ray import RayEngine

        running: Engine = RayEngine()
    else:
        running = LocalEngine()
    try:
        yield running
    finally:
        running.close()
