"""What the next unit of money on a channel earns, at today's spend."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from simulator.arrays import FloatArray
from simulator.budget.budget_report import Marginal
from simulator.budget.channel import Channel
from simulator.clusters import Clusters
from simulator.thresholds import Thresholds
from simulator.verdict import VerdictName

__all__ = ["marginal"]


def marginal(
    channel: Channel, profit: FloatArray, clusters: Clusters, level: float, thresholds: Thresholds
) -> Marginal:
    """Estimate dProfit/dλ ÷ dSpend/dλ at λ = 0, where the re-priced policy is the logging policy.

    With c = 1 where the decision went to the channel and q = P(c = 1 | x, eligible), the weights of the re-priced
    policy have the derivative c − q, so that the derivative of its mean of any r is

        d/dλ E_λ[r] = E[(c − q) r] = E[Cov(c, r | x)] = E[(c − q)(r − m)]   for every constant m,

    since c − q has the mean 0 whatever x. m = Σ (c − q)² r / Σ (c − q)² makes the variance least. The ratio of two such
    means has the influence ((c − q)(r − m) − ratio · (c − q)(s − m′)) / dSpend; a user's are summed before squaring.

    Source: score function derivative (Williams 1992, eq. 4; Glynn 1990) for exponential tilting, as the derivative of
    Kennedy's (2019) incremental effect; delta method for the ratio as in Deng, Knoblich and Lu (2018), §3.

    Args:
        channel: The channel.
        profit: Margin · revenue − cost of each decision, shape (n,).
        clusters: The users.
        level: Of the intervals.
        thresholds: Limits of the verdict, for the users whose choice of channel was open.
    """
    score = channel.taken - channel.chance
    earned, spent = _slopes(score, profit, channel.count), _slopes(score, channel.spend, channel.count)
    n = float(channel.count.sum())
    by_user = {"profit": clusters.totals(earned) / n, "spend": clusters.totals(spent) / n}
    slope = {name: float(clusters.multiplicity @ rows) for name, rows in by_user.items()}
    users, rewarded = clusters.effective(np.abs(score)), clusters.effective(np.abs(score * profit))
    verdict, reasons = _verdict(users, rewarded, thresholds)
    quantile = float(norm.ppf((1 + level) / 2))
    spend_error = _error(by_user["spend"], clusters)
    if slope["spend"] <= quantile * spend_error:
        reason = "the log hardly varies what it spends on the channel, so it cannot say what more would earn"
        return Marginal(None, None, None, level, users, rewarded, VerdictName.REFUSED, (*reasons, reason))
    ratio = slope["profit"] / slope["spend"]
    half = quantile * _error(by_user["profit"] - ratio * by_user["spend"], clusters) / slope["spend"]
    return Marginal(ratio, ratio - half, ratio + half, level, users, rewarded, verdict, reasons)


def _slopes(score: FloatArray, reward: FloatArray, count: FloatArray) -> FloatArray:
    """Give each decision's part of dE[r]/dλ, shape (n,)."""
    square = float(count @ score**2)
    return score * (reward - float(count @ (score**2 * reward)) / square) if square else np.zeros_like(reward)


def _error(by_user: FloatArray, clusters: Clusters) -> float:
    users = float(clusters.multiplicity.sum())
    mean = float(clusters.multiplicity @ by_user) / users
    square = float(clusters.multiplicity @ (by_user - mean) ** 2)
    return float(np.sqrt(square * users / max(1.0, users - 1)))


def _verdict(users: float, rewarded: float, limits: Thresholds) -> tuple[VerdictName, tuple[str, ...]]:
    refused, weak = [], []
    for name, size, least, enough in (
        ("user_ess", users, limits.refused_user_ess, limits.weak_user_ess),
        ("reward_ess", rewarded, limits.refused_reward_ess, limits.weak_reward_ess),
    ):
        if size < least:
            refused.append(f"{name} {size:.1f} is under {least:g}")
        elif size < enough:
            weak.append(f"{name} {size:.1f} is under {enough:g}")
    if refused:
        return VerdictName.REFUSED, tuple(refused)
    return (VerdictName.WEAK if weak else VerdictName.TRUSTED), tuple(weak)
