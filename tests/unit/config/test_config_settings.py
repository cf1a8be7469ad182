from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.config import Settings, read_settings, read_toml
from engine.core.campaign import Campaign
from engine.core.errors import ConfigError
from engine.core.reading import plain, read

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_the_example_settings_are_the_defaults_and_name_them_all() -> None:
    path = EXAMPLES / "armsreach.toml"
    assert read_settings(path, {}) == Settings()

    def keys(tree: dict[str, Any], prefix: str = "") -> set[str]:
        found: set[str] = set()
        for name, value in tree.items():
            found |= keys(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
        return found

    assert keys(read_toml(path)) == keys(plain(Settings()))


def test_the_example_campaign_reads_and_can_send() -> None:
    campaign = read(Campaign, read_toml(EXAMPLES / "campaign.toml"), file="campaign.toml")
    assert campaign.schema.dimension == 16
    assert len(campaign.schema.attributes) == 3
    assert [channel.id for channel in campaign.channels] == ["email", "push", "sms", "banner"]
    assert [channel.id for channel in campaign.channels if channel.needs_consent] == ["sms"]
    assert len(campaign.catalogue()) == 13


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_nothing_given_is_the_defaults() -> None:
    assert read_settings(None, {}) == Settings()


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", 'data = "x"\nclock = "client"\n[server]\nport = 1\n[journal]\nmark_s = 2.5\n')
    environment = {
        "ARMSREACH_SERVER__PORT": "0",
        "ARMSREACH_DATA": "../shared/data",
        "ARMSREACH_JOURNAL__DURABILITY": "write",
        "ARMSREACH_LEARNER__ENABLED": "false",
        "ARMSREACH_SERVER_KEY": "ab",
        "ARMSREACH_CACHE": "/somewhere",
        "PATH": "/bin",
    }
    found = read_settings(path, environment)
    assert found.server.port == 0
    assert found.journal.durability == "write"
    assert found.journal.mark_s == 2.5
    assert found.learner.enabled is False
    assert found.clock == "client"
    assert found.data == "x", "ARMSREACH_DATA is where public data sets lie, not where a server may write"


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("[server]\nprot = 1", "server.prot", "nearest known key is 'port'"),
        ("durability = 1", "durability", "unknown key"),
        ("[server]\nport = 70000", "server", "0 to 65535"),
        ('[server]\nport = "1"', "server.port", "whole number"),
        ('[server]\nhost = "0.0.0.0"', "", "listen_without_credentials"),
        ('[journal]\ndurability = "maybe"', "journal.durability", "'fsync', 'write'"),
        ('clock = "moon"', "clock", "'server', 'client'"),
        ("[request_ids]\ncapacity = 0", "request_ids", "above 0"),
    ],
)
def test_wrong_settings_name_file_and_key(tmp_path: Path, text: str, field: str, words: str) -> None:
    path = write(tmp_path / "bad.toml", text)
    with pytest.raises(ConfigError) as caught:
        read_settings(path, {})
    assert caught.value.file == str(path)
    assert caught.value.field.startswith(field)
    assert words in str(caught.value)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: no such file"):
        read_settings(tmp_path / "none.toml", {})
    with pytest.raises(ConfigError, match="not valid TOML"):
        read_settings(write(tmp_path / "bad.toml", "[server"), {})


def test_wrong_environment_names_the_key() -> None:
    with pytest.raises(ConfigError, match=r"server\.port"):
        read_settings(None, {"ARMSREACH_SERVER__PORT": "many"})


def test_campaign_files_stand_beside_the_settings(tmp_path: Path) -> None:
    path = write(tmp_path / "a.toml", 'campaigns = ["promo.toml", "/else/where.toml"]')
    assert read_settings(path, {}).campaigns == (str(tmp_path / "promo.toml"), "/else/where.toml")


def test_the_command_line_goes_before_all() -> None:
    settings = Settings()
    assert settings.overridden("other", 7) == replace(settings, data="other", server=replace(settings.server, port=7))
