"""`consent account`, as people and programs use it."""

import asyncio
import io
import re
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from consent.accounts import access_queries, password, queries
from consent.cli import main
from consent.config import Config
from tests.records.shop import open_shop
from tests.test_cli import Terminal

LINK = re.compile(r"http://\S+/account/link/[A-Za-z0-9_-]{43}")


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in a folder with a shop."""
    made = Terminal(tmp_path)
    made.run("site", "add", "shop")
    return made


def test_the_first_link(tmp_path: Path) -> None:
    """It is made before there is anything else; once somebody owns the service there is none without a name."""
    terminal = Terminal(tmp_path)
    first, second = terminal.read("account", "link"), terminal.read("account", "link")
    assert LINK.fullmatch(first["link"])
    assert (first["kind"], first["link"] != second["link"]) == ("first", True)
    terminal.run("account", "add", "ann@shop.example", "--role", "owner")
    set_password(terminal, "ann@shop.example")
    told = terminal.run("account", "link", code=2)

    assert "owner's account already" in told
    assert terminal.read("account", "link", "ann@shop.example")["kind"] == "password"


def set_password(terminal: Terminal, email: str, *more: str, given: str = "a very good sentence", code: int = 0) -> str:
    arguments = ["account", "password", email, "--stdin", *more]
    found = CliRunner().invoke(main, arguments, input=f"{given}\n", env={"CONSENT_DATA": str(terminal.data)})
    assert found.exit_code == code, found.output
    return found.output


def test_adding_and_removing(terminal: Terminal) -> None:
    """Who is new gets a link; roles are listed by site; one is taken away, and then the account."""
    added = terminal.run("account", "add", "Ann@Shop.example", "--role", "auditor", "--site", "shop")
    assert "ann@shop.example is auditor at shop." in added
    assert LINK.search(added)
    terminal.run("account", "add", "ann@shop.example", "--role", "analyst")
    [listed] = terminal.read("account", "list")["accounts"]
    assert (listed["state"], listed["roles"]) == ("invited", {"*": "analyst", "shop": "auditor"})
    terminal.run("account", "remove", "ann@shop.example", "--site", "shop")
    assert terminal.read("account", "list")["accounts"][0]["roles"] == {"*": "analyst"}
    assert "ann@shop.example" in terminal.run("account", "list")
    terminal.run("account", "remove", "ann@shop.example")

    assert terminal.read("account", "list")["accounts"] == []
    assert "no account" in terminal.run("account", "remove", "ann@shop.example", code=2)


def test_what_is_done_here_is_written_down(terminal: Terminal) -> None:
    """Accounts, roles, passwords and tokens that are changed in a terminal stand in the access log, with who did it."""
    terminal.run("account", "add", "ann@shop.example", "--role", "auditor", "--site", "shop")
    set_password(terminal, "ann@shop.example", "--forget-authenticator")
    made = terminal.read("account", "token", "add", "ann@shop.example", "--name", "nightly", "--read", "log")
    terminal.run("account", "token", "remove", "ann@shop.example", made["id"])
    terminal.run("account", "link", "ann@shop.example")
    terminal.run("account", "remove", "ann@shop.example")

    async def written() -> list[access_queries.Entry]:
        async with open_shop(Config(data=terminal.data)) as db:
            return [one for site_id in (1, 0) for one in reversed(await access_queries.page(db, site_id))]

    found = asyncio.run(written())
    assert [one.what for one in found] == [
        "role auditor", "password set, authenticator off", "token made: nightly", "token removed", "link made",
        "account removed",
    ]  # fmt: skip
    assert {(one.how, one.about) for one in found} == {("command", "ann@shop.example")}
    assert all(one.name for one in found)


def test_passwords(terminal: Terminal) -> None:
    """It is set, hashed; a bad one is refused, and so is one for nobody."""
    terminal.run("account", "add", "ann@shop.example", "--role", "owner")
    assert "first that are tried" in set_password(terminal, "ann@shop.example", given="password1234", code=2)
    assert "no account" in set_password(terminal, "bob@shop.example", code=2)
    set_password(terminal, "ann@shop.example", "--forget-authenticator")

    async def verified() -> bool:
        async with open_shop(Config(data=terminal.data)) as db:
            found = await queries.by_email(db, "ann@shop.example")
            assert found is not None
            return found.state == "active" and await password.Passwords().verify(found.password, "a very good sentence")

    assert asyncio.run(verified())


def test_importing(terminal: Terminal) -> None:
    """A workbook's people are invited, each once; a faulty list invites nobody and says which line."""
    book = openpyxl.Workbook()
    for row in (("Who", "Role"), ("ann@shop.example", "auditor"), ("bob@shop.example", "")):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    path = terminal.folder / "people.xlsx"
    path.write_bytes(file.getvalue())
    people = terminal.read("account", "import", str(path), "--site", "shop")["people"]
    again = terminal.read("account", "import", str(path), "--site", "shop")["people"]
    assert [(one["email"], one["role"], one["state"]) for one in people] == [
        ("ann@shop.example", "auditor", "invited"), ("bob@shop.example", "analyst", "invited"),
    ]  # fmt: skip
    assert len({one["link"] for one in people}) == 2
    assert {one["state"] for one in again} == {"waiting"}
    path.write_text("eve@shop.example\nnobody\n")

    assert "line 2" in terminal.run("account", "import", str(path), code=2)
    assert "cannot be read" in terminal.run("account", "import", str(path) + "x", code=2)
    assert len(terminal.read("account", "list")["accounts"]) == 2


def test_tokens(terminal: Terminal) -> None:
    """Shown once, listed without itself, removed."""
    terminal.run("account", "add", "ann@shop.example", "--role", "analyst")
    common = ("ann@shop.example", "--name", "nightly", "--read", "log", "--read", "exports")
    made = terminal.read("account", "token", "add", *common, "--site", "shop", "--days", "7")
    [listed] = terminal.read("account", "token", "list", "ann@shop.example")["tokens"]
    assert (listed["id"], listed["site"], listed["reads"]) == (made["id"], "shop", ["exports", "log"])
    assert made["token"] not in terminal.run("account", "token", "list", "ann@shop.example")
    terminal.run("account", "token", "remove", "ann@shop.example", made["id"])

    assert terminal.read("account", "token", "list", "ann@shop.example")["tokens"] == []
    assert "no token" in terminal.run("account", "token", "remove", "ann@shop.example", made["id"], code=2)


def test_a_token_for_a_variable(terminal: Terminal) -> None:
    """What is printed is the token and nothing else, so that a shell can keep it; how long it holds goes to stderr."""
    terminal.run("account", "add", "ann@shop.example", "--role", "analyst")
    words = ["account", "token", "add", "ann@shop.example", "--name", "a", "--read", "figures"]
    made = CliRunner().invoke(main, words, env={"CONSENT_DATA": str(terminal.data)})

    assert re.fullmatch(r"\S+\n", made.stdout)
    assert "holds until" in made.stderr


def test_hostile_names(terminal: Terminal) -> None:
    """What steers a terminal is no address and no name of a token."""
    terminal.run("account", "add", "a\x1b[2J@shop.example", "--role", "owner", code=2)
    terminal.run("account", "add", "ann@shop.example", "--role", "owner")

    assert "needs a name" in terminal.run(
        "account", "token", "add", "ann@shop.example", "--name", "\x1b[2J", "--read", "log", code=2
    )
