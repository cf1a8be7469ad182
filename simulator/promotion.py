"""From a candidate to a snapshot that can be judged, promoted and served."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from engine.core.campaign import Campaign
from engine.core.clock import Clock
from engine.core.errors import NotFound
from engine.core.reading import plain
from engine.service.publishing import Publication, Publisher
from engine.store import Snapshot, SnapshotStore
from simulator.candidate import Candidate
from simulator.log import Log

__all__ = ["learned_candidate", "offered", "placed", "settings_toml"]


def learned_candidate(campaign: Campaign, chunks: Iterable[Log], until: int | None = None) -> Candidate:
    """Learn a log under a campaign's settings.

    Args:
        campaign: Its settings, those of the candidate in place of its own.
        chunks: The log, in the order of time.
        until: Microseconds since the epoch; rows that had not matured by then are not learned.

    Raises:
        InvalidInput: When the log is not in the order of its time, or is of another campaign.
    """
    candidate = Candidate(campaign, until)
    for chunk in chunks:
        candidate.observe(chunk)
    return candidate


def offered(candidate: Candidate, folder: Path, clock: Clock, campaign: Campaign | None = None) -> Publication:
    """Write a candidate's snapshot, compiled and checked against Vowpal Wabbit, to FOLDER/CAMPAIGN/VERSION.

    `snapshot:FOLDER/CAMPAIGN/VERSION` replays it: on decisions after its last one had matured, and on no others. Where
    the folder is `snapshots` of a server's data folder, the version stands beside the champion, which goes on serving
    until `python -m engine models promote CAMPAIGN VERSION`.

    Args:
        candidate: What has learned.
        folder: Of the campaigns' snapshots.
        clock: Tells when the snapshot was made.
        campaign: Settings to publish under, where they differ in exploration from those it learned under.

    Raises:
        FailedPrecondition: When it has learned nothing.
        LearningError: When the compiled scores differ from Vowpal Wabbit's; nothing was written.
        Unavailable: When the disk is full or failing.
    """
    settings = campaign or candidate.campaign
    return Publisher(SnapshotStore(folder, settings.id), clock).offer(settings, candidate.trained())


def placed(snapshot: Snapshot, data: Path) -> str:
    """Copy a snapshot beside the champion of a server's data folder, for `models promote`.

    Args:
        snapshot: From any store.
        data: The server's data folder.

    Returns:
        The version that it has there.

    Raises:
        NotFound: When the folder is none of a server.
        CorruptState: When the snapshot is damaged.
        Unavailable: When the disk is full or failing.
    """
    if not (data / "state.db").is_file():
        raise NotFound(f"{data}: expected the data folder of a server, with state.db; check the path")
    store = SnapshotStore(data / "snapshots", snapshot.manifest.campaign)
    current = store.current()
    manifest = replace(snapshot.manifest, version="", parent=current.version if current else "")
    return store.add(manifest, snapshot.model, snapshot.compiled)


def settings_toml(campaign: Campaign) -> str:
    """Write what a candidate changes as the tables of a campaign's file: objective, exploration and learning.

    A promoted snapshot brings its model, its scale of costs and its t; exploration and floor are the campaign's. And
    the campaign's learner goes on under the campaign's settings. So a candidate is taken over whole when these tables
    stand in the campaign's file, and after `campaign update FILE` comes `learn --rebuild --campaign ID`.
    """
    settings = plain(campaign)
    return "\n".join(_table(name, settings[name]) for name in ("objective", "exploration", "learning"))


def _table(name: str, values: dict[str, object]) -> str:
    plain_ones = {key: value for key, value in values.items() if not isinstance(value, dict) and value is not None}
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    own = "".join(f"{key} = {_literal(value)}\n" for key, value in plain_ones.items())
    return f"[{name}]\n{own}" + "".join(f"\n{_table(f'{name}.{key}', value)}" for key, value in tables.items())


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(value)
