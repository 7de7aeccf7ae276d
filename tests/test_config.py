"""Settings: where they come from, and what a person is told about a wrong one."""

import re
from pathlib import Path
from typing import Any

import pytest

from consent.config import FIELDS, PREFIX, Config, load
from consent.errors import ConfigError


def test_nothing_given_means_the_defaults() -> None:
    """Without file, environment and options the defaults hold."""
    assert load(None, {"PATH": "/bin"}, {}) == Config()


def test_the_last_word(tmp_path: Path) -> None:
    """The environment is over the file, the command line over both; an option that was not given says nothing."""
    file = tmp_path / "consent.toml"
    file.write_text('port = 1\nhost = "a"\nlog_level = "error"\n')

    config = load(file, {"CONSENT_PORT": "2", "CONSENT_HOST": "b"}, {"port": 3, "data": None})

    assert (config.port, config.host, config.log_level, config.data) == (3, "b", "error", Path("data"))


def test_lists_in_the_environment() -> None:
    """Networks in the environment are separated by commas or spaces."""
    config = load(None, {"CONSENT_TRUSTED_PROXIES": "10.0.0.0/8, ::1 192.0.2.1"}, {})

    assert [str(network) for network in config.networks] == ["10.0.0.0/8", "::1/128", "192.0.2.1/32"]


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("prot = 1", "prot", "Did you mean port?"),
        ("x = 1", "x", "Known are: host, port"),
        ('port = "9000x"', "port", "Its default is 8000"),
        ("port = 70000", "port", "<= 65535"),
        ("port = true", "port", "Expected `int`"),
        ('log_level = "loud"', "log_level", "Its default is 'warning'"),
        ("rate_site = 0", "rate_site", ">= 1"),
        ("data = 1", "data", 'Write data = "path/to/it"'),
        ("geo_database = []", "geo_database", 'Write geo_database = "path/to/it"'),
        ('trusted_proxies = ["10.0.0.0/8", "10.0.0.1/8"]', "trusted_proxies[1]", "has host bits set"),
        ('trusted_proxies = "10.0.0.0/8"', "trusted_proxies", "Expected `array`"),
        ("trusted_proxies = [1]", "trusted_proxies", "at `trusted_proxies[0]`"),
        ('public_url = "consent.example.com"', "public_url", "https://consent.example.com"),
        ('public_url = "https://example.com/consent"', "public_url", "https://consent.example.com"),
        ('region_header = "a: b"', "region_header", "CF-IPCountry"),
        ("port = ", "consent.toml", "Correct that line"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_path_and_the_remedy(
    tmp_path: Path, text: str, field: str, says: str
) -> None:
    """An unknown key, a wrong type or an impossible value names the setting and what to write instead."""
    file = tmp_path / "consent.toml"
    file.write_text(text)

    with pytest.raises(ConfigError) as caught:
        load(file, {}, {})

    assert (caught.value.field or "").endswith(field)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "says"), [("CONSENT_PROT", "1", "CONSENT_PORT?"), ("CONSENT_PORT", "x", "int")]
)
def test_a_wrong_variable_is_refused(name: str, value: str, says: str) -> None:
    """The environment is held to the same rules, by the variables' names."""
    with pytest.raises(ConfigError, match=re.escape(says)):
        load(None, {name: value}, {})


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that was named and is not there is an error, not a default."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "none.toml", {}, {})


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "::1", "port": 1}, "http://[::1]:1"),
        ({"public_url": "https://a.b/"}, "https://a.b"),
    ],
)
def test_the_base_url(given: dict[str, Any], url: str) -> None:
    """The public address is what was set, else host and port."""
    assert load(None, {}, given).base_url == url


def test_every_setting_can_be_given_by_the_environment() -> None:
    """Each setting's default, written as a variable, reads back as itself."""
    defaults = Config()
    env = {
        PREFIX + key.upper(): " ".join(value) if isinstance(value, tuple) else str(value)
        for key in FIELDS
        if (value := getattr(defaults, key)) is not None
    }

    assert load(None, env, {}) == defaults
