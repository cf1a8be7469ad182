"""What a shop sells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from engine.core.errors import InvalidInput
from engine.profiles.columns import ProductColumns
from engine.profiles.profile_folder import ProfileFolder
from engine.profiles.table_file import TableFile

FILE = "products.parquet"


@dataclass(frozen=True, slots=True)
class Product:
    """One product; empty or None for what the shop does not say.

    Attributes:
        id: As events name it.
        title: Its name.
        levels: Of the taxonomy, widest first.
        brand: Its brand.
        price: In the shop's currency.
    """

    id: str
    title: str
    levels: tuple[str, ...]
    brand: str
    price: float | None

    @property
    def text(self) -> str:
        """What content is made of."""
        return " ".join(part for part in (self.title, *self.levels, self.brand) if part)


class Products:
    """A table of products, each once.

    >>> products = Products.of([Product("tea", "Green tea", ("Drinks", "Tea"), "", 3.5)])
    >>> products.get("tea").levels, products.depth, products.get("coffee") is None
    (('Drinks', 'Tea'), 2, True)
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        """Take a frame with columns id, title, level_1 … level_k, brand, price."""
        self._frame = frame
        self.depth = sum(name.startswith("level_") for name in frame.columns)
        self._rows: dict[str, int] | None = None

    @classmethod
    def of(cls, products: list[Product]) -> Products:
        """Make a table of products that all have the same number of levels."""
        depth = max((len(product.levels) for product in products), default=0)
        rows = [(p.id, p.title, *p.levels, *[""] * (depth - len(p.levels)), p.brand, p.price) for p in products]
        return cls(pl.DataFrame(rows, schema=_schema(depth), orient="row"))

    @classmethod
    def open(cls, folder: Path) -> Products:
        """The products of a profile folder; none, if it was built without.

        Raises:
            NotFound: If there is no profile folder.
            UnsupportedVersion: If a newer armsreach wrote it.
        """
        return cls(pl.read_parquet(ProfileFolder.open(folder).path(FILE)))

    @classmethod
    def read(
        cls, path: Path, columns: ProductColumns, *, encoding: str = "utf-8", separator: str = ","
    ) -> tuple[Products, int]:
        """Read a shop's file, and how many rows were left out: without an id, or with one that stood there before.

        The last row of an id counts: exports that list a price for every day end with the present one.

        Raises:
            InvalidInput: If it cannot be read, or a column is missing, or no row has an id.
        """
        file = TableFile(path, encoding=encoding, separator=separator)
        given = columns.given()
        batches = list(file.select(given, {name: columns.flag(name) for name in given}))
        raw = pl.concat(batches) if batches else pl.DataFrame(schema=dict.fromkeys(given, pl.String))
        depth = len(columns.category)
        texts = [name for name in _schema(depth) if name != "price"]
        frame = raw.with_columns(
            pl.lit(None, pl.String).alias(name) for name in _schema(depth) if name not in raw.columns
        ).with_columns(
            *(pl.col(name).cast(pl.String).fill_null("").str.strip_chars() for name in texts),
            pl.col("price").cast(pl.String).str.strip_chars().cast(pl.Float64, strict=False),
        )
        frame = frame.with_columns(
            pl.when(pl.col("price").is_finite() & (pl.col("price") >= 0)).then(pl.col("price")).alias("price")
        )
        kept = (
            frame.filter(pl.col("id") != "").unique("id", keep="last", maintain_order=True).select(list(_schema(depth)))
        )
        if kept.is_empty():
            raise InvalidInput("no row has an id; name its column with --product-id", file=str(path), field=columns.id)
        return cls(kept), raw.height - kept.height

    def frame(self) -> pl.DataFrame:
        """All: id, title, level_1 … level_k, brand as text ("" for nothing), price as float64 (null for none)."""
        return self._frame

    def texts(self) -> list[str]:
        """What content is made of, a text for each product in order."""
        if self._frame.is_empty():
            return []
        names = [name for name in self._frame.columns if name not in ("id", "price")]
        joined = pl.concat_str([pl.col(name) for name in names], separator=" ").str.strip_chars()
        return self._frame.select(joined.str.replace_all(r"\s+", " ").alias("text"))["text"].to_list()

    def ids(self) -> list[str]:
        """Of all, in order."""
        return self._frame["id"].to_list()

    def get(self, id: str) -> Product | None:
        """One of them."""
        if self._rows is None:
            self._rows = {known: row for row, known in enumerate(self.ids())}
        row = self._rows.get(id)
        return None if row is None else _product(self._frame.row(row))

    def __iter__(self) -> Iterator[Product]:
        return (_product(row) for row in self._frame.iter_rows())

    def __len__(self) -> int:
        return self._frame.height


def no_products() -> Products:
    """For a shop that gives no table."""
    return Products(pl.DataFrame(schema=_schema(0)))


def _schema(depth: int) -> dict[str, pl.DataType | type[pl.DataType]]:
    levels = {f"level_{n}": pl.String for n in range(1, depth + 1)}
    return {"id": pl.String, "title": pl.String, **levels, "brand": pl.String, "price": pl.Float64}


def _product(row: tuple[object, ...]) -> Product:
    id, title, *levels, brand, price = row
    amount = float(price) if isinstance(price, float) else None
    return Product(str(id), str(title), tuple(str(level) for level in levels), str(brand), amount)
