"""What a first user ran into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.core.errors import InvalidInput
from simulator import Log, LogBuilder, ReplaySettings, evaluate
from simulator.policies import VwOptions
from simulator.report.write import write_report
from simulator.timestamps import microseconds

RowOf = Callable[[int], dict[str, Any]]


def log_of(row_of: RowOf, rows: int = 60) -> Log:
    builder = LogBuilder("memory")
    for n in range(rows):
        filled = {"decision_id": f"d{n}", "user": f"u{n}", "eligible": ["a", "b"], "propensity": 0.5, "outcomes": []}
        builder.append({**filled, "arm": "ab"[n % 2], **row_of(n)}, n + 1)
    return builder.build()


@pytest.mark.parametrize("where", ["age > AVG(age)", "age > (SELECT 3)", "ROW_NUMBER() OVER (ORDER BY age) > 3"])
def test_conditions_that_look_at_other_rows_are_refused(where: str) -> None:
    log = log_of(lambda n: {"context": {"age": n, "maximum": 3}})
    with pytest.raises(InvalidInput, match="each row by itself"):
        evaluate(log, settings=ReplaySettings(where=where, resamples=100))
    kept = evaluate(log, policies=["logged"], settings=ReplaySettings(where="age > 29 AND maximum = 3", resamples=100))
    assert kept.log.decisions == 30


def test_rows_that_as_of_cut_off_are_told_of() -> None:
    log = log_of(
        lambda n: {
            "decided_at": f"2026-03-{1 + n % 20:02d}T00:00:00Z",
            "outcomes": [{"type": "click", "at": f"2026-03-{3 + n % 20:02d}T00:00:00Z"}] if n % 3 else [],
        }
    )
    settings = ReplaySettings(as_of=microseconds("2026-03-15T00:00:00Z"), resamples=100)
    warnings = evaluate(log, policies=["logged"], metrics=["ctr"], settings=settings).log.warnings
    assert any(warning.startswith("6 decisions are younger at --as-of") for warning in warnings)


def test_policies_that_answer_alike_have_an_empirical_likelihood_interval() -> None:
    log = log_of(lambda n: {"outcomes": [{"type": "click"}] * (n % 3 == 0)}, rows=400)
    settings = ReplaySettings(interval="empirical_likelihood")
    report = evaluate(log, policies=["uniform"], metrics=["ctr"], estimators=["ips", "dr"], settings=settings)
    for difference in report.policies[0].versus["logged"]["ctr"].values():
        assert difference.value == pytest.approx(0.0, abs=0.05)


def test_a_folder_is_no_report(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="got a folder"):
        write_report(tmp_path, b"{}")


def test_no_metric_at_all_is_refused() -> None:
    with pytest.raises(InvalidInput, match="at least one metric"):
        evaluate(log_of(lambda n: {}), metrics=[])


def test_quotes_around_all_options_may_stay() -> None:
    plain = VwOptions.parse("--cb_explore_adf --epsilon 0.1")
    assert VwOptions.parse("'--cb_explore_adf --epsilon 0.1'").arguments == plain.arguments
