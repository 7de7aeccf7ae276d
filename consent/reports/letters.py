"""What letters say: the day that is over in numbers, and what is not well. Numbers and keys of sites alone. Pure."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple, get_args

import msgspec

from consent.mail import Letter
from consent.records.question import ACTIONS

Kind = Literal["daily", "outage"]
KINDS: tuple[Kind, ...] = get_args(Kind)

WEEK = 7
"""Days before that a day is compared with."""

MOST_SITES = 50
"""Sites that a letter tells of."""


class Reader(NamedTuple):
    """Somebody who asked for letters; `sent` is the day that the last one was about."""

    account: str
    email: str
    sent: int


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """A site's day: choices by action, and the same of the week before; visits, where there is a log of them."""

    site: str
    choices: Mapping[str, int]
    week: Mapping[str, int]
    sessions: int = 0
    visitors: int = 0
    views: int = 0

    @property
    def quiet(self) -> bool:
        """Whether nothing happened."""
        return not (any(self.choices.values()) or any(self.week.values()) or self.views or self.sessions)


class Fault(msgspec.Struct, frozen=True):
    """Something that is not well. `site`: the key of the only site that it is about; empty: it is about all."""

    code: str
    says: str
    site: str = ""


def daily(day: int, sites: Sequence[Day], console: str) -> tuple[str, str]:
    """Subject and text of the letter about a day (since 1970, UTC)."""
    date = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(day)).strftime("%Y-%m-%d")
    told = [_of_site(one) for one in sites[:MOST_SITES] if not one.quiet]
    if len(sites) > MOST_SITES:
        told.append(f"... and {len(sites) - MOST_SITES} more sites.")
    body = "\n\n".join(told or ["Nothing happened at any site."])
    return f"Consent on {date}", f"{date} (UTC)\n\n{body}\n\nMore: {console}/sites/\n"


def outage(begun: Sequence[Fault], over: Sequence[Fault], console: str) -> tuple[str, str]:
    """Subject and text of the letter about what is not well, or is again."""
    lines = [f"- {_named(fault)}" for fault in begun]
    if begun and over:
        lines.append("")
    if over:
        lines += ["This is over:", *(f"- {_named(fault)}" for fault in over)]
    subject = "The consent service is not well" if begun else "The consent service is well again"
    return subject, "\n".join(lines) + f"\n\nMore: {console}/sites/\n"


def stop_mark(secret: bytes, account: str, kind: str) -> str:
    """What only we can make, so that a link stops the letters of one account alone."""
    return hmac.digest(secret, f"letters\0{kind}\0{account}".encode(), "sha256").hex()[:32]


class Stops(NamedTuple):
    """Ends letters with the way to stop them. `secret`: what links are signed with; `console`: our own address."""

    secret: bytes
    console: str

    def link(self, account: str, kind: Kind) -> str:
        """The address that stops letters of a kind to an account."""
        return f"{self.console}/letters/stop/{kind}.{account}.{stop_mark(self.secret, account, kind)}"

    def read(self, token: str) -> tuple[str, Kind] | None:
        """Account and kind of a link's last part; None where we did not make it."""
        kind, _, rest = token.partition(".")
        account, _, mark = rest.partition(".")
        ours = hmac.compare_digest(stop_mark(self.secret, account, kind).encode(), mark.encode())
        return next(((account, one) for one in KINDS if one == kind), None) if ours else None

    def letter(self, reader: Reader, kind: Kind, subject: str, text: str) -> Letter:
        """A letter with its end."""
        stop = self.link(reader.account, kind)
        what = "summary of every day" if kind == "daily" else "news of outages"
        end = f"\n-- \nYou asked for this {what}. Stop it with one click:\n{stop}\n"
        return Letter(to=reader.email, subject=subject, text=text + end, unsubscribe=stop)


def _of_site(day: Day) -> str:
    choices, week = sum(day.choices.values()), sum(day.week.values())
    lines = [f"{day.site}", f"  choices   {choices:>9,}   (a day of the week before: {week / WEEK:,.0f})"]
    lines += [f"  {action:<10}{day.choices.get(action, 0):>9,}" for action in ACTIONS]
    rate, before = agreed(day.choices), agreed(day.week)
    if rate is not None:
        lines.append(f"  agreed    {rate:>9.1%}" + (f"   (before: {before:.1%})" if before is not None else ""))
    if day.sessions or day.views:
        lines.append(f"  visits    {day.sessions:>9,}   visitors {day.visitors:,}, pages {day.views:,}")
    return "\n".join(lines)


def agreed(choices: Mapping[str, int]) -> float | None:
    """Of the first choices the part that grants something; None where there is none."""
    first = sum(choices.get(action, 0) for action in ("given", "partly", "refused"))
    return (choices.get("given", 0) + choices.get("partly", 0)) / first if first else None


def _named(fault: Fault) -> str:
    return f"{fault.site}: {fault.says}" if fault.site else fault.says
