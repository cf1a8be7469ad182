"""Arm ids for the journal come from what is served, and from the store for all else."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import Settings, read_toml
from engine.core.errors import NotFound
from engine.service.registry import Registry
from engine.wiring import arms_of, open_campaigns, snapshot_stores

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def test_a_served_catalogue_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data=str(tmp_path / "data"))
    campaigns = open_campaigns(settings)
    stored = campaigns.create(read_toml(EXAMPLES / "campaign.toml"))
    catalogue = stored.campaign.catalogue()
    registry = Registry(campaigns, snapshot_stores(settings))
    registry.refresh()
    assert arms_of(campaigns)(catalogue.digest) == catalogue.ids

    def unreadable(digest: str) -> None:
        raise NotFound(f"catalogue: none with digest {digest!r}")

    monkeypatch.setattr(campaigns, "catalogue", unreadable)
    assert arms_of(campaigns, registry)(catalogue.digest) == catalogue.ids
    with pytest.raises(NotFound):
        arms_of(campaigns, registry)("0" * 24)
