"""Which logs of a restored store begin a new epoch: all that may have been further than the backup has them."""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from consent.config import Config
from consent.db import Database
from consent.ledger import heads, queries
from consent.ledger.heads import Head, Heads
from consent.ledger.keys import Keys
from consent.ledger.merkle import EMPTY_ROOT
from consent.ledger.sequencer import INSTALL, Log, Sequencer
from consent.rights.backup import HEADS
from consent.sites.queries import all_sites

_KEY = re.compile(r"(.+)\.([0-9]{1,9})\.[0-9]{1,9}\.key", re.ASCII)


def noted(path: Path) -> dict[int, Head]:
    """The heads in a file, by site; none where there is no file."""
    return heads.parse(path.read_text("ascii", errors="replace")) if path.exists() else {}


def newer(found: Mapping[int, Head], backed: Mapping[int, Head]) -> bool:
    """Whether heads are further than a backup's: in one log at least, and in none behind."""
    place = {site_id: (head.epoch, head.size) for site_id, head in found.items()}
    none = (0, 0)
    behind = any(place.get(site_id, none) < (head.epoch, head.size) for site_id, head in backed.items())
    return not behind and any(
        site_id not in backed or at > (backed[site_id].epoch, backed[site_id].size) for site_id, at in place.items()
    )


async def renew(
    db: Database, config: Config, found: Mapping[int, Head], backed: Mapping[int, Head], *, last: bool
) -> tuple[list[str], list[str]]:
    """Begin a new epoch for each log that may have been further; which logs were, and which go on so.

    Args:
        db: the restored store.
        config: where keys and heads lie.
        found: the heads that lay in the data folder before.
        backed: those of the backup.
        last: whether the operator says that nothing came after the backup.
    """
    logs = [Log(0, INSTALL), *(Log(site.site_id, site.key) for site in await all_sites(db))]
    rows = {log.site_id: await queries.newest(db, log.site_id) for log in logs}
    stored = {of: Head(of, row["epoch"], row["size"], row["root"]) for of, row in rows.items() if row}
    keyed = _keyed(config.data / "keys", logs)
    known = heads.furthest(backed.values(), found.values(), keyed)
    behind = [log for log in logs if _is_behind(stored.get(log.site_id), known.get(log.site_id))]
    sure = last or (newer(found, backed) and _grown(found) == _grown(stored))
    renewed = behind if sure else [log for log in logs if log.site_id in stored or log.site_id in known]
    await Heads(config.data / HEADS).note(known[log.site_id] for log in behind)
    sequencers: dict[str, Sequencer] = {}
    for log in renewed:
        row = rows[log.site_id]
        host = row["origin"].partition("/log/")[0] if row else urlsplit(config.base_url).netloc
        if host not in sequencers:
            sequencers[host] = Sequencer(db, Keys(config.data / "keys"), Heads(config.data / HEADS), host)
        await sequencers[host].new_epoch(log, force=True)
    return [log.key for log in behind], [log.key for log in renewed]


def _is_behind(stored: Head | None, known: Head | None) -> bool:
    """Whether a log was noted further than it is stored, or as another one."""
    if known is None or stored is None:
        return known is not None
    ahead = (known.epoch, known.size) > (stored.epoch, stored.size)
    return ahead or ((known.epoch, known.size) == (stored.epoch, stored.size) and known.root != stored.root)


def _grown(known: Mapping[int, Head]) -> dict[int, Head]:
    return {site_id: head for site_id, head in known.items() if head.size or head.epoch > 1}


def _keyed(folder: Path, logs: Sequence[Log]) -> list[Head]:
    """The empty head of each epoch that there is a key of: one that is not in the store was begun after the backup.

    Its key must not sign another history either.
    """
    numbers = {log.key: log.site_id for log in logs}
    names = [_KEY.fullmatch(path.name) for path in folder.glob("*.key")]
    root = b64encode(EMPTY_ROOT).decode()
    return [Head(numbers[name[1]], int(name[2]), 0, root) for name in names if name and name[1] in numbers]
