"""Tokens, TLS and limits on a real server."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from engine.client import AsyncClient, Batch, Client, ClientOptions
from engine.commands.app import app
from engine.core.errors import ArmsreachError, PermissionDenied, ResourceExhausted, Unauthenticated, Unavailable

DAYS = "2"  # that a certificate holds


def openssl(*arguments: str, folder: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def new_key(name: str) -> list[str]:
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key"]


def make_authority(folder: Path, name: str = "ca") -> None:
    subject = ["-subj", f"/CN=test {name}", "-days", DAYS, "-addext", "basicConstraints=critical,CA:TRUE"]
    openssl("req", "-x509", *new_key(name), "-out", f"{name}.pem", *subject, folder=folder)


def make_certificate(folder: Path, name: str, authority: str = "ca", serial: int = 1) -> None:
    openssl("req", *new_key(name), "-out", f"{name}.csr", "-subj", f"/CN={name}", folder=folder)
    (folder / "san.cnf").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    signing = ["-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-set_serial", str(serial), "-days", DAYS]
    openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signing, "-extfile", "san.cnf", folder=folder)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    for name in ("ca", "other"):
        make_authority(folder, name)
    for name in ("server", "client"):
        make_certificate(folder, name)
    make_certificate(folder, "stranger", "other")
    make_certificate(folder, "foreign", "other")
    return folder


def command(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def add(folder: Path, name: str, *arguments: str) -> str:
    code, token, errors = command("tokens", "add", name, "--config", str(folder / "armsreach.toml"), *arguments)
    assert code == 0, errors
    return token.strip()


@pytest.fixture
def guarded(start_server: Any, make_settings: Any) -> Iterator[tuple[Any, str, Callable[..., Client]]]:
    """A server with tokens, one that may do all, and a maker of clients."""
    server = start_server(settings='[security]\ntokens = "tokens.toml"\n')
    everything = add(server.folder, "all", *(f"--scope={s}" for s in ("decide", "report", "campaigns", "models")))
    made: list[Client] = []

    def client(token: str, **options: Any) -> Client:
        made.append(Client(server.address, ClientOptions(deadline_ms=5_000.0, token=token, **options)))
        return made[-1]

    in_force(lambda: client(everything).create_campaign(make_settings()))
    yield server, everything, client
    for one in made:
        one.close(0.1)


def in_force(act: Callable[[], Any], within_s: float = 10.0) -> None:
    """Repeat a call until the server knows its token, whatever else it says then."""
    ends = time.monotonic() + within_s
    while True:
        try:
            act()
        except Unauthenticated:
            assert time.monotonic() < ends, "the new token was not taken up"
            time.sleep(0.1)
        except ArmsreachError:
            return
        else:
            return


def revoked(act: Callable[[], Any], within_s: float = 10.0) -> None:
    """Repeat a call until the server does not know its token."""
    ends = time.monotonic() + within_s
    while time.monotonic() < ends:
        try:
            act()
        except Unauthenticated:
            return
        time.sleep(0.1)
    raise AssertionError("the token is still good")


def test_tokens_scopes_and_campaigns(guarded: Any, make_settings: Any) -> None:
    server, everything, client = guarded
    client(everything).create_campaign(make_settings("secret"))
    token = add(server.folder, "ads", "--scope", "decide", "--campaign", "promo")
    ads, nobody = client(token), client("")
    in_force(ads.campaigns)
    answer = ads.decide("promo", "u1", [0.0] * 4)
    assert not answer.safe
    assert ads.explain(answer.decision_id, campaign="promo").draw is not None
    for call in (
        lambda: ads.decide("secret", "u1", [0.0] * 4),
        lambda: ads.explain(answer.decision_id),
        ads.campaigns,
        lambda: ads.snapshots("promo"),
        lambda: list(ads.decide_batch([Batch("secret", ["u"], np.zeros((1, 4), np.float32))])),
    ):
        with pytest.raises(PermissionDenied):
            call()
    (batch,) = ads.decide_batch([Batch("promo", ["u", "v"], np.zeros((2, 4), np.float32))])
    assert len(batch.decision_ids) == 2
    for call in (nobody.campaigns, lambda: nobody.decide("promo", "u", [0.0] * 4)):
        with pytest.raises(Unauthenticated, match="tokens add"):
            call()
    code, listed, _ = command("tokens", "list", "--config", str(server.folder / "armsreach.toml"))
    assert (code, "ads" in listed, "promo" in listed, token in listed) == (0, True, True, False)
    assert command("tokens", "revoke", "ads", "--config", str(server.folder / "armsreach.toml"))[0] == 0
    revoked(lambda: ads.decide("promo", "u2", [0.0] * 4))
    assert token not in server.log


async def test_the_async_client_has_a_token_too(guarded: Any) -> None:
    server, everything, _ = guarded
    async with AsyncClient(server.address, ClientOptions(deadline_ms=5_000.0, token=everything)) as client:
        assert not (await client.decide("promo", "u", [0.0] * 4)).safe
        batches = [Batch("promo", ["u"], np.zeros((1, 4), np.float32))]
        assert [len(answer.decision_ids) async for answer in client.decide_batch(batches)] == [1]
    async with AsyncClient(server.address) as client:
        with pytest.raises(Unauthenticated):
            await client.campaigns()


def test_commands_take_a_token_from_a_file_or_the_environment(
    guarded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, everything, _ = guarded
    target = ("--target", server.address)
    assert command("campaign", "list", *target)[0] == 2
    (tmp_path / "token").write_text(everything + "\n")
    code, out, _ = command("campaign", "--token-file", str(tmp_path / "token"), "list", *target)
    assert (code, "promo" in out) == (0, True)
    monkeypatch.setenv("ARMSREACH_TOKEN", everything)
    assert command("models", "list", "promo", *target)[0] == 0


def test_a_client_that_asks_too_much_is_told_when_to_come_back(guarded: Any) -> None:
    server, everything, client = guarded
    token = add(server.folder, "slow", "--scope=decide", "--rows-per-s=2")
    slow = client(token, patience_s=0.05)
    in_force(slow.campaigns)

    def ask_much() -> None:
        for _ in range(20):
            slow.explain_request("promo", "u", [0.0] * 4)

    with pytest.raises(ResourceExhausted, match="2 decisions and outcomes a second"):
        ask_much()
    assert not client(everything).decide("promo", "u9", [0.0] * 4).safe, "others must not feel it"


def test_safe_answers_wait_for_a_token_that_is_good(start_server: Any, make_settings: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with Client(f"127.0.0.1:{port}", ClientOptions(deadline_ms=50.0, report_every_s=0.05)) as nobody:
        assert nobody.decide("promo", "u", [0.0] * 4).safe
        server = start_server(port=port, settings='[security]\ntokens = "tokens.toml"\n')
        token = add(server.folder, "all", "--scope=decide", "--scope=report", "--scope=campaigns")
        with Client(server.address, ClientOptions(deadline_ms=5_000.0, token=token)) as client:
            in_force(lambda: client.create_campaign(make_settings()))
        assert not nobody.flush(2.0)
        assert (nobody.waiting_fallbacks, nobody.lost_fallbacks) == (1, 0)


def tls(pki: Path, folder: Path, client_ca: str = "") -> str:
    """Settings with copies of the server's files, so that a test may replace them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("server.pem", "server.key"):
        (folder / name).write_bytes((pki / name).read_bytes())
    authority = f'client_ca = "{pki / client_ca}"\n' if client_ca else ""
    return f'[security]\ncertificate = "server.pem"\nkey = "server.key"\n{authority}'


def test_several_workers_speak_tls(start_server: Any, pki: Path, tmp_path: Path) -> None:
    server = start_server(workers=2, settings=tls(pki, tmp_path / "var"))
    for _ in range(6):
        with Client(server.address, ClientOptions(ca_file=str(pki / "ca.pem"), patience_s=3.0)) as client:
            assert client.campaigns() == []
    assert server.stop() == 0


def test_tls_and_a_certificate_that_is_changed_under_way(start_server: Any, pki: Path, tmp_path: Path) -> None:
    server = start_server(settings=tls(pki, tmp_path / "var"))
    trusting = ClientOptions(ca_file=str(pki / "ca.pem"), patience_s=3.0)
    with Client(server.address, trusting) as client:
        assert client.campaigns() == []
    for options in (ClientOptions(patience_s=0.5), ClientOptions(ca_file=str(pki / "other.pem"), patience_s=0.5)):
        with Client(server.address, options) as client, pytest.raises(Unavailable):
            client.campaigns()
    assert command("campaign", "--ca", str(pki / "ca.pem"), "list", "--target", server.address)[0] == 0
    with Client(server.address, trusting) as early:
        early.campaigns()
        # The key first, as when two files are copied one after the other: the old pair goes on in between.
        (tmp_path / "var" / "server.key").write_bytes((pki / "foreign.key").read_bytes())
        with Client(server.address, trusting) as client:
            assert client.campaigns() == []
        assert "stay as they were" in server.log
        (tmp_path / "var" / "server.pem").write_bytes((pki / "foreign.pem").read_bytes())
        with Client(server.address, ClientOptions(ca_file=str(pki / "other.pem"), patience_s=3.0)) as client:
            assert client.campaigns() == []
        with (
            Client(server.address, ClientOptions(ca_file=str(pki / "ca.pem"), patience_s=0.5)) as client,
            pytest.raises(Unavailable),
        ):
            client.campaigns()
        assert early.campaigns() == [], "connections that are made stay"


def test_mutual_tls(start_server: Any, pki: Path, tmp_path: Path) -> None:
    server = start_server(settings=tls(pki, tmp_path / "var", "ca.pem"))
    ca = str(pki / "ca.pem")

    def own(name: str) -> ClientOptions:
        certificate, key = str(pki / f"{name}.pem"), str(pki / f"{name}.key")
        return ClientOptions(ca_file=ca, certificate_file=certificate, key_file=key, patience_s=3.0)

    with Client(server.address, own("client")) as client:
        assert client.campaigns() == []
    for options in (own("stranger"), ClientOptions(ca_file=ca, patience_s=1.0)):
        with Client(server.address, options) as client, pytest.raises(Unavailable):
            client.campaigns()
    flags = ("--ca", ca, "--cert", str(pki / "client.pem"), "--key", str(pki / "client.key"))
    assert command("campaign", *flags, "list", "--target", server.address)[0] == 0


def test_a_server_does_not_start_with_files_that_do_not_fit(start_server: Any, pki: Path, tmp_path: Path) -> None:
    settings = tls(pki, tmp_path / "var")
    (tmp_path / "var" / "server.key").write_bytes((pki / "client.key").read_bytes())
    server = start_server(settings=settings, wait=False)
    assert server.process.wait(20) == 2
    assert "server.pem" in server.log
    assert "private key that belongs to it" in server.log


def test_a_server_does_not_listen_to_all_the_world(
    start_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARMSREACH_SERVER__HOST", "0.0.0.0")
    server = start_server(wait=False)
    assert server.process.wait(20) == 2
    assert "listen_without_credentials" in server.log
