"""A folder of profiles: generations of files, and a manifest that names the present one."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from engine.core.errors import CorruptState, NotFound
from engine.profiles.manifest import ProfileManifest
from engine.store.durable_files import replace_durably, sync_folder

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class ProfileFolder:
    """One generation, whole.

    Attributes:
        root: The folder.
        manifest: As read.
    """

    root: Path
    manifest: ProfileManifest

    @classmethod
    def open(cls, root: Path) -> ProfileFolder:
        """The present generation.

        Raises:
            NotFound: If there is no profile folder.
            UnsupportedVersion: If a newer armsreach wrote it.
            CorruptState: If it is damaged.
        """
        try:
            data = (root / MANIFEST).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"{root}: no profiles here; make them with `python -m engine profiles build`") from None
        return cls(root, ProfileManifest.loads(data, str(root / MANIFEST)))

    @classmethod
    def find(cls, root: Path) -> ProfileFolder | None:
        """The present generation; None where there is none yet."""
        return cls.open(root) if (root / MANIFEST).exists() else None

    def path(self, name: str) -> Path:
        """Where one of its files lies.

        Raises:
            CorruptState: If it is missing or has another size than was written.
        """
        path = self.root / _name(self.manifest.generation) / name
        stated = self.manifest.files.get(name)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            size = -1
        if stated is None or size != stated["bytes"]:
            raise CorruptState(f"{path}: expected the file that the manifest names; restore the folder, or build anew")
        return path

    def verify(self) -> None:
        """Compare all files with their digests.

        Raises:
            CorruptState: Naming the first that differs.
        """
        for name, stated in self.manifest.files.items():
            with self.path(name).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != stated["sha256"]:
                    raise CorruptState(f"{file.name}: its digest is off; restore the folder, or build anew")


def publish(root: Path, manifest: ProfileManifest, files: Mapping[str, Callable[[Path], object]]) -> ProfileFolder:
    """Write a generation beside the present one, then make it the present one in one step, then remove all others.

    The caller holds the folder's lock. A process that is killed leaves the old generation as it was.

    Args:
        root: The folder.
        manifest: Its generation is greater than the present one's; its `files` are filled in here.
        files: Name → what writes it to a path.

    Raises:
        OSError: If the disk is full or failing; the old generation stays.
    """
    name = _name(manifest.generation)
    part = root / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(root / name, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    stated = {}
    for file, write in files.items():
        write(part / file)
        with (part / file).open("rb") as written:
            digest = hashlib.file_digest(written, "sha256").hexdigest()
            os.fsync(written.fileno())
        stated[file] = {"bytes": (part / file).stat().st_size, "sha256": digest}
    sync_folder(part)
    os.rename(part, root / name)
    sync_folder(root)
    made = replace(manifest, files=stated)
    replace_durably(root / MANIFEST, made.dumps())
    for other in _others(root, name):
        shutil.rmtree(other, ignore_errors=True)
    return ProfileFolder(root, made)


def remove_others(root: Path, present: ProfileFolder | None) -> None:
    """Remove what is no part of the present generation, as a killed build leaves it; it may hold anybody's events.

    The caller holds the folder's lock.

    Raises:
        OSError: If something cannot be removed.
    """
    for other in _others(root, _name(present.manifest.generation) if present else ""):
        shutil.rmtree(other)


def _others(root: Path, name: str) -> list[Path]:
    return [path for path in (*root.glob("g[0-9]*"), *root.glob(".g[0-9]*.part")) if path.name != name]


def _name(generation: int) -> str:
    return f"g{generation:06d}"
