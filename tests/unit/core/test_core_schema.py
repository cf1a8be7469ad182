import numpy as np
import pytest

from engine.core.errors import ConfigError, InvalidInput
from engine.core.schema import Attribute, Schema

SCHEMA = Schema(
    2,
    {
        "segment": Attribute("categorical", vocabulary=("new", "old")),
        "age": Attribute("number", low=20.0, high=70.0),
        "member": Attribute("boolean"),
        "city": Attribute("hashed", buckets=4),
    },
)
NONE = np.zeros(2, dtype=np.float32)


def test_columns_are_a_closed_set() -> None:
    assert SCHEMA.user_columns[:7] == ("U^u0", "U^u1", "X^age", "X^city~0", "X^city~1", "X^city~2", "X^city~3")
    assert SCHEMA.user_columns[7:] == ("X^member", "X^segment=new", "X^segment=old", "X^segment~other")


def test_columns_do_not_depend_on_the_order_of_keys() -> None:
    turned = Schema(2, dict(reversed(list(SCHEMA.attributes.items()))))
    assert turned.user_columns == SCHEMA.user_columns
    values = {"segment": "old", "age": 45.0, "member": True}
    assert turned.encode(NONE, values).tolist() == SCHEMA.encode(NONE, values).tolist()


def test_encodes_by_hand() -> None:
    row = SCHEMA.encode(np.array([0.5, -1.5]), {"segment": "old", "age": 45.0, "member": True})
    assert row.dtype == np.float32
    assert row.tolist() == [0.5, -1.5, 0.5, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]


def test_what_is_absent_is_zero_and_what_is_unseen_has_a_column() -> None:
    assert not SCHEMA.encode(NONE, {}).any()
    row = SCHEMA.encode(NONE, {"segment": "from the moon"})
    assert row[10] == 1.0
    assert row.sum() == 1.0


def test_hashing_is_stable() -> None:
    rows = np.array([SCHEMA.encode(NONE, {"city": f"city-{i}"})[3:7] for i in range(200)])
    assert (rows.sum(axis=1) == 1).all()
    assert (rows.sum(axis=0) > 25).all(), "all buckets are used"
    # BLAKE2b of the bytes, and never Python's own hash, which changes with every process.
    assert SCHEMA.encode(NONE, {"city": "Köln"})[3:7].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_edges_of_a_range_belong_to_it() -> None:
    assert SCHEMA.encode(NONE, {"age": 20.0})[2] == 0.0
    assert SCHEMA.encode(NONE, {"age": 70})[2] == 1.0


@pytest.mark.parametrize(
    ("embedding", "attributes", "field", "words"),
    [
        ([0.0], {}, "embedding", "expected 2 numbers, got 1"),
        ([0.0, 0.0, 0.0], {}, "embedding", "expected 2 numbers, got 3"),
        ([0.0, float("nan")], {}, "embedding", "finite"),
        ([float("inf"), 0.0], {}, "embedding", "finite"),
        ([0.0, 0.0], {"age": 70.01}, "attributes.age", "from 20 to 70, got 70.01"),
        ([0.0, 0.0], {"age": float("nan")}, "attributes.age", "from 20 to 70"),
        ([0.0, 0.0], {"age": "45"}, "attributes.age", "expected a number"),
        ([0.0, 0.0], {"age": True}, "attributes.age", "expected a number"),
        ([0.0, 0.0], {"member": 1.0}, "attributes.member", "true or false"),
        ([0.0, 0.0], {"segment": 3.0}, "attributes.segment", "expected a string"),
        ([0.0, 0.0], {"city": False}, "attributes.city", "expected a string"),
        ([0.0, 0.0], {"shoe": "44"}, "attributes.shoe", "known: age, city, member, segment"),
    ],
)
def test_wrong_values_name_their_field(embedding: list[float], attributes: dict, field: str, words: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(InvalidInput, match=words) as caught:
        SCHEMA.encode(np.array(embedding), attributes)
    assert caught.value.field == field


def test_what_float32_cannot_hold_is_refused() -> None:
    with pytest.raises(InvalidInput, match="float32"), np.errstate(over="ignore"):
        SCHEMA.encode(np.array([1e39, 0.0]), {})


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Attribute("categorical"),
        lambda: Attribute("categorical", vocabulary=("a", "a")),
        lambda: Attribute("hashed"),
        lambda: Attribute("hashed", buckets=4097),
        lambda: Attribute("number", low=1.0, high=1.0),
        lambda: Attribute("number", low=0.0, high=float("inf")),
        lambda: Schema(-1),
        lambda: Schema(5000),
    ],
)
def test_wrong_schemas(bad) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError):
        bad()
