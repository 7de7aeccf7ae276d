"""Links, commands and lists in the pages of docs/ lead to what is there."""

import contextlib
import hashlib
import json
import re
import shlex
import sqlite3
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import click
import pytest

from consent.cli import main
from consent.delivery.snippet import Snippet
from consent.openapi import describe
from consent.regimes.regime import load_regimes
from tests.docs.page import DOCS, fences, read

PAGES = sorted(path.name for path in DOCS.glob("*.md"))


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    """A relative link names a file, and its fragment a heading of that file."""
    for target, fragment in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", read(name)):
        path = (DOCS / target).resolve() if target else DOCS / name
        assert path.is_file(), target
        headings = re.findall("^#+ (.*)$", path.read_text("utf-8"), re.M) if fragment else []
        assert not fragment or fragment in [re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings]


@pytest.mark.parametrize("name", PAGES)
def test_commands_can_be_typed(name: str) -> None:
    """Each `consent …` line of the examples is a command with options that it has."""
    for block in [*fences(read(name), "sh"), *re.findall(r"(?:^    .*\n)+", read(name), re.M)]:
        for line in re.findall(r"^\s*(consent .*)$", block, re.M):
            words = shlex.split(line)[1:]
            command: click.Command = main
            while isinstance(command, click.Group):
                command = command.commands[words.pop(0)]
            assert command.make_context(command.name, words).command is command, line


@pytest.mark.parametrize("name", PAGES)
def test_sources_named_exist(name: str) -> None:
    """A path of this repository that a page names in backticks is there."""
    for path in re.findall(r"`((?:consent|widget|tests|docs|scripts)/[\w./-]*)`", read(name)):
        assert (DOCS.parent / path).exists() or path.startswith("consent/static"), path


def test_the_regime_map_has_the_states_of_the_law() -> None:
    """The nginx example opens by default in exactly the states whose law the software knows as opt-out."""
    [listed] = re.findall(r"\^US-\(([A-Z|]+)\)\$", read("owners.md"))

    assert {f"US-{state}" for state in listed.split("|")} == load_regimes()["us"].regions


OPERATORS = ("/", "/livez", "/readyz", "/openapi.json", "/demo")
"""Addresses that a site's own host need not have."""

CONSOLE = ("/demo/", "/assets/", "/account", "/operators", "/access", "/sites", "/reports/", "/letters/")
"""What those begin with that are for people who sign in, or who try the demo."""


def test_proxies_let_all_public_addresses_through() -> None:
    """The nginx and Caddy examples have every address that pages, visitors, auditors and witnesses ask for."""
    paths = [re.sub(r"\{[^}]+\}", "x", path) for path in describe("https://www.example.com")["paths"]]
    public = {path for path in paths if path not in OPERATORS and not path.startswith(CONSOLE)}
    text = read("owners.md")
    [nginx] = [re.compile(one) for one in re.findall(r"location ~ (\S+) \{", text)]
    [caddy] = re.findall(r"@consent path (.*)", text)

    assert {"/log/x/checkpoint", "/.well-known/consent-log/x", "/n/x", "/v1/x/erase"} < public
    assert {path for path in public if not nginx.search(path)} == set()
    assert {path for path in public if not any(fnmatchcase(path, one) for one in caddy.split())} == set()


def test_the_hash_is_printed_where_the_page_says() -> None:
    """`consent snippet --json` has the core's hash as `csp_hash`."""
    assert "csp_hash" in Snippet.__struct_fields__
    assert "`csp_hash`" in read("owners.md")


def test_the_policy_of_a_record_can_be_checked_without_us(tmp_path: Path) -> None:
    """The auditors' query, as it stands on the page, reads a text whose SHA-256 is the hash that was published."""
    policy = tmp_path / "shop.toml"
    policy.write_text(fences(read("policy.md"), "toml")[0], "utf-8")
    program = Path(sys.executable).with_name("consent")
    command: list[str | Path] = [program, "policy", "publish", policy, "--data", tmp_path / "data", "--json"]
    published = json.loads(subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout)

    [line] = [one for block in fences(read("auditors.md"), "sh") for one in block.splitlines() if "sha256sum" in one]
    query = shlex.split(line)[2].replace("version = 3", "version = 1")
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "consent.sqlite")) as store:
        [[body]] = store.execute(query).fetchall()

    assert "\n" not in body
    assert hashlib.sha256(body.encode()).hexdigest() == published["hash"]
