"""Each check of a log: silent on a clean log, and telling line, count and severity of a fault put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from engine.core.drawing import SCALE, reproduce
from simulator import Log
from simulator.lint import Finding, LintReport, Severity, lint_log

Records = list[dict[str, Any]]
LogOf = Callable[[Iterable[Mapping[str, Any]]], Log]
Fault = Callable[[Records], object]
ARMS = ["hold", "sun/email/am", "sun/push/am", "sun/sms/am"]
START = datetime(2025, 3, 1, tzinfo=UTC)
COUNTS = np.array([[4, 4, 4, 4], [1, 7, 4, 4]]) * (SCALE // 16)


class Parted:
    """A log that comes in chunks of so many rows."""

    def __init__(self, log: Log, rows: int) -> None:
        self.source, self.arms, self.catalogue, self.warnings = log.source, log.arms, log.catalogue, log.warnings
        self._log, self._rows = log, rows

    def chunks(self) -> Iterator[Log]:
        for start in range(0, self._log.rows, self._rows):
            yield self._log.take(np.arange(start, min(start + self._rows, self._log.rows)))


def after(row: Mapping[str, Any], **delay: float) -> str:
    return (datetime.fromisoformat(row["decided_at"]) + timedelta(**delay)).isoformat()


def clean() -> Records:
    """1,200 drawn decisions of 300 users, with clicks within hours, purchases within days, and a few bounces."""
    random = np.random.default_rng(1)
    made: Records = []
    for n in range(1200):
        region, seed = n % 2, int(random.integers(0, 1 << 63))
        place = reproduce(COUNTS[region], seed)
        row: dict[str, Any] = {
            "decision_id": f"d{n}",
            "campaign": "spring",
            "user": f"u{n % 300}",
            "decided_at": (START + timedelta(minutes=10 * n)).isoformat(),
            "observed_until": (START + timedelta(days=30)).isoformat(),
            "context": {"region": ["north", "south"][region], "visits": int(random.integers(0, 9))},
            "eligible": ARMS,
            "arm": ARMS[place],
            "propensity": COUNTS[region][place] / SCALE,
            "probabilities": (COUNTS[region] / SCALE).tolist(),
            "seed": seed,
        }
        sent, outcomes = ARMS[place] != "hold", []
        if sent and random.random() < 0.05:
            outcomes.append({"type": "not_sent"})
        elif sent and random.random() < 0.2:
            outcomes.append({"type": "click", "at": after(row, hours=random.random() * 8)})
        if random.random() < 0.2:
            worth = round(float(random.lognormal(3.0, 1.0)), 2)
            outcomes.append({"type": "purchase", "value": worth, "at": after(row, hours=random.random() * 72)})
        for place, outcome in enumerate(outcomes):
            outcome["outcome_id"] = f"o{n}-{place}"
        made.append({**row, "outcomes": outcomes})
    return made


def report_of(log_of: LogOf, records: Records) -> LintReport:
    return lint_log(log_of(records))


def found(report: LintReport, code: str) -> Finding | None:
    return next((finding for finding in report.findings if finding.code == code), None)


def set_at(*rows: int, **fields: Any) -> Fault:
    return lambda records: [records[row].update(fields) for row in rows]


def outcomes_at(row: int, arm: str, *outcomes: Mapping[str, Any], **fields: Any) -> Fault:
    """Give a row an arm and outcomes, with the propensity that the arm had."""

    def fault(records: Records) -> None:
        record = records[row]
        p = record["probabilities"][ARMS.index(arm)]
        record.update({"arm": arm, "propensity": p, "outcomes": [dict(o) for o in outcomes], "seed": None, **fields})

    return fault


def everywhere(change: Callable[[dict[str, Any], int], Mapping[str, Any]]) -> Fault:
    def fault(records: Records) -> None:
        for place, record in enumerate(records):
            record.update(change(record, place))

    return fault


def only_chosen(p: Callable[[int], float], arms: Callable[[int], int] = lambda _: 4) -> Fault:
    """Keep the chosen arm's propensity alone, p(row), among so many arms."""

    def change(record: dict[str, Any], place: int) -> Mapping[str, Any]:
        eligible = [record["arm"], *(arm for arm in ARMS if arm != record["arm"])][: arms(place)]
        return {"probabilities": None, "seed": None, "propensity": p(place), "eligible": eligible}

    return everywhere(change)


def bounces(arm: str) -> Fault:
    def fault(records: Records) -> None:
        for record in records:
            if record["arm"] == arm and int(record["decision_id"][1:]) % 3 == 0:
                record["outcomes"] = [{"type": "not_sent"}]

    return fault


def with_context(change: Callable[[dict[str, Any], int], Any]) -> Fault:
    return everywhere(lambda record, place: {"context": {**record["context"], "new": change(record, place)}})


def bought(record: Mapping[str, Any]) -> bool:
    return any(outcome["type"] == "purchase" for outcome in record["outcomes"])


CLICK, BOUNCE = {"type": "click"}, {"type": "not_sent"}
HALF = [0.25, 0.25, 0.25, 0.250003]
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
FAULTS: list[tuple[str, Severity, Fault, int | None, int | None]] = [
    # code, severity, fault, first line, decisions (None: not looked at)
    ("comment_value", WARNING, outcomes_at(5, ARMS[1], {"type": "comment", "value": -4.0}), 6, 1),
    ("probability_disagrees", ERROR, set_at(4, 6, propensity=0.3), 5, 2),
    ("probability_sum", INFO, set_at(8, probabilities=HALF), 9, 1),
    ("probability_partly_missing", INFO, set_at(8, probabilities=[0.25, None, 0.25, None]), 9, 1),
    ("probability_zero", INFO, set_at(8, probabilities=[0.5, 0.5, 0.0, 0.0], arm="hold", propensity=0.5), 9, 1),
    ("single_arm_propensity", ERROR, set_at(2, eligible=["hold"], arm="hold", probabilities=None), 3, 1),
    ("certain_choice", WARNING, set_at(2, propensity=1.0, probabilities=None), 3, 1),
    ("tiny_propensity", WARNING, set_at(2, propensity=1e-6, probabilities=None), 3, 1),
    ("constant_propensity", WARNING, only_chosen(lambda _: 0.25, lambda n: 2 + n % 3), 1, 1200),
    ("constant_propensity", WARNING, only_chosen(lambda _: 0.5), 1, 1200),
    ("rounded_propensity", WARNING, only_chosen(lambda n: (1 + n % 20) / 100), 1, 1200),
    ("rounded_propensity", WARNING, only_chosen(lambda _: 0.333, lambda _: 3), 1, 1200),
    ("holdout_sends", ERROR, set_at(3, mode="holdout", arm=ARMS[1], propensity=0.25, probabilities=None), 4, 1),
    ("holdout_eligible", WARNING, outcomes_at(3, "hold", mode="holdout"), 4, 1),
    ("forced_propensity", WARNING, set_at(3, mode="forced"), 4, 1),
    ("shadow_outcomes", WARNING, outcomes_at(3, ARMS[1], CLICK, mode="shadow"), 4, 1),
    ("no_user", INFO, set_at(3, user=None), 4, 1),
    ("no_time", INFO, set_at(3, decided_at=None), 4, 1),
    ("near_duplicate", WARNING, lambda records: records.append({**records[9], "decision_id": "x"}), 1201, 1),
    (
        "repeated_outcome",
        ERROR,
        lambda records: [records[n].update(outcomes=[{**CLICK, "outcome_id": "same"}]) for n in (5, 7, 9)],
        8,
        2,
    ),
    (
        "outcome_before_decision",
        WARNING,
        outcomes_at(1, ARMS[1], {**CLICK, "at": "2025-03-01T00:09:59Z"}),
        2,
        1,
    ),
    ("observed_before_decision", WARNING, set_at(5, observed_until="2025-03-01T00:00:00Z"), 6, 1),
    (
        "observed_before_outcome",
        WARNING,
        outcomes_at(5, ARMS[1], {**CLICK, "at": "2025-03-04T00:00:00Z"}, observed_until="2025-03-02T00:00:00Z"),
        6,
        1,
    ),
    ("time_goes_back", INFO, set_at(700, decided_at="2025-03-01T00:00:30Z"), 701, 1),
    ("odd_time", WARNING, set_at(7, decided_at="1970-01-01T00:00:00Z"), 8, 1),
    ("odd_time", WARNING, outcomes_at(7, ARMS[1], {**CLICK, "at": "2099-01-01T00:00:00Z"}), 8, 1),
    ("click_on_hold", WARNING, outcomes_at(6, "hold", CLICK), 7, 1),
    ("cost_of_hold", WARNING, outcomes_at(6, "hold", {"type": "cost", "value": 0.1}), 7, 1),
    ("hold_not_sent", WARNING, outcomes_at(6, "hold", BOUNCE), 7, 1),
    ("click_on_not_sent", WARNING, outcomes_at(6, ARMS[1], CLICK, BOUNCE), 7, 1),
    ("purchase_of_nothing", WARNING, outcomes_at(6, ARMS[1], {"type": "purchase", "value": 0}), 7, 1),
    ("negative_purchase", WARNING, outcomes_at(6, ARMS[1], {"type": "purchase", "value": -5}), 7, 1),
    ("refund_above_purchase", WARNING, outcomes_at(6, ARMS[1], {"type": "refund", "value": 5}), 7, 1),
    ("repeated_click", INFO, outcomes_at(6, ARMS[1], CLICK, CLICK), 7, 1),
    ("other_outcome", INFO, outcomes_at(6, ARMS[1], {"type": "view"}), 7, 1),
    ("purchase_outlier", WARNING, outcomes_at(6, ARMS[1], {"type": "purchase", "value": 1e5}), 7, 1),
    ("not_sent_differs", WARNING, bounces(ARMS[3]), None, None),
    ("outcome_in_context", ERROR, with_context(lambda record, _: bought(record)), None, None),
    ("outcome_in_context", ERROR, with_context(lambda record, n: n / 7 if bought(record) else None), None, None),
    (
        "young_decision",
        INFO,
        everywhere(lambda record, n: {"observed_until": after(record, hours=1)} if n % 20 == 4 else {}),
        5,
        60,
    ),
    (
        "young_decision",
        WARNING,
        everywhere(lambda record, n: {"observed_until": after(record, hours=1)} if n % 4 == 1 else {}),
        2,
        300,
    ),
    ("never_played", INFO, set_at(3, eligible=[*ARMS, "x/email/am"], probabilities=None), 4, 1),
    (
        "draw_not_reproduced",
        ERROR,
        everywhere(lambda record, n: {"seed": 0} if record["arm"] != "hold" else {}),
        None,
        None,
    ),
    (
        "sample_ratio",
        ERROR,
        everywhere(lambda record, n: {"arm": "hold", "propensity": record["probabilities"][0]} if n % 5 == 0 else {}),
        1,
        1200,
    ),
    (
        "sample_ratio_over_time",
        ERROR,
        everywhere(
            lambda record, n: {"arm": "hold", "propensity": record["probabilities"][0]} if 600 <= n < 700 else {}
        ),
        None,
        None,
    ),
    (
        "sample_ratio_untested",
        INFO,
        everywhere(lambda record, n: {"probabilities": None, "decided_at": None}),
        None,
        1200,
    ),
    ("sample_ratio_in_context", ERROR, with_context(lambda record, _: record["arm"].split("/")[-2:][0]), None, None),
    (
        "drawn_by_user",
        INFO,
        everywhere(
            lambda record, n: {
                "arm": ARMS[hash((n % 300) ** 3) // 7 % 4],
                "propensity": 0.25,
                "probabilities": None,
                "seed": None,
            }
        ),
        None,
        1200,
    ),
]


@pytest.fixture(scope="module")
def silent(log_of: LogOf) -> LintReport:
    return report_of(log_of, clean())


def test_a_clean_log_has_no_findings(silent: LintReport) -> None:
    assert silent.findings == ()
    assert (silent.rows, silent.decisions, silent.arms, silent.rescored) == (1200, 1200, 4, None)


@pytest.mark.parametrize(
    ("code", "severity", "fault", "line", "decisions"), FAULTS, ids=[f"{n}-{case[0]}" for n, case in enumerate(FAULTS)]
)
def test_each_fault_is_found(
    code: str, severity: Severity, fault: Fault, line: int | None, decisions: int | None, log_of: LogOf
) -> None:
    records = clean()
    fault(records)
    finding = found(report_of(log_of, records), code)
    assert finding is not None
    assert finding.severity is severity
    if line is not None:
        assert finding.lines[0] == line
    if decisions is not None:
        assert finding.decisions == decisions
    assert finding.text
    assert finding.remedy
    assert len(finding.lines) <= 5


def test_every_check_has_its_fault(log_of: LogOf) -> None:
    """Codes as they stand in the source; a new one needs a fault above."""
    import re
    from pathlib import Path

    import simulator.lint

    folder = Path(simulator.lint.__file__).parent
    source = "".join(path.read_text() for path in folder.glob("*.py"))
    codes = set(re.findall(r'^\s+"([a-z]+_[a-z_]+)",$', source, re.MULTILINE))
    codes |= set(re.findall(r'"(sample_ratio[a-z_]*)"', source))
    elsewhere = {"rescoring_differs", "rescoring_failed", "snapshot_missing"}
    assert codes - elsewhere == {case[0] for case in FAULTS}


def test_count_is_honoured_and_lines_are_the_first(log_of: LogOf) -> None:
    records = clean()
    for row in range(10, 30):
        records[row].update(user=None, count=3)
    finding = found(report_of(log_of, records), "no_user")
    assert finding is not None
    assert (finding.lines, finding.decisions) == ((11, 12, 13, 14, 15), 60)


def test_chunks_change_nothing(log_of: LogOf) -> None:
    records = clean()
    codes = (
        "probability_disagrees",
        "no_user",
        "time_goes_back",
        "forced_propensity",
        "purchase_outlier",
        "near_duplicate",
    )
    for code, _, fault, _, _ in FAULTS:
        if code in codes:
            fault(records)
    log = log_of(records)
    whole, parted = lint_log(log), lint_log(Parted(log, 97))
    assert {finding.code for finding in whole.findings} >= set(codes)
    assert parted.findings == whole.findings


def test_young_decisions_without_observed_until_are_those_near_the_end(log_of: LogOf) -> None:
    records = clean()
    for record in records:
        record["observed_until"] = None
    finding = found(report_of(log_of, records), "young_decision")
    assert finding is not None
    # Outcomes go on for three days after the last decision: only its last hours are younger than four days.
    assert finding.lines[0] > 1100
    assert finding.severity is INFO


def test_slate_positions_are_no_duplicates(log_of: LogOf) -> None:
    records = clean()
    records.append({**records[-1], "decision_id": "x", "position": 2, "outcomes": []})
    assert found(report_of(log_of, records), "near_duplicate") is None


def test_worst_come_first_and_json_is_plain(log_of: LogOf) -> None:
    records = clean()
    for case in (1, 22, 0):
        FAULTS[case][2](records)
    report = report_of(log_of, records)
    assert [finding.severity for finding in report.findings] == sorted(
        (finding.severity for finding in report.findings), key=list(Severity).index
    )
    written = report.to_json()
    assert written["schema"] == "armsreach.lint.v1"
    assert list(written["findings"][0]) == ["code", "severity", "text", "lines", "decisions", "remedy"]
    assert written["findings"][0]["code"] == "probability_disagrees"
