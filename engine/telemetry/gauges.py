"""What is read only when somebody asks: models, journal, learners, leases, tables."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.journal import Positions
from engine.service.learner_report import LearnerReport
from engine.service.registry import Registry
from engine.store.leases import SqliteLeases
from engine.store.tables import RequestTable
from engine.telemetry.series import Labels

Reading = tuple[str, Labels, float]
GaugeSource = Callable[[float], Iterable[Reading]]
"""Seconds since 1970 → readings."""


def snapshot_gauges(registry: Registry) -> GaugeSource:
    """Age and version of the models that are served."""

    def read(now_s: float) -> Iterable[Reading]:
        for campaign in list(registry):
            snapshot = registry.snapshot(campaign)
            yield "armsreach_snapshot_refused", (campaign,), float(campaign in registry.troubles)
            if snapshot is not None:
                manifest = snapshot.manifest
                yield "armsreach_snapshot_info", (campaign, manifest.version), 1.0
                yield "armsreach_snapshot_learned", (campaign,), manifest.learned
                yield "armsreach_snapshot_age_seconds", (campaign,), now_s - manifest.created_at.timestamp()

    return read


def learner_gauges(registry: Mapping[str, Any], data: Path) -> GaugeSource:
    """How far the learners have come, and how large the journal is."""

    def read(now_s: float) -> Iterable[Reading]:
        segments = _segments(data / "journal")
        yield "armsreach_journal_bytes", (), sum(segments.values())
        for campaign in list(registry):
            report = LearnerReport.load(data / "learner" / campaign)
            if report is None:
                continue
            labels = (campaign,)
            yield "armsreach_journal_behind_bytes", labels, _behind(segments, report.positions)
            yield "armsreach_learner_age_seconds", labels, now_s - report.at_s
            yield "armsreach_learned_decisions", labels, report.learned
            yield "armsreach_join_backlog", labels, report.backlog
            yield "armsreach_dead_letters", labels, report.dead_letters
            for fate, count in report.join.items():
                yield "armsreach_join_records", (campaign, fate), count

    return read


def lease_gauges(leases: SqliteLeases) -> GaugeSource:
    """Who holds which lease, and for how long."""

    def read(now_s: float) -> Iterable[Reading]:
        for name, holder, expires_s in leases.held():
            yield "armsreach_lease_seconds", (name, holder), expires_s - now_s

    return read


def allowance_gauges(allowances: Mapping[str, Any]) -> GaugeSource:
    """What is leased of budgets and stock, and not spent yet; the mapping is an `Allowances`."""

    def read(now_s: float) -> Iterable[Reading]:  # noqa: ARG001 - as every source is asked
        for campaign, allowance in list(allowances.items()):
            purse = allowance.purse
            for limit, left in zip(purse.limits.ids, purse.remaining.tolist(), strict=True):
                yield "armsreach_allowance_left", (campaign, limit), left

    return read


def table_gauges(table: RequestTable) -> GaugeSource:
    """How full the table of request ids is."""

    def read(now_s: float) -> Iterable[Reading]:
        yield "armsreach_request_table_used_ratio", (), table.used_ratio(now_s)

    return read


def oldest_snapshot(registry: Registry, now: datetime) -> float:
    """Age of the oldest served model, in seconds; 0 where none is served."""
    snapshots = [registry.snapshot(campaign) for campaign in list(registry)]
    ages = [(now - snapshot.manifest.created_at).total_seconds() for snapshot in snapshots if snapshot is not None]
    return max(ages, default=0.0)


def _segments(journal: Path) -> dict[tuple[str, int], int]:
    """(chain, segment) → bytes."""
    found: dict[tuple[str, int], int] = {}
    try:
        chains = [entry for entry in os.scandir(journal) if entry.is_dir()]
    except FileNotFoundError:
        return found
    for chain in chains:
        for file in os.scandir(chain.path):
            if file.name.endswith(".segment"):
                found[chain.name, int(file.name.partition(".")[0])] = file.stat().st_size
    return found


def _behind(segments: Mapping[tuple[str, int], int], positions: Positions) -> int:
    """Bytes behind the positions."""
    behind = 0
    for (chain, segment), size in segments.items():
        position = positions.get(chain)
        if position is None or segment > position.segment:
            behind += size
        elif segment == position.segment:
            behind += max(0, size - position.offset)
    return behind
