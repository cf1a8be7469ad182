"""The options of a `vw:` policy, checked before native code sees them."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from engine.core.errors import InvalidInput
from engine.core.learning import FILE_OPTIONS

__all__ = ["VwOptions"]

_EXPLORES = "--cb_explore_adf"
_SHORT = {"-b": "--bit_precision", "-C": "--constant", "-l": "--learning_rate", "-q": "--quadratic"}


def _named(text: str) -> frozenset[str]:
    return frozenset(f"--{name}" for name in text.split())


_FLAGS = _named("""
    cb_adf cb_explore_adf rank_all first_only greedify nounif regcb regcbopt squarecb elim softmax synthcover cb_dro
    large_action_space two_pass_svd las_hint_explicit_simd baseline_challenger_cb
    epsilon_decay constant_epsilon challenger_epsilon fixed_significance_level reward_as_cost
    noconstant sgd adaptive adax invariant normalized no_bias_regularization ftrl pistol coin freegrad restart project
    OjaNewton inpass multitask dropout meanfield lrqdropout stage_poly batch_sz_no_doubling
    compete update_before_learn unweighted_marginals
    permutations leave_duplicate_interactions sort_features
    sparse_weights random_weights normal_weights truncated_normal_weights
    save_resume preserve_performance_counters per_model_save_load quiet no_stdin
""")
_NUMBERS = _named("""
    epsilon psi lambda gamma_scale gamma_exponent mellowness cb_min_cost cb_max_cost clip_p rnd_alpha rnd_invlambda
    synthcoverpsi spanner_c cb_dro_alpha cb_dro_tau cb_dro_wmax cb_c_alpha cb_c_tau
    automl_significance_level epsilon_decay_significance_level initial_epsilon tol_x
    learning_rate power_t decay_learning_rate initial_t l1 l2 sparse_l2 ftrl_alpha ftrl_beta radius fepsilon
    flipschitz_const alpha alpha_inverse learning_rate_cnt sched_exponent initial_denominator initial_numerator decay
    constant initial_weight min_prediction max_prediction logistic_min logistic_max quantile_tau expectile_q
""")
_COUNTS = _named("""
    bag cover rnd synthcoversize max_actions thread_pool_size block_size automl default_lease priority_challengers
    model_count min_scope min_champ_examples bonferroni_denominator nn batch_sz sketch_size epoch_size
""")
"""Native code divides by some of these, or takes the first of so many models, without looking whether there is one."""

_WHOLE = _named("first random_seed hash_seed shift_model_bounds action_cache_slack")
_WORDS = _named("""
    cb_type interaction_type oracle_type priority_type opt_func normalize random_init link loss_function
    lrqfa interact marginal affix hash
""")
_REPEATABLE = _named("""
    quadratic cubic interactions experimental_full_name_interactions ignore ignore_linear keep redefine
    ngram skips spelling feature_limit lrq
""")
_BITS = "--bit_precision"
_KNOWN = _FLAGS | _NUMBERS | _COUNTS | _WHOLE | _WORDS | _REPEATABLE | {_BITS}
_OF_ONE_VALUE = _KNOWN - _FLAGS
_OURS = frozenset({"--quiet", "--no_stdin"})

_WHY_NOT = {
    "--bfgs": "it learns in several passes over all data",
    "--cb": "it has a fixed number of arms; use --cb_explore_adf",
    "--cb_explore": "it has a fixed number of arms; use --cb_explore_adf",
    "--cb_sample": "it draws an arm, while a policy under replay gives probabilities",
    "--ccb_explore_adf": "its decisions are slates; use --cb_explore_adf",
    "--explore_eval": "it is an evaluation of its own, which skips rows; use --estimator rejection",
    "--graph_feedback": "its labels need a graph of the arms, which logs do not have",
    "--no_predict": "a policy has to predict",
    "--slates": "its decisions are slates; use --cb_explore_adf",
}


@dataclass(frozen=True, slots=True)
class VwOptions:
    """Options of an online contextual bandit over listed arms.

    Whatever Vowpal Wabbit offers for `--cb_explore_adf` and `--cb_adf` may be said: exploration, cb_type, interactions,
    optimisers, regularisation, and reductions under them. What reads or writes files, listens, or makes another kind
    of learner may not.

    Attributes:
        text: As it was written.
        arguments: Options in their long names, each followed by its value.
        explores: Whether Vowpal Wabbit gives probabilities; else it gives costs.
    """

    text: str
    arguments: tuple[str, ...]
    explores: bool

    @classmethod
    def parse(cls, text: str) -> VwOptions:
        """Read options as a shell would.

        Raises:
            InvalidInput: Naming the option that is unknown, may not be used or lacks its value.

        >>> VwOptions.parse("--cb_explore_adf --bag 5 -q UV -b18").arguments
        ('--cb_explore_adf', '--bag', '5', '--quadratic', 'UV', '--bit_precision', '18')
        """
        arguments: list[str] = []
        for name, value in _pairs(text):
            if name in arguments and name in _KNOWN - _REPEATABLE - _FLAGS:
                raise _wrong(text, f"expected {name} once, got it twice; remove one")
            arguments += [name] if value is None else [name, value]
        if _EXPLORES not in arguments and "--cb_adf" not in arguments:
            raise _wrong(text, "expected --cb_explore_adf or --cb_adf among the options; add one")
        return cls(text, tuple(arguments), _EXPLORES in arguments)

    def with_cost_range(self, low: float, high: float) -> tuple[str, ...]:
        """Say between what costs lie, where the exploration needs to know and the options do not say it themselves.

        RegCB, and SquareCB with --elim, bound each arm's cost between --cb_min_cost and --cb_max_cost, by default 0
        and 1. With costs outside, their bounds are wrong, and SquareCB's answer is not even a distribution.
        """
        bounds = {"--regcb", "--regcbopt", "--elim"} & set(self.arguments)
        added = {"--cb_min_cost": low, "--cb_max_cost": high} if bounds else {}
        if added.keys() & set(self.arguments):
            return self.arguments
        return (*self.arguments, *(word for name, value in added.items() for word in (name, f"{value:.9g}")))


def _pairs(text: str) -> Iterator[tuple[str, str | None]]:
    """Split into options with their values."""
    try:
        words = shlex.split(text)
        # The SPEC is written vw:'…'; where no shell took the quotes away, they hold all options as one word.
        words = shlex.split(words[0]) if len(words) == 1 and " " in words[0] else words
    except ValueError as error:
        raise _wrong(text, f"expected options as for a shell, got {text!r} ({error}); close the quotes") from None
    at = 0
    while at < len(words):
        name, attached = _option(text, words[at])
        at += 1
        if name in _FLAGS:
            if attached is not None:
                raise _wrong(text, f"expected {name} without a value, got {attached!r}; remove it")
            if name not in _OURS:
                yield name, None
            continue
        if attached is None:
            if at == len(words) or (words[at].startswith("-") and not _is_number(words[at])):
                raise _wrong(text, f"expected a value after {name}, got none; write it after the option")
            attached = words[at]
            at += 1
        _check_value(text, name, attached)
        yield name, attached


def _option(text: str, word: str) -> tuple[str, str | None]:
    """Give an option's long name, and the value that is attached to it."""
    if not word.startswith("-") or _is_number(word):
        raise _wrong(text, f"expected an option such as --epsilon, got {word!r}; remove it")
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        attached = value if equals else None
    else:
        name, attached = _SHORT.get(word[:2], word[:2]), word[2:] or None
    if name not in _KNOWN:
        raise _wrong(text, _refusal(name))
    return name, attached


def _refusal(name: str) -> str:
    if name in FILE_OPTIONS:
        return f"{name} reads or writes files, reaches for the network or stops learning; remove it"
    if name in _WHY_NOT:
        return f"{name} cannot be replayed: {_WHY_NOT[name]}"
    near = get_close_matches(name, _KNOWN, n=1)
    hint = f"did you mean {near[0]}?" if near else "see Vowpal Wabbit's options for --cb_explore_adf"
    return f"expected an option for contextual bandits, got {name!r}; {hint}"


def _check_value(text: str, name: str, value: str) -> None:
    if name in _COUNTS and not _is_whole(value, 1, 1_000_000):
        raise _wrong(text, f"expected a whole number of at least 1 after {name}, got {value!r}; change it")
    if name == _BITS and not _is_whole(value, 6, 28):
        raise _wrong(text, f"expected a whole number from 6 to 28 after {name}, got {value!r}; change it")
    if name in _WHOLE and not _is_whole(value, 0, 2**31 - 1):
        raise _wrong(text, f"expected a whole number after {name}, got {value!r}; change it")
    if name in _NUMBERS and not _is_number(value):
        raise _wrong(text, f"expected a finite number after {name}, got {value!r}; change it")
    if not value:
        raise _wrong(text, f"expected a value after {name}, got an empty one; write it")


def _is_number(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def _is_whole(word: str, low: int, high: int) -> bool:
    return word.isascii() and word.isdigit() and low <= int(word) <= high


def _wrong(text: str, message: str) -> InvalidInput:
    return InvalidInput(message, field=f"vw:{text[:80]}")
