"""From the journal to a decision log that the simulator, or anybody else, can replay."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from engine.core.campaign import Campaign
from engine.core.catalogue import Catalogue
from engine.core.decision import Decision
from engine.core.errors import InvalidInput, NotFound
from engine.core.join_rule import JoinRule
from engine.core.joined_decision import Credit
from engine.core.outcome import Outcome
from engine.journal import Position, Positions
from engine.service.exporting_credits import CreditTable
from engine.service.learning_settings import horizons
from engine.service.learning_source import JournalSource

SCHEMA = "armsreach.decision.v1"


def export_log(
    reader: JournalSource, campaign: Campaign, catalogues: Callable[[str], Catalogue], output: Path
) -> dict[str, int]:
    """Write a campaign's decisions, each with all its outcomes, as JSON Lines; `OUTPUT.catalogue.json` has the arms.

    The journal is read twice: first for who is credited with what, then for the rows. Contexts are never all in memory.
    The files appear under their names only when they are whole. Outcomes that came after training had closed its books
    are in the log too.

    Args:
        reader: The journal.
        campaign: Its settings.
        catalogues: Digest → catalogue; raises NotFound for one nobody knows.
        output: Where to write.

    Returns:
        Counts: `decisions` written, `outcomes` credited to one or more decisions, `uncredited` outcomes (outside every
        horizon, or of nobody's), `duplicates` left out, and `unknown_catalogues`, which are missing beside the log.

    Raises:
        InvalidInput: If the files cannot be written there.
    """
    if output.suffix in (".gz", ".parquet"):
        raise InvalidInput(
            "expected a name for JSON Lines, such as log.jsonl",
            field="output",
            file=str(output),
        )
    try:
        with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as scratch:
            export = _Export(reader, campaign, catalogues, Path(scratch))
            try:
                return export.write(output)
            finally:
                export.credits.close()
    except OSError as error:
        raise InvalidInput(
            f"expected a writable path, got {error.strerror or error}; choose another", file=str(output)
        ) from error


class _Export:
    """One export under way."""

    def __init__(
        self, reader: JournalSource, campaign: Campaign, catalogues: Callable[[str], Catalogue], scratch: Path
    ) -> None:
        self._reader = reader
        self._campaign = campaign.id
        self._catalogues = catalogues
        self._scratch = scratch
        self.credits = CreditTable(scratch / "credits.db", JoinRule(horizons(campaign), campaign.attribution))
        self._counts = dict.fromkeys(("decisions", "outcomes", "uncredited", "duplicates", "unknown_catalogues"), 0)
        self._digests: dict[str, None] = {}
        self._read = Positions()

    def write(self, output: Path) -> dict[str, int]:
        self._collect()
        watermark = self._reader.watermark(self._read)
        rows, beside = self._scratch / "rows", self._scratch / "catalogue"
        with open(rows, "wb") as file:
            for row in self._rows(watermark):
                file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        beside.write_bytes(orjson.dumps(self._arms(), option=orjson.OPT_INDENT_2))
        beside.replace(f"{output}.catalogue.json")
        rows.replace(output)
        return self._counts

    def _records(self) -> Iterator[tuple[Position, Decision | Outcome]]:
        for position, entry in self._reader.read():
            self._read = self._read.after(position)
            if isinstance(entry.record, Decision | Outcome) and entry.record.campaign == self._campaign:
                yield position, entry.record

    def _collect(self) -> None:
        for place, record in self._records():
            new = self.credits.add(place, record)
            self._counts["duplicates"] += not new
            self._counts["outcomes"] += new and isinstance(record, Outcome)
        self._counts["uncredited"] = self.credits.settle()
        self._counts["outcomes"] -= self._counts["uncredited"]

    def _rows(self, watermark: datetime | None) -> Iterator[dict[str, Any]]:
        observed_until = None if watermark is None else watermark.isoformat()
        for place, record in self._records():
            if isinstance(record, Decision) and self.credits.is_first(place, record):
                self._digests[record.catalogue] = None
                self._counts["decisions"] += 1
                yield decision_row(record, self.credits.credits(record.id), observed_until)

    def _arms(self) -> dict[str, Any]:
        arms: dict[str, Any] = {}
        for digest in self._digests:
            try:
                arms |= catalogue_document(self._catalogues(digest))
            except NotFound:
                self._counts["unknown_catalogues"] += 1
        return arms


def decision_row(decision: Decision, credits: list[Credit], observed_until: str | None) -> dict[str, Any]:
    """One row of the decision log, version 1; what is not known is null, never an empty string."""
    embedding = decision.context.embedding
    return {
        "schema": SCHEMA,
        "decision_id": decision.id,
        "decided_at": decision.decided_at.isoformat(),
        "observed_until": observed_until,
        "campaign": decision.campaign,
        "user": decision.user or None,
        "mode": decision.mode.value,
        "context": dict(decision.context.attributes),
        "embedding": [float(x) for x in embedding] if len(embedding) else None,
        "eligible": list(decision.eligible),
        "arm": decision.arm,
        "propensity": decision.propensity,
        "probabilities": decision.probabilities,
        "excluded": dict(decision.excluded),
        "policy": decision.policy or None,
        "snapshot": decision.snapshot or None,
        "seed": decision.seed,
        "outcomes": [_outcome_fields(credit) for credit in credits],
    }


def _outcome_fields(credit: Credit) -> dict[str, Any]:
    outcome = credit.outcome
    fields = {
        "type": outcome.type.value,
        "value": outcome.value,
        "at": outcome.at.isoformat(),
        "outcome_id": outcome.id,
        "attribution": credit.attribution,
    }
    return {**fields, "reason": outcome.reason} if outcome.reason else fields


def catalogue_document(catalogue: Catalogue) -> dict[str, Mapping[str, Any]]:
    """Arm id → variant, channel, slot, features and copy embedding, as `LOG.catalogue.json` has them."""
    document: dict[str, Mapping[str, Any]] = {}
    for i, features in enumerate(catalogue.features()):
        arm, variant = catalogue.arms[i], catalogue.variant(i)
        document[str(catalogue.ids[i])] = {
            "variant": arm.variant if arm else None,
            "channel": arm.channel if arm else None,
            "slot": arm.slot if arm else None,
            "features": {feature.key: feature.value for feature in features if feature.namespace != "E"},
            "embedding": list(variant.embedding) if variant and variant.embedding else None,
        }
    return document
