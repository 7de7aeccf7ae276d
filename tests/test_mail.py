"""Letters reach a mail server as they should, and nothing else does."""

import asyncio
import email
from collections.abc import AsyncIterator
from email.message import EmailMessage, Message
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope

from consent.config import Config, load
from consent.errors import ConfigError, Problem
from consent.mail import WAITING, Letter, Mailer, address, compose

LETTER = Letter(to="ann@example.com", subject="Grüße", text="Ein Wort.\n.\nUnd noch eins.\n")
SENDER = "Consent, of Example <consent@example.com>"


class Box:
    """Keeps what it is sent. `refusals` are answered first, one a letter."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], Message]] = []
        self.refusals: list[str] = []
        self.arrived = asyncio.Event()

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.refusals:
            return self.refusals.pop(0)
        assert isinstance(envelope.content, bytes)
        self.letters.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=default)))
        self.arrived.set()
        return "250 OK"


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
async def server(box: Box) -> AsyncIterator[str]:
    """A mail server of this machine."""
    made = await asyncio.get_running_loop().create_server(lambda: SMTP(box, hostname="here"), "127.0.0.1", 0)
    async with made:
        yield f"smtp://127.0.0.1:{made.sockets[0].getsockname()[1]}"


@pytest.fixture
def mailer(server: str) -> Mailer:
    return Mailer(Config(mail_server=server, mail_from=SENDER), sleep=waited)


async def waited(_: float) -> None:
    """No time passes."""


async def test_a_letter_arrives_whole(mailer: Mailer, box: Box) -> None:
    """One reader, a subject beyond ASCII, and a line with a dot alone arrive as they were."""
    await mailer.send(LETTER)

    [(readers, letter)] = box.letters
    assert isinstance(letter, EmailMessage)
    assert readers == ["ann@example.com"]
    assert letter["subject"] == "Grüße"
    assert letter["from"] == '"Consent, of Example" <consent@example.com>'
    assert letter.get_content().replace("\r\n", "\n") == LETTER.text
    assert letter["auto-submitted"] == "auto-generated"
    assert letter["list-unsubscribe"] is None


async def test_a_letter_that_can_be_stopped_says_how(mailer: Mailer, box: Box) -> None:
    """The two headers of RFC 8058 stand in it."""
    await mailer.send(Letter(to="ann@example.com", subject="s", text="t", unsubscribe="https://c.example/stop/abc"))

    [(_, letter)] = box.letters
    assert letter["list-unsubscribe"] == "<https://c.example/stop/abc>"
    assert letter["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"


async def test_a_server_that_is_busy_is_asked_again(mailer: Mailer, box: Box) -> None:
    """Two answers of 4xx, then the letter is taken."""
    box.refusals = ["451 busy", "421 busy"]

    await mailer.send(LETTER)

    assert len(box.letters) == 1


async def test_a_server_that_is_busy_for_long_is_given_up(mailer: Mailer, box: Box) -> None:
    """Three tries, and the sender is told."""
    box.refusals = ["451 busy"] * 4

    with pytest.raises(Problem, match="451") as caught:
        await mailer.send(LETTER)

    assert (caught.value.code, len(box.refusals)) == ("mail", 1)


async def test_a_refusal_is_final(mailer: Mailer, box: Box) -> None:
    """An answer of 5xx is not asked for again."""
    box.refusals = ["554 no"] * 2

    with pytest.raises(Problem, match="554") as caught:
        await mailer.send(LETTER)

    assert (caught.value.code, len(box.refusals)) == ("mail_refused", 1)


@pytest.mark.parametrize(
    "to",
    ["", "ann", "ann@example.com\r\nBcc: eve@example.com", "ann@example.com, eve@example.com", "<ann@example.com>",
     "ann@exam ple.com", "änn@example.com", "ann@example.com\0", f"{'a' * 65}@example.com", f"a@{'a.' * 130}com",
     "ann@example.com\u2028"],
)  # fmt: skip
async def test_nobody_else_can_be_addressed(mailer: Mailer, box: Box, to: str) -> None:
    """What is not exactly one address is refused before anything is sent."""
    with pytest.raises(Problem) as caught:
        await mailer.send(Letter(to=to, subject="s", text="t"))

    assert caught.value.code == "mail_address"
    assert box.letters == []


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_no_text_begins_a_header(end: str) -> None:
    """Whatever ends a line somewhere is a space in a subject, and in the sender's name."""
    made = compose(
        Letter(to="ann@example.com", subject=f"Hi{end}Bcc: eve@example.com", text=f"x{end}Bcc: eve@example.com"),
        "Consent <consent@example.com>",
    )

    again = email.message_from_bytes(made.as_bytes(), policy=default)
    assert again["bcc"] is None
    assert again["subject"] == "Hi Bcc: eve@example.com"


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://c.example/>\r\nBcc: e@e.example", "https://c.example/<"]
)
def test_no_link_begins_a_header(link: str) -> None:
    """A link that could end its brackets is refused."""
    with pytest.raises(Problem) as caught:
        compose(Letter(to="ann@example.com", subject="s", text="t", unsubscribe=link), SENDER)

    assert caught.value.code == "mail_link"


async def test_what_is_posted_is_sent_in_the_background(mailer: Mailer, box: Box) -> None:
    """`post` only queues; one that fails does not stop those behind it."""
    box.refusals = ["554 no"]
    assert mailer.post(LETTER)
    assert mailer.post(LETTER)

    task = asyncio.create_task(mailer.run())
    async with asyncio.timeout(10):
        await box.arrived.wait()
    task.cancel()

    assert len(box.letters) == 1


async def test_the_queue_is_bounded(mailer: Mailer) -> None:
    """More letters than may wait are refused."""
    taken = [mailer.post(LETTER) for _ in range(WAITING + 1)]

    assert taken == [True] * WAITING + [False]


async def test_without_a_server_nothing_is_sent() -> None:
    """Mail is off by default, and says so."""
    mailer = Mailer(Config())

    assert (mailer.on, mailer.post(LETTER)) == (False, False)
    with pytest.raises(Problem, match="No mail server"):
        await mailer.send(LETTER)


async def test_a_server_that_is_not_there_is_told() -> None:
    """After the tries, the reason stands in the answer."""
    mailer = Mailer(Config(mail_server="smtp://127.0.0.1:9", mail_from=SENDER), sleep=waited)

    with pytest.raises(Problem, match="refused") as caught:
        await mailer.send(LETTER)

    assert caught.value.status == 503


async def test_letters_cross_networks_encrypted(monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    """A server elsewhere that offers no TLS gets neither letter nor password."""
    monkeypatch.setattr("consent.mail._near", lambda _: False)
    mailer = Mailer(Config(mail_server=server, mail_from=SENDER, mail_user="u", mail_password="p"), sleep=waited)

    with pytest.raises(Problem) as caught:
        await mailer.send(LETTER)

    assert caught.value.code == "mail_refused"


@pytest.mark.parametrize(
    ("setting", "value"),
    [("mail_server", "mail.example.com"), ("mail_server", "http://mail.example.com"), ("mail_server", "smtp://u:p@host"),
     ("mail_from", ""), ("mail_from", "nobody"), ("mail_from", "a@b.example\r\nBcc: c@d.example")],
)  # fmt: skip
def test_settings_are_checked_at_the_start(setting: str, value: str) -> None:
    """A server or sender that cannot be one stops the command."""
    given = {"mail_server": "smtp://localhost", "mail_from": "a@b.example", setting: value}

    with pytest.raises(ConfigError) as caught:
        load(None, {}, given)

    assert caught.value.field == setting


def test_an_address_is_itself() -> None:
    """A usual address passes unchanged."""
    assert address("ann.o'hara+x@mail.example.com") == "ann.o'hara+x@mail.example.com"
