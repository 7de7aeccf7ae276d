"""The command line, as people and programs use it."""

import asyncio
import json
import os
import re
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from consent.cli import main
from consent.config import Config
from consent.db.sqlite import open_sqlite
from consent.records import claim as claims
from consent.records.intake import Intake
from consent.records.published import Published
from consent.sites.queries import by_key
from tests.records.shop import config_in, open_shop, raw, shop_in

POLICY = """
site = "shop"
origins = ["https://www.shop.example"]
[controller]
name = "The shop"
address = "1 Example Street"
email = "privacy@shop.example"
privacy_url = "https://www.shop.example/privacy"
[services.youtube]
"""


class Terminal:
    """Runs commands in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command, expect an exit code, return what it printed."""
        result: Result = CliRunner().invoke(main, [*arguments], env={"CONSENT_DATA": str(self.data)})
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.output

    def read(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def policy(self, text: str = POLICY) -> str:
        path = self.folder / "policy.toml"
        path.write_text(text)
        return str(path)


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Terminal(tmp_path)


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize(
    ("path", "command"), list(commands(main)), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_has_help_and_json(terminal: Terminal, path: tuple[str, ...], command: click.Command) -> None:
    """Each command says what it does, each option too, and each speaks JSON."""
    text = terminal.run(*path, "--help")

    assert command.help
    assert "--json" in text
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_adding_and_listing_sites(terminal: Terminal) -> None:
    """A site added prints its token once and keeps it for its owner; the list shows what is published."""
    answer = terminal.read("site", "add", "shop")
    token = Path(answer["token_file"]).read_text()

    assert answer["token"] == token
    assert len(token) == 43
    assert "shop\tnothing published" in terminal.run("site", "list")
    assert terminal.read("site", "list")["sites"][0]["version"] is None
    terminal.run("policy", "publish", terminal.policy())
    assert terminal.read("site", "list")["sites"][0]["version"] == 1


def test_publishing(terminal: Terminal) -> None:
    """A sound policy becomes version 1, the same again changes nothing, another becomes version 2."""
    first = terminal.read("policy", "publish", terminal.policy())
    again = terminal.read("policy", "publish", terminal.policy())
    other = terminal.read("policy", "publish", terminal.policy(POLICY + "[services.hotjar]\n"))

    assert (first["version"], first["new"], again["version"], again["new"]) == (1, True, 1, False)
    assert (other["version"], other["new"]) == (2, True)
    assert other["scope"] != first["scope"]


def test_checking(terminal: Terminal) -> None:
    """A sound policy passes without a store; a faulty one says each fault with its place, and exits with 2."""
    assert "can be published" in terminal.run("policy", "check", terminal.policy())
    assert not terminal.data.exists()
    faulty = POLICY.replace("[services.youtube]", '[services.no-such-service]\n[theme]\nacccent = "#000000"')
    output = terminal.run("policy", "check", terminal.policy(faulty), code=2)

    assert "acccent" in output
    terminal.run("policy", "publish", terminal.policy(faulty), code=2)
    assert "cannot be read" in terminal.run("policy", "check", "none.toml", code=2)


def test_the_lines_to_paste(terminal: Terminal) -> None:
    """Each variant prints its lines; programs get the core and its hash as well."""
    terminal.run("policy", "publish", terminal.policy())

    assert terminal.run("snippet", "shop").startswith("<script>")
    assert "plaintext" in terminal.run("snippet", "shop", "--variant", "strict")
    assert terminal.run("snippet", "shop", "--variant", "tag").startswith("<script async src=")
    assert sorted(terminal.read("snippet", "shop")) == ["core", "csp_hash", "text"]


async def said(config: Config, count: int) -> None:
    """Record some choices."""
    version = await shop_in(config)
    db = await open_sqlite(config.store)
    published, intake = Published(db), Intake(db, b"secret")
    await published.refresh()
    running = asyncio.create_task(intake.committer.run())
    live = published.site("shop")
    assert live is not None
    for number in range(count):
        claim = claims.read(raw(version, time=number))
        await intake.take(live.site, claim, await published.settle(live, claim.statement, 20_000), "")
    await intake.committer.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await db.close()


def test_reading_the_log(terminal: Terminal) -> None:
    """The newest without a beginning, the oldest with one; page by page; people and programs see the same."""
    asyncio.run(said(config_in(terminal.folder), 5))

    def numbers(*arguments: str) -> list[int]:
        return [record["client_time"] for record in terminal.read("log", "shop", *arguments)["records"]]

    assert numbers() == [0, 1, 2, 3, 4]
    assert numbers("--limit", "2") == [3, 4]
    assert numbers("--limit", "2", "--since", "0") == [0, 1]
    page = terminal.read("log", "shop", "--limit", "3", "--since", "0")
    assert numbers("--after", page["next"]) == [3, 4]
    assert numbers("--action", "refused") == []
    lines = terminal.run("log", "shop").splitlines()
    assert lines[0].split("\t")[:3] == ["time (UTC)", "action", "decided"]
    assert lines[1].split("\t")[1:3] == [
        "given",
        "preferences=granted statistics=granted marketing=granted social=granted",
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["log", "none"], "Known are: shop."),
        (["log", "shop", "--limit", "0"], "limit is to be 1 to 1,000."),
        (["log", "shop", "--since", "yesterday"], "2026-11-20T13:00:00Z"),
        (["log", "shop", "--action", "x"], "One of: given, partly"),
        (["snippet", "none"], "There is no site 'none'."),
        (["site", "add", "shop"], "There is a site shop already."),
        (["site", "add", "My Shop"], "such as my-shop"),
        (["site", "list", "--data", "elsewhere"], "Name the right folder with --data"),
        (["site", "list", "--config", "none.toml"], "Name another with --config."),
    ],
)
def test_mistakes_are_told_with_their_remedy(terminal: Terminal, arguments: list[str], says: str) -> None:
    """Exit code 2, a sentence and what to do; as JSON for programs; never a traceback."""
    terminal.run("policy", "publish", terminal.policy())

    assert says in terminal.run(*arguments, code=2)
    told = json.loads(terminal.run(*arguments, "--json", code=2))
    assert told["error"]
    assert says in f"{told['message']} {told['remedy']}"


def test_settings_of_the_folder(terminal: Terminal) -> None:
    """`consent.toml` in this folder is read without being named; an unknown setting is told."""
    Path("consent.toml").write_text('public_url = "https://consent.shop.example"\n')
    terminal.run("policy", "publish", terminal.policy())
    assert "https://consent.shop.example/c/shop.js" in terminal.run("snippet", "shop", "--variant", "tag")

    Path("consent.toml").write_text('publik_url = "https://consent.shop.example"\n')
    assert "Did you mean public_url?" in terminal.run("snippet", "shop", code=2)


class TestServe:
    """`consent serve`, as a process."""

    def start(self, folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        command = [str(Path(sys.executable).with_name("consent")), "serve", "--port", "0", *arguments]
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def stop(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        assert process.stderr is not None
        process.terminate()
        with process:
            out, err = process.stdout.read(), process.stderr.read()
        assert process.returncode == 0
        assert err == ""
        return out

    def test_what_it_tells(self, tmp_path: Path) -> None:
        """The demo's page first, then the log with a line to read it, then the lines to paste, in plain text."""
        process = self.start(tmp_path)
        assert process.stdout is not None
        first = process.stdout.readline()
        found = re.fullmatch(r"Demo page  (http://127\.0\.0\.1:(\d+))/demo/\n", first)
        assert found, first
        with socket.create_connection(("127.0.0.1", int(found[2])), 5) as line:  # it listens when it says so
            line.sendall(b"GET /demo/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert line.recv(16).startswith(b"HTTP/1.1 200 OK")
        rest = self.stop(process)

        assert rest.splitlines()[0] == f"Log        {found[1]}/v1/demo/log"
        token = (tmp_path / "data/tokens/demo").read_text()
        assert f"curl -H 'Authorization: Bearer {token}' {found[1]}/v1/demo/log" in rest
        assert "<script>" in rest
        assert "\x1b" not in first + rest

    def test_a_second_start_keeps_the_data(self, tmp_path: Path) -> None:
        """Another port is another address of the demo, and nothing else changes: same token, same store."""
        told = []
        for _ in range(2):
            process = self.start(tmp_path, "--json")
            assert process.stdout is not None
            told.append(json.loads(process.stdout.readline()))
            self.stop(process)

        assert told[0]["logs"][0]["token"] == told[1]["logs"][0]["token"]
        store = sqlite3.connect(tmp_path / "data/consent.sqlite")
        assert store.execute("select key from site").fetchall() == [("demo",)]
        store.close()

    def test_a_store_with_a_site_gets_no_demo(self, tmp_path: Path) -> None:
        """The demo is for who has nothing yet."""
        asyncio.run(shop_in(config_in(tmp_path)))
        process = self.start(tmp_path, "--json")
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        self.stop(process)

        assert [log["site"] for log in told["logs"]] == ["shop"]
        assert "demo" not in told
        assert told["snippet_of"] == "shop"

    def refused(self, folder: Path, *arguments: str, **environment: str) -> str:
        process = self.start(folder, *arguments, **environment)
        out, err = process.communicate(timeout=15)
        assert process.returncode == 2
        assert out == ""
        assert "Traceback" not in err
        return err

    def test_a_port_that_is_taken(self, tmp_path: Path) -> None:
        """Somebody else listens there: said before anything is started."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            err = self.refused(tmp_path, "--port", str(other.getsockname()[1]))

        assert "cannot listen on 127.0.0.1" in err
        assert "--port" in err

    def test_a_folder_that_cannot_be_used(self, tmp_path: Path) -> None:
        """A file in its place, a foreign database in it, or another service on it."""
        (tmp_path / "file").write_text("")
        (tmp_path / "foreign").mkdir()
        foreign = sqlite3.connect(tmp_path / "foreign/consent.sqlite")
        foreign.execute("create table theirs (id integer)")
        foreign.close()
        process = self.start(tmp_path)
        assert process.stdout is not None
        process.stdout.readline()

        assert "cannot be written" in self.refused(tmp_path, "--data", "file")
        assert "another program" in self.refused(tmp_path, "--data", "foreign")
        assert "Another service is using" in self.refused(tmp_path)
        self.stop(process)

    def test_settings_that_are_wrong(self, tmp_path: Path) -> None:
        """Unknown settings and places that are no database are told."""
        assert "Did you mean CONSENT_PORT?" in self.refused(tmp_path, CONSENT_PROT="1")
        assert "geo_database" in self.refused(tmp_path, CONSENT_GEO_DATABASE="none.mmdb")

    def test_the_log_is_read_while_it_runs(self, tmp_path: Path) -> None:
        """Other commands use the store beside the service, and the service takes up what they publish."""
        process = self.start(tmp_path)
        assert process.stdout is not None
        process.stdout.readline()
        terminal = Terminal(tmp_path)

        assert terminal.read("log", "demo") == {"records": [], "next": None}
        terminal.run("policy", "publish", terminal.policy())
        assert [site["site"] for site in terminal.read("site", "list")["sites"]] == ["demo", "shop"]
        self.stop(process)


async def test_the_store_is_shared(tmp_path: Path) -> None:
    """A store that is opened twice shows the same."""
    config = config_in(tmp_path)
    await shop_in(config)
    async with open_shop(config) as one, open_shop(config) as other:
        assert await by_key(one, "shop") == await by_key(other, "shop")
