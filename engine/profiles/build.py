"""Builds a profile folder, and adds to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl

from engine.core.errors import FailedPrecondition, InvalidInput
from engine.core.keyed_hash import Domain, KeyedHash
from engine.profiles import events as events_file
from engine.profiles import products as products_file
from engine.profiles.bots import BotThresholds, find_bots
from engine.profiles.cleaning import merged
from engine.profiles.cleaning_report import CleaningReport
from engine.profiles.columns import EventColumns, ProductColumns
from engine.profiles.event_fields import SCHEMA
from engine.profiles.event_reader import EventReader
from engine.profiles.making import Made, make
from engine.profiles.manifest import ProfileManifest
from engine.profiles.model_files import CONTENT, FACTORS, ITEMS, read_models, write_content, write_factors
from engine.profiles.products import Products, no_products
from engine.profiles.profile_folder import ProfileFolder, publish
from engine.profiles.profile_store import KEYS, VECTORS, user_keys
from engine.profiles.settings import ProfileSettings
from engine.profiles.table_file import TableFile
from engine.store.folder_lock import folder_lock

ITEM_VECTORS = "item_vectors.npy"
USERS = "users.parquet"
_KEPT: dict[str, pl.DataType | type[pl.DataType]] = {**SCHEMA, "event_id": pl.String}


@dataclass(frozen=True, slots=True)
class BuildInput:
    """What a build reads.

    Attributes:
        events: Files of events; none for building anew from what the folder has.
        columns: Of those files.
        products: File of products; None keeps those that the folder has.
        product_columns: Of that file.
        encoding: Of CSV files.
        separator: Of CSV files.
        strict: The first unusable row is an error.
    """

    events: tuple[Path, ...] = ()
    columns: EventColumns = EventColumns()  # noqa: RUF009 - frozen
    products: Path | None = None
    product_columns: ProductColumns = ProductColumns()  # noqa: RUF009 - frozen
    encoding: str = "utf-8"
    separator: str = ","
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Who hears how far a build is.

    Attributes:
        stage: Called with what is begun.
        advance: Called with rows read.
    """

    stage: Callable[[str], None] = lambda _: None
    advance: Callable[[int], None] = lambda _: None


class ProfileBuild:
    """Builds a folder; built again with more files, it adds what is new.

    The folder keeps the cleaned events. So a second build makes all recency weights anew, as of the latest event;
    marks bots by all that is known of them; and folds shoppers and new items into the models that were fitted, unless
    it is asked to refit. A build of everything at once and one in parts have the same events.
    """

    def __init__(
        self,
        folder: Path,
        *,
        key: KeyedHash | None = None,
        settings: ProfileSettings | None = None,
        thresholds: BotThresholds | None = None,
        now: datetime | None = None,
        threads: int = 1,
        progress: Progress | None = None,
    ) -> None:
        """Do nothing yet.

        Args:
            folder: To make or to add to.
            key: The server's, for pseudonyms; None keeps shoppers' ids as they come.
            settings: How; by default those that the folder was built with, or ours.
            thresholds: Of bots.
            now: This machine's time by default; later events are impossible.
            threads: Of ALS.
            progress: Hears how far it is.
        """
        self._folder = folder
        self._key = key
        self._settings = settings
        self._thresholds = thresholds
        self._now = now or datetime.now(UTC)
        self._threads = threads
        self._progress = progress or Progress()

    def run(
        self, given: BuildInput, *, as_of: datetime | None = None, refit: bool = False
    ) -> tuple[ProfileFolder, CleaningReport]:
        """Build.

        Args:
            given: What to read.
            as_of: Later events are left out; by default the latest event's time.
            refit: Fit the models anew, rather than fold in.

        Returns:
            The folder, and what became of every row.

        Raises:
            InvalidInput: If a file is unusable.
            FailedPrecondition: If the folder was built with other settings, or under another key.
            CorruptState: If it is damaged.
            OSError: If the disk is full or failing.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with folder_lock(self._folder):
            before = ProfileFolder.find(self._folder)
            if before is not None:
                self._check_fits(before, refit=refit)
                before.verify()
            settings = self._settings or (
                ProfileSettings.from_json(before.manifest.settings) if before else ProfileSettings()
            )
            report = CleaningReport()
            events, sources = self._events(before, given, as_of, report)
            products, digest = self._products(before, given, report)
            present = as_of or latest(events)
            clean = events.filter(~pl.col("bot")).select(list(SCHEMA))
            report.unknown_items = _unknown(clean, products)
            models = None if before is None or refit else read_models(before)
            if models is not None and models.content is None and len(products):
                report.notes.append("products came after the models were fitted; add --refit for content")
            made = make(clean, products, settings, present, models, threads=self._threads, tell=self._progress.stage)
            fitted = before.manifest.fitted if before and models else _fitted(self._now, clean.height)
            manifest = ProfileManifest(
                (before.manifest.generation if before else 0) + 1,
                self._now.isoformat(),
                present.isoformat(),
                settings.dimension,
                settings.to_json(),
                self._fingerprint,
                sources,
                digest,
                fitted,
                _counts(made, events),
                report.to_json(),
            )
            self._progress.stage("writing")
            return publish(self._folder, manifest, generation_files(events, products, made)), report

    @property
    def _fingerprint(self) -> str:
        return self._key.digest(Domain.FINGERPRINT, "server key").hex() if self._key else ""

    def _check_fits(self, before: ProfileFolder, *, refit: bool) -> None:
        if before.manifest.key_fingerprint != self._fingerprint:
            was, now = ("with", "without") if before.manifest.key_fingerprint else ("without", "with")
            how = "under another server key" if self._key and was == "with" else f"{was} a server key, and now {now}"
            raise FailedPrecondition(
                f"{self._folder}: these profiles were built {how}; give the same --data or --config, or another folder"
            )
        if self._settings and not refit and self._settings.to_json() != dict(before.manifest.settings):
            raise FailedPrecondition(
                f"{self._folder}: these profiles were built with other settings; add --refit to build with the new ones"
            )

    def _events(
        self, before: ProfileFolder | None, given: BuildInput, as_of: datetime | None, report: CleaningReport
    ) -> tuple[pl.DataFrame, dict[str, str]]:
        """All events with the column `bot`, and which files they come from."""
        sources = dict(before.manifest.sources) if before else {}
        kept = pl.read_parquet(before.path(events_file.FILE)) if before else pl.DataFrame(schema=_KEPT)
        fresh_paths = []
        for path in given.events:
            # Digests of what was read before do not hold for other columns; but events then are duplicates anyway.
            digest = TableFile(path, separator=given.separator, encoding=given.encoding).digest()
            if digest in sources:
                report.unchanged_files += 1
                continue
            sources[digest] = path.name
            fresh_paths.append(path)
        reader = EventReader(
            given.columns,
            self._now,
            report,
            key=self._key,
            strict=given.strict,
            encoding=given.encoding,
            separator=given.separator,
        )
        self._progress.stage("reading")
        fresh = reader.read(fresh_paths, self._progress.advance)
        if as_of is not None:
            later = fresh.filter(pl.col("at") > as_of).height
            report.after_as_of += later
            fresh = fresh.filter(pl.col("at") <= as_of)
            if kept.height and latest(kept) > as_of:
                raise InvalidInput(
                    f"the folder has events until {latest(kept).isoformat()}; give that or later", field="--as-of"
                )
            if later:
                # They are to be found when the same file is read again later.
                sources = dict(before.manifest.sources) if before else {}
        self._progress.stage("cleaning")
        events = merged(kept.select(list(_KEPT)), fresh, report)
        if events.is_empty():
            raise InvalidInput("no usable event; look at the files and the mapping flags", field="EVENTS")
        return self._marked(events, report), sources

    def _marked(self, events: pl.DataFrame, report: CleaningReport) -> pl.DataFrame:
        self._progress.stage("looking for bots")
        bots = find_bots(events, self._thresholds)
        report.bots.update(bots["reason"].to_list())
        marked = events.with_columns(pl.col("user").is_in(bots["user"].unique().to_list()).alias("bot"))
        report.bot_users = bots["user"].n_unique()
        report.bot_events = int(marked["bot"].sum())
        return marked

    def _products(
        self, before: ProfileFolder | None, given: BuildInput, report: CleaningReport
    ) -> tuple[Products, str]:
        if given.products is None:
            if before is None:
                report.notes.append("no --products: profiles have no content")
                return no_products(), ""
            return Products(pl.read_parquet(before.path(products_file.FILE))), before.manifest.products
        self._progress.stage("reading products")
        products, left_out = Products.read(
            given.products, given.product_columns, encoding=given.encoding, separator=given.separator
        )
        if left_out:
            report.notes.append(f"{left_out:,} rows of products left out: without an id, or named again further down")
        return products, TableFile(given.products, encoding=given.encoding, separator=given.separator).digest()


def generation_files(events: pl.DataFrame, products: Products, made: Made) -> dict[str, Callable[[Path], object]]:
    """Name → what writes it; shoppers in the order of their keys."""
    keys = user_keys(made.users)
    order = np.argsort(keys, kind="stable")
    users = pl.DataFrame({"user": [made.users[row] for row in order]}, schema={"user": pl.String})
    items = pl.DataFrame({"id": made.items, "shoppers": made.shoppers}, schema={"id": pl.String, "shoppers": pl.Int64})
    return {
        events_file.FILE: events.write_parquet,
        products_file.FILE: products.frame().write_parquet,
        KEYS: lambda path: np.save(path, keys[order]),
        VECTORS: lambda path: np.save(path, made.vectors[order]),
        USERS: users.write_parquet,
        ITEMS: items.write_parquet,
        ITEM_VECTORS: lambda path: np.save(path, made.item_vectors),
        CONTENT: lambda path: write_content(made.models, path),
        FACTORS: lambda path: write_factors(made.models, path),
    }


def latest(events: pl.DataFrame) -> datetime:
    """The time of the last event; there is one."""
    return cast(datetime, events["at"].max())


def _unknown(events: pl.DataFrame, products: Products) -> int:
    """Events of items without a row among the products; 0 where there are no products at all."""
    if not len(products):
        return 0
    known = products.frame().select(pl.col("id").alias("item"))
    return events.filter(pl.col("item").is_not_null()).join(known, on="item", how="anti").height


def _fitted(now: datetime, events: int) -> dict[str, Any]:
    libraries = {name: version(name) for name in ("implicit", "polars", "scikit-learn", "scipy", "numpy")}
    return {"at": now.isoformat(), "events": events, "libraries": libraries}


def _counts(made: Made, events: pl.DataFrame) -> dict[str, int]:
    factors = made.vectors.shape[1] - made.models.content.dimension if made.models.content else made.vectors.shape[1]
    return {
        "users": len(made.users),
        "items": len(made.items),
        "events": events.height,
        "without_factors": int((~made.vectors[:, :factors].any(axis=1)).sum()),
        "without_content": int((~made.vectors[:, factors:].any(axis=1)).sum()),
    }
