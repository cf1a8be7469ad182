"""Takes calls over from grpc, lets as many begin as can be served well, and turns away who would wait too long."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import grpc

from engine.server.guarded import Watch

log = logging.getLogger(__name__)

_AHEAD = 8
_LEAST = 16
_LASTING_S = 0.1
_AGAIN_S = 0.1
_STALLS_S = 1.0
_LOOK_S = 0.01
_LOOKS = 5
_ENDING_S = 1.0
_HASTE = 1 / 3
_REFUSALS_PER_S = 3_000.0
_EXHAUSTED = int(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])


class Timing(Protocol):
    """What an event loop knows of time."""

    def time(self) -> float:
        """Seconds since some instant."""
        ...

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> Any:
        """Call back once so many seconds have passed; a handle with `cancel`."""
        ...


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

    A call whose message does not come, or whose answer is not fetched, gives its turn back after a second, and much
    sooner while most turns are held by such calls; `Pending` still bounds how many handlers are at work.
    """

    def __init__(
        self,
        calls: Calls,
        methods: Collection[str],
        most: int,
        patience_s: float,
        watch: Watch,
        at_work: Callable[[], int],
        refusals_per_s: float = _REFUSALS_PER_S,
        timing: Timing | None = None,
    ) -> None:
        """Take nothing over yet.

        Args:
            calls: Calls as grpc has them.
            methods: Full names, `/package.Service/Method`.
            most: How many calls may be served at a time, those of all methods together.
            patience_s: How long a call may wait for its turn.
            watch: What counts calls; those that are turned away.
            at_work: How many of the calls that are served have a handler at work; the others are silent.
            refusals_per_s: How fast the credit for refusals fills up.
            timing: The clock to go by; None for the running event loop's.
        """
        timing = timing or asyncio.get_running_loop()
        self._now, self._later = timing.time, timing.call_later
        self._calls = calls
        self._most = most
        self._patience_s = patience_s
        self._watch = watch
        self._at_work = at_work
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
        self._again: asyncio.TimerHandle | None = None
        self._begun: deque[tuple[float, asyncio.Task[Any]]] = deque()
        self._stalled: set[asyncio.Task[Any]] = set()
        self._failed: set[str] = set()
        self._looked_s = -math.inf
        self._silent_looks = 0
        self._ends = True

    def begin(self) -> None:
        """Take calls over from now on; the server has to be started."""
        self._ends = False
        self._seen_s = self._now()
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
        if self._again is not None:
            self._again.cancel()
        if self._tasks:  # whose calls grpc has cancelled; to cancel these, too, would keep them from hearing of it
            await asyncio.wait(self._tasks, timeout=_ENDING_S)
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
        error = None if task.cancelled() else task.exception()
        if error is not None or task.cancelled():
            if not self._ends:
                if method not in self._failed:
                    log.error("calls of %s cannot be taken over; it is tried again", method, exc_info=error)
                self._failed.add(method)
                self._later(_AGAIN_S, self._ask, method)
            return
        self._failed.discard(method)
        self._queued[method] += 1
        self._waiting.append(Waiting(self._now(), method, task.result()))
        self._move()

    def _move(self) -> None:
        """Refuse who waited too long, and let begin what can."""
        now = self._now()
        self._credit = min(float(self._ahead), self._credit + self._refusals_per_s * (now - self._seen_s))
        self._seen_s = now
        self._look_for_silence(now)
        self._give_up_turns(now)
        while self._waiting and now - self._waiting[0].since_s > self._patience(now):
            self._refuse(self._waiting.popleft(), now)
        while self._waiting and self._serving < self._most:
            self._serve(self._waiting.pop() if self._is_flooded(now) else self._waiting.popleft())
        if self._waiting and self._timer is None:
            due_s = self._waiting[0].since_s + self._patience(now) - now
            if self._begun:
                due_s = min(due_s, self._begun[0][0] + self._longest_turn_s - now)
            if self._silent_looks:
                due_s = min(due_s, _LOOK_S)
            self._timer = self._later(max(due_s, 0.0) + 0.001, self._time_is_up)
        if self._credit < self._ahead and self._again is None and not self._ends:
            self._again = self._later(_AGAIN_S, self._recover)

    def _is_flooded(self, now_s: float) -> bool:
        return now_s - self._refused_s < _LASTING_S

    def _patience(self, now_s: float) -> float:
        return self._patience_s * (_HASTE if self._is_flooded(now_s) else 1.0)

    def _look_for_silence(self, now_s: float) -> None:
        """Note whether, while others wait, less than half of the turns have a handler at work.

        Time alone would not tell: after the event loop stood still for a while all that came meanwhile looks silent.
        """
        if not self._waiting or 2 * self._at_work() >= self._serving:
            self._silent_looks = 0
        elif now_s - self._looked_s >= _LOOK_S:
            self._silent_looks += 1
            self._looked_s = now_s

    @property
    def _longest_turn_s(self) -> float:
        return _LOOKS * _LOOK_S if self._silent_looks >= _LOOKS else _STALLS_S

    def _give_up_turns(self, now_s: float) -> None:
        """Count calls no more that take very long, as of senders who do not send and readers who do not read."""
        while self._begun and (self._begun[0][1].done() or now_s - self._begun[0][0] > self._longest_turn_s):
            task = self._begun.popleft()[1]
            if not task.done():
                self._stalled.add(task)
                self._serving -= 1

    def _time_is_up(self) -> None:
        self._timer = None
        self._move()

    def _recover(self) -> None:
        self._again = None
        self._move()
        for method in self._asked:
            self._ask(method)

    def _serve(self, waiting: Waiting) -> None:
        self._queued[waiting.method] -= 1
        self._serving += 1
        task = self._start(self._calls.serve(waiting.method, waiting.call), self._served)
        self._begun.append((self._now(), task))
        self._ask(waiting.method)

    def _served(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task in self._stalled:
            self._stalled.discard(task)
        else:
            self._serving -= 1
        self._move()

    def _refuse(self, waiting: Waiting, now_s: float) -> None:
        self._queued[waiting.method] -= 1
        self._refused_s = now_s
        self._credit = max(0.0, self._credit - 1.0)
        name = waiting.method.rpartition("/")[2]
        self._watch.done(name, 0.0, _EXHAUSTED)
        self._watch.shed(name, "no_turn")
        self._start(self._calls.refuse(waiting.call), self._refused)
        self._ask(waiting.method)

    def _refused(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # of a caller who has gone nobody needs to hear

    def _start(
        self, coroutine: Coroutine[Any, Any, Any], then: Callable[[asyncio.Task[Any]], None]
    ) -> asyncio.Task[Any]:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(then)
        return task
