"""`python -m engine profiles` and what `forget` takes out of a folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.commands.app import app
from engine.core.errors import ArmsreachError, CorruptState
from engine.core.keyed_hash import Domain, KeyedHash
from engine.profiles import Events, ProfileStore
from engine.profiles.erasing import ErasableProfiles
from engine.profiles.registered import registered_profiles

KEY = "ab" * 32
MAPPING = ["--quantity", "quantity", "--value", "value", "--query", "query"]
PRODUCTS = ["--product-id", "sku", "--title", "name", "--category", "kind", "--price", "price"]


def run(*arguments: object) -> str:
    """What a command prints."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_build_match_show_and_evaluate(shop: Any, tmp_path: Path) -> None:
    path, out = shop.write("events.csv", shop.lines(0, 60)), tmp_path / "out"
    said = run("profiles", "build", path, "-o", out, "--products", shop.products, *MAPPING, *PRODUCTS)
    assert "rows read" in said
    assert "60 shoppers × 64" in said
    assert "ids are kept as they came" in said
    said = run("profiles", "match", out, "shopper-1", "--top", 3)
    assert said.count("running shoes") == 3
    said = run("profiles", "match", out, "shopper-1", "--text", "green tea", "--text", "shoes for you")
    assert said.index("shoes for you") < said.index("green tea")
    assert "armsreach" not in said
    assert "generation=1" in run("profiles", "show", out)
    said = run(
        "profiles", "evaluate", path, "--products", shop.products, *MAPPING, *PRODUCTS, "--test-days", 20,
        "--tune-days", 0,
    )  # fmt: skip
    assert "repeats included" in said
    assert "blend+personal" in said
    said = run("profiles", "evaluate", path, "--products", shop.products, *MAPPING, *PRODUCTS, "--test-days", 20,
               "--by-level", 1)  # fmt: skip
    assert "3 candidates" in said
    assert "novel only: nobody bought one of the 3 candidates" in said


@pytest.mark.parametrize(
    ("content", "flags", "message"),
    [
        (
            b"user,item,at\na,b,2026-01-01\n",
            ["--type", "kind"],
            r"f.csv: kind: no such column; .*item, at.*--type",
        ),
        (b"user,item,at\na,b,c,2026-01-01\n", ["--type", "view"], r"f.csv:2: expected as many fields as the header"),
        (b"user,item,at\n\xff\xfe,b,2026-01-01\n", ["--type", "view"], r"f.csv: expected UTF-8; .*--encoding"),
        (b"", ["--type", "view"], r"f.csv: expected a header and rows"),
        (b"user,item,at\na,b,soon\n", ["--type", "view"], r"f.csv:2: at: none of the rows is usable.*RFC 3339"),
        (b"user,item,at,type\na,b,2026-01-01,z\n", [], r"f.csv:2: type: none of the rows.*--word WORD=TYPE"),
        (
            b"user,item,at\na,b,2026-01-01\n,b,2026-01-01\n",
            ["--type", "view", "--strict"],
            r"f.csv:3: user: no user; correct the row, name another column or value with --user",
        ),
        (b"user,item,at\n", ["--type", "view"], r"EVENTS: no usable event"),
    ],
)
def test_bad_files_are_refused_with_place_and_remedy(
    tmp_path: Path, content: bytes, flags: list[str], message: str
) -> None:
    path = tmp_path / "f.csv"
    path.write_bytes(content)
    with pytest.raises(ArmsreachError, match=message):
        run("profiles", "build", path, "-o", tmp_path / "out", *flags)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_file_in_another_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_bytes("用户;商品;时间\n小明;茶;2026-01-02 10:00\n".encode("gb18030"))
    path, mapping = tmp_path / "f.csv", ["--user", "用户", "--item", "商品", "--at", "时间", "--type", "purchase"]
    form = ["--encoding", "gb18030", "--separator", ";", "--time-zone", "Asia/Shanghai"]
    run("profiles", "build", path, "-o", tmp_path / "out", *mapping, *form)
    (event,) = Events.open(tmp_path / "out")
    assert (event.user, event.item, event.at.isoformat()) == ("小明", "茶", "2026-01-02T02:00:00+00:00")


def test_forgetting_takes_a_shopper_out_of_profiles(shop: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMSREACH_SERVER_KEY", KEY)
    path, out, data = shop.write("events.csv", shop.lines(0, 30)), tmp_path / "out", tmp_path / "data"
    (data / "journal").mkdir(parents=True)
    run("profiles", "build", path, "-o", out, "--products", shop.products, *MAPPING, *PRODUCTS, "--data", data)
    assert registered_profiles(data) == (out,)
    assert "running shoes" in run("profiles", "match", out, "shopper-1", "--data", data)
    pseudonym = KeyedHash(bytes.fromhex(KEY)).digest(Domain.USER, "shopper-1").hex()
    other = KeyedHash(bytes.fromhex(KEY)).digest(Domain.USER, "shopper-2").hex()
    store = ProfileStore(out)
    vector, kept = store.embedding(pseudonym), store.embedding(other)
    assert vector is not None
    assert kept is not None
    assert holding(out, vector.tobytes())
    assert holding(out, kept.tobytes())
    said = run("forget", "--data", data, "shopper-1")
    assert "1 shopper forgotten" in said
    assert not holding(out, vector.tobytes(), pseudonym.encode())
    assert holding(out, kept.tobytes())
    assert store.refresh()
    assert store.embedding(pseudonym) is None
    assert pseudonym not in Events.open(out, with_bots=True).users()
    assert len(store) == 59
    assert '"entries":13' in (data / "audit.jsonl").read_text().replace(" ", "")
    assert ErasableProfiles(out).erase([pseudonym]) == 0, "asked twice, there is nothing"
    assert "warning" not in said
    out.rename(tmp_path / "moved")
    assert f"warning: no profiles at {out}" in run("forget", "--data", data, "shopper-2")
    assert holding(tmp_path / "moved", kept.tobytes())
    assert ErasableProfiles(tmp_path / "nowhere").erase([pseudonym]) == 0


def test_forgetting_removes_what_a_killed_build_left(shop: Any, tmp_path: Path) -> None:
    """Also where it was the first build, and where the shopper stands nowhere else."""
    out = tmp_path / "out"
    part = out / ".g000001.part"
    part.mkdir(parents=True)
    (part / "events.parquet").write_bytes(b"shopper-x")
    assert ErasableProfiles(out).erase(["shopper-x"]) == 0
    assert not holding(out, b"shopper-x")
    run("profiles", "build", shop.write("events.csv", shop.lines(0, 30)), "-o", out, *MAPPING)
    for name in ("g000002", ".g000003.part"):
        (out / name).mkdir()
        (out / name / "events.parquet").write_bytes(b"shopper-x")
    assert ErasableProfiles(out).erase(["shopper-x"]) == 0
    assert not holding(out, b"shopper-x")
    assert len(ProfileStore(out)) == 60


def test_forgetting_does_not_vouch_for_damaged_files(shop: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("profiles", "build", shop.write("events.csv", shop.lines(0, 30)), "-o", out, *MAPPING)
    factors = out / "g000001" / "factors.npz"
    factors.write_bytes(bytes(byte ^ 1 for byte in factors.read_bytes()))
    with pytest.raises(CorruptState, match="digest is off"):
        ErasableProfiles(out).erase(["shopper-1"])
    assert len(ProfileStore(out)) == 60, "the folder stays as it was"


def holding(folder: Path, *needles: bytes) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if any(needle in path.read_bytes() for needle in needles)]


def test_looking_vectors_up_needs_numpy_alone() -> None:
    code = (
        "import sys, engine.profiles, engine.profiles.profile_store, engine.profiles.registered\n"
        "import engine.commands.app\n"
        "heavy = {'polars', 'scipy', 'sklearn', 'implicit', 'torch'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
