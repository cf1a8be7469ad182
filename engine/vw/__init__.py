"""Vowpal Wabbit: examples, learning, compiling. The only package that imports it."""

from engine.vw.arguments import vw_arguments
from engine.vw.arm_stream import ArmLabel, ArmStream
from engine.vw.compiling import check_compiled, compile_model
from engine.vw.example import ExampleWriter, arm_line
from engine.vw.learner import VwLearner
from engine.vw.learner_process import LearnerProcess
from engine.vw.model_file import ModelFile, checked_model
from engine.vw.vw_policy import VwPolicy
from engine.vw.workspace import Workspace

__all__ = [
    "ArmLabel",
    "ArmStream",
    "ExampleWriter",
    "LearnerProcess",
    "ModelFile",
    "VwLearner",
    "VwPolicy",
    "Workspace",
    "arm_line",
    "check_compiled",
    "checked_model",
    "compile_model",
    "vw_arguments",
]
