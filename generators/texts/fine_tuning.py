"""Train a whole encoder for a few epochs, where frozen vectors do not say enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import InvalidInput
from generators.model_libraries import model_libraries
from generators.texts.head import squashed
from generators.texts.model_folder import TextManifest, folder_digest, read_manifest, write_model

_READ_BATCH = 64


@dataclass(frozen=True, slots=True)
class TuningOptions:
    """How an encoder is trained.

    Attributes:
        epochs: Passes over the texts.
        batch: Texts a step.
        learning_rate: Of AdamW; falls linearly to 0.
        longest: Tokens a text; the rest is cut off.
        seed: Of the new layer, of dropout and of the order; equal seeds give equal weights on one machine.
    """

    epochs: int = 2
    batch: int = 16
    learning_rate: float = 5e-5
    longest: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "learning_rate", "longest"):
            if not getattr(self, name) > 0:
                raise InvalidInput(f"expected a number above 0, got {getattr(self, name)}", field=name)


class FineTuned:
    """A classifier of transformers; `AutoModelForSequenceClassification` loads what it saves."""

    def __init__(self, model: Any, tokenizer: Any, name: str, labels: tuple[str, ...], longest: int) -> None:
        self._model, self._tokenizer, self._longest = model.eval(), tokenizer, longest
        self.name = name
        self.labels = labels

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give P(label | text), shape (n, k)."""
        torch, _ = model_libraries()
        parts = [np.zeros((0, len(self.labels)))]
        for start in range(0, len(texts), _READ_BATCH):
            batch = _tokens(self._tokenizer, texts[start : start + _READ_BATCH], self._longest)
            with torch.inference_mode():
                parts.append(self._model(**batch).logits.double().numpy())
        return squashed(np.concatenate(parts), several=False)

    def save(self, folder: Path, *, training: Mapping[str, object], metrics: Mapping[str, float] | None = None) -> None:
        """Write the model with its manifest, atomically.

        Raises:
            InvalidInput: The folder exists.
        """
        encoder = {"name": self.name, "longest": self._longest}
        manifest = TextManifest("fine_tuned", encoder, self.labels, training, metrics or {})
        write_model(folder, manifest, self._write)

    def _write(self, staged: Path) -> None:
        self._model.save_pretrained(staged / "model")
        self._tokenizer.save_pretrained(staged / "model")

    @classmethod
    def load(cls, folder: Path) -> FineTuned:
        """Read a model back.

        Raises:
            InvalidInput: There is none.
            UnsupportedVersion: A newer armsreach wrote it.
            CorruptState: It was changed.
        """
        manifest = read_manifest(folder, "fine_tuned")
        _, transformers = model_libraries()
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder / "model", local_files_only=True)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model", local_files_only=True)
        longest = int(manifest.encoder["longest"])
        return cls(model, tokenizer, str(manifest.encoder["name"]), manifest.labels, longest)


def fine_tune(
    encoder: Path,
    texts: Sequence[str],
    targets: NDArray[Any],
    labels: Sequence[str],
    options: TuningOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> FineTuned:
    """Train an encoder from a folder with a new classification layer.

    Args:
        encoder: Folder of any encoder that `AutoModelForSequenceClassification` knows; nothing is downloaded.
        texts: n texts.
        targets: P(label | text) to learn, shape (n, k), or the index of the label, shape (n,).
        labels: Names of the k labels.
        options: How.
        progress: Told (steps done, steps in all).

    Raises:
        InvalidInput: There is no such encoder, or texts and targets do not match.
    """
    options = options or TuningOptions()
    torch, transformers = model_libraries()
    wanted = np.eye(len(labels))[targets] if np.asarray(targets).ndim == 1 else np.asarray(targets, np.float64)
    if not len(texts) or wanted.shape != (len(texts), len(labels)):
        message = f"expected targets of shape ({len(texts)}, {len(labels)}) for at least one text, got {wanted.shape}"
        raise InvalidInput(message, field="targets")
    if not (encoder / "config.json").is_file():
        raise InvalidInput(f"expected a model folder with config.json at {encoder}", field="encoder")
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        tokenizer = transformers.AutoTokenizer.from_pretrained(encoder, local_files_only=True)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            encoder, num_labels=len(labels), local_files_only=True
        )
        _train(torch, model, tokenizer, (list(texts), wanted), options, progress or _silent)
    name = f"tuned-{encoder.name}-{folder_digest(encoder)[:12]}"
    return FineTuned(model, tokenizer, name, tuple(labels), options.longest)


def _silent(done: int, steps: int) -> None:
    """Tell nobody."""


def _train(
    torch: Any,
    model: Any,
    tokenizer: Any,
    data: tuple[list[str], NDArray[np.float64]],
    options: TuningOptions,
    progress: Callable[[int, int], None],
) -> None:
    texts, wanted = data
    steps = options.epochs * -(-len(texts) // options.batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=options.learning_rate)
    falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(1.0 - step / steps, 0.0))
    order = np.random.default_rng(options.seed)
    model.train()
    done = 0
    for _ in range(options.epochs):
        shuffled = order.permutation(len(texts))
        for start in range(0, len(texts), options.batch):
            rows = shuffled[start : start + options.batch]
            logits = model(**_tokens(tokenizer, [texts[row] for row in rows], options.longest)).logits
            target = torch.tensor(wanted[rows], dtype=logits.dtype)
            torch.nn.functional.cross_entropy(logits, target).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            falling.step()
            optimizer.zero_grad()
            done += 1
            progress(done, steps)


def _tokens(tokenizer: Any, texts: Sequence[str], longest: int) -> Any:
    return tokenizer(list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt")
