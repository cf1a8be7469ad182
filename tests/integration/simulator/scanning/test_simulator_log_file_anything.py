"""Logs of anything that the format allows, scanned as they are read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import Log

Scans = Callable[..., Log]

NAMES = st.text(min_size=1, max_size=6)

TEXTS = st.one_of(
    NAMES, st.sampled_from(["3", "true", "null", "1e5", "[1]", '{"a": 1}', "-", "\\", '"', "\x00", "é\u2028😀"])
)

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 1, 2**53, 2**53 + 1, 2**63, 2**64 - 1]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 1.0, -0.0, 0.1, 1e22, 1e-300]),
)

VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)

PLAIN_TIMES = st.datetimes(dt.datetime(1960, 1, 1), dt.datetime(2100, 1, 1)).map(lambda at: f"{at.isoformat()}+05:30")
TIMES = st.one_of(
    st.none(),
    PLAIN_TIMES,
    st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
    st.sampled_from(
        ["2025-03-01t12:00:00z", "1969-12-31T23:59:59.999999-00:30", "2025-03-01T12:00:00.123456789+14:00"]
    ),
)

TAME_CONTEXTS = st.fixed_dictionaries(
    {"n": st.integers(-5, 5)},
    optional={"f": st.floats(-1, 1), "t": st.sampled_from(["a", "7", "süd"]), "b": st.booleans(), "z": st.none()},
)
CONTEXTS = st.one_of(
    st.none(),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("x", "y z", 'q"', "true"), VALUES)),
    TAME_CONTEXTS,
)
OUTCOMES = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["click", "purchase", "not_sent", "3", "é"])},
        optional={
            "value": st.one_of(st.none(), st.integers(0, 9), st.floats(0, 1e9)),
            "at": TIMES,
            "outcome_id": st.one_of(
                st.none(), st.sampled_from(["o1", "7"]), st.integers(-9, 9), st.booleans(), st.just(0.5)
            ),
            "reason": VALUES,
        },
    ),
    max_size=3,
)

TAME_OUTCOMES = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["click", "purchase", "süd"])},
        optional={
            "value": st.one_of(st.none(), st.integers(0, 9), st.floats(0, 1e9)),
            "at": PLAIN_TIMES,
            "reason": TEXTS,
        },
    ),
    max_size=3,
)
DESCRIBED = st.dictionaries(
    NAMES,
    st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {}, optional={"variant": TEXTS, "slot": st.none(), "features": st.dictionaries(NAMES, VALUES, max_size=2)}
        ),
    ),
    max_size=2,
)


@st.composite
def decision(draw: st.DrawFn, width: int, tame: bool) -> dict[str, Any]:
    """Draw a record; a tame one is mostly read the fast way."""
    arms = st.sampled_from(["hold", "a", "b", "c/d/e", "7"])
    eligible = draw(st.lists(arms if tame else st.one_of(arms, TEXTS), min_size=1, max_size=4, unique=True))
    shares = draw(st.lists(st.integers(0, 9), min_size=len(eligible), max_size=len(eligible)).filter(any))
    kept: list[float | None] = [share / sum(shares) for share in shares]
    record: dict[str, Any] = {
        "arm": draw(st.sampled_from(eligible)),
        "propensity": draw(st.one_of(st.just(1), st.floats(0, 1, exclude_min=True))),
        "eligible": eligible,
        "outcomes": draw(TAME_OUTCOMES if tame else OUTCOMES),
    }
    optional: dict[str, st.SearchStrategy[Any]] = {
        "schema": st.sampled_from([None, "armsreach.decision.v1"]),
        "decided_at": TIMES,
        "observed_until": TIMES,
        "user": st.one_of(st.none(), TEXTS),
        "mode": st.sampled_from([None, "live", "control", "holdout", "shadow", "fallback", "forced"]),
        "context": CONTEXTS,
        "embedding": st.one_of(st.none(), st.lists(st.floats(-9, 9, width=32), min_size=width, max_size=width)),
        "probabilities": st.sampled_from([None, kept, [None, *kept[1:]]]),
        "count": st.one_of(st.none(), st.integers(1, 2**48)),
        "arms": st.one_of(st.none(), DESCRIBED),
        "excluded": st.one_of(
            st.none(), st.dictionaries(NAMES, st.sampled_from(["cap reached", "no"]), max_size=2), VALUES
        ),
        "position": st.one_of(st.none(), st.integers(0, 3), VALUES),
        "slate": VALUES,
        "snapshot": VALUES,
        "propensity_estimated": st.one_of(st.none(), st.booleans()),
        "weather": st.one_of(VALUES, st.lists(VALUES, max_size=2)),
    }
    if tame:
        optional |= {
            "user": st.one_of(st.none(), st.sampled_from(["u1", "7", "süd"])),
            "decided_at": st.one_of(st.none(), PLAIN_TIMES),
            "observed_until": PLAIN_TIMES,
            "context": TAME_CONTEXTS,
            "arms": st.one_of(
                st.none(), st.just({"a": {"variant": "x", "slot": None, "features": {"p": 1.5}}, "b": None})
            ),
            "excluded": st.dictionaries(st.sampled_from(["a", "cap"]), st.sampled_from(["cap reached", "no"])),
            "position": st.integers(0, 3),
            "slate": st.one_of(st.none(), st.sampled_from(["s1", "7"])),
            "snapshot": st.sampled_from(["00000001", "7"]),
            "weather": st.integers(-3, 3),
        }
    for name in draw(st.lists(st.sampled_from(sorted(optional)), unique=True)):
        record[name] = draw(optional[name])
    return record


def logs(tame: bool) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.integers(1, 3).flatmap(lambda width: st.lists(decision(width, tame), min_size=1, max_size=8))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(records=st.booleans().flatmap(logs), escaped=st.booleans(), end=st.sampled_from([b"\n", b"\r\n", b"\n\n"]))
def test_anything_that_the_format_allows(
    records: list[dict[str, Any]], escaped: bool, end: bytes, scans: Scans, tmp_path: Path
) -> None:
    """As json.dumps writes it, with what is not ASCII escaped or as it is."""
    path = tmp_path / "log.jsonl"
    lines = [json.dumps({"decision_id": f"d{n}", **one}, ensure_ascii=escaped) for n, one in enumerate(records)]
    path.write_bytes(end.join(line.encode() for line in lines))
    scans(path, [(1, 3, 2), (300, 7, 5), (16 << 20, 16_384, 16_384)])
