"""A published model, read back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import CorruptState
from engine.store.manifest import Manifest

MODEL = "model.vw"
COMPILED = "compiled.npz"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What servers need of a version at once; the learner's model is read when asked for.

    Attributes:
        manifest: Checked against its own checksum.
        compiled: Bytes of `compiled.npz`, checked.
        folder: Where the version lies.
    """

    manifest: Manifest
    compiled: bytes
    folder: Path

    @property
    def version(self) -> str:
        """The snapshot's name."""
        return self.manifest.version

    @property
    def model(self) -> bytes:
        """Bytes of `model.vw`, read and checked at each call.

        Raises:
            CorruptState: If the file is missing or its checksum is off.
        """
        return checked_file(self.folder, MODEL, self.manifest)


def checked_file(folder: Path, name: str, manifest: Manifest) -> bytes:
    """A snapshot's file.

    Raises:
        CorruptState: If it is missing or its checksum is off.
    """
    path = folder / name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CorruptState(f"{path}: expected this file, found none; restore the snapshot or roll back") from None
    found, expected = hashlib.sha256(data).hexdigest(), manifest.checksums.get(name, "")
    if found != expected:
        raise CorruptState(
            f"{path}: expected SHA-256 {expected[:16] or '(none)'}…, got {found[:16]}…;"
            " restore the snapshot or roll back"
        )
    return data
