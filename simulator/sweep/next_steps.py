"""What to type after a sweep."""

from __future__ import annotations

import shlex

from simulator.sweep.sweep_report import SweepReport

__all__ = ["next_steps"]


def next_steps(report: SweepReport) -> tuple[str, ...]:
    """List the commands that make the winner serve.

    Its snapshot brings model, scale and t; exploration, floor and what is learned from then on are the campaign's. So
    its tables go into the campaign's file as well (see `simulator.promotion.settings_toml`).
    """
    winner, folder = report.winner, report.folder
    if winner is None or not winner.better or not folder:
        return ()
    if not winner.snapshot:
        spec = winner.row.policy
        return (f"python -m simulator replay LOG --policy {shlex.quote(spec)}",)
    if winner.derived:
        path = f"{folder}/{winner.snapshot}"
        return (f"python -m simulator replay LATER_LOG --policy {shlex.quote(f'snapshot:{path}')}",)
    return (
        f"python -m simulator place {shlex.quote(folder)} --data DATA",
        f"python -m engine models promote {winner.campaign} VERSION",
        f"python -m engine campaign update CAMPAIGN.toml    # with the tables of {folder}/winner/settings.toml",
        f"python -m engine learn --rebuild --campaign {winner.campaign}",
    )
