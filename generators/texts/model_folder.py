"""Trained text models in folders: a manifest beside the weights, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.core.errors import CorruptState, InvalidInput, UnsupportedVersion

SCHEMA = "armsreach.text-model.v1"
_FAMILY = "armsreach.text-model.v"
_MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class TextManifest:
    """What a trained model is.

    Attributes:
        kind: `head`, `ctr` or `fine_tuned`.
        encoder: Name of the encoder below, with `digest` of its files where it has any.
        labels: Names of the outputs.
        training: `digest` of the training data and `texts`, their number.
        metrics: What was measured on data held out, name → value.
        files: File → SHA-256; every file of the folder but this one.
    """

    kind: str
    encoder: Mapping[str, Any]
    labels: tuple[str, ...]
    training: Mapping[str, Any]
    metrics: Mapping[str, float] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def training_digest(rows: Iterable[object]) -> str:
    """Name training data by content: SHA-256 over the rows' representation, in order."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(row).encode() + b"\n")
    return digest.hexdigest()


def folder_digest(folder: Path) -> str:
    """Name an encoder by content: SHA-256 over its files' names and digests."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()} {_checksum(path)}\n".encode())
    return digest.hexdigest()


def write_model(folder: Path, manifest: TextManifest, write: Callable[[Path], None]) -> None:
    """Write a model: into a folder beside, synced, then renamed into place.

    Args:
        folder: Where; it may not exist yet, so that no reader ever sees half of one model and half of another.
        manifest: Of the model, without `files`.
        write: Puts the weights into the folder that it is given.

    Raises:
        InvalidInput: The folder exists.
    """
    if folder.exists():
        raise InvalidInput(f"expected a folder that does not exist yet, got {folder}; name another", field="folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        write(staged)
        paths = sorted(p for p in staged.rglob("*") if p.is_file())
        files = {path.relative_to(staged).as_posix(): _checksum(path) for path in paths}
        document = {"schema": SCHEMA, **asdict(manifest), "files": files}
        (staged / _MANIFEST).write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
        for path in (*paths, staged / _MANIFEST):
            _sync(path)
        staged.chmod(0o755)
        _sync(staged)
        staged.rename(folder)
        _sync(folder.parent)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def read_manifest(folder: Path, kind: str) -> TextManifest:
    """Read and check a model's manifest and the checksums of all its files.

    Raises:
        InvalidInput: There is no such model, or it is of another kind.
        UnsupportedVersion: A newer armsreach wrote it.
        CorruptState: A file is missing or changed.
    """
    path = folder / _MANIFEST
    if not path.is_file():
        raise InvalidInput(f"expected a text model with {_MANIFEST} at {folder}; train one", field="model")
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        schema = document.pop("schema")
    except (ValueError, KeyError, AttributeError) as error:
        raise CorruptState(f"{path}: expected a manifest; train the model again") from error
    if schema != SCHEMA:
        if str(schema).startswith(_FAMILY):
            raise UnsupportedVersion(f"{path}: {schema}, and this armsreach reads {SCHEMA}; upgrade armsreach here")
        raise InvalidInput(f"expected {SCHEMA}, got {schema!r}", field="schema")
    try:
        manifest = TextManifest(**{**document, "labels": tuple(document["labels"])})
    except (TypeError, KeyError) as error:
        raise CorruptState(f"{path}: expected a manifest of {SCHEMA}: {error}; train the model again") from error
    if manifest.kind != kind:
        raise InvalidInput(f"expected a model of kind {kind!r}, got {manifest.kind!r}", field="model")
    for name, checksum in manifest.files.items():
        if not (folder / name).is_file() or _checksum(folder / name) != checksum:
            raise CorruptState(f"{folder / name}: missing or changed since it was written; train the model again")
    return manifest


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
