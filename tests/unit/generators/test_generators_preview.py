"""What a person at the terminal sees of variants, and of those that were not written."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from engine.core.errors import InvalidInput
from generators.preview import PhonePreview, print_report
from generators.results_table import results_table
from generators.studio_report import StudioReport
from generators.verification import Finding
from generators.whole_file import write_whole

_LONG = "合上书的时候周末先滚一圈" * 6
_HOOK = "不赶时间的日子抹开的是一份心意" * 5


def _record(total: float = 0.0) -> dict[str, object]:
    strings = {
        "push": {"title": _LONG, "body": _LONG},
        "sms": {"text": _LONG},
        "email": {"subject": _LONG, "preheader": _LONG, "body": _LONG},
        "banner": {"headline": _LONG, "cta": "去逛逛"},
        "kiosk": {"text": _LONG},
    }
    made = {"brief": "tan", "model": "template", "rank": 1, "hook": _HOOK, "scores": {"total": total}}
    return {"state": "draft", "features": {"tone": "warm", "lead": "hook"}, "channels": strings, "provenance": made}


def _printed(what: object) -> str:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(what)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_chinese_copy_is_shown_to_its_end() -> None:
    shown = _printed(PhonePreview(_record()))
    joined = "".join(mark for mark in shown if "一" <= mark <= "鿿" or mark == "…")
    assert "…" not in joined
    assert joined.count(_LONG) == 8


def test_a_long_chinese_hook_is_not_cut_in_the_table() -> None:
    shown = "".join(_printed(results_table([_record()])).split())
    assert "…" not in shown
    assert _HOOK in shown


@pytest.mark.parametrize("total", [-0.0, -0.004])
def test_a_score_of_nothing_has_no_minus(total: float) -> None:
    assert "+0.00" in _printed(results_table([_record(total)]))


def test_who_gets_no_copy_is_told_what_stood_in_the_way() -> None:
    found = [Finding("emoji", "email", "body", "expected no emoji here")] * 2
    report = StudioReport(asked=1, findings=found, dropped=["b/0"])
    console = Console(file=io.StringIO(), width=120, color_system=None)
    print_report(console, report, 0.1)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "2 × email.body: expected no emoji here" in shown
    assert "0 of 1 asked for" in shown
    assert "every one verified" not in shown


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="got a folder"):
        write_whole(tmp_path, ["x"])
    assert list(tmp_path.iterdir()) == []
