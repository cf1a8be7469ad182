"""What a failed call means: our error, and whether and when to try again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from engine.core import errors

_FIRST_DELAY_S = 0.002
_LARGEST_DELAY_S = 0.5
_GROWTH = 4

# A server that stops, or is asked many times too much, answers CANCELLED to a call that nobody had taken up yet. It
# cannot say when to come again; callers who came together are not to come together once more, and not at once.
_TURNED_AWAY_S = (0.01, 0.03)
_LATER = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED)


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt.

    Attributes:
        error: What to raise, if nobody tries again.
        may_retry: Whether another attempt can succeed.
        asked_wait_s: How long the server asks to wait; None where it does not say.
    """

    error: errors.ArmsreachError
    may_retry: bool = False
    asked_wait_s: float | None = None

    def delay_s(self, attempt: int, remaining_s: float) -> float | None:
        """How long to wait before the next attempt.

        Args:
            attempt: Attempts that failed before this one.
            remaining_s: What is left of the call's time.

        Returns:
            Seconds; None if there is no use, or no time, in trying again.
        """
        if not self.may_retry:
            return None
        delay = min(_FIRST_DELAY_S * _GROWTH**attempt, _LARGEST_DELAY_S)
        if self.asked_wait_s is not None:
            delay = max(delay, self.asked_wait_s)
        return delay if delay < remaining_s else None


def failure_of(error: grpc.RpcError, target: str) -> Failure:
    """Read a failed call.

    Args:
        error: From grpc; it carries a status.
        target: The server that was asked, for messages.
    """
    call: Any = error
    code, text = call.code(), call.details() or ""
    details = _details(call)
    if code in _LATER:
        exhausted = code is grpc.StatusCode.RESOURCE_EXHAUSTED
        kind = errors.ResourceExhausted if exhausted else errors.Unavailable
        message = text if details else f"{target}: {text}; is the server running?"
        # Too large a message is RESOURCE_EXHAUSTED as well, but without retry info: the same message stays too large.
        wait_s = details.get("wait_s")
        if code is grpc.StatusCode.CANCELLED:
            wait_s = random.uniform(*_TURNED_AWAY_S)
        return Failure(kind(message, retry_s=wait_s), not exhausted or wait_s is not None, wait_s)
    return Failure(_error(code, text, str(details.get("field", "")), target))


def _error(code: grpc.StatusCode, text: str, field: str, target: str) -> errors.ArmsreachError:
    match code:
        case grpc.StatusCode.INVALID_ARGUMENT:
            kind = errors.RequestIdConflict if field == "request_id" else errors.InvalidInput
            return kind(text.removeprefix(f"{field}: "), field=field)
        case grpc.StatusCode.NOT_FOUND:
            return errors.NotFound(text)
        case grpc.StatusCode.FAILED_PRECONDITION:
            return errors.FailedPrecondition(text)
        case grpc.StatusCode.UNAUTHENTICATED:
            return errors.Unauthenticated(f"{target} refuses this caller: {text}")
        case grpc.StatusCode.PERMISSION_DENIED:
            return errors.PermissionDenied(f"{target} refuses this caller: {text}")
        case grpc.StatusCode.UNIMPLEMENTED:
            # Whatever answers there is not our server, or not yet: nothing that the request could do better.
            return errors.Unavailable(f"{target} does not know this call: {text}; compare the versions of both sides")
        case grpc.StatusCode.DATA_LOSS:
            return errors.CorruptState(text)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return errors.Unavailable(f"{target} did not answer in time; raise the deadline or look at the server")
        case _:
            return errors.Unavailable(f"{target} failed ({code.name}): {text}")


def _details(call: Any) -> dict[str, Any]:
    """Field and wait that the server's status carries."""
    try:
        status = rpc_status.from_call(call)
    except ValueError:
        return {}
    found: dict[str, Any] = {}
    for packed in status.details if status is not None else ():
        bad, retry = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if packed.Unpack(bad) and bad.field_violations:
            found["field"] = bad.field_violations[0].field
        elif packed.Unpack(retry):
            found["wait_s"] = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    return found
