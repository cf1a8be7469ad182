"""The exploration part of a campaign's configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from engine.core.errors import ConfigError
from engine.core.exploration.constant import Constant
from engine.core.exploration.epsilon_greedy import EpsilonGreedy
from engine.core.exploration.explorer import Explorer
from engine.core.exploration.floor import Floor
from engine.core.exploration.softmax import Softmax
from engine.core.exploration.squarecb import SquareCB
from engine.core.exploration.uniform import Uniform


@dataclass(frozen=True, slots=True)
class ExplorationOptions:
    """Which rule explores, with its parameters, and the floor under it.

    Attributes:
        kind: The rule.
        epsilon: For `epsilon_greedy`.
        lambda_: For `softmax`.
        gamma_scale: For `squarecb`.
        gamma_exponent: For `squarecb`.
        arm: For `constant`: an arm id.
        floor: Least probabilities; part of every rule but the control share's uniform.
    """

    kind: Literal["uniform", "constant", "epsilon_greedy", "softmax", "squarecb"] = "squarecb"
    epsilon: float = 0.05
    lambda_: float = 1.0
    gamma_scale: float = 30.0
    gamma_exponent: float = 0.5
    arm: str = ""
    floor: Floor = field(default_factory=Floor)

    def __post_init__(self) -> None:
        if self.kind == "constant" and not self.arm:
            raise ConfigError("the constant policy needs an arm id", field="exploration.arm")
        self.explorer({self.arm: 0})

    def explorer(self, columns: dict[str, int]) -> Explorer:
        """Build the rule.

        Args:
            columns: Arm id → column in the catalogue.

        Raises:
            ConfigError: If a parameter is out of range or the constant arm is unknown.
        """
        match self.kind:
            case "uniform":
                return Uniform()
            case "epsilon_greedy":
                return EpsilonGreedy(self.epsilon)
            case "softmax":
                return Softmax(self.lambda_)
            case "squarecb":
                return SquareCB(self.gamma_scale, self.gamma_exponent)
            case "constant":
                if self.arm not in columns:
                    raise ConfigError(f"unknown arm {self.arm!r}", field="exploration.arm")
                return Constant(columns[self.arm])

    @property
    def label(self) -> str:
        """Short name with parameters, as decision records carry it."""
        match self.kind:
            case "epsilon_greedy":
                return f"epsilon_greedy({self.epsilon:g})"
            case "softmax":
                return f"softmax({self.lambda_:g})"
            case "squarecb":
                return f"squarecb({self.gamma_scale:g},{self.gamma_exponent:g})"
            case "constant":
                return f"constant({self.arm})"
            case "uniform":
                return "uniform"
