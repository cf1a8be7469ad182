"""What a sweep keeps."""

from __future__ import annotations

from simulator.sweep.state import State


def test_results_are_found_under_what_they_follow_from_and_nothing_else(tmp_path):
    state = State(tmp_path / "out", "root")
    assert state.get("measured", "key", 0) is None
    state.put({"lift": 0.1}, "measured", "key", 0)
    assert State(tmp_path / "out", "root").get("measured", "key", 0) == {"lift": 0.1}
    for other in (("measured", "key", 1), ("measured", "other", 0), ("size", "key", 0)):
        assert state.get(*other) is None
    assert State(tmp_path / "out", "other root").get("measured", "key", 0) is None
    assert state.models("a", 0) != state.models("a", 1)


def test_a_damaged_result_is_none(tmp_path):
    state = State(tmp_path, "root")
    state.put({"lift": 0.1}, "measured")
    (path,) = (tmp_path / "results").glob("*.json")
    for content in (b"", b'{"lift": 0.', b"null", b"[1]"):
        path.write_bytes(content)
        assert state.get("measured") is None
    state.put({"lift": 0.2}, "measured")
    assert state.get("measured") == {"lift": 0.2}
    assert [each.name for each in (tmp_path / "results").iterdir()] == [path.name]
