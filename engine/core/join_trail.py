"""How far back each chain of the journal has to be read again."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

_BEGINNING = datetime.min.replace(tzinfo=UTC)


class Placed(Protocol):
    """A place in one chain of the journal."""

    @property
    def chain(self) -> str:
        """The chain's name."""
        ...

    @property
    def segment(self) -> int:
        """Number of the segment within the chain."""
        ...

    @property
    def offset(self) -> int:
        """Place within the segment."""
        ...


PlacedT = TypeVar("PlacedT", bound=Placed)


class Trail(Generic[PlacedT]):
    """Sparse samples of (time, place) per chain.

    A chain's clock never goes back, so everything up to a sample was recorded no later than the sample.

    Args:
        spacing: Least time between two samples of a chain; it bounds both memory and needless reading.
        start: Places from which reading began.
    """

    def __init__(self, spacing: timedelta, start: Mapping[str, PlacedT]) -> None:
        self._spacing = spacing
        self._samples: dict[str, deque[tuple[datetime, PlacedT]]] = {
            chain: deque([(_BEGINNING, place)]) for chain, place in start.items()
        }

    def note(self, place: PlacedT, recorded_at: datetime) -> None:
        """Remember a place, where the last one of its chain is far enough back."""
        samples = self._samples.setdefault(place.chain, deque())
        if not samples or samples[-1][0] + self._spacing <= recorded_at:
            samples.append((recorded_at, place))

    def before(self, moment: datetime) -> dict[str, PlacedT]:
        """Per chain the last known place with everything up to it recorded before `moment`; older ones are forgotten.

        A chain without such a place is left out: it has to be read from its start.
        """
        places = {}
        for chain, samples in self._samples.items():
            while len(samples) > 1 and samples[1][0] < moment:
                samples.popleft()
            if samples and samples[0][0] < moment:
                places[chain] = samples[0][1]
        return places

    def __len__(self) -> int:
        return sum(len(samples) for samples in self._samples.values())
