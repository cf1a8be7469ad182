"""One line of a decision service's log, read into what a decision log has to know.

Source: the joiner and the JSON parser of Vowpal Wabbit (github.com/VowpalWabbit/reinforcement_learning,
external_parser/log_converter.cc; github.com/VowpalWabbit/vowpal_wabbit, json_parser/src/parse_example_json.cc). `a`
lists 1-based places in `_multi`, the drawn one first; `p` stands in the same order; `_label_cost` is minus the
reward.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.importers.json_source import JsonLine
from simulator.timestamps import microseconds, rfc3339

__all__ = ["Draw", "Observation", "draw", "drop_rate", "is_decision", "moment", "observations"]

_RELATIVE = 1e-4
_SUM = 1e-5
#: Keys of logs with several slots or with continuous actions.
_OTHER_PROBLEMS = ("_outcomes", "_label_ca", "pdf")


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn from what.

    Attributes:
        eligible: Places in `_multi` that could be drawn, ascending.
        chosen: Place of the drawn one in `eligible`.
        propensity: Its probability, None where the line has none.
        probabilities: Of all in `eligible`, None where the line has none.
    """

    eligible: Sequence[int]
    chosen: int
    propensity: float | None
    probabilities: Sequence[float] | None


@dataclass(frozen=True, slots=True)
class Observation:
    """A reward, or the news that a deferred action was taken.

    Attributes:
        kind: Outcome type that the source names, None for a bare number.
        value: The reward; None for the bare news of an activation.
        at: RFC 3339 time, where stated.
    """

    kind: str | None
    value: float | None
    at: str | None


def is_decision(line: JsonLine) -> bool:
    """Tell a decision from a reward that found none to join; refuse what is neither.

    Raises:
        UnusableLog: When the line is neither, or decides several slots or a continuous action.
    """
    for field in _OTHER_PROBLEMS:
        if field in line.fields:
            line.refuse(
                field,
                "a decision for one slot among listed actions",
                "slots or a continuous action",
                "export each slot as a decision of its own, or leave the line out",
            )
    if isinstance(line.fields.get("c"), dict):
        if line.fields["c"].get("_slots") is not None:
            line.refuse("c._slots", "a decision for one slot", "several", "export each slot as a decision of its own")
        return True
    if not {"RewardValue", "Observations", "v", "ActionTaken"} & line.fields.keys():
        line.refuse("c", "a context with `_multi`, or a reward with `EventId`", "neither", "repair or remove the line")
    if not isinstance(line.fields.get("EventId"), str):
        line.refuse("EventId", "the id of the rewarded decision", line.fields.get("EventId"), "repair the line")
    return False


def draw(line: JsonLine) -> Draw:
    """Read actions, choice and probabilities of a decision.

    Raises:
        UnusableLog: When they are malformed or contradict each other.
    """
    listed = _places(line)
    drawn = line.fields.get("_label_Action", listed[0])
    if not isinstance(drawn, int) or drawn not in listed:
        line.refuse("_label_Action", "one of the actions in `a`", drawn, "correct the line")
    index = line.fields.get("_labelIndex", drawn - 1)
    if index != drawn - 1:
        line.refuse("_labelIndex", f"{drawn - 1}, one below `_label_Action`", index, "correct the line")
    eligible = sorted(listed)
    stated = _probabilities(line, listed)
    aligned = None if stated is None else [stated[place] for place in eligible]
    propensity = _propensity(line, None if stated is None else stated[drawn])
    return Draw([place - 1 for place in eligible], eligible.index(drawn), propensity, aligned)


def _places(line: JsonLine) -> list[int]:
    actions = line.objects("c._multi", line.fields["c"].get("_multi"))
    if not actions:
        line.refuse("c._multi", "a list of at least one action", "none", "export the actions with the decision")
    listed = line.fields.get("a", list(range(1, len(actions) + 1)) if "_label_Action" in line.fields else None)
    if (
        not isinstance(listed, list)
        or not listed
        or not all(type(place) is int and 1 <= place <= len(actions) for place in listed)
        or len(set(listed)) < len(listed)
    ):
        line.refuse("a", f"distinct places from 1 to {len(actions)}, the drawn one first", listed, "correct the line")
    return listed


def _probabilities(line: JsonLine, listed: Sequence[int]) -> Mapping[int, float] | None:
    field = "p" if "p" in line.fields else "_p"
    values = line.fields.get(field)
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != len(listed):
        line.refuse(field, f"{len(listed)} probabilities, in the order of `a`", values, "correct the line")
    numbers = [line.number(f"{field}[{place}]", value) for place, value in enumerate(values)]
    if min(numbers) < 0.0 or abs(math.fsum(numbers) - 1.0) > _SUM:
        line.refuse(
            field,
            "probabilities that sum to 1 within 1e-5",
            f"a sum of {math.fsum(numbers):.8g}",
            "log the probabilities of the draw as made",
        )
    return dict(zip(listed, numbers, strict=True))


def _propensity(line: JsonLine, stated: float | None) -> float | None:
    """Take the probability from `p`, else from the label; a label of 0 is how joiners write that there is none.

    Joiners may have multiplied the label by the share of decisions that were not dropped, which is no part of the
    draw.
    """
    field, kept = "_label_probability", 1.0 - drop_rate(line)
    label = line.fields.get(field)
    if label is not None:
        label = line.number(field, label)
    if stated is None:
        if not label:
            return None
        stated = label
    elif label and min(abs(label - stated), abs(label - stated * kept)) > _RELATIVE * stated:
        line.refuse(field, f"{stated:.8g} as in `p`", label, "find out which one drew the action, and write it in both")
    if not 0.0 < stated <= 1.0:
        line.refuse(field, "a probability in (0, 1] of the drawn action", stated, "correct the line, or leave it out")
    return stated


def drop_rate(line: JsonLine) -> float:
    """Return the share of decisions that were dropped at random beside this one.

    Raises:
        UnusableLog: When it is not in [0, 1).
    """
    value = line.fields.get("pdrop")
    rate = 0.0 if value is None else line.number("pdrop", value)
    if not 0.0 <= rate < 1.0:
        line.refuse("pdrop", "a share in [0, 1)", value, "correct the line, or leave it out")
    return rate


def observations(line: JsonLine) -> Iterator[Observation]:
    """Yield what was observed of a decision, or what a reward without one says.

    A decision without observations has its label instead: minus the cost, before apprentice mode changed it.

    Raises:
        UnusableLog: When a reward is no number, nor an object of numbers by outcome type.
    """
    field = "o" if is_decision(line) else "Observations"
    found = False
    for place, observed in enumerate(line.objects(field, line.fields.get(field))):
        for observation in _observation(line, f"{field}[{place}]", observed, observed.get("v")):
            found |= observation.value is not None
            yield observation
    if found:
        return
    if field == "Observations":
        yield from _observation(line, "RewardValue", line.fields, line.fields.get("RewardValue", line.fields.get("v")))
        return
    for name in ("_original_label_cost", "_label_cost"):
        if line.fields.get(name) is not None:
            yield Observation(None, -line.number(name, line.fields[name]), None)
            return


def _observation(line: JsonLine, field: str, observed: Mapping[str, Any], value: Any) -> Iterator[Observation]:
    at = moment(line, observed.get("EnqueuedTimeUtc", line.fields.get("EnqueuedTimeUtc")), "EnqueuedTimeUtc")
    if observed.get("ActionTaken") is True:
        yield Observation(None, None, at)
    if isinstance(value, dict):
        for kind, part in value.items():
            yield Observation(kind, _reward(line, f"{field}.v.{kind}", part), at)
    elif value is not None:
        yield Observation(None, _reward(line, f"{field}.v", value), at)


def _reward(line: JsonLine, field: str, value: object) -> float:
    return float(value) if isinstance(value, bool) else line.number(field, value)


def moment(line: JsonLine, value: object, field: str) -> str | None:
    """Return a time as RFC 3339 in UTC; services write it with seven decimals, some without the zone.

    Raises:
        UnusableLog: When it is no time.
    """
    if value is None:
        return None
    at = microseconds(value)
    if at is None and isinstance(value, str):
        at = microseconds(f"{value}Z")
    if at is None:
        line.refuse(field, "an RFC 3339 time", value, "write 2025-03-01T12:00:00Z")
    return rfc3339(at)
