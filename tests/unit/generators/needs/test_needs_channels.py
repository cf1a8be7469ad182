import json

import pytest
from scipy.stats import beta

from engine.core.errors import InvalidInput
from generators.needs import ChannelModel


def row(user, arm, clicked=False, **more):
    return {"decision_id": "d", "user": user, "arm": arm, "outcomes": [{"type": "click"}] * clicked, **more}


def log(path, rows):
    path.write_text("\n".join(json.dumps(one) if isinstance(one, dict) else one for one in rows) + "\n")
    return path


def test_clicks_are_counted_by_channel(tmp_path):
    rows = [row("u", "v/sms/now", n < 8) for n in range(10)] + [row("u", "v/email/now", n < 1) for n in range(10)]
    rows += [row(f"w{n}", f"v/{channel}/now", n % 4 == 0) for n in range(40) for channel in ("sms", "email")]
    rows += [row("u", "hold"), row("u", "v/sms/now", mode="shadow")]
    rows += [{**row("u", "v/sms/now"), "outcomes": [{"type": "not_sent"}]}]
    sms, email = ChannelModel.read(log(tmp_path / "log.jsonl", rows)).of(["u"])
    assert (sms.channel, sms.sent, sms.clicked, email.sent, email.clicked) == ("sms", 10, 8, 10, 1)
    assert sms.rate > sms.everyone > 0.25
    assert sms.everyone == pytest.approx(18.5 / 51)
    # Beta(rate · s + 8, (1 − rate) · s + 2) for the strength s that the mean tells.
    strength = (8 - 10 * sms.rate) / (sms.rate - sms.everyone)
    a, b = strength * sms.everyone + 8, strength * (1 - sms.everyone) + 2
    assert sms.confidence == pytest.approx(beta.sf(sms.everyone, a, b))
    assert sms.low == pytest.approx(beta.ppf(0.05, a, b))
    assert 1.0 <= strength <= 4096.0


def test_counts_of_identical_decisions_are_honoured(tmp_path):
    model = ChannelModel.read(log(tmp_path / "log.jsonl", [row("u", "v/sms/now", True, count=7)]))
    assert (model.of(["u"])[0].sent, model.of(["u"])[0].clicked) == (7, 7)
    assert model.of(["nobody"]) == ()


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("no json", ""),
        ('{"arm": "sms", "outcomes": []}', "arm"),
        ('{"arm": "v/sms/now", "outcomes": 3}', "outcomes"),
        ('{"arm": "v/sms/now", "outcomes": [], "user": "u", "count": 0}', "count"),
        ('{"schema": "other", "arm": "hold"}', ""),
    ],
)
def test_wrong_lines_are_named(tmp_path, line, field):
    with pytest.raises(InvalidInput) as error:
        ChannelModel.read(log(tmp_path / "log.jsonl", [row("u", "hold"), line]))
    assert (error.value.line, error.value.field) == (2, field)


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(InvalidInput, match="check the path"):
        ChannelModel.read(tmp_path / "none.jsonl")
