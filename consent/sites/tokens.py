"""Log tokens: the owner's key to a site's log. The plain one lies in the data folder, its digest in the store."""

import hashlib
import secrets
from pathlib import Path

from consent.db import Database
from consent.db.place import secret
from consent.sites.queries import add_token
from consent.sites.site import Site

BYTES = 32
"""256 random bits: nobody guesses one, so the store needs no slow hash of it."""


def digest(token: str) -> str:
    """SHA-256 (hex) of a token. Looking a digest up tells nothing by its timing about the token."""
    return hashlib.sha256(token.encode()).hexdigest()


def path(data: Path, key: str) -> Path:
    """The file in the data folder that holds a site's token."""
    return data / "tokens" / key


async def ensure(db: Database, data: Path, site: Site, now: int) -> str:
    """The site's token from the data folder, made when there is none; its digest is in the store when this returns."""
    token = secret(path(data, site.key), secrets.token_urlsafe(BYTES))
    await add_token(db, site.site_id, digest(token), now)
    return token
