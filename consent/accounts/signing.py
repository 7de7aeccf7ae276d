"""Signing in and out: passwords, codes, links, and the sessions that they begin."""

import os
import secrets
from collections.abc import Callable

import msgspec

from consent.accounts import link_queries, password, queries, session, session_queries, totp, totp_queries
from consent.accounts.account import EVERY_SITE, Account, Role, check_email
from consent.accounts.device import called
from consent.accounts.door import Door
from consent.accounts.link_queries import Link
from consent.accounts.lockout import Lockout
from consent.accounts.password import Passwords
from consent.accounts.session import Session
from consent.db import Database
from consent.errors import Forbidden, NotFound, Problem, TooMany
from consent.sites.tokens import digest
from consent.web.address import place
from consent.web.gate import Signed
from consent.web.limits import Buckets
from consent.web.seal import NONCE_BYTES, Keyring

LASTS = {"first": 24 * 3_600_000, "invite": 14 * 86_400_000, "password": 24 * 3_600_000}
"""Milliseconds that a link lets somebody in, by its kind."""

REFUSALS = 60
"""Refused sign-ins a minute that are written into the access log: a flood of them fills no disk."""

_TOTP = b"consent account totp\x00"


class Caller(msgspec.Struct, frozen=True):
    """Where a request comes from: the address, and what the browser calls itself."""

    address: str
    agent: str = ""

    @property
    def host(self) -> str:
        """The household that tries are counted by."""
        return place(self.address).host


class Refused(Forbidden):
    """The one answer to every wrong sign-in: it does not tell what was wrong."""

    def __init__(self) -> None:
        super().__init__(
            "sign_in",
            "The e-mail address, the password or the code is not right.",
            "Look at all three and try again; an owner can send you a new link.",
        )


class Signing:
    """Begins and ends sessions."""

    def __init__(self, db: Database, door: Door, keys: Keyring, now: Callable[[], int]) -> None:
        self._db = db
        self._door = door
        self._keys = keys
        self._now = now
        self._passwords = Passwords()
        self._lockout = Lockout()
        self._refusals = Buckets(REFUSALS)

    async def sign_in(self, email: str, given: str, code: str, caller: Caller) -> str:
        """The value of a new session's cookie. Raises Refused, or TooMany while there is a wait."""
        account = await self._prove(email, given, code, caller)
        await queries.note_seen(self._db, account.id, self._now())
        return await self.begin(account, caller, "sign in")

    async def confirm(self, who: Signed, given: str, code: str, caller: Caller) -> None:
        """The password was given again for dangerous things. Raises as `sign_in`."""
        account = await self._prove((await self._account(who.account)).email, given, code, caller)
        await session_queries.confirm(self._db, who.session, self._now())
        await self._door.write(who, "confirmed", caller.address, about=account.email)

    async def _prove(self, email: str, given: str, code: str, caller: Caller) -> Account:
        """The account that all this is right for. The work is the same whoever is meant."""
        known = _tidy(email)
        wait = self._lockout.attempt(known, caller.host, self._now() / 1_000)
        if wait:
            raise TooMany(wait)
        account = await queries.credentials(self._db, known)
        active = account if account is not None and account.state == "active" else None
        right = await self._passwords.verify(active.password if active else "", given)
        if active is None or not right or not await self._code_is_right(active, code):
            await self._note_failure(known, caller)
            raise Refused
        self._lockout.succeed(known, caller.host)
        if self._passwords.is_dated(active.password):
            await queries.renew_hash(self._db, active.id, await self._passwords.hash(given))
        return active

    async def _prove_code(self, account: Account, code: str, caller: Caller) -> None:
        """Raises Problem for a wrong code, or TooMany while there is a wait."""
        wait = self._lockout.attempt(account.email, caller.host, self._now() / 1_000)
        if wait:
            raise TooMany(wait)
        if not await self._code_is_right(account, code):
            await self._note_failure(account.email, caller)
            remedy = "Type the one that it shows now, or a recovery code; an owner can take the authenticator away."
            raise Problem("code", "This is not the code of your authenticator.", remedy, field="code")
        self._lockout.succeed(account.email, caller.host)

    async def _code_is_right(self, account: Account, code: str) -> bool:
        """Whether an account needs no code, or this one counts: of an authenticator or for recovery, each once."""
        if not account.totp:
            return True
        step = totp.accepted(self.secret_of(account), code, self._now(), account.totp_step)
        if step is not None:
            return await totp_queries.take_step(self._db, account.id, step)
        return await totp_queries.take_recovery(self._db, account.id, totp.recovery_digest(code))

    def secret_of(self, account: Account) -> bytes:
        """The shared secret of the account's authenticator. Raises Problem when its key is lost."""
        plain = self.open_secret(account.totp, account.id)
        if plain is None:
            remedy = "Put keys/accounts back from a backup, or: consent account password EMAIL --forget-authenticator."
            raise Problem("account_keys", "The key that this account's authenticator is kept under is gone.", remedy)
        return plain

    def open_secret(self, sealed: str, account_id: str) -> bytes | None:
        """What `seal_secret` sealed for that account; None for everything else."""
        return self._keys.open(sealed, _TOTP + account_id.encode())

    def seal_secret(self, account_id: str, secret: bytes) -> str:
        """The shared secret as the store keeps it."""
        return self._keys.seal(secret, _TOTP + account_id.encode(), os.urandom(NONCE_BYTES))

    async def _note_failure(self, email: str, caller: Caller) -> None:
        """Write a refusal down, so many a minute; not what is no address: it may be a password in the wrong field."""
        if self._refusals.take("", self._now() / 1_000):
            return
        nobody = Signed(account="", name=email if "@" in email else "no address", how="nobody", grants={})
        await self._door.write(nobody, "sign in refused", caller.address)

    async def begin(self, account: Account, caller: Caller, how: str, *, confirmed: bool = True) -> str:
        """The value of a new session's cookie; its id was never seen before. `confirmed`: a password was given now."""
        now = self._now()
        made = Session(bytes.fromhex(account.id), secrets.token_bytes(16), now)
        network, agent = place(caller.address).network, called(caller.agent)
        await session_queries.begin(self._db, made, network, agent, now, confirmed=confirmed)
        who = Signed(account=account.id, name=account.email, how="session", grants={}, session=made.digest)
        await self._door.write(who, how, caller.address)
        return session.write(self._keys, made, os.urandom(NONCE_BYTES))

    async def end(self, value: str) -> None:
        """End the session of a cookie, if it is one."""
        cookie = session.read(self._keys, value)
        if cookie is not None:
            await session_queries.end(self._db, cookie.digest)

    async def set_password(self, who: Signed, given: str, fresh: str, code: str, caller: Caller) -> str:
        """Change one's own password, by the old one. Every session ends; returns the cookie of a new one."""
        account = await self._account(who.account)
        checked = password.check(fresh, account.email)
        await self._prove(account.email, given, code, caller)
        await queries.set_password(self._db, account.id, await self._passwords.hash(checked))
        return await self.begin(account, caller, "password changed")

    async def _account(self, account_id: str) -> Account:
        found = await queries.by_id(self._db, account_id)
        if found is None:
            raise NotFound("unknown_account", "There is no such account any more.", "Ask an owner.")
        return found

    # Links

    async def link(self, token: str) -> tuple[Link, Account | None]:
        """A link that still lets somebody in, and the account it is for, if there is one. Raises NotFound."""
        found = await link_queries.find_link(self._db, digest(token), self._now())
        account = await queries.by_id(self._db, found.account) if found and found.account else None
        if found is None or (found.kind != "first" and account is None):
            raise NotFound(
                "link",
                "This link was used, or it is too old.",
                "Ask an owner for another; for the first account: consent account link.",
            )
        return found, account

    async def use(self, token: str, email: str, given: str, code: str, caller: Caller) -> str:
        """Use a link: make the owner's account, or give an account its password. Returns a session's cookie.

        An authenticator is asked as ever: the link stands for the password, not for it (OWASP ASVS 5.0, 6.4.3).
        """
        found, known = await self.link(token)
        email = known.email if known else check_email(email)
        checked = password.check(given, email)
        if known and known.totp:
            await self._prove_code(known, code, caller)
        hashed = await self._passwords.hash(checked)
        now = self._now()
        async with self._db.transaction() as held:
            if not await link_queries.use_link(held, found.digest):
                raise NotFound("link", "This link was used, or it is too old.", "Ask an owner for another.")
            if found.kind == "first":
                account = await queries.add(held, secrets.token_hex(16), email, hashed, now)
                await queries.give_role(held, account.id, EVERY_SITE, Role.OWNER, now)
            else:
                await queries.set_password(held, found.account, hashed)
        account = await self._account(found.account or account.id)
        await queries.note_seen(self._db, account.id, now)
        return await self.begin(account, caller, f"{found.kind} link")


async def make_link(db: Database, kind: str, account: str, now: int) -> str:
    """A new link's token, in the place of those of its kind for that account."""
    token = secrets.token_urlsafe(32)
    await link_queries.add_link(db, Link(digest(token), kind, account, now + LASTS[kind]), now)
    return token


def _tidy(email: str) -> str:
    """The address as it is stored; what cannot be one stands for itself, and for nobody."""
    try:
        return check_email(email)
    except Problem:
        return email[:80].lower()
