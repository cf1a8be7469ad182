"""Models of rewards for the direct and doubly robust methods, one a file, found by key."""

from collections.abc import Callable, Mapping

from simulator.log_facts import LogFacts
from simulator.reward_models.model import ModelRows, Predictor, RewardModel
from simulator.reward_models.ridge import Ridge

__all__ = ["MODELS", "ModelRows", "Predictor", "RewardModel", "Ridge"]

MODELS: Mapping[str, Callable[[LogFacts, int], RewardModel]] = {
    "ridge": lambda facts, folds: Ridge(facts.plays, folds),
}
