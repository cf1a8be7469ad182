"""What the caller itself leaves out."""

from __future__ import annotations

import numpy as np

from engine.core.catalogue import Catalogue
from engine.core.errors import InvalidInput
from engine.core.rules.rule import Inquiry


class Narrowing:
    """Excludes the channels, slots and variants that the request does not name, where it names any."""

    reasons = ("channel_not_requested", "slot_not_requested", "variant_not_requested")

    def __init__(self, catalogue: Catalogue) -> None:
        self._masks = [
            _masks(catalogue, [c.id for c in catalogue.channels], "channel"),
            _masks(catalogue, [s.id for s in catalogue.slots], "slot"),
            _masks(catalogue, [v.id for v in catalogue.variants], "variant"),
        ]
        self._arms = len(catalogue)

    def key(self, inquiry: Inquiry) -> tuple[tuple[str, ...], ...] | None:
        """See `Rule`."""
        if not (inquiry.channels or inquiry.slots or inquiry.variants):
            return None
        return inquiry.channels, inquiry.slots, inquiry.variants

    def excluded(self, inquiry: Inquiry) -> np.ndarray | None:
        """See `Rule`.

        Raises:
            InvalidInput: If the request names something that the campaign does not have.
        """
        codes: np.ndarray | None = None
        wanted = (inquiry.channels, inquiry.slots, inquiry.variants)
        for code, (field, names, masks) in enumerate(
            zip(("channels", "slots", "variants"), wanted, self._masks, strict=True)
        ):
            if not names:
                continue
            keep = np.zeros(self._arms, dtype=bool)
            for name in names:
                if name not in masks:
                    known = ", ".join(list(masks)[:10])
                    raise InvalidInput(f"unknown {name[:64]!r}; the campaign has {known}", field=field)
                keep |= masks[name]
            codes = np.zeros(self._arms, dtype=np.uint8) if codes is None else codes
            codes[~keep & (codes == 0)] = code + 1
        return codes


def _masks(catalogue: Catalogue, ids: list[str], part: str) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {name: np.zeros(len(catalogue), dtype=bool) for name in ids}
    for i, arm in enumerate(catalogue.arms):
        if arm is not None:
            columns[getattr(arm, part)][i] = True
    return columns
