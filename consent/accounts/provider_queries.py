"""Which account a provider vouches for, in the store."""

from consent.db import Database


async def bind(db: Database, account: str, issuer: str, subject: str) -> bool:
    """Bind an account to whom the provider vouches for, once: one that is bound to somebody else stays theirs.

    It is active then, as with a password, unless it was closed.
    """
    changed = await db.execute(
        "update account set issuer = :issuer, subject = :subject, state = 'active'"
        " where site_id = 0 and id = :id and subject = '' and state <> 'closed'",
        id=account, issuer=issuer, subject=subject,
    )  # fmt: skip
    return changed == 1
