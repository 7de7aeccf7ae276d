"""Passwords: which may be one, and argon2id in a thread, two at once at most."""

import asyncio
import itertools
import os
import secrets
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources
from typing import TypeVar

import argon2

from consent.errors import Problem, Unavailable

T = TypeVar("T")

SHORTEST = 12
"""Characters."""

LONGEST = 1_024
"""Characters; what is longer costs time and adds nothing."""

AT_ONCE = 2
"""Hashes computed at the same time: each takes 64 MiB and most of a core."""

WAITING = 20
"""Sign-ins that may wait for their turn; more are told to come again."""

_hasher = argon2.PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
"""64 MiB and 3 passes, as RFC 9106 recommends where memory is short; in one lane: the other cores have visitors."""


def check(password: str, email: str) -> str:
    """The password, NFC, when it may be one. Raises Problem."""
    text = unicodedata.normalize("NFC", password)
    remedy = f"Take {SHORTEST} characters or more; a sentence or four random words do well."
    if not SHORTEST <= len(text) <= LONGEST:
        raise Problem("password", f"A password has {SHORTEST} to {LONGEST:,} characters.", remedy, field="password")
    if _is_common(text, email):
        raise Problem("password", "This password is among the first that are tried.", remedy, field="password")
    return text


def _is_common(text: str, email: str) -> bool:
    """Whether it is a known one, the address itself, one short piece again and again, or a plain row of characters."""
    folded = text.casefold()
    bare = folded.strip("0123456789 !?.,-_*#$@+")
    known = folded in common() or bare in common() or len(bare) < 5
    own = bool(email) and (email.partition("@")[0] in folded and len(folded) < len(email) + 6)
    again = any(folded == (folded[:n] * len(folded))[: len(folded)] for n in range(1, len(folded) // 2 + 1))
    steps = {ord(after) - ord(before) for before, after in itertools.pairwise(folded)}
    return known or own or again or steps in ({1}, {-1})


@cache
def common() -> frozenset[str]:
    """The known passwords of the list beside this file, in small letters."""
    text = (resources.files("consent.accounts") / "passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _step_back() -> None:
    """Let this thread stand behind those that answer visitors: who tries passwords holds nobody up."""
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


class Passwords:
    """Hashes and verifies. Verifying takes the same work whether there is such an account or not."""

    def __init__(self) -> None:
        self._hasher = _hasher
        self._threads = ThreadPoolExecutor(AT_ONCE, "passwords", initializer=_step_back)
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobody = ""  # a hash that no password fits, for who has no account

    async def hash(self, password: str) -> str:
        """The PHC string of a password that `check` let through."""
        return await self._work(self._hasher.hash, password)

    async def verify(self, known: str, password: str) -> bool:
        """Whether it is the password; `known` is empty where there is none, which costs the same."""
        if not self._nobody:
            self._nobody = await self._work(self._hasher.hash, secrets.token_hex(16))
        text = unicodedata.normalize("NFC", password[: LONGEST + 1])
        right = await self._work(self._matches, known or self._nobody, text)
        return right and bool(known)

    def is_dated(self, known: str) -> bool:
        """Whether it was hashed with other parameters than today's."""
        return self._hasher.check_needs_rehash(known)

    async def _work(self, work: Callable[..., T], *given: str) -> T:
        """Do it in a thread when it is its turn. Raises Unavailable when too many wait."""
        if self._waiting >= WAITING:
            raise Unavailable("Too many people sign in at this moment.")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.get_running_loop().run_in_executor(self._threads, work, *given)
        finally:
            self._waiting -= 1

    def _matches(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
