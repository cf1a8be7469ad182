"""How an endpoint is asked."""

from __future__ import annotations

import ipaddress
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from engine.core.errors import InvalidInput
from generators.hooks.backend_spec import BackendSpec

_OPENAI = "https://api.openai.com/v1"
_CHOICES = {
    "mode": ("chat", "completion"),
    "format": ("text", "json_schema", "json_object", "grammar"),
}


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """Address, model, key and limits; every field but address and key is an option of the backend's name.

    Attributes:
        base_url: Address up to and with `/v1`.
        model: Name of the model as the endpoint knows it.
        key: Sent as a bearer token; empty sends none. It is in no representation, message or log.
        key_env: Environment variable that holds the key.
        mode: `chat` asks by conversation, `completion` lets the model continue the plain prompt.
        format: `text` takes one line a call. `json_schema` (OpenAI, vLLM) and `json_object` (llama_cpp.server) take all
            candidates in one call. `grammar` takes one line a call and sends a GBNF grammar (llama.cpp).
        languages: Of `en` and `zh`, with commas between.
        candidates: Lines for each request, 1–16.
        temperature: 0–2.
        max_tokens: Longest line in tokens.
        seeds: Whether to send a seed; 0 for endpoints that refuse one.
        timeout_s: Longest time for one answer, first byte to last.
        retries: Further attempts after a passing fault.
        longest_wait_s: Give up where the endpoint asks to wait longer.
        concurrency: Calls at the same time, 1–64.
        requests_per_minute: 0 is no limit.
        tokens_per_minute: Tokens in and out; 0 is no limit.
        price_in: Money for a million tokens of prompt, in the currency of `ceiling`.
        price_out: Money for a million tokens of answer.
        ceiling: Most money to spend in the life of this object; 0 is no ceiling.
        insecure: Whether a key may go over plain http to another host.
    """

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    key_env: str = "OPENAI_API_KEY"
    mode: str = "chat"
    format: str = "text"
    languages: str = "en,zh"
    candidates: int = 3
    temperature: float = 0.7
    max_tokens: int = 40
    seeds: int = 1
    timeout_s: float = 60.0
    retries: int = 4
    longest_wait_s: float = 120.0
    concurrency: int = 4
    requests_per_minute: float = 0.0
    tokens_per_minute: float = 0.0
    price_in: float = 0.0
    price_out: float = 0.0
    ceiling: float = 0.0
    insecure: int = 0

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
            message = "expected http(s)://HOST[:PORT]/v1 without a user or password in it; the key comes from key_env"
            raise InvalidInput(message, field="--backend")
        if not self.model:
            raise InvalidInput("expected the name of a model, ?model=NAME", field="--backend")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise InvalidInput(f"expected one of {', '.join(known)}, got {getattr(self, name)!r}", field=name)
        if self.mode == "completion" and self.format.startswith("json"):
            raise InvalidInput("expected mode=chat, since endpoints format no plain completions", field="format")
        if unknown := set(self.languages.split(",")) - {"en", "zh"}:
            raise InvalidInput(f"expected en, zh or en,zh, got {', '.join(sorted(unknown))!r}", field="languages")
        self._check_ranges()
        if self.key and parts.scheme == "http" and not self.insecure and not is_loopback(parts.hostname):
            message = "expected https, since the key would go in the clear; or insecure=1 within a network you trust"
            raise InvalidInput(message, field="--backend")
        if self.ceiling and not (self.price_in or self.price_out):
            raise InvalidInput("expected price_in and price_out with a ceiling", field="ceiling")

    @classmethod
    def of(cls, spec: BackendSpec, environ: Mapping[str, str] = os.environ) -> RemoteSettings:
        """Read `http://HOST/v1?model=NAME&…` or `openai:MODEL?…`.

        Raises:
            InvalidInput: An option is unknown or out of its range.
        """
        known = {f.name: f for f in fields(cls) if f.name not in ("base_url", "key")}
        spec.only(set(known))
        values: dict[str, Any] = {name: _number(name, text, known[name].type) for name, text in spec.options.items()}
        if spec.kind == "openai":
            values |= {"model": spec.target, "base_url": environ.get("OPENAI_BASE_URL") or _OPENAI}
        else:
            values |= {"model": values.get("model", ""), "base_url": spec.target}
        key = environ.get(values.get("key_env", cls.__dataclass_fields__["key_env"].default), "")
        return cls(**{**values, "base_url": values["base_url"].rstrip("/"), "key": key})

    @property
    def lines_a_call(self) -> int:
        """Lines that one call brings."""
        return self.candidates if self.format.startswith("json") else 1

    def _check_ranges(self) -> None:
        ranges = {
            "candidates": (1, 16),
            "temperature": (0, 2),
            "max_tokens": (1, 4096),
            "seeds": (0, 1),
            "timeout_s": (0.01, 3600),
            "retries": (0, 20),
            "longest_wait_s": (0, 3600),
            "concurrency": (1, 64),
            "insecure": (0, 1),
        }
        unlimited = ("requests_per_minute", "tokens_per_minute", "price_in", "price_out", "ceiling")
        for name, (low, high) in (ranges | dict.fromkeys(unlimited, (0, 1000000000000.0))).items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise InvalidInput(f"expected {low:g} to {high:g}, got {value:g}", field=name)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _number(name: str, text: str, kind: Any) -> Any:
    reader = {"int": int, "float": float, "str": str}[kind]
    try:
        return reader(text)
    except ValueError as error:
        raise InvalidInput(f"expected a number, got {text!r}", field=name) from error
