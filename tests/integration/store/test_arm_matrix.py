"""The arm matrix beside a snapshot: the same bits as derived, mapped, and never believed when it is off."""

from __future__ import annotations

import numpy as np
import pytest

from engine.store import ArmMatrix

ROWS = np.arange(12, dtype=np.float32).reshape(4, 3) / 7
BIASES = np.array([0.1, -2.0, 1e-300, 5.0])


@pytest.fixture
def matrix(tmp_path):
    return ArmMatrix(tmp_path, "c0ffee", "d16e57")


def test_what_is_written_is_read_bit_for_bit(matrix):
    matrix.write(ROWS, BIASES)
    rows, biases = matrix.read()
    assert rows.tobytes() == ROWS.tobytes()
    assert biases.tobytes() == BIASES.tobytes()
    assert [path.name for path in matrix.path.parent.iterdir()] == [matrix.path.name]


def test_pages_are_mapped_and_read_only(matrix):
    matrix.write(ROWS, BIASES)
    rows, _ = matrix.read()
    with open("/proc/self/maps") as maps:
        assert matrix.path.name in maps.read()
    with pytest.raises(ValueError, match="read-only"):
        rows[0, 0] = 1.0


def test_nothing_is_read_where_nothing_is(matrix):
    assert matrix.read() is None
    matrix.path.write_bytes(b"")
    assert matrix.read() is None


def test_every_flipped_byte_and_every_cut_is_noticed(matrix):
    matrix.write(ROWS, BIASES)
    whole = matrix.path.read_bytes()
    for at in range(len(whole)):
        matrix.path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert matrix.read() is None, at
        matrix.path.write_bytes(whole[:at])
        assert matrix.read() is None, at


def test_another_models_or_catalogues_file_is_not_taken(matrix, tmp_path):
    matrix.write(ROWS, BIASES)
    assert ArmMatrix(tmp_path, "another", "d16e57").read() is None
    matrix.path.rename(tmp_path / "arms-0ther.matrix")
    assert ArmMatrix(tmp_path, "c0ffee", "0ther").read() is None


def test_a_folder_that_is_not_there_is_no_trouble(tmp_path):
    ArmMatrix(tmp_path / "gone", "c0ffee", "d16e57").write(ROWS, BIASES)
    assert not (tmp_path / "gone").exists()
