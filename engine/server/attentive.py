"""Messages of a stream whose sender must not fall silent for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from engine.core.errors import Unavailable


class Attentive(AsyncIterator[Any]):
    """Passes messages on; ends the stream of a sender who says nothing for too long, as it may be gone for good."""

    def __init__(self, messages: AsyncIterator[Any], idle_s: float) -> None:
        self._messages = messages
        self._idle_s = idle_s

    async def __anext__(self) -> Any:
        """The next message.

        Raises:
            Unavailable: If none came in time.
        """
        try:
            async with asyncio.timeout(self._idle_s):
                return await anext(self._messages)
        except TimeoutError:
            raise Unavailable(
                f"expected a message or the end of the stream within {self._idle_s:g} s (server.stream_idle_s), got"
                " neither; open a new stream"
            ) from None
