"""A policy that sends less: another one, with a share of its decisions turned into hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray
from simulator.log import HOLD, Log
from simulator.policies.evaluation_policy import EvaluationPolicy, PolicyAnswer, Prepared, Progressive, Restricted
from simulator.policies.logged_probabilities import logged_probabilities

__all__ = ["Holding"]


@dataclass(frozen=True, slots=True, eq=False)
class Holding:
    """share · hold + (1 − share) · policy, where hold is eligible; elsewhere the policy as it is.

    Attributes:
        share: How much goes to hold, in [0, 1].
        policy: The other one.
    """

    share: float
    policy: EvaluationPolicy

    @property
    def spec(self) -> str:
        """How the command line names it."""
        return f"holding:{self.share!r}:{self.policy.spec}"

    @classmethod
    def parse(cls, argument: str, parse: Callable[[str], EvaluationPolicy]) -> Holding:
        """Read SHARE:SPEC.

        Args:
            argument: The text.
            parse: Reads a SPEC.

        Raises:
            InvalidInput: When it is not that, or the SPEC is unknown.
        """
        text, _, spec = argument.partition(":")
        try:
            share = float(text)
        except ValueError:
            share = -1.0
        # Written so that NaN is refused.
        if not 0.0 <= share <= 1.0 or not spec:
            raise InvalidInput(
                f"expected holding:SHARE:SPEC with a share in [0, 1], got 'holding:{argument}'; write for example "
                "holding:0.25:best_constant",
                field="--policy",
            )
        return cls.of(share, parse(spec))

    @classmethod
    def of(cls, share: float, policy: EvaluationPolicy) -> Holding:
        """Hold a share of any policy: of one that changes as it answers, such that this one does too."""
        return _ProgressiveHolding(share, policy, policy) if isinstance(policy, Progressive) else cls(share, policy)

    def answer(self, log: Log) -> PolicyAnswer:
        """Move a share of every distribution to hold.

        Raises:
            InvalidInput: When the log does not know hold, or the policy cannot be asked about it.
        """
        hold = log.code(HOLD)
        if hold is None:
            raise InvalidInput("expected `hold` among the log's arms, got a log without; drop holding", field=self.spec)
        answer = self.policy.answer(log)
        own = logged_probabilities(log) if answer.on_policy else answer.probabilities
        is_hold = (log.eligible == hold).astype(np.float64)
        share = np.repeat(self.share * (log.row_sums(is_hold) > 0), log.lengths)
        return replace(answer, probabilities=(1.0 - share) * own + share * is_hold, on_policy=False)

    def observe(self, log: Log) -> None:
        """Let the policy look at a chunk, if it wants to."""
        if isinstance(self.policy, Prepared):
            self.policy.observe(log)

    def settle(self) -> tuple[str, ...]:
        """Let the policy make up its mind."""
        return self.policy.settle() if isinstance(self.policy, Prepared) else ()

    def judges(self, log: Log) -> BoolArray:
        """Take the rows that may judge the policy."""
        return self.policy.judges(log) if isinstance(self.policy, Restricted) else np.ones(log.rows, dtype=bool)

    def told(self, judged: int, left_out: int) -> tuple[str, ...]:
        """Say what the policy says of them."""
        return self.policy.told(judged, left_out) if isinstance(self.policy, Restricted) else ()

    @property
    def refusal(self) -> str:
        """Why the policy gets no verdict when no row may judge it."""
        return self.policy.refusal if isinstance(self.policy, Restricted) else ""


@dataclass(frozen=True, slots=True, eq=False)
class _ProgressiveHolding(Holding):
    changing: Progressive

    def begin(self) -> None:
        """Let the policy begin anew."""
        self.changing.begin()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the policy says of itself."""
        return self.changing.notes
