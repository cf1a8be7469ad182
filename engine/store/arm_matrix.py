"""The arm matrix of a snapshot and a catalogue as a file that all workers of a host map into memory.

::

    u8 × 8 "ARMSARMS" | u32 version | u32 arms k | u32 columns d | 12 zero bytes | 32 bytes SHA-256 | body
    body    k × float64 biases, k × d × float32 rows; little-endian

The checksum covers the names of compiled model and catalogue, the sizes and the body. The file is derived: whoever
finds none, or one that is off, derives the matrix from `compiled.npz` and puts it there.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np

_HEAD = struct.Struct("<8sIII12x")
_MAGIC = b"ARMSARMS"
_VERSION = 1
_BODY = _HEAD.size + hashlib.sha256().digest_size


class ArmMatrix:
    """One such file, beside the snapshot that it was derived from.

    Args:
        folder: The snapshot's folder.
        compiled: Checksum of `compiled.npz`, as the manifest has it.
        catalogue: Digest of the catalogue.
    """

    def __init__(self, folder: Path, compiled: str, catalogue: str) -> None:
        self._name = f"{compiled}\0{catalogue}".encode()
        self.path = folder / f"arms-{catalogue}.matrix"

    def to_bytes(self, rows: np.ndarray, biases: np.ndarray) -> bytes:
        """The file's content.

        Args:
            rows: Shape (k, d), float32.
            biases: Shape (k,), float64.
        """
        body = biases.astype("<f8").tobytes() + np.ascontiguousarray(rows, dtype="<f4").tobytes()
        head = _HEAD.pack(_MAGIC, _VERSION, *rows.shape)
        return b"".join((head, self._digest(head, body), body))

    def read(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Rows and biases over mapped, read-only pages; None where there is no such file, or it is not whole.

        Workers that read the same file share its pages. It must only ever be replaced as a whole, as `write` does:
        a process that maps a file would see its bytes change, and ends where they are cut away. Hence mode 0444.
        """
        try:
            with open(self.path, "rb") as file:
                pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            magic, version, k, d = _HEAD.unpack_from(pages)
        except (OSError, ValueError, struct.error):  # a file of no bytes cannot be mapped
            return None
        view = memoryview(pages)
        if (magic, version) != (_MAGIC, _VERSION) or len(view) != _BODY + 8 * k + 4 * k * d:
            return None
        if self._digest(view[: _HEAD.size], view[_BODY:]) != view[_HEAD.size : _BODY]:
            return None
        biases = np.frombuffer(view, "<f8", k, _BODY)
        rows = np.frombuffer(view, "<f4", k * d, _BODY + 8 * k).reshape(k, d)
        return rows, biases

    def write(self, rows: np.ndarray, biases: np.ndarray) -> None:
        """Put the file there in one step, if the disk lets us: the matrix can be derived again at any time."""
        data = self.to_bytes(rows, biases)
        with suppress(OSError):
            handle, name = tempfile.mkstemp(prefix=".arms-", dir=self.path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                    os.fchmod(file.fileno(), 0o444)
                os.replace(name, self.path)
            except OSError:
                os.unlink(name)
                raise

    def _digest(self, head: bytes | memoryview, body: bytes | memoryview) -> bytes:
        digest = hashlib.sha256(self._name)
        digest.update(head)
        digest.update(body)
        return digest.digest()
