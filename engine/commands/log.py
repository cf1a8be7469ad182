"""`python -m engine log`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from engine.config import Settings
from engine.service.exporting import export_log
from engine.wiring import open_campaigns, open_journal


def run(settings: Settings, campaign: str, output: Path) -> None:
    """Export; see the command's help."""
    campaigns = open_campaigns(settings)
    counts = export_log(
        open_journal(settings, campaigns), campaigns.get(campaign).campaign, campaigns.catalogue, output
    )
    Console().print(f"{output}: {counts}")
