"""A campaign's learning options as Vowpal Wabbit's command line."""

from __future__ import annotations

from engine.core.learning import LearningOptions

_LOSSLESS = ("--preserve_performance_counters", "--per_model_save_load")
"""Without these a reloaded model learns on with other step sizes: VW resets its counters, and with cb_type dr keeps the
total weight of one of its two regressors only. With them, saving and reloading changes no bit of what follows."""

_OPTIMIZERS = {"adaptive": (), "sgd": ("--sgd",), "coin": ("--coin",), "ftrl": ("--ftrl",)}


def vw_arguments(options: LearningOptions) -> list[str]:
    """Return the argument list of a learning workspace.

    Everything is repeated on every load, since a model file keeps only some of its options (the learning rate and the
    regularisation are not among them).

    Examples:
        >>> vw_arguments(LearningOptions(interactions=("UV",)))[:6]
        ['--cb_adf', '--cb_type', 'mtr', '--interactions', 'UV', '--bit_precision']
    """
    words = options.extra_words
    arguments = [] if "--cb_explore_adf" in words else ["--cb_adf"]
    arguments += ["--cb_type", options.cb_type]
    for interaction in options.interactions:
        arguments += ["--interactions", interaction]
    arguments += ["--bit_precision", str(options.bits)]
    arguments += ["--learning_rate", repr(options.learning_rate), "--power_t", repr(options.power_t)]
    if options.initial_t is not None:
        arguments += ["--initial_t", repr(options.initial_t)]
    arguments += _OPTIMIZERS[options.optimizer]
    arguments += [
        word for name in ("l1", "l2") if getattr(options, name) for word in (f"--{name}", repr(getattr(options, name)))
    ]
    if not options.constant:
        arguments.append("--noconstant")
    if options.cb_type == "mtr" and not options.weighted and "--clip_p" not in words:
        arguments += ["--clip_p", "1.0"]  # VW divides by max(propensity, clip_p)
    return [*arguments, *_LOSSLESS, *words, "--quiet", "--no_stdin"]


def weights_per_problem(options: LearningOptions) -> int:
    """How many regressors share the table: doubly robust keeps a second one, for the costs that it did not see."""
    return 2 if options.cb_type == "dr" else 1
