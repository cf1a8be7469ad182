"""Takes calls over from grpc, lets as many begin as can be served well, and turns away who would wait too long."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import grpc

from engine.server.guarded import Watch

_AHEAD = 8
_LEAST = 16
_LASTING_S = 0.1
_AGAIN_S = 0.1
_HASTE = 1 / 3
_REFUSALS_PER_S = 3_000.0
_EXHAUSTED = int(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])


class Calls(Protocol):
    """Calls as grpc has them; see `GrpcCalls`."""

    def ask(self, method: str) -> Coroutine[Any, Any, Any]:
        """The next call of a method."""
        ...

    def serve(self, method: str, call: Any) -> Coroutine[Any, Any, None]:
        """Answer a call."""
        ...

    def refuse(self, call: Any) -> Coroutine[Any, Any, None]:
        """Turn a call away."""
        ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that was taken over and has not begun.

    Attributes:
        since_s: When it was taken over, by the event loop's clock.
        method: Full name.
        call: As grpc has it.
    """

    since_s: float
    method: str
    call: Any


class Intake:
    """Calls wait here, not in grpc, where nobody could tell them anything but that they are cancelled.

    Many calls are asked for ahead, so a burst is taken over in one turn of the event loop, whatever it does; the oldest
    begins as soon as there is room. One that has waited for too long is refused, with the time to wait.

    Once that happens calls come faster than they can be answered. Most of them will be refused, so the newest begins,
    which still has the most time, and patience is shorter, until nobody had to be refused for a while: those who are
    answered are answered fast, and nobody waits long for a refusal (adaptive LIFO with a bounded delay, as in
    B. Maurer, "Fail at scale", ACM Queue 13(8), 2015).

    A refusal takes some 100 µs of CPU. There is a credit for them, which fills up over time; as it shrinks, fewer calls
    are asked for ahead, and grpc's core, whose own queue is short (see `channel_options`), turns the rest away for a
    third of that, though as CANCELLED.
    """

    def __init__(
        self,
        calls: Calls,
        methods: Collection[str],
        most: int,
        patience_s: float,
        watch: Watch,
        refusals_per_s: float = _REFUSALS_PER_S,
    ) -> None:
        """Take nothing over yet.

        Args:
            calls: Calls as grpc has them.
            methods: Full names, `/package.Service/Method`.
            most: How many calls may be served at a time, those of all methods together.
            patience_s: How long a call may wait for its turn.
            watch: What counts calls; those that are turned away.
            refusals_per_s: How fast the credit for refusals fills up.
        """
        self._calls = calls
        self._most = most
        self._patience_s = patience_s
        self._watch = watch
        self._refusals_per_s = refusals_per_s
        self._ahead = _AHEAD * most
        self._credit = float(self._ahead)
        self._seen_s = 0.0
        self._refused_s = -math.inf
        self._waiting: deque[Waiting] = deque()
        self._asked = dict.fromkeys(methods, 0)
        self._queued = dict.fromkeys(methods, 0)
        self._serving = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._ends = True

    def begin(self) -> None:
        """Take calls over from now on; the server has to be started."""
        self._ends = False
        self._seen_s = asyncio.get_running_loop().time()
        for method in self._asked:
            self._ask(method)

    def end(self) -> None:
        """Ask for no more calls; those taken over are still served. To be called before the server is stopped."""
        self._ends = True

    async def close(self) -> None:
        """Let go of what is left, once the server has stopped."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

    @property
    def waiting(self) -> int:
        """How many calls wait for their turn."""
        return len(self._waiting)

    def _ask(self, method: str) -> None:
        wanted = max(_LEAST, int(self._credit)) - self._queued[method]
        while self._asked[method] < wanted and not self._ends:
            self._asked[method] += 1
            self._start(self._calls.ask(method), lambda task: self._taken(method, task))

    def _taken(self, method: str, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._asked[method] -= 1
        if task.cancelled() or task.exception() is not None:
            if not self._ends:  # whatever it was, not at once again
                asyncio.get_running_loop().call_later(_AGAIN_S, self._ask, method)
            return
        self._queued[method] += 1
        self._waiting.append(Waiting(asyncio.get_running_loop().time(), method, task.result()))
        self._move()

    def _move(self) -> None:
        """Refuse who waited too long, and let begin what can."""
        now = asyncio.get_running_loop().time()
        self._credit = min(float(self._ahead), self._credit + self._refusals_per_s * (now - self._seen_s))
        self._seen_s = now
        # What grpc's own queue and a commit may take is left of a shorter patience, too.
        lasting = now - self._refused_s < _LASTING_S
        patience_s = self._patience_s * (_HASTE if lasting else 1.0)
        while self._waiting and now - self._waiting[0].since_s > patience_s:
            self._refuse(self._waiting.popleft(), now)
        while self._waiting and self._serving < self._most:
            self._serve(self._waiting.pop() if lasting else self._waiting.popleft())
        if self._waiting and self._timer is None:
            due_s = self._waiting[0].since_s + patience_s - now
            self._timer = asyncio.get_running_loop().call_later(due_s + 0.001, self._time_is_up)

    def _time_is_up(self) -> None:
        self._timer = None
        self._move()

    def _serve(self, waiting: Waiting) -> None:
        self._queued[waiting.method] -= 1
        self._serving += 1
        self._start(self._calls.serve(waiting.method, waiting.call), self._served)
        self._ask(waiting.method)

    def _served(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self._serving -= 1
        self._move()

    def _refuse(self, waiting: Waiting, now_s: float) -> None:
        self._queued[waiting.method] -= 1
        self._refused_s = now_s
        self._credit = max(0.0, self._credit - 1.0)
        self._watch.done(waiting.method.rpartition("/")[2], 0.0, _EXHAUSTED)
        self._start(self._calls.refuse(waiting.call), self._refused)
        self._ask(waiting.method)

    def _refused(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # of a caller who has gone nobody needs to hear

    def _start(self, coroutine: Coroutine[Any, Any, Any], then: Callable[[asyncio.Task[Any]], None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(then)
