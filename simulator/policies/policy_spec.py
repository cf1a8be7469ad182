"""Turns a SPEC of the command line into a policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, FloatArray
from simulator.log import Log
from simulator.policies.best_constant import BestConstant
from simulator.policies.constant import Constant
from simulator.policies.crossed_policy import CrossedPolicy
from simulator.policies.evaluation_policy import EvaluationPolicy
from simulator.policies.frequency import Frequency
from simulator.policies.holding import Holding
from simulator.policies.learning_task import LearningTask
from simulator.policies.logged import Logged
from simulator.policies.policy_file import PolicyFile
from simulator.policies.python_object import PythonObject
from simulator.policies.repriced import Repriced
from simulator.policies.snapshot_policy import SnapshotPolicy
from simulator.policies.taught_policy import TaughtPolicy
from simulator.policies.uniform import Uniform
from simulator.policies.vw_options import VwOptions
from simulator.policies.vw_policy import VwPolicy

__all__ = ["PolicySetting", "parse_policy"]


@dataclass(frozen=True, slots=True, eq=False)
class PolicySetting:
    """What a policy that is chosen from the log itself may use.

    Attributes:
        reward_of: What is maximised, for the rows of a chunk, shape (n,).
        folds: Pairs of masks over all rows (rows to choose on, rows to judge on), each of shape (n,).
        task: What a policy that learns is to learn.
        learns: How it learns: `progressive`, `user` (on half of the users, judged on the other) or `before`.
        until: Where it learns `before`: the moment of the split, microseconds since the epoch.
    """

    reward_of: Callable[[Log], FloatArray]
    folds: Sequence[tuple[BoolArray, BoolArray]]
    task: Callable[[], LearningTask]
    learns: Literal["progressive", "user", "before"] = "progressive"
    until: int | None = None


def _python(argument: str) -> EvaluationPolicy:
    module, _, name = argument.partition(":")
    if not module or not name:
        raise InvalidInput(f"expected python:module:object, got 'python:{argument}'; name both", field="--policy")
    return PythonObject(module, name)


def _vw(argument: str, setting: PolicySetting) -> EvaluationPolicy:
    options = VwOptions.parse(argument)
    if setting.learns == "progressive":
        return VwPolicy(options, setting.task())
    if setting.learns == "before":
        ((choose, _),) = setting.folds
        return TaughtPolicy(VwPolicy(options, setting.task()), choose, setting.until)
    if len(setting.folds) < 2:
        raise InvalidInput("expected two users at least to learn on one and judge on the other", field="--split")
    first = setting.folds[1][1]
    learners = [VwPolicy(options, setting.task()) for _ in setting.folds]
    return TaughtPolicy(CrossedPolicy(learners, lambda log: first[log.place].astype(np.int64)), None, None)


_PLAIN: Mapping[str, Callable[[PolicySetting], EvaluationPolicy]] = {
    "logged": lambda _: Logged(),
    "uniform": lambda _: Uniform(),
    "best_constant": lambda setting: BestConstant(setting.reward_of, setting.folds),
}
_WITH_ARGUMENT: Mapping[str, tuple[str, Callable[[str], EvaluationPolicy]]] = {
    "constant": ("ARM", Constant),
    "file": ("PATH", PolicyFile),
    "frequency": ("LOG", Frequency),
    "python": ("module:object", _python),
    "repriced": ("CHANNEL:STRENGTH", Repriced.parse),
    "snapshot": ("PATH", SnapshotPolicy),
}


def parse_policy(spec: str, setting: PolicySetting) -> EvaluationPolicy:
    """Make the policy that a SPEC names.

    Raises:
        InvalidInput: When the SPEC is none of the known ones, which the message lists.
    """
    kind, colon, argument = spec.partition(":")
    if spec in _PLAIN:
        return _PLAIN[spec](setting)
    if kind == "vw" and argument:
        return _vw(argument, setting)
    if kind in _WITH_ARGUMENT and colon and argument:
        return _WITH_ARGUMENT[kind][1](argument)
    if kind == "holding" and argument:
        return Holding.parse(argument, lambda other: parse_policy(other, setting))
    known = [
        *_PLAIN,
        *(f"{name}:{what}" for name, (what, _) in _WITH_ARGUMENT.items()),
        "vw:'OPTIONS'",
        "holding:SHARE:SPEC",
    ]
    raise InvalidInput(f"expected one of {', '.join(known)}; got {spec!r}", field="--policy")
