"""Pictures of a replay as a whole, by their headings."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.pareto import Pareto
from simulator.report.pareto_svg import pareto_svg
from simulator.report.replay_report import ReplayReport

__all__ = ["drawings"]


def drawings(report: ReplayReport) -> Mapping[str, str]:
    """Draw profit against sends, where both were valued for more than one policy."""
    keys = report.policies[0].metrics if report.policies else {}
    if "profit" not in keys or "send_rate" not in keys:
        return {}
    pareto = Pareto.of_report(report)
    return {"Profit against sends": pareto_svg(pareto)} if len(pareto.points) > 1 else {}
