"""Approval: a person lets copy be sent, and the file says who."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.core.errors import InvalidInput
from generators.brief import Brief
from generators.brief_file import brief_of
from generators.draft import Draft
from generators.variants import variants_from_file, write_variants
from generators.verification import Finding, Verifier


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of some variants.

    Attributes:
        state: `approved`, or `killed` for copy that shall never be sent.
        by: Who said it; kept in the provenance.
        at: When, with a time zone.
        note: Why, or empty.
    """

    state: str
    by: str
    at: datetime
    note: str = ""

    def __post_init__(self) -> None:
        if not self.by.strip():
            raise InvalidInput("expected who approves; give --by NAME", field="--by")


class VariantsFile:
    """A variants file that people go through."""

    def __init__(self, path: Path, verifier: Verifier | None = None) -> None:
        """Read the file.

        Raises:
            InvalidInput: It is no variants file; names line and field.
        """
        self._verifier, self.path = verifier or Verifier(), path
        # The catalogue's own reader names what is wrong; the records keep what it does not carry.
        self.ids = [str(variant.id) for variant in variants_from_file(path)]
        lines = path.read_text(encoding="utf-8").splitlines()
        self.records: dict[str, dict[str, Any]] = dict(
            zip(self.ids, (json.loads(line) for line in lines if line.strip()), strict=True)
        )

    def drafts(self) -> list[str]:
        """Return ids of variants that nobody has judged yet."""
        return [id_ for id_ in self.ids if self.records[id_].get("state", "draft") == "draft"]

    def findings(self, id_: str) -> list[Finding]:
        """Check a variant again as it now stands in the file, against the facts of the brief that it was made from.

        A person may have edited the strings since they were written; what is approved is what stands here.
        """
        record = self.records[id_]
        found = self._verifier.findings(_draft(record), self._brief(id_))
        return found + [
            Finding("state", "", "", f"is {state}, and stays so")
            for state in (record.get("state"),)
            if state == "killed"
        ]

    def decide(self, ids: Sequence[str], decision: Decision) -> None:
        """Set the state of variants and write the file; all of them or none.

        Raises:
            InvalidInput: An id is not in the file, or a variant to approve does not pass the checks.
        """
        if unknown := [id_ for id_ in ids if id_ not in self.records]:
            raise InvalidInput(f"no variant {unknown[0]!r} in it", field="VARIANT", file=str(self.path))
        if decision.state == "approved":
            for id_ in ids:
                if found := self.findings(id_):
                    remedy = "add it under a new id" if found[0].check == "state" else "mend the copy or leave it out"
                    message = f"{said(found[0])}; {remedy}"
                    raise InvalidInput(message, field=id_, file=str(self.path))
        given = {"by": decision.by, "at": decision.at.isoformat(timespec="seconds")}
        given |= {"note": decision.note} if decision.note else {}
        for id_ in ids:
            record = self.records[id_]
            name = "approved" if decision.state == "approved" else "rejected"
            provenance = {k: v for k, v in record.get("provenance", {}).items() if k not in ("approved", "rejected")}
            self.records[id_] = record | {"state": decision.state, "provenance": provenance | {name: given}}
        write_variants([self.records[id_] for id_ in self.ids], self.path)

    def _brief(self, id_: str) -> Brief:
        facts = self.records[id_].get("provenance", {}).get("brief_facts")
        if facts is None:
            message = "expected the facts that the copy was made from, to check it against; write the copy again"
            raise InvalidInput(message, field=f"{id_}.provenance.brief_facts", file=str(self.path))
        return brief_of(facts)


def said(finding: Finding) -> str:
    """Return a finding as one line."""
    place = ".".join(part for part in (finding.channel, finding.field) if part)
    return f"{place}: {finding.reason} ({finding.check})" if place else f"{finding.reason} ({finding.check})"


def _draft(record: Mapping[str, Any]) -> Draft:
    provenance, features = record.get("provenance", {}), record.get("features", {})
    return Draft(
        channels=record.get("channels", {}),
        hook=str(provenance.get("hook", "")),
        tone=str(features.get("tone", "")),
        lead=str(features.get("lead", "")),
    )
