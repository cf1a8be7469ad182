"""Tokens, scopes, campaigns, rates and sizes, by hand."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.config import read_settings
from engine.core.errors import (
    ConfigError,
    FailedPrecondition,
    InvalidInput,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
)
from engine.core.scope import Scope
from engine.pb.armsreach.v1 import campaigns_pb2, delivery_pb2, models_pb2
from engine.server.access import ClientRates, NoRates, PeerGate, Sizes, TokenGate, Tokens
from engine.server.access.calls import SCOPES, campaign_of, rows_of
from engine.server.statuses import status_of
from engine.store.access import TokenFile, token_digest

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)
SIZES = Sizes(decide=1000, call=2000)


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.toml")


def calling(token: str | None = None, peer: str = "ipv4:10.0.0.7:50000", scheme: str = "Bearer") -> Any:
    headers = [("user-agent", "test")] + ([("authorization", f"{scheme} {token}")] if token is not None else [])
    return SimpleNamespace(invocation_metadata=lambda: tuple(headers), peer=lambda: peer)


def decide(campaign: str = "promo", **fields: Any) -> delivery_pb2.DecideRequest:
    return delivery_pb2.DecideRequest(campaign=campaign, user="u", **fields)


def test_every_call_of_every_service_has_a_scope() -> None:
    services = [
        service for module in (delivery_pb2, campaigns_pb2, models_pb2)
        for service in module.DESCRIPTOR.services_by_name.values()
    ]  # fmt: skip
    calls = [method for service in services for method in service.methods]
    assert {method.name for method in calls} == set(SCOPES)
    assert len(calls) == len(SCOPES), "scopes are by name, so a name must stand for one call"
    for method in calls:
        message = method.input_type._concrete_class()
        assert campaign_of(method.name, message) == ""
        assert rows_of(method.name, message) in (0, 1)


def test_the_file_keeps_digests_only_and_gives_grants_back(file: TokenFile) -> None:
    token = file.add("ad-server", [Scope.DECIDE, Scope.REPORT], AT, ["promo", 'od"d'], 5.0)
    other = file.add("batch", [Scope.DECIDE], AT)
    text = file.path.read_text()
    assert token not in text
    assert other not in text
    assert len(token) > 40
    assert token != other
    assert file.path.stat().st_mode & 0o777 == 0o600
    first, second = file.grants()
    assert (first.name, first.scopes, first.campaigns, first.rows_per_s, first.created_at) == (
        "ad-server", (Scope.DECIDE, Scope.REPORT), ("promo", 'od"d'), 5.0, AT,
    )  # fmt: skip
    assert (first.digest, second.digest) == (token_digest(token), token_digest(other))
    with pytest.raises(FailedPrecondition, match="exists"):
        file.add("batch", [Scope.REPORT], AT)
    file.revoke("ad-server")
    assert [grant.name for grant in file.grants()] == ["batch"]
    with pytest.raises(NotFound, match="batch"):
        file.revoke("ad-server")


@pytest.mark.parametrize(
    ("name", "scopes", "field"), [("", [Scope.DECIDE], "name"), ("a b", [Scope.DECIDE], "name"), ("a", [], "scopes")]
)
def test_a_grant_is_checked(file: TokenFile, name: str, scopes: list[Scope], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        file.add(name, scopes, AT)
    assert caught.value.field == field


def test_a_file_that_others_may_write_is_refused(file: TokenFile) -> None:
    file.add("a", [Scope.DECIDE], AT)
    os.chmod(file.path, 0o620)
    with pytest.raises(FailedPrecondition, match="chmod 600"):
        file.grants()


@pytest.mark.parametrize(
    "text",
    [
        "[[token]\n",
        '[[token]]\nname = "a"\n',
        '[[token]]\nname = "a"\ndigest = "00"\nscopes = ["decide"]\n',
        f'[[token]]\nname = "a"\ndigest = "{"0" * 64}"\nscopes = ["all"]\n',
        f'[[token]]\nname = "a"\ndigest = "{"0" * 64}"\nscopes = ["decide"]\n' * 2,
    ],
)
def test_a_file_that_is_wrong_names_itself(file: TokenFile, text: str) -> None:
    file.path.write_text(text)
    os.chmod(file.path, 0o600)
    with pytest.raises(ConfigError, match=r"tokens\.toml"):
        file.grants()


def test_a_gate_asks_for_token_scope_and_campaign(file: TokenFile) -> None:
    limited = file.add("limited", [Scope.DECIDE], AT, ["promo"])
    people = file.add("people", [Scope.CAMPAIGNS, Scope.MODELS], AT)
    gate = TokenGate(Tokens(file), NoRates(), SIZES)
    gate.admit("Decide", decide(), calling(limited))
    gate.admit("GetCampaign", campaigns_pb2.GetCampaignRequest(id="promo"), calling(people))
    gate.admit("ListCampaigns", campaigns_pb2.ListCampaignsRequest(), calling(people))
    for header in (calling(), calling("", scheme=""), calling(limited, scheme="Basic"), calling(limited + "x")):
        with pytest.raises(Unauthenticated):
            gate.admit("Decide", decide(), header)
    with pytest.raises(PermissionDenied, match="needs the scope report"):
        gate.admit("ReportOutcomes", delivery_pb2.ReportOutcomesRequest(campaign="promo"), calling(limited))
    with pytest.raises(PermissionDenied, match="needs the scope decide"):
        gate.admit("Decide", decide(), calling(people))
    with pytest.raises(PermissionDenied, match="needs a scope that there is not"):
        gate.admit("Invented", decide(), calling(people))
    for asked in (
        decide("other"),
        decide(""),
    ):
        with pytest.raises(PermissionDenied, match="campaigns promo"):
            gate.admit("Decide", asked, calling(limited))


def test_campaigns_are_found_wherever_a_request_names_them(file: TokenFile) -> None:
    token = file.add("limited", list(Scope), AT, ["promo"])
    gate = TokenGate(Tokens(file), NoRates(), SIZES)
    by_id = delivery_pb2.ExplainRequest(decision_id="d", campaign="promo")
    by_request = delivery_pb2.ExplainRequest(request=decide())
    settings = campaigns_pb2.CreateCampaignRequest(settings_json='{"id": "promo"}')
    allowed: list[tuple[str, Any]] = [
        ("Explain", by_id), ("Explain", by_request), ("CreateCampaign", settings),
        ("UpdateCampaign", campaigns_pb2.UpdateCampaignRequest(id="promo")),
        ("SetShares", models_pb2.SetSharesRequest(campaign="promo")),
    ]  # fmt: skip
    for method, request in allowed:
        gate.admit(method, request, calling(token))
    refused: list[tuple[str, Any]] = [
        ("Explain", delivery_pb2.ExplainRequest(decision_id="d")),
        ("Explain", delivery_pb2.ExplainRequest(request=decide("other"), campaign="promo")),
        ("CreateCampaign", campaigns_pb2.CreateCampaignRequest(settings_json='{"id": "other"}')),
        ("CreateCampaign", campaigns_pb2.CreateCampaignRequest(settings_json='["promo"]')),
        ("CreateCampaign", campaigns_pb2.CreateCampaignRequest(settings_json="{")),
        ("CreateCampaign", campaigns_pb2.CreateCampaignRequest(settings_json='{"id": ["promo"]}')),
        ("ListCampaigns", campaigns_pb2.ListCampaignsRequest()),
    ]
    for method, request in refused:
        with pytest.raises(PermissionDenied):
            gate.admit(method, request, calling(token))


def test_each_message_of_a_stream_is_looked_at(file: TokenFile) -> None:
    token = file.add("batch", [Scope.DECIDE], AT, ["promo"], rows_per_s=10.0)
    time = Time()
    gate = TokenGate(Tokens(file, time), ClientRates(0.0, 2.0, clock=time), SIZES)
    gate.admit("DecideBatch", None, calling(token))
    batch = delivery_pb2.DecideBatchRequest(campaign="promo", users=["u"] * 30)
    assert gate.heed("DecideBatch", batch, calling(token)) == pytest.approx(1.0)  # a bucket of 20, 30 taken
    time.now += 3.0
    assert gate.heed("DecideBatch", batch, calling(token)) == pytest.approx(1.0)  # 20 again, not 30
    with pytest.raises(PermissionDenied):
        gate.heed("DecideBatch", delivery_pb2.DecideBatchRequest(campaign="other"), calling(token))
    file.revoke("batch")
    time.now += 3.0
    with pytest.raises(Unauthenticated):
        gate.heed("DecideBatch", batch, calling(token))


def test_changes_of_the_file_are_taken_up_within_a_second(file: TokenFile, caplog: pytest.LogCaptureFixture) -> None:
    time = Time()
    tokens = Tokens(file, time)
    token = file.add("late", [Scope.METRICS], AT)
    assert not tokens.allows(f"Bearer {token}", Scope.METRICS), "looked at the file at every call"
    time.now += 1.1
    assert tokens.allows(f"Bearer {token}", Scope.METRICS)
    assert not tokens.allows(f"Bearer {token}", Scope.DECIDE)
    good = file.path.read_bytes()
    file.path.write_text("[[")
    time.now += 1.1
    assert tokens.allows(f"Bearer {token}", Scope.METRICS), "a slip of the pen must not lock everybody out"
    assert "stay as they were" in caplog.text
    file.path.write_bytes(good)
    time.now += 1.1
    assert tokens.allows(f"Bearer {token}", Scope.METRICS)
    file.path.unlink()
    time.now += 1.1
    assert not tokens.allows(f"Bearer {token}", Scope.METRICS)
    assert token not in caplog.text


def test_a_bucket_refuses_and_says_when_to_come_back() -> None:
    time = Time()
    rates = ClientRates(10.0, 1.0, clock=time)
    for _ in range(10):
        rates.require("a", 1)
    with pytest.raises(ResourceExhausted) as caught:
        rates.require("a", 1)
    assert caught.value.retry_s == pytest.approx(0.1)
    status = status_of(caught.value)
    assert status.code.value[1] == "resource exhausted"
    rates.require("b", 1)
    time.now += 0.1
    rates.require("a", 1)
    time.now += 100.0
    rates.require("a", 1_000)
    with pytest.raises(ResourceExhausted) as caught:
        rates.require("a", 1)
    assert caught.value.retry_s == pytest.approx(99.1)


def test_workers_share_a_rate_and_buckets_are_bounded() -> None:
    time = Time()
    rates = ClientRates(100.0, 1.0, workers=4, clock=time)
    for _ in range(25):
        rates.require("a", 1)
    with pytest.raises(ResourceExhausted, match="more than 100 "):
        rates.require("a", 1)
    for i in range(10_050):
        rates.require(f"c{i}", 1)
    assert len(rates._buckets) == 10_000


def test_without_tokens_an_address_is_the_client() -> None:
    gate = PeerGate(ClientRates(1.0, 1.0, clock=Time()), SIZES)
    gate.admit("Decide", decide(), calling(peer="ipv4:10.0.0.7:1"))
    with pytest.raises(ResourceExhausted):
        gate.admit("Decide", decide(), calling(peer="ipv4:10.0.0.7:2"))
    gate.admit("Decide", decide(), calling(peer="ipv6:[::1]:2"))


def test_sizes_are_by_kind_of_call() -> None:
    gate = PeerGate(NoRates(), SIZES)
    gate.admit("Decide", decide(embedding=[1.0] * 200), calling())
    with pytest.raises(InvalidInput, match="at most 1000 bytes"):
        gate.admit("Decide", decide(embedding=[1.0] * 300), calling())
    report = delivery_pb2.ReportOutcomesRequest(campaign="x" * 1500)
    gate.admit("ReportOutcomes", report, calling())
    report.campaign = "x" * 2000
    with pytest.raises(InvalidInput, match="call_kb"):
        gate.admit("ReportOutcomes", report, calling())


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [
        ({}, True),
        ({"ARMSREACH_SERVER__HOST": "0.0.0.0"}, False),
        ({"ARMSREACH_SERVER__HOST": "0.0.0.0", "ARMSREACH_SECURITY__TOKENS": "t"}, False),
        (
            {
                "ARMSREACH_SERVER__HOST": "10.0.0.1",
                "ARMSREACH_SECURITY__CERTIFICATE": "c",
                "ARMSREACH_SECURITY__KEY": "k",
            },
            False,
        ),
        (
            {
                "ARMSREACH_SERVER__HOST": "0.0.0.0",
                "ARMSREACH_SECURITY__CERTIFICATE": "c",
                "ARMSREACH_SECURITY__KEY": "k",
                "ARMSREACH_SECURITY__TOKENS": "t",
            },
            True,
        ),
        (
            {
                "ARMSREACH_SERVER__HOST": "::",
                "ARMSREACH_SECURITY__CERTIFICATE": "c",
                "ARMSREACH_SECURITY__KEY": "k",
                "ARMSREACH_SECURITY__CLIENT_CA": "a",
            },
            True,
        ),
        ({"ARMSREACH_SERVER__HOST": "0.0.0.0", "ARMSREACH_SECURITY__LISTEN_WITHOUT_CREDENTIALS": "true"}, True),
        ({"ARMSREACH_SECURITY__CERTIFICATE": "c"}, False),
        ({"ARMSREACH_SECURITY__CLIENT_CA": "c"}, False),
        ({"ARMSREACH_LIMITS__BURST_S": "0"}, False),
        ({"ARMSREACH_LIMITS__ROWS_PER_S": "-1"}, False),
    ],
)
def test_beyond_loopback_only_with_credentials(environment: dict[str, str], allowed: bool) -> None:
    if allowed:
        read_settings(None, environment)
    else:
        with pytest.raises(ConfigError):
            read_settings(None, environment)


def test_files_stand_beside_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text('[security]\ncertificate = "c.pem"\nkey = "/k.pem"\ntokens = "t.toml"\n')
    settings = read_settings(path, {})
    assert settings.security.certificate == str(tmp_path / "c.pem")
    assert settings.security.key == "/k.pem"
    assert settings.security.client_ca == ""
    assert settings.tokens_file == tmp_path / "t.toml"
    assert read_settings(None, {}).tokens_file == Path("var/tokens.toml")
