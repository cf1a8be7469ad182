"""Keys and values of a shared beginning, kept for many rows and never copied again."""

from __future__ import annotations

import copy
from typing import Any

from generators.model_libraries import model_libraries


class PrefixCache:
    """Reads the beginning of a prompt once and hands out caches that already hold it.

    A dynamic cache of transformers grows by concatenation: with a beginning of 300 tokens and 48 rows that copies
    hundreds of megabytes for each token. Here each layer has one buffer with room for the longest line; the beginning
    is written into it once, tokens are added in place, and the next batch starts over behind the beginning.
    """

    def __init__(self, model: Any, ids: Any) -> None:
        """Read the beginning.

        Args:
            model: A causal model of transformers.
            ids: Tokens of the beginning, shape (1, t).
        """
        torch, self._transformers = model_libraries()
        self.ids = ids
        with torch.inference_mode():
            self._cache = model(input_ids=ids, use_cache=True).past_key_values
        layers = getattr(self._cache, "layers", [])
        plain = self._transformers.DynamicCache
        # Sliding windows, recurrent states and the like keep their own books; they are copied as they are.
        self._plain = type(self._cache) is plain and bool(layers)
        self._plain = self._plain and all(type(layer).__name__ == "DynamicLayer" for layer in layers)
        self._layer_class = _layer_class()
        self._rows = self._room = 0
        self._layers: list[Any] = []

    def rows(self, count: int, room: int) -> Any:
        """Return a cache for `count` rows with room for `room` more tokens; the one before it is void then."""
        if not self._plain:
            return self.copied(count)
        if count > self._rows or room > self._room:
            self._rows, self._room = max(count, self._rows), max(room, self._room)
            self._layers = [self._layer_class(layer, self._rows, self._room) for layer in self._cache.layers]
        cache = self._transformers.DynamicCache()
        cache.layers = self._layers
        for layer in self._layers:
            layer.start(count)
        return cache

    def copied(self, count: int) -> Any:
        """Return a cache of the library's own kind, for models that need one and to measure against."""
        cache = copy.deepcopy(self._cache)
        cache.batch_repeat_interleave(count)
        return cache


def _layer_class() -> Any:
    base: Any = model_libraries()[1].cache_utils.DynamicLayer

    class PrefixLayer(base):  # type: ignore[misc]
        """Keys and values of one layer, shape (rows, heads, beginning + room, width), filled up to a length."""

        def __init__(self, read: Any, rows: int, room: int) -> None:
            super().__init__()
            self.dtype, self.device = read.keys.dtype, read.keys.device
            self._beginning = read.keys.shape[2]
            self._buffers = [_buffer(states, rows, room) for states in (read.keys, read.values)]
            self.is_initialized = True
            self.start(rows)

        def start(self, rows: int) -> None:
            """Hold the beginning alone, for so many rows."""
            self._rows = rows
            self._fill(self._beginning)

        def update(self, key_states: Any, value_states: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
            """Add tokens behind those there, and return all."""
            start = self.keys.shape[2]
            end = start + key_states.shape[2]
            for buffer, states in zip(self._buffers, (key_states, value_states), strict=True):
                buffer[: self._rows, :, start:end] = states
            self._fill(end)
            return self.keys, self.values

        def _fill(self, length: int) -> None:
            self.keys, self.values = (buffer[: self._rows, :, :length] for buffer in self._buffers)

    return PrefixLayer


def _buffer(states: Any, rows: int, room: int) -> Any:
    _, heads, length, width = states.shape
    buffer = states.new_empty(rows, heads, length + room, width)
    buffer[:, :, :length] = states
    return buffer
