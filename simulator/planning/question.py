"""One policy's weights and rewards on the rows that judge it: what another floor would change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray
from simulator.clusters import Clusters
from simulator.log import Log
from simulator.log_facts import LogFacts
from simulator.log_narrowing import Narrowed
from simulator.log_whole import whole
from simulator.metric import HOLD_PREFIX, Metric
from simulator.planning.spread import Spread
from simulator.policies import PolicyAnswer, PolicySetting, Prepared, Restricted, parse_policy
from simulator.quantities import Quantities
from simulator.replay_settings import ReplaySettings
from simulator.split import Split

__all__ = ["Question", "questions"]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A policy, a metric and the decisions that judge it.

    Attributes:
        log: Those decisions.
        clusters: Their users.
        answer: The policy's distribution on them.
        top: The metric's numerator as it happened, shape (n,).
        bottom: Its denominator, shape (n,); 1 where it is per decision.
        parts: Rewards whose users have to be many: each quantity of the metric (`Metric.parts`).
    """

    log: Log
    clusters: Clusters
    answer: PolicyAnswer
    top: FloatArray
    bottom: FloatArray
    parts: tuple[FloatArray, ...]

    @property
    def weight(self) -> FloatArray:
        """π(aᵢ | xᵢ) / pᵢ, shape (n,)."""
        if self.answer.on_policy:
            return np.ones(self.log.rows)
        return np.asarray(self.answer.probabilities[self.log.chosen_at] / self.log.propensity)

    @property
    def weights(self) -> Spread:
        """Of the weights, rows with a single arm left out."""
        return Spread.of(self.clusters, self.weight * (self.log.lengths > 1))

    @property
    def scarcest(self) -> Spread:
        """Of the weighted rewards whose effective users are fewest."""
        rows = [np.abs(self.weight * part) * (self.log.lengths > 1) for part in self.parts]
        return Spread.of(self.clusters, min(rows, key=self.clusters.effective))

    @property
    def difference(self) -> Spread:
        """Of the linearised difference between the policy's self-normalised value and the logged one."""
        return Spread.of(self.clusters, self._effects(self.weight) - self._effects(np.ones(self.log.rows)))

    def _effects(self, weight: FloatArray) -> FloatArray:
        bottom = float(self.log.count @ (weight * self.bottom))
        if not bottom:
            return np.zeros(self.log.rows)
        value = float(self.log.count @ (weight * self.top)) / bottom
        return np.asarray(weight * (self.top - value * self.bottom) / bottom)


def questions(log: Log, specs: Sequence[str], metric: Metric, settings: ReplaySettings) -> list[Question]:
    """Ask policies about the decisions that `evaluate` judges them on.

    Raises:
        InvalidInput: When a SPEC is unknown, or the settings do not fit the log.
    """
    facts = LogFacts.of(Narrowed(log, settings), cluster=settings.cluster, reward_max=settings.reward_max)
    log = whole(facts.chunks())
    split = Split.of(facts, settings.split, delay_us=settings.delay_us, seed=settings.seed)
    quantities = Quantities(log, settings.objective, settings.reward_max)
    top, bottom = _combined(metric.numerator, quantities, log), _combined(metric.denominator, quantities, log)
    setting = PolicySetting(lambda chunk: top[chunk.place], split.folds, lambda: _no_task(specs))
    asked = []
    for spec in specs:
        policy = parse_policy(spec, setting)
        if isinstance(policy, Prepared):
            policy.observe(log)
            policy.settle()
        rows = split.judged & policy.judges(log) if isinstance(policy, Restricted) else split.judged
        rows = rows if rows.any() else split.judged
        kept, answer = log.select(rows), policy.answer(log).select(log, rows)
        played = answer.probabilities[kept.chosen_at] > 0.0
        parts = {name: quantities[name][rows] for name in metric.parts}
        asked.append(
            Question(
                log=kept,
                clusters=Clusters.of(kept, settings.cluster),
                answer=answer,
                top=top[rows],
                bottom=bottom[rows] if metric.denominator else np.ones(kept.rows),
                parts=tuple(part for name, part in parts.items() if metric.parts[name] or np.any(part[played])),
            )
        )
    return asked


def _no_task(specs: Sequence[str]) -> NoReturn:
    raise InvalidInput(
        f"expected policies that do not learn while they are planned for, got {', '.join(specs)}; learn one first and "
        "name its snapshot",
        field="--policy",
    )


def _combined(coefficients: Mapping[str, float], quantities: Quantities, log: Log) -> FloatArray:
    total = np.zeros(log.rows)
    for name, factor in coefficients.items():
        if not name.startswith(HOLD_PREFIX):
            total += factor * quantities[name]
    return total
