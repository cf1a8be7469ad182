"""What all tests share: how hypothesis searches, a report to look at, a manifest to change, small language models."""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from engine.store import Manifest
    from simulator import ReplayReport

# The same examples in every run, so that a failure is the fault of the change it appears with. To look further, run
# with HYPOTHESIS_PROFILE=search: other examples each time.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture(scope="session")
def sample_report() -> ReplayReport:
    """A report with everything that a page can draw, made by hand."""
    made: ReplayReport = runpy.run_path(str(Path(__file__).with_name("sample_report.py")))["made_report"]()
    return made


@pytest.fixture(scope="session")
def make_manifest() -> Callable[..., Manifest]:
    """A whole manifest but for what is changed of it."""
    whole: Manifest = runpy.run_path(str(Path(__file__).with_name("sample_manifest.py")))["MANIFEST"]

    def make(**changes: Any) -> Manifest:
        return replace(whole, **changes)

    return make


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of small models of three families, trained here in seconds."""
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    made: dict[str, Path] = runpy.run_path(str(Path(__file__).with_name("tiny_models.py")))["made_tiny_models"](
        tmp_path_factory.mktemp("tiny")
    )
    return made
