"""Letters that the service sends: through one mail server, in a thread, bounded, tried again; off without a server."""

import asyncio
import logging
import re
import smtplib
import ssl
from collections.abc import Awaitable, Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import msgspec

from consent.config import Config
from consent.errors import Problem, Unavailable

WAITING = 200
"""Letters that may wait to be sent; more are refused."""

TIMEOUT = 20.0
"""Seconds that the mail server may take for one answer."""

PAUSES = (2.0, 10.0)
"""Seconds between the tries of one letter."""

MAX_TEXT = 100_000
MAX_ADDRESS = 254
"""Characters of an address (RFC 5321, 4.5.3.1.3, without its angle brackets)."""

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PORTS = {"smtp": 587, "smtps": 465}

_log = logging.getLogger(__name__)


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One letter to one person. `unsubscribe`: an address that stops such letters by one POST (RFC 8058)."""

    to: str
    subject: str
    text: str
    unsubscribe: str = ""


class Mailer:
    """Sends letters, one after the other.

    Args:
        config: its `mail_*` settings.
        sleep: how to wait between tries.
    """

    def __init__(self, config: Config, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._config = config
        self._sleep = sleep
        self._queue: asyncio.Queue[Letter] = asyncio.Queue(WAITING)
        self._turn = asyncio.Semaphore(1)
        self._in_line = 0

    @property
    def on(self) -> bool:
        """Whether there is a server to send through."""
        return bool(self._config.mail_server)

    def post(self, letter: Letter) -> bool:
        """Take a letter to be sent by `run`; False when mail is off or too many are waiting. Never waits."""
        if not self.on or self._queue.full():
            return False
        self._queue.put_nowait(letter)
        return True

    async def run(self) -> None:
        """Send what was posted, for ever. What cannot be sent is told in the service's messages, without its reader."""
        while True:
            letter = await self._queue.get()
            try:
                await self.send(letter)
            except Problem as problem:
                _log.error("A letter could not be sent: %s", problem)
            finally:
                self._queue.task_done()

    async def emptied(self) -> None:
        """Wait until everything that was posted is sent or given up; `run` must be running."""
        await self._queue.join()

    async def send(self, letter: Letter) -> None:
        """Send a letter. Raises Problem when that cannot be: mail is off, the server refuses it, or is not reached."""
        if not self.on:
            raise Problem("mail_off", "No mail server is set.", "Set mail_server and mail_from.", status=503)
        message = compose(letter, self._config.mail_from)
        if self._in_line >= WAITING:
            raise Unavailable("Too many letters wait to be sent.", 60)
        self._in_line += 1
        try:
            async with self._turn:
                await self._try(message, letter.to)
        finally:
            self._in_line -= 1

    async def _try(self, message: EmailMessage, to: str) -> None:
        for pause in (*PAUSES, None):
            try:
                await asyncio.to_thread(deliver, self._config, message, to)
                return
            except (OSError, smtplib.SMTPException) as error:
                if not _passing(error):
                    why = f"The mail server refuses the letter: {_said(error)}."
                    raise Problem("mail_refused", why, _LOOK, status=502) from error
                if pause is None:
                    raise Problem(
                        "mail", f"The mail server was not reached: {_said(error)}.", _LOOK, status=503
                    ) from error
            await self._sleep(pause)


def address(text: str) -> str:
    """One address as it may stand in a letter's head: ASCII, nothing quoted. Raises Problem (`mail_address`)."""
    if len(text) > MAX_ADDRESS or _ADDRESS.fullmatch(text) is None:
        remedy = "Write one address such as ann@example.com, without a name, in ASCII."
        raise Problem("mail_address", f"{_CONTROL.sub(' ', text[:80])!r} is no e-mail address.", remedy, field="email")
    return text


def parted(sender: str) -> tuple[str, str]:
    """Name and address of a sender as the setting has it; the name may be empty."""
    name, bracket, rest = sender.strip().rpartition("<")
    return name.strip(' "'), rest.removesuffix(">") if bracket else rest


def compose(letter: Letter, sender: str) -> EmailMessage:
    """The letter as it is sent (RFC 5322). What could begin another header is a space or refused."""
    name, from_ = parted(sender)
    message = EmailMessage(policy=SMTP.clone(max_line_length=78))
    try:
        message["From"] = Address(_plain(name), addr_spec=address(from_))
        message["To"] = Address(addr_spec=address(letter.to))
        message["Subject"] = _plain(letter.subject)[:200]
    except (MessageError, ValueError) as error:
        raise Problem("mail_address", f"A letter cannot be addressed: {error}.", "Look at mail_from.") from error
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=from_.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{_link(letter.unsubscribe)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text[:MAX_TEXT], cte="quoted-printable")
    return message


def deliver(config: Config, message: EmailMessage, to: str) -> None:
    """Hand a letter to the server; waits. A password and letters cross the network under TLS alone."""
    server = urlsplit(config.mail_server)
    with _connected(server) as client:
        if server.scheme == "smtp" and not _near(server):
            client.starttls(context=ssl.create_default_context())
        if config.mail_user:
            client.login(config.mail_user, config.mail_password)
        client.send_message(message, parted(config.mail_from)[1], [to])


def _connected(server: SplitResult) -> smtplib.SMTP:
    host, port = server.hostname or "", server.port or _PORTS[server.scheme]
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=TIMEOUT)


def _near(server: SplitResult) -> bool:
    """Whether the server is this machine, so that nothing crosses a network."""
    host = server.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _passing(error: Exception) -> bool:
    """Whether another try may do better (RFC 5321, 4.2.1: replies of 4xx)."""
    if isinstance(error, ssl.SSLCertVerificationError | smtplib.SMTPNotSupportedError):
        return False
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(400 <= code < 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code < 500
    return True


_LOOK = "Look at the settings mail_server, mail_user, mail_password and mail_from."


def _said(error: Exception) -> str:
    """What the server said, without addresses: it may stand in the service's messages."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"it answered {error.smtp_code}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return f"it answered {next(iter(error.recipients.values()))[0]}"
    return type(error).__name__ if not isinstance(error, OSError) else error.strerror or type(error).__name__


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()


def _link(text: str) -> str:
    if not re.fullmatch(r"https?://[\x21-\x3b\x3d\x3f-\x7e]{1,1000}", text):
        raise Problem("mail_link", "The link that stops a letter cannot stand in its head.", "Look at public_url.")
    return text
