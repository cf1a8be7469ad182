"""A snapshot's manifest with every field filled."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.store import Manifest

START = datetime(2026, 3, 1, tzinfo=UTC)

MANIFEST = Manifest(
    version="",
    parent="",
    epoch=0,
    campaign="spring",
    positions={"w0": {"segment": 1, "offset": 640}},
    watermark=START,
    horizon_s={"click": 86_400, "purchase": 604_800.5},
    vw={"version": "9.11.9", "options": ["--cb_adf", "-q", "UV"]},
    feature_schema={"dimension": 3, "attributes": {}},
    catalogue="c0ffee",
    objective={"weights": {"click": 1.0}, "scale": [0.0, 1.0]},
    exploration={"policy": "squarecb", "gamma": 100.0, "t": 20_000},
    floor={"share": 0.05, "hold": 0.01},
    learned=20_000,
    created_at=START,
)
