"""The half of the comparison that runs in obp's environment; it knows nothing of armsreach.

python obp_side.py values IN.npz OUT.npz
python obp_side.py time ROUNDS ACTIONS RESAMPLES
python obp_side.py synthetic ROUNDS ACTIONS REWARD SEED OUT.npz
"""

from __future__ import annotations

import json
import logging
import sys
import time

import numpy as np

logging.disable(logging.INFO)

from obp.dataset import SyntheticBanditDataset, logistic_reward_function  # noqa: E402
from obp.ope import (  # noqa: E402
    BalancedInverseProbabilityWeighting,
    DirectMethod,
    DoublyRobust,
    DoublyRobustWithShrinkage,
    ImportanceWeightEstimator,
    InverseProbabilityWeighting,
    MarginalizedInverseProbabilityWeighting,
    OffPolicyEvaluation,
    RegressionModel,
    ReplayMethod,
    SelfNormalizedDoublyRobust,
    SelfNormalizedInverseProbabilityWeighting,
    SubGaussianDoublyRobust,
    SubGaussianInverseProbabilityWeighting,
    SwitchDoublyRobust,
)
from sklearn.linear_model import LogisticRegression, Ridge  # noqa: E402

SEED = 12345
#: Our key, and what obp makes of a parameter.
PARAMETRIC = {
    "clipped_ips": lambda parameter: InverseProbabilityWeighting(lambda_=parameter),
    "switch_dr": lambda parameter: SwitchDoublyRobust(lambda_=parameter),
    "dros": lambda parameter: DoublyRobustWithShrinkage(lambda_=parameter),
    "sg_ips": lambda parameter: SubGaussianInverseProbabilityWeighting(lambda_=parameter),
    "sg_dr": lambda parameter: SubGaussianDoublyRobust(lambda_=parameter),
    "bipw": lambda parameter: BalancedInverseProbabilityWeighting(lambda_=parameter),
}


class Recording(Ridge):
    """Ridge regression that keeps the weights it was fitted with."""

    def fit(self, X, y, sample_weight=None):
        """Fit, and note the weights."""
        self.sample_weight_ = sample_weight
        return super().fit(X, y, sample_weight)


def values(source: str, target: str) -> None:
    """Fit obp's models on the arrays, estimate with every estimator, and write both."""
    given = dict(np.load(source))
    actions, positions = given["pi_b"].shape[1:]
    fed = {name: given[name] for name in ("context", "action", "reward", "pscore", "position")}
    plain = RegressionModel(Ridge(alpha=10.0), actions, positions)
    arrays = {"q_hat": plain.fit_predict(**fed)}
    found = []
    for name in [key.removeprefix("policy_") for key in given if key.startswith("policy_")]:
        dist = given[f"policy_{name}"]
        arrays |= _models(name, dist, fed, actions, positions)
        found += _estimates(name, dist, given, arrays)
    np.savez(target, values=json.dumps(found), **arrays)


def _models(name, dist, fed, actions, positions):
    """MRDR's regression with the weights it used, and B-IPW's weights."""
    robust = RegressionModel(Recording(alpha=10.0), actions, positions, fitting_method="mrdr")
    q_mrdr = robust.fit_predict(**fed, action_dist=dist)
    used = np.zeros(fed["action"].size)
    for place, model in enumerate(robust.base_model_list):
        used[fed["position"] == place] = model.sample_weight_
    balance = ImportanceWeightEstimator(LogisticRegression(max_iter=200), actions, positions, calibration_cv=1)
    weights = balance.fit_predict(
        context=fed["context"], action=fed["action"], action_dist=dist, position=fed["position"], random_state=SEED
    )
    return {f"q_mrdr_{name}": q_mrdr, f"mrdr_weights_{name}": used, f"balanced_{name}": weights}


def _estimates(name, dist, given, arrays):
    logged = {key: given[key] for key in ("reward", "action", "pscore", "position")}
    fed = {
        **logged,
        "action_dist": dist,
        "estimated_rewards_by_reg_model": arrays["q_hat"],
        "estimated_importance_weights": arrays[f"balanced_{name}"],
    }
    robust = {**fed, "estimated_rewards_by_reg_model": arrays[f"q_mrdr_{name}"]}
    marginal = {**logged, "action_dist": dist}
    marginal |= {key: given[key] for key in ("action_embed", "pi_b", "p_e_a")}
    fixed = [
        ("ips", InverseProbabilityWeighting(), fed),
        ("snips", SelfNormalizedInverseProbabilityWeighting(), fed),
        ("dm", DirectMethod(), fed),
        ("dr", DoublyRobust(), fed),
        ("sndr", SelfNormalizedDoublyRobust(), fed),
        ("mrdr", DoublyRobust(), robust),
        ("mips", MarginalizedInverseProbabilityWeighting(n_actions=dist.shape[1]), marginal),
    ]
    if bool(((dist == 0) | (dist == 1)).all()):
        fixed.append(("rejection", ReplayMethod(), fed))
    found = [(name, key, float("nan"), estimator.estimate_policy_value(**asked)) for key, estimator, asked in fixed]
    for key, made in PARAMETRIC.items():
        for parameter in given[f"grid_{key}"].tolist():
            found.append((name, key, parameter, made(parameter).estimate_policy_value(**fed)))
    return [(policy, key, parameter, float(value)) for policy, key, parameter, value in found]


def synthetic(rounds: str, actions: str, reward: str, seed: str, target: str) -> None:
    """Write a log of obp's synthetic dataset."""
    dataset = SyntheticBanditDataset(
        n_actions=int(actions),
        dim_context=5,
        reward_type=reward,
        reward_function=logistic_reward_function,
        beta=1.0,
        random_state=int(seed),
    )
    log = dataset.obtain_batch_bandit_feedback(int(rounds))
    keys = ("context", "action", "reward", "pscore", "pi_b", "expected_reward")
    np.savez(target, **{key: log[key] for key in keys})


def time_values(rounds: str, actions: str, resamples: str) -> None:
    """Time values and bootstrap intervals of IPS, SNIPS and DR, and print both as JSON."""
    n, k = int(rounds), int(actions)
    random = np.random.default_rng(SEED)
    action = random.integers(k, size=n)
    reward = (random.random(n) < 0.05).astype(float)
    dist = random.random((n, k, 1))
    dist /= dist.sum(axis=1, keepdims=True)
    q_hat = random.random((n, k, 1)) * 0.1
    feedback = {
        "n_rounds": n,
        "n_actions": k,
        "action": action,
        "reward": reward,
        "position": np.zeros(n, dtype=int),
        "pscore": np.full(n, 1.0 / k),
        "context": np.zeros((n, 1)),
    }
    estimators = [InverseProbabilityWeighting(), SelfNormalizedInverseProbabilityWeighting(), DoublyRobust()]
    ope = OffPolicyEvaluation(bandit_feedback=feedback, ope_estimators=estimators)
    asked = {"action_dist": dist, "estimated_rewards_by_reg_model": q_hat}
    started = time.perf_counter()
    ope.estimate_policy_values(**asked)
    valued = time.perf_counter()
    ope.estimate_intervals(**asked, n_bootstrap_samples=int(resamples), random_state=SEED)
    done = time.perf_counter()
    print(json.dumps({"values_s": valued - started, "intervals_s": done - valued}))


if __name__ == "__main__":
    {"values": values, "synthetic": synthetic, "time": time_values}[sys.argv[1]](*sys.argv[2:])
