"""What an ad server gets to hear: which copy to send, or to hold back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.arm import HOLD
from engine.core.decision import Mode


@dataclass(frozen=True, slots=True)
class Answer:
    """One decision, as the client returns it.

    Attributes:
        decision_id: Goes with the outcomes; empty in a safe answer, whose outcomes are reported by user.
        request_id: The id under which a retry finds the same decision.
        arm: `variant/channel/slot`, or `hold`: send nothing.
        variant: Part of the arm; empty for `hold`.
        channel: Part of the arm; empty for `hold`.
        slot: Part of the arm; empty for `hold`.
        content: The finished strings to send, such as `title` and `body`.
        propensity: P(arm | context, eligible arms, policy state).
        mode: How the decision came about.
        snapshot: The model behind it; empty without one.
        top: The likeliest arms with their probabilities, as many as were asked for.
        safe: Whether the client gave this answer itself, as the server was away or late.
    """

    decision_id: str
    request_id: str
    arm: str
    variant: str = ""
    channel: str = ""
    slot: str = ""
    content: Mapping[str, str] = field(default_factory=dict)
    propensity: float = 1.0
    mode: Mode = Mode.FALLBACK
    snapshot: str = ""
    top: tuple[tuple[str, float], ...] = ()
    safe: bool = False

    @property
    def is_send(self) -> bool:
        """Whether there is anything to send."""
        return self.arm != HOLD

    @classmethod
    def safely(cls, request_id: str) -> Answer:
        """The safe answer: `hold`, and it was the only thing that could be done, so its propensity is 1."""
        return cls(decision_id="", request_id=request_id, arm=HOLD, top=((HOLD, 1.0),), safe=True)
