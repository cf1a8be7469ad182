"""Batches on their way into a stream."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

from engine.calling import messages
from engine.calling.batch import Batch
from engine.pb.armsreach.v1 import delivery_pb2


class Feed:
    """Turns batches into messages. What goes wrong in the caller's own iterator ends the stream and is raised later.

    grpc reads the iterator on a thread of its own, where an exception would be logged and lost.
    """

    def __init__(self) -> None:
        self._trouble: Exception | None = None

    def messages(self, batches: Iterable[Batch]) -> Iterator[delivery_pb2.DecideBatchRequest]:
        """For a blocking stream."""
        try:
            for batch in batches:
                yield messages.batch_request(batch)
        except Exception as error:
            self._trouble = error

    async def async_messages(
        self, batches: Iterable[Batch] | AsyncIterable[Batch]
    ) -> AsyncIterator[delivery_pb2.DecideBatchRequest]:
        """For an async stream."""
        try:
            if isinstance(batches, AsyncIterable):
                async for batch in batches:
                    yield messages.batch_request(batch)
            else:
                for batch in batches:
                    yield messages.batch_request(batch)
        except Exception as error:
            self._trouble = error

    def check(self) -> None:
        """Raise what went wrong on the caller's side of the stream, if anything did."""
        if self._trouble is not None:
            raise self._trouble
