"""`python -m generators needs`: what shoppers and segments need, and briefs from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from engine.core.errors import InvalidInput
from engine.progress import progress_bar
from generators.brief import CHANNELS, LANGUAGES, Brief
from generators.commands.needs_output import NeedsOutput, write_briefs, write_members
from generators.feed import Feed, FeedColumns
from generators.offer import Offer, OfferKind

if TYPE_CHECKING:
    from engine.core.keyed_hash import KeyedHash
    from generators.needs import BriefFromNeeds, Campaign, Needs, NeedsAnalysis, NeedsSettings, Segment


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose needs."""

    users: list[str]
    file: Path | None
    segment: list[str]
    attributes: Path | None
    user_column: str
    every: bool


@dataclass(frozen=True, slots=True)
class _How:
    """How to analyse."""

    settings: NeedsSettings
    log: Path | None
    shrinks_to_segment: bool
    full_evidence: bool


def needs(
    folder: Annotated[Path, typer.Argument(metavar="PROFILES", help="Folder of `python -m engine profiles build`.")],
    user: Annotated[list[str] | None, typer.Option("--user", help="A shopper's id; repeatable.")] = None,
    users: Annotated[Path | None, typer.Option(help="File of ids, one a line: their needs as one segment.")] = None,
    segment: Annotated[
        list[str] | None,
        typer.Option(help="auto, a number, or COLUMN=VALUE[,VALUE] of --attributes; the last is repeatable."),
    ] = None,
    attributes: Annotated[Path | None, typer.Option(help="CSV file of shoppers' attributes.")] = None,
    user_column: Annotated[str, typer.Option(help="Its column of the shopper's id.")] = "user",
    every: Annotated[bool, typer.Option("--all", help="Every shopper.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Needs to write (JSON Lines).")] = None,
    members: Annotated[Path | None, typer.Option(help="Who is in which segment, to write as CSV.")] = None,
    briefs: Annotated[Path | None, typer.Option(help="Briefs to write for `copy --brief` (.jsonl).")] = None,
    products: Annotated[Path | None, typer.Option(help="Feed of the campaign's products, for --briefs.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="Feed column of a field: FIELD=NAME; repeatable.")] = None,
    currency: Annotated[str, typer.Option(help="Currency of feed rows that name none.")] = "USD",
    offer: Annotated[str, typer.Option(help="For the price-sensitive: none, markdown or percent=N.")] = "none",
    code: Annotated[str, typer.Option(help="Code of the percent offer.")] = "",
    ends: Annotated[str, typer.Option(metavar="DAY", help="Last day of the percent offer.")] = "",
    channels: Annotated[str, typer.Option(help="Channels of the briefs.")] = ",".join(CHANNELS),
    per_interest: Annotated[int, typer.Option(min=1, max=100, help="Products an interest.")] = 1,
    log: Annotated[Path | None, typer.Option(help="Decision log (.jsonl) for channel habits.")] = None,
    language: Annotated[str, typer.Option(help="Of the report and the briefs: en or zh.")] = "en",
    shrink_to: Annotated[
        str, typer.Option(help="Where data are few: shop, or segment of --segment or --users.")
    ] = "shop",
    time_zone: Annotated[str, typer.Option(help="IANA zone of the hours.")] = "UTC",
    evidence: Annotated[str, typer.Option(help="brief, or full: with what a shopper searched for.")] = "brief",
    topics: Annotated[int, typer.Option(min=0, help="Clusters of products; 0 chooses.")] = 0,
    half_life: Annotated[float, typer.Option(metavar="DAYS", help="After so long an event counts half.")] = 120.0,
    min_confidence: Annotated[float, typer.Option(help="Least confidence of an interest to be told.")] = 0.8,
    most: Annotated[int, typer.Option(min=1, help="Most interests each.")] = 8,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal needs.")] = 0,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Settings that name the data folder.")] = None,
    data: Annotated[str, typer.Option("--data", help="Data folder whose pseudonyms the profiles know.")] = "",
) -> None:
    """Tell what shoppers and segments need, and why; the folder and the shop's events stay as they are."""
    from generators.needs import NeedsSettings

    _check(language, evidence, shrink_to)
    asked = _Asked(user or [], users, segment or [], attributes, user_column, every)
    _check_asked(asked)
    campaign = _campaign(products, briefs, column, currency, offer, code, ends, channels, per_interest, language)
    settings = NeedsSettings(
        half_life_days=half_life, topics=topics, least_confidence=min_confidence, most_interests=most,
        time_zone=time_zone, seed=seed,
    )  # fmt: skip
    told = NeedsOutput(output)
    how = _How(settings, log, shrink_to == "segment", evidence == "full")
    groups, written = _analysed(folder, asked, how, campaign, _key(config, data), told)
    told.print(language)
    if members:
        write_members(groups, members)
    if briefs:
        write_briefs(written, briefs)


def _analysed(
    folder: Path,
    asked: _Asked,
    how: _How,
    campaign: Campaign | None,
    key: KeyedHash | None,
    told: NeedsOutput,
) -> tuple[list[Segment], list[BriefFromNeeds]]:
    """Analyse everybody who is asked for; returns the segments, and the briefs that follow."""
    from generators.needs import ChannelModel, NeedsAnalysis

    with progress_bar(Console(stderr=True)) as progress:
        task = progress.add_task("reading", total=None)

        def tell(what: str) -> None:
            progress.update(task, description=what)

        groups = _groups(folder, asked, key, how.settings.seed, tell)
        analysis = NeedsAnalysis.open(
            folder,
            how.settings,
            channels=ChannelModel.read(how.log) if how.log else None,
            groups=groups if how.shrinks_to_segment else (),
            full_evidence=how.full_evidence,
            tell=tell,
        )
        everybody = analysis.users() if asked.every else [_known_as(id_, key) for id_ in asked.users]
        progress.update(task, description="needs", total=len(groups) + len(everybody))
        written: list[BriefFromNeeds] = []
        briefed = _briefed(folder, analysis, campaign)

        def found() -> Iterator[Needs]:
            for one in _asked_for(analysis, everybody, groups):
                progress.advance(task)
                written.extend(briefed(one))
                yield one

        told.take(found())
    return groups, written


def _check(language: str, evidence: str, shrink_to: str) -> None:
    if language not in LANGUAGES:
        raise InvalidInput(f"expected one of {', '.join(LANGUAGES)}, got {language!r}", field="--language")
    if shrink_to not in ("shop", "segment"):
        raise InvalidInput(f"expected shop or segment, got {shrink_to!r}", field="--shrink-to")
    if evidence not in ("brief", "full"):
        raise InvalidInput(f"expected brief or full, got {evidence!r}", field="--evidence")


def _check_asked(asked: _Asked) -> None:
    if not (asked.users or asked.file or asked.segment or asked.every):
        raise InvalidInput("expected --user ID, --users FILE, --segment … or --all", field="--user")
    filters = [text for text in asked.segment if "=" in text]
    if filters and asked.attributes is None:
        raise InvalidInput("expected a CSV file with the shoppers' attributes", field="--attributes")
    if len(asked.segment) > 1 and len(filters) < len(asked.segment):
        raise InvalidInput("expected auto or a number alone, or COLUMN=VALUE once or more", field="--segment")


def _groups(
    folder: Path, asked: _Asked, key: KeyedHash | None, seed: int, tell: Callable[[str], None]
) -> list[Segment]:
    """The segments that are asked for."""
    from generators.needs import Segment, attribute_segment, cluster_segments, read_users

    groups = []
    if asked.file is not None:
        groups.append(Segment(asked.file.stem, read_users(asked.file), {"segment": (asked.file.stem,)}))
    if asked.segment and "=" in asked.segment[0]:
        groups.append(attribute_segment(asked.attributes or Path(), asked.segment, asked.user_column))
    if key is not None:
        groups = [Segment(g.name, tuple(_known_as(id_, key) for id_ in g.users), g.audience) for g in groups]
    if asked.segment and "=" not in asked.segment[0]:
        text = asked.segment[0]
        if text != "auto" and not (text.isdecimal() and int(text) > 1):
            raise InvalidInput(f"expected auto, a number above 1, or COLUMN=VALUE, got {text!r}", field="--segment")
        tell("grouping shoppers")
        groups += cluster_segments(*_profiles(folder), 0 if text == "auto" else int(text), seed)
    return groups


def _profiles(folder: Path) -> tuple[list[str], Any]:
    """Shoppers with a profile, and their vectors."""
    import numpy as np
    import polars as pl

    from engine.profiles import ProfileStore
    from engine.profiles.build import USERS
    from engine.profiles.profile_folder import ProfileFolder

    users = pl.read_parquet(ProfileFolder.open(folder).path(USERS))["user"].sort().to_list()
    vectors, _ = ProfileStore(folder).embeddings(users)
    known = np.flatnonzero(vectors.any(axis=1))
    return [users[row] for row in known], vectors[known]


def _asked_for(analysis: NeedsAnalysis, users: list[str], groups: list[Segment]) -> Iterator[Needs]:
    for user in users:
        yield analysis.shopper(user)
    for group in groups:
        yield analysis.segment(group.name, group.users, group.audience)


def _campaign(
    products: Path | None, briefs: Path | None, columns: list[str] | None, currency: str, offer: str, code: str,
    ends: str, channels: str, per_interest: int, language: str,
) -> Campaign | None:  # fmt: skip
    """What the briefs may say; None without --briefs."""
    from generators.needs import Campaign

    if (products is None) != (briefs is None):
        raise InvalidInput("expected both or none of them", field="--briefs and --products")
    if products is None or briefs is None:
        return None
    if briefs.suffix != ".jsonl":
        raise InvalidInput("expected a file name ending in .jsonl", field="--briefs", file=str(briefs))
    mapped = dict(pair.partition("=")[::2] for pair in columns or [])
    if unknown := sorted(set(mapped) - set(FeedColumns.__dataclass_fields__)):
        raise InvalidInput(f"expected FIELD=NAME with a field of the feed, got {unknown[0]!r}", field="--column")
    feed: dict[str, Brief] = {
        brief.id: brief for brief in Feed(products, FeedColumns(**mapped), language, currency).briefs()
    }
    names = tuple(name.strip() for name in channels.split(",") if name.strip())
    return Campaign(feed, _offer(offer, code, ends), language, names, per_interest=per_interest)


def _offer(text: str, code: str, ends: str) -> Offer:
    kind, _, number = text.partition("=")
    if kind == "percent" and number.isdecimal():
        try:
            return Offer(OfferKind.PERCENT, int(number), 0, code, date.fromisoformat(ends) if ends else None)
        except ValueError:
            raise InvalidInput(f"expected a day such as 2026-01-31, got {ends!r}", field="--ends") from None
    if text not in ("none", "markdown"):
        raise InvalidInput(f"expected none, markdown or percent=N, got {text!r}", field="--offer")
    if code or ends:
        raise InvalidInput("expected no code and no end without --offer percent=N", field="--code or --ends")
    # Each product's own markdown is taken from the feed; this only says that it may be told.
    return Offer(OfferKind(text))


def _briefed(
    folder: Path, analysis: NeedsAnalysis, campaign: Campaign | None
) -> Callable[[Needs], list[BriefFromNeeds]]:
    if campaign is None:
        return lambda _: []
    from generators.needs import briefs_for
    from generators.needs.suiting import Suiting

    suiting, allowed = Suiting(folder, campaign.products), campaign
    return lambda one: briefs_for(one, analysis, allowed, suiting.of(one))


def _key(config: Path | None, data: str) -> KeyedHash | None:
    """The server's key, where its data folder is named."""
    if config is None and not data:
        return None
    from engine.config import read_settings
    from engine.wiring import open_key

    settings = read_settings(config)
    return open_key(settings.overridden(data=data or settings.data, port=settings.server.port))


def _known_as(user: str, key: KeyedHash | None) -> str:
    """The id by which the profiles know a shopper."""
    from engine.core.keyed_hash import Domain

    return key.digest(Domain.USER, user).hex() if key else user
