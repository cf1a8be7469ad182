"""Checks for outcomes that cannot be, or are not what metrics take them for."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.arrays import BoolArray
from simulator.lint.check import Check
from simulator.lint.finding import Finding, Severity
from simulator.lint.modes import any_outcome, on_hold
from simulator.lint.row_check import RowCheck
from simulator.lint.tally import Tally
from simulator.log import Log

__all__ = ["OtherTypes", "outcome_checks"]

_COUNTED = ("click", "purchase", "refund", "cost", "unsubscribe", "not_sent")
_CENT = 0.005
_NAMES = 3


def outcome_checks() -> list[Check]:
    """Make the checks."""
    return [
        RowCheck(
            "click_on_hold",
            Severity.WARNING,
            "a click or unsubscribe after hold, which sends nothing to click on",
            "check the join; give visits that need no message a type of their own",
            lambda log: on_hold(log) & any_outcome(log, "click", "unsubscribe"),
        ),
        RowCheck(
            "cost_of_hold",
            Severity.WARNING,
            "hold has a cost, though it sends nothing",
            "credit costs to the decision that sent",
            lambda log: on_hold(log) & (log.outcomes.total("cost", log.rows) > 0),
        ),
        RowCheck(
            "hold_not_sent",
            Severity.WARNING,
            "hold was reported not_sent, though there was nothing to send",
            "report not_sent for the decision that failed to send",
            lambda log: on_hold(log) & any_outcome(log, "not_sent"),
        ),
        RowCheck(
            "click_on_not_sent",
            Severity.WARNING,
            "a click or unsubscribe on what was reported not_sent",
            "check the join, and whether not_sent was reported for good",
            lambda log: any_outcome(log, "not_sent") & any_outcome(log, "click", "unsubscribe"),
        ),
        RowCheck(
            "purchase_of_nothing",
            Severity.WARNING,
            "a purchase of value 0 counts as a conversion without revenue",
            "write the purchase's value, or leave it out",
            lambda log: _valued(log, low=0.0, high=0.0),
        ),
        RowCheck(
            "negative_purchase",
            Severity.WARNING,
            "a purchase below 0 counts as a conversion that costs revenue",
            "write money given back as a refund of that value",
            lambda log: _valued(log, low=-np.inf, high=-1e-300),
        ),
        RowCheck(
            "refund_above_purchase",
            Severity.WARNING,
            "refunds exceed the purchases of the same decision",
            "credit a refund to the decision of its purchase",
            _refunded_more,
        ),
        RowCheck(
            "comment_value",
            Severity.WARNING,
            "a comment whose value is not within -1 and 1 outweighs the others in an objective",
            "write a comment's mood from -1 (against) to 1 (for)",
            _beyond_a_mood,
        ),
        RowCheck(
            "repeated_click",
            Severity.INFO,
            "several clicks on one decision: it counts as clicked once",
            "none needed; report the first click only, if size matters",
            _several_clicks,
        ),
        OtherTypes(),
    ]


class OtherTypes:
    """Finds outcome types that no metric counts."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}
        self._tally = Tally()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        others = [kind for kind in log.outcomes.kinds if kind not in _COUNTED]
        if others:
            rows = any_outcome(log, *others)
            self._names.update({kind: None for kind in others if any_outcome(log, kind).any()})
            self._tally.add(log, rows)

    def finish(self) -> Iterable[Finding]:
        """Name them."""
        if self._tally:
            names = ", ".join([*self._names][:_NAMES]) + ("…" if len(self._names) > _NAMES else "")
            yield self._tally.finding(
                "other_outcome",
                Severity.INFO,
                f"outcome types that no metric counts: {names}",
                f"use {', '.join(_COUNTED[:3])}… where meant, or give the type a worth with --objective",
            )


def _valued(log: Log, low: float, high: float) -> BoolArray:
    outcomes = log.outcomes
    if "purchase" not in outcomes.kinds:
        return np.zeros(log.rows, dtype=bool)
    odd = (outcomes.kind == outcomes.kinds.index("purchase")) & (outcomes.value >= low) & (outcomes.value <= high)
    return np.bincount(outcomes.row[odd], minlength=log.rows) > 0


def _beyond_a_mood(log: Log) -> BoolArray:
    outcomes = log.outcomes
    if "comment" not in outcomes.kinds:
        return np.zeros(log.rows, dtype=bool)
    odd = (outcomes.kind == outcomes.kinds.index("comment")) & ~(np.abs(outcomes.value) <= 1.0)
    return np.bincount(outcomes.row[odd], minlength=log.rows) > 0


def _refunded_more(log: Log) -> BoolArray:
    refunds = log.outcomes.total("refund", log.rows)
    return np.asarray((refunds > 0) & (refunds > log.outcomes.total("purchase", log.rows) + _CENT))


def _several_clicks(log: Log) -> BoolArray:
    outcomes = log.outcomes
    if "click" not in outcomes.kinds:
        return np.zeros(log.rows, dtype=bool)
    clicks = outcomes.kind == outcomes.kinds.index("click")
    return np.bincount(outcomes.row[clicks], minlength=log.rows) > 1
