"""Who dominates whom, and how it is drawn."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable

import numpy as np
import pytest

from simulator import Log, ReplaySettings, evaluate
from simulator.pareto import Pareto, ParetoPoint, holding_family
from simulator.report.pareto_svg import pareto_svg
from simulator.report.replay_report import Estimate
from simulator.verdict import VerdictName


def point(
    label: str, sends: float | None, profit: float | None, half: float = 0.1, verdict: str = "trusted"
) -> ParetoPoint:
    def estimate(value: float | None) -> Estimate:
        return Estimate(
            value, None if value is None else value - half, None if value is None else value + half, 0.95, "delta"
        )

    return ParetoPoint(label, estimate(sends), estimate(profit), VerdictName(verdict))


@pytest.fixture
def pareto() -> Pareto:
    return Pareto.of(
        [
            point("many", 0.9, 2.0),
            point("few", 0.3, 1.0),
            point("none", 0.0, 0.0),
            point("as many, less", 0.9, 1.5),
            point("more, much less", 0.95, 0.5),
            point("a little less", 0.31, 0.95),
            point("refused", 0.1, 9.0, verdict="refused"),
            point("undefined", None, 1.0),
        ],
        "send_rate",
        "profit",
    )


def test_domination_by_hand(pareto: Pareto) -> None:
    found = {one.label: one for one in pareto.points}
    assert [one.label for one in pareto.front] == ["none", "few", "many"]
    assert found["as many, less"].dominated_by == ("many",)
    assert found["as many, less"].surely
    assert set(found["more, much less"].dominated_by) == {"few", "a little less", "many", "as many, less"}
    assert found["a little less"].dominated_by == ("few",)
    assert not found["a little less"].surely
    # A refused value dominates nobody, and is on no front.
    assert all("refused" not in one.dominated_by for one in pareto.points)
    assert "undefined" not in found


def test_equal_points_do_not_dominate_each_other() -> None:
    same = Pareto.of([point("one", 0.5, 1.0), point("other", 0.5, 1.0)], "send_rate", "profit")
    assert [one.dominated_by for one in same.points] == [(), ()]


def test_the_picture_stands_alone(pareto: Pareto) -> None:
    drawn = pareto_svg(pareto)
    root = ElementTree.fromstring(f"<div>{drawn}</div>")
    circles = list(root.iter("circle"))
    assert len(circles) == len(pareto.points)
    assert "http" not in drawn
    assert "<script" not in drawn
    words = [text.text for text in root.iter("text")]
    assert "sends / decision" in words
    assert "profit / decision" in words
    # All marks are inside the picture.
    box = [float(number) for number in next(root.iter("svg")).attrib["viewBox"].split()]
    for circle in circles:
        assert 0 <= float(circle.attrib["cx"]) <= box[2]
        assert 0 <= float(circle.attrib["cy"]) <= box[3]
    assert len(list(root.iter("li"))) == len(pareto.points)
    assert pareto_svg(Pareto((), "send_rate", "profit")) == ""


def test_a_family_of_a_real_report(make_log: Callable[..., Log], drawn: Callable[..., np.ndarray]) -> None:
    random = np.random.default_rng(4)
    p = np.tile([0.4, 0.6], (4000, 1))
    arm = drawn(random, p)
    buys = random.random(4000) < np.where(arm == 1, 0.2, 0.05)
    log = make_log(["hold", "a/email/am"], p, arm, np.arange(4000), {"purchase": buys * 10.0, "cost": 0.1 * arm})
    specs = ["constant:hold", *holding_family("constant:a/email/am"), "constant:a/email/am"]
    report = evaluate(log, policies=specs, metrics=["profit", "send_rate"], settings=ReplaySettings(interval="delta"))
    made = Pareto.of_report(report)
    assert [one.label for one in made.points] == ["constant:hold", *reversed(specs[1:4]), "constant:a/email/am"]
    assert [one.effort.value for one in made.points] == pytest.approx([0, 0.25, 0.5, 0.75, 1.0], abs=0.03)
    assert len(made.front) == 5
    assert made.to_json()["points"][0]["policy"] == "constant:hold"
