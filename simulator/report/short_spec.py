"""Fits a SPEC into a column of a table."""

from __future__ import annotations

__all__ = ["LONGEST_SPEC", "short_spec"]

LONGEST_SPEC = 24


def short_spec(spec: str) -> str:
    """Leave out the middle of a long SPEC.

    >>> short_spec("snapshot:demo-out/data/snapshots/demo/00000028")
    'snapshot:de…emo/00000028'
    """
    return spec if len(spec) <= LONGEST_SPEC else f"{spec[:11]}…{spec[-(LONGEST_SPEC - 12) :]}"
