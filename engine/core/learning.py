"""How a campaign learns, and what it learns from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from engine.core.errors import ConfigError
from engine.core.feature import ARM_SIDE, USER_SIDE, Feature

CbType = Literal["mtr", "ips", "dr"]
Optimizer = Literal["adaptive", "sgd", "coin", "ftrl"]

DEFAULT_INTERACTIONS = ("UV", "UC", "UE", "XS", "XO")
"""What did best in the simulated shops of `make bench-quality`; attributes × variant only added noise there."""

WITHOUT_EMBEDDING = ("XV", "XC", "XS", "XO")
"""The default of a campaign whose shoppers have no embedding: attributes alone have to tell them apart."""

_COMPILABLE_EXTRA = {
    "--adax": 0,
    "--clip_p": 1,
    "--ftrl_alpha": 1,
    "--ftrl_beta": 1,
    "--ignore_linear": 1,
    "--max_prediction": 1,
    "--min_prediction": 1,
    "--no_bias_regularization": 0,
}
"""Extra options under which a model stays the table that compiling reads, and how many values each takes."""

_OWN = {
    "--bit_precision": "bits", "-b": "bits", "--cb_adf": "nothing", "--cb_type": "cb_type",
    "--coin": "optimizer", "--cubic": "interactions", "--ftrl": "optimizer", "--initial_t": "initial_t",
    "--interactions": "interactions", "--l1": "l1", "--l2": "l2", "--learning_rate": "learning_rate",
    "-l": "learning_rate", "--noconstant": "constant", "--power_t": "power_t", "--quadratic": "interactions",
    "-q": "interactions", "--sgd": "optimizer",
}  # fmt: skip
"""Options that have a field of their own."""

FILE_OPTIONS = frozenset(
    {
        "-a", "-c", "-d", "-f", "-h", "-i", "-k", "-p", "-r", "-t",
        "--audit", "--audit_regressor", "--cache", "--cache_file", "--csv_trace", "--daemon", "--data", "--dictionary",
        "--dictionary_path", "--dry_run", "--dump_json_weights_experimental", "--epsilon_decay_audit",
        "--extra_metrics", "--feature_mask", "--final_regressor", "--foreground", "--help", "--id",
        "--initial_regressor", "--input_feature_regularizer", "--invert_hash", "--node", "--noop", "--num_children",
        "--output_feature_regularizer_binary", "--output_feature_regularizer_text", "--passes", "--pid_file", "--port",
        "--port_file", "--predict_only_model", "--predictions", "--raw_predictions", "--readable_model",
        "--save_per_pass", "--sendto", "--span_server", "--span_server_port", "--testonly", "--total", "--unique_id",
        "--version",
    }
)  # fmt: skip
"""Options that read or write files, reach for the network, or stop learning: never for a campaign or policy to set."""

_WHY_NOT = {
    "--bag": "it keeps several models and answers with their vote",
    "--boosting": "it keeps several models and adds them up",
    "--cb_explore_adf": "it mixes exploration into scores; exploration is set under `exploration`",
    "--cover": "it keeps several policies and mixes them",
    "--first": "it explores by counting inside VW; exploration is set under `exploration`",
    "--hash": "it numbers features instead of hashing their names",
    "--hash_seed": "compiled lookups use seed 0",
    "--initial_weight": "features never seen would have weights",
    "--link": "scores would no longer be a sum of weights",
    "--loss_function": "costs are learned by squared loss",
    "--lrq": "it multiplies learned factors",
    "--nn": "it puts a neural network on top of the weights",
    "--random_weights": "features never seen would have weights",
    "--regcb": "its bounds need the optimiser's state at each decision",
    "--regcbopt": "its bounds need the optimiser's state at each decision",
    "--stage_poly": "it adds interactions while it learns",
}
"""Why an option cannot be compiled, for those people ask for."""


@dataclass(frozen=True, slots=True)
class LearningOptions:
    """What Vowpal Wabbit is told; one model per campaign.

    Every combination that passes can be compiled into a table of weights (see `CompiledModel`), unless
    `served_through_vw` gives that up: scores then come from VW itself, at some twenty times the price.

    Attributes:
        cb_type: How a cost seen for one arm teaches all: multi-task regression, inverse propensity score or doubly
            robust.
        interactions: Products of namespaces, as VW writes them: one letter each, at most one of the user side.
        bits: log₂ of the number of weights.
        learning_rate: Size of a step.
        power_t: Decay of the learning rate with the amount learned.
        initial_t: Start of that decay; none leaves VW's own. Above 0 a model file holds every weight there is, seen or
            not: 16 bytes × 2^bits.
        optimizer: `adaptive` is VW's default (adaptive, normalised, invariant).
        l1: L1 regularisation.
        l2: L2 regularisation.
        constant: Whether every arm has an intercept.
        weighted: Whether mtr weighs a decision by 1 / propensity, so that rare arms count as much as frequent ones.
            SquareCB assumes plain regression, and the weights cost more in variance than they give. `ips` and `dr`
            are nothing without the propensity and always use it.
        save_every: After this many learned decisions the learner saves and continues from the reloaded bytes.
        extra: Further VW options, such as `("--clip_p", "0.01")`.
        served_through_vw: Allow what cannot be compiled.
    """

    cb_type: CbType = "mtr"
    interactions: tuple[str, ...] = DEFAULT_INTERACTIONS
    bits: int = 20
    learning_rate: float = 0.03
    power_t: float = 0.5
    initial_t: float | None = None
    optimizer: Optimizer = "adaptive"
    l1: float = 0.0
    l2: float = 0.0
    constant: bool = True
    weighted: bool = False
    save_every: int = 1000
    extra: tuple[str, ...] = ()
    served_through_vw: bool = False

    def __post_init__(self) -> None:
        _one_of("cb_type", self.cb_type, ("mtr", "ips", "dr"))
        _one_of("optimizer", self.optimizer, ("adaptive", "sgd", "coin", "ftrl"))
        _within("bits", self.bits, 6, 28)
        _within("save_every", self.save_every, 1, 10_000_000)
        _within("learning_rate", self.learning_rate, 1e-9, 1e3)
        _within("power_t", self.power_t, 0.0, 1.0)
        _within("initial_t", 0.0 if self.initial_t is None else self.initial_t, 0.0, 1e12)
        _within("l1", self.l1, 0.0, 1e3)
        _within("l2", self.l2, 0.0, 1e3)
        _check_interactions(self.interactions, strict=not self.served_through_vw)
        _check_extra(self)

    @property
    def ignored_linear(self) -> frozenset[str]:
        """Namespaces whose features count in interactions alone."""
        words = self.extra_words
        return frozenset(letter for i, word in enumerate(words) if word == "--ignore_linear" for letter in words[i + 1])

    @property
    def extra_words(self) -> tuple[str, ...]:
        """`extra` split into single words."""
        return tuple(word for item in self.extra for word in item.replace("=", " ").split())


@dataclass(frozen=True, slots=True)
class LearningEvent:
    """One decision with its cost, ready to be learned.

    Attributes:
        x: Shape (d,), float32, over `Schema.user_columns`, as it was journalled.
        arms: Features of every eligible arm, the chosen one among them; training on the chosen arm alone would not
            be equivalent.
        chosen: Index into `arms`.
        cost: Scaled objective, finite; lower is better.
        probability: P(chosen | context, eligible arms) as recorded at the draw, in (0, 1].
        weight: How many identical decisions this one stands for, ≥ 1.
    """

    x: np.ndarray
    arms: Sequence[tuple[Feature, ...]] = field(repr=False)
    chosen: int
    cost: float
    probability: float
    weight: int = 1


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"expected one of {', '.join(allowed)}, got {value!r}", field=name)


def _within(name: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"expected a number from {low:g} to {high:g}, got {value}", field=name)


def _check_interactions(interactions: tuple[str, ...], *, strict: bool) -> None:
    seen: dict[str, str] = {}
    for i, text in enumerate(interactions):
        name = f"interactions[{i}]"
        problem = _interaction_problem(text, strict=strict)
        if problem:
            raise ConfigError(f"{text!r}: {problem}", field=name)
        same = seen.setdefault("".join(sorted(text)), text)
        if same != text or interactions.index(text) != i:
            raise ConfigError(f"{text!r} repeats {same!r}: VW would learn both or drop one; keep one", field=name)


def _interaction_problem(text: str, *, strict: bool) -> str:
    known = USER_SIDE + ARM_SIDE
    if len(text) < 2:
        return "an interaction has at least two namespaces"
    if ":" in text:
        return "" if not strict else "wildcards take in namespaces unknown at compile time; list the interactions"
    unknown = [letter for letter in text if letter not in known]
    if unknown:
        return f"no namespace {unknown[0]!r}; known are {', '.join(known)}"
    if not strict:
        return ""
    users = sum(letter in USER_SIDE for letter in text)
    if users > 1:
        return "user × user is the same for every arm, so it cannot move a choice; drop it"
    if users and len(text) > 3:
        return "user × arm × arm is the highest degree with the user side that can be compiled; drop a namespace"
    if len(set(text)) < len(text):
        return "a namespace crossed with itself depends on the order of its features; drop one"
    return ""


def _check_extra(options: LearningOptions) -> None:
    words = options.extra_words
    for i, word in enumerate(words):
        if word.startswith("-") and not _is_number(word):
            _check_option(word, options)
            if not options.served_through_vw:
                _check_values(word, words[i + 1 :], _COMPILABLE_EXTRA[word])
    if words and (not words[0].startswith("-") or _is_number(words[0])):
        raise ConfigError(f"expected an option such as --clip_p first, got {words[0]!r}", field="extra")
    if "--squarecb" in words and options.cb_type != "mtr":
        raise ConfigError(
            f"VW's --squarecb takes cb_type mtr only, got {options.cb_type}; use mtr, or squarecb under `exploration`",
            field="extra",
        )


def _check_option(word: str, options: LearningOptions) -> None:
    if word in _OWN:
        raise ConfigError(f"{word} is set by `{_OWN[word]}`; move it there", field="extra")
    if word in FILE_OPTIONS:
        raise ConfigError(f"{word} reads or writes files or stops learning; remove it", field="extra")
    if options.served_through_vw or word in _COMPILABLE_EXTRA:
        return
    why = _WHY_NOT.get(word, "a model learned with it is not known to be a table of weights")
    if word == "--squarecb" and options.cb_type != "mtr":
        why = f"VW's own takes cb_type mtr only, not {options.cb_type}; set squarecb under `exploration`"
    raise ConfigError(f"{word} cannot be compiled: {why}. Remove it, or set served_through_vw = true", field="extra")


def _check_values(word: str, rest: tuple[str, ...], count: int) -> None:
    values = [value for value in rest[:count] if _is_number(value) or not value.startswith("-")]
    if len(values) < count or (len(rest) > count and not rest[count].startswith("-")):
        raise ConfigError(f"{word} takes {count or 'no'} value{'s' * (count != 1)}", field="extra")
    if count and word != "--ignore_linear" and not _is_number(values[0]):
        raise ConfigError(f"{word} takes a finite number, got {values[0]!r}", field="extra")
    if word == "--ignore_linear" and not set(values[0]) <= set(USER_SIDE + ARM_SIDE):
        raise ConfigError(f"{word} takes namespace letters, got {values[0]!r}", field="extra")


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False
