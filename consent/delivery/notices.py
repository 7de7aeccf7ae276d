"""Keeps what is shown: every notice of a version, and the code behind it, is stored before anybody is shown it."""

import asyncio
import hashlib
import time

from consent.db import Database
from consent.delivery.built import read_built
from consent.delivery.bundle import SHOWING, code_version
from consent.delivery.manifest import snapshot
from consent.delivery.optout import page_snapshot
from consent.delivery.words import Words
from consent.errors import Problem
from consent.policy import notice_queries as queries
from consent.policy import queries as policies
from consent.policy.notice_queries import Code, Kind, Notice
from consent.policy.queries import Version
from consent.policy.resolved import Resolved

#: Versions known to be stored; more are looked up again.
REMEMBERED = 2_000


class Notices:
    """Stores notices once a version and code; what it knows to be stored, it does not ask for again."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._kept: dict[tuple[int, int], frozenset[str]] = {}

    async def keep(self, version: Version) -> frozenset[str]:
        """Store what a version shows. Returns the hashes; nothing where the widget was not built. Raises StoreError."""
        key = (version.site_id, version.version)
        if key not in self._kept:
            if len(self._kept) >= REMEMBERED:
                self._kept.clear()
            self._kept[key] = await keep(self._db, version)
        return self._kept[key]


async def keep(db: Database, version: Version) -> frozenset[str]:
    """Store what a version shows by this software; a version that has it all is only read."""
    try:
        notices = await asyncio.to_thread(notices_of, version)  # some ten milliseconds for eight languages
    except Problem as problem:
        if problem.code == "not_built":  # then no script that names one is served either
            return frozenset()
        raise
    hashes = frozenset(notice.hash for notice in notices)
    if not hashes <= await queries.of_version(db, version.site_id, version.version):
        now = time.time_ns() // 1_000_000
        await queries.keep(db, version, notices, code_of_this_software(), now)
    return hashes


async def publish(db: Database, site_id: int, resolved: Resolved, now: int) -> Version:
    """Publish a policy, and store what it shows. Interrupted between the two, the service makes up for it."""
    version = await policies.publish(db, site_id, resolved, now)
    await keep(db, version)
    return version


def notices_of(version: Version) -> list[Notice]:
    """What a version shows by this software, in each language: the layers, and the page with the form."""
    made: list[Notice] = []
    for language in version.resolved.languages:
        layers = snapshot(version.resolved, language, code_version())
        made += [
            _notice("layers", language, layers),
            _notice("form", language, page_snapshot(version, Words(version.resolved, language))),
        ]
    return made


def code_of_this_software() -> Code:
    """The built scripts that show the layers."""
    bootstrap, banner, preferences = map(read_built, SHOWING)
    return Code(hash=code_version(), bootstrap=bootstrap, banner=banner, preferences=preferences)


def _notice(kind: Kind, language: str, body: str) -> Notice:
    return Notice(hash=hashlib.sha256(body.encode()).hexdigest(), kind=kind, language=language, body=body)
