"""Models of rewards for the direct and doubly robust methods, one a file, found by key."""

from collections.abc import Callable, Mapping

from simulator.log_facts import LogFacts
from simulator.reward_models.boosting import Boosting
from simulator.reward_models.logistic import Logistic
from simulator.reward_models.model import ModelRows, Predictor, RewardModel
from simulator.reward_models.ridge import Ridge
from simulator.reward_models.vw_regression import VwRegression

__all__ = ["MODELS", "Boosting", "Logistic", "ModelRows", "Predictor", "RewardModel", "Ridge", "VwRegression"]

MODELS: Mapping[str, Callable[[LogFacts, int], RewardModel]] = {
    "ridge": lambda facts, folds: Ridge(facts.plays, folds),
    "logistic": lambda facts, folds: Logistic(facts.plays, folds),
    "boosting": lambda facts, _: Boosting(len(facts.log.arms)),
    "vw": lambda facts, _: VwRegression(facts.log),
}
