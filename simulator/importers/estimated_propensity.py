"""Gives decisions without a propensity an estimated one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from simulator.log_builder import LogBuilder
from simulator.logging_model import LOWEST_PROPENSITY, LoggingModel

__all__ = ["ONLY_ESTIMATED", "EstimatedPropensity"]

#: Why a lowest propensity is refused.
ONLY_ESTIMATED = "expected it with --propensity estimate only, got stated propensities; leave it out"

Records = Callable[[], Iterable[Mapping[str, Any]]]


class EstimatedPropensity:
    """Records, read twice: once to fit a model of the logging policy, once to be completed by it.

    Only rows that have no propensity are fitted and completed; of a single eligible arm it is 1. Completed rows carry
    `propensity_estimated`.
    """

    def __init__(self, records: Records, model: LoggingModel | None) -> None:
        self._records = records
        self._model = model

    @classmethod
    def fit(cls, records: Records, source: str, lowest: float | None = None) -> EstimatedPropensity:
        """Fit the model.

        Args:
            records: Gives the records anew at each call, the same each time.
            source: Where they come from, for messages.
            lowest: Lowest estimate; None is the default.

        Raises:
            UnusableLog: When a record is not what the format says.
            InvalidInput: When the lowest propensity is out of range, or there are too few users.
        """
        builder = LogBuilder(source)
        for line, record in enumerate(records(), start=1):
            if _lacks(record):
                # The model does not look at propensities; the builder wants one.
                builder.append({**record, "propensity": 1.0 / len(record["eligible"]), "probabilities": None}, line)
        if not builder.rows:
            return cls(records, None)
        return cls(records, LoggingModel.of(builder.build(), lowest=LOWEST_PROPENSITY if lowest is None else lowest))

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the records, completed."""
        row = start = 0
        for record in self._records():
            if _lacks(record) and self._model is not None:
                end = start + len(record["eligible"])
                yield {
                    **record,
                    "propensity": float(self._model.propensity[row]),
                    "probabilities": self._model.probabilities[start:end].tolist(),
                    "propensity_estimated": True,
                }
                row, start = row + 1, end
            else:
                yield {**record, "propensity": record.get("propensity", 1.0)}

    def notes(self) -> list[str]:
        """Say how good the estimates are, and what they rest on."""
        if self._model is None:
            return ["no propensity was missing; none was estimated"]
        model, found = self._model, self._model.calibration
        bins = ", ".join(f"{entry.predicted:.3f} → {entry.observed:.3f}" for entry in found.reliability)
        gap = max(found.reliability, key=lambda entry: entry.gap)
        return [
            f"{model.propensity.size:,} propensities are estimated; they are right only if the context has everything "
            "that the logging policy looked at",
            f"log-loss {found.log_loss:.4f}, of frequencies without context {found.marginal_log_loss:.4f}",
            f"calibration by tenths, predicted → played: {bins}",
            f"largest calibration gap {gap.gap:.4f} at {gap.predicted:.3f} (by chance alone about {gap.error:.4f}); "
            f"mean weight of uniform {found.uniform_weight:.3f}, should be 1",
            f"temperatures {', '.join(f'{value:.2f}' for value in model.temperatures)}; least propensity "
            f"{found.lowest:.4f}; {model.raised:.1%} were raised to the lowest of {model.lowest:g}",
        ]


def _lacks(record: Mapping[str, Any]) -> bool:
    return record.get("propensity") is None and len(record["eligible"]) > 1
