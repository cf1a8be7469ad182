"""`python -m generators needs` on a shop that is built from files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from engine.core.errors import CallerError
from engine.profiles import BuildInput, EventColumns, ProductColumns, ProfileBuild
from engine.profiles.settings import ProfileSettings
from generators.__main__ import app

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    rng = np.random.default_rng(1)
    kinds = {
        "茶叶": ["龙井绿茶", "正山小种红茶"],
        "咖啡": ["阿拉比卡咖啡豆", "速溶黑咖啡"],
        "跑鞋": ["轻便缓震跑鞋", "越野防滑跑鞋"],
    }
    rows = [(f"p{n}{i}", f"{title} {i}克", kind, 20 + 10 * i) for n, (kind, titles) in enumerate(kinds.items())
            for i in range(6) for title in [titles[i % 2]]]  # fmt: skip
    (folder / "products.csv").write_text("id,title,kind,price\n" + "".join(f"{a},{b},{c},{d}\n" for a, b, c, d in rows))
    events = ["user,item,type,at,value"]
    for user in range(30):
        for _ in range(20):
            kind = user % 3 if rng.random() < 0.7 else rng.integers(3)
            id_, _, _, price = rows[int(kind) * 6 + int(rng.integers(6))]
            day, hour = int(rng.integers(1, 29)), int(rng.integers(8, 22))
            month = int(rng.integers(1, 5))
            at, paid = f"2026-{month:02d}-{day:02d}T{hour:02d}:15:00Z", price * rng.choice([0.8, 1.0])
            events.append(f"u{user},{id_},purchase,{at},{paid:.2f}")
    (folder / "events.csv").write_text("\n".join(events) + "\n")
    (folder / "who.csv").write_text("user,group\n" + "".join(f"u{n},{'odd' if n % 3 else 'tea'}\n" for n in range(30)))
    ProfileBuild(folder / "profiles", settings=ProfileSettings(dimension=16, content_dimension=8)).run(
        BuildInput((folder / "events.csv",), EventColumns(value="value"), folder / "products.csv",
                   ProductColumns(title="title", category=("kind",), price="price"))
    )  # fmt: skip
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_from_needs_to_copy_in_chinese(shop: Path, tmp_path: Path) -> None:
    out, briefs = tmp_path / "needs.jsonl", tmp_path / "briefs.jsonl"
    feed = ("--products", str(shop / "products.csv"), "--column", "category=kind", "--currency", "CNY")
    group = ("--segment", "group=tea", "--attributes", str(shop / "who.csv"))
    done = run(
        "needs", str(shop / "profiles"), *group, "--user", "u3", "--language", "zh", "-o", str(out),
        "--briefs", str(briefs), "--offer", "percent=20", *feed,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "置信度" in done.stdout
    one, group = (json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())
    assert (one["name"], group["members"], group["interests"][0]["name"]) == ("u3", 10, "茶叶")
    assert one["interests"][0]["name"] == "茶叶"
    evidence = [
        json.loads(line) for line in (tmp_path / "briefs.evidence.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert {row["name"] for row in evidence} == {"u3", "group=tea"}
    copied = run("copy", "--brief", str(briefs), "-o", str(tmp_path / "v.jsonl"))
    assert copied.exit_code == 0, copied.output
    audiences = [
        json.loads(line)["audience"] for line in (tmp_path / "v.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert {"group": ["tea"]} in audiences


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "--user ID"),
        (("--user", "nobody"), "check the id"),
        (("--segment", "group=tea"), "--attributes"),
        (("--segment", "many"), "auto, a number above 1"),
        (("--user", "u1", "--time-zone", "Mars"), "IANA"),
        (("--user", "u1", "--briefs", "b.jsonl"), "--products"),
    ],
)
def test_what_is_wrong_is_said(shop: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run("needs", str(shop / "profiles"), *arguments)
    assert isinstance(done.exception, CallerError)
    assert message in str(done.exception)


def test_wrong_input_ends_in_one_line_and_code_2(shop: Path) -> None:
    command = [sys.executable, "-m", "generators", "needs", str(shop / "none"), "--user", "u1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert done.returncode == 2
    assert "no profiles here" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_feed_of_products_that_the_profiles_do_not_know(shop: Path, tmp_path: Path) -> None:
    feed, briefs = tmp_path / "feed.csv", tmp_path / "briefs.jsonl"
    feed.write_text("id,title,category,price\nnew-1,白茶 50克,茶叶,30\n", encoding="utf-8")
    done = run(
        "needs", str(shop / "profiles"), "--user", "u3", "--products", str(feed), "--briefs", str(briefs),
        "--currency", "CNY", "--language", "zh",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(briefs.read_text(encoding="utf-8"))["product"]["title"] == "白茶 50克"


def test_shoppers_can_be_shrunk_to_their_segment(shop: Path, tmp_path: Path) -> None:
    out, members = tmp_path / "needs.jsonl", tmp_path / "members.csv"
    options = ("--user", "u0", "--segment", "3", "--shrink-to", "segment", "-o", str(out), "--members", str(members))
    assert run("needs", str(shop / "profiles"), *options).exit_code == 0
    one, *groups = (json.loads(line) for line in out.read_text(encoding="utf-8").splitlines())
    assert one["name"] == "u0"
    assert sum(group["members"] for group in groups) == 30
    assert len(members.read_text().splitlines()) == 31
