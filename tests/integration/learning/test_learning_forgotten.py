"""After shoppers were forgotten, a model is a function of the journal as it now is."""

from __future__ import annotations

from engine.core.decision import Decision
from engine.core.learning import LearningOptions
from engine.core.outcome import Outcome
from engine.journal import JournalReader, erase_users


def users_of(shop) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for _, entry in JournalReader(shop.folder / "journal").read():
        if isinstance(entry.record, Decision | Outcome) and entry.record.user:
            found.setdefault(entry.record.user, []).append(entry.record.id)
    return found


def test_learners_of_the_shredded_journal_are_equal_whatever_their_steps(make_shop, make_campaign):
    options = LearningOptions(bits=12, save_every=37, interactions=("UV", "XC"), l2=1e-6)
    shop = make_shop(make_campaign(learning=options))
    shop.run(400)
    shop.quiet(1_000)
    for writer in shop.writers:
        writer.close()
    before = shop.learning("before")
    before.step()
    users = users_of(shop)
    names = {user: "x" + user[1:] for user in sorted(users)[::5]}
    assert len(names) == 10
    erased = erase_users(shop.folder / "journal", names)
    assert erased.records == {user: len(users[user]) for user in names}
    whole, stepped = shop.learning("whole"), shop.learning("stepped")
    whole.step()
    while stepped.step(most=23):
        pass
    stepped.step()
    assert whole.to_bytes() == stepped.to_bytes() != before.to_bytes()
    assert whole.learned == before.learned
    assert whole.tally.dead_letters == 0
    before.rebuild()
    assert before.to_bytes() == whole.to_bytes()
    for learner in (before, whole, stepped):
        learner.close()
