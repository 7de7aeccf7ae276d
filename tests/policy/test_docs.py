"""The documentation of the policy file."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from consent.catalogue.service import Cookie, Storage
from consent.policy.check import check
from consent.policy.policy import (
    ChoiceCookie,
    Colours,
    Controller,
    Policy,
    PurposeEntry,
    PurposeTexts,
    RegimeChoice,
    ServiceEntry,
    ServiceTexts,
    Telemetry,
    Theme,
    parse,
)

TEXT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text("utf-8")
STRUCTS = [
    ChoiceCookie, Colours, Controller, Cookie, Policy, PurposeEntry, PurposeTexts, RegimeChoice, ServiceEntry,
    ServiceTexts, Storage, Telemetry, Theme,
]  # fmt: skip


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_key_is_described(struct: type[msgspec.Struct]) -> None:
    """Every key that a policy may have is named in docs/policy.md."""
    prose = re.sub(r"```.*?```", "", TEXT, flags=re.S)
    named = set(re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`\n]+`|^## .*$", prose, re.M))))

    assert [field.name for field in msgspec.structs.fields(struct) if field.name not in named] == []


def test_the_example_works() -> None:
    """The smallest policy of the documentation can be published as it stands."""
    from consent.catalogue.service import load_catalogue

    example = re.findall(r"```toml\n(.*?)```", TEXT, re.S)[0]

    assert [f for f in check(parse(example), load_catalogue()) if f.severity == "error"] == []
    assert tomllib.loads(example)["site"] == "shop"
