from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.core.learning import LearningOptions

VICTIM = Path(__file__).parent / "learning_victim.py"
KILLS = 4


def live(folder: Path, seed: int, rng: random.Random, *, kill: bool) -> list[str]:
    """Run a learner until it is done, or kill it somewhere."""
    command = [sys.executable, str(VICTIM), str(folder), "victim", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines, last = [], rng.randint(5, 40)
        for line in process.stdout:
            lines.append(line.strip())
            if kill and len(lines) == last:
                time.sleep(rng.random() * 0.02)  # anywhere in a step: learning, publishing, writing the checkpoint
                process.kill()
                break
        if not kill:
            assert lines[-1:] == ["done"], process.stderr.read()
    return lines


@pytest.mark.parametrize("cb_type", ["mtr", "ips", "dr"])
def test_a_learner_killed_at_random_ends_with_the_same_weights_and_optimiser_state(make_shop, make_campaign, cb_type):
    options = LearningOptions(cb_type=cb_type, bits=12, save_every=37, interactions=("UV", "XC"), l2=1e-6)
    shop = make_shop(make_campaign(learning=options))
    shop.run(500)
    shop.quiet(1_000)
    undisturbed = shop.learning("undisturbed")
    undisturbed.step()
    rng = random.Random(f"kill {cb_type}")
    deaths = [live(shop.folder, i, rng, kill=True)[-1] for i in range(KILLS)]
    live(shop.folder, 99, rng, kill=False)
    assert max(map(int, deaths)) > 37  # past a save point
    assert (shop.folder / "victim.model").read_bytes() == undisturbed.to_bytes()
    # Every snapshot is whole, and no publish point was published twice.
    store = shop.snapshots("victim")
    learned = [store.load(version).manifest.learned for version in store.versions()]
    assert learned == sorted(set(learned))
    assert learned[-1] == undisturbed.learned // 120 * 120
    undisturbed.close()
