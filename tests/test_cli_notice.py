"""`consent notice` and `consent witness`, as people and programs use them."""

import hashlib
import json
from pathlib import Path

import pytest

from consent.delivery.outline import Section, as_text
from consent.ledger.cosign import Cosigner
from tests.test_cli import POLICY, Terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in a folder where a shop has published."""
    made = Terminal(tmp_path)
    made.run("policy", "publish", made.policy(POLICY + "[texts.en]\nbanner_title = 'Cookies & Co'\n"))
    return made


def layers(terminal: Terminal) -> str:
    notices = terminal.read("notice", "list", "shop")["notices"]
    return str(next(one["hash"] for one in notices if one["kind"] == "layers"))


def test_listing_notices(terminal: Terminal) -> None:
    """Every notice with its versions; a second version that shows something else brings new ones."""
    [first] = [one for one in terminal.read("notice", "list", "shop")["notices"] if one["kind"] == "layers"]
    terminal.run("policy", "publish", terminal.policy(POLICY))
    found = terminal.read("notice", "list", "shop")["notices"]

    assert (first["versions"], first["shown"], first["language"]) == ([1], 0, "en")
    assert len(found) == 4
    assert {tuple(one["versions"]) for one in found} == {(1,), (2,)}
    assert first["hash"] in terminal.run("notice", "list", "shop")


def test_showing_a_notice(terminal: Terminal) -> None:
    """All its texts; as JSON what was hashed."""
    notice = layers(terminal)
    text = terminal.run("notice", "show", notice)
    answer = terminal.read("notice", "show", notice, "--site", "shop")
    body = json.dumps(answer["notice"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert hashlib.sha256(body.encode()).hexdigest() == notice == answer["hash"]
    assert "Cookies & Co" in text
    assert "Service: YouTube" in text
    assert "policy version 1 showed it since" in text
    assert max(map(len, text.splitlines())) < 200


def test_control_characters_are_written_out() -> None:
    """What moves a cursor, changes colours or turns the direction of a text around reaches no terminal."""
    text = as_text([Section("A \x1b[31m", [("b\u202e", "c\r\nd\x9b2J"), ("", "e\u2066")])])

    assert text == "A \\x1b[31m\n----------\nb\\u202e: c\\r\\nd\\x9b2J\ne\\u2066"


def test_showing_the_form(terminal: Terminal) -> None:
    """The page without script has a notice, too."""
    notices = terminal.read("notice", "list", "shop")["notices"]
    form = next(one["hash"] for one in notices if one["kind"] == "form")

    assert "The page with the form" in terminal.run("notice", "show", form)


def test_a_notice_as_a_file(terminal: Terminal) -> None:
    """One file that carries its own policy, with the exact bytes in a second beside it."""
    notice = layers(terminal)
    page = terminal.folder / "notice.html"
    terminal.run("notice", "show", notice, "--html", str(page))
    text = page.read_text("utf-8")

    assert hashlib.sha256((terminal.folder / f"{notice}.json").read_bytes()).hexdigest() == notice
    assert text.index("Content-Security-Policy") < text.index("<style")
    assert "default-src &#39;none&#39;" in text
    assert '<iframe sandbox="allow-scripts"' in text
    assert "cannot be written" in terminal.run("notice", "show", notice, "--html", "/nowhere/x.html", code=2)


@pytest.mark.parametrize("arguments", [["0" * 64], ["x"], ["0" * 64, "--site", "shop"]])
def test_unknown_notices(terminal: Terminal, arguments: list[str]) -> None:
    """What was never shown is told with where to look."""
    assert "consent notice list SITE" in terminal.run("notice", "show", *arguments, code=2)


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["witness", "serve", "--log", "x"], "NAME+ID+KEY"),
        (["witness", "follow", "http://127.0.0.1:1/log/shop", "--once"], "Try again later"),
        (["witness", "follow", "http://127.0.0.1:1/shop", "--once"], "/log/SITE"),
        (["witness", "follow", "http://127.0.0.1:1/log/shop", "--once", "--vkey", "x"], "NAME+ID+KEY"),
    ],
)
def test_mistakes_of_witnesses(tmp_path: Path, arguments: list[str], remedy: str) -> None:
    """Each is told with its remedy."""
    told = Terminal(tmp_path).run(*arguments, "--folder", str(tmp_path / "witness"), code=2)

    assert remedy in told


def test_a_witness_keeps_its_name(tmp_path: Path) -> None:
    """A second name for the same key is refused, for its cosignatures bear the first."""
    folder = tmp_path / "witness"
    folder.mkdir()
    (folder / "witness.key").write_text(Cosigner.generate("one").line + "\n")
    log = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    arguments = ["witness", "serve", "--log", log, "--port", "0", "--folder", str(folder)]

    assert "is called one" in Terminal(tmp_path).run(*arguments, "--name", "two", code=2)
