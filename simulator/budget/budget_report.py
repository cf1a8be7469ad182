"""The typed result of a budget curve, and its JSON form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.report.replay_report import Estimate, LogSummary, PolicyReport
from simulator.verdict import Verdict, VerdictName

__all__ = ["RESTS_ON", "SIMULATED", "Budget", "BudgetPoint", "Marginal"]

SCHEMA = "armsreach.budget.v1"
#: What an extrapolation by the reward model is called, everywhere.
SIMULATED = "simulated, not evidence"
#: How the reason begins that the paired difference has too few users.
RESTS_ON = "the difference to the log rests on"


@dataclass(frozen=True, slots=True)
class Marginal:
    """Extra profit per extra unit of money on the channel, at today's spend; 0 breaks even.

    Attributes:
        value: Its estimate; None where the log does not vary its spend.
        low: Lower end of its interval, clustered by user.
        high: Upper end.
        level: Of the interval.
        user_ess: Effective users whose choice of channel was open.
        reward_ess: Effective users among them with profit other than 0.
        verdict: Whether to believe it.
        reasons: Why not.
    """

    value: float | None
    low: float | None
    high: float | None
    level: float
    user_ess: float
    reward_ess: float
    verdict: VerdictName
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        fields = {name: getattr(self, name) for name in type(self).__slots__}
        return {**fields, "verdict": self.verdict.value, "reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """The re-priced policy that spends so much more, or less, on the channel.

    Attributes:
        change: Spend asked for, relative to the log's, as a share.
        strength: λ; None where no re-pricing spends so much.
        spend: On the channel, per decision.
        profit: In all, per decision.
        gain: Paired difference of profit to the log.
        sends: Share of decisions that send anything, on any channel.
        report: Replay of the policy; None where there is no policy.
        verdict: Whether the log can tell.
        gain_ess: Effective rewarded users of the difference, (Σ|(w − 1) r|)² / Σ((w − 1) r)²; None at today's spend.
        simulated: Difference of profit by the reward model alone, given where the log cannot tell.
    """

    change: float
    strength: float | None
    spend: Estimate
    profit: Estimate
    gain: Estimate
    sends: Estimate
    report: PolicyReport | None
    verdict: Verdict
    gain_ess: float | None
    simulated: float | None

    @property
    def supported(self) -> bool:
        """Whether the log says anything about it."""
        return self.verdict.name is not VerdictName.REFUSED

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        seen = None if self.report is None else self.report.diagnostics
        fields: dict[str, Any] = {
            "change": self.change,
            "policy": None if self.report is None else self.report.policy,
            "strength": self.strength,
            "verdict": self.verdict.name.value,
            "reasons": list(self.verdict.reasons),
            "spend": self.spend.to_json(),
            "profit": self.profit.to_json(),
            "gain": self.gain.to_json(),
            "sends": self.sends.to_json(),
            "user_ess": None if seen is None else seen.user_ess,
            "reward_ess": None if seen is None else seen.reward_ess,
            "gain_ess": self.gain_ess,
            "max_weight": None if seen is None else seen.max_weight,
        }
        if self.simulated is not None:
            fields["simulated"] = {"gain": self.simulated, "label": SIMULATED}
        return fields


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget curve of one channel.

    Attributes:
        channel: Which.
        log: What was replayed.
        estimator: Of all values.
        decisions: That value policies.
        spent: On the channel per decision, as logged.
        most: Per decision, were every decision to go to the channel that might.
        marginal: What the next unit of money earns.
        points: From least to most spend.
        notes: What a reader should know.
        summary: One sentence.
    """

    channel: str
    log: LogSummary
    estimator: str
    decisions: int
    spent: float
    most: float
    marginal: Marginal
    points: tuple[BudgetPoint, ...]
    notes: tuple[str, ...]
    summary: str

    def at(self, change: float) -> BudgetPoint:
        """Find the point with a change of spend, as a share.

        Raises:
            KeyError: When it was not asked for.
        """
        for point in self.points:
            if abs(point.change - change) < 1e-9:
                return point
        raise KeyError(change)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "schema": SCHEMA,
            "summary": self.summary,
            "channel": self.channel,
            "log": self.log.to_json(),
            "estimator": self.estimator,
            "decisions": self.decisions,
            "spent": self.spent,
            "most": self.most,
            "marginal": self.marginal.to_json(),
            "points": [point.to_json() for point in self.points],
            "notes": list(self.notes),
        }
