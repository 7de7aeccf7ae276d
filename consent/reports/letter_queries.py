"""Wishes for letters in the store, and the figures that letters tell."""

from collections.abc import Sequence

from consent.db import Database
from consent.records.question import ACTIONS
from consent.reports.letters import Reader

MOST = 2_000
"""Readers of one kind of letter."""


async def wishes(db: Database, account: str) -> set[str]:
    """The kinds of letters that an account gets."""
    rows = await db.fetch("select kind from letter_wish where site_id = 0 and account = :account", account=account)
    return {row["kind"] for row in rows}


async def wish(db: Database, account: str, kind: str, now: int) -> None:
    """Somebody wants such letters; twice is once."""
    await db.execute(
        "insert into letter_wish (site_id, account, kind, since, sent) values (0, :account, :kind, :now, 0)"
        " on conflict (site_id, account, kind) do nothing",
        account=account, kind=kind, now=now,
    )  # fmt: skip


async def stop(db: Database, account: str, kind: str) -> None:
    """Such letters are not wanted any more."""
    await db.execute(
        "delete from letter_wish where site_id = 0 and account = :account and kind = :kind", account=account, kind=kind
    )


async def readers(db: Database, kind: str, before: int = 2**31) -> list[Reader]:
    """Accounts that can sign in and want such letters, whose last one was about a day before that."""
    rows = await db.fetch(
        "select w.account, a.email, w.sent from letter_wish w join account a on a.site_id = 0 and a.id = w.account"
        " where w.site_id = 0 and w.kind = :kind and w.sent < :before and a.state = 'active'"
        " order by w.account limit :most",
        kind=kind, before=before, most=MOST,
    )  # fmt: skip
    return [Reader(row["account"], row["email"], row["sent"]) for row in rows]


async def mark(db: Database, account: str, was: int, day: int) -> bool:
    """Note the day of a daily letter; False when another process was faster."""
    changed = await db.execute(
        "update letter_wish set sent = :day"
        " where site_id = 0 and account = :account and kind = 'daily' and sent = :was",
        account=account, was=was, day=day,
    )  # fmt: skip
    return changed == 1


async def choices(db: Database, site_id: int, first: int, last: int) -> dict[str, int]:
    """Choices by action from a day to another, both within it (days since 1970, UTC)."""
    sums = ", ".join(f"coalesce(sum({action}), 0) as {action}" for action in ACTIONS)
    row = await db.fetch_one(
        f"select {sums} from consent_rollup where site_id = :site_id and dim = 'total' and grain = 'day'"  # noqa: S608  # only our own words
        " and kind = 'said' and bucket >= :first and bucket <= :last",
        site_id=site_id, first=first, last=last,
    )  # fmt: skip
    return dict(row or {})


async def visits(db: Database, site_id: int, day: int) -> Sequence[int]:
    """Sessions, visitors and views of a day, with what was counted anonymously."""
    row = await db.fetch_one(
        "select coalesce(sum(sessions), 0) as sessions, coalesce(sum(visitors), 0) as visitors,"
        " coalesce(sum(views), 0) as views from rollup where site_id = :site_id and dim = 'total' and grain = 'day'"
        " and kind in ('full', 'count') and bucket = :day",
        site_id=site_id, day=day,
    )  # fmt: skip
    return (row["sessions"], row["visitors"], row["views"]) if row else (0, 0, 0)
