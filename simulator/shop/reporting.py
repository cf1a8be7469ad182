"""When reactions happen and how well they are reported."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.shop.selling import require_share, require_within

__all__ = ["Reporting"]

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Reporting:
    """Delays of reactions, and the mess of real reports.

    Attributes:
        click_s: Mean time from send to click.
        purchase_s: Mean time from click to purchase.
        refund_s: Mean time from purchase to refund.
        unsubscribe_s: Mean time from send to unsubscribing.
        lag_s: Mean time from an event to its report.
        duplicates: Share of reports that come twice.
        disorder: Share of reports that come some hours late, after younger ones.
        lost_to_training: Share of reports that come only after the decision was learned.
    """

    click_s: float = 2 * 3600.0
    purchase_s: float = 8 * 3600.0
    refund_s: float = 12 * 3600.0
    unsubscribe_s: float = 4 * 3600.0
    lag_s: float = 20.0
    duplicates: float = 0.02
    disorder: float = 0.02
    lost_to_training: float = 0.005

    def __post_init__(self) -> None:
        for name in ("click_s", "purchase_s", "refund_s", "unsubscribe_s", "lag_s"):
            require_within(name, getattr(self, name), 0.001, 60 * _DAY_S)
        for name in ("duplicates", "disorder", "lost_to_training"):
            require_share(name, getattr(self, name))
