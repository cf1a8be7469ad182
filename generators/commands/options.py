"""Options that several commands share."""

from __future__ import annotations

import getpass

import typer

By = typer.Option("--by", help="Who approves, kept in the provenance; the name you are logged in by unless given.")


def approver(by: str) -> str:
    """Return who approves: the name given, or the one of the account."""
    try:
        return by.strip() or getpass.getuser()
    except (KeyError, OSError):
        # An account without a name, as in some containers; the caller then has to say who it is.
        return ""
