"""The way into the log: what a visitor said becomes a record, once, however often and however fast it is sent."""

import asyncio
import hashlib
import hmac
import os
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import NamedTuple

from consent.db import Database, Row
from consent.errors import Conflict
from consent.ledger.sequencer import Log, Sequencer
from consent.records import evidence, identifier, queries
from consent.records.claim import Claim, names_notice
from consent.records.commit import Committer, Entry
from consent.records.decision import Settled, action, digest
from consent.records.evidence import Evidence
from consent.records.identifier import Stamp
from consent.records.rollup import Seen
from consent.sites.site import Site

DAY = 86_400_000


class Taken(NamedTuple):
    """What came of a post; `new` unless the same was recorded before. `write_key` belongs to a first choice.

    There is no evidence of records that are older than the ledger.
    """

    new: bool
    id: str
    receipt: str
    write_key: str | None
    time: int
    action: str
    evidence: Evidence | None


def milliseconds() -> int:
    """Now, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Intake:
    """Takes what visitors say. `secret` is what write keys are derived from."""

    def __init__(
        self, db: Database, sequencer: Sequencer, secret: bytes, now: Callable[[], int] = milliseconds
    ) -> None:
        self._db = db
        self._sequencer = sequencer
        self._secret = secret
        self._now = now
        self._last = Stamp(0, 0)
        self.committer = Committer(db, sequencer)

    def today(self) -> int:
        """Days since 1970, UTC."""
        return self._now() // DAY

    async def take(self, site: Site, claim: Claim, settled: Settled, region: str, seen: Seen | None = None) -> Taken:
        """Record what a visitor said, and return when it is durable. What was seen of the browser is counted alone.

        Raises Conflict when the key was used for another statement, Unavailable when nothing can be promised.
        """
        said = digest(settled, claim.continues)
        write_key = None if claim.continues else self.write_key(site, claim.key)
        waiting = self.committer.waiting(site.site_id, claim.key)
        entry = waiting or self._enter(site, claim, settled, said, region=region, write_key=write_key, seen=seen)
        answer = await asyncio.shield(entry.done)  # who asked first may go away
        if isinstance(answer, Evidence):
            return _taken(entry.record, said, write_key, answer, new=not waiting)
        return await self._repeated(site, answer, said, write_key)

    async def recorded(self, site: Site, claim: Claim, settled: Settled) -> Taken | None:
        """What came of this very post when it was recorded before, or is on its way; None when it was not."""
        waiting = self.committer.waiting(site.site_id, claim.key)
        if waiting:
            await asyncio.shield(waiting.done)
        row = (await queries.known(self._db, site.site_id, [claim.key])).get(claim.key)
        said = digest(settled, claim.continues)
        if row is None or row["digest"] != said:
            return None
        return await self._repeated(site, row, said, None if claim.continues else self.write_key(site, claim.key))

    async def _repeated(self, site: Site, row: Row, said: str, write_key: str | None) -> Taken:
        """The answer to what was recorded before; its proof is of the log as it is now."""
        log, shown = Log(site.site_id, site.key), None
        proof = await self._sequencer.proof(log, row["epoch"], row["leaf"], b64decode(row["salt"]))
        if proof is not None:
            shown = Evidence(evidence.canonical(row, site.key, row), *proof)
        return _taken(row, said, write_key, shown, new=False)

    def write_key(self, site: Site, key: str) -> str:
        """What later choices of this chain must show; the same for the same post, so that a retry gets it again."""
        made = hmac.digest(self._secret, site.key.encode() + b"\0" + key.encode(), "sha256")
        return urlsafe_b64encode(made)[:43].decode()

    def _enter(
        self,
        site: Site,
        claim: Claim,
        settled: Settled,
        said: str,
        *,
        region: str,
        write_key: str | None,
        seen: Seen | None,
    ) -> Entry:
        """Stamp a record and queue it; between the stamp and the queue nothing else runs, so ids keep their order."""
        self._last = stamp = identifier.following(self._last, self._now())
        made = identifier.uuid7(stamp, os.urandom(identifier.RANDOM_BYTES))
        follows = claim.continues
        chain = follows[0] if follows else identifier.compact(made)  # a chain's receipt names its first record
        receipt: Row | None = None
        if write_key is not None:
            write_hash = hashlib.sha256(write_key.encode()).hexdigest()
            receipt = {"site_id": site.site_id, "id": chain, "write_hash": write_hash, "created": stamp.time}
        record: Row = {
            "site_id": site.site_id,
            "id": identifier.text(made),
            "key": claim.key,
            "digest": said,
            "receipt": chain,
            "time": stamp.time,
            "action": action(settled, None),  # of a later choice the committer says it, who knows the one before
            "control": claim.control,
            "layer": claim.layer,
            "language": claim.language,
            "notice": shown(claim),
            "version": settled.version,
            "purposes": settled.purposes,
            "services": settled.services,
            "regime": claim.regime,
            "region": region,
            "gpc": claim.gpc,
            "client_time": claim.time,
            "widget": claim.widget,
        }
        version = {"hash": claim.hash, "scope": claim.scope}
        entry = Entry(
            Log(site.site_id, site.key), version, record, receipt, follows=settled if follows else None, seen=seen
        )
        self.committer.submit(entry)
        return entry


def shown(claim: Claim) -> str:
    """The notice that a record names: empty where no layer was shown. The page with the form says `object`."""
    return claim.notice if names_notice(claim.layer, claim.control) else ""


def _taken(row: Row, said: str, write_key: str | None, shown: Evidence | None, *, new: bool) -> Taken:
    if row["digest"] != said:
        raise Conflict("key_reused", "This key was used for another choice.", "Make a new random key for each choice.")
    return Taken(new, row["id"], row["receipt"], write_key, row["time"], row["action"], shown)
