"""What a shopper can do, as profiles know it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from engine.core.errors import InvalidInput


class EventType(StrEnum):
    """Kinds of events, from the weakest sign of interest to the strongest but for searches, which are text."""

    VIEW = "view"
    SEARCH = "search"
    CART = "cart"
    PURCHASE = "purchase"


# How shops and trackers call them, lower case.
_WORDS: Mapping[EventType, Sequence[str]] = {
    EventType.VIEW: ("view", "pv", "pageview", "page_view", "browse", "click", "detail", "product_view", "view_item"),
    EventType.SEARCH: ("search", "query", "view_search_results"),
    EventType.CART: ("cart", "add_to_cart", "addtocart", "add-to-cart", "fav", "favorite", "wishlist"),
    EventType.PURCHASE: ("purchase", "buy", "bought", "order", "transaction", "sale", "paid"),
}


def type_words(extra: Mapping[str, EventType] | None = None) -> dict[str, str]:
    """A shop's word for an event, lower case → its type.

    Args:
        extra: Words of one's own; they come before ours.

    Examples:
        >>> type_words()["add_to_cart"]
        'cart'
    """
    words = {word: kind.value for kind, known in _WORDS.items() for word in known}
    return words | {word.strip().lower(): kind.value for word, kind in (extra or {}).items()}


def parsed_words(texts: Sequence[str]) -> dict[str, EventType]:
    """Read `WORD=TYPE`, as flags give it.

    Raises:
        InvalidInput: If one is not of that form.

    Examples:
        >>> parsed_words(["beschaut=view"])
        {'beschaut': <EventType.VIEW: 'view'>}
    """
    found = {}
    for text in texts:
        word, equals, kind = text.rpartition("=")
        if not equals or not word.strip() or kind not in list(EventType):
            raise InvalidInput(
                f"expected WORD=TYPE with a type among {', '.join(EventType)}; got {text!r}", field="--word"
            )
        found[word] = EventType(kind)
    return found
