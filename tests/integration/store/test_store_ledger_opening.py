"""Which ledger is opened, and under which name."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import LedgerSettings, read_settings
from engine.core.errors import ConfigError, CorruptState
from engine.store.ledger import Request, SqliteLedger, node_name, open_ledger


def test_without_a_url_it_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = LedgerSettings()
    ledger = open_ledger(tmp_path, settings.url, settings.prefix)
    assert isinstance(ledger, SqliteLedger)
    epoch = ledger.open("w0", ["c/budget"])[0].epoch
    ledger.lease("w0", [Request("c/budget", epoch, 1, 5, 10, 1)])
    ledger.close()
    again = open_ledger(tmp_path, "", "")
    assert again.statement("c/budget").leased == 5
    again.close()


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"x" * 8192)
    with pytest.raises(CorruptState, match=r"ledger\.db"):
        open_ledger(tmp_path, "", "")
    assert (tmp_path / "ledger.db").read_bytes() == b"x" * 8192


def test_the_url_comes_from_the_environment_and_is_not_shown() -> None:
    settings = read_settings(None, {"ARMSREACH_LEDGER__URL": "redis://:s3cret@cache:6379/0"})
    assert settings.ledger.url == "redis://:s3cret@cache:6379/0"
    assert "s3cret" not in repr(settings)
    with pytest.raises(ConfigError, match=r"ledger.*redis://localhost") as caught:
        read_settings(None, {"ARMSREACH_LEDGER__URL": "http://:s3cret@cache"})
    assert "s3cret" not in str(caught.value)


def test_a_data_folder_keeps_its_name_and_no_two_have_the_same(tmp_path: Path) -> None:
    one, other = node_name(tmp_path / "a"), node_name(tmp_path / "b")
    assert one != other
    assert node_name(tmp_path / "a") == one
    (tmp_path / "a" / "node.name").write_bytes(b"")
    with pytest.raises(CorruptState, match=r"node\.name"):
        node_name(tmp_path / "a")
