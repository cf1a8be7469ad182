"""Read a CSV product feed into briefs."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from engine.core.errors import InvalidInput
from generators.brief import Brief
from generators.currency import Currency
from generators.fields import Fields
from generators.offer import Offer, OfferKind
from generators.product import Product
from generators.terms import Terms

_Cell = Callable[..., str]


@dataclass(frozen=True, slots=True)
class FeedColumns:
    """Which column of the feed holds which fact; an empty name means that the feed has none.

    Attributes:
        title: Product title.
        price: Selling price in whole units, "1,299.00" for instance.
        list_price: Price struck through; above the price it makes an offer of kind `markdown`.
        brand: Brand.
        category: Category.
        id: Identifier; without one, rows are numbered.
        language: `en` or `zh` per row.
        currency: ISO code per row.
        kind: Offer kind per row; where it is empty the list price decides.
        percent: Percent off per row.
        amount: Amount off per row, in whole units.
        code: Code per row.
        ends: Last day per row.
        min_spend: Minimum spend per row, in whole units.
        tone: Tone per row.
    """

    title: str = "title"
    price: str = "price"
    list_price: str = "list_price"
    brand: str = "brand"
    category: str = "category"
    id: str = "id"
    language: str = "language"
    currency: str = "currency"
    kind: str = "offer"
    percent: str = "percent"
    amount: str = "amount"
    code: str = "code"
    ends: str = "ends"
    min_spend: str = "min_spend"
    tone: str = "tone"


@dataclass(frozen=True, slots=True)
class Feed:
    """A product feed and how to read it.

    Attributes:
        path: CSV file, gzipped if its name ends in `.gz`.
        columns: Its columns.
        language: Language of rows that name none.
        currency: ISO code of rows that name none.
        encoding: Text encoding; GB18030 reads all Chinese ones but UTF.
    """

    path: Path
    columns: FeedColumns = FeedColumns()
    language: str = "en"
    currency: str = "USD"
    encoding: str = "utf-8-sig"

    def briefs(self, limit: int = 0, every: int = 1) -> list[Brief]:
        """Return briefs in the order of the file; of rows with one product id the first is taken.

        Args:
            limit: Most briefs; 0 means all.
            every: Take each n-th distinct product, to spread a sample over the feed.

        Raises:
            InvalidInput: The file cannot be read, a mapped column is missing, or a field is wrong; names file, line
                and column.
        """
        found: dict[str, Brief] = {}
        seen: set[str] = set()
        for line, row in self._rows():
            key = self._id(row, line)
            if key in seen:
                continue
            seen.add(key)
            if (len(seen) - 1) % every:
                continue
            found[key] = self._brief(key, row, line)
            if limit and len(found) >= limit:
                break
        if not found:
            raise InvalidInput("expected at least one product, got none", file=str(self.path))
        return list(found.values())

    def _rows(self) -> Iterator[tuple[int, Mapping[str, str]]]:
        opened = gzip.open if self.path.suffix == ".gz" else open
        try:
            with opened(self.path, "rb") as raw, io.TextIOWrapper(raw, self.encoding, newline="") as text:
                reader = csv.DictReader(text)
                self._check_columns(reader.fieldnames or [])
                for row in reader:
                    yield reader.line_num, {k: (v or "") for k, v in row.items() if isinstance(v, str | None) and k}
        except OSError as error:
            message = f"expected a readable file, got {error.strerror or error}; check the path"
            raise InvalidInput(message, file=str(self.path)) from error
        except (UnicodeError, csv.Error, LookupError) as error:
            message = f"expected a CSV file in {self.encoding}, got: {error}; give --encoding where it is another"
            raise InvalidInput(message, file=str(self.path)) from error

    def _check_columns(self, present: Sequence[str]) -> None:
        """Refuse a feed without title or price, and a mapped column that is not there."""
        default = FeedColumns()
        for field in FeedColumns.__dataclass_fields__:
            column = getattr(self.columns, field)
            needed = field in ("title", "price") or column != getattr(default, field)
            if needed and column and column not in present:
                raise InvalidInput(
                    f"the feed has no such column, only {', '.join(present)}; map it with --column {field}=NAME"
                    if present
                    else "expected a first line with the names of columns, got an empty file",
                    field=column,
                    file=str(self.path),
                    line=1,
                )

    def _brief(self, key: str, row: Mapping[str, str], line: int) -> Brief:
        def cell(field: str, default: str = "") -> str:
            return " ".join(row.get(getattr(self.columns, field), "").split()) or default

        try:
            currency = cell("currency", self.currency)
            price = _minor(cell("price"), currency, self.columns.price)
            listed = _minor(cell("list_price"), currency, self.columns.list_price) if cell("list_price") else 0
            product = Product(
                title=cell("title"),
                price_minor=price,
                currency=currency,
                brand=cell("brand"),
                category=cell("category"),
                # Feeds repeat the price, or hold an older and lower one; neither is an offer.
                list_price_minor=listed if listed > price else 0,
            )
            return Brief(
                id=key,
                product=product,
                offer=self._offer(cell, product),
                language=cell("language", self.language),
                tone=cell("tone"),
            )
        except InvalidInput as error:
            raise InvalidInput(str(error), file=str(self.path), line=line) from error

    def _offer(self, cell: _Cell, product: Product) -> Offer:
        saved = product.list_price_minor - product.price_minor
        marked_down = saved * 100 >= product.list_price_minor > 0
        kind = cell("kind", "markdown" if marked_down else "none")
        if kind not in [known.value for known in OfferKind]:
            known_kinds = ", ".join(known.value for known in OfferKind)
            raise InvalidInput(f"expected one of {known_kinds}, got {kind!r}", field=self.columns.kind)
        percent = cell("percent", "0")
        if not percent.isdecimal():
            raise InvalidInput(f"expected a whole percentage, got {percent!r}", field=self.columns.percent)
        amount, least = cell("amount"), cell("min_spend")
        return Offer(
            kind=OfferKind(kind),
            percent=int(percent),
            amount_minor=_minor(amount, product.currency, self.columns.amount) if amount else 0,
            code=cell("code"),
            ends=Fields({"ends": cell("ends") or None}).day("ends"),
            terms=Terms(_minor(least, product.currency, self.columns.min_spend) if least else 0),
        )

    def _id(self, row: Mapping[str, str], line: int) -> str:
        raw = row.get(self.columns.id, "").strip()
        return re.sub(r"[^A-Za-z0-9_.-]+", "-", raw)[:80] or f"row-{line}"


def _minor(text: str, currency: str, column: str) -> int:
    """Return an amount in minor units, half a unit rounded up.

    Raises:
        InvalidInput: The cell is not an amount above zero.
    """
    try:
        amount = Decimal(text.replace(",", "")).scaleb(Currency.named(currency).decimals)
        whole = int(amount.to_integral_value(rounding="ROUND_HALF_UP"))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise InvalidInput(f"expected an amount such as 1,299.00, got {text!r}", field=column) from error
    if whole <= 0:
        raise InvalidInput(f"expected an amount above 0, got {text!r}", field=column)
    return whole
