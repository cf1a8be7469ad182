"""Models of rewards for the direct and doubly robust methods, one a file, found by key."""

from simulator.reward_models.model import ModelRows, Predictor, RewardModel
from simulator.reward_models.ridge import Ridge

__all__ = ["ModelRows", "Predictor", "RewardModel", "Ridge"]
