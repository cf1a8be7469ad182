"""When a shopper is there: hours of the day and days of the week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import i0e, ive
from scipy.stats import beta, vonmises

from generators.needs.user_rows import UserRows

_SLOT_HOURS = 3
_SLOTS = 3
_PRIOR_VISITS = 10.0
_MOST_KAPPA = 200.0


@dataclass(frozen=True, slots=True)
class Slot:
    """Some hours in a row, or a weekday.

    Attributes:
        start: First hour, 0 to 23; of a weekday, 1 (Monday) to 7.
        share: Of the visits, shrunk to the shop's.
        low: 5 % quantile.
        high: 95 % quantile.
        shop: The shop's share.
        confidence: P(share > the shop's share).
    """

    start: int
    share: float
    low: float
    high: float
    shop: float
    confidence: float


@dataclass(frozen=True, slots=True)
class HourHabits:
    """Habits in time.

    Attributes:
        zone: IANA time zone of the hours.
        visits: Hours in which something was done; what is done within one hour is one visit.
        mean_hour: Circular mean, 0 to 24; None without visits.
        concentration: Mean resultant length R: 0 spread evenly round the clock, 1 always the same hour.
        evenly: P(such an R or greater if hours were even), Rayleigh's test.
        by_hour: Smoothed share of each hour, sums to 1; shape (24,).
        slots: The best three windows of three hours that do not overlap, best first.
        weekdays: All seven, Monday first.
        reason: Key of `data/report.toml` that says why nothing is known; "" where something is.
    """

    zone: str
    visits: int
    mean_hour: float | None
    concentration: float | None
    evenly: float | None
    by_hour: tuple[float, ...]
    slots: tuple[Slot, ...]
    weekdays: tuple[Slot, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class HourModel:
    """Visits of all shoppers, and the shop's shares, each shopper weighing the same.

    Attributes:
        visits: Columns user, hour, weekday (1 Monday), minute (of the day).
        hours: The shop's share of each hour, shape (24,).
        weekdays: Of each weekday, shape (7,).
        zone: IANA time zone.
        timed: False where all events are at midnight: days, but no hours are known.

    Source: kernel density on the circle with the rule-of-thumb concentration, Taylor (2008), Automatic bandwidth
    selection for circular density estimation, eq. 7; Rayleigh's test, Mardia & Jupp (2000), eq. 6.3.2 and its
    approximation by Zar.
    """

    visits: UserRows
    hours: NDArray[np.float64]
    weekdays: NDArray[np.float64]
    zone: str
    timed: bool

    @classmethod
    def fit(cls, events: pl.DataFrame, zone: str) -> HourModel:
        """Find visits.

        Args:
            events: Columns user and at.
            zone: IANA time zone.
        """
        local = pl.col("at").dt.convert_time_zone(zone)
        visits = (
            events.select("user", local.alias("local"))
            .group_by("user", pl.col("local").dt.truncate("1h").alias("start"))
            .agg((pl.col("local").dt.hour().cast(pl.Int64) * 60 + pl.col("local").dt.minute()).mean().alias("minute"))
            .select(
                "user",
                pl.col("start").dt.hour().cast(pl.Int64).alias("hour"),
                pl.col("start").dt.weekday().cast(pl.Int64).alias("weekday"),
                "minute",
            )
            .sort("user", "weekday", "minute")
        )
        weights = visits.select(1.0 / pl.len().over("user")).to_series().to_numpy()
        hours = np.bincount(visits["hour"], weights, 24) + 1e-6
        days = np.bincount(visits["weekday"] - 1, weights, 7) + 1e-6
        timed = visits.height > 0 and bool((visits["minute"] != visits["minute"][0]).any())
        return cls(UserRows(visits), hours / hours.sum(), days / days.sum(), zone, timed)

    def of(self, users: Sequence[str]) -> HourHabits:
        """Of a shopper, or of several, each weighing the same."""
        rows = self.visits.of(users)
        if rows.is_empty() or not self.timed:
            reason = "no_events" if rows.is_empty() else "no_hours"
            return HourHabits(self.zone, 0, None, None, None, (), (), (), reason)
        weights = rows.select(1.0 / pl.len().over("user")).to_series().to_numpy()
        total = float(weights.sum() ** 2 / (weights**2).sum())
        weights = weights / weights.sum()
        angles = rows["minute"].to_numpy() * (2.0 * np.pi / 1440.0)
        resultant = complex(np.sum(weights * np.exp(1j * angles)))
        r = min(1.0, abs(resultant))
        mean = float(np.angle(resultant) % (2.0 * np.pi) * 24.0 / (2.0 * np.pi))
        own = _smoothed(angles, weights, r, total)
        by_hour = (total * own + _PRIOR_VISITS * self.hours) / (total + _PRIOR_VISITS)
        counted = np.bincount(rows["hour"], weights, 24)
        shrunk = (total * counted + _PRIOR_VISITS * self.hours) / (total + _PRIOR_VISITS)
        days = np.bincount(rows["weekday"] - 1, weights, 7)
        return HourHabits(
            self.zone,
            rows.height,
            mean,
            r,
            _rayleigh(r, total),
            tuple(float(share) for share in by_hour),
            tuple(_slot(start, _window(counted, start), _window(self.hours, start), total) for start in _best(shrunk)),
            tuple(_slot(day + 1, float(days[day]), float(self.weekdays[day]), total) for day in range(7)),
            "",
        )


def _smoothed(angles: NDArray[np.float64], weights: NDArray[np.float64], r: float, total: float) -> NDArray[np.float64]:
    """Shares of the 24 hours by von Mises kernels; shape (24,)."""
    kappa = _kappa(r)
    ratio = 3.0 * total * kappa**2 * ive(2, 2 * kappa) / (4.0 * np.sqrt(np.pi) * i0e(kappa) ** 2)
    bandwidth = float(np.clip(ratio**0.4, 1.0, _MOST_KAPPA))
    middles = (np.arange(24) + 0.5) * (2.0 * np.pi / 24.0)
    density = vonmises.pdf(middles[:, None] - angles[None, :], bandwidth) @ weights
    return np.asarray(density / density.sum(), dtype=np.float64)


def _kappa(r: float) -> float:
    """Concentration of a von Mises distribution with this resultant length.

    Source: Fisher (1993), Statistical analysis of circular data, eq. 4.40.
    """
    if r < 0.53:
        kappa = 2 * r + r**3 + 5 * r**5 / 6
    elif r < 0.85:
        kappa = -0.4 + 1.39 * r + 0.43 / (1 - r)
    else:
        kappa = 1.0 / max(r**3 - 4 * r**2 + 3 * r, 1e-6)
    return float(np.clip(kappa, 1e-3, _MOST_KAPPA))


def _rayleigh(r: float, total: float) -> float:
    z = total * r
    return float(np.exp(np.sqrt(1 + 4 * total + 4 * (total**2 - z**2)) - (1 + 2 * total)))


def _window(shares: NDArray[Any], start: int) -> float:
    return float(sum(shares[(start + step) % 24] for step in range(_SLOT_HOURS)))


def _best(shares: NDArray[np.float64]) -> list[int]:
    """Starts of the heaviest windows that do not overlap."""
    found: list[int] = []
    for start in sorted(range(24), key=lambda hour: (-_window(shares, hour), hour)):
        apart = all(min((start - other) % 24, (other - start) % 24) >= _SLOT_HOURS for other in found)
        if apart and len(found) < _SLOTS:
            found.append(start)
    return found


def _slot(start: int, share: float, shop: float, total: float) -> Slot:
    a = _PRIOR_VISITS * shop + total * share
    b = _PRIOR_VISITS * (1.0 - shop) + total * (1.0 - share)
    low, high = beta.ppf((0.05, 0.95), a, b)
    return Slot(start, float(a / (a + b)), float(low), float(high), shop, float(beta.sf(shop, a, b)))
