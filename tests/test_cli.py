"""The command line, as people and programs use it."""

import asyncio
import base64
import contextlib
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from consent import address
from consent.cli import main
from consent.config import Config
from consent.db.sqlite import open_sqlite
from consent.records import claim as claims
from consent.records.intake import Intake
from consent.records.published import Published
from consent.sites.queries import by_key
from tests.records.shop import config_in, logs, open_shop, raw, shop_in

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


@pytest.mark.parametrize(("variant", "hashes"), [("meta", 1), ("strict", 2), ("tag", 0)])
def test_the_hash_of_what_is_pasted(terminal: Terminal, variant: str, hashes: int) -> None:
    """The lines alone go to the standard output; what a policy of one's own needs is one line beside it."""
    terminal.run("policy", "publish", terminal.policy())
    command = ["snippet", "shop", "--variant", variant, "--data", str(terminal.data)]
    plain = CliRunner().invoke(main, command)
    told = json.loads(CliRunner().invoke(main, [*command, "--json"]).stdout)
    scripts = re.findall(r"<script>(.*?)</script>", plain.stdout, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]

    assert plain.stdout == told["text"] + "\n"
    assert told["csp_hash"] == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert told["core"] in [*scripts, ""]
    assert len(digests) == hashes
    assert plain.stderr.splitlines() == (
        [f"For a Content-Security-Policy of your own, in script-src: {told['csp_hash']}"] if hashes else []
    )


def test_the_address_in_what_is_pasted(terminal: Terminal) -> None:
    """What the settings say, else what the service noted in the data folder; rubbish there is not believed."""
    terminal.run("policy", "publish", terminal.policy())

    def base(**environment: str) -> str:
        command = ["snippet", "shop", "--variant", "tag", "--data", str(terminal.data)]
        result = CliRunner().invoke(main, command, env=environment)
        return result.stdout.partition('src="')[2].partition("/c/shop.js")[0]

    assert base() == "http://127.0.0.1:8000"
    for rubbish in ("", "8000", "http://a b", 'http://a"onload="x', "javascript:x", "http://a/path", "\xff" * 9_000):
        (terminal.data / "address").write_bytes(rubbish.encode("latin-1"))
        assert base() == "http://127.0.0.1:8000"
    address.note(terminal.data, "http://127.0.0.1:9000")
    assert (terminal.data / "address").stat().st_mode & 0o777 == 0o600
    assert base() == "http://127.0.0.1:9000"
    assert base(CONSENT_PORT="0") == "http://127.0.0.1:9000"
    assert base(CONSENT_PORT="8000") == "http://127.0.0.1:8000"
    assert base(CONSENT_PUBLIC_URL="https://consent.shop.example") == "https://consent.shop.example"
    Path("consent.toml").write_text("port = 8123\n")
    assert base() == "http://127.0.0.1:8123"
    assert "data folder" in terminal.run("snippet", "--help")


async def said(config: Config, count: int) -> None:
    """Record some choices."""
    version = await shop_in(config)
    db = await open_sqlite(config.store)
    published, intake = Published(db), Intake(db, logs(db, config.data), b"secret")
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


def test_who_reads_the_log_is_written_down(terminal: Terminal) -> None:
    """Who reads a log here, or exports it with its proofs, stands in the access log, before anything is shown."""
    asyncio.run(said(config_in(terminal.folder), 1))
    terminal.run("log", "shop")
    terminal.run("ledger", "export", "shop", str(terminal.folder / "export"))

    with contextlib.closing(sqlite3.connect(terminal.data / "consent.sqlite")) as db:
        rows = db.execute("select name <> '', how, what, about, path from access_log order by time").fetchall()
    assert rows == [
        (1, "command", "log", "", "consent log shop"),
        (1, "command", "export", "ledger", "consent ledger export shop"),
    ]


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
        "marketing=granted preferences=granted social=granted statistics=granted",
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


async def test_the_store_is_shared(tmp_path: Path) -> None:
    """A store that is opened twice shows the same."""
    config = config_in(tmp_path)
    await shop_in(config)
    async with open_shop(config) as one, open_shop(config) as other:
        assert await by_key(one, "shop") == await by_key(other, "shop")
