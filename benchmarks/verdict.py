"""The closing line of a figure, the same in every benchmark."""

from __future__ import annotations


def verdict(name: str, value: float, target: float, reference: str, *, at_most: bool = False) -> None:
    """Print whether a figure keeps its target.

    Args:
        name: Of the figure.
        value: As measured in this run.
        target: What it should be at least.
        reference: What it was measured against in the same run.
        at_most: Whether the target is an upper limit instead.
    """
    kept = value <= target if at_most else value >= target
    print(f"RESULT name={name} value={value:.4g} target={target:g} reference={reference} {'ok' if kept else 'short'}")
