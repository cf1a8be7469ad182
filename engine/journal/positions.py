"""How far a reader has come in every chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.core.errors import CorruptState
from engine.journal.position import Position


class Positions(Mapping[str, Position]):
    """Chain → position; immutable, and JSON-able for manifests and checkpoints.

    A chain that is absent has not been read at all.

    Examples:
        >>> positions = Positions([Position("w0", 1, 64)]).after(Position("w1", 2, 16))
        >>> positions.to_json()
        {'w0': {'segment': 1, 'offset': 64}, 'w1': {'segment': 2, 'offset': 16}}
        >>> Positions.from_json(positions.to_json()) == positions
        True
    """

    __slots__ = ("_of",)

    def __init__(self, positions: Iterable[Position] = ()) -> None:
        self._of: dict[str, Position] = {position.chain: position for position in positions}

    def __getitem__(self, chain: str) -> Position:
        return self._of[chain]

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)

    def __eq__(self, other: object) -> bool:
        return self._of == other._of if isinstance(other, Positions) else NotImplemented

    def __hash__(self) -> int:
        return hash(frozenset(self._of.values()))

    def __repr__(self) -> str:
        return f"Positions({list(self._of.values())!r})"

    def after(self, position: Position) -> Positions:
        """These positions with one chain moved to `position`."""
        moved = Positions()
        moved._of = {**self._of, position.chain: position}
        return moved

    def covers(self, position: Position) -> bool:
        """Whether the record that ends at `position` lies behind these positions."""
        reached = self._of.get(position.chain)
        return reached is not None and position <= reached

    def to_json(self) -> dict[str, dict[str, int]]:
        """A JSON object, chains in order of their names."""
        return {
            chain: {"segment": position.segment, "offset": position.offset}
            for chain, position in sorted(self._of.items())
        }

    @classmethod
    def from_json(cls, document: object) -> Positions:
        """Read what `to_json` wrote.

        Raises:
            CorruptState: If it is anything else.
        """
        if not isinstance(document, Mapping):
            raise CorruptState(f"positions: expected an object, got {type(document).__name__}")
        return cls(_position(str(chain), place) for chain, place in document.items())


def _position(chain: str, place: object) -> Position:
    if not isinstance(place, Mapping) or set(place) != {"segment", "offset"}:
        raise CorruptState(f"positions.{chain}: expected an object of segment and offset, got {place!r:.80}")
    segment, offset = place["segment"], place["offset"]
    if not (type(segment) is int and type(offset) is int and segment >= 0 and offset >= 0):
        raise CorruptState(f"positions.{chain}: expected integers ≥ 0, got {place!r:.80}")
    return Position(chain, segment, offset)
