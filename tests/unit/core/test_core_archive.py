"""Archives are read as numpy reads them, whatever is in them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import numpy as np
import pytest

from engine.core.archive import read_arrays
from engine.core.compiled import CompiledModel

ARRAYS = {
    "user": np.arange(5, dtype=np.float32),
    "rows.V": np.linspace(-1, 1, 24, dtype=np.float32).reshape(4, 6),
    "cube": np.arange(24, dtype=np.float64).reshape(2, 3, 4),
    "about": np.frombuffer(b"{'shape': (1, 2)}", dtype=np.uint8),
    "none": np.zeros((0, 3), dtype=np.float32),
    "one": np.array(2.5),
}


def saved(arrays: dict[str, np.ndarray], save: Callable[..., None] = np.savez) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def check_equal(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert np.array_equal(found[name], array)


def test_arrays_come_back_without_a_copy() -> None:
    data = saved(ARRAYS)
    found = read_arrays(data)
    check_equal(found, ARRAYS)
    assert not found["rows.V"].flags.writeable
    assert not found["rows.V"].flags.owndata


@pytest.mark.parametrize(
    "arrays",
    [
        {"user": np.arange(3), "linear": np.ones(2, dtype=np.float32)},
        {"turned": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))},
        {"big": np.arange(3, dtype=">f4")},
        {"text": np.array(["a", "bc"])},
    ],
)
def test_unusual_arrays_are_left_to_numpy(arrays: dict[str, np.ndarray]) -> None:
    check_equal(read_arrays(saved(arrays)), arrays)


def test_a_compressed_archive_is_left_to_numpy() -> None:
    check_equal(read_arrays(saved(ARRAYS, np.savez_compressed)), ARRAYS)


def test_any_changed_byte_of_an_array_is_found() -> None:
    data = bytearray(saved({"user": ARRAYS["user"]}))
    at = bytes(data).index(ARRAYS["user"].tobytes())
    for place in (at, at + 19, at - 40):
        damaged = bytearray(data)
        damaged[place] ^= 4
        with pytest.raises(zipfile.BadZipFile):
            read_arrays(bytes(damaged))


def test_a_cut_archive_is_no_archive() -> None:
    data = saved(ARRAYS)
    for size in (0, 10, len(data) // 2, len(data) - 1):
        with pytest.raises((zipfile.BadZipFile, ValueError, EOFError, OSError)):
            read_arrays(data[:size])


def test_a_header_that_promises_more_than_there_is_is_refused() -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(4, dtype=np.float32))
    lying = buffer.getvalue().replace(b"(4,)", b"(9,)")
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("user.npy", lying)
    with pytest.raises(ValueError, match="expected 9 numbers"):
        read_arrays(whole.getvalue())


def test_objects_are_never_unpickled() -> None:
    data = saved({"thing": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(ValueError, match="allow_pickle"):
        read_arrays(data)


def test_a_model_as_it_is_published_is_read_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers read it at every swap, while requests wait."""
    model = CompiledModel(
        columns=("U^0", "U^1"),
        features={"V": ("V^a", "V^b", "V^c")},
        constant=0.25,
        user=np.array([1.0, 2.0], dtype=np.float32),
        linear={"V": np.arange(3, dtype=np.float32)},
        rows={"V": np.arange(6, dtype=np.float32).reshape(3, 2)},
        products={},
        product_rows={},
    )

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(np, "load", never)
    read = CompiledModel.from_bytes(model.to_bytes())
    assert read.columns == model.columns
    assert np.array_equal(read.rows["V"], model.rows["V"])
    assert read.to_bytes() == model.to_bytes()
