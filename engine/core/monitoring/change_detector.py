"""Whether a stream of window means is still what it was, without knowing what it was."""

from __future__ import annotations

import numpy as np

_KAPPAS = np.array([0.1, 0.3, 0.6])
_LARGEST = 1e200


class ChangeDetector:
    """Shiryaev and Roberts' procedure over conformal p-values, for any number of columns.

    Each new window is ranked among those before it, column by column. While windows are exchangeable these ranks are
    independent and uniform whatever the distribution, and every bet on them is fair: the statistic minus the number of
    windows is a martingale. So a false alarm comes after at least `run_length` windows on average, and within n windows
    with a probability of at most n / `run_length`. Bets on low and on high ranks, at three sharpnesses, are averaged
    over all columns: one column that moves is enough, and many columns make no more false alarms.

    After an alarm it starts anew, and what is then seen is the new normal.

    Assumes windows of equal size without trend or rhythm among them: a window should span a day where days have one.

    Attributes:
        run_length: Mean number of windows to a false alarm, at least.
        windows: How many were seen since the last start.

    Source: Vovk, Nouretdinov and Gammerman (2003), "Testing exchangeability on-line", for conformal p-values and power
    martingales; Vovk, Petej, Nouretdinov, Ahlberg, Carlsson and Gammerman (2021), "Retrain or not retrain: conformal
    test martingales for change-point detection", section 3, for the Shiryaev-Roberts statistic.
    """

    def __init__(
        self, columns: int, generator: np.random.Generator, run_length: float = 10_000.0, memory: int = 512
    ) -> None:
        """Start with nothing seen.

        Args:
            columns: d ≥ 1.
            generator: Breaks ties between equal windows; without it, discrete data would make ranks uneven.
            run_length: Mean number of windows to a false alarm.
            memory: After so many windows new ones are ranked among new ones only.
        """
        self.run_length = run_length
        self.windows = 0
        self._generator = generator
        self._seen = np.empty((memory, columns))
        self._count = 0
        self._statistic = np.zeros((2 * len(_KAPPAS), columns))

    @property
    def statistic(self) -> float:
        """What is compared with `run_length`."""
        return float(self._statistic.mean())

    def add(self, window: np.ndarray) -> bool:
        """Take a window's means.

        Args:
            window: Shape (d,), finite.

        Returns:
            Whether something changed; the detector has then started anew.
        """
        if self._count == len(self._seen):
            self._count = 0
        ranks = self._ranks(window)
        self._seen[self._count] = window
        self._count += 1
        self.windows += 1
        powers = _KAPPAS[:, None] - 1.0
        bets = _KAPPAS[:, None] * np.concatenate([ranks[None] ** powers, (1.0 - ranks)[None] ** powers]).reshape(
            2, len(_KAPPAS), -1
        )
        self._statistic = np.minimum((1.0 + self._statistic) * bets.reshape(self._statistic.shape), _LARGEST)
        if self.statistic < self.run_length:
            return False
        self._statistic[:] = 0.0
        self._count = self.windows = 0
        return True

    def _ranks(self, window: np.ndarray) -> np.ndarray:
        """Conformal p-values, shape (d,), inside (0, 1)."""
        seen = self._seen[: self._count]
        ties = (seen == window).sum(axis=0) + 1.0
        ranks = ((seen > window).sum(axis=0) + self._generator.random(len(window)) * ties) / (self._count + 1.0)
        return np.asarray(np.clip(ranks, 1e-12, 1.0 - 1e-12))
