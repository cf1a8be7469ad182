"""Needs of the shoppers of a profile folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from engine.core.errors import NotFound
from engine.profiles import Events, Matcher, Products
from engine.profiles.profile_folder import ProfileFolder
from generators.needs.channels import ChannelModel
from generators.needs.evidence import evidence_of
from generators.needs.hours import HourModel
from generators.needs.intent import IntentModel, features
from generators.needs.interest import Interest
from generators.needs.needs import Needs
from generators.needs.price import PriceModel
from generators.needs.segment_shares import member_shares, segment_shares, segment_trends
from generators.needs.segments import Segment
from generators.needs.settings import NeedsSettings
from generators.needs.shares import ShareModel, effective
from generators.needs.stage import shop_cycles, stage
from generators.needs.topic import Topic
from generators.needs.topics import Content, Topics
from generators.needs.touches import DAY_S, tallies, touches
from generators.needs.trend import trends
from generators.needs.user_rows import UserRows


class NeedsAnalysis:
    """What all shoppers of a shop did, made ready to ask for the needs of some.

    Attributes:
        topics: What interests can be about.
        shares: The shop's shares, and how much a shopper's touches are believed.
        intent: Learned from the shop's past.
        present: Of recency, stages and intent.
        settings: As given.
    """

    def __init__(
        self,
        events: Events,
        products: Products,
        content: Content,
        settings: NeedsSettings | None = None,
        *,
        present: datetime | None = None,
        topics: Topics | None = None,
        channels: ChannelModel | None = None,
        groups: Sequence[Segment] = (),
        full_evidence: bool = False,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Learn of the shop.

        Args:
            events: Cleaned.
            products: With their taxonomy.
            content: Vectors of texts.
            settings: How.
            present: Later events are not looked at; by default, just after the last event.
            topics: Found before, to spare time.
            channels: From a log of decisions.
            groups: A shopper of one of these is shrunk to it where data are few; all others, to the shop.
            full_evidence: Tell what was searched for.
            tell: Hears what is begun.

        Raises:
            FailedPrecondition: If there is no taxonomy, or nothing to group.
        """
        self.settings = settings or NeedsSettings()
        frame = events.frame()
        latest: datetime | None = frame["at"].max()  # type: ignore[assignment]
        if latest is None:
            raise NotFound("these profiles have no events; build them anew")
        self.present = present or latest + timedelta(seconds=1)
        frame = frame.filter(pl.col("at") < self.present)
        tell("grouping products")
        self.topics = topics or Topics.fit(frame, products, content, self.settings)
        tell("placing events")
        touched = touches(frame, self.topics, self.settings)
        tallied = tallies(touched, self.present, self.settings)
        self.shares = ShareModel.fit(tallied, len(self.topics))
        self._cycles = shop_cycles(tallied)
        tell("learning purchase intent")
        self.intent = IntentModel.fit(touched, self.present, len(self.topics), self.settings)
        chances = self.intent.predict(features(tallied, self.shares, self._cycles, self.present))
        unknown = pl.lit(None, pl.Float64).alias("intent")
        tallied = effective(tallied).with_columns(unknown if chances is None else pl.Series("intent", chances))
        self.tallied = UserRows(tallied)
        tell("prices and hours")
        age = (pl.lit(self.present) - pl.col("at")).dt.total_seconds() / DAY_S
        decay = 2.0 ** (-age / self.settings.half_life_days)
        self.touched = UserRows(
            touched.with_columns((pl.col("weight") * decay).alias("present_weight"), age.alias("age"))
        )
        self._prices = PriceModel.fit(touched, products)
        self._hours = HourModel.fit(frame, self.settings.time_zone)
        self._channels = channels
        self._priors = self._group_priors(groups)
        self._products = products
        self._full = full_evidence
        self._base = member_shares(tallied, self.tallied.users(), len(self.topics)).mean(axis=0)

    @classmethod
    def open(
        cls,
        folder: Path,
        settings: NeedsSettings | None = None,
        *,
        channels: ChannelModel | None = None,
        groups: Sequence[Segment] = (),
        full_evidence: bool = False,
        tell: Callable[[str], None] = lambda _: None,
    ) -> NeedsAnalysis:
        """Learn of the shop of a profile folder, as of the time of its profiles.

        Raises:
            NotFound: If there is no profile folder.
            FailedPrecondition: If it was built without products, categories or content.
            UnsupportedVersion, CorruptState: If it cannot be read.
        """
        opened = ProfileFolder.open(folder)
        present = datetime.fromisoformat(opened.manifest.as_of) + timedelta(seconds=1)
        return cls(
            Events.open(folder),
            Products.open(folder),
            Matcher(folder).content,
            settings,
            present=present,
            channels=channels,
            groups=groups,
            full_evidence=full_evidence,
            tell=tell,
        )

    def users(self) -> list[str]:
        """All with events, sorted."""
        return self.touched.users()

    def shopper(self, user: str) -> Needs:
        """Needs of one.

        Raises:
            NotFound: If nothing is known of the shopper.
        """
        if user not in self.touched:
            raise NotFound("nothing is known of this shopper; check the id, and that the profiles hold their events")
        rows = self.tallied.of([user])
        found = self._shopper_interests(user, rows)
        return self._needs("shopper", user, [user], found, {})

    def segment(
        self,
        name: str,
        users: Sequence[str],
        audience: Mapping[str, tuple[str | int | float | bool, ...]] | None = None,
    ) -> Needs:
        """Needs of a group; shoppers without events are left out.

        Raises:
            NotFound: If nothing is known of any.
        """
        known = sorted({user for user in users if user in self.touched})
        if not known:
            raise NotFound(f"segment {name}: no shopper of it has events; check the ids, or the filter")
        given = {"segment": (name,)} if audience is None else audience
        return self._needs("segment", name, known, self._segment_interests(known), given)

    def bears_name(self, item: str, topic: Topic) -> bool:
        """Whether a product of a topic has one of the labels that name it; True for one that the catalogue lacks."""
        product = self._products.get(item)
        return product is None or product.levels[topic.level - 1] in topic.labels

    def bought_since(self, user: str, days: float) -> frozenset[str]:
        """Products that a shopper bought within so many days before the present."""
        rows = self.touched.of([user]).filter((pl.col("type") == "purchase") & (pl.col("age") <= days))
        return frozenset(rows["item"].drop_nulls())

    def _group_priors(self, groups: Sequence[Segment]) -> dict[str, NDArray[np.float64]]:
        """Shopper → mean of the prior by the group."""
        found: dict[str, NDArray[np.float64]] = {}
        for group in groups:
            rows = self.tallied.of(group.users)
            counts = np.bincount(rows["topic"], rows["count"].to_numpy(), len(self.topics)).astype(np.float64)
            found |= dict.fromkeys(group.users, self.shares.group_prior(counts))
        return found

    def _needs(
        self, kind: str, name: str, users: list[str], interests: tuple[Interest, ...], audience: Mapping[str, Any]
    ) -> Needs:
        rows = self.touched.of(users)
        first, last = rows["day"].min(), rows["day"].max()
        return Needs(
            kind, name, self.present, len(users), rows.height, float((rows["topic"] >= 0).mean() or 0.0),  # type: ignore[arg-type]
            first, last, self.settings.horizon_days, interests, self._prices.of(users),  # type: ignore[arg-type]
            self._hours.of(users), self._channels.of(users) if self._channels else (), audience, self.intent.reason,
        )  # fmt: skip

    def _shopper_interests(self, user: str, rows: pl.DataFrame) -> tuple[Interest, ...]:
        if rows.is_empty():
            return ()
        topics = rows["topic"].to_numpy()
        counts, total = rows["count"].to_numpy(), float(rows["total"][0])
        found = self.shares.posterior(topics, counts, total, self._priors.get(user))
        recent, events = int(rows["recent"].sum()), int(rows["events"].sum())
        pairs = [(int(now), int(all_ - now)) for now, all_ in rows.select("recent", "events").iter_rows()]
        changes = trends(pairs, recent, events - recent)
        order = sorted(range(len(topics)), key=lambda place: (-found.confidence[place], -found.share[place]))
        touched, told = self.touched.of([user]), []
        for place in order[: self.settings.most_interests]:
            if found.confidence[place] < self.settings.least_confidence:
                break
            row = rows.row(place, named=True)
            topic = int(row["topic"])
            shown = evidence_of(
                touched.filter(pl.col("topic") == topic), self._products, self.settings.most_evidence, full=self._full
            )
            told.append(Interest(
                self.topics.named[topic], float(found.share[place]), float(found.low[place]), float(found.high[place]),
                float(found.base[place]), float(found.confidence[place]), int(row["events"]), changes[place],
                stage(row, self.present, self._cycles), {}, row["intent"], shown,
            ))  # fmt: skip
        return tuple(told)

    def _segment_interests(self, users: list[str]) -> tuple[Interest, ...]:
        rows = self.tallied.of(users)
        members = rows["user"].unique().sort().to_list()
        if not members:
            return ()
        count = len(self.topics)
        found = segment_shares(member_shares(rows, members, count), self._base, self.settings.seed)
        seen = set(rows["topic"])
        order = sorted(seen, key=lambda topic: (-found.confidence[topic], -found.share[topic] / found.base[topic]))
        chosen = [
            topic for topic in order if found.confidence[topic] >= self.settings.least_confidence
        ][: self.settings.most_interests]  # fmt: skip
        now = member_shares(rows.with_columns(pl.col("recent").cast(pl.Float64).alias("weight")), members, count)
        earlier = rows.with_columns((pl.col("events") - pl.col("recent")).cast(pl.Float64).alias("weight"))
        changes = segment_trends(now, member_shares(earlier, members, count), chosen)
        touched, told = self.touched.of(users), []
        for topic, change in zip(chosen, changes, strict=True):
            own = rows.filter(pl.col("topic") == topic)
            stages = Counter(stage(row, self.present, self._cycles).name for row in own.iter_rows(named=True))
            shown = evidence_of(
                touched.filter(pl.col("topic") == topic), self._products, self.settings.most_evidence,
                full=False, members=max(2, len(users)),
            )  # fmt: skip
            intent = own["intent"].mean()
            told.append(Interest(
                self.topics.named[topic], float(found.share[topic]), float(found.low[topic]),
                float(found.high[topic]), float(found.base[topic]), float(found.confidence[topic]),
                int(own["events"].sum()), change, None, dict(stages), None if intent is None else float(intent), shown,  # type: ignore[arg-type]
            ))  # fmt: skip
        return tuple(told)
