"""A policy that was asked for, on its way through a replay."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.log import HOLD
from simulator.policies import EvaluationPolicy
from simulator.sample import Sample

__all__ = ["ALWAYS_HOLD", "Asked"]

#: SPEC of the policy that never sends.
ALWAYS_HOLD = f"constant:{HOLD}"


@dataclass(slots=True, eq=False)
class Asked:
    """A policy, the rows that judge it, and what was summed over them.

    Attributes:
        policy: The policy.
        judged: Decisions that it may be judged on.
        left_out: Decisions that it may not.
        rows: Which rows judge it, packed into bits; policies with equal rows share a bench.
        notes: What a reader should know, such as the arm that was chosen.
        refusals: Reasons why no verdict may be given at all.
        samples: SPEC → sums of it and of what it is held against, on the same rows.
    """

    policy: EvaluationPolicy
    judged: int = 0
    left_out: int = 0
    rows: bytes = b""
    notes: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    samples: dict[str, Sample] = field(default_factory=dict)
