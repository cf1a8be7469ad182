"""Fitted models as files, and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from engine.profiles.content import ContentModel
from engine.profiles.factors import FactorModel
from engine.profiles.making import Models
from engine.profiles.profile_folder import ProfileFolder
from engine.profiles.settings import ProfileSettings

CONTENT = "content.npz"
FACTORS = "factors.npz"
ITEMS = "items.parquet"


def write_content(models: Models, path: Path) -> None:
    """An archive of arrays; empty where there is no model."""
    model = models.content
    arrays = {} if model is None else {"idf": model.idf, "components": model.components, "mean": model.mean}
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def write_factors(models: Models, path: Path) -> None:
    """An archive of arrays; rows in the order of the items."""
    model = models.factors
    with path.open("wb") as file:
        np.savez(file, items=model.items, shoppers=model.shoppers, singular=model.singular)


def read_content(folder: ProfileFolder) -> ContentModel | None:
    """What `write_content` wrote."""
    with np.load(folder.path(CONTENT), allow_pickle=False) as arrays:
        if not arrays.files:
            return None
        return ContentModel(arrays["idf"], arrays["components"], arrays["mean"])


def read_models(folder: ProfileFolder) -> Models:
    """Both models of a generation."""
    settings = ProfileSettings.from_json(folder.manifest.settings)
    with np.load(folder.path(FACTORS), allow_pickle=False) as arrays:
        factors = FactorModel(arrays["items"], arrays["shoppers"], arrays["singular"], settings)
    items = pl.read_parquet(folder.path(ITEMS), columns=["id"])["id"].to_list()
    return Models(read_content(folder), factors, tuple(items))
