"""Hooks from an OpenAI-compatible endpoint."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from engine.core.errors import CallerError, Unavailable
from generators.hooks.prompt import HookPrompt
from generators.hooks.remote.endpoint import Endpoint
from generators.hooks.remote.rate_limit import RateLimit
from generators.hooks.remote.settings import RemoteSettings
from generators.hooks.remote.spending import CeilingReached, Spending
from generators.hooks.request import HookRequest

_LOG = logging.getLogger("armsreach.generators")
# What a token mask does for local models: letters and the signs of one plain sentence, in GBNF of llama.cpp.
_GRAMMARS = {
    "en": r"""root ::= " "? [A-Z] [a-zA-Z' ,-]{8,76} [.!?]""",
    "zh": r"""root ::= [\u4e00-\u9fff] [\u4e00-\u9fff，、]{2,20} [。！？]""",
}
# The same as a pattern of a JSON schema.
_PATTERNS = {
    "en": "^[A-Z][a-zA-Z' ,-]{8,76}[.!?]$",
    "zh": "^[\u4e00-\u9fff，、]{3,21}[。！？]$",
}
# UTF-8 bytes for a token, on the low side, so that the tokens come out on the high side.
_BYTES_A_TOKEN = 2.5


class RemoteHooks:
    """Asks for each line by a call of its own, or for all candidates of a request by one.

    Calls run side by side and come back in the order of the requests. When the ceiling is reached, or a single request
    stays without an answer, its list is empty and the template grammar stands in; when no request at all is answered,
    that is an error. Equal requests carry equal seeds; whether equal lines come back is up to the endpoint.
    """

    def __init__(self, settings: RemoteSettings, endpoint: Endpoint | None = None) -> None:
        """Take an endpoint, or open one.

        Raises:
            InvalidInput: The HTTP client is not installed.
        """
        self._settings = settings
        self._endpoint = endpoint or Endpoint(
            settings,
            RateLimit(settings.requests_per_minute, settings.tokens_per_minute),
            Spending(settings.price_in, settings.price_out, settings.ceiling),
        )
        self.name = f"http:{settings.model}"
        self.languages = frozenset(settings.languages.split(","))
        self._prompts = {language: HookPrompt.load(language) for language in sorted(self.languages)}
        self._served: set[str] = set()
        self._warned = False

    @property
    def version(self) -> str:
        """Prompts, model and settings that change words; what stands behind the model's name cannot be seen."""
        prompts = "+".join(prompt.version for prompt in self._prompts.values())
        s = self._settings
        drawn = (
            s.model,
            s.mode,
            s.format,
            s.candidates,
            s.temperature,
            s.max_tokens,
            s.seeds,
            urlsplit(s.base_url).netloc,
        )
        digest = hashlib.blake2b(repr(drawn).encode(), digest_size=4).hexdigest()
        return f"{prompts}.{digest}/{s.model}"

    @property
    def served(self) -> frozenset[str]:
        """Models that answered, as the endpoint itself names them, with their fingerprints where it gives any."""
        return frozenset(self._served)

    def prompt(self, request: HookRequest) -> str:
        """Return what is sent for a request; turns of a conversation stand under their roles."""
        body = self._body(request, 0)
        turns = body.get("messages", ())
        return str(body.get("prompt") or "\n\n".join(f"{turn['role']}: {turn['content']}" for turn in turns))

    @property
    def spending(self) -> Spending:
        """Calls, tokens and money so far."""
        return self._endpoint.spending

    def propose(self, requests: Sequence[HookRequest]) -> list[list[str]]:
        """Return distinct lines for each request, in the order in which they were asked for.

        Raises:
            InvalidInput: The endpoint refuses what it is asked.
            Unavailable: No request was answered.
        """
        calls = self._settings.candidates // self._settings.lines_a_call
        tasks = [
            (place, number)
            for place, request in enumerate(requests)
            if request.brief.language in self.languages
            for number in range(calls)
        ]
        stop = threading.Event()
        faults: list[Unavailable] = []

        def ask(task: tuple[int, int]) -> tuple[str, ...]:
            if stop.is_set():
                return ()
            try:
                return self._lines(requests[task[0]], task[1])
            except CeilingReached:
                self._say_ceiling()
                stop.set()
            except Unavailable as fault:
                faults.append(fault)
                # One fault may be bad luck; so many in a row with nothing between them mean that nobody is there.
                if len(faults) > 2 * self._settings.concurrency and not self._served:
                    stop.set()
            except CallerError:
                stop.set()
                raise
            return ()

        with ThreadPoolExecutor(self._settings.concurrency, thread_name_prefix="hooks") as pool:
            answers = list(pool.map(ask, tasks))
        if faults and not any(answers):
            raise faults[0]
        found: list[list[str]] = [[] for _ in requests]
        for (place, _), lines in zip(tasks, answers, strict=True):
            found[place] += lines
        return [self._distinct(request, lines) for request, lines in zip(requests, found, strict=True)]

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def _lines(self, request: HookRequest, number: int) -> tuple[str, ...]:
        body = self._body(request, number)
        turns = len(body.get("messages", ()))
        tokens_in = int(len(self.prompt(request).encode()) / _BYTES_A_TOKEN) + 8 * turns + 8
        answer = self._endpoint.ask(body, tokens_in, int(body["max_tokens"]))
        if answer.model:
            self._served.add(answer.model)
        return answer.lines[: self._settings.lines_a_call]

    def _body(self, request: HookRequest, number: int) -> dict[str, Any]:
        settings, prompt = self._settings, self._prompts[request.brief.language]
        several = settings.lines_a_call > 1 or settings.format.startswith("json")
        body: dict[str, Any] = {
            "model": settings.model,
            "temperature": settings.temperature,
            "max_tokens": settings.max_tokens * settings.lines_a_call + (24 if several else 0),
        }
        if settings.seeds:
            entropy = f"{request.entropy}/{number}".encode()
            body["seed"] = int.from_bytes(hashlib.blake2b(entropy, digest_size=4).digest()) >> 1
        question = prompt.question(request)
        if several:
            question += f'\n\nJSON: {{"lines": [{", ".join(["…"] * settings.candidates)}]}}'
        if settings.mode == "chat":
            body["messages"] = prompt.messages(question)
        else:
            body |= {"prompt": prompt.beginning + f"{question}\n{prompt.line_label}"}
        if not several:
            body["stop"] = ["\n"]
        return body | self._format(request.brief.language)

    def _format(self, language: str) -> dict[str, Any]:
        settings = self._settings
        if settings.format == "grammar":
            return {"grammar": _GRAMMARS[language]}
        if settings.format == "text":
            return {}
        n = settings.candidates
        lines: dict[str, Any] = {"type": "array", "items": {"type": "string"}, "minItems": n, "maxItems": n}
        schema = {
            "type": "object",
            "properties": {"lines": lines},
            "required": ["lines"],
            "additionalProperties": False,
        }
        if settings.format == "json_object":
            lines["items"] = {"type": "string", "pattern": _PATTERNS[language]}
            return {"response_format": {"type": "json_object", "schema": schema}}
        return {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "lines", "strict": True, "schema": schema},
            }
        }

    def _distinct(self, request: HookRequest, lines: Sequence[str]) -> list[str]:
        examples = self._prompts[request.brief.language].examples if lines else ()
        return [line for line in dict.fromkeys(lines) if line and line not in examples]

    def _say_ceiling(self) -> None:
        if not self._warned:
            self._warned = True
            spent = self.spending
            _LOG.warning("ceiling reached: %d calls, %.4f spent; templates write the rest", spent.calls, spent.spent)
