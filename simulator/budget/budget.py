"""Draws a channel's budget curve: what more, or less, money on it would have earned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray
from simulator.budget.budget_report import RESTS_ON, Budget, BudgetPoint
from simulator.budget.channel import Channel, spend_only
from simulator.budget.marginal import marginal
from simulator.budget.summary import summary
from simulator.clusters import Clusters
from simulator.evaluate import evaluate
from simulator.log import Log
from simulator.log_facts import LogFacts
from simulator.log_narrowing import Narrowed
from simulator.log_whole import whole
from simulator.policies.repriced import Repriced
from simulator.quantities import Quantities
from simulator.replay_settings import ReplaySettings
from simulator.report.replay_report import Estimate, ReplayReport
from simulator.verdict import Verdict, VerdictName

__all__ = ["DEFAULT_CHANGES", "budget"]

DEFAULT_CHANGES = (-0.5, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
_ROUNDS = 2
_REPRICED = (
    "the family re-prices one channel within what the log played: the same shoppers, arms and rules, and what the "
    "channel gains the other arms lose in proportion"
)


def budget(
    log: Log,
    channel: str,
    *,
    changes: Sequence[float] = DEFAULT_CHANGES,
    estimator: str = "snips",
    settings: ReplaySettings | None = None,
) -> Budget:
    """Say what profit would have been had more, or less, been spent on a channel.

    Each point is a policy π_λ(a | x) ∝ p(a | x) · exp(λ · 1[a on the channel]), λ solved for the spend asked for. The
    curve ends where a replay of the policy is refused, or where its difference to the log rests on too few users.

    Args:
        log: The decisions, with the probabilities of all eligible arms.
        channel: Whose money.
        changes: Changes of spend as shares of what was spent, above −1; 0 is always there.
        estimator: Key; self-normalised by default, which leaves nothing of the difference where nothing is changed.
        settings: Of the replay.

    Raises:
        InvalidInput: When the channel, a change or a setting is not usable, or probabilities are missing.
    """
    settings = replace(settings or ReplaySettings(), by=None)
    asked = sorted({0.0, *changes})
    if not all(-1.0 < change <= 100.0 for change in asked):
        raise InvalidInput("expected changes of spend above −100 %, up to 10,000 %; change them", field="--change")
    facts = LogFacts.of(Narrowed(log, settings), cluster=settings.cluster, reward_max=settings.reward_max)
    kept = whole(facts.chunks())
    seen = Channel.of(kept, channel)
    strengths = _solved(log, seen, asked, estimator, settings)
    specs = [_spec(channel, strength) for strength in strengths if strength]
    keys, chosen = ["profit", "send_rate"], list(dict.fromkeys((estimator, "dm")))
    report = evaluate(log, policies=["logged", *specs], metrics=keys, estimators=chosen, settings=settings)
    spend = evaluate(
        spend_only(log, channel),
        policies=["logged", *specs],
        metrics=["cost"],
        estimators=[estimator],
        settings=settings,
    )
    quantities = Quantities(kept, settings.objective, settings.reward_max)
    profit = settings.margin * quantities["revenue"] - quantities["cost"]
    clusters = Clusters.of(kept, settings.cluster)
    earns = marginal(seen, profit, clusters, settings.level, settings.thresholds)
    curve = _Curve(seen, profit, clusters, report, spend, estimator, settings)
    points = _ended([curve.point(change, strength) for change, strength in zip(asked, strengths, strict=True)])
    return Budget(
        channel=channel,
        log=report.log,
        estimator=estimator,
        decisions=kept.decisions,
        spent=seen.spent,
        most=seen.most,
        marginal=earns,
        points=points,
        notes=(_REPRICED, *report.log.warnings),
        summary=summary(channel, points, earns, kept.decisions),
    )


def _spec(channel: str, strength: float) -> str:
    return Repriced(channel, strength).spec


def _solved(
    log: Log, channel: Channel, changes: Sequence[float], estimator: str, settings: ReplaySettings
) -> list[float | None]:
    """Find the λ of each change: by the arms' mean costs at first, then by what the estimator says was spent."""
    targets = [(1.0 + change) * channel.spent for change in changes]
    # At λ = 0 the spend is what was spent, whatever mean costs say.
    off = channel.expected(0.0) - channel.spent
    aims = [target + off for target in targets]
    strengths = [_strength(channel, change, aim) for change, aim in zip(changes, aims, strict=True)]
    only, quick = spend_only(log, channel.name), replace(settings, interval="delta")
    for _ in range(_ROUNDS):
        specs = {s: _spec(channel.name, s) for s in strengths if s is not None and s != 0.0}
        if not specs:
            break
        report = evaluate(only, policies=list(specs.values()), metrics=["cost"], estimators=[estimator], settings=quick)
        for place, strength in enumerate(strengths):
            if strength is None or strength == 0.0:
                continue
            found = report.policy(specs[strength]).metrics["cost"].estimates[estimator].value
            if found is not None:
                aims[place] += targets[place] - found
                strengths[place] = _strength(channel, changes[place], aims[place]) or strength
    return strengths


def _strength(channel: Channel, change: float, aim: float) -> float | None:
    if change == 0.0:
        return 0.0
    solved = channel.strength_for(aim)
    return None if solved is None else round(solved, 6)


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """Turns replays of re-priced policies into points."""

    channel: Channel
    profit: FloatArray
    clusters: Clusters
    replay: ReplayReport
    spend: ReplayReport
    estimator: str
    settings: ReplaySettings

    def point(self, change: float, strength: float | None) -> BudgetPoint:
        if strength is None:
            return self._beyond(change)
        spec = _spec(self.channel.name, strength) if strength else "logged"
        one = self.replay.policy(spec)
        profit, sends = one.metrics["profit"], one.metrics["send_rate"]
        value = profit.estimates[self.estimator]
        gains = one.versus.get("logged", {}).get("profit", {})
        rests_on = self._rests_on(strength) if strength else None
        verdict = self._verdict(profit.verdict, rests_on)
        return BudgetPoint(
            change=change,
            strength=strength,
            spend=self.spend.policy(spec).metrics["cost"].estimates[self.estimator],
            profit=value,
            gain=gains.get(self.estimator, Estimate(0.0, 0.0, 0.0, value.level, value.interval)),
            sends=sends.estimates[self.estimator],
            report=one,
            verdict=verdict,
            gain_ess=rests_on,
            simulated=gains["dm"].value if verdict.name is VerdictName.REFUSED and gains else None,
        )

    def _rests_on(self, strength: float) -> float:
        return self.clusters.effective(np.abs((self.channel.weight(strength) - 1.0) * self.profit))

    def _verdict(self, verdict: Verdict, rests_on: float | None) -> Verdict:
        """Hold the difference to the log to the same limits as a value: it rests on (w − 1) r."""
        if rests_on is None:
            return verdict
        limits = self.settings.thresholds
        for limit, name in (
            (limits.refused_reward_ess, VerdictName.REFUSED),
            (limits.weak_reward_ess, VerdictName.WEAK),
        ):
            if rests_on < limit:
                reason = f"{RESTS_ON} {rests_on:.1f} effective rewarded users, under {limit:g}"
                worse = VerdictName.REFUSED if verdict.name is VerdictName.REFUSED else name
                return Verdict(worse, (*verdict.reasons, reason))
        return verdict

    def _beyond(self, change: float) -> BudgetPoint:
        """A spend that no re-pricing reaches."""
        shown = self.replay.policy("logged").metrics["profit"].estimates[self.estimator]
        most = self.channel.most / self.channel.spent - 1
        reason = f"at most {most:+.1%} can be spent on what the log might have played"
        none = Estimate(None, None, None, shown.level, shown.interval, reason)
        return BudgetPoint(
            change, None, none, none, none, none, None, Verdict(VerdictName.REFUSED, (reason,)), None, None
        )


def _ended(points: Sequence[BudgetPoint]) -> tuple[BudgetPoint, ...]:
    """End the curve at the first refused point on either side of today's spend."""
    ended = {point.change: point for point in points}
    for side in ([p for p in points if p.change >= 0.0], [p for p in reversed(points) if p.change <= 0.0]):
        end: BudgetPoint | None = None
        for point in side:
            if end is None and not point.supported:
                end = point
            elif end is not None and point.supported and point.report is not None:
                reason = f"the curve ends at {end.change:+.0%}, where the log cannot tell"
                simulated = point.report.versus["logged"]["profit"]["dm"].value
                verdict = Verdict(VerdictName.REFUSED, (reason,))
                ended[point.change] = replace(point, verdict=verdict, simulated=simulated)
    return tuple(ended[change] for change in sorted(ended))
