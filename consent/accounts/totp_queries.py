"""Authenticators in the store: a code and a recovery code are taken once, also when two come at the same time."""

from collections.abc import Sequence

from consent.db import Database


async def take_step(db: Database, account: str, step: int) -> bool:
    """Whether the code of that step is taken now; neither it nor an older one is ever taken again."""
    changed = await db.execute(
        "update account set totp_step = :step where site_id = 0 and id = :id and totp_step < :step",
        id=account, step=step,
    )  # fmt: skip
    return changed == 1


async def take_recovery(db: Database, account: str, digest: str) -> bool:
    """Whether there was such a recovery code; it is gone now."""
    changed = await db.execute(
        "delete from account_recovery where site_id = 0 and account = :account and digest = :digest",
        account=account, digest=digest,
    )  # fmt: skip
    return changed == 1


async def turn_on(db: Database, account: str, sealed: str, step: int, digests: Sequence[str]) -> None:
    """From now on a code is asked for; other recovery codes than these count no more."""
    async with db.transaction() as held:
        await held.execute(
            "update account set totp = :totp, totp_step = :step where site_id = 0 and id = :id",
            id=account, totp=sealed, step=step,
        )  # fmt: skip
        await held.execute("delete from account_recovery where site_id = 0 and account = :id", id=account)
        await held.execute_many(
            "insert into account_recovery (site_id, account, digest) values (0, :account, :digest)",
            [{"account": account, "digest": digest} for digest in digests],
        )


async def turn_off(db: Database, account: str) -> None:
    """No code is asked for."""
    async with db.transaction() as held:
        await held.execute("update account set totp = '', totp_step = 0 where site_id = 0 and id = :id", id=account)
        await held.execute("delete from account_recovery where site_id = 0 and account = :id", id=account)


async def left(db: Database, account: str) -> int:
    """How many recovery codes are left."""
    row = await db.fetch_one(
        "select count(*) as n from account_recovery where site_id = 0 and account = :account", account=account
    )
    return int(row["n"]) if row else 0
