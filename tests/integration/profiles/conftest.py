"""A small shop's files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.profiles import BuildInput, EventColumns, ProductColumns

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = ("green tea drinks", "running shoes sport", "保湿面霜 护肤")
HEADER = "user,item,type,at,quantity,value,query"


class Shop:
    """Sixty shoppers; shopper n keeps to kind n % 3 of products, and every tenth event is a search."""

    columns = EventColumns(quantity="quantity", value="value", query="query")
    product_columns = ProductColumns(id="sku", title="name", category=("kind",), price="price")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        rows = [f"p{n},{KINDS[n // 8]} {n},{KINDS[n // 8].split()[-1]},{9.5 + n}" for n in range(24)]
        self.products = folder / "products.csv"
        self.products.write_text("sku,name,kind,price\n" + "\n".join(rows) + "\n", encoding="utf-8")

    def lines(self, first_day: int, last_day: int, shoppers: int = 60) -> list[str]:
        rng = np.random.default_rng(first_day)
        found = []
        for n in range(shoppers):
            for _ in range(12):
                at = (BEGIN + timedelta(days=float(rng.uniform(first_day, last_day)))).isoformat()
                item = (n % 3) * 8 + int(rng.integers(0, 8))
                kind = rng.choice(["view", "cart", "purchase", "search"], p=[0.5, 0.2, 0.2, 0.1])
                if kind == "search":
                    found.append(f"shopper-{n},,search,{at},,,{KINDS[n % 3].split()[0]}")
                else:
                    found.append(f"shopper-{n},p{item},{kind},{at},1,{9.5 + item if kind == 'purchase' else ''},")
        return found

    def write(self, name: str, lines: list[str]) -> Path:
        path = self.folder / name
        path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
        return path

    def given(self, *paths: Path, products: bool = True, strict: bool = False) -> BuildInput:
        return BuildInput(paths, self.columns, self.products if products else None, self.product_columns, strict=strict)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)
