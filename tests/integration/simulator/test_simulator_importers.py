from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from simulator import Log
from simulator.importers.source_file import source_file
from simulator.unusable_log import UnusableLog

Run = Callable[..., Result]

ANY = (
    "who,when,seen,p,bought,clicked,area\n"
    "u1,2025-03-01 08:00:00Z,A,0.5,12.5,1,007\n"
    "u2,2025-03-01 09:00:00Z,None,0.5,,0,8\n"
)
FLAGS = (
    *("--arm", "seen", "--propensity", "p", "--outcome", "purchase=bought", "--outcome", "click=clicked"),
    *("--outcome", "cost=clicked*0.2", "--cost", "A=0.1", "--context", "area", "--user", "who"),
    *("--decided-at", "when", "--hold", "None"),
)


def test_csv_with_every_flag(simulator: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "any.csv", tmp_path / "any.jsonl"
    source.write_text(ANY)
    result = simulator("import", "csv", source, "-o", out, *FLAGS)
    assert result.exit_code == 0, result.output
    first, second = (json.loads(line) for line in out.read_text().splitlines())
    assert first["arm"] == "A"
    assert second["arm"] == "hold"
    assert first["eligible"] == ["A", "hold"]
    assert first["outcomes"] == [
        {"type": "purchase", "value": 12.5},
        {"type": "click", "value": 1.0},
        {"type": "cost", "value": 0.2},
        {"type": "cost", "value": 0.1},
    ]
    assert second["outcomes"] == []
    assert first["context"] == {"area": "007"}
    assert second["context"] == {"area": "8"}, "a column with codes is text throughout"
    assert Log.read(out).users == ("u1", "u2")


@pytest.mark.parametrize(
    ("change", "flags", "words"),
    [
        (("0.5,12.5", "1.5,12.5"), FLAGS, "any.csv:2: p: expected a number in (0, 1]"),
        (("12.5", "lots"), FLAGS, "any.csv:2: bought: expected a finite number"),
        (("0.5,12.5", "0.5"), FLAGS, "any.csv:2: expected 7 cells"),
        (("A,0.5", ",0.5"), FLAGS, "any.csv:2: seen: expected a value"),
        (("2025-03-01 08:00:00Z", "Monday"), FLAGS, "any.csv:2: when: expected an RFC 3339 time"),
        (("", ""), (*FLAGS, "--id", "number"), "any.csv:1: number: expected a column 'number'"),
        (("", ""), ("--arm", "seen", "--propensity", "p", "--eligible", "A"), "any.csv:3: seen: expected one of A"),
        (("", ""), (*FLAGS, "--cost", "B=1"), "--cost"),
        (("", ""), (*FLAGS, "--outcome", "purchase"), "--outcome"),
        (
            ("u2,", "u1,"),
            (*FLAGS, "--id", "who"),
            "any.csv:3: who: expected an id that occurs once, got 'u1', also on line 2",
        ),
        (("bought,clicked", "p,bought,clicked"), FLAGS, "any.csv:1: p: expected each column once, got 'p' 2 times"),
        ((ANY, ""), FLAGS, "an empty file"),
    ],
)
def test_bad_csv_leaves_nothing(
    change: tuple[str, str], flags: tuple[str, ...], words: str, simulator: Run, tmp_path: Path
) -> None:
    source, out = tmp_path / "any.csv", tmp_path / "any.jsonl"
    source.write_text(ANY.replace(*change, 1) if change[0] else ANY)
    result = simulator("import", "csv", source, "-o", out, *flags)
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert not out.exists()


def test_csv_context_has_one_kind_a_column(simulator: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "any.csv", tmp_path / "any.jsonl"
    source.write_text("arm,age,share,member,code,mixed\nA,31,0.5,true,x1,true\nB,,2,FALSE,7,3\nA,40,nan,,,\n")
    columns = ("--context", "age,share,member,code,mixed", "--propensity", "0.5", "--arm", "arm")
    assert simulator("import", "csv", source, "-o", out, *columns).exit_code == 0
    contexts = [json.loads(line)["context"] for line in out.read_text().splitlines()]
    assert contexts == [
        {"age": 31, "share": 0.5, "member": True, "code": "x1", "mixed": "true"},
        {"share": 2, "member": False, "code": "7", "mixed": "3"},
        {"age": 40},
    ]


HILLSTROM = (
    "recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend\n"
    "10,2) $100 - $200,142.44,1,0,Surburban,0,Phone,Womens E-Mail,1,1,29.99\n"
    "6,3) $200 - $350,329.08,1,1,Rural,1,Web,No E-Mail,0,0,0\n"
)


def test_hillstrom_row_by_row(simulator: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "h.csv", tmp_path / "h.jsonl"
    source.write_text(HILLSTROM)
    assert simulator("import", "hillstrom", source, "-o", out, "--cost", "womens/email/day0=0.1").exit_code == 0
    first, second = (json.loads(line) for line in out.read_text().splitlines())
    assert first["arm"] == "womens/email/day0"
    assert first["outcomes"] == [
        {"type": "click"},
        {"type": "purchase", "value": 29.99},
        {"type": "cost", "value": 0.1},
    ]
    assert second["arm"] == "hold"
    assert second["context"]["channel"] == "Web"
    assert "channel" not in second
    source.write_text(HILLSTROM.replace("No E-Mail", "Kids E-Mail"))
    result = simulator("import", "hillstrom", source, "-o", out)
    assert result.exit_code == 2
    assert "h.csv:3: segment: expected one of" in result.output


def test_upworthy_counts_and_weeks(simulator: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "u.csv", tmp_path / "u.jsonl"
    header = "clickability_test_id,test_week,headline,impressions,clicks\n"
    rows = "t1,201310,One,100,7\nt1,201310,Two,90,0\nt2,201330,Bad week,50,5\n"
    source.write_text(header + rows)
    result = simulator("import", "upworthy", source, "-o", out)
    assert result.exit_code == 0
    assert "dropped 1 packages" in result.output
    log = Log.read(out)
    assert log.count.tolist() == [7, 93, 90]
    assert log.propensity.tolist() == [0.5] * 3
    assert log.users == ("t1",)
    assert log.catalogue["t1.1/web/any"]["features"]["headline"] == "Two"
    source.write_text(header + rows.replace("100,7", "100,101"))
    result = simulator("import", "upworthy", source, "-o", out)
    assert result.exit_code == 2
    assert "u.csv:2: clicks: expected at most the 100 impressions" in result.output


def test_obd_positions(simulator: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "o.csv", tmp_path / "o.jsonl"
    header = ",timestamp,item_id,position,click,propensity_score,user_feature_0,user-item_affinity_0\n"
    source.write_text(
        header
        + "0,2019-11-24 00:01:29.788335+00:00,2,1,0,0.25,abc,0.0\n"
        + "1,2019-11-24 00:01:43.188876+00:00,0,3,1,0.5,abc,1.0\n"
    )
    result = simulator("import", "obd", source, "-o", out)
    assert result.exit_code == 0
    assert "unclustered" in result.output
    first, second = (json.loads(line) for line in out.read_text().splitlines())
    assert first["arm"] == "item2/web/pos1"
    assert first["eligible"] == ["item0/web/pos1", "item1/web/pos1", "item2/web/pos1"]
    assert first["context"] == {"user_feature_0": "abc"}
    assert second["position"] == 3
    assert second["outcomes"] == [{"type": "click"}]
    assert second["decided_at"] == "2019-11-24T00:01:43.188876Z"
    source.write_text(header + "0,2019-11-24 00:01:29.788335+00:00,2,4,0,0.25,abc,0.0\n")
    result = simulator("import", "obd", source, "-o", out)
    assert result.exit_code == 2
    assert "o.csv:2: position: expected 1, 2 or 3" in result.output


def test_a_folder_stands_for_the_one_data_file_in_it(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("a\n")
    (tmp_path / "item_context.csv").write_text("b\n")
    (tmp_path / "README.md").write_text("c\n")
    assert source_file(str(tmp_path)) == str(tmp_path / "log.csv")
    assert source_file(str(tmp_path / "log.csv")) == str(tmp_path / "log.csv")
    (tmp_path / "second.csv.gz").write_text("d\n")
    with pytest.raises(UnusableLog, match=r"log\.csv, second\.csv\.gz"):
        source_file(str(tmp_path))


def test_the_whole_upworthy_archive(real_data: Callable[[str], Path], simulator: Run, tmp_path: Path) -> None:
    out = tmp_path / "u.jsonl"
    result = simulator("import", "upworthy", real_data("upworthy"), "-o", out)
    assert "dropped 4,490 packages of weeks 201325 to 201402" in result.output
    log = Log.read(out)
    assert (len(log.users), len(log.arms)) == (3_771, 18_176)
    weeks = set(log.context["test_week"].tolist())
    assert not [week for week in weeks if 201325 <= week <= 201402]
    assert min(weeks) < 201325
    assert max(weeks) > 201402
