"""`vw:` policies: what Vowpal Wabbit itself says by hand, never told more than had matured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import vowpalwabbit

from engine.core.errors import InvalidInput
from simulator import Log, LogBuilder, ReplaySettings, evaluate
from simulator.horizons import Horizons
from simulator.policies import Constant, Holding, Progressive, Restricted
from simulator.policies.crossed_policy import CrossedPolicy
from simulator.policies.learning_task import LearningTask
from simulator.policies.vw_options import VwOptions
from simulator.policies.vw_policy import VwPolicy
from simulator.reward_scale import RewardScale

ARMS = ("hold", *(f"{variant}/{channel}/am" for variant in ("sun", "snow", "rain") for channel in ("email", "sms")))
LINES = {
    "hold": "|V hold:1 |C hold:1 |S hold:1",
    **{
        f"{variant}/{channel}/am": f"|V id={variant}:1 |C id={channel}:1 |S id=am:1 "
        f"|E e0:{np.float32(warmth):.9g} e1:{np.float32(1 / 3):.9g}"
        for variant, warmth in (("sun", 0.9), ("snow", -0.7), ("rain", 0.1))
        for channel in ("email", "sms")
    },
}
HOUR = 3_600_000_000
EXPLORING = (
    "--cb_explore_adf --epsilon 0.1 -q UV",
    "--cb_explore_adf --softmax --lambda 5 -q UV --cb_type ips",
    "--cb_explore_adf --squarecb --gamma_scale 100 -q UV -q XC",
    "--cb_explore_adf --bag 5 --epsilon 0.02 -q UE",
    "--cb_explore_adf --cover 4 --cb_type dr --cubic UVC",
    "--cb_explore_adf --regcbopt --mellowness 0.01 --cb_min_cost -1 --cb_max_cost 0",
    "--cb_explore_adf --rnd 3 --epsilon 0 --sgd --learning_rate 0.2",
    "--cb_explore_adf --first 30 --coin --interactions ::",
)


def clicked(log: Log) -> np.ndarray:
    return log.outcomes.occurred("click", log.rows)


def task(horizons: Horizons | None = None, **changes: Any) -> LearningTask:
    return replace(LearningTask("ctr", clicked, ("click",), horizons or Horizons()), **changes)


def policy(text: str, horizons: Horizons | None = None) -> VwPolicy:
    return VwPolicy(VwOptions.parse(text), task(horizons))


def records(rows: int, *, seed: int = 0, lag_s: float | None = 600.0) -> list[dict[str, Any]]:
    """Decisions a minute apart; sun is liked where the first number of the embedding is high, snow where it is low."""
    random = np.random.default_rng(seed)
    made: list[dict[str, Any]] = []
    for row in range(rows):
        eligible = ["hold", *random.permutation(ARMS[1:])[: 1 + row % 6].tolist()]
        shares = random.dirichlet(np.ones(len(eligible))) * 0.7 + 0.3 / len(eligible)
        place = int(random.choice(len(eligible), p=shares))
        embedding = random.normal(size=2).astype(np.float32)
        liking = {"sun": float(embedding[0] > 0), "snow": float(embedding[0] < 0)}.get(eligible[place].split("/")[0], 0)
        click: dict[str, Any] = {"type": "click"}
        if lag_s is not None:
            click["at"] = moment(60 * row + lag_s)
        made.append(
            {
                "decision_id": f"d{row}",
                "user": f"u{row % 97}",
                "decided_at": moment(60 * row),
                "arm": eligible[place],
                "propensity": shares[place],
                "eligible": eligible,
                "context": {"region": ["north", "far east"][row % 2], "age": row % 5, "member": row % 3 == 0},
                "embedding": embedding.tolist(),
                "outcomes": [click] * (random.random() < 0.05 + 0.5 * liking),
            }
        )
    return made


def moment(seconds: float) -> str:
    return str(np.datetime64("2026-03-01T00:00:00.000000") + np.timedelta64(round(seconds * 1e6), "us")) + "Z"


def log_of(rows: list[dict[str, Any]]) -> Log:
    described = {
        arm: {"embedding": [{"sun": 0.9, "snow": -0.7, "rain": 0.1}[arm.split("/")[0]], 1 / 3]} for arm in ARMS[1:]
    }
    builder = LogBuilder("memory")
    for line, record in enumerate(rows, start=1):
        builder.append({**record, "arms": described if line == 1 else None}, line)
    return builder.build()


def shared_line(record: Mapping[str, Any]) -> str:
    first, second = record["embedding"]
    context = record["context"]
    parts = [f"age:{context['age']}"] * (context["age"] > 0) + ["member:1"] * context["member"]
    parts.append("region=" + context["region"].replace(" ", "%20") + ":1")
    return f"shared |U u0:{first:.9g} u1:{second:.9g} |X " + " ".join(parts)


def by_hand(text: str, rows: list[dict[str, Any]], wait_s: float = 0.0) -> list[list[float]]:
    """Drive Vowpal Wabbit itself: one answer for each row, None learned before its wait is over."""
    native = vowpalwabbit.Workspace(f"{text} --quiet")
    answers, waiting = [], []
    for row, record in enumerate(rows):
        while waiting and waiting[0][0] <= 60 * row:
            native.learn(waiting.pop(0)[1])
        if len(record["eligible"]) == 1:
            answers.append([1.0])
            continue
        lines = [shared_line(record), *(LINES[arm] for arm in record["eligible"])]
        answers.append(native.predict(lines))
        place = record["eligible"].index(record["arm"])
        cost = -1.0 if record["outcomes"] else 0.0
        lines[place + 1] = f"0:{cost:.9g}:{record['propensity']:.9g} {lines[place + 1]}"
        waiting.append((60 * row + wait_s, lines))
    native.finish()
    return answers


@pytest.mark.parametrize("text", EXPLORING)
@pytest.mark.parametrize("wait_s", [0.0, 3600.0])
def test_it_says_what_vowpal_wabbit_says(text: str, wait_s: float) -> None:
    rows = records(200)
    log = log_of(rows)
    learner = policy(text, Horizons({"click": round(wait_s * 1e6)}))
    answer = learner.answer(log)
    expected = np.array([share for row in by_hand(text, rows, wait_s) for share in row])
    np.testing.assert_array_equal(answer.probabilities, expected / np.repeat(log.row_sums(expected), log.lengths))
    np.testing.assert_allclose(log.row_sums(answer.probabilities), 1.0, atol=1e-12)
    assert not isinstance(learner, Restricted), "every row judges it"


def test_without_exploration_it_plays_the_cheapest_arm_and_shares_ties() -> None:
    rows = records(150)
    log = log_of(rows)
    learner = policy("--cb_adf -q UV")
    answer = learner.answer(log)
    assert "--cb_adf alone gives no probabilities" in " ".join(learner.notes)
    for row, costs in enumerate(by_hand("--cb_adf -q UV", rows)):
        cheapest = np.array(costs) == min(costs)
        own = answer.probabilities[log.offsets[row] : log.offsets[row + 1]]
        np.testing.assert_allclose(own, cheapest / cheapest.sum(), atol=1e-12)
    # A fresh model thinks all arms alike.
    assert len(set(answer.probabilities[log.offsets[1] : log.offsets[2]])) == 1


@pytest.mark.parametrize("sizes", [(1,), (7, 1, 50), (64,)])
def test_chunks_of_any_size_give_the_same_probabilities(sizes: tuple[int, ...]) -> None:
    log = log_of(records(160))
    text, horizons = EXPLORING[2], Horizons({"click": HOUR})
    learner = policy(text, horizons)
    whole = learner.answer(log)
    chunked, pieces, start, turn = policy(text, horizons), [], 0, 0
    while start < log.rows:
        end = min(start + sizes[turn % len(sizes)], log.rows)
        pieces.append(chunked.answer(log.take(np.arange(start, end))).probabilities)
        start, turn = end, turn + 1
    np.testing.assert_array_equal(np.concatenate(pieces), whole.probabilities)
    assert chunked.notes == learner.notes


def test_a_second_pass_says_the_same() -> None:
    log, learner = log_of(records(80)), policy(EXPLORING[3])
    first = learner.answer(log).probabilities
    learner.begin()
    np.testing.assert_array_equal(learner.answer(log).probabilities, first)
    np.testing.assert_array_equal(policy(EXPLORING[3]).answer(log).probabilities, first)


def test_what_has_not_matured_changes_nothing() -> None:
    """Rewards of rows from minute 100 on are turned around: nothing may change before minute 160."""
    rows = records(260)
    turned = [
        {**row, "outcomes": [] if row["outcomes"] else [{"type": "click", "at": row["decided_at"]}]}
        if n >= 100
        else row
        for n, row in enumerate(rows)
    ]
    horizons = Horizons({"click": HOUR})
    here, there = (policy(EXPLORING[2], horizons).answer(log_of(of)).probabilities for of in (rows, turned))
    log = log_of(rows)
    until = log.offsets[160]
    np.testing.assert_array_equal(here[:until], there[:until])
    assert not np.array_equal(here[until:], there[until:])


def test_the_reward_is_what_had_come_by_the_horizon() -> None:
    late = [{**row, "outcomes": [{"type": "click", "at": moment(60 * n + 3601)}]} for n, row in enumerate(records(120))]
    never = [{**row, "outcomes": []} for row in late]
    horizons = Horizons({"click": HOUR})
    np.testing.assert_array_equal(
        policy(EXPLORING[0], horizons).answer(log_of(late)).probabilities,
        policy(EXPLORING[0], horizons).answer(log_of(never)).probabilities,
    )


def test_rows_teach_only_when_drawn_among_several_and_observed() -> None:
    rows = records(40)
    rows[3] |= {"mode": "holdout", "eligible": ["hold"], "arm": "hold", "propensity": 1.0}
    rows[4] |= {"mode": "forced", "propensity": 1.0}
    rows[5] |= {"mode": "shadow"}
    rows[6] |= {"eligible": ["hold"], "arm": "hold", "propensity": 1.0}
    rows[7] |= {"observed_until": moment(60 * 7 + 1800)}
    rows[8] |= {"mode": "control"}
    rows[9] |= {"mode": "fallback", "count": 3, "user": None}
    learner = policy(EXPLORING[0], Horizons({"click": HOUR}))
    learner.observe(log_of(rows))
    learner.freeze()
    assert learner.learned == 40 - 5 + 2


def test_a_split_learns_nothing_that_matured_after_it() -> None:
    rows = records(300)
    log, horizons = log_of(rows), Horizons({"click": HOUR})
    split = 200
    before, after = log.take(np.arange(split)), log.take(np.arange(split, log.rows))
    learner = policy(EXPLORING[0], horizons)
    learner.observe(before)
    learner.freeze(int(after.decided_at[0]))
    assert learner.learned == split - 59
    answer = learner.answer(after)
    shuffled = np.random.default_rng(3).permutation(after.rows)
    again = learner.answer(after.take(shuffled)).probabilities
    # Frozen: each row's answer is its own, in any order.
    for place, row in enumerate(shuffled[:30]):
        start, end = after.offsets[row], after.offsets[row + 1]
        begin = int(after.lengths[shuffled[:place]].sum())
        np.testing.assert_array_equal(answer.probabilities[start:end], again[begin : begin + end - start])
    assert learner.notes[0].startswith("learned before it is judged: ctr, from 141 decisions")
    with pytest.raises(InvalidInput, match="frozen"):
        learner.observe(after)


def test_a_split_before_anything_matured_gives_no_verdict() -> None:
    log = log_of(records(20))
    learner = policy(EXPLORING[0], Horizons({"click": 1000 * HOUR}))
    learner.observe(log)
    with pytest.raises(InvalidInput, match="complete before the split, got none to learn from; move the split"):
        learner.freeze(int(log.decided_at[-1]))


def test_halves_of_users_learn_from_one_another() -> None:
    log = log_of(records(240))

    def fold_of(chunk: Log) -> np.ndarray:
        return np.array([int(chunk.users[user][1:]) % 2 for user in chunk.user])

    crossed = CrossedPolicy([policy(EXPLORING[2]), policy(EXPLORING[2])], fold_of)
    for start in (0, 100):
        crossed.observe(log.take(np.arange(start, min(start + 100, log.rows) if start == 0 else log.rows)))
    crossed.freeze()
    answer = crossed.answer(log)
    fold = fold_of(log)
    alone = policy(EXPLORING[2])
    alone.observe(log.select(fold == 1))
    alone.freeze()
    np.testing.assert_array_equal(
        answer.probabilities[np.repeat(fold == 0, log.lengths)], alone.answer(log.select(fold == 0)).probabilities
    )
    assert not isinstance(crossed, Restricted), "every row judges it"


@pytest.mark.parametrize("text", ["--cb_explore_adf --squarecb --gamma_scale 1000 -q UV", "--cb_adf --clip_p 1 -q UV"])
def test_it_comes_to_like_what_shoppers_like(text: str) -> None:
    log = log_of(records(3000, seed=4))
    answer = policy(text).answer(log)
    liked = np.array([arm.split("/")[0] for arm in log.arms], dtype=object)[log.eligible]
    assert log.embedding is not None
    high = np.repeat(log.embedding[:, 0] > 0, log.lengths)
    truth = 0.05 + 0.5 * (((liked == "sun") & high) | ((liked == "snow") & ~high))
    uniform = log.row_sums(truth) / log.lengths
    best = np.maximum.reduceat(truth, log.offsets[:-1])
    value = log.row_sums(truth * answer.probabilities)
    last = slice(2000, None)
    share = (value[last].mean() - uniform[last].mean()) / (best[last].mean() - uniform[last].mean())
    assert share > 0.8
    assert value[last].mean() > value[:300].mean() + 0.05


def test_logs_out_of_order_are_not_learned() -> None:
    rows = records(10)
    with pytest.raises(InvalidInput, match=r"order of their time, got 'd5'.*sort"):
        policy(EXPLORING[0]).answer(log_of([*rows[:5], rows[7], rows[5]]))
    learner = policy(EXPLORING[0])
    learner.answer(log_of(rows[5:]))
    with pytest.raises(InvalidInput, match="order of their time"):
        learner.answer(log_of(rows[:5]))


def test_logs_without_times_are_learned_in_their_order_but_know_no_delay() -> None:
    rows = records(60, lag_s=None)
    timeless = log_of([{**row, "decided_at": None} for row in rows])
    np.testing.assert_array_equal(
        policy(EXPLORING[0]).answer(timeless).probabilities, policy(EXPLORING[0]).answer(log_of(rows)).probabilities
    )
    with pytest.raises(InvalidInput, match="decided_at"):
        policy(EXPLORING[0], Horizons(default_us=1)).answer(timeless)


def test_a_replay_of_a_log_without_times_takes_it_in_its_order() -> None:
    """Reward models too: with the times that the order stands for, all comes out the same."""
    rows = records(400, lag_s=None)
    asked = {"policies": ["vw:" + EXPLORING[0]], "metrics": ["ctr"], "estimators": ["snips", "dr"]}
    reports = [
        evaluate(log_of(of), settings=ReplaySettings(interval="delta"), **asked).policies[0]  # type: ignore[arg-type]
        for of in ([{**row, "decided_at": None} for row in rows], rows)
    ]
    timeless, timed = (dict(report.metrics["ctr"].estimates) for report in reports)
    assert timeless["dr"].value is not None
    assert timeless == timed


def test_a_share_held_of_a_learner_learns_as_it_answers() -> None:
    log = log_of(records(120))
    held, alone = Holding.of(0.25, policy(EXPLORING[0])), policy(EXPLORING[0])
    assert isinstance(held, Progressive)
    assert not isinstance(Holding.of(0.25, Constant("hold")), Progressive)
    is_hold = (log.eligible == log.code("hold")) * 1.0
    expected = 0.75 * alone.answer(log).probabilities + 0.25 * is_hold
    np.testing.assert_allclose(held.answer(log).probabilities, expected, atol=1e-12)
    assert held.notes == alone.notes
    held.begin()
    np.testing.assert_allclose(held.answer(log).probabilities, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--cb_explore_adf --squarecb --cb_type dr", "not a valid choice"),
        ("--cb_explore_adf --bag 3 --cover 3", "Vowpal Wabbit refused"),
        ("--cb_explore_adf --epsilon 2", "epsilon must be in"),
    ],
)
def test_what_vowpal_wabbit_refuses_is_an_error_of_the_caller(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        policy(text)


def test_an_answer_that_is_no_distribution_is_not_taken() -> None:
    with pytest.raises(InvalidInput, match="expected a distribution for decision"):
        policy("--cb_explore_adf --squarecb --gamma_scale -1 -q UV").answer(log_of(records(200)))


def test_money_is_scaled_and_bounds_of_regcb_follow() -> None:
    log = log_of(records(50))
    learner = VwPolicy(
        VwOptions.parse("--cb_explore_adf --regcb"),
        task(reward_of=lambda chunk: 40 * clicked(chunk) - 2, scale=RewardScale(-10.0, 30.0)),
    )
    stated = VwPolicy(
        VwOptions.parse("--cb_explore_adf --regcb --cb_min_cost -0.75 --cb_max_cost 0.25"),
        task(reward_of=lambda chunk: 40 * clicked(chunk) - 2, scale=RewardScale(-10.0, 30.0)),
    )
    np.testing.assert_array_equal(learner.answer(log).probabilities, stated.answer(log).probabilities)


def test_only_waiting_rows_are_held() -> None:
    log = log_of(records(400))
    learner = policy(EXPLORING[0], Horizons({"click": HOUR}))
    most = 0
    for start in range(0, log.rows, 10):
        learner.answer(log.take(np.arange(start, start + 10)))
        most = max(most, len(learner._queue))
    assert most <= 60


def test_many_waiting_rows_are_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    log, horizons = log_of(records(150)), Horizons({"click": HOUR})
    kept = policy(EXPLORING[0], horizons).answer(log).probabilities
    monkeypatch.setattr("simulator.policies.vw_policy._MOST_KEPT_TEXTS", 3)
    np.testing.assert_array_equal(policy(EXPLORING[0], horizons).answer(log).probabilities, kept)


def test_numbers_too_large_to_learn_from_are_named() -> None:
    rows = records(5)
    rows[2]["context"] = {**rows[2]["context"], "age": 1.7e9}
    with pytest.raises(InvalidInput, match=r"context.age.*'d2'"):
        policy(EXPLORING[0]).answer(log_of(rows))


def test_rows_that_stand_for_thousands_are_not_learned_one_by_one() -> None:
    rows = records(5)
    rows[2] |= {"count": 1001, "user": None}
    with pytest.raises(InvalidInput, match=r"count.*1001 in 'd2'"):
        policy(EXPLORING[0]).answer(log_of(rows))
