"""Groups of shoppers: by an attribute, by a list, or by their profiles."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.core.errors import FailedPrecondition, InvalidInput

_CHOICES = tuple(range(3, 13))
_SAMPLE = 2000
_MOST = 200


@dataclass(frozen=True, slots=True)
class Segment:
    """A group of shoppers.

    Attributes:
        name: `[A-Za-z0-9_.-]+` for groups by profile; as given for the others.
        users: Who is in it.
        audience: Attribute → values that select it in campaigns.
    """

    name: str
    users: tuple[str, ...]
    audience: Mapping[str, tuple[str | int | float | bool, ...]]


def cluster_segments(users: Sequence[str], vectors: NDArray[np.float32], count: int, seed: int) -> list[Segment]:
    """k-means over profile vectors; groups in order of size, named `segment-1`, `segment-2` and so on.

    Args:
        users: With a profile, in order.
        vectors: Unit vectors; shape (n, d).
        count: Of groups; 0 chooses 3 to 12 by the mean silhouette.
        seed: Of the start.

    Raises:
        FailedPrecondition: If there are fewer shoppers than groups.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    least = count or _CHOICES[0] + 1
    if len(np.unique(vectors, axis=0)) < least:
        raise FailedPrecondition(
            f"expected at least {least} shoppers with differing profiles for {count or 'so many'} segments, got fewer; "
            "give a smaller number, or --users"
        )
    if count > _MOST:
        raise InvalidInput(f"expected at most {_MOST} segments, got {count}", field="--segment")
    sample = np.arange(len(vectors))
    if len(sample) > _SAMPLE:
        sample = np.sort(np.random.default_rng(seed).choice(sample, _SAMPLE, replace=False))
    best, best_score = None, -2.0
    for choice in (count,) if count else tuple(number for number in _CHOICES if number < len(vectors)):
        labels = KMeans(choice, n_init=4, random_state=seed).fit_predict(vectors)
        distinct = len(np.unique(labels[sample]))
        score = float(silhouette_score(vectors[sample], labels[sample])) if 1 < distinct < len(sample) else -1.0
        if score > best_score:
            best, best_score = labels, score
    assert best is not None
    groups = [tuple(user for user, label in zip(users, best, strict=True) if label == one) for one in np.unique(best)]
    groups.sort(key=lambda group: (-len(group), group[0]))
    return [
        Segment(f"segment-{number}", group, {"segment": (f"segment-{number}",)})
        for number, group in enumerate(groups, 1)
    ]


def read_users(path: Path) -> tuple[str, ...]:
    """Ids, one a line.

    Raises:
        InvalidInput: If the file cannot be read or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"expected a UTF-8 file with one shopper id a line, got: {getattr(error, 'strerror', None) or error}"
        raise InvalidInput(message, file=str(path), field="--users") from None
    users = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not users:
        raise InvalidInput("expected one shopper id a line, got none", file=str(path), field="--users")
    return users


def attribute_segment(path: Path, filters: Sequence[str], user_column: str = "user") -> Segment:
    """Shoppers whose attributes have given values.

    Args:
        path: CSV file with a row for each shopper.
        filters: `COLUMN=VALUE[,VALUE]`, all of which hold.
        user_column: Of the id.

    Raises:
        InvalidInput: If the file, a column or a filter is wrong, or nobody is in it.
    """
    wanted = {}
    for text in filters:
        column, equals, values = text.partition("=")
        if not equals or not column or not values:
            raise InvalidInput(f"expected COLUMN=VALUE[,VALUE], auto or a number, got {text!r}", field="--segment")
        wanted[column] = tuple(value.strip() for value in values.split(","))
    users = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            for column in (user_column, *wanted):
                if column not in columns:
                    flag = "--user-column" if column == user_column else "--segment"
                    message = f"no such column; the file has {', '.join(columns)}; name another with {flag}"
                    raise InvalidInput(message, file=str(path), field=column, line=1)
            for row in reader:
                if all((row[column] or "").strip() in values for column, values in wanted.items()):
                    users.append((row[user_column] or "").strip())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"expected a CSV file in UTF-8, got: {getattr(error, 'strerror', None) or error}"
        raise InvalidInput(message, file=str(path), field="--attributes") from None
    if not users:
        raise InvalidInput(
            "nobody has these values; look how they are written in the file", file=str(path), field="--segment"
        )
    name = " ".join(f"{column}={','.join(values)}" for column, values in wanted.items())
    return Segment(name, tuple(dict.fromkeys(users)), dict(wanted))
