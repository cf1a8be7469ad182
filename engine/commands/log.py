"""`python -m engine log`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from engine.config import Settings
from engine.service.exporting import export_log
from engine.wiring import journal_folder, open_campaigns, open_journal


def run(settings: Settings, campaign: str, output: Path) -> None:
    """Export; see the command's help."""
    journal_folder(settings)
    campaigns = open_campaigns(settings)
    counts = export_log(
        open_journal(settings, campaigns), campaigns.get(campaign).campaign, campaigns.catalogue, output
    )
    console = Console(soft_wrap=True, highlight=False)
    console.print(f"wrote {counts['decisions']:,} decisions with {counts['outcomes']:,} outcomes to {output}")
    if counts["uncredited"]:
        console.print(f"{counts['uncredited']:,} outcomes followed no decision within its horizon and are not in it")
    if counts["unknown_catalogues"]:
        console.print(
            f"{counts['unknown_catalogues']:,} catalogues are not known any more: their arms have no features"
        )
    console.print(f"next: python -m simulator replay {output}")
