"""Logs of decision services (Azure Personalizer, Vowpal Wabbit's dsjson) as a decision log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.core.errors import InvalidInput
from simulator.importers.dsjson_arms import ArmNaming, ArmSurvey
from simulator.importers.dsjson_event import Observation, draw, drop_rate, is_decision, moment, observations
from simulator.importers.dsjson_outcomes import NO_REWARD, RewardSurvey, outcomes_of
from simulator.importers.dsjson_restored import kept_apart, restored
from simulator.importers.flat_features import FlatFeatures, flat_features
from simulator.importers.json_source import JsonLine, json_lines
from simulator.keyed_hash import hash_strings, uniform

__all__ = ["INACTIVE", "DsjsonLog", "DsjsonOptions"]

#: What becomes of decisions that were deferred and never taken.
INACTIVE = ("shadow", "not_sent", "drop")
_DEFERRED = ("_skipLearn", "DeferredAction", "deferredAction", "deferred")


@dataclass(frozen=True, slots=True)
class DsjsonOptions:
    """How to read a source.

    Attributes:
        outcome: Outcome type of a bare reward; None is click when all rewards are 0 or 1, else purchase.
        user: Flat name of the context attribute that is the user.
        hold: Name, in the source, of the action that sends nothing.
        arm_name: One of `ARM_NAMINGS`; None is the first that holds in all rows.
        inactive: One of `INACTIVE`.
        thin: Whether to drop decisions so that all were dropped at the same rate.
        estimate: Whether a decision without a probability may stay without one, for it to be estimated.
    """

    outcome: str | None = None
    user: str | None = None
    hold: str | None = None
    arm_name: str | None = None
    inactive: str = "shadow"
    thin: bool = False
    estimate: bool = False


@dataclass(slots=True)
class _Counts:
    decisions: int = 0
    late: int = 0
    repeated: int = 0
    inactive: int = 0
    apprentice: int = 0
    thinned: int = 0
    restored: int = 0
    users: int = 0


@dataclass(slots=True)
class _Late:
    """Rewards that came on a line of their own, in the order of the file."""

    observations: list[tuple[Observation, int]] = field(default_factory=list)
    lines: set[str] = field(default_factory=set)


class DsjsonLog:
    """A source read twice: first for arms, rewards and drop rates, then row by row.

    Args:
        path: JSON Lines, gzipped or not.
        options: How to read it.

    Raises:
        UnusableLog: When a line or field is not what the format says.
        InvalidInput: When decisions were dropped at different rates, and the options do not say to thin.
    """

    def __init__(self, path: str, options: DsjsonOptions) -> None:
        self._path, self._options = path, options
        self._ids: dict[str, int] = {}
        self._late: dict[str, _Late] = {}
        self._repeats = 0
        self._catalogue: dict[str, Mapping[str, Any]] = {}
        arms, self._rewards, rates = ArmSurvey(), RewardSurvey(), set()
        for line in json_lines(path):
            if not is_decision(line):
                self._keep_late(line)
                continue
            self._take_id(line)
            draw(line)
            rates.add(drop_rate(line))
            arms.see(line.fields["c"]["_multi"])
            kept = kept_apart(line)
            self._catalogue.update(kept.get("arms") or {})
            if not kept:
                self._rewards.see(line, observations(line))
        self._naming = ArmNaming(options.arm_name or arms.naming, options.hold)
        self._rates = rates or {0.0}
        if len(self._rates) > 1 and not options.thin:
            raise InvalidInput(
                f"expected decisions dropped at one rate, got pdrop from {min(rates):g} to {max(rates):g}, which no "
                "count of decisions can undo; thin them all to the highest with --thin",
                field="pdrop",
                file=path,
            )
        self._outcome = options.outcome or self._rewards.outcome
        self._counts = _Counts()

    def arms(self) -> Mapping[str, Mapping[str, Any]]:
        """Describe the arms for the catalogue beside the log; complete once the records are read."""
        return {**self._naming.described, **self._catalogue}

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield one decision a row; may be called again.

        Raises:
            UnusableLog: When a line or field is not what the format says.
            InvalidInput: When no row has the user that the options name.
        """
        self._counts = counts = _Counts()
        for line in json_lines(self._path):
            if is_decision(line) and not self._is_thinned(line):
                record = self._decision(line)
                if record is not None:
                    counts.decisions += 1
                    counts.users += "user" in record
                    yield record
        if self._options.user is not None and not counts.users:
            raise InvalidInput(f"expected a context attribute, got {self._options.user!r}; correct it", field="--user")

    def notes(self) -> list[str]:
        """Say what a reader should know of the records read."""
        counts, options = self._counts, self._options
        joined = sum(len(late.observations) for key, late in self._late.items() if key in self._ids)
        dangling = {key: late for key, late in self._late.items() if key not in self._ids}
        lost = sum(len(late.observations) for late in dangling.values())
        changed = len(self._naming.changing - self._catalogue.keys())
        rate = max(self._rates)
        found = [
            (
                counts.restored < counts.decisions,
                f"arms are named by {self._naming.naming}; a reward is a {self._outcome}" + self._money(),
            ),
            (changed, f"{changed} arms had other features in other rows; the catalogue has the first seen"),
            (joined, f"{joined} late rewards joined to their decisions by EventId"),
            (lost, f"{lost} rewards of {len(dangling)} decisions that are not in the source were left out"),
            (self._repeats, f"{self._repeats} reward lines repeated another to the letter and were counted once"),
            (counts.inactive, f"{counts.inactive} decisions were deferred and never activated: {self._inactive()}"),
            (
                counts.apprentice,
                f"{counts.apprentice} decisions have a label that differs from the original one, as apprentice mode "
                "writes it: there the arms were not drawn with these probabilities, and no replay is valid",
            ),
            (
                self._rewards.unequal,
                f"in {self._rewards.unequal} decisions the observations do not sum to the label's reward (services "
                "keep the earliest, or another function of them); the observations are taken",
            ),
            (
                rate and len(self._rates) == 1,
                f"{rate:.0%} of all decisions were dropped at random, everywhere alike: means are unaffected",
            ),
            (counts.thinned, f"{counts.thinned} decisions dropped, so that all were dropped at the rate {rate:g}"),
            (not options.user and not counts.users, "no --user: intervals take decisions as independent"),
        ]
        return [text for holds, text in found if holds]

    def _money(self) -> str:
        return f" ({NO_REWARD})" if self._outcome == "purchase" and self._options.outcome is None else ""

    def _inactive(self) -> str:
        if self._options.inactive == "drop":
            return "left out"
        if self._options.inactive == "not_sent":
            return "kept with outcome not_sent"
        return (
            "mode shadow, not valued; if an arm has a say in it (an opened e-mail), take --inactive not_sent, so that "
            "every decision counts"
        )

    def _take_id(self, line: JsonLine) -> None:
        key = _decision_id(line)
        first = self._ids.setdefault(key, line.line)
        if first != line.line:
            got = f"{key!r}, also on line {first}"
            line.refuse("EventId", "an id that occurs once among decisions", got, "remove the repeated line")

    def _keep_late(self, line: JsonLine) -> None:
        late = self._late.setdefault(line.fields["EventId"], _Late())
        content = repr(line.fields)
        if content in late.lines:
            self._repeats += 1
            return
        late.lines.add(content)
        observed = list(observations(line))
        self._rewards.see(line, observed)
        late.observations += [(observation, line.line) for observation in observed]

    def _is_thinned(self, line: JsonLine) -> bool:
        """Drop a decision by its id, so that each was kept with the probability of those dropped most."""
        keep = (1.0 - max(self._rates)) / (1.0 - drop_rate(line))
        if keep >= 1.0 or float(uniform(hash_strings([_decision_id(line)], "dsjson:thin"))[0]) < keep:
            return False
        self._counts.thinned += 1
        return True

    def _decision(self, line: JsonLine) -> dict[str, Any] | None:
        drawn, actions = draw(line), line.fields["c"]["_multi"]
        names = self._naming.names(line, actions)
        eligible = [names[place] for place in drawn.eligible]
        record: dict[str, Any] = {
            "schema": "armsreach.decision.v1",
            "decision_id": _decision_id(line),
            "arm": eligible[drawn.chosen],
            "eligible": eligible,
            **_drawn(line, drawn.propensity, drawn.probabilities, self._options.estimate),
            **_origin(line),
        }
        kept = kept_apart(line)
        if kept:
            self._counts.restored += 1
            return restored(record, line.fields["c"], kept)
        flat = flat_features(line.fields["c"])
        record["context"] = flat.features
        record.update(self._person(flat))
        if flat.metadata:
            record["metadata"] = flat.metadata
        return self._with_outcomes(record, line)

    def _person(self, flat: FlatFeatures) -> dict[str, str]:
        name = self._options.user
        value = None if name is None else flat.features.get(name, flat.metadata.get(name))
        return {} if value is None or value == "" else {"user": str(value)}

    def _with_outcomes(self, record: dict[str, Any], line: JsonLine) -> dict[str, Any] | None:
        observed = [(observation, line.line) for observation in observations(line)]
        late = self._late.get(record["decision_id"])
        observed += late.observations if late is not None else []
        record["outcomes"] = outcomes_of(observed, self._outcome, self._path)
        self._counts.apprentice += _apprentice(line)
        activated = any(observation.value is None for observation, _ in observed)
        if activated or not any(line.flag(name) for name in _DEFERRED):
            return record
        self._counts.inactive += 1
        if self._options.inactive == "drop":
            return None
        if self._options.inactive == "not_sent":
            record["outcomes"].append({"type": "not_sent", "reason": "not activated"})
        else:
            record["mode"] = "shadow"
        return record


def _decision_id(line: JsonLine) -> str:
    key = line.fields.get("EventId")
    if key is not None and (not isinstance(key, str) or not key):
        line.refuse("EventId", "a non-empty text", key, "correct the line")
    return key or f"line{line.line}"


def _drawn(
    line: JsonLine, propensity: float | None, probabilities: Sequence[float] | None, estimate: bool
) -> dict[str, Any]:
    if propensity is None and not estimate:
        line.refuse(
            "p", "the probabilities of the draw", "none", "log them with the decision, or take --propensity estimate"
        )
    drawn: dict[str, Any] = {} if propensity is None else {"propensity": propensity}
    return drawn if probabilities is None else {**drawn, "probabilities": list(probabilities)}


def _origin(line: JsonLine) -> dict[str, Any]:
    origin: dict[str, Any] = {}
    at, state = moment(line, line.fields.get("Timestamp"), "Timestamp"), line.fields.get("VWState")
    if at is not None:
        origin["decided_at"] = at
    if isinstance(state, dict) and isinstance(state.get("m"), str):
        origin["snapshot"] = state["m"]
    return origin


def _apprentice(line: JsonLine) -> bool:
    """Tell a label that was changed: apprentice mode rewards the model only where it agrees with the baseline."""
    original, label = line.fields.get("_original_label_cost"), line.fields.get("_label_cost")
    return original is not None and label is not None and original != label
