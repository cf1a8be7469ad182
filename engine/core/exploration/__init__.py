"""How predicted costs become a distribution over eligible arms."""

from engine.core.exploration.constant import Constant
from engine.core.exploration.epsilon_greedy import EpsilonGreedy
from engine.core.exploration.explorer import Explorer
from engine.core.exploration.floor import Floor
from engine.core.exploration.options import ExplorationOptions
from engine.core.exploration.softmax import Softmax
from engine.core.exploration.squarecb import SquareCB
from engine.core.exploration.uniform import Uniform

__all__ = [
    "Constant",
    "EpsilonGreedy",
    "ExplorationOptions",
    "Explorer",
    "Floor",
    "Softmax",
    "SquareCB",
    "Uniform",
]
