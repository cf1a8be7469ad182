"""docs/metrics.md and the code name the same metrics, labels and alarms."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from engine.config import TelemetrySettings
from engine.telemetry import Telemetry
from engine.telemetry.alarm import ALARMS
from engine.telemetry.collector import SeriesCollector
from engine.telemetry.metrics import METRICS

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")


def exposed() -> str:
    registry = CollectorRegistry()
    registry.register(SeriesCollector(Telemetry(TelemetrySettings()).all))
    return generate_latest(registry).decode()


def test_the_page_names_what_is_exposed_with_its_labels() -> None:
    rows = re.findall(r"^\| `(armsreach_\w+)` \|([\w, ]*)\| (.+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    documented = {name: tuple(filter(None, labels.replace(" ", "").split(","))) for name, labels, *_ in rows}
    assert documented == {metric.exposed(name): metric.labels for name, metric in METRICS.items()}
    found = set(re.findall(r"^# HELP (\w+) ", exposed(), re.MULTILINE))
    assert found == set(documented)


def test_the_page_says_of_each_alarm_what_the_code_says() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    alarms = {name: tuple(rest) for name, *rest in rows if not name.startswith("armsreach_")}
    assert alarms == {alarm.name: alarm[1:] for alarm in ALARMS.values()}


def test_every_series_is_known_with_its_number_of_labels() -> None:
    telemetry = Telemetry(TelemetrySettings())
    telemetry.calls.done("Decide", 0.001, 0)
    telemetry.commits.ended(0.001, True)
    telemetry.calls.shed("Decide", "no_turn")
    telemetry.alarms.raise_("context_drift", "promo", 0.0)
    for name, labels, _ in telemetry.all():
        assert len(labels) == len(METRICS[name].labels), name


def test_buckets_are_cumulative() -> None:
    telemetry = Telemetry(TelemetrySettings())
    for seconds in (0.0001, 0.0015, 0.0015, 60.0):
        telemetry.calls.done("Decide", seconds, 0)
    registry = CollectorRegistry()
    registry.register(SeriesCollector(telemetry.all))
    labels = {"method": "Decide", "code": "OK"}

    def below(limit: str) -> float | None:
        return registry.get_sample_value("armsreach_request_seconds_bucket", {**labels, "le": limit})

    assert [below(limit) for limit in ("0.0001", "0.001", "0.002", "10", "+Inf")] == [1, 1, 3, 3, 4]
