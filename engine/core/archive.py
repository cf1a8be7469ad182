"""Arrays out of an npz archive, without copying them."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from math import prod

import numpy as np

_LOCAL_NAMES = struct.Struct("<26x2H")
_NPY = struct.Struct("<6s2BH")
_HEADER = re.compile(
    rb"\{'descr': '(<f4|<f8|\|u1)', 'fortran_order': False, 'shape': \((?:\d+,|(?:\d+(?:, \d+)+)|)\), \} *\n\Z"
)
_SIZES = re.compile(rb"\d+")


def read_arrays(data: bytes) -> dict[str, np.ndarray]:
    """Read what `np.savez` wrote.

    Servers do this at every swap, while requests wait for the interpreter. `np.load` evaluates each array's header as
    Python and copies the array. Of archives as we write them, uncompressed and of plain numbers, a pattern tells as
    much in a third of the time. Anything else is left to `np.load`.

    Args:
        data: The archive.

    Returns:
        Name → array, read-only where it lies in `data`.

    Raises:
        Exception: Of a dozen kinds, if the archive is damaged.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
    found = {}
    for entry in entries:
        array = _array(data, entry)
        if array is None:
            with np.load(io.BytesIO(data), allow_pickle=False) as slow:
                return {name: slow[name] for name in slow.files}
        found[entry.filename.removesuffix(".npy")] = array
    return found


def _array(data: bytes, entry: zipfile.ZipInfo) -> np.ndarray | None:
    """One array over the archive's own bytes; None where it is of no kind known here."""
    if entry.compress_type != zipfile.ZIP_STORED or not entry.filename.endswith(".npy"):
        return None
    name, extra = _LOCAL_NAMES.unpack_from(data, entry.header_offset)
    start = entry.header_offset + _LOCAL_NAMES.size + name + extra
    member = memoryview(data)[start : start + entry.file_size]
    if len(member) != entry.file_size or zlib.crc32(member) != entry.CRC:
        raise zipfile.BadZipFile(f"array {entry.filename[:64]!r} is damaged")
    if len(member) < _NPY.size:
        return None
    magic, major, minor, length = _NPY.unpack_from(member)
    header = _HEADER.match(member[_NPY.size : _NPY.size + length].tobytes())
    if (magic, major, minor) != (b"\x93NUMPY", 1, 0) or header is None:
        return None
    shape = tuple(map(int, _SIZES.findall(header.string, header.string.index(b"(", header.end(1)))))
    dtype, body = np.dtype(header[1].decode()), member[_NPY.size + length :]
    if len(body) != prod(shape) * dtype.itemsize:
        raise ValueError(f"array {entry.filename[:64]!r}: expected {prod(shape)} numbers")
    return np.frombuffer(body, dtype).reshape(shape)
