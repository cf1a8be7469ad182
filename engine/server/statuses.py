"""The one table from our errors to gRPC status."""

from __future__ import annotations

import logging
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from engine.core import errors

log = logging.getLogger(__name__)

CODES: tuple[tuple[type[errors.ArmsreachError], int], ...] = (
    (errors.InvalidInput, code_pb2.INVALID_ARGUMENT),
    (errors.NotFound, code_pb2.NOT_FOUND),
    (errors.FailedPrecondition, code_pb2.FAILED_PRECONDITION),
    (errors.Unauthenticated, code_pb2.UNAUTHENTICATED),
    (errors.Refused, code_pb2.PERMISSION_DENIED),
    (errors.DeadlinePassed, code_pb2.DEADLINE_EXCEEDED),
    (errors.ResourceExhausted, code_pb2.RESOURCE_EXHAUSTED),
    (errors.Unavailable, code_pb2.UNAVAILABLE),
    (errors.CorruptState, code_pb2.DATA_LOSS),
    (errors.LearningError, code_pb2.INTERNAL),
    (errors.CallerError, code_pb2.INVALID_ARGUMENT),
    (errors.Overloaded, code_pb2.UNAVAILABLE),
)
"""First match wins; subclasses stand before their parents."""

RETRY_S = 1


def status_of(error: BaseException) -> Any:
    """The status that a caller sees.

    Errors of ours keep their message. Any other becomes INTERNAL with a fixed text, and its traceback goes to the log:
    it may hold what is none of the caller's business.
    """
    for kind, code in CODES:
        if isinstance(error, kind):
            return rpc_status.to_status(status_pb2.Status(code=code, message=str(error), details=_details(error)))
    log.error("a handler failed", exc_info=error)
    return rpc_status.to_status(
        status_pb2.Status(code=code_pb2.INTERNAL, message="internal error; see the server's log")
    )


def _details(error: errors.ArmsreachError) -> list[AnyMessage]:
    detail: Any
    if isinstance(error, errors.InvalidInput) and error.field:
        detail = error_details_pb2.BadRequest()
        detail.field_violations.add(field=error.field, description=str(error))
    elif isinstance(error, errors.Overloaded):
        delay = Duration()
        delay.FromMicroseconds(int((RETRY_S if error.retry_s is None else error.retry_s) * 1e6))
        detail = error_details_pb2.RetryInfo(retry_delay=delay)
    else:
        return []
    packed = AnyMessage()
    packed.Pack(detail)
    return [packed]
