"""Fit a click model: ridge within groups, shrunken to the mean or to a prior where data are few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from generators.embeddings import Embedder
from generators.texts.copy_outcomes import CopyOutcome
from generators.texts.ctr_model import CtrModel
from generators.texts.fitting import folds_of
from generators.texts.head import Array

_FEWEST_COPIES = 20
"""Below, cross-validation chooses a penalty by luck, so that the weights stay the prior's."""
_PENALTIES = tuple(10.0**power for power in np.arange(-1.0, 6.5, 0.5))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """One row a copy and group: vectors and one-step logits, both about their group's mean."""

    x: Array
    y: Array
    information: Array

    def weighted(self, spread: float) -> Array:
        """Give 1 / (sampling variance + variance of true effects), shape (n,)."""
        return np.asarray(self.information / (1.0 + spread * self.information))


def fit_ctr(
    outcomes: Sequence[CopyOutcome], embedder: Embedder, *, prior: CtrModel | None = None, seed: int = 0
) -> CtrModel:
    """Fit a click model on counts.

    Within a group with rate p, a copy's one-step logit effect is y = (s − n p) / (n p (1 − p)), with sampling variance
    1 / (n p (1 − p)). True effects vary about the text's prediction with variance τ², by the method of moments; w is a
    ridge towards the prior's weights (0 without one), its penalty chosen by cross-validation over whole copies, or
    whole groups where copies belong to one group each. Where no penalty beats not learning at all, w stays the prior. A
    copy's own effect then adds τ² / (τ² + its variance) of what the text did not explain (empirical Bayes).

    Source: DerSimonian, Laird (1986), "Meta-analysis in clinical trials", equation 8 (τ²); Morris (1983), "Parametric
    empirical Bayes inference", section 2. Assumes that a click does not depend on the other copies of a group.

    Args:
        outcomes: Counts.
        embedder: Gives the vectors.
        prior: A model on the same embedder to shrink to, such as one trained on another shop's headlines.
        seed: Of the folds.

    Raises:
        InvalidInput: There are no clicks, or nothing but clicks; or the prior is of another encoder.
    """
    trials = np.array([o.trials for o in outcomes])
    successes = np.array([o.successes for o in outcomes])
    if not outcomes or not 0 < successes.sum() < trials.sum() or (trials <= 0).any():
        raise InvalidInput("expected copies with impressions, some clicked and some not", field="outcomes")
    if prior is not None and prior.embedder.name != embedder.name:
        raise InvalidInput(f"expected a prior on {embedder.name}, got one on {prior.embedder.name}", field="prior")
    groups = [o.group for o in outcomes]
    places, rate = _rates(groups, trials, successes)
    vectors = embedder.embed([o.text for o in outcomes]).astype(np.float64)
    information = trials * rate * (1.0 - rate)
    rows = _Rows(_centred(vectors, groups, information), (successes - trials * rate) / information, information)
    start = prior.weights if prior is not None else np.zeros(embedder.dimension)
    few = len({o.copy or o.text for o in outcomes}) < _FEWEST_COPIES
    weights = start if few else _chosen(rows, _folds(outcomes, seed), start)
    rest = rows.y - rows.x @ weights
    spread = effect_variance(rest, information)
    own = spread * information / (1.0 + spread * information) * rest
    return CtrModel(
        embedder=embedder,
        weights=weights,
        centre=np.average(vectors, axis=0, weights=information),
        base=float(_logit(successes.sum() / trials.sum())),
        places=places,
        seen=_by_text(outcomes, own, information) if spread > 0 else {},
    )


def effect_variance(effects: Array, information: Array) -> float:
    """Estimate τ² of effects with sampling variance 1 / information, by moments about a mean of 0; at least 0."""
    if len(effects) < 2:
        return 0.0
    excess = float(np.sum(information * effects * effects)) - (len(effects) - 1)
    return max(excess / float(np.sum(information)), 0.0)


def _chosen(rows: _Rows, folds: NDArray[np.int64], start: Array) -> Array:
    """Take the penalty with the least squared error on copies held out; the start itself where none is better."""
    spread = effect_variance(rows.y, rows.information)
    weight = rows.weighted(spread)
    errors = np.zeros(len(_PENALTIES) + 1)
    for fold in np.unique(folds):
        inside = folds != fold
        if not inside.any() or inside.all():
            continue
        tried = [*_ridge(rows, weight, inside, start), start]
        residuals = rows.y[~inside, None] - rows.x[~inside] @ np.array(tried).T
        errors += weight[~inside] @ residuals**2
    best = int(np.argmin(errors)) if errors.any() else len(_PENALTIES)
    return start if best == len(_PENALTIES) else _ridge(rows, weight, np.ones(len(folds), bool), start)[best]


def _ridge(rows: _Rows, weight: Array, inside: NDArray[np.bool_], start: Array) -> list[Array]:
    """Solve argmin Σ v (y − x w)² + λ |w − start|² for every penalty, by one eigendecomposition."""
    x, v = rows.x[inside], weight[inside]
    rest = rows.y[inside] - x @ start
    values, basis = np.linalg.eigh((x * v[:, None]).T @ x)
    moved = basis.T @ (x.T @ (v * rest))
    return [start + basis @ (moved / (np.maximum(values, 0.0) + penalty)) for penalty in _PENALTIES]


def _rates(groups: Sequence[str], trials: Array, successes: Array) -> tuple[dict[str, float], Array]:
    """Give each group's logit and each row's group rate; a group's rate leans on the base by one impression."""
    base = successes.sum() / trials.sum()
    sums: dict[str, list[float]] = {}
    for group, n, s in zip(groups, trials, successes, strict=True):
        total = sums.setdefault(group, [1.0, base])
        total[0] += n
        total[1] += s
    rates = {group: s / n for group, (n, s) in sums.items()}
    return {group: float(_logit(rate)) for group, rate in rates.items()}, np.array([rates[group] for group in groups])


def _centred(vectors: Array, groups: Sequence[str], information: Array) -> Array:
    names = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    rows = np.array([names[group] for group in groups])
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, rows, vectors * information[:, None])
    return np.asarray(vectors - (sums / np.bincount(rows, weights=information)[:, None])[rows])


def _folds(outcomes: Sequence[CopyOutcome], seed: int) -> NDArray[np.int64]:
    """Hold out whole groups where there are many, as tests are; else whole copies, as channels share them."""
    groups = [o.group for o in outcomes]
    copies = [o.copy or o.text for o in outcomes]
    return folds_of(groups if len(set(groups)) > len(set(copies)) / 10 and len(set(groups)) >= 10 else copies, seed)


def _by_text(outcomes: Sequence[CopyOutcome], own: Array, information: Array) -> dict[str, float]:
    sums: dict[str, list[float]] = {}
    for outcome, effect, weight in zip(outcomes, own, information, strict=True):
        total = sums.setdefault(outcome.text, [0.0, 0.0])
        total[0] += effect * weight
        total[1] += weight
    return {text: total / weight for text, (total, weight) in sums.items()}


def _logit(rate: float) -> float:
    return float(np.log(rate / (1.0 - rate)))
