"""Takes shoppers out of a profile folder."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from engine.profiles import events as events_file
from engine.profiles.build import USERS
from engine.profiles.profile_folder import ProfileFolder, publish, remove_others
from engine.profiles.profile_store import KEYS, VECTORS, user_keys
from engine.store.folder_lock import folder_lock


class ErasableProfiles:
    """A profile folder as one of the places that `Forgetting` clears. See `engine.service.erasable.Erasable`.

    Events and vectors of the shoppers are gone with the generation that held them, and whatever a killed build left
    behind goes, too. What was learned from everybody
    together stays until the next `--refit`: content and factors of items, and, until the next build, their counts.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def erase(self, users: Collection[str]) -> int:
        """Write the folder anew without these shoppers; how many entries there were: events and vectors.

        Raises:
            CorruptState: If the folder is damaged.
            OSError: If the disk is full or failing; the folder stays as it was.
        """
        if not self._folder.is_dir():
            return 0
        with folder_lock(self._folder):
            before = ProfileFolder.find(self._folder)
            entries = 0 if before is None else self._erase(before, users)
            remove_others(self._folder, ProfileFolder.find(self._folder))
            return entries

    def _erase(self, before: ProfileFolder, users: Collection[str]) -> int:
        gone = list(users)
        events = pl.read_parquet(before.path(events_file.FILE))
        left = events.filter(~pl.col("user").is_in(gone))
        keys = np.load(before.path(KEYS))
        stays = ~np.isin(keys, user_keys(gone))
        entries = events.height - left.height + int((~stays).sum())
        if not entries:
            return 0
        before.verify()  # what is copied gets a digest of its own, which must not vouch for damage
        known = pl.read_parquet(before.path(USERS)).filter(pl.Series(stays))
        vectors = np.load(before.path(VECTORS))
        fresh: dict[str, Callable[[Path], object]] = {
            events_file.FILE: left.write_parquet,
            KEYS: lambda path: np.save(path, keys[stays]),
            VECTORS: lambda path: np.save(path, vectors[stays]),
            USERS: known.write_parquet,
        }
        others = {name: _copy_of(before.path(name)) for name in before.manifest.files if name not in fresh}
        counts = {**before.manifest.counts, "users": int(stays.sum()), "events": left.height}
        manifest = replace(before.manifest, generation=before.manifest.generation + 1, counts=counts)
        publish(self._folder, manifest, {**others, **fresh})
        return entries


def _copy_of(source: Path) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(source.read_bytes())
