"""The Upworthy Research Archive's headline tests, for a click model without a campaign of one's own.

Matias, Munger, Le Quere, Ebersole (2021), "The Upworthy Research Archive, a time series of 32,487 experiments in U.S.
media", Scientific Data 8:195; CC BY 4.0.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from engine.core.errors import InvalidInput
from generators.texts.copy_outcomes import CopyOutcome

_FAULTY_WEEKS = range(201325, 201403)
"""Visitors were not assigned at random in these; the archive's authors advise to leave them out."""
_COLUMNS = ("clickability_test_id", "headline", "eyecatcher_id", "impressions", "clicks", "test_week")


def headline_tests(path: Path) -> list[CopyOutcome]:
    """Read the tests that compare headlines under one image; equal headlines of a test are one copy.

    Raises:
        InvalidInput: The file is not there or is another one, or pyarrow is missing.
    """
    rows = _rows(path)
    tests: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["test_week"] not in _FAULTY_WEEKS and row["headline"] and row["impressions"] > 0:
            tests.setdefault(str(row["clickability_test_id"]), []).append(row)
    found: list[CopyOutcome] = []
    for test, packages in sorted(tests.items()):
        images = {package["eyecatcher_id"] for package in packages}
        if len(images) > 1 or None in images:
            continue
        sums: dict[str, list[float]] = {}
        for package in packages:
            total = sums.setdefault(" ".join(str(package["headline"]).split()), [0.0, 0.0])
            total[0] += package["impressions"]
            total[1] += package["clicks"]
        if len(sums) > 1 and any(clicks for _, clicks in sums.values()):
            found += [CopyOutcome(text, test, n, s) for text, (n, s) in sums.items()]
    return found


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        table = import_module("pyarrow.parquet").read_table(path, columns=list(_COLUMNS))
    except ImportError as error:
        raise InvalidInput("needs pyarrow; run pip install 'armsreach[simulator]'", field=str(path)) from error
    except (OSError, ValueError) as error:
        raise InvalidInput(
            "expected the Upworthy archive as Parquet; see docs/texts-and-feedback.md", field=str(path)
        ) from error
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
