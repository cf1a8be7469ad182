"""Profile folders from files: built, added to, read by others, damaged."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from engine.core.errors import CorruptState, FailedPrecondition, InvalidInput, NotFound, UnsupportedVersion
from engine.core.keyed_hash import Domain, KeyedHash
from engine.profiles import Events, EventType, Matcher, Products, ProfileBuild, ProfileSettings, ProfileStore
from engine.profiles.profile_folder import ProfileFolder
from engine.profiles.profile_store import VECTORS

NOW = datetime(2026, 6, 1, tzinfo=UTC)
KEY = KeyedHash(b"k" * 32)
SETTINGS = ProfileSettings(dimension=16, content_dimension=8, iterations=5)


def build(folder: Path, key: KeyedHash | None = None) -> ProfileBuild:
    return ProfileBuild(folder, now=NOW, key=key)


def first(folder: Path, key: KeyedHash | None = None) -> ProfileBuild:
    return ProfileBuild(folder, now=NOW, key=key, settings=SETTINGS)


def test_a_profile_is_near_what_its_shopper_does(shop: Any, tmp_path: Path) -> None:
    path = shop.write("events.csv", shop.lines(0, 60))
    opened, report = first(tmp_path / "out").run(shop.given(path))
    assert (report.rows, report.dropped, report.added) == (720, 0, 720)
    assert opened.manifest.counts["users"] == 60
    assert opened.manifest.counts["without_factors"] == opened.manifest.counts["without_content"] == 0
    matcher, store = Matcher(tmp_path / "out"), ProfileStore(tmp_path / "out")
    for n in range(6):
        own = {f"p{8 * (n % 3) + k}" for k in range(8)}
        for by in ("cosine", "rank"):
            assert {match.item for match in matcher.products(f"shopper-{n}", 8, by=by)} == own
        known = {event.item for event in Events.open(tmp_path / "out").of(f"shopper-{n}")}
        assert not known & {match.item for match in matcher.products(f"shopper-{n}", 30, novel=True)}
        cosines = matcher.texts(f"shopper-{n}", ["a cup of tea", "new shoes", "春季面霜"])
        assert cosines.argmax() == n % 3
        vector = store.embedding(f"shopper-{n}")
        assert vector is not None
        assert vector.dtype == np.float32
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
    with pytest.raises(NotFound, match="nothing is known of this shopper"):
        matcher.products("nobody")


def test_csv_gzip_and_parquet_are_the_same(shop: Any, tmp_path: Path) -> None:
    path = shop.write("events.csv", shop.lines(0, 30))
    packed, table = tmp_path / "events.csv.gz", tmp_path / "events.parquet"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    pl.read_csv(path).with_columns(pl.col("at").str.to_datetime(time_zone="UTC")).write_parquet(table)
    frames = []
    for source in (path, packed, table):
        first(tmp_path / source.name.replace(".", "_")).run(shop.given(source))
        frames.append(Events.open(tmp_path / source.name.replace(".", "_")).frame())
    assert frames[0].equals(frames[1])
    assert frames[0].equals(frames[2])


def test_in_parts_it_is_what_it_is_at_once(shop: Any, tmp_path: Path) -> None:
    early, late = shop.write("early.csv", shop.lines(0, 30)), shop.write("late.csv", shop.lines(30, 60))
    first(tmp_path / "parts").run(shop.given(early))
    before = ProfileFolder.open(tmp_path / "parts").manifest
    _, report = build(tmp_path / "parts").run(shop.given(late, products=False))
    assert report.added == 720
    folded = ProfileFolder.open(tmp_path / "parts").manifest
    assert folded.fitted == before.fitted, "nothing was fitted anew"
    assert folded.as_of > before.as_of
    build(tmp_path / "parts").run(shop.given(products=False), refit=True)
    first(tmp_path / "once").run(shop.given(early, late))
    one, other = ProfileFolder.open(tmp_path / "parts"), ProfileFolder.open(tmp_path / "once")
    for name, stated in other.manifest.files.items():
        assert one.manifest.files[name] == stated, name


def test_read_twice_nothing_is_added(shop: Any, tmp_path: Path) -> None:
    lines = shop.lines(0, 30)
    path = shop.write("events.csv", lines)
    first(tmp_path / "out").run(shop.given(path))
    vectors = ProfileFolder.open(tmp_path / "out").path(VECTORS).read_bytes()
    _, report = build(tmp_path / "out").run(shop.given(path))
    assert (report.unchanged_files, report.rows, report.added) == (1, 0, 0)
    overlapping = shop.write("again.csv", lines[100:] + shop.lines(30, 31)[:1])
    _, report = build(tmp_path / "out").run(shop.given(overlapping))
    assert (report.duplicates, report.added) == (620, 1)
    assert ProfileFolder.open(tmp_path / "out").path(VECTORS).read_bytes() != vectors, "recency moved on"


def test_a_newcomer_and_a_new_product_are_folded_in(shop: Any, tmp_path: Path) -> None:
    first(tmp_path / "out").run(shop.given(shop.write("events.csv", shop.lines(0, 30))))
    at = "2026-02-01T00:00:00Z"
    rows = [f"newcomer,p{n},purchase,{at},1,5," for n in range(3)] + ["newcomer,fresh,purchase,2026-02-01,1,5,"]
    build(tmp_path / "out").run(shop.given(shop.write("more.csv", rows), products=False))
    matcher = Matcher(tmp_path / "out")
    assert {match.item for match in matcher.products("newcomer", 9)} == {*(f"p{n}" for n in range(8)), "fresh"}
    assert {match.item for match in matcher.products("shopper-0", 9)} == {*(f"p{n}" for n in range(8)), "fresh"}


def test_unusable_rows_bots_and_strangers_are_counted(shop: Any, tmp_path: Path) -> None:
    bad = [",p1,view,2026-01-01,,,", "a,p1,view,2030-01-01,,,", "a,p1,dance,2026-01-01,,,", "a,zz,view,2026-01-01,,,"]
    bot = [f"robot,p{n % 24},view,2026-01-03T10:00:{n:02d}Z,,," for n in range(60)]
    path = shop.write("events.csv", shop.lines(0, 30) + bad + bot)
    opened, report = first(tmp_path / "out").run(shop.given(path))
    assert dict(report.unusable) == {"no user": 1, "impossible time": 1, "unknown type": 1}
    assert report.first["no user"] == f"{path}:722"
    assert (report.bot_users, report.bot_events, dict(report.bots)["rate"]) == (1, 60, 1)
    assert report.unknown_items == 1
    assert report.rows == report.dropped + report.added
    assert "robot" not in Events.open(tmp_path / "out").users()
    assert len(Events.open(tmp_path / "out", with_bots=True)) == len(Events.open(tmp_path / "out")) + 60
    assert "robot" not in ProfileStore(tmp_path / "out")
    assert opened.manifest.report["unusable"] == dict(report.unusable)


def test_what_the_folder_offers_to_others(shop: Any, tmp_path: Path) -> None:
    first(tmp_path / "out").run(shop.given(shop.write("events.csv", shop.lines(0, 30))))
    events, products = Events.open(tmp_path / "out"), Products.open(tmp_path / "out")
    searches = list(events.where(types=[EventType.SEARCH], users=["shopper-2"]))
    assert searches
    assert all(event.query == "保湿面霜" and event.item is None for event in searches)
    middle = datetime(2026, 1, 15, tzinfo=UTC)
    assert len(events.where(until=middle)) + len(events.where(since=middle)) == len(events)
    product = products.get("p8")
    assert product is not None
    assert (product.title, product.levels, product.price) == ("running shoes sport 8", ("sport",), 17.5)


def test_pseudonyms_are_those_of_the_journal(shop: Any, tmp_path: Path) -> None:
    path = shop.write("events.csv", shop.lines(0, 30))
    first(tmp_path / "out", KEY).run(shop.given(path))
    pseudonym = KEY.digest(Domain.USER, "shopper-7").hex()
    assert pseudonym in ProfileStore(tmp_path / "out")
    assert "shopper-7" not in ProfileStore(tmp_path / "out")
    for file in (tmp_path / "out").rglob("*"):
        assert not file.is_file() or b"shopper-" not in file.read_bytes(), file
    for other in (None, KeyedHash(b"x" * 32)):
        with pytest.raises(FailedPrecondition, match="these profiles were built"):
            build(tmp_path / "out", other).run(shop.given(path))


def test_other_settings_need_a_refit(shop: Any, tmp_path: Path) -> None:
    path = shop.write("events.csv", shop.lines(0, 30))
    first(tmp_path / "out").run(shop.given(path))
    other = ProfileSettings(dimension=8, content_dimension=4, method="svd")
    changed = ProfileBuild(tmp_path / "out", now=NOW, settings=other)
    with pytest.raises(FailedPrecondition, match="other settings; add --refit"):
        changed.run(shop.given())
    changed.run(shop.given(), refit=True)
    assert ProfileStore(tmp_path / "out").dimension == 8


def test_later_events_wait_for_their_time(shop: Any, tmp_path: Path) -> None:
    path = shop.write("events.csv", shop.lines(0, 30))
    middle = datetime(2026, 1, 15, tzinfo=UTC)
    _, report = first(tmp_path / "out").run(shop.given(path), as_of=middle)
    assert report.after_as_of > 0
    assert report.added + report.after_as_of == 720
    _, again = build(tmp_path / "out").run(shop.given(path))
    assert again.added == report.after_as_of
    with pytest.raises(InvalidInput, match="--as-of: the folder has events until"):
        build(tmp_path / "out").run(shop.given(path), as_of=middle)


def test_a_newer_folder_is_refused_and_damage_is_found(shop: Any, tmp_path: Path) -> None:
    first(tmp_path / "out").run(shop.given(shop.write("events.csv", shop.lines(0, 30))))
    manifest = tmp_path / "out" / "manifest.json"
    written = manifest.read_text()
    manifest.write_text(written.replace("armsreach.profiles.v1", "armsreach.profiles.v2"))
    with pytest.raises(UnsupportedVersion, match="upgrade armsreach here"):
        ProfileStore(tmp_path / "out")
    manifest.write_text(written)
    vectors = ProfileFolder.open(tmp_path / "out").path(VECTORS)
    data = bytearray(vectors.read_bytes())
    data[-1] ^= 1
    vectors.write_bytes(data)
    with pytest.raises(CorruptState, match=r"vectors.npy: its digest is off"):
        build(tmp_path / "out").run(shop.given(), refit=True)
    vectors.write_bytes(data[:-4])
    with pytest.raises(CorruptState, match="expected the file that the manifest names"):
        ProfileStore(tmp_path / "out")
    manifest.write_text("{}")
    with pytest.raises(CorruptState, match="this is no profile folder"):
        ProfileStore(tmp_path / "out")
    with pytest.raises(NotFound, match="no profiles here"):
        ProfileStore(tmp_path)


def test_a_store_turns_to_the_next_generation(shop: Any, tmp_path: Path) -> None:
    first(tmp_path / "out").run(shop.given(shop.write("events.csv", shop.lines(0, 30))))
    store = ProfileStore(tmp_path / "out")
    old, known = store.embeddings(["shopper-0", "stranger", "shopper-1"])
    assert known.tolist() == [True, False, True]
    assert not old[1].any()
    assert store.refresh() is False
    rows = ["stranger,p1,purchase,2026-02-02,1,5,"]
    build(tmp_path / "out").run(shop.given(shop.write("more.csv", rows)))
    assert store.embedding("stranger") is None, "the old generation is still mapped"
    assert store.refresh() is True
    assert store.embedding("stranger") is not None
    assert len(store) == 61
    assert [path.name for path in (tmp_path / "out").glob("*g0*")] == ["g000002"]


def test_without_products_factors_serve(shop: Any, tmp_path: Path) -> None:
    opened, report = first(tmp_path / "out").run(
        shop.given(shop.write("events.csv", shop.lines(0, 30)), products=False)
    )
    assert report.notes == ["no --products: profiles have no content"]
    assert opened.manifest.counts["without_content"] == 60
    with pytest.raises(FailedPrecondition, match="these profiles have no content"):
        Matcher(tmp_path / "out").texts("shopper-1", ["tea"])
    _, report = build(tmp_path / "out").run(shop.given())
    assert report.notes == ["products came after the models were fitted; add --refit for content"]
    build(tmp_path / "out").run(shop.given(), refit=True)
    assert Matcher(tmp_path / "out").texts("shopper-0", ["green tea"])[0] > 0.5
