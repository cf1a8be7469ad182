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


def encoded(embedding: np.ndarray, attributes: dict[str, str | float | bool]) -> dict[str, float]:
    """Columns that are not zero."""
    row = SCHEMA.encode(embedding, attributes)
    assert row.dtype == np.float32
    assert row.shape == (len(SCHEMA.user_columns),)
    return {name: float(value) for name, value in zip(SCHEMA.user_columns, row, strict=True) if value}


def test_columns_are_a_closed_set() -> None:
    assert SCHEMA.user_columns[:2] == ("U^u0", "U^u1")
    assert set(SCHEMA.user_columns[2:]) == {
        "X^segment=new", "X^segment=old", "X^segment~other", "X^age", "X^member",
        "X^city~0", "X^city~1", "X^city~2", "X^city~3",
    }  # fmt: skip
    assert len(SCHEMA.user_columns) == 11


def test_the_order_of_keys_in_a_file_means_nothing() -> None:
    turned = Schema(2, dict(reversed(list(SCHEMA.attributes.items()))))
    assert turned.user_columns == SCHEMA.user_columns


def test_encodes_by_hand() -> None:
    found = encoded(np.array([0.5, -1.5]), {"segment": "old", "age": 45.0, "member": True})
    assert found == {"U^u0": 0.5, "U^u1": -1.5, "X^segment=old": 1.0, "X^age": 0.5, "X^member": 1.0}


def test_what_is_absent_is_zero_and_what_is_unseen_has_a_column() -> None:
    assert encoded(NONE, {}) == {}
    assert encoded(NONE, {"segment": "from the moon"}) == {"X^segment~other": 1.0}


def test_hashing_is_stable() -> None:
    found = [encoded(NONE, {"city": f"city-{i}"}) for i in range(200)]
    assert all(list(item.values()) == [1.0] for item in found)
    used = [next(iter(item)) for item in found]
    assert all(used.count(f"X^city~{bucket}") > 25 for bucket in range(4)), "all buckets are used"
    # BLAKE2b of the bytes, and never Python's own hash, which changes with every process.
    assert encoded(NONE, {"city": "Köln"}) == {"X^city~1": 1.0}


def test_edges_of_a_range_belong_to_it() -> None:
    assert encoded(NONE, {"age": 20.0}) == {}
    assert encoded(NONE, {"age": 70}) == {"X^age": 1.0}


@pytest.mark.parametrize(
    ("embedding", "attributes", "field", "words"),
    [
        ([0.0], {}, "embedding", "expected 2 numbers, got 1"),
        ([0.0, 0.0, 0.0], {}, "embedding", "expected 2 numbers, got 3"),
        ([0.0, float("nan")], {}, "embedding", "finite"),
        ([float("inf"), 0.0], {}, "embedding", "finite"),
        ([0.0, -3e38], {}, "embedding", "finite numbers from -1e\\+06 to 1e\\+06"),
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
    with pytest.raises(InvalidInput, match="finite numbers"), np.errstate(over="ignore"):
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
