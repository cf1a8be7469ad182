"""Which channels a shopper answers on, from the log of decisions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from scipy.optimize import minimize_scalar
from scipy.special import betaln
from scipy.stats import beta

from engine.core.errors import InvalidInput

_SCHEMA = "armsreach.decision.v1"
_LEFT_OUT = frozenset({"shadow", "holdout"})


@dataclass(frozen=True, slots=True)
class ChannelHabit:
    """One channel.

    Attributes:
        channel: Its name.
        sent: Messages.
        clicked: Of these, clicked.
        rate: P(click | sent on this channel), shrunk to all shoppers' rate.
        low: 5 % quantile.
        high: 95 % quantile.
        everyone: All shoppers' rate.
        confidence: P(rate > everyone's).
    """

    channel: str
    sent: int
    clicked: int
    rate: float
    low: float
    high: float
    everyone: float
    confidence: float


class ChannelModel:
    """Messages and clicks by shopper and channel; Beta posteriors whose prior is learned from all shoppers.

    What was sent was chosen by a policy, so that a rate is what happened, not what another channel would have done.
    """

    def __init__(self, counts: Counter[tuple[str, str, bool]]) -> None:
        """Take counts of (user, channel, clicked)."""
        self._pairs: dict[tuple[str, str], tuple[int, int]] = {}
        for (user, channel, clicked), number in counts.items():
            sent, hits = self._pairs.get((user, channel), (0, 0))
            self._pairs[user, channel] = (sent + number, hits + clicked * number)
        self._priors = {channel: self._prior(channel) for channel in sorted({name for _, name in self._pairs})}

    @classmethod
    def read(cls, log: Path) -> ChannelModel:
        """Read a decision log, version 1, of JSON Lines; `hold`, `not_sent`, shadow and holdout rows are not messages.

        Raises:
            InvalidInput: If it is none, naming line and field.
        """
        counts: Counter[tuple[str, str, bool]] = Counter()
        try:
            with log.open("rb") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        _count(line, counts, str(log), number)
        except OSError as error:
            raise InvalidInput(
                f"expected a readable file, got {error.strerror}; check the path", file=str(log)
            ) from None
        return cls(counts)

    def of(self, users: Sequence[str]) -> tuple[ChannelHabit, ...]:
        """Channels of a shopper or of several pooled, best rate first; none where nothing was sent."""
        found = []
        for channel, (rate, strength) in self._priors.items():
            pairs = [self._pairs[user, channel] for user in users if (user, channel) in self._pairs]
            sent, clicked = sum(n for n, _ in pairs), sum(k for _, k in pairs)
            if not sent:
                continue
            a, b = strength * rate + clicked, strength * (1 - rate) + sent - clicked
            low, high = beta.ppf((0.05, 0.95), a, b)
            sure = float(beta.sf(rate, a, b))
            found.append(ChannelHabit(channel, sent, clicked, a / (a + b), float(low), float(high), rate, sure))
        return tuple(sorted(found, key=lambda habit: (-habit.rate, habit.channel)))

    def _prior(self, channel: str) -> tuple[float, float]:
        """Mean and strength in messages: the pooled rate, and the strength of greatest beta-binomial likelihood."""
        pairs = [pair for (_, name), pair in self._pairs.items() if name == channel]
        sent, clicked = sum(n for n, _ in pairs), sum(k for _, k in pairs)
        rate = (clicked + 0.5) / (sent + 1.0)

        def loss(log_strength: float) -> float:
            a, b = rate * 2.0**log_strength, (1 - rate) * 2.0**log_strength
            return -float(sum(betaln(a + k, b + n - k) - betaln(a, b) for n, k in pairs))

        found = minimize_scalar(loss, bounds=(0.0, 12.0), method="bounded")
        return rate, float(2.0**found.x)


def _count(line: bytes, counts: Counter[tuple[str, str, bool]], file: str, number: int) -> None:
    try:
        row: Any = orjson.loads(line)
    except ValueError:
        raise InvalidInput("expected one JSON object a line; give a decision log", file=file, line=number) from None
    if not isinstance(row, dict) or not str(row.get("schema", _SCHEMA)).startswith(_SCHEMA):
        raise InvalidInput(f"expected a decision log with schema {_SCHEMA}", file=file, line=number)
    arm, outcomes = row.get("arm"), row.get("outcomes", [])
    if not isinstance(arm, str) or (arm != "hold" and arm.count("/") != 2):
        raise InvalidInput("expected variant/channel/slot or hold", field="arm", file=file, line=number)
    if not isinstance(outcomes, list) or not all(isinstance(item, dict) for item in outcomes):
        raise InvalidInput("expected a list of objects", field="outcomes", file=file, line=number)
    types = {item.get("type") for item in outcomes}
    if arm == "hold" or "not_sent" in types or row.get("mode") in _LEFT_OUT or not isinstance(row.get("user"), str):
        return
    count = row.get("count", 1)
    if not isinstance(count, int) or count < 1:
        raise InvalidInput("expected a whole number of 1 or more", field="count", file=file, line=number)
    counts[row["user"], arm.split("/")[1], "click" in types] += count
