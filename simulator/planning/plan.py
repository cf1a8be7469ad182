"""Plans how much traffic a verdict, or the finding of a lift, takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.stats import norm

from engine.core.errors import InvalidInput
from simulator.defaults import default_metrics, default_policies, ranking_metric
from simulator.diagnostics import Diagnostics
from simulator.evaluate import evaluate
from simulator.log import Log
from simulator.log_facts import LogFacts
from simulator.log_narrowing import Narrowed
from simulator.metric import Metric, metric_table
from simulator.planning.detection import needed_factor, smallest_effect
from simulator.planning.floors import floor_of_log, floor_plans
from simulator.planning.plan_report import Plan, PolicyPlan, Wait
from simulator.planning.question import Question, questions
from simulator.planning.spread import Spread
from simulator.planning.summary import summary
from simulator.planning.traffic import Traffic
from simulator.replay_settings import ReplaySettings
from simulator.report.replay_report import Estimate, PolicyReport
from simulator.thresholds import Thresholds
from simulator.verdict import VerdictName

__all__ = ["DEFAULT_FLOORS", "plan"]

DEFAULT_FLOORS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
_HORIZONS = (0.0, 7.0, 14.0, 28.0)
_LINEAR = (
    "effective sample sizes grow in proportion to users; further decisions of users seen before add what their own "
    "draws add"
)
_FEW = 30.0
_MOSTLY_NEW = 0.8


def plan(
    log: Log,
    *,
    policies: Sequence[str] | None = None,
    metric: str | None = None,
    estimator: str = "dr",
    lift: float = 0.05,
    power: float = 0.8,
    within: float = 14.0,
    floors: Sequence[float] = DEFAULT_FLOORS,
    logged_floor: float | None = None,
    settings: ReplaySettings | None = None,
) -> Plan:
    """Say how much more traffic, or which exploration floor, a verdict on each policy takes.

    Args:
        log: The decisions so far.
        policies: SPECs; by default those of a replay.
        metric: Key; by default the one that ranks policies.
        estimator: Whose paired variance decides what is found.
        lift: Relative lift on logged that is to be found.
        power: Probability with which it is to be found.
        within: Days (or thousands of decisions) in which a floor has to lead to a trusted verdict.
        floors: Candidate exploration floors.
        logged_floor: The log's own floor; by default read off its probabilities.
        settings: Of the replay underneath; its level is that of tests and intervals too.

    Raises:
        InvalidInput: When a name or number is not usable, or the settings do not fit the log.
    """
    settings = settings or ReplaySettings()
    _checked(lift, power, within, floors, logged_floor)
    settings = replace(settings, interval="delta", by=None)
    facts = LogFacts.of(Narrowed(log, settings), cluster=settings.cluster, reward_max=settings.reward_max)
    key = metric or ranking_metric(default_metrics(facts, settings.objective))
    specs = list(dict.fromkeys(policies)) if policies else default_policies(facts)
    report = evaluate(log, policies=specs, metrics=[key], estimators=[estimator], settings=settings)
    objective = Metric("objective", "objective / decision", {"objective": 1.0}, {}, False)
    planned_metric = {**metric_table(settings.margin), "objective": objective}[key]
    asked = questions(log, ["logged", *specs], planned_metric, settings)
    traffic = Traffic.of(asked[0].log, asked[0].clusters)
    floor, told = floor_of_log(asked[0].log, logged_floor)
    planner = _Planner(key, estimator, lift, power, settings.level, settings.thresholds, traffic)
    planned = []
    for policy, question in zip(report.policies, asked[1:], strict=True):
        one = planner.policy(policy, question)
        if floor is not None and policy.policy != "logged":
            one = planner.with_floors(one, question, floor, floors, within, planned_metric.needs_hold)
        planned.append(one)
    return Plan(
        metric=key,
        estimator=estimator,
        traffic=traffic,
        lift=lift,
        power=power,
        level=settings.level,
        within=within,
        logged_floor=floor,
        policies=tuple(planned),
        notes=tuple(_notes(planned, traffic, told, report.notes)),
        summary=summary(planned, traffic, lift, power, within),
    )


def _checked(lift: float, power: float, within: float, floors: Sequence[float], logged_floor: float | None) -> None:
    """Written so that NaN is refused."""
    ranges: list[tuple[str, float, bool, str]] = [
        ("--lift", lift, -1.0 <= lift <= 100.0 and lift != 0.0, "a relative lift such as 0.05, not 0"),
        ("--power", power, 0.5 <= power < 1.0, "a probability from 0.5 up to 1"),
        ("--within", within, 0.0 < within < float("inf"), "a number above 0"),
        *(("--floor", floor, 0.0 < floor < 1.0, "shares between 0 and 1") for floor in floors),
    ]
    if logged_floor is not None:
        ranges.append(("--logged-floor", logged_floor, 0.0 < logged_floor < 1.0, "a share between 0 and 1"))
    for flag, value, fits, wanted in ranges:
        if not fits:
            raise InvalidInput(f"expected {wanted}, got {value:g}; change it", field=flag)


def _notes(planned: Sequence[PolicyPlan], traffic: Traffic, floor: str | None, of_policies: Sequence[str]) -> list[str]:
    notes = [_LINEAR]
    if traffic.fresh < _MOSTLY_NEW:
        notes.append(f"most decisions come from users seen before; new ones come at {traffic.users:,.1f} per day")
    few = [one.policy for one in planned if 0.0 < one.reward_ess < _FEW]
    if few:
        notes.append(f"planned from under {_FEW:g} effective rewarded users, so only a rough guess: {', '.join(few)}")
    if traffic.unit != "day":
        notes.append("the log has no times, so traffic is counted in thousands of decisions")
    return [*notes, *([floor] if floor else []), *of_policies]


class _Planner:
    """Plans one policy at a time against the same traffic."""

    def __init__(
        self,
        metric: str,
        estimator: str,
        lift: float,
        power: float,
        level: float,
        thresholds: Thresholds,
        traffic: Traffic,
    ) -> None:
        self._metric, self._estimator, self._lift, self._power = metric, estimator, lift, power
        self._level, self._thresholds, self._traffic = level, thresholds, traffic

    def policy(self, report: PolicyReport, question: Question) -> PolicyPlan:
        metric, seen, limits = report.metrics[self._metric], report.diagnostics, self._thresholds
        value = metric.estimates[self._estimator]
        # Rows that may not judge a policy (before a snapshot's training ended) do not count for it.
        traffic = Traffic.of(question.log, question.clusters)
        weights, scarcest = question.weights, question.scarcest
        difference = report.versus.get("logged", {}).get(self._metric, {}).get(self._estimator)
        waits = _Waits(report, traffic, weights, scarcest, limits)
        until_weak = waits.until(limits.refused_user_ess, limits.refused_reward_ess)
        trusted_at = max(limits.weak_user_ess, limits.refused_user_ess)
        rewarded_at = max(limits.weak_reward_ess, limits.refused_reward_ess)
        until_trusted = waits.until(trusted_at, rewarded_at)
        capped = [reason for reason in metric.verdict.reasons if "capped channel" in reason]
        if capped and until_trusted.units is not None:
            until_trusted = Wait(None, capped[0])
        return PolicyPlan(
            policy=report.policy,
            verdict=metric.verdict,
            value=value,
            half_width=_half(value),
            user_ess=seen.user_ess,
            reward_ess=seen.reward_ess,
            user_ess_per_unit=seen.user_ess * (traffic.growth(1.0, weights) - 1.0),
            reward_ess_per_unit=seen.reward_ess * (traffic.growth(1.0, scarcest) - 1.0),
            until_weak=until_weak,
            until_trusted=until_trusted,
            difference=difference,
            until_detected=None if difference is None else self._until_detected(value, difference, question, traffic),
            smallest_lift={} if difference is None else self._smallest_lift(value, difference, question, traffic),
            floors=(),
            floor_needed=None,
        )

    def with_floors(
        self,
        planned: PolicyPlan,
        question: Question,
        floor: float,
        candidates: Sequence[float],
        within: float,
        hold: bool,
    ) -> PolicyPlan:
        """Add what other floors would have given."""
        limits = self._thresholds
        floors = floor_plans(
            question,
            floor,
            sorted(set(candidates)),
            traffic=Traffic.of(question.log, question.clusters),
            level=self._level,
            thresholds=limits,
            per_hold=hold,
            unsupported=any(reason.startswith("unsupported_mass") for reason in planned.verdict.reasons),
        )
        soon = [one.floor for one in floors if one.trusted_after is not None and one.trusted_after <= within]
        return replace(planned, floors=floors, floor_needed=min(soon, default=None))

    def _until_detected(self, value: Estimate, difference: Estimate, question: Question, traffic: Traffic) -> Wait:
        error, base = self._error(difference), _logged_value(value, difference)
        if error is None or not base:
            return Wait(None, difference.reason or "the log's own value is 0 or has no interval")
        if error == 0.0:
            return Wait(0.0, "this policy does what the log did")
        factor = needed_factor(error, self._lift * base, self._level, self._power)
        return _waiting(traffic.units(factor, question.difference))

    def _smallest_lift(
        self, value: Estimate, difference: Estimate, question: Question, traffic: Traffic
    ) -> dict[float, float | None]:
        error, base = self._error(difference), _logged_value(value, difference)
        if error is None or not base:
            return dict.fromkeys(_HORIZONS)
        spread = question.difference
        return {
            units: smallest_effect(error, traffic.growth(units, spread), self._level, self._power) / abs(base)
            for units in _HORIZONS
        }

    def _error(self, difference: Estimate) -> float | None:
        half = _half(difference)
        return None if half is None else half / float(norm.ppf((1 + self._level) / 2))


def _half(estimate: Estimate) -> float | None:
    return None if estimate.low is None or estimate.high is None else (estimate.high - estimate.low) / 2


def _logged_value(value: Estimate, difference: Estimate) -> float | None:
    """Take the policy's value less its difference to logged: both on the rows that judge the policy."""
    return None if value.value is None or difference.value is None else value.value - difference.value


@dataclass(frozen=True, slots=True)
class _Waits:
    """How long until both effective sample sizes of a policy reach their limits, or what traffic cannot cure."""

    report: PolicyReport
    traffic: Traffic
    weights: Spread
    scarcest: Spread
    limits: Thresholds

    def until(self, users: float, rewarded: float) -> Wait:
        seen = self.report.diagnostics
        if seen.unsupported_mass > self.limits.refused_unsupported_mass:
            return Wait(None, f"{seen.unsupported_mass:.1%} of it is on arms that the log never plays; explore them")
        if _weights_off(seen):
            return Wait(None, "the mean weight leaves out 1: propensities are off")
        if not seen.user_ess:
            return Wait(None, "the log never plays what this policy plays")
        if not seen.reward_ess:
            return Wait(None, "no rewarded user was seen under this policy yet, so there is no rate to go by")
        other = [reason for reason in self.report.verdict.reasons if not reason.startswith(_OWN_REASONS)]
        if other and self.report.verdict.name is VerdictName.REFUSED:
            return Wait(None, other[0])
        waits = (
            _waiting(self.traffic.units(users / seen.user_ess, self.weights)),
            _waiting(self.traffic.units(rewarded / seen.reward_ess, self.scarcest)),
        )
        return max(waits, key=lambda wait: float("inf") if wait.units is None else wait.units)


_OWN_REASONS = ("user_ess", "reward_ess", "unsupported_mass", "mean_weight")


def _weights_off(seen: Diagnostics) -> bool:
    low, high = seen.mean_weight_low, seen.mean_weight_high
    return low is not None and high is not None and not low - 1e-9 <= 1.0 <= high + 1e-9


def _waiting(units: float | None) -> Wait:
    return (
        Wait(None, "more decisions of the same users do not suffice, and new ones do not come")
        if units is None
        else Wait(units)
    )
