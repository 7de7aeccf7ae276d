"""Inviting people: an account, a role, and a link that is mailed or handed out; each is invited once."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Sequence

import msgspec

from consent.accounts import link_queries, queries
from consent.accounts.account import EVERY_SITE, Account, Role
from consent.accounts.signing import make_link
from consent.db import Database
from consent.errors import NotFound, Problem
from consent.mail import Letter, Mailer
from consent.web.gate import Signed

PATIENCE = 20
"""Seconds in which letters are sent; whoever is left gets their link by hand."""


class Invited(msgspec.Struct):
    """What became of one person.

    Args:
        email: who.
        role: what they are now.
        state: `known` (can sign in already), `invited` (now), or `waiting` (was invited before).
        link: what lets them in once, to hand out; empty when it was mailed, or there is none.
        mail: why no mail was sent, where one was to be.
    """

    email: str
    role: Role
    state: str
    link: str = ""
    mail: str = ""


class Inviting:
    """Gives roles, and lets people in."""

    def __init__(self, db: Database, mailer: Mailer, base_url: str, now: Callable[[], int]) -> None:
        self._db = db
        self._mailer = mailer
        self._base_url = base_url
        self._now = now
        self._turn = asyncio.Lock()

    async def invite(self, people: Sequence[tuple[str, Role]], site_id: int, by: Signed, place: str) -> list[Invited]:
        """Give each a role at a site (0: every site); who is new gets a link, by mail where there is a server.

        Raises Problem when the last owner would be none.
        """
        async with self._turn:  # a form that is sent twice invites each person once, and fails nowhere
            done = [await self._one(email, role, site_id) for email, role in people]
        letters = [self._letter(one, by, place) for one in done if one.link]
        told = iter(await self._send(letters) if self._mailer.on else ())
        for one in done:
            if one.link and self._mailer.on:
                one.mail = next(told)
                one.link = one.link if one.mail else ""
        return done

    async def link_for(self, account: Account, by: Signed, place: str) -> Invited:
        """A new link for somebody who lost theirs, or their password; the one before it ends."""
        kind = "invite" if account.state == "invited" else "password"
        one = Invited(account.email, next(iter(account.roles.values()), Role.AUDITOR), "invited")
        one.link = self._address(await make_link(self._db, kind, account.id, self._now()))
        if self._mailer.on:
            [one.mail] = await self._send([self._letter(one, by, place)])
            one.link = one.link if one.mail else ""
        return one

    async def _one(self, email: str, role: Role, site_id: int) -> Invited:
        found = await queries.by_email(self._db, email)
        if found is None:
            found = await queries.add(self._db, secrets.token_hex(16), email, "", self._now())
        await self.change(found, site_id, role)
        if found.state != "invited":
            return Invited(email, role, "known")
        if await link_queries.is_waiting(self._db, found.id, self._now()) or found.roles.keys() - {site_id}:
            return Invited(email, role, "waiting")  # another site's owner may have invited them, for more than is ours
        token = await make_link(self._db, "invite", found.id, self._now())
        return Invited(email, role, "invited", self._address(token))

    async def change(self, account: Account, site_id: int, role: Role | None) -> None:
        """Give or take a role. Raises Problem where nobody would be left to manage."""
        async with self._db.transaction() as held:
            if site_id == EVERY_SITE and role is not Role.OWNER:
                await _check_others(held, account)
            if role is None:
                await queries.take_role(held, account.id, site_id)
            else:
                await queries.give_role(held, account.id, site_id, role, self._now())

    async def remove(self, account: Account) -> None:
        """Remove an account. Raises Problem where nobody would be left to manage."""
        async with self._db.transaction() as held:
            await _check_others(held, account)
            await queries.remove(held, account.id)

    async def _send(self, letters: Sequence[Letter]) -> list[str]:
        """Send letters while somebody waits for it; for each why it was not sent, or an empty text."""
        told: list[str] = []
        others = "The mail server took too long."
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                for letter in letters:
                    try:
                        await self._mailer.send(letter)
                        told.append("")
                    except Problem as problem:
                        told.append(problem.message)
                        if problem.code not in ("mail_refused", "mail_address"):
                            others = problem.message  # the server is not there: it will not be for the others
                            break
        return told + [others] * (len(letters) - len(told))

    def _address(self, token: str) -> str:
        return f"{self._base_url}/account/link/{token}"

    def _letter(self, one: Invited, by: Signed, place: str) -> Letter:
        text = (
            f"{by.name} lets you into the consent manager at {self._base_url}\n({place}, as {one.role}).\n\n"
            f"Open this link and choose a password. It works once:\n\n{one.link}\n\n"
            "If you did not expect this, do nothing: without the link nobody is let in.\n"
        )
        return Letter(to=one.email, subject="You are invited to the consent manager", text=text)


async def _check_others(db: Database, account: Account) -> None:
    """Raises Problem for the last one who owns the whole service and can sign in."""
    roles = await queries.roles_of(db, account.id)  # as they are now: two owners may take each other's
    if roles.get(EVERY_SITE) is Role.OWNER and not await queries.has_owner(db, but=account.id):
        sentence = f"{account.email} is the last owner."
        raise Problem("last_owner", sentence, "Make somebody else an owner first.", field="role")


async def account_of(db: Database, account_id: str) -> Account:
    """The account of an id. Raises NotFound."""
    found = await queries.by_id(db, account_id)
    if found is None:
        raise NotFound("unknown_account", "There is no such account any more.", "Look at the list again.")
    return found
