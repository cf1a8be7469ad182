"""The few-shot prompt from which a model writes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace

from generators.data import load_toml
from generators.hooks.request import HookRequest
from generators.product_names import ProductNames


@dataclass(frozen=True, slots=True)
class HookPrompt:
    """A shared instruction with examples, and one short question for each request.

    The beginning is the same for all requests of a language, so that a model reads it once.

    Attributes:
        language: `en` or `zh`.
        instruction: What to do.
        shots: Pairs of a question and the line that answers it.
        line_label: What stands before a line.
        words: Version, labels and names of tones, from the data file.
    """

    language: str
    instruction: str
    shots: tuple[tuple[str, str], ...]
    line_label: str
    words: dict[str, str]

    @classmethod
    def load(cls, language: str = "en") -> HookPrompt:
        """Read the prompt of a language from its data file."""
        data = load_toml(f"hook_prompt_{language}.toml")
        words = {name: data[name] for name in ("version", "product_label", "tone_label", "fallback")} | data["tones"]
        shots = tuple((_question(words, e["product"], e["tone"]), e["line"]) for e in data["example"])
        return cls(language, data["instruction"].strip(), shots, data["line_label"], words)

    @property
    def version(self) -> str:
        """Version of the words, with a digest of them: other words never come under the same version."""
        digest = hashlib.blake2b(f"{self.beginning}\0{sorted(self.words.items())}".encode(), digest_size=3).hexdigest()
        return f"{self.words['version']}-{digest}"

    @property
    def examples(self) -> tuple[str, ...]:
        """Lines of the examples, so that copies of them can be rejected."""
        return tuple(line for _, line in self.shots)

    @property
    def beginning(self) -> str:
        """Instruction and examples, as a text that the model continues."""
        space = " " if self.language == "en" else ""
        shots = [f"{question}\n{self.line_label}{space}{line}\n\n" for question, line in self.shots]
        return self.instruction + "\n\n" + "".join(shots)

    def ending(self, request: HookRequest) -> str:
        """Return what follows the beginning; the model goes on after it."""
        return f"{self.question(request)}\n{self.line_label}"

    def question(self, request: HookRequest) -> str:
        """Return the product in plain words, without figures, and the tone."""
        about = _about_zh if self.language == "zh" else _about_en
        return _question(self.words, about(request, self.words["fallback"]), request.tone)

    def messages(self, question: str) -> list[dict[str, str]]:
        """Return the prompt as a conversation that ends with a question.

        The instruction stands in the first question, since some models know no system role.
        """
        turns: list[dict[str, str]] = []
        for asked, line in self.shots:
            turns += [{"role": "user", "content": asked}, {"role": "assistant", "content": line}]
        turns.append({"role": "user", "content": question})
        turns[0] = {"role": "user", "content": f"{self.instruction}\n\n{turns[0]['content']}"}
        return turns

    def shorter(self) -> HookPrompt:
        """Return the prompt without its last example."""
        return replace(self, shots=self.shots[:-1])


def _question(words: dict[str, str], about: str, tone: str) -> str:
    return f"{words['product_label']}{about}\n{words['tone_label']}{words.get(tone, tone)}"


def _about_en(request: HookRequest, fallback: str) -> str:
    names = ProductNames.of(request.brief).all
    shortest = names[-2] if len(names) > 1 and request.brief.product.category == names[-1] else "".join(names[-1:])
    category = request.brief.product.category
    about = " ".join(re.findall(r"[A-Za-z][A-Za-z'&-]*", shortest)[:6]).lower() or fallback
    return f"{about} ({category.lower()})" if category and not re.search(r"\d|[^\x20-\x7e]", category) else about


def _about_zh(request: HookRequest, fallback: str) -> str:
    """The last Han words of the title without the brand: Chinese titles end with the thing itself."""
    product = request.brief.product
    title = product.title.replace(product.brand, " ") if product.brand else product.title
    words = re.findall(r"[\u4e00-\u9fff]+", title)
    name = words[-1][-8:] if words else ""
    category = "".join(re.findall(r"[\u4e00-\u9fff]+", product.category))
    return f"{name}（{category}）" if name and category else name or category or fallback
