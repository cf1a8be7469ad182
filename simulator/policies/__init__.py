"""Policies that can be replayed, one a file."""

from simulator.policies.best_constant import BestConstant
from simulator.policies.constant import Constant
from simulator.policies.crossed_policy import CrossedPolicy
from simulator.policies.evaluation_policy import EvaluationPolicy, PolicyAnswer, Prepared, Progressive, Restricted
from simulator.policies.frequency import Frequency
from simulator.policies.holding import Holding
from simulator.policies.learning_policy import LearningPolicy
from simulator.policies.learning_task import LearningTask
from simulator.policies.logged import Logged
from simulator.policies.policy_file import PolicyFile
from simulator.policies.policy_spec import PolicySetting, parse_policy
from simulator.policies.python_object import PythonObject
from simulator.policies.repriced import Repriced
from simulator.policies.snapshot_policy import SnapshotPolicy
from simulator.policies.uniform import Uniform
from simulator.policies.vw_options import VwOptions
from simulator.policies.vw_policy import VwPolicy

__all__ = [
    "BestConstant",
    "Constant",
    "CrossedPolicy",
    "EvaluationPolicy",
    "Frequency",
    "Holding",
    "LearningPolicy",
    "LearningTask",
    "Logged",
    "PolicyAnswer",
    "PolicyFile",
    "PolicySetting",
    "Prepared",
    "Progressive",
    "PythonObject",
    "Repriced",
    "Restricted",
    "SnapshotPolicy",
    "Uniform",
    "VwOptions",
    "VwPolicy",
    "parse_policy",
]
