"""The published models of one campaign, in a folder."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.core.errors import CorruptState, FailedPrecondition, InvalidInput, NotFound, Unavailable, UnsupportedVersion
from engine.store.current_pointer import CurrentPointer, Kind
from engine.store.durable_files import replace_durably, sync_folder, write_durably
from engine.store.folder_lock import folder_lock
from engine.store.lease import Lease
from engine.store.manifest import Manifest
from engine.store.snapshot import COMPILED, MANIFEST, MODEL, Snapshot, checked_file

__all__ = ["Snapshot", "SnapshotStore"]

CURRENT = "current"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}\Z")
_TEMPORARY = ".new-"


class SnapshotStore:
    """Publishes and reads snapshots: `FOLDER/CAMPAIGN/VERSION/{model.vw,compiled.npz,manifest.json}` and `current`.

    A version is whole from the moment its folder has its name, and never changes. One process at a time changes the
    campaign's folder; readers never wait.
    """

    def __init__(self, folder: Path, campaign: str) -> None:
        """Look after a campaign's folder; it is made with the first publishing.

        Raises:
            InvalidInput: If the campaign's id cannot be a folder's name.
        """
        self._campaign = campaign
        self._path = folder / _checked_name(campaign, "campaign")

    def publish(
        self,
        manifest: Manifest,
        model: bytes,
        compiled: bytes,
        lease: Lease | None = None,
        derived: Mapping[str, bytes] | None = None,
    ) -> str:
        """Write a version and make it the champion, if its parent still is.

        Args:
            manifest: Its `parent` is the version that was current when training began (empty for none). Publishing
                fills in `checksums`, `epoch` from the lease, and `version` unless it has one.
            model: The learner's model.
            compiled: What servers score with.
            lease: The right to publish; without one the manifest's epoch counts.
            derived: Further files by name, with checksums of their own, that can be made again from these.

        Returns:
            The version.

        Raises:
            FailedPrecondition: If the epoch is stale, the parent is no longer current, or the version exists.
            InvalidInput: If the manifest is of another campaign or holds what is no JSON.
            Unavailable: If the disk is full or failing; nothing changed.
        """
        self._check_campaign(manifest)
        with self._changing():
            current = self.current()
            epoch = manifest.epoch if lease is None else lease.epoch
            _check_fence(current, epoch, manifest.parent)
            filled = self._filled(manifest, epoch, model, compiled)
            self._write(filled, {**(derived or {}), MODEL: model, COMPILED: compiled, MANIFEST: filled.dumps()})
            self._point(filled.version, epoch, "publish", current, "")
        return filled.version

    def add(self, manifest: Manifest, model: bytes, compiled: bytes, derived: Mapping[str, bytes] | None = None) -> str:
        """Write a version beside the champion, for somebody to look at, and to promote or not.

        Args:
            manifest: As for `publish`; its `parent` may be any version, and its epoch becomes the champion's.
            model: The learner's model.
            compiled: What servers score with.
            derived: As for `publish`.

        Returns:
            The version.

        Raises:
            FailedPrecondition: If the version exists.
            InvalidInput: If the manifest is of another campaign or holds what is no JSON.
            Unavailable: If the disk is full or failing; nothing changed.
        """
        self._check_campaign(manifest)
        with self._changing():
            current = self.current()
            filled = self._filled(manifest, manifest.epoch if current is None else current.fence, model, compiled)
            self._write(filled, {**(derived or {}), MODEL: model, COMPILED: compiled, MANIFEST: filled.dumps()})
        return filled.version

    def current(self) -> CurrentPointer | None:
        """The champion; None before the first publishing. One small file, cheap to poll.

        Raises:
            CorruptState: If the file is damaged.
            UnsupportedVersion: If a newer armsreach wrote it.
        """
        path = self._path / CURRENT
        try:
            return CurrentPointer.loads(path.read_bytes(), path)
        except FileNotFoundError:
            return None

    def load(self, version: str) -> Snapshot:
        """Read a version.

        Raises:
            NotFound: If there is none of this name.
            CorruptState: If a file is missing or damaged.
            UnsupportedVersion: If a newer armsreach wrote it.
        """
        folder = self._path / _checked_name(version, "version")
        if not folder.is_dir():
            raise NotFound(f"{self._path}: no snapshot {version}")
        manifest = self._manifest(folder)
        return Snapshot(manifest, checked_file(folder, COMPILED, manifest), folder)

    def versions(self) -> list[str]:
        """All versions, in order of their names, which is the order of publishing."""
        if not self._path.is_dir():
            return []
        return sorted(entry.name for entry in os.scandir(self._path) if entry.is_dir() and _NAME.match(entry.name))

    def roll_back(self, to_version: str, by: str = "") -> CurrentPointer:
        """Make an earlier version the champion again, on somebody's word; servers then accept its older epoch.

        Raises:
            NotFound: If there is no such version.
            CorruptState: If it is damaged; the pointer stays.
        """
        return self._choose(to_version, "rollback", by)

    def promote(self, version: str, by: str = "") -> CurrentPointer:
        """Make any whole version the champion, on somebody's word.

        Raises:
            NotFound: If there is no such version.
            CorruptState: If it is damaged; the pointer stays.
        """
        return self._choose(version, "promote", by)

    def prune(self, keep: int) -> list[str]:
        """Remove old versions, but for the newest `keep` and the champion.

        Returns:
            The versions removed.

        Raises:
            CorruptState: If the champion is not known.
        """
        if keep < 1:
            raise InvalidInput(f"expected at least 1 version to keep, got {keep}", field="keep")
        with self._changing():
            current = self.current()
            champion = None if current is None else current.version
            removed = [version for version in self.versions()[:-keep] if version != champion]
            for version in removed:
                doomed = self._path / f"{_TEMPORARY}{version}"
                os.rename(self._path / version, doomed)
                shutil.rmtree(doomed)
        return removed

    def _check_campaign(self, manifest: Manifest) -> None:
        if manifest.campaign != self._campaign:
            raise InvalidInput(f"expected {self._campaign}, got {manifest.campaign[:64]!r}", field="manifest.campaign")

    def _choose(self, version: str, kind: Kind, by: str) -> CurrentPointer:
        snapshot = self.load(version)
        checked_file(snapshot.folder, MODEL, snapshot.manifest)
        with self._changing():
            return self._point(version, snapshot.manifest.epoch, kind, self._current_or_healed(), by)

    def _current_or_healed(self) -> CurrentPointer | None:
        """The pointer; if it is damaged, one with the fence of all versions: choosing a version writes it anew."""
        try:
            return self.current()
        except UnsupportedVersion:
            raise
        except CorruptState:
            epochs = []
            for version in self.versions():
                with suppress(CorruptState):
                    epochs.append(self._manifest(self._path / version).epoch)
            return CurrentPointer("", 0, "publish", max(epochs, default=0), len(epochs))

    def _point(self, version: str, epoch: int, kind: Kind, current: CurrentPointer | None, by: str) -> CurrentPointer:
        fence = epoch if current is None else max(epoch, current.fence)
        sequence = 1 if current is None else current.sequence + 1
        pointer = CurrentPointer(version, epoch, kind, fence, sequence, by)
        replace_durably(self._path / CURRENT, pointer.dumps())
        return pointer

    def _filled(self, manifest: Manifest, epoch: int, model: bytes, compiled: bytes) -> Manifest:
        version = _checked_name(manifest.version, "manifest.version") if manifest.version else self._next_version()
        if (self._path / version).exists():
            raise FailedPrecondition(f"{self._path}: snapshot {version} exists; a version never changes")
        sums = {MODEL: hashlib.sha256(model).hexdigest(), COMPILED: hashlib.sha256(compiled).hexdigest()}
        filled = dataclasses.replace(manifest, version=version, epoch=epoch, checksums=sums)
        return dataclasses.replace(filled, checksums={**sums, MANIFEST: filled.digest()})

    def _next_version(self) -> str:
        numbers = [int(version) for version in self.versions() if version.isdigit()]
        return f"{max(numbers, default=0) + 1:08d}"

    def _write(self, manifest: Manifest, files: dict[str, bytes]) -> None:
        """Write the files aside, then give their folder its name: no reader sees a part of a version."""
        aside = self._path / f"{_TEMPORARY}{manifest.version}"
        shutil.rmtree(aside, ignore_errors=True)
        try:
            aside.mkdir()
            for name, data in files.items():
                write_durably(aside / name, data)
            sync_folder(aside)
            os.rename(aside, self._path / manifest.version)
            sync_folder(self._path)
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)
            raise

    def _manifest(self, folder: Path) -> Manifest:
        path = folder / MANIFEST
        try:
            data = path.read_bytes()
            manifest = Manifest.from_json(json.loads(data))
        except FileNotFoundError:
            raise CorruptState(f"{path}: expected this file, found none; restore the snapshot or roll back") from None
        except ValueError as error:
            raise CorruptState(f"{path}: expected JSON: {error}; restore the snapshot or roll back") from None
        except CorruptState as error:
            raise type(error)(f"{path}: {error}") from None
        if not manifest.is_whole(data) or manifest.version != folder.name or manifest.campaign != self._campaign:
            raise CorruptState(
                f"{path}: expected the manifest of {self._campaign} {folder.name} with its checksum, got another;"
                " restore the snapshot or roll back"
            )
        return manifest

    @contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            self._path.mkdir(parents=True, exist_ok=True)
            with folder_lock(self._path):
                yield
        except OSError as error:
            raise Unavailable(
                f"{self._path}: expected to change the snapshots, got: {error.strerror or error};"
                " free space or repair the disk, then try again"
            ) from error


def _check_fence(current: CurrentPointer | None, epoch: int, parent: str) -> None:
    if current is not None and epoch < current.fence:
        raise FailedPrecondition(
            f"expected an epoch of at least {current.fence}, got {epoch}: another learner took the lease over;"
            " stop this one"
        )
    champion = "" if current is None else current.version
    if parent != champion:
        raise FailedPrecondition(
            f"expected parent {champion or '(none)'}, the current snapshot, got {parent or '(none)'};"
            " load the current snapshot and train on from it"
        )


def _checked_name(name: str, field: str) -> str:
    if not _NAME.match(name):
        raise InvalidInput(f"expected up to 100 letters, digits, '_', '-' or '.', got {name[:64]!r}", field=field)
    return name
