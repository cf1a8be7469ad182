"""Settings: one frozen, validated tree, read once from TOML and the environment."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from engine.config_access import LimitSettings, SecuritySettings
from engine.core.errors import ConfigError
from engine.core.frequency_cap import FrequencyCap, checked_caps
from engine.core.reading import read

PREFIX = "ARMSREACH_"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the server listens.

    Attributes:
        host: Address; beyond loopback only with credentials, see `SecuritySettings`.
        port: 0 takes any free port.
        drain_s: How long running calls may finish after a stop.
        max_message_mb: Largest message in either direction.
        workers: Serving processes on the same port.
        max_pending: Plain calls of `Delivery` that one worker serves at a time; those beyond wait for their turn.
        max_wait_ms: How long a call may wait for its turn before it is refused with RESOURCE_EXHAUSTED; a third of that
            under a lasting flood.
        max_streams: Batch streams of one worker at most.
        stream_idle_s: A batch stream whose sender says nothing for so long is ended.
        keepalive_s: A silent connection is asked for a sign of life this often, and dropped where none comes.
        connection_idle_s: A connection without calls is closed after so long.
        connection_age_s: A connection is closed, in good order, after so long, so that its client connects anew and
            may come to another worker; 0 for never.
    """

    host: str = "127.0.0.1"
    port: int = 50551
    drain_s: float = 10.0
    max_message_mb: int = 64
    workers: int = 1
    max_pending: int = 64
    max_wait_ms: float = 30.0
    max_streams: int = 64
    stream_idle_s: float = 60.0
    keepalive_s: float = 30.0
    connection_idle_s: float = 600.0
    connection_age_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("max_pending", "max_wait_ms", "max_streams", "stream_idle_s", "keepalive_s", "connection_idle_s"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"expected a number above 0, got {getattr(self, name)}", field=name)
        if self.connection_age_s < 0:
            raise ConfigError(f"expected 0 or more, got {self.connection_age_s}", field="connection_age_s")
        if not 1 <= self.workers <= 64:
            raise ConfigError(f"expected 1 to 64, got {self.workers}; one for each core", field="workers")
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"expected 0 to 65535, got {self.port}", field="port")

    @property
    def loopback(self) -> bool:
        """Whether other machines cannot reach it."""
        return self.host in ("127.0.0.1", "localhost", "::1", "[::1]")


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """How decisions and outcomes reach the disk.

    Attributes:
        durability: `fsync` survives a power cut; `write` survives a kill only.
        segment_mb: A new segment begins past this size.
        mark_s: An idle server writes a heartbeat this often, so that learning can go on.
        keep_days: Segments whose records are all older are removed, once learners are done with them; 0 keeps all.
    """

    durability: Literal["fsync", "write"] = "fsync"
    segment_mb: int = 64
    mark_s: float = 5.0
    keep_days: float = 0.0

    def __post_init__(self) -> None:
        if self.keep_days < 0:
            raise ConfigError(f"expected 0 or more, got {self.keep_days}", field="keep_days")


@dataclass(frozen=True, slots=True)
class RequestIdSettings:
    """How long a retry finds its decision.

    Attributes:
        ttl_s: A request id gives the same decision for this long.
        capacity: Decisions and outcome ids remembered at most; beyond, decisions are refused until some are older.
    """

    ttl_s: float = 900.0
    capacity: int = 500_000

    def __post_init__(self) -> None:
        if self.capacity < 1 or self.ttl_s <= 0:
            raise ConfigError("expected numbers above 0", field="capacity" if self.capacity < 1 else "ttl_s")


@dataclass(frozen=True, slots=True)
class LearnerSettings:
    """The learner's process.

    Attributes:
        enabled: Whether `serve` starts it.
        poll_s: How often it looks for new records.
    """

    enabled: bool = True
    poll_s: float = 0.5


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """Where budgets and stock are leased from.

    Attributes:
        url: Empty for SQLite in the data folder, or `redis://…` for a ledger that several hosts share; with a password,
            better as `ARMSREACH_LEDGER__URL` than in a file.
        prefix: Stands before every key in Redis.
    """

    url: str = field(default="", repr=False)
    prefix: str = "armsreach"

    def __post_init__(self) -> None:
        if self.url and not self.url.startswith(("redis://", "rediss://", "unix://")):
            raise ConfigError("expected nothing, or a URL such as redis://localhost:6379/0", field="url")


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """What the server tells of itself.

    Attributes:
        metrics_port: Where Prometheus reads; 0 serves no metrics. Needs the extra `telemetry`.
        metrics_host: Address of the metrics; loopback unless you know who can reach it.
        traces: Where OpenTelemetry spans go: empty for none, `console`, `file:PATH`, or an OTLP endpoint such as
            `http://localhost:4317`. Needs the extra `telemetry`.
        trace_share: Share of calls that are traced, where the caller has not decided.
        log_decisions: Whether every decision is a line in the log, by its id.
        log_format: `text`, or `json` for a JSON object a line.
        stale_snapshot_s: Health and an alarm say so when a model is older; 0 for never.
        stuck_commit_s: Health and an alarm say so when a commit takes longer.
        drift_window: Decisions in a window of the alarms for drift; at least a day's where days have a rhythm.
    """

    metrics_port: int = 0
    metrics_host: str = "127.0.0.1"
    traces: str = ""
    trace_share: float = 0.01
    log_decisions: bool = False
    log_format: Literal["text", "json"] = "text"
    stale_snapshot_s: float = 0.0
    stuck_commit_s: float = 5.0
    drift_window: int = 2_000

    def __post_init__(self) -> None:
        if not 0 <= self.metrics_port <= 65535:
            raise ConfigError(f"expected 0 to 65535, got {self.metrics_port}", field="metrics_port")
        if not 0.0 <= self.trace_share <= 1.0:
            raise ConfigError(f"expected a share from 0 to 1, got {self.trace_share}", field="trace_share")
        if self.traces and self.traces != "console" and not self.traces.startswith(("file:", "http://", "https://")):
            raise ConfigError("expected nothing, console, file:PATH or http://HOST:PORT", field="traces")
        if not self.stale_snapshot_s >= 0.0 or not self.stuck_commit_s > 0.0:
            name = "stale_snapshot_s" if not self.stale_snapshot_s >= 0.0 else "stuck_commit_s"
            raise ConfigError("expected seconds above 0", field=name)
        if self.drift_window < 64:
            raise ConfigError(f"expected at least 64, got {self.drift_window}", field="drift_window")


@dataclass(frozen=True, slots=True)
class CapsTableSettings:
    """Memory of frequency caps, shared by a host's workers.

    Attributes:
        users: Shoppers that were sent something within the longest cap, at most, for each campaign and for the shop.
        checkpoint_s: How often it is written to disk, in seconds, so that a start need not read weeks of journal; 0 for
            never.
    """

    users: int = 1_000_000
    checkpoint_s: float = 60.0

    def __post_init__(self) -> None:
        if not 1 <= self.users <= 1 << 30:
            raise ConfigError(f"expected 1 to 2**30, got {self.users}", field="users")
        if not 0 <= self.checkpoint_s < float("inf"):
            raise ConfigError(f"expected seconds, 0 for never, got {self.checkpoint_s}", field="checkpoint_s")


@dataclass(frozen=True, slots=True)
class ProfilesSettings:
    """Where embeddings come from for requests that bring none.

    Attributes:
        folder: Profile folder, as `python -m engine profiles build --data DATA` writes it; empty for none.
    """

    folder: str = ""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the composition root needs.

    Attributes:
        data: Folder of journal, snapshots and state.
        clock: `server` believes this machine; `client` believes the times in requests (simulation, demo, replay).
        campaigns: Campaign files that `serve` creates when they are new.
        poll_s: How often servers look for new snapshots and settings.
        caps: How often one shopper may be sent something by all campaigns together.
    """

    data: str = "var"
    clock: Literal["server", "client"] = "server"
    campaigns: tuple[str, ...] = ()
    poll_s: float = 0.2
    server: ServerSettings = field(default_factory=ServerSettings)
    journal: JournalSettings = field(default_factory=JournalSettings)
    request_ids: RequestIdSettings = field(default_factory=RequestIdSettings)
    learner: LearnerSettings = field(default_factory=LearnerSettings)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    security: SecuritySettings = field(default_factory=SecuritySettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    caps: tuple[FrequencyCap, ...] = ()
    caps_table: CapsTableSettings = field(default_factory=CapsTableSettings)
    profiles: ProfilesSettings = field(default_factory=ProfilesSettings)

    def __post_init__(self) -> None:
        checked_caps(self.caps)
        security = self.security
        if not (self.server.loopback or security.identifies_callers or security.listen_without_credentials):
            raise ConfigError(
                "to listen beyond loopback, set security.certificate and key, and security.tokens or client_ca; or put"
                " an authenticating proxy in front and set security.listen_without_credentials = true",
                field="server.host",
            )

    @property
    def tokens_file(self) -> Path:
        """Where tokens are kept; without a setting, where they would be."""
        return Path(self.security.tokens) if self.security.tokens else self.folder / "tokens.toml"

    @property
    def folder(self) -> Path:
        """The data folder."""
        return Path(self.data)

    def overridden(self, data: str, port: int) -> Settings:
        """The same settings with another data folder and port, as the command line gives them."""
        return replace(self, data=data, server=replace(self.server, port=port))


def read_settings(path: Path | None, environment: Mapping[str, str] | None = None) -> Settings:
    """Read settings from a TOML file, overridden by the environment.

    `ARMSREACH_SERVER__PORT=0` overrides `port` in `[server]`; values are TOML, or strings where they are not. The data
    folder cannot be set this way.

    Raises:
        ConfigError: Naming the file and key; unknown keys name the nearest known one.
    """
    data = read_toml(path) if path else {}
    for name, text in sorted((os.environ if environment is None else environment).items()):
        parts = name.removeprefix(PREFIX).lower().split("__")
        if name.startswith(PREFIX) and (parts[0] in _SECTIONS or parts[0] in _PLAIN):
            table = data
            for part in parts[:-1]:
                table = table.setdefault(part, {})
            table[parts[-1]] = _toml_value(text)
    settings = read(Settings, data, file=str(path or "environment"))
    return _relative_to(settings, path)


def read_toml(path: Path) -> dict[str, Any]:
    """Parse a TOML file.

    Raises:
        ConfigError: If it is missing or malformed.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError("no such file", file=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not valid TOML: {error}", file=str(path)) from None


# `data` is for the file and `--data` alone: ARMSREACH_DATA names the public data sets that tests and benchmarks read,
# and a server must not write its journal there.
_PLAIN = ("clock", "campaigns", "poll_s")
_SECTIONS = (
    "server",
    "journal",
    "request_ids",
    "learner",
    "ledger",
    "telemetry",
    "caps_table",
    "security",
    "limits",
    "profiles",
)


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _relative_to(settings: Settings, path: Path | None) -> Settings:
    """Relative files that the settings name stand beside them; the data folder beside where one works."""
    if path is None:
        return settings
    files = tuple(str(path.parent / name) for name in settings.campaigns)

    def beside(name: str) -> str:
        return str(path.parent / name) if name else ""

    named = settings.security
    security = replace(
        named,
        certificate=beside(named.certificate),
        key=beside(named.key),
        client_ca=beside(named.client_ca),
        tokens=beside(named.tokens),
    )
    profiles = replace(settings.profiles, folder=beside(settings.profiles.folder))
    return replace(settings, campaigns=files, security=security, profiles=profiles)
