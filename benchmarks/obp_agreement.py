"""Whether our estimators equal those of obp 0.5.7, given the same models, propensities, weights and parameters.

    python benchmarks/obp_agreement.py [--rounds 100000] [--actions 30]

Runs on Open Bandit (random and bts; all, men, women) and on obp's synthetic data, for three policies each. obp lives in
an environment of its own and reads the same arrays; it fits the models, and both sides estimate with them. Then times
obp's `OffPolicyEvaluation`.

Where definitions differ on purpose, obp's is compared by parameters:
- clipped, shrunken and sub-Gaussian weights are compared at the same λ; our default chooses it by `simulator.tuning`.
- `rejection` on a log that is not uniform accepts by π / (M p), which keeps it unbiased; obp accepts every match. Both
  are one where the log is uniform; on the others our estimator is given obp's acceptance, and our own value is printed.
- `mips` takes p(e | x, p) from the eligible arms' full probabilities, as obp does when p(e | a) is given; by default
  obp estimates p(a | x, e) with a classifier instead.
- `bipw` is compared on the weights of obp's classifier; ours also sees π(a | x) (`simulator.balanced_weights`).
- `dros` at λ = 0 is the direct method here; obp gives NaN where a weight is 0, so λ = 0 is not compared.
- `dm` and the `dr` family: obp divides by Σₐ π(a | x), which is 1 here as always.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.obp_environment import run_obp  # noqa: E402
from benchmarks.obp_logs import ObpLog, open_bandit, synthetic  # noqa: E402
from benchmarks.verdict import verdict  # noqa: E402
from simulator.arrays import FloatArray  # noqa: E402
from simulator.estimators import ESTIMATORS, Case  # noqa: E402
from simulator.marginal_weights import marginal_weights  # noqa: E402
from simulator.mrdr_weights import mrdr_weights  # noqa: E402
from simulator.rejection import Rejection, acceptance_draws, largest_ratio  # noqa: E402

TARGET = 1e-9
GRIDS: Mapping[str, tuple[float, ...]] = {
    "clipped_ips": (np.inf, 20.0, 5.0, 1.0),
    "switch_dr": (np.inf, 20.0, 5.0, 1.0, 0.0),
    "dros": (np.inf, 1000.0, 10.0, 0.5),
    "sg_ips": (0.0, 0.01, 0.1, 0.5),
    "sg_dr": (0.0, 0.01, 0.1, 0.5),
    "bipw": (np.inf, 1.5),
}


@dataclass(frozen=True, slots=True)
class ObpTiming:
    """Seconds that obp's `OffPolicyEvaluation` takes for IPS, SNIPS and DR of one policy.

    Attributes:
        values_s: For the values.
        intervals_s: For bootstrap intervals, rows taken as independent.
    """

    values_s: float
    intervals_s: float


def time_obp(n_rounds: int, n_actions: int, resamples: int = 200) -> ObpTiming:
    """Time obp on `n_rounds` decisions over `n_actions` arms; its models and probabilities are ready-made arrays."""
    return ObpTiming(**json.loads(run_obp("time", n_rounds, n_actions, resamples)))


@dataclass(frozen=True, slots=True)
class Compared:
    """One estimate by both."""

    policy: str
    key: str
    parameter: float
    ours: float
    theirs: float

    @property
    def difference(self) -> float:
        """Absolute, or relative where values are above 1."""
        return abs(self.ours - self.theirs) / max(1.0, abs(self.theirs))


def compare(one: ObpLog) -> list[Compared]:
    """Estimate on both sides."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(source, **_arrays(one))
        run_obp("values", source, target)
        theirs = dict(np.load(target))
    found = [
        Compared(policy, key, parameter, _ours(one, theirs, policy, key, parameter), value)
        for policy, key, parameter, value in json.loads(str(theirs["values"]))
    ]
    return found + list(_fitting_weights(one, theirs))


def _arrays(one: ObpLog) -> dict[str, np.ndarray]:
    log = one.log
    embed, p_e_a = one.embedded()
    arrays = {
        "context": one.context,
        "action": log.chosen,
        "reward": one.reward,
        "pscore": log.propensity,
        "position": one.position,
        "pi_b": one.stacked(log.probabilities),
        "action_embed": embed,
        "p_e_a": p_e_a,
    }
    arrays |= {f"policy_{name}": one.stacked(flat) for name, flat in one.policies().items()}
    return arrays | {f"grid_{key}": np.array(values) for key, values in GRIDS.items()}


def _ours(one: ObpLog, theirs: Mapping[str, np.ndarray], policy: str, key: str, parameter: float) -> float:
    return _value(_case(one, theirs, policy, key), key, parameter)


def _value(case: Case, key: str, parameter: float) -> float:
    ratios = (ratio for ratio in ESTIMATORS[key].terms(case, parameter) if not ratio.spread_only)
    return sum(float(ratio.numerator.sum() / ratio.denominator.sum()) for ratio in ratios)


def _case(one: ObpLog, theirs: Mapping[str, np.ndarray], policy: str, key: str) -> Case:
    log, flat = one.log, one.policies()[policy]
    model = theirs[f"q_mrdr_{policy}" if key == "mrdr" else "q_hat"]
    predicted = model[np.arange(log.rows), :, one.position].ravel()
    return Case(
        weight=flat[log.chosen_at] / log.propensity,
        reward=one.reward,
        expected=log.row_sums(flat * predicted),
        predicted=predicted[log.chosen_at],
        marginal=marginal_weights(log, flat, one.embedding),
        balanced=theirs[f"balanced_{policy}"],
        accepted=_accepted(one, flat) if _uniform(one) else (flat[log.chosen_at] == 1.0).astype(np.float64),
    )


def _uniform(one: ObpLog) -> bool:
    return bool(np.ptp(one.log.propensity) == 0.0)


def _accepted(one: ObpLog, flat: FloatArray) -> FloatArray:
    """Our own rule, in two chunks."""
    log = one.log
    rejection = Rejection(["row"])
    for rows in np.array_split(np.arange(log.rows), 2):
        part = log.take(rows)
        asked = flat.reshape(log.rows, -1)[rows].ravel()
        weight = asked[part.chosen_at] / part.propensity
        draws = acceptance_draws(part, seed=0)
        columns = {"row": rows.astype(np.float64)}
        rejection.add(weight, largest_ratio(part, asked), draws, part.count, rows, columns)
    accepted = np.zeros(log.rows)
    accepted[rejection.bucket] = rejection.accepted
    return accepted


def _fitting_weights(one: ObpLog, theirs: Mapping[str, np.ndarray]) -> Iterator[Compared]:
    """The weights that obp's MRDR regression was fitted with; the largest relative difference stands for all."""
    log = one.log
    for policy, flat in one.policies().items():
        ours, used = mrdr_weights(flat[log.chosen_at], log.propensity), theirs[f"mrdr_weights_{policy}"]
        apart = np.abs(ours - used) / np.maximum(1.0, used)
        worst = int(np.argmax(apart if apart.any() else used))
        yield Compared(policy, "mrdr fit", np.nan, float(ours[worst]), float(used[worst]))


def _logs(data: Path) -> Iterator[ObpLog]:
    for policy in ("random", "bts"):
        for campaign in ("all", "men", "women"):
            if (data / "obd" / policy / campaign).exists():
                yield open_bandit(data / "obd", policy, campaign)
            else:
                print(f"obd/{policy}/{campaign} is not under ARMSREACH_DATA: not compared")
    for reward, seed in (("binary", 1), ("continuous", 2)):
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, "log.npz")
            run_obp("synthetic", 5000, 20, reward, seed, target)
            yield synthetic(f"obp synthetic, {reward}", dict(np.load(target)))


def _print(one: ObpLog, found: list[Compared]) -> None:
    print(f"\n{one.name}: {one.log.rows} decisions, {one.actions} arms, {one.embedding.clusters} embeddings")
    print(f"  {'policy':10} {'estimator':12} {'parameter':>9} {'ours':>18} {'obp':>18} {'difference':>11}")
    for line in found:
        parameter = "" if np.isnan(line.parameter) else f"{line.parameter:g}"
        values = f"{line.ours:18.12g} {line.theirs:18.12g} {line.difference:11.1e}"
        print(f"  {line.policy:10} {line.key:12} {parameter:>9} {values}")
    if not _uniform(one):
        accepted = _accepted(one, one.policies()["best"])
        number = int(accepted.sum())
        text = f"{float(one.reward @ accepted) / number:.6g}" if number else "undefined"
        print(f"  rejection by our rule, policy best: {text}, {number} of {one.log.rows} accepted")


def _print_setting() -> None:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    print(f"command python {' '.join(sys.argv)}; commit {commit.strip()}; {platform.processor() or platform.machine()}")
    ours = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scikit-learn", "scipy"))
    print(f"python {platform.python_version()}, {ours}; obp 0.5.7 in its own environment")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100_000, help="decisions of the timing")
    parser.add_argument("--actions", type=int, default=30, help="arms of the timing")
    options = parser.parse_args()
    data = Path(os.environ.get("ARMSREACH_DATA") or ROOT.parent / "shared" / "data")
    _print_setting()
    worst: dict[str, float] = {}
    for one in _logs(data):
        found = compare(one)
        _print(one, found)
        for line in found:
            # A difference that is no number must not pass for none.
            difference = line.difference if np.isfinite(line.difference) else np.inf
            worst[line.key] = max(worst.get(line.key, 0.0), difference)
    missing = set(ESTIMATORS) - set(worst)
    if missing:
        raise SystemExit(f"expected every estimator to be compared, but {', '.join(sorted(missing))} were not")
    timing = time_obp(options.rounds, options.actions)
    print(f"\nobp OffPolicyEvaluation, {options.rounds} × {options.actions}, one policy, IPS + SNIPS + DR:")
    print(f"  values {timing.values_s:.2f} s, 200 bootstrap resamples {timing.intervals_s:.2f} s\n")
    for key, difference in worst.items():
        verdict(f"obp_{key.replace(' ', '_')}", difference, TARGET, "obp-0.5.7", at_most=True)
    verdict("obp_largest_difference", max(worst.values()), TARGET, "obp-0.5.7", at_most=True)


if __name__ == "__main__":
    main()
