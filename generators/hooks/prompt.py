"""The few-shot prompt from which a causal model continues."""

from __future__ import annotations

import re
from dataclasses import dataclass

from generators.data import load_toml
from generators.hooks.request import HookRequest
from generators.product_names import ProductNames


@dataclass(frozen=True, slots=True)
class HookPrompt:
    """A shared beginning with examples, and one short end for each request.

    The beginning is the same for all requests, so that a model reads it once.

    Attributes:
        version: Kept in provenance; raise it with every change of the words.
        beginning: Instruction and examples.
        examples: Lines of the examples, so that copies of them can be rejected.
    """

    version: str
    beginning: str
    examples: tuple[str, ...]

    @classmethod
    def load(cls, name: str = "hook_prompt_en.toml") -> HookPrompt:
        """Read the prompt from its data file."""
        data = load_toml(name)
        shots = [f"Product: {e['product']}\nTone: {e['tone']}\nLine: {e['line']}\n\n" for e in data["example"]]
        beginning = data["instruction"].strip() + "\n\n" + "".join(shots)
        return cls(data["version"], beginning, tuple(e["line"] for e in data["example"]))

    def ending(self, request: HookRequest) -> str:
        """Return what follows the examples: the product in plain words, without figures, and the tone."""
        names = ProductNames.of(request.brief).all
        shortest = names[-2] if len(names) > 1 and request.brief.product.category == names[-1] else "".join(names[-1:])
        words = re.findall(r"[A-Za-z][A-Za-z'&-]*", shortest)[:6]
        category = request.brief.product.category
        about = " ".join(words).lower() or "a nice find"
        about = f"{about} ({category.lower()})" if category and not re.search(r"\d|[^\x20-\x7e]", category) else about
        return f"Product: {about}\nTone: {request.tone}\nLine:"
