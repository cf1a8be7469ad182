"""Chooses settings on a window of validation, which is never the one that is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from engine.profiles.evaluation.evaluate import evaluate
from engine.profiles.evaluation.hold_out import HoldOut
from engine.profiles.making import make
from engine.profiles.products import Products
from engine.profiles.settings import ProfileSettings

# What a fit depends on, and what only its use does.
FITTED: Mapping[str, Sequence[float | str]] = {
    "half_life_days": (90.0, 180.0, 720.0),
    "alpha": (1.0, 5.0),
    "regularization": (1.0, 10.0),
}
USED: Mapping[str, Sequence[float]] = {"content_share": (0.05, 0.1, 0.2, 0.4), "sharpness": (1.0, 1.5, 2.0, 3.0)}
REPEAT = (0.5, 1.0, 2.0, 4.0)
NOVEL = (0.25, 0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True, slots=True)
class Tried:
    """Settings, and NDCG@10 of the blend with them, repeats included."""

    settings: ProfileSettings
    ndcg: float


def tune(
    hold_out: HoldOut,
    products: Products,
    base: ProfileSettings,
    *,
    fitted: Mapping[str, Sequence[float | str]] = FITTED,
    used: Mapping[str, Sequence[float]] = USED,
    threads: int = 1,
    tell: Callable[[Tried], None] = lambda _: None,
) -> Tried:
    """The best of a grid.

    Args:
        hold_out: Of validation: it ends where the window that is reported begins.
        products: Of the items.
        base: All other settings.
        fitted: Grid of what needs a fit each.
        used: Grid of what does not.
        threads: Of ALS.
        tell: Hears of each.
    """
    best = Tried(base, -1.0)
    for values in product(*fitted.values()):
        settings = replace(base, **dict(zip(fitted, values, strict=True)))  # type: ignore[arg-type]
        made = make(hold_out.before, products, settings, hold_out.start, threads=threads)
        for use in product(*used.values()):
            tried = replace(settings, **dict(zip(used, use, strict=True)))  # type: ignore[arg-type]
            numbers = evaluate(hold_out, products, tried, rankers=["blend"], made=made).ranked["blend"]
            found = Tried(tried, float(numbers.ndcg.mean()))
            tell(found)
            best = max(best, found, key=lambda one: one.ndcg)
    made = make(hold_out.before, products, best.settings, hold_out.start, threads=threads)

    def ndcg(ranker: str, name: str, value: float) -> float:
        """Of the best settings with one of them changed."""
        settings = replace(best.settings, **{name: value})  # type: ignore[arg-type]
        is_novel = name == "novel_sharpness"
        found = evaluate(hold_out, products, settings, novel=is_novel, rankers=[ranker], made=made)
        return float(found.ranked[ranker].ndcg.mean())

    repeat = max(REPEAT, key=lambda value: ndcg("blend+personal", "repeat", value))
    sharpness = max(NOVEL, key=lambda value: ndcg("blend", "novel_sharpness", value))
    return replace(best, settings=replace(best.settings, repeat=repeat, novel_sharpness=sharpness))
