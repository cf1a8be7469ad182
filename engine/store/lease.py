"""The right to be the only one who does something, for a while."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it was given.

    Attributes:
        name: What it is for, such as a campaign's learner.
        holder: Who has it; distinct for every process.
        epoch: Grows with every giving of this name, so that whoever keeps the result of leased work can refuse the late
            work of an earlier holder.
    """

    name: str
    holder: str
    epoch: int
