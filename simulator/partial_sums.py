"""What one part of a log adds to the sums of a replay, as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from simulator.arrays import FloatArray
from simulator.bench import Bench
from simulator.sample import Sample, SampleSums

__all__ = ["PartialSums"]


@dataclass(frozen=True, slots=True, eq=False)
class PartialSums:
    """Sums over the rows of a part that judge a policy; B buckets, U users.

    They hold no row, travel between processes, and add up to the sums of the whole: a part that has to be summed again
    elsewhere changes no number. Floats are added in the order of the parts, so that this order, and nothing else,
    decides the last bits.

    Attributes:
        columns: Columns of the bench's totals, each of shape (B,).
        choices: Decisions with a choice inside one user, shape (U,).
        decisions: Decisions.
        decisions_with_choice: Of these, those with more than one eligible arm.
        samples: Policy → its own sums.
    """

    columns: Mapping[str, FloatArray]
    choices: FloatArray
    decisions: int
    decisions_with_choice: float
    samples: Mapping[str, SampleSums]

    @classmethod
    def of(cls, bench: Bench, samples: Mapping[str, Sample]) -> PartialSums:
        """Take the sums of a bench, as far as it was filled."""
        return cls(
            columns=dict(bench.totals.columns),
            choices=bench.choices.copy(),
            decisions=bench.decisions,
            decisions_with_choice=bench.decisions_with_choice,
            samples={spec: sample.sums() for spec, sample in samples.items()},
        )

    @classmethod
    def merged(cls, parts: list[PartialSums]) -> PartialSums:
        """Add up the sums of some parts, at least one, in their order."""
        return reduce(add, parts)

    def __add__(self, other: PartialSums) -> PartialSums:
        keys = dict.fromkeys((*self.columns, *other.columns))
        return PartialSums(
            columns={key: _plus(self.columns.get(key), other.columns.get(key)) for key in keys},
            choices=self.choices + other.choices,
            decisions=self.decisions + other.decisions,
            decisions_with_choice=self.decisions_with_choice + other.decisions_with_choice,
            samples={spec: sums + other.samples[spec] for spec, sums in self.samples.items()},
        )

    def fill(self, bench: Bench, samples: Mapping[str, Sample]) -> None:
        """Put the sums into a bench and samples that are empty."""
        for key, sums in self.columns.items():
            bench.totals.put(key, sums)
        bench.choices += self.choices
        bench.decisions += self.decisions
        bench.decisions_with_choice += self.decisions_with_choice
        for spec, own in self.samples.items():
            samples[spec].fill(own)


def _plus(one: FloatArray | None, other: FloatArray | None) -> FloatArray:
    """Add two columns; one that no row has filled so far is 0."""
    if one is None:
        return np.zeros(0) if other is None else other
    return one if other is None else one + other
