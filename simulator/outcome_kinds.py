"""Which outcomes a quantity is made of, so that one knows how long to wait for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

__all__ = ["outcome_kinds"]

_KINDS: Mapping[str, tuple[str, ...]] = {
    "clicked": ("click",),
    "converted": ("purchase",),
    "converted_clicked": ("click", "purchase"),
    "unsubscribed": ("unsubscribe",),
    "revenue": ("purchase", "refund"),
    "cost": ("cost",),
    "sent": ("not_sent",),
}
_TERMS = {"conversion": "purchase"}


def outcome_kinds(quantities: Iterable[str], objective: Mapping[str, float]) -> tuple[str, ...]:
    """List the outcome types behind some quantities.

    Args:
        quantities: Names as in `Quantities`, `objective` among them.
        objective: Outcome type → worth; a term of worth 0 is not waited for.

    >>> outcome_kinds(["objective"], {"click": 0.0, "conversion": 5.0, "cost": -1.0})
    ('cost', 'purchase')
    """
    kinds: set[str] = set()
    for name in quantities:
        if name == "objective":
            kinds |= {_TERMS.get(term, term) for term, worth in objective.items() if worth}
        else:
            kinds |= {*_KINDS[name]}
    return tuple(sorted(kinds))
