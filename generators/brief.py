"""A brief: everything copy may say, and how it should sound."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.core.errors import InvalidInput
from generators.channel_limits import channel_names
from generators.currency import Currency
from generators.emoji_policy import EmojiPolicy
from generators.offer import Offer, OfferKind
from generators.product import Product

LANGUAGES = ("en", "zh")
CHANNELS = ("email", "push", "sms", "banner")
TONES = ("warm", "lively", "plain", "playful")


@dataclass(frozen=True, slots=True)
class Brief:
    """One product, one offer, one audience.

    Attributes:
        id: `[A-Za-z0-9_.-]+`, the start of its variants' ids.
        product: Facts of the product.
        offer: Facts of the offer.
        language: `en` or `zh`.
        tone: One of `TONES`; empty lets variants take turns.
        channels: Which channels to write for.
        audience: Attribute → values the copy is meant for; empty means everybody.
        banned_words: Words that must not appear, whatever the case.
        sender: Who signs the messages, 2–20 characters; empty means the product's brand. A Chinese SMS bears it
            in 【】.
        emoji: Which emoji the copy may carry and where; none unless given.
    """

    id: str
    product: Product
    offer: Offer = field(default_factory=Offer)
    language: str = "en"
    tone: str = ""
    channels: tuple[str, ...] = CHANNELS
    audience: Mapping[str, tuple[str | int | float | bool, ...]] = field(default_factory=dict)
    banned_words: tuple[str, ...] = ()
    sender: str = ""
    emoji: EmojiPolicy = field(default_factory=EmojiPolicy)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", self.id):
            raise InvalidInput(f"expected 1-80 of A-Z a-z 0-9 _ . -, got {self.id!r}", field="id")
        if self.language not in LANGUAGES:
            raise InvalidInput(f"expected one of {', '.join(LANGUAGES)}, got {self.language!r}", field="language")
        if self.tone and self.tone not in TONES:
            raise InvalidInput(f"expected one of {', '.join(TONES)} or nothing, got {self.tone!r}", field="tone")
        unknown = sorted(set(self.channels) - set(channel_names()))
        if unknown or not self.channels or len(set(self.channels)) != len(self.channels):
            raise InvalidInput(
                f"expected distinct channels among {', '.join(channel_names())}, got {list(self.channels)}",
                field="channels",
            )
        if any(not word.strip() for word in self.banned_words):
            raise InvalidInput("expected words, got an empty one", field="banned_words")
        if self.sender and not re.fullmatch(r"[^\W_][^【】\[\]\n|<>{}\\]{1,19}", self.sender):
            raise InvalidInput(f"expected 2-20 letters without brackets, got {self.sender!r}", field="sender")
        if unknown := sorted(set(self.emoji.channels) - set(channel_names())):
            raise InvalidInput(
                f"expected channels among {', '.join(channel_names())}", field=f"emoji.channels.{unknown[0]}"
            )
        self._check_offer()

    def _check_offer(self) -> None:
        if self.offer.kind is OfferKind.MARKDOWN and not self.percent:
            raise InvalidInput(
                "expected product.list_price_minor at least 1 % above price_minor with kind 'markdown'; "
                "give it or use kind 'none'",
                field="offer.kind",
            )
        if self.offer.amount_minor >= self.product.price_minor and not self.offer.terms.min_spend_minor:
            raise InvalidInput(
                f"expected less than price_minor ({self.product.price_minor}), got {self.offer.amount_minor}",
                field="offer.amount_minor",
            )

    @property
    def currency(self) -> Currency:
        """The product's currency."""
        return Currency.named(self.product.currency)

    @property
    def percent(self) -> int:
        """Whole percent off, rounded down for a markdown so that copy never overstates it; 0 where none is stated."""
        if self.offer.kind is not OfferKind.MARKDOWN:
            return self.offer.percent
        listed = self.product.list_price_minor
        return (listed - self.product.price_minor) * 100 // listed if listed else 0

    @property
    def payable_minor(self) -> int | None:
        """What the shopper pays for the product alone.

        None where a percentage leaves a fraction that the till may round either way. An offer on the order leaves the
        product's price as it is.
        """
        if self.is_on_order:
            return self.product.price_minor
        if self.offer.kind is OfferKind.PERCENT:
            hundredfold = self.product.price_minor * (100 - self.offer.percent)
            return None if hundredfold % 100 else hundredfold // 100
        return self.product.price_minor - self.offer.amount_minor

    @property
    def reference_minor(self) -> int | None:
        """The price that the offer is compared with, or None where there is nothing to compare."""
        if self.offer.kind is OfferKind.MARKDOWN:
            return self.product.list_price_minor
        if self.is_on_order:
            return None
        return self.product.price_minor if self.offer.kind in (OfferKind.PERCENT, OfferKind.AMOUNT) else None

    @property
    def saving_minor(self) -> int | None:
        """What comes off, or None where that is no whole sum."""
        if self.is_on_order:
            return self.offer.amount_minor or None
        payable, reference = self.payable_minor, self.reference_minor
        return None if payable is None or reference is None else reference - payable

    @property
    def is_on_order(self) -> bool:
        """Whether the offer is one on the order, by its minimum spend, and not on the product."""
        return bool(self.offer.terms.min_spend_minor)

    @property
    def price_band(self) -> str:
        """Coarse level of the product's price."""
        return self.currency.price_band(self.product.price_minor)
