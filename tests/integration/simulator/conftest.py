"""Real data, where it is, and the command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from simulator.__main__ import application

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Find a file of the data folder, or skip."""

    def find(name: str) -> Path:
        path = Path(os.environ.get("ARMSREACH_DATA", ROOT / "../shared/data")) / name
        if not path.exists():
            pytest.skip(f"{name} is not in ARMSREACH_DATA (default ../shared/data)")
        return path

    return find


@pytest.fixture
def simulator() -> Callable[..., Result]:
    """Run `python -m simulator` with arguments, in this process."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(application(), [str(argument) for argument in arguments])

    return run
