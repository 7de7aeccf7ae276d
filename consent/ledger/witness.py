"""Asks witnesses to cosign the install's log (C2SP tlog-witness). What they answer is checked; nothing waits for it."""

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from consent.config import Config
from consent.db import Database
from consent.errors import ConfigError
from consent.ledger import install_queries as queries
from consent.ledger import reading
from consent.ledger.errors import LedgerError
from consent.ledger.note import COSIGNATURE, Vkey, split_note
from consent.ledger.proof import consistency_path, needed_tiles_consistency
from consent.ledger.queries import LogId, newest
from consent.ledger.text import encoded, number
from consent.web.fetch import Answer, fetch

SIZE_KIND = "text/x.tlog.size"

_log = logging.getLogger(__name__)


class Witness(NamedTuple):
    """Where a witness takes checkpoints (its submission prefix), and the key that it cosigns with."""

    url: str
    vkey: Vkey


class Checkpoint(NamedTuple):
    """A signed head of the install's log."""

    log: LogId
    size: int
    note: str


class Witnesses:
    """Every witness that the settings name."""

    def __init__(self, db: Database, witnesses: Sequence[Witness]) -> None:
        self._db = db
        self._witnesses = witnesses
        self._said: dict[str, str] = {}

    async def ask(self) -> None:
        """Have the newest head cosigned by each witness that has not; all at once, and none holds up another."""
        row = await newest(self._db, 0) if self._witnesses else None
        if row is None:
            return
        head = Checkpoint(LogId(0, row["epoch"]), row["size"], row["checkpoint"])
        await asyncio.gather(*(self._ask(witness, head) for witness in self._witnesses))

    async def _ask(self, witness: Witness, head: Checkpoint) -> None:
        """Ask one; what is wrong is told to the operator once, until it is something else."""
        try:
            said = await self._submit(witness, head)
        except (OSError, LedgerError) as error:
            said = str(error)
        if said and said != self._said.get(witness.url):
            _log.warning("the witness %s did not cosign: %s", witness.url, said[:300])
        self._said[witness.url] = said

    async def _submit(self, witness: Witness, head: Checkpoint) -> str:
        """Submit a checkpoint, a second time from where the witness says it is; returns why it was not cosigned."""
        old = await queries.cosigned_size(self._db, head.log.epoch, str(witness.vkey))
        if old == head.size:
            return ""
        answer = await self._post(witness, head, old)
        if answer.status == 409 and answer.kind == SIZE_KIND:
            old = number(answer.body.decode("ascii", "replace").removesuffix("\n"), "The witness's size")
            if old > head.size:
                return "it has seen more leaves of this log than there are: the log was rolled back"
            answer = await self._post(witness, head, old)
        if answer.status != 200:
            return _reason(answer.status)
        line = cosignature(witness.vkey, head.note, answer.body.decode("utf-8", "replace"))
        row = {"epoch": head.log.epoch, "witness": str(witness.vkey), "size": head.size, "line": line}
        await queries.add_cosignature(self._db, {**row, "time": time.time_ns() // 1_000_000})
        return ""

    async def _post(self, witness: Witness, head: Checkpoint, old: int) -> Answer:
        path = await consistency(self._db, head.log, old, head.size)
        body = request_body(old, path, head.note)
        return await asyncio.to_thread(fetch, f"{witness.url.rstrip('/')}/add-checkpoint", body)


def request_body(old: int, path: Iterable[bytes], note: str) -> bytes:
    """The body of `add-checkpoint`."""
    lines = [f"old {old}", *map(encoded, path), "", note]
    return "\n".join(lines).encode()


def cosignature(vkey: Vkey, note: str, lines: str) -> str:
    """The line with which a witness cosigned a note, out of its answer; lines of other keys are left out.

    Raises LedgerError when there is none, or it does not hold.
    """
    text, blank, _ = note.rpartition("\n\n")
    _, signatures = split_note(text + blank + lines)
    for line, one in zip(lines.split("\n"), signatures, strict=False):
        if (one.name, one.id) == (vkey.name, vkey.id):
            if not vkey.holds(text + "\n", one.data):
                raise LedgerError("Its cosignature does not hold.")
            return line + "\n"
    raise LedgerError("It answered without a cosignature of its key.")


async def consistency(db: Database, log: LogId, old: int, size: int) -> list[bytes]:
    """The proof from one size of a stored log to a later one; empty from size 0, and to the same size."""
    if old in (0, size):
        return []
    found = {
        (level, index): await reading.hashes(db, log, level, index, width)
        for level, index, width in needed_tiles_consistency(old, size)
    }
    return consistency_path(old, size, lambda level, index, _: found[level, index])


async def cosigned(db: Database, epoch: int, size: int, note: str) -> str:
    """A checkpoint of the install's log with the cosignatures that it has."""
    return note + "".join(await queries.cosignatures(db, epoch, size))


def configured(config: Config) -> list[Witness]:
    """The witnesses of the settings. Raises ConfigError for a key that is none."""
    found: list[Witness] = []
    for index, (url, key) in enumerate(config.witness_pairs):
        try:
            vkey = Vkey.parse(key)
        except LedgerError as error:
            remedy = 'Write "URL NAME+ID+KEY", as `consent witness serve` prints it.'
            raise ConfigError(f"witnesses[{index}]", f"The key of {url} does not read: {error}", remedy) from error
        if vkey.kind != COSIGNATURE:
            remedy = "Ask whoever runs it for the key that it cosigns with (kind 0x04)."
            raise ConfigError(f"witnesses[{index}]", f"The key of {url} is not one of a witness.", remedy)
        found.append(Witness(url, vkey))
    return found


def _reason(status: int) -> str:
    known = {
        400: "it did not understand the request (400)",
        403: "it does not trust the key of this log (403)",
        404: "it does not know this log (404)",
        409: "it has seen another tree of this size (409): somebody shows two histories",
        422: "the proof did not convince it (422): it has seen another history",
    }
    return known.get(status, f"it answered {status}")
