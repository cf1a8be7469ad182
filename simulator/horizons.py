"""How long outcomes count, and from when on a row's reward is complete."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, IntArray
from simulator.log import NO_TIME, Log

__all__ = ["Horizons"]


@dataclass(frozen=True, slots=True)
class Horizons:
    """How long after its decision an outcome of each type counts; equal for all arms, `hold` included.

    A reward is complete at the longest horizon among the outcomes that it is made of. With other horizons per arm, or
    a reward taken earlier where its outcome came early, quick arms would look better than they are.

    Attributes:
        by_kind: Outcome type → microseconds; 0 where it is not known.
        default_us: Of all other types.
    """

    by_kind: Mapping[str, int] = field(default_factory=dict)
    default_us: int = 0

    def __post_init__(self) -> None:
        if min(self.default_us, *self.by_kind.values(), 0) < 0:
            raise InvalidInput("expected horizons of at least 0; change them", field="--delay")

    @classmethod
    def seen_in(cls, log: Log) -> Horizons:
        """Take the longest lag of each type that the log shows, for logs whose horizons nobody states.

        Types whose outcomes bear no times get 0.
        """
        outcomes = log.outcomes
        timed = (outcomes.at != NO_TIME) & (log.decided_at[outcomes.row] != NO_TIME)
        lag = outcomes.at - log.decided_at[outcomes.row]
        longest = {
            kind: int(lag[timed & (outcomes.kind == code)].max(initial=0)) for code, kind in enumerate(outcomes.kinds)
        }
        return cls({kind: horizon for kind, horizon in longest.items() if horizon > 0})

    def union(self, other: Horizons) -> Horizons:
        """Take the longer horizon of each type, as for two chunks of one log."""
        kinds = {*self.by_kind, *other.by_kind}
        longest = {kind: max(self.of(kind), other.of(kind)) for kind in kinds}
        return Horizons(longest, max(self.default_us, other.default_us))

    def of(self, kind: str) -> int:
        """Give the horizon of an outcome type, in microseconds."""
        return self.by_kind.get(kind, self.default_us)

    def longest(self, kinds: Collection[str]) -> int:
        """Give the longest horizon among some types, in microseconds; the default when there are none."""
        return max((self.of(kind) for kind in kinds), default=self.default_us)

    def within(self, log: Log, kinds: Collection[str]) -> Log:
        """Drop outcomes later than their horizon; those without a time are kept.

        A type whose horizon is not stated (0) has until the reward is complete; where no type of the reward has one,
        nothing is dropped.
        """
        wait = self.longest(kinds)
        if not wait:
            return log
        outcomes = log.outcomes
        limit = np.array([self.of(kind) or wait for kind in outcomes.kinds], dtype=np.int64)
        decided = log.decided_at[outcomes.row]
        untimed = (outcomes.at == NO_TIME) | (decided == NO_TIME)
        kept = untimed | (outcomes.at - decided <= limit[outcomes.kind])
        return replace(log, outcomes=outcomes.keep(kept))

    def mature_at(self, log: Log, kinds: Collection[str]) -> IntArray:
        """Say when each row's reward is complete, microseconds since the epoch, shape (n,).

        Raises:
            InvalidInput: When outcomes take time and a row has no `decided_at`.
        """
        wait = self.longest(kinds)
        if not wait:
            return log.decided_at
        timeless = np.flatnonzero(log.decided_at == NO_TIME)
        if timeless.size:
            raise InvalidInput(
                f"expected `decided_at` in every row, since outcomes take time to arrive; decision "
                f"{log.decision_ids[timeless[0]]!r} has none; add it or drop --delay",
                field="decided_at",
            )
        return log.decided_at + wait

    def observed(self, log: Log, kinds: Collection[str]) -> BoolArray:
        """Say whose rewards were observed to the end (`observed_until`), shape (n,); rows that do not say it were."""
        return np.asarray((log.observed_until == NO_TIME) | (self.mature_at(log, kinds) <= log.observed_until))
