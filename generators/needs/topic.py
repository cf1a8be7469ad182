"""What a group of products that are alike is called."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topic:
    """A named group of products.

    Attributes:
        level: Of the taxonomy that names it, 1 the widest.
        labels: Of that level, as the catalogue writes them, the heaviest first.
        coverage: Share of the group's weight that has these labels.
        lift: That share, over the labels' share of the whole shop.
        shoppers: How many had to do with it.
        products: How many were touched.
        parent: Label one level wider that most of it has; "" for none.
    """

    level: int
    labels: tuple[str, ...]
    coverage: float
    lift: float
    shoppers: int = 0
    products: int = 0
    parent: str = ""

    @property
    def name(self) -> str:
        """To read: labels in capitals are put in lower case, and a single word is told with what it is a kind of.

        >>> Topic(2, ("FLUID MILK PRODUCTS", "CHEESE"), 0.9, 8.0).name
        'Fluid milk products / cheese'
        >>> Topic(3, ("PREMIUM",), 0.9, 8.0, parent="ICE CREAM").name
        'Ice cream: premium'
        """
        joined = " / ".join(label.lower() if label.isupper() else label for label in self.labels)
        if self.parent and len(self.labels) == 1 and joined.isascii() and " " not in joined:
            joined = f"{self.parent.lower() if self.parent.isupper() else self.parent}: {joined}"
        return joined[:1].upper() + joined[1:]

    @property
    def key(self) -> str:
        """For attributes and ids: letters, digits and hyphens, and a digest where that says nothing or too much.

        >>> Topic(2, ("FLUID MILK PRODUCTS",), 0.9, 8.0).key, len(Topic(1, ("茶",), 1.0, 2.0).key)
        ('fluid-milk-products', 8)
        """
        plain = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        if plain and len(plain) <= 40 and self.name.isascii():
            return plain
        digest = hashlib.blake2b(self.name.encode(), digest_size=4).hexdigest()
        return f"{plain[:30].rstrip('-')}-{digest}" if plain else digest
