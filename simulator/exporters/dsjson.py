"""A decision log as dsjson, for Vowpal Wabbit's `--dsjson` reader and the tools of decision services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from simulator.exporters.recorded_log import RecordedLog
from simulator.importers.dsjson_restored import KEPT
from simulator.log import VALUED_MODES
from simulator.quantities import MONEY_TYPES, Quantities
from simulator.timestamps import microseconds, rfc3339

__all__ = ["DsjsonExport"]

#: Fields that dsjson has a place for.
_PLACED = ("decision_id", "arm", "propensity", "eligible", "probabilities", "context", "decided_at", "snapshot", "arms")
_RELATIVE = 1e-4


class DsjsonExport:
    """One line a decision: shared features, one example an eligible arm, minus the reward as cost of the drawn arm.

    What dsjson has no place for (user, mode, count, outcomes, …) stands under `_armsreach`; Vowpal Wabbit passes over
    keys that begin with `_` and that it does not know. Rows of a mode that is not valued are marked `_skipLearn`,
    which makes it pass over the row.

    Attributes:
        objective: Outcome type → worth; the reward is their sum.
        skipped: Rows marked `_skipLearn`, once the lines are read.
        several: Rows that stand for more than one decision, likewise.

    Args:
        source: The log.
        objective: Empty means a click is worth 1, or, in a log without clicks, a purchase its money.
    """

    def __init__(self, source: RecordedLog, objective: Mapping[str, float]) -> None:
        self.objective = dict(objective) or _default_objective(source.survey.kinds)
        self.skipped = self.several = 0
        self._source = source
        self._arms = source.survey.catalogue

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield one object a decision.

        Raises:
            UnusableLog: When a line or field of the log is not what the format says.
        """
        self.skipped = self.several = 0
        described: set[str] = set()
        for records, log in self._source.chunks():
            for record, reward in zip(records, Quantities(log, self.objective)["objective"], strict=True):
                fresh = [arm for arm in record["eligible"] if arm not in described and arm in self._arms]
                described.update(fresh)
                self.several += record.get("count", 1) > 1
                yield self._line(record, float(reward), {arm: self._arms[arm] for arm in fresh})

    def _line(self, record: Mapping[str, Any], reward: float, described: Mapping[str, Any]) -> dict[str, Any]:
        eligible, chosen = record["eligible"], record["eligible"].index(record["arm"])
        # The drawn arm first, then the others by probability, as decision services list them.
        probabilities = _kept_probabilities(record)
        rank = probabilities or [0.0] * len(eligible)
        order = sorted(range(len(eligible)), key=lambda place: (place != chosen, -rank[place], place))
        line: dict[str, Any] = {
            "_label_cost": -reward if reward else 0.0,
            "_label_probability": record["propensity"],
            "_label_Action": chosen + 1,
            "_labelIndex": chosen,
        }
        if record.get("mode", "live") not in VALUED_MODES:
            self.skipped += 1
            line["_skipLearn"] = True
        if record.get("decided_at") is not None:
            line["Timestamp"] = _moment(record["decided_at"])
        line |= {"Version": "1", "EventId": record["decision_id"], "a": [place + 1 for place in order]}
        context, apart = _context(record)
        line["c"] = {**context, "_multi": [self._action(arm) for arm in eligible]}
        if probabilities is not None:
            line["p"] = [probabilities[place] for place in order]
        if isinstance(record.get("snapshot"), str):
            line["VWState"] = {"m": record["snapshot"]}
        line[KEPT] = {**_rest(record, probabilities is not None), **apart}
        if described:
            line[KEPT]["arms"] = described
        return line

    def _action(self, arm: str) -> dict[str, Any]:
        """Write an arm with its features, in a namespace of their own beside what names it."""
        described = self._arms.get(arm, {})
        named = {
            part: described[part] for part in ("variant", "channel", "slot") if isinstance(described.get(part), str)
        }
        action: dict[str, Any] = {"_tag": arm, "arm": named or {"id": arm}}
        features = described.get("features")
        plain = {name: value for name, value in (features or {}).items() if isinstance(value, str | int | float)}
        if plain:
            action["features"] = plain
        if described.get("embedding"):
            action["embedding"] = described["embedding"]
        return action


def _default_objective(kinds: Set[str]) -> dict[str, float]:
    if "click" in kinds or kinds.isdisjoint(MONEY_TYPES):
        return {"click": 1.0}
    return {"purchase": 1.0, "refund": -1.0, "cost": -1.0}


def _kept_probabilities(record: Mapping[str, Any]) -> list[float] | None:
    """Give the probabilities where `p` can hold them: all kept, and in agreement with the propensity."""
    values = record.get("probabilities")
    if values is None or None in values:
        return None
    stated, propensity = values[record["eligible"].index(record["arm"])], record["propensity"]
    return list(values) if abs(stated - propensity) <= _RELATIVE * propensity else None


def _context(record: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part the context into what stands in `c`, and what has a name with a meaning there."""
    context, embedding = record.get("context") or {}, record.get("embedding")
    apart = {name: value for name, value in context.items() if _is_special(name)}
    placed = {name: value for name, value in context.items() if name not in apart}
    kept: dict[str, Any] = {"context": apart} if apart else {}
    if embedding is not None:
        placed["embedding"] = embedding
    return placed, kept


def _is_special(name: str) -> bool:
    return not name or name.startswith(("_", "embedding"))


def _rest(record: Mapping[str, Any], has_probabilities: bool) -> dict[str, Any]:
    """Gather what has no place, and the propensity where `p` holds a neighbour of it."""
    rest = {name: value for name, value in record.items() if name not in _PLACED}
    if not has_probabilities and "probabilities" in record:
        rest["probabilities"] = record["probabilities"]
    if not isinstance(record.get("snapshot", ""), str):
        rest["snapshot"] = record["snapshot"]
    return {**rest, "propensity": record["propensity"]}


def _moment(value: Any) -> str:
    at = microseconds(value if isinstance(value, str) else value.isoformat())
    assert at is not None, "the log was checked"
    return rfc3339(at)
