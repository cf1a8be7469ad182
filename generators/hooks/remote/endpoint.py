"""Call an endpoint until it answers, or until it is clear that it will not."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from engine.core.errors import InvalidInput, Unavailable
from generators.hooks.remote.answer import Answer, MalformedAnswer
from generators.hooks.remote.rate_limit import RateLimit
from generators.hooks.remote.settings import RemoteSettings, is_loopback
from generators.hooks.remote.spending import Spending, Ticket

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_LARGEST_ANSWER = 1 << 20
_PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 529}


class _Fault(Exception):
    """A fault that may pass; it never leaves this file."""

    def __init__(self, what: str, *, charged: bool, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.what, self.charged, self.retry_after_s = what, charged, retry_after_s


class Endpoint:
    """Posts JSON; counts, waits and tries again.

    Between attempts it waits a random time up to a bound that doubles (full jitter), or as long as the endpoint asks in
    `Retry-After`, and then all calls wait. The time-out holds for a whole answer, however slowly it drips.

    Source: Brooker (2015), "Exponential backoff and jitter", AWS Architecture Blog; RFC 9110, section 10.2.3.
    """

    def __init__(
        self,
        settings: RemoteSettings,
        limit: RateLimit,
        spending: Spending,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open a pool of connections.

        Raises:
            InvalidInput: The HTTP client is not installed.
        """
        try:
            self._http = import_module("httpx2")
        except ImportError as error:
            raise InvalidInput("needs httpx2; run pip install 'armsreach[generators]'", field="--backend") from error
        self._settings, self._limit, self.spending = settings, limit, spending
        self._clock, self._sleep = clock, sleep
        # How long to wait is nobody's result: it need not be the same twice.
        self._random = random.Random()
        headers = {"Authorization": f"Bearer {settings.key}"} if settings.key else {}
        host = urlsplit(settings.base_url).hostname or ""
        self._client = self._http.Client(
            headers=headers,
            timeout=self._http.Timeout(settings.timeout_s, connect=min(10.0, settings.timeout_s)),
            limits=self._http.Limits(max_connections=settings.concurrency),
            follow_redirects=False,
            trust_env=not is_loopback(host),
        )
        self._path = "/chat/completions" if settings.mode == "chat" else "/completions"

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, body: Mapping[str, Any], tokens_in: int, tokens_out: int) -> Answer:
        """Return the answer to a body.

        Args:
            body: What is posted.
            tokens_in: Tokens of its prompt, estimated on the high side.
            tokens_out: Most tokens of its answer.

        Raises:
            CeilingReached: The call could pass the ceiling; it was not made.
            InvalidInput: The endpoint refused it, and would again.
            Unavailable: It did not answer after all attempts, or asks to wait for too long.
        """
        content = json.dumps(body).encode()
        for attempt in range(self._settings.retries + 1):
            ticket = self.spending.reserve(tokens_in, tokens_out)
            try:
                self._limit.wait(tokens_in + tokens_out)
                answer = self._once(content, ticket)
            except _Fault as fault:
                self.spending.fail(ticket, charged=fault.charged)
                if attempt < self._settings.retries:
                    self._pause(attempt, fault)
                    continue
                raise Unavailable(f"{fault.what} after {attempt + 1} attempts; is the endpoint up?") from fault
            except BaseException:
                self.spending.fail(ticket, charged=False)
                raise
            return answer
        raise AssertionError("the loop returns or raises")

    def _once(self, content: bytes, ticket: Ticket) -> Answer:
        status, headers, body = self._post(content)
        if status in _PASSING:
            raise _Fault(f"the endpoint answered {status}", charged=False, retry_after_s=_retry_after(headers))
        if status != 200:
            raise self._refusal(status, body)
        try:
            answer = Answer.read(body, structured=self._settings.format.startswith("json"))
        except MalformedAnswer as error:
            raise _Fault(f"the endpoint's answer could not be read ({error})", charged=True) from error
        known = answer.tokens_in is not None and answer.tokens_out is not None
        used_in = answer.tokens_in if known and answer.tokens_in is not None else ticket.tokens_in
        used_out = answer.tokens_out if known and answer.tokens_out is not None else ticket.tokens_out
        self.spending.settle(ticket, used_in, used_out)
        self._limit.correct(used_in + used_out - ticket.tokens_in - ticket.tokens_out)
        return answer

    def _post(self, content: bytes) -> tuple[int, Mapping[str, str], bytes]:
        until = self._clock() + self._settings.timeout_s
        headers = {"Content-Type": "application/json"}
        sent = False
        try:
            address = self._settings.base_url + self._path
            with self._client.stream("POST", address, content=content, headers=headers) as response:
                sent = True
                parts, size = [], 0
                for part in response.iter_bytes():
                    parts.append(part)
                    size += len(part)
                    if self._clock() > until or size > _LARGEST_ANSWER:
                        raise _Fault("the endpoint's answer took too long or was too large", charged=True)
                return response.status_code, response.headers, b"".join(parts)
        except self._http.ConnectError as error:
            raise _Fault("the endpoint could not be reached", charged=False) from error
        except self._http.TimeoutException as error:
            early = isinstance(error, self._http.ConnectTimeout | self._http.PoolTimeout)
            raise _Fault("the endpoint did not answer in time", charged=not early) from error
        except self._http.TransportError as error:
            raise _Fault("the connection was cut" if sent else "the endpoint hung up", charged=True) from error
        except self._http.DecodingError as error:
            raise _Fault("the endpoint's answer could not be read", charged=True) from error

    def _refusal(self, status: int, body: bytes) -> InvalidInput:
        """Name the status and the endpoint's own code; its text may repeat the key or the prompt."""
        if status in (401, 403):
            state = "refused" if self._settings.key else "missing"
            return InvalidInput(f"the key is {state} (HTTP {status}); set it", field=f"${self._settings.key_env}")
        try:
            error = json.loads(body)["error"]
            code = str(error.get("code") or error.get("type") or "")[:60]
        except (ValueError, KeyError, TypeError, AttributeError):
            code = ""
        detail = f" ({code})" if code.replace("_", "").isalnum() else ""
        message = f"the endpoint refused the call with HTTP {status}{detail}; look at address, model and options"
        return InvalidInput(message, field="--backend")

    def _pause(self, attempt: int, fault: _Fault) -> None:
        bound = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**attempt)
        jitter = self._random.uniform(0, bound)
        if fault.retry_after_s is None:
            self._sleep(jitter)
            return
        if fault.retry_after_s > self._settings.longest_wait_s:
            raise Unavailable(
                f"{fault.what} and asks to wait {fault.retry_after_s:.0f} s; run again then",
                retry_s=fault.retry_after_s,
            )
        self._limit.pause(fault.retry_after_s)
        # A little more than was asked for, so that waiting calls do not all start at once.
        self._sleep(fault.retry_after_s + min(jitter, 0.1 * fault.retry_after_s))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After`, which is a number or a date; None where it is neither."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(seconds, 0.0) if seconds == seconds and seconds < float("inf") else None
