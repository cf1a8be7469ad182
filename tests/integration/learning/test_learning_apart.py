"""With Vowpal Wabbit in a process beside it a learner writes the same checkpoints and models, of the same moments."""

from __future__ import annotations

import os
import signal

import pytest

from engine.core.errors import LearningError
from engine.service import learning as learning_module
from engine.service.learning_checkpoint import Checkpoint


@pytest.mark.parametrize("flush_every", [20_000, 60])
def test_checkpoints_and_snapshots_are_those_of_one_process(make_shop, monkeypatch, flush_every):
    monkeypatch.setattr(learning_module, "_LEARNED_A_FLUSH", flush_every)
    shop = make_shop()
    shop.run(900)
    shop.quiet(1_000)
    found = []
    for name, apart in (("together", False), ("apart", True)):
        learning = shop.learning(name, apart=apart)
        learning.step()
        model = shop.snapshots(name).load(learning.published.version).model
        found.append(((shop.folder / name / "checkpoint").read_bytes(), model, learning.to_bytes()))
        learning.close()
    assert found[0] == found[1]
    assert len(set(found[0])) == 3, "a checkpoint, a publish point and the end are different moments"


def test_checkpoints_of_steps_and_restarts_are_of_their_moment(make_shop):
    shop = make_shop()
    shop.run(900)
    shop.quiet(1_000)
    whole = shop.learning("whole")
    whole.step()
    for most in (150, 400, 700, 10_000):
        learning = shop.learning("stepping", apart=True)
        learning.step(most=most)
        learning.close()
        checkpoint = Checkpoint.load(shop.folder / "stepping" / "checkpoint")
        if checkpoint is None:
            continue
        again = shop.learning("stepping", apart=True)
        again._load()
        assert (again.learned, again.to_bytes()) == (checkpoint.learned, checkpoint.model)
        again.close()
    assert checkpoint is not None
    last = shop.learning("stepping", apart=True)
    last.step()
    assert last.to_bytes() == whole.to_bytes()
    for learning in (whole, last):
        learning.close()


def test_a_killed_process_beside_it_costs_nothing_that_was_saved(make_shop):
    shop = make_shop()
    shop.run(900)
    shop.quiet(1_000)
    learning = shop.learning(apart=True)
    learning.step(most=700)
    kept = (shop.folder / "learner" / "checkpoint").read_bytes()
    os.kill(learning._learner._process.pid, signal.SIGKILL)
    learning._learner._process.join()
    for _ in range(2):
        with pytest.raises(LearningError, match="ended"):
            learning.step()
    assert (shop.folder / "learner" / "checkpoint").read_bytes() == kept
    learning.close()
    again, whole = shop.learning(apart=True), shop.learning("whole")
    for each in (again, whole):
        each.step()
    assert again.to_bytes() == whole.to_bytes()
    for each in (again, whole):
        each.close()
