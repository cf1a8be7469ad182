"""`python -m simulator`: replay, check and import decision logs."""

from __future__ import annotations

import typer

from simulator.commands import (
    budget,
    experiment,
    export,
    import_csv,
    import_dsjson,
    import_hillstrom,
    import_obd,
    import_upworthy,
    lint,
    place,
    plan,
    replay,
    simulate,
    sweep,
)

__all__ = ["application"]


def application() -> typer.Typer:
    """Make the command line; each command's module registers itself."""
    app = typer.Typer(
        name="simulator",
        help="Replay policies on decision logs, check logs, and import them.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    replay.register(app)
    lint.register(app)
    simulate.register(app)
    experiment.register(app)
    export.register(app)
    plan.register(app)
    budget.register(app)
    sweep.register(app)
    place.register(app)
    importers = typer.Typer(help="Turn other logs into decision logs.", no_args_is_help=True)
    for command in (import_obd, import_hillstrom, import_upworthy, import_dsjson, import_csv):
        command.register(importers)
    app.add_typer(importers, name="import")
    return app


if __name__ == "__main__":
    application()()
