"""A geo database gets its place in the data folder: from a file or URL, checked by opening it, whole or not at all."""

import gzip
import hashlib
import http.client
import os
import re
import secrets
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from consent.errors import Problem
from consent.visitors.place import Database, open_database
from consent.visitors.spot import UNKNOWN_SPOT

MAX_BYTES = 1 << 30
"""One GiB, packed and unpacked: GeoIP2's largest edition is about half of it."""

TIMEOUT = 30.0
"""Seconds for the server to go on sending."""

_PIECE = 1 << 20


def install(source: str, folder: Path, *, sha256: str = "") -> Database:
    """Take over a database from a path or an http(s) URL; a file of the same kind is replaced.

    Args:
        source: an `.mmdb` file, also inside `.gz` or `.tar.gz`, as makers publish them.
        folder: where databases live.
        sha256: checksum of the source as it is, in hex; what differs is not installed.

    Raises Problem with what to do next; the folder is then as it was.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = folder / f".{secrets.token_hex(8)}"
    raw = fresh.with_suffix(".raw")
    try:
        _fetch(source, raw, sha256.strip().lower())
        _unpack(raw, fresh)
        with _checked(fresh, source) as database:
            place = folder / f"{_slug(database.kind)}.mmdb"
        fresh.replace(place)  # a service that has the old one mapped keeps it until it lets go
    except OSError as error:
        raise _refusal(f"{source} cannot be installed: {error}.", f"See that {folder} can be written.") from error
    finally:
        raw.unlink(missing_ok=True)
        fresh.unlink(missing_ok=True)
    return open_database(place)


@contextmanager
def _checked(path: Path, source: str) -> Iterator[Database]:
    try:
        database = open_database(path)
    except Problem as problem:
        name = Path(source.partition("?")[0]).name
        raise _refusal(f"{name} is no database of places.", "Name a file in MaxMind's format (.mmdb).") from problem
    try:
        if database.says() == UNKNOWN_SPOT:
            message = f"The database is one of {database.kind[:60]!r} and says nothing of countries or networks."
            raise _refusal(message, "Install a country, city, ASN or ISP edition.")
        yield database
    finally:
        database.reader.close()


def _fetch(source: str, raw: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with _opened(source) as stream, _made(raw) as file:
        for piece in _bounded(stream):
            digest.update(piece)
            file.write(piece)
    if sha256 and digest.hexdigest() != sha256:
        message = f"The checksum of {source} is {digest.hexdigest()}, not {sha256[:64]}."
        raise _refusal(message, "Download it again, or correct --sha256.")


@contextmanager
def _opened(source: str) -> Iterator[BinaryIO]:
    if not source.startswith(("https://", "http://")):
        with Path(source).open("rb") as file:
            yield file
        return
    request = urllib.request.Request(source, headers={"User-Agent": "consent-manager"})  # noqa: S310  # http(s) only
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
            yield cast(BinaryIO, answer)
    except (urllib.error.URLError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        reason = getattr(error, "reason", error)
        raise _refusal(
            f"{source.partition('?')[0]} cannot be downloaded: {reason}.", "Download it, and name the file."
        ) from error


def _unpack(raw: Path, fresh: Path) -> None:
    """A tar's `.mmdb`, else what gzip holds, else the file itself."""
    try:
        with raw.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        if not packed:
            raw.replace(fresh)
        elif not _from_tar(raw, fresh):
            with gzip.open(raw) as stream, _made(fresh) as file:
                for piece in _bounded(cast(BinaryIO, stream)):
                    file.write(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise _refusal(f"The archive is damaged: {error}.", "Download it again.") from error


def _from_tar(raw: Path, fresh: Path) -> bool:
    try:
        with tarfile.open(raw, "r:gz") as archive:
            for member, _ in zip(archive, range(100), strict=False):
                stream = archive.extractfile(member) if member.isfile() and member.name.endswith(".mmdb") else None
                if stream is not None:
                    with _made(fresh) as file:
                        for piece in _bounded(cast(BinaryIO, stream)):
                            file.write(piece)
                    return True
    except tarfile.ReadError:
        return False
    raise _refusal("There is no .mmdb file in the archive.", "Download the edition in MaxMind's binary format.")


@contextmanager
def _made(path: Path) -> Iterator[BinaryIO]:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _bounded(stream: BinaryIO) -> Iterator[bytes]:
    size = 0
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > MAX_BYTES:
            raise _refusal(f"The database is larger than {MAX_BYTES:,} bytes.", "Install a smaller edition.")
        yield piece


def _slug(kind: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", kind.lower())[:60].strip("-") or "database"


def _refusal(message: str, remedy: str) -> Problem:
    return Problem("geo_install", message, remedy)
