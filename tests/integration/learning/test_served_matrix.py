"""Servers map the matrix that publishing left beside the snapshot, and derive it where it is missing or off."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from engine.core.compiled import CompiledModel
from engine.service.serving import Serving


@pytest.fixture
def served(make_shop):
    shop = make_shop()
    shop.run(700)
    learning = shop.learning()
    learning.step()
    learning.close()
    store = shop.snapshots()
    return shop.campaign, store.load(store.current().version)


def matrix_file(snapshot) -> Path:
    (path,) = snapshot.folder.glob("arms-*.matrix")
    return path


def replace(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def test_publishing_leaves_the_matrix_that_servers_would_derive(served, monkeypatch):
    campaign, snapshot = served
    derived = CompiledModel.from_bytes(snapshot.compiled).matrix(campaign.catalogue().features())
    monkeypatch.setattr(CompiledModel, "matrix", None)
    matrix = Serving(campaign, 1, snapshot).matrix
    assert matrix.rows.tobytes() == derived.rows.tobytes()
    assert matrix.biases.tobytes() == derived.biases.tobytes()


@pytest.mark.parametrize("damage", ["gone", "cut", "flipped"])
def test_a_missing_or_damaged_matrix_is_derived_and_put_back(served, damage):
    campaign, snapshot = served
    path = matrix_file(snapshot)
    whole = path.read_bytes()
    expected = Serving(campaign, 1, snapshot).matrix.rows.tobytes()
    match damage:
        case "gone":
            path.unlink()
        case "cut":
            replace(path, whole[:-1])
        case "flipped":
            replace(path, whole[:-1] + bytes([whole[-1] ^ 1]))
    matrix = Serving(campaign, 1, snapshot).matrix
    assert matrix.rows.tobytes() == expected
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(whole).digest()


def test_a_catalogue_with_a_new_arm_gets_a_file_of_its_own(served):
    campaign, snapshot = served
    variants = campaign.variants[1:]
    changed = campaign.with_variants(variants)
    matrix = Serving(changed, 2, snapshot).matrix
    assert len(matrix.biases) == len(changed.catalogue())
    assert len(list(snapshot.folder.glob("arms-*.matrix"))) == 2


def test_a_swap_of_the_snapshot_alone_keeps_rules_and_remembered_sets(served):
    campaign, snapshot = served
    before = Serving(campaign, 1, None)
    after = Serving(campaign, 1, snapshot, before)
    assert after.eligibility is before.eligibility
    assert after.policy is not None
    other = campaign.with_variants(campaign.variants[1:])
    changed = Serving(other, 2, snapshot, before)
    assert changed.eligibility is not before.eligibility
    assert len(changed.hold_only.mask) == len(other.catalogue())
