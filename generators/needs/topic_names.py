"""Names groups of products from the catalogue's taxonomy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from generators.needs.topic import Topic

COVERAGE = 0.5
LIFT = 1.5
_MOST_LABELS = 3


def name_groups(groups: NDArray[np.int64], weights: NDArray[np.float64], levels: pl.DataFrame) -> list[Topic]:
    """Name each group by the most specific level at which few labels cover most of it.

    One label that covers half of a group's weight, and is there at least 1.5 times as often as in the shop, is taken
    from the narrowest level that has one; else two labels, then three; else the three with the most weight, with what
    they cover. The lift keeps a word that is everywhere from naming anything.

    Args:
        groups: Of each product, 0 to k − 1; shape (n,).
        weights: Of each product; shape (n,).
        levels: Columns from the widest level to the narrowest, "" for none; n rows.

    Returns:
        k names; groups that are alike have the same.
    """
    count = int(groups.max()) + 1 if len(groups) else 0
    tables = [_shares(groups, weights, levels[name], count) for name in levels.columns]
    named = [_named(group, tables) for group in range(count)]
    return [_with_parent(topic, group, tables) for group, topic in enumerate(named)]


def _shares(
    groups: NDArray[np.int64], weights: NDArray[np.float64], labels: pl.Series, count: int
) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
    """Labels; coverage of each in each group, shape (k, labels); and base shares, shape (labels,)."""
    distinct = labels.unique().sort().to_list()
    place = {label: column for column, label in enumerate(distinct)}
    sums = np.zeros((count, len(distinct)))
    np.add.at(sums, (groups, np.array([place[label] for label in labels], dtype=np.int64)), weights)
    base = sums.sum(axis=0) / max(sums.sum(), 1e-12)
    return distinct, sums / np.maximum(sums.sum(axis=1, keepdims=True), 1e-12), base


def _named(group: int, tables: Sequence[tuple[list[str], NDArray[np.float64], NDArray[np.float64]]]) -> Topic:
    ranked = []
    for level in range(len(tables), 0, -1):
        labels, shares, base = tables[level - 1]
        lifts = shares[group] / np.maximum(base, 1e-12)
        told = [column for column in np.argsort(-shares[group], kind="stable") if labels[column]][:_MOST_LABELS]
        ranked.append((level, labels, shares[group], base, lifts, told))
    for many in range(1, _MOST_LABELS + 1):
        for level, labels, share, base, lifts, told in ranked:
            chosen = told[:many]
            if len(chosen) == many and share[chosen].sum() >= COVERAGE and lifts[chosen].min() >= LIFT:
                return _topic(level, labels, share, base, chosen)
    # Nothing covers half: the narrowest level but one tells the most without pretending to be one thing.
    level, labels, share, base, _, told = ranked[min(1, len(ranked) - 1)]
    chosen = [column for column in told if share[column] > 0] or [int(np.argmax(share))]
    return _topic(level, labels, share, base, chosen)


def _with_parent(
    topic: Topic, group: int, tables: Sequence[tuple[list[str], NDArray[np.float64], NDArray[np.float64]]]
) -> Topic:
    if topic.level < 2:
        return topic
    labels, shares, _ = tables[topic.level - 2]
    column = int(np.argmax(shares[group]))
    parent = labels[column] if shares[group][column] >= COVERAGE else ""
    return replace(topic, parent=parent if parent not in topic.labels else "")


def _topic(
    level: int, labels: list[str], share: NDArray[np.float64], base: NDArray[np.float64], chosen: list[int]
) -> Topic:
    covered = float(share[chosen].sum())
    lift = covered / max(float(base[chosen].sum()), 1e-12)
    return Topic(level, tuple(labels[column] for column in chosen), covered, lift)
