"""A batch stream that breaks and goes on: nothing is decided twice, on any worker, also after a restart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from engine.calling.batch import Batch
from engine.client import Client, ClientOptions
from engine.core.errors import InvalidInput


def batches(count: int, size: int = 50, seed: int = 3) -> list[Batch]:
    generator = np.random.default_rng(seed)
    return [
        Batch(
            campaign="promo",
            users=[f"user-{part}-{i}" for i in range(size)],
            embeddings=generator.normal(size=(size, 4)).astype(np.float32),
            attributes={"segment": [("new", "regular", None)[i % 3] for i in range(size)]},
            consent_columns={"sms": np.arange(size) % 2 == 0},
            request_id=f"night-{part}",
            tag=str(part),
        )
        for part in range(count)
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_broken_stream_goes_on_without_deciding_twice(
    start_server: Callable[..., Any],
    patient: ClientOptions,
    make_settings: Callable[..., dict[str, Any]],
    workers: int,
) -> None:
    server = start_server(workers=workers)
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings())
    time.sleep(0.5)  # the other worker looks for news several times a second

    def breaking() -> Iterator[Batch]:
        yield from batches(6)[:4]
        raise RuntimeError("the caller's machine went away")

    answers = {}
    with Client(server.address, patient) as client:
        stream = client.decide_batch(breaking())
        with pytest.raises(RuntimeError, match="went away"):
            answers.update((answer.tag, answer) for answer in stream)
    server.kill()
    again = start_server(workers=workers)
    with Client(again.address, patient) as client:
        client.connect(10.0)
        repeated = {answer.tag: answer for answer in client.decide_batch(batches(6))}
    assert len(repeated) == 6
    for tag, answer in answers.items():
        assert repeated[tag].decision_ids == answer.decision_ids
        assert repeated[tag].arms == answer.arms
        assert repeated[tag].propensities.tolist() == answer.propensities.tolist()
    again.stop()
    ids = [decision.id for decision in again.decisions()]
    assert len(ids) == len(set(ids)) == 300


def test_another_batch_under_one_id_is_refused(client: Client) -> None:
    first, other = batches(1, seed=3)[0], batches(1, seed=4)[0]
    (answer,) = client.decide_batch([first])
    (same,) = client.decide_batch([first])
    assert same.decision_ids == answer.decision_ids
    with pytest.raises(InvalidInput, match="another body"):
        list(client.decide_batch([other]))


def test_ids_for_users_and_for_the_batch_exclude_each_other(client: Client) -> None:
    from dataclasses import replace

    both = replace(batches(1)[0], request_ids=[f"r{i}" for i in range(50)])
    with pytest.raises(InvalidInput, match="got both"):
        list(client.decide_batch([both]))
