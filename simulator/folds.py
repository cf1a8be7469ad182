"""Which rows a model is fitted on to predict which others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import IntArray
from simulator.log import NO_TIME
from simulator.log_facts import LogFacts

__all__ = ["Folds"]

_BY_USER = 5
_IN_TIME = 10


@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """All models of a replay are fitted on the same folds.

    Attributes:
        of: Fold of each valued row, shape (n,).
        number: How many there are.
        training: Fold → the folds whose rows its model learns from.
    """

    of: IntArray
    number: int
    training: Mapping[int, tuple[int, ...]]

    @classmethod
    def by_user(cls, facts: LogFacts, seed: int) -> Folds:
        """Deal users by hash; each fold is predicted from all others.

        Source: Chernozhukov et al., "Double/debiased machine learning" (2018), def. 3.1, with users as the units.
        """
        fold = facts.clusters.folds(_BY_USER, seed, "reward-model")
        present = [int(number) for number in np.unique(fold)]
        others = {number: tuple(other for other in present if other != number) for number in present}
        # A single fold cannot be predicted from others; it is then predicted from itself.
        return cls(fold, _BY_USER, {number: rest or (number,) for number, rest in others.items()})

    @classmethod
    def in_time(cls, facts: LogFacts, delay_us: int) -> Folds:
        """Cut the log into consecutive parts; each is predicted from those whose outcomes were complete before it.

        A log whose policy learned from earlier rewards must not be corrected by a model that knows later ones: then
        each row's error stays of mean zero given the past. The first part is predicted as 0, which makes DR IPS there.

        Where no row has a time, the order of the file is taken for that of time.

        Source: Bibaut, Chambaz, Dimakopoulou, Kallus and van der Laan, "Post-contextual-bandit inference" (2021), §2.

        Raises:
            InvalidInput: When some rows have a time and others not, or a delay is to pass where none has.
        """
        timeless = int(np.sum(facts.decided_at == NO_TIME))
        if timeless and (timeless < facts.rows or delay_us):
            raise InvalidInput(
                f"expected `decided_at` in every row, or in none and no --delay, for past-only fits; got {timeless} "
                f"of {facts.rows} rows without; add it, or fit by user",
                field="--fit",
            )
        order = np.argsort(facts.decided_at, kind="stable")
        fold = np.empty(facts.rows, dtype=np.int64)
        fold[order] = np.arange(facts.rows) * _IN_TIME // facts.rows
        own = [facts.decided_at[fold == number] for number in range(_IN_TIME)]
        begins = [int(moments.min(initial=np.iinfo(np.int64).max)) for moments in own]
        ends = [int(moments.max(initial=NO_TIME)) for moments in own]
        training = {
            number: tuple(other for other in range(number) if ends[other] + delay_us <= begins[number])
            for number in range(_IN_TIME)
        }
        return cls(fold, _IN_TIME, training)
