"""Whether numbers between 0 and 1 have fallen below a mean that they should keep."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.errors import InvalidInput

_STAKES = (0.25, 0.5, 0.95)


class LowMeanDetector:
    """An e-detector by betting: it needs no model of the numbers, nor that they are independent.

    As long as each number's mean, given those before it, is at least `least`, a false alarm comes after at least
    `run_length` numbers on average, and within n numbers with a probability of at most n / `run_length`. It starts anew
    after an alarm.

    Attributes:
        least: The mean that should be kept.
        run_length: Mean number of numbers to a false alarm, at least.

    Source: Shin, Ramdas and Rinaldo (2023), "E-detectors: a nonparametric framework for sequential change detection",
    definition 2.4 (e-SR) with the bounded-mean bets of their section 4.
    """

    def __init__(self, least: float, run_length: float = 1_000_000.0) -> None:
        """Start with nothing seen.

        Raises:
            InvalidInput: If `least` is not between 0 and 1.
        """
        if not 0.0 < least < 1.0:
            raise InvalidInput(f"expected a number between 0 and 1, got {least}", field="least")
        self.least = least
        self.run_length = run_length
        self._statistics = [0.0] * len(_STAKES)

    @property
    def statistic(self) -> float:
        """What is compared with `run_length`."""
        return sum(self._statistics) / len(_STAKES)

    def add(self, numbers: Iterable[float]) -> bool:
        """Take numbers from 0 to 1 in their order.

        Returns:
            Whether their mean is too low; the detector has then started anew.
        """
        least, room, alarm = self.least, 1.0 - self.least, False
        for number in numbers:
            gain = (least - number) / room
            self._statistics = [
                (1.0 + statistic) * (1.0 + stake * gain)
                for stake, statistic in zip(_STAKES, self._statistics, strict=True)
            ]
            if self.statistic >= self.run_length:
                alarm = True
                self._statistics = [0.0] * len(_STAKES)
        return alarm
