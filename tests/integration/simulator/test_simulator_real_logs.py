"""Replays of real logs against what is known of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator import Log, ReplayReport, ReplaySettings, evaluate, write_log
from simulator.importers.hillstrom import HILLSTROM_ARMS, hillstrom_records
from simulator.importers.obd import obd_arms, obd_records
from simulator.importers.source_file import source_file
from simulator.importers.upworthy import UpworthyTests

FAST = ReplaySettings(resamples=200)
HILLSTROM = "hillstrom/Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv.gz"
ARMS = ("constant:mens/email/day0", "constant:womens/email/day0", "constant:hold")


@pytest.fixture(scope="module")
def hillstrom(real_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> ReplayReport:
    path = tmp_path_factory.mktemp("hillstrom") / "log.jsonl"
    cost = {"mens/email/day0": 0.05, "womens/email/day0": 0.05}
    write_log(path, hillstrom_records(str(real_data(HILLSTROM)), cost), HILLSTROM_ARMS)
    policies = [*ARMS, "uniform", "logged", "best_constant"]
    return evaluate(Log.read(path), policies=policies, metrics=["ctr", "cvr", "revenue", "profit"], settings=FAST)


@pytest.mark.parametrize(
    ("metric", "digits", "expected"),
    [("ctr", 4, (0.1828, 0.1514, 0.1062)), ("cvr", 4, (0.0125, 0.0088, 0.0057)), ("revenue", 3, (1.423, 1.077, 0.653))],
)
def test_hillstrom_arms(metric: str, digits: int, expected: tuple[float, ...], hillstrom: ReplayReport) -> None:
    found = [hillstrom.policy(arm).metrics[metric].estimates["snips"].value or 0.0 for arm in ARMS]
    assert [round(value, digits) for value in found] == list(expected)


def test_hillstrom_lifts_and_verdicts(hillstrom: ReplayReport) -> None:
    assert hillstrom.log.decisions == 64_000
    assert all(policy.metrics["ctr"].verdict.name == "trusted" for policy in hillstrom.policies)
    for key, lift in hillstrom.policy(ARMS[0]).versus["logged"]["ctr"].items():
        assert lift.low is not None, key
        assert lift.low > 0.02, key
    best = hillstrom.policy("best_constant")
    assert "mens/email/day0" in best.notes[0]
    value = best.metrics["ctr"].estimates["dr"]
    assert value.value == pytest.approx(0.1825, abs=0.002)


def test_open_bandit_women_refuses_uniform(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    source = str(real_data("obd/bts/women/women.csv.gz"))
    items, arms = obd_arms(source)
    write_log(tmp_path / "log.jsonl", obd_records(source, items), arms)
    report = evaluate(Log.read(tmp_path / "log.jsonl"), settings=FAST)
    uniform = report.policy("uniform")
    assert uniform.verdict.name == "refused"
    assert uniform.diagnostics.ess == pytest.approx(2.1, abs=0.1)
    assert uniform.diagnostics.user_ess == pytest.approx(uniform.diagnostics.ess)
    assert any("unclustered" in warning for warning in report.log.warnings)
    logged = report.policy("logged").metrics["ctr"].estimates["ips"]
    assert logged.value == pytest.approx(0.0046, abs=0.00005)


def test_open_bandit_random_is_its_own_uniform(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    source = str(real_data("obd/random/men/men.csv.gz"))
    items, arms = obd_arms(source)
    write_log(tmp_path / "log.jsonl", obd_records(source, items), arms)
    report = evaluate(Log.read(tmp_path / "log.jsonl"), policies=["uniform"], settings=FAST)
    assert report.policies[0].diagnostics.ess_share == pytest.approx(1.0)
    assert report.policies[0].metrics["ctr"].estimates["ips"].value == pytest.approx(0.0046, abs=0.00005)


def test_shipped_upworthy_subset(tmp_path: Path) -> None:
    source = Path(__file__).parents[3] / "examples/upworthy/headlines.csv"
    tests = UpworthyTests.read(str(source))
    assert (len(tests.tests), tests.dropped) == (300, 0)
    write_log(tmp_path / "log.jsonl", tests.records(), tests.arms())
    report = evaluate(Log.read(tmp_path / "log.jsonl"), settings=FAST)
    assert report.log.decisions == 5_127_883
    assert report.log.users == 300
    assert report.policy("logged").metrics["ctr"].estimates["ips"].value == pytest.approx(56_786 / 5_127_883)


def test_whole_upworthy_archive(real_data: Callable[[str], Path]) -> None:
    tests = UpworthyTests.read(str(real_data("upworthy/upworthy_clean_exploratory.parquet")))
    assert len(tests.tests) == 3771
    assert len(tests.arms()) == 18176


def test_no_significance_is_claimed_from_38_clicks(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Random → Bernoulli-TS on "all": the stand-in says what it is, and 38 clicks decide nothing."""
    logs = {}
    for policy in ("random", "bts"):
        logs[policy] = str(tmp_path / f"{policy}.jsonl")
        source = source_file(str(real_data(f"obd/{policy}/all")))
        items, arms = obd_arms(source)
        write_log(logs[policy], obd_records(source, items), arms)
    spec = f"frequency:{logs['bts']}"
    report = evaluate(Log.scan(logs["random"]), policies=["logged", spec], metrics=["ctr"])
    standing = report.policy(spec)
    assert standing.verdict.name != "trusted"
    assert any("frequency stand-in" in note for note in report.notes)
    for difference in standing.versus["logged"]["ctr"].values():
        assert difference.low is not None
        assert difference.high is not None
        assert difference.low < 0.0 < difference.high
