"""Chooses settings on a window of validation, which is never the one that is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from engine.profiles.evaluation.evaluate import evaluate
from engine.profiles.evaluation.hold_out import HoldOut
from engine.profiles.making import Made, make
from engine.profiles.products import Products
from engine.profiles.settings import ProfileSettings

# What only the use of a fit depends on, and what needs a fit each.
USED: Mapping[str, Sequence[float]] = {
    "sharpness": (1.0, 2.0, 3.0, 4.0),
    "content_share": (0.0, 0.05, 0.1, 0.2),
}
FITTED: Mapping[str, Sequence[float]] = {
    "half_life_days": (45.0, 90.0, 180.0, 720.0),
    "alpha": (1.0, 5.0, 15.0),
    "regularization": (3.0, 10.0, 30.0),
}
REPEAT = (0.5, 1.0, 2.0, 4.0)
NOVEL = (0.25, 0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True, slots=True)
class Tried:
    """Settings, and NDCG@10 of a ranker with them."""

    settings: ProfileSettings
    ndcg: float


def tune(
    hold_out: HoldOut,
    products: Products,
    base: ProfileSettings,
    *,
    fitted: Mapping[str, Sequence[float]] = FITTED,
    used: Mapping[str, Sequence[float]] = USED,
    threads: int = 1,
    tell: Callable[[Tried], None] = lambda _: None,
) -> Tried:
    """Walk along one setting after the other: the use, the fit, and the use again.

    Judged by NDCG@10 of the blend with repeats; `repeat` by that of blend+personal, `novel_sharpness` by that of the
    blend without repeats. Of equal values the first of the grid stays.

    Args:
        hold_out: Of validation: it ends where the window that is reported begins.
        products: Of the items.
        base: Where to begin.
        fitted: Grid of what needs a fit each.
        used: Grid of what does not.
        threads: Of ALS.
        tell: Hears of each.
    """
    walk = _Walk(hold_out, products, threads, tell)
    best = base
    for name, values in (*used.items(), *fitted.items(), *used.items()):
        if not (name in ("alpha", "regularization") and base.method == "svd"):
            best = walk.along(best, name, values)
    best = walk.along(best, "repeat", REPEAT, "blend+personal")
    best = walk.along(best, "novel_sharpness", NOVEL, novel=True)
    return walk.tried(best, "blend", novel=False)


class _Walk:
    """Tries settings; keeps the last fit, which the next may use."""

    def __init__(self, hold_out: HoldOut, products: Products, threads: int, tell: Callable[[Tried], None]) -> None:
        self._hold_out = hold_out
        self._products = products
        self._threads = threads
        self._tell = tell
        self._fit: tuple[tuple[object, ...], Made] | None = None

    def along(
        self,
        settings: ProfileSettings,
        name: str,
        values: Sequence[float],
        ranker: str = "blend",
        *,
        novel: bool = False,
    ) -> ProfileSettings:
        """The best of some values of one setting."""
        tries = [
            self.tried(replace(settings, **{name: value}), ranker, novel=novel)  # type: ignore[arg-type]
            for value in values
        ]
        return max(tries, key=lambda one: one.ndcg).settings

    def tried(self, settings: ProfileSettings, ranker: str, *, novel: bool) -> Tried:
        """NDCG@10 with settings."""
        needs = tuple(getattr(settings, name) for name in FITTED)
        if self._fit is None or self._fit[0] != needs:
            made = make(self._hold_out.before, self._products, settings, self._hold_out.start, threads=self._threads)
            self._fit = needs, made
        found = evaluate(self._hold_out, self._products, settings, novel=novel, rankers=[ranker], made=self._fit[1])
        tried = Tried(settings, float(found.ranked[ranker].ndcg.mean()) if found.shoppers else 0.0)
        self._tell(tried)
        return tried
