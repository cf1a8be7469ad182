from __future__ import annotations

import io

import numpy as np
import pytest

from engine.core.compiled import CompiledModel
from engine.core.errors import CorruptState, InvalidInput, UnsupportedVersion
from engine.core.feature import Feature

f32 = np.float32


def small_model() -> CompiledModel:
    """Two user columns, two variants, one channel, one slot; every kind of table."""
    return CompiledModel(
        columns=("U^u0", "X^age"),
        features={"V": ("V^a", "V^b"), "C": ("C^mail",), "S": ("S^am",)},
        constant=0.5,
        user=np.array([1, 2], dtype=f32),
        linear={"V": np.array([10, 20], dtype=f32), "C": np.array([3], dtype=f32), "S": np.array([0], dtype=f32)},
        rows={"V": np.array([[1, 0], [0, 1]], dtype=f32)},
        products={"VC": np.array([[7], [9]], dtype=f32)},
        product_rows={"CS": np.array([[[100, 0]]], dtype=f32)},
    )


A, B = Feature("V", "a", 1.0), Feature("V", "b", 2.0)
MAIL, MORNING, UNSEEN = Feature("C", "mail", 1.0), Feature("S", "am", 0.5), Feature("V", "new", 5.0)


@pytest.mark.parametrize(
    ("arm", "expected"),
    [
        # x = (2, 3): constant 0.5 + user 2·1 + 3·2 = 8.5 for every arm
        ((A,), 8.5 + 10 + 2),
        ((B,), 8.5 + 2 * 20 + 2 * 3),
        ((A, MAIL), 8.5 + 10 + 2 + 3 + 7),
        ((A, B, MAIL), 8.5 + 10 + 2 + 40 + 6 + 3 + 7 + 2 * 9),
        ((MAIL, MORNING), 8.5 + 3 + 0.5 * 100 * 2),
        ((UNSEEN,), 8.5),
        ((UNSEEN, MAIL), 8.5 + 3),
        ((), 8.5),
    ],
)
def test_scores_by_hand(arm, expected):
    matrix = small_model().matrix([arm])
    assert matrix.costs(np.array([[2, 3]], dtype=f32))[0, 0] == pytest.approx(expected)
    terms = matrix.contributions(np.array([2, 3], dtype=f32), 0)
    assert sum(value for _, value in terms) == pytest.approx(expected)


def test_contributions_name_what_they_stand_for_the_largest_first():
    terms = small_model().matrix([(A, MAIL, MORNING)]).contributions(np.array([2, 3], dtype=f32), 0)
    assert terms == [
        ("U*C^mail*S^am", 100.0),
        ("V^a", 10.0),
        ("V^a*C^mail", 7.0),
        ("X^age", 6.0),
        ("C^mail", 3.0),
        ("U", 2.0),
        ("U*V^a", 2.0),
        ("constant", 0.5),
    ]


def random_model(rng: np.random.Generator, d: int) -> tuple[CompiledModel, list[tuple[Feature, ...]]]:
    sizes = {"V": 5, "C": 3, "E": 4}
    draw = lambda *shape: rng.normal(size=shape).astype(f32)  # noqa: E731
    model = CompiledModel(
        tuple(f"U^u{i}" for i in range(d)),
        {n: tuple(f"{n}^{i}x" for i in range(m)) for n, m in sizes.items()},
        float(draw()[()]),
        draw(d),
        {n: draw(m) for n, m in sizes.items()},
        {n: draw(m, d) for n, m in sizes.items()},
        {"VC": draw(5, 3), "VCE": draw(5, 3, 4)},
        {"CE": draw(3, 4, d)},
    )
    arms = [
        tuple(
            Feature(n, f"{i}x", float(f32(rng.normal())))
            for n, m in sizes.items()
            for i in rng.choice(m, size=int(rng.integers(0, m + 1)), replace=False)
        )
        for _ in range(int(rng.integers(1, 40)))
    ]
    return model, arms


@pytest.mark.parametrize("d", [1, 2, 7, 8, 33, 64, 100, 391])
def test_a_row_has_the_same_bits_alone_and_in_any_batch(d):
    rng = np.random.default_rng(d)
    model, arms = random_model(rng, d)
    matrix = model.matrix(arms)
    rows = rng.normal(size=(130, d)).astype(f32)
    together = matrix.costs(rows)
    for n in (1, 2, 3, 5, 16, 63, 128):
        for start in (0, 1, 2):
            assert np.array_equal(matrix.costs(rows[start : start + n]), together[start : start + n])
    assert np.array_equal(matrix.costs(rows[::3]), together[::3]), "a strided view"
    assert np.array_equal(matrix.costs(np.asfortranarray(rows)), together), "another memory order"


def test_an_arm_has_the_same_bits_in_any_catalogue():
    rng = np.random.default_rng(4)
    model, arms = random_model(rng, 9)
    x = rng.normal(size=(3, 9)).astype(f32)
    whole = model.matrix(arms).costs(x)
    for i, arm in enumerate(arms):
        assert np.array_equal(model.matrix([arm]).costs(x)[:, 0], whole[:, i])
    assert model.matrix([]).costs(x).shape == (3, 0)


def test_contributions_sum_to_scores():
    rng = np.random.default_rng(8)
    model, arms = random_model(rng, 12)
    matrix = model.matrix(arms)
    row = rng.normal(size=12).astype(f32)
    costs = matrix.costs(row[None])[0]
    for i in range(len(arms)):
        total = sum(value for _, value in matrix.contributions(row, i))
        assert total == pytest.approx(costs[i], abs=1e-4)


def test_wrong_width_names_what_was_expected():
    with pytest.raises(InvalidInput, match=r"\(n, 2\), got \(1, 3\)"):
        small_model().matrix([(A,)]).costs(np.zeros((1, 3), dtype=f32))


def test_bytes_round_trip_and_are_a_function_of_the_model():
    data = small_model().to_bytes()
    again = CompiledModel.from_bytes(data)
    assert again.to_bytes() == data == small_model().to_bytes()
    x = np.array([[2, 3]], dtype=f32)
    arms = [(A, MAIL, MORNING), (B,)]
    assert np.array_equal(again.matrix(arms).costs(x), small_model().matrix(arms).costs(x))


@pytest.mark.parametrize("size", [0, 1, 50, 500, -1, -30])
def test_cut_short(size):
    with pytest.raises(CorruptState):
        CompiledModel.from_bytes(small_model().to_bytes()[:size])


def test_damage_is_found_at_every_place_it_would_change_a_number():
    data = small_model().to_bytes()
    before = small_model()
    for i in range(0, len(data), 3):
        damaged = bytearray(data)
        damaged[i] ^= 0x55
        try:
            after = CompiledModel.from_bytes(bytes(damaged))
        except CorruptState:
            continue
        assert after.constant == before.constant
        assert np.array_equal(after.user, before.user)
        assert np.array_equal(after.rows["V"], before.rows["V"])


def altered(**changes: np.ndarray) -> bytes:
    with np.load(io.BytesIO(small_model().to_bytes())) as archive:
        arrays = {name: archive[name] for name in archive.files}
    buffer = io.BytesIO()
    np.savez(buffer, **(arrays | changes))
    return buffer.getvalue()


def about(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"user": np.zeros(3, dtype=f32)}, CorruptState),
        ({"user": np.zeros(2)}, CorruptState),
        ({"user": np.array([np.nan, 0], dtype=f32)}, CorruptState),
        ({"linear.V": np.zeros(3, dtype=f32)}, CorruptState),
        ({"strange.V": np.zeros(3, dtype=f32)}, CorruptState),
        ({"nodot": np.zeros(3, dtype=f32)}, CorruptState),
        ({"user": np.array([object()])}, CorruptState),
        ({"about": about("{}")}, CorruptState),
        ({"about": about("[]")}, CorruptState),
        ({"about": about('{"schema": "other", "version": 1}')}, CorruptState),
        ({"about": about('{"schema": "armsreach.compiled", "version": 2}')}, UnsupportedVersion),
    ],
)
def test_archives_that_are_not_ours(changes, error):
    with pytest.raises(CorruptState) as caught:
        CompiledModel.from_bytes(altered(**changes))
    assert type(caught.value) is error
