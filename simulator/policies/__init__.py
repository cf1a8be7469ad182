"""Policies that can be replayed, one a file."""

from simulator.policies.best_constant import BestConstant
from simulator.policies.constant import Constant
from simulator.policies.evaluation_policy import EvaluationPolicy, PolicyAnswer
from simulator.policies.holding import Holding
from simulator.policies.logged import Logged
from simulator.policies.policy_file import PolicyFile
from simulator.policies.policy_spec import PolicySetting, parse_policy
from simulator.policies.python_object import PythonObject
from simulator.policies.repriced import Repriced
from simulator.policies.snapshot_policy import SnapshotPolicy
from simulator.policies.uniform import Uniform

__all__ = [
    "BestConstant",
    "Constant",
    "EvaluationPolicy",
    "Holding",
    "Logged",
    "PolicyAnswer",
    "PolicyFile",
    "PolicySetting",
    "PythonObject",
    "Repriced",
    "SnapshotPolicy",
    "Uniform",
    "parse_policy",
]
