"""Series as Prometheus reads them; made when somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.telemetry.histogram import BOUNDS_S
from engine.telemetry.metrics import METRICS
from engine.telemetry.series import Series

_LIMITS = [*(f"{bound:g}" for bound in BOUNDS_S), "+Inf"]


class SeriesCollector(Collector):
    """Shows whatever a function gives, under the names and helps of `METRICS`."""

    def __init__(self, read: Callable[[], Series]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not read."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Every known metric, those without series too."""
        found = self._read()
        for name, metric in METRICS.items():
            by_labels = found.of.get(name, {})
            if metric.kind == "histogram":
                histogram = HistogramMetricFamily(name, metric.help, labels=metric.labels)
                for labels, value in by_labels.items():
                    assert isinstance(value, list)
                    histogram.add_metric(labels, _buckets(value), value[-1])
                yield histogram
                continue
            kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
            family: Metric = kind(name, metric.help, labels=metric.labels)
            for labels, value in by_labels.items():
                assert not isinstance(value, list)
                family.add_metric(labels, value)  # type: ignore[attr-defined]
            yield family


def _buckets(values: list[float]) -> list[tuple[str, float]]:
    """(upper bound, how many are at or below it)."""
    below, buckets = 0.0, []
    for limit, count in zip(_LIMITS, values[:-1], strict=True):
        below += count
        buckets.append((limit, below))
    return buckets
