"""People who are signed in and programs with tokens, for tests of every room: headers of their requests."""

import asyncio
import itertools
import secrets
import time

from consent.accounts import queries, session, session_queries, token_queries
from consent.accounts.account import Role
from consent.accounts.door import keyring_in
from consent.accounts.session import Session
from consent.config import Config
from consent.db import Database
from consent.sites.tokens import digest
from consent.web.gate import Need
from tests.records.shop import open_shop

OURS = {"Sec-Fetch-Site": "same-origin"}
"""What a browser adds to a request that began on our own page; whatever changes something needs it."""

PASSWORD = "correct horse battery staple"
"""What everybody here takes."""

_numbers = itertools.count(1)


def signed_in(config: Config, role: Role, site_id: int = 0, *, ago: int = 0) -> dict[str, str]:
    """Headers of somebody new with that role at that site (0: at every site), who signed in so many ms ago."""

    async def make() -> dict[str, str]:
        async with open_shop(config) as db:
            account = await add(db, {site_id: role})
            return await cookie(db, config, account, ago=ago)

    return asyncio.run(make())


async def add(db: Database, roles: dict[int, Role], email: str = "", password: str = "unused") -> str:
    """An account with those roles; its id."""
    account = secrets.token_hex(16)
    await queries.add(db, account, email or f"person{next(_numbers)}@shop.example", password, now())
    for site_id, role in roles.items():
        await queries.give_role(db, account, site_id, role, now())
    return account


async def cookie(db: Database, config: Config, account: str, *, ago: int = 0) -> dict[str, str]:
    """Headers of a session of that account."""
    begun = now() - ago
    made = Session(bytes.fromhex(account), secrets.token_bytes(16), begun)
    await session_queries.begin(db, made, "192.0.2.0/24", "tests", begun)
    value = session.write(keyring_in(config.data, 0), made, secrets.token_bytes(12))
    return {"Cookie": f"{session.name(secure=False)}={value}"} | OURS


async def bearer(
    db: Database, account: str, scope: int, needs: frozenset[Need], *, lasts: int = 60_000
) -> dict[str, str]:
    """Headers of a token of that account."""
    text = secrets.token_urlsafe(32)
    token = token_queries.Token(
        digest(text), secrets.token_hex(8), account, "tests", scope, needs, now(), now() + lasts
    )  # fmt: skip
    await token_queries.add(db, token)
    return {"Authorization": f"Bearer {text}"}


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
