import numpy as np
import pytest

from engine.core.errors import FailedPrecondition, InvalidInput
from generators.needs import attribute_segment, cluster_segments, read_users

CSV = "id,age,city\na,20,Oslo\nb,30,Rome\nc,20,Rome\n"


def planted(groups, each):
    rng = np.random.default_rng(5)
    vectors = np.repeat(np.eye(groups, 8), each, axis=0) + 0.05 * rng.standard_normal((groups * each, 8))
    return [f"u{n:03d}" for n in range(groups * each)], vectors.astype(np.float32)


@pytest.mark.parametrize("count", [0, 5])
def test_groups_of_profiles_are_found(count):
    users, vectors = planted(5, 20)
    found = cluster_segments(users, vectors, count, 0)
    assert sorted(segment.users for segment in found) == sorted(tuple(users[n : n + 20]) for n in range(0, 100, 20))
    assert [segment.name for segment in found] == [f"segment-{n}" for n in range(1, 6)]


def test_more_groups_than_shoppers_are_refused():
    with pytest.raises(FailedPrecondition, match="smaller number"):
        cluster_segments(*planted(3, 1), 8, 0)


def test_attributes_select(tmp_path):
    path = tmp_path / "who.csv"
    path.write_text(CSV)
    found = attribute_segment(path, ["age=20", "city=Rome,Oslo"], "id")
    assert (found.users, found.audience) == (("a", "c"), {"age": ("20",), "city": ("Rome", "Oslo")})


@pytest.mark.parametrize(
    ("filters", "column", "message"),
    [
        (["age"], "id", "COLUMN=VALUE"),
        (["age=99"], "id", "nobody has these values"),
        (["height=2"], "id", "height.*no such column"),
        (["age=20"], "user", "--user-column"),
    ],
)
def test_wrong_filters_are_named(tmp_path, filters, column, message):
    path = tmp_path / "who.csv"
    path.write_text(CSV)
    with pytest.raises(InvalidInput, match=message):
        attribute_segment(path, filters, column)


def test_lists_of_users(tmp_path):
    path = tmp_path / "users.txt"
    path.write_text("a\n\nb \na\n")
    assert read_users(path) == ("a", "b")
    path.write_text("\n")
    with pytest.raises(InvalidInput, match="one shopper id a line, got none"):
        read_users(path)
    with pytest.raises(InvalidInput, match="No such file"):
        read_users(tmp_path / "none.txt")
