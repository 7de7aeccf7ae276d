"""A log from outside over all its epochs: a later one must begin with the end of the former, and none may vanish."""

import json
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from consent.errors import Problem
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.errors import LedgerError
from consent.ledger.follow import Fetch, Seen, forked
from consent.ledger.leaf import leaf_parts
from consent.ledger.memory import Memory
from consent.ledger.merkle import leaf_hash, verify_inclusion
from consent.ledger.proof import inclusion_path
from consent.ledger.text import decoded, number
from consent.ledger.tile import WIDTH, parse_bundle, split, tile_path

MOST = 1_000
"""Epochs of one log."""

_LOG = re.compile(r"(.*)/log/([a-z0-9-]+)(?:/e([0-9]{1,5}))?", re.ASCII)

Look = Callable[[str, list[str]], Seen]
"""(address of one epoch's log, its keys as published) to what a look at it found."""


class Place(NamedTuple):
    """Where a log is: the address without its epoch, that of its keys, and the first epoch that is asked for."""

    url: str
    keys: str
    first: int

    def of(self, epoch: int) -> str:
        """The address of one epoch."""
        return f"{self.url}/e{epoch}" if epoch > 1 else self.url


def place(url: str) -> Place:
    """The parts of a log's address. Raises Problem `log_address`."""
    parts = urlsplit(url.rstrip("/"))
    found = _LOG.fullmatch(parts.path)
    if found is None:
        raise Problem("log_address", f"{url!r} is not the address of a log.", "It ends in /log/SITE or /log/install.")

    def address(path: str) -> str:
        return urlunsplit(parts._replace(path=path, query="", fragment=""))

    known = address(f"{found[1]}/.well-known/consent-log/{found[2]}")
    return Place(address(f"{found[1]}/log/{found[2]}"), known, int(found[3] or 1))


def published(where: Place, fetch: Fetch) -> dict[int, list[str]]:
    """The keys of every epoch, as the operator publishes them now. Raises OSError when they cannot be read."""
    answer = fetch(where.keys)
    try:
        epochs = json.loads(answer.body)["epochs"] if answer.status == 200 else []
        keys = {int(one["epoch"]): [str(key["vkey"]) for key in one["keys"]] for one in epochs[:MOST]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise OSError(f"{where.keys} does not read") from error
    if not keys.get(where.first):
        raise OSError(f"{where.keys} names no key of this log ({answer.status})")
    return dict(sorted(keys.items()))


def look_at_all(where: Place, memory: Memory, fetch: Fetch, look: Look) -> Seen:
    """Look at the epoch seen last and at every later one; what the newest shows.

    Raises OSError when something cannot be read now; Problem `log_rolled_back` when an epoch that was seen is not there
    any more, `log_forked` when one does not begin with the end of the former, and what `look` raises.
    """
    keys = published(where, fetch)
    known = max(where.first, memory.epoch(where.url))
    if known not in keys:
        raise vanished(where, known)
    seen = look(where.of(known), keys[known])
    for epoch in (one for one in keys if one > known):
        later = look(where.of(epoch), keys[epoch])
        former = memory.last(seen.origin)
        if former is not None:
            _check_begin(former[0], memory.last(later.origin), where.of(epoch), fetch)
        seen = later
        memory.reach(where.url, epoch)
    return seen


def vanished(where: Place, epoch: int) -> Problem:
    """An epoch that was seen is not published any more."""
    return Problem(
        "log_rolled_back",
        f"The log at {where.url} had an epoch {epoch}, and {where.keys} does not name it any more: it was rolled back.",
        "Keep this folder: its checkpoints are signed by the operator and prove it. Ask the operator.",
    )


def _check_begin(former: Checkpoint, later: tuple[Checkpoint, str] | None, url: str, fetch: Fetch) -> None:
    """The first leaf of an epoch, proved to be under its head, names an end of the former that holds what was seen."""
    if later is None or not later[0].size:
        raise OSError(f"{url} has no leaf yet")
    head = later[0]

    def read(path: str) -> bytes:
        answer = fetch(f"{url}/{path}")
        if answer.status != 200:
            raise OSError(f"{url}/{path} answers {answer.status}")
        return answer.body

    try:
        entry = parse_bundle(read(tile_path("entries", 0, min(WIDTH, head.size))))[0]
        path = inclusion_path(0, head.size, lambda *tile: split(read(tile_path(*tile))))
        verify_inclusion(0, head.size, leaf_hash(entry), path, head.root)
        kind, content = leaf_parts(entry)
        origin, size, root = content.split(" ")
        end = Checkpoint(origin, number(size, "The size"), decoded(root, "The root", 32))
    except (LedgerError, ValueError, IndexError) as error:
        raise forked(former, head, "its first leaf does not name the end of the former epoch") from error
    if kind != "epoch" or end.origin != former.origin:
        raise forked(former, head, "its first leaf continues another log")
    if end.size < former.size or (end.size == former.size and end.root != former.root):
        raise forked(former, head, f"it names another end of the former epoch: {end.size} leaves, {root}")
