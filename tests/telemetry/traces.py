"""What of somebody could be found in files: each secret in every form in which a program might have written it."""

import base64
import hashlib
import logging
from collections.abc import Iterable, Iterator

from consent.config import Config

PIECE = 4_096
OVERLAP = 256
"""Bytes: no secret is longer."""

DIGESTS = ("sha256", "md5", "sha1", "blake2b", "blake2s")


def forms(secret: bytes) -> Iterator[bytes]:
    """The bytes themselves, in hex and in base64."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield base64.b64encode(secret).rstrip(b"=")
    yield base64.urlsafe_b64encode(secret).rstrip(b"=")


def of_text(text: str) -> set[bytes]:
    """A text, plain and encoded."""
    return set(forms(text.encode()))


def of_id(identity: str) -> set[bytes]:
    """An id of 32 hex digits, as digits and as the bytes they stand for."""
    return of_text(identity) | of_text(identity.upper()) | set(forms(bytes.fromhex(identity)))


def joinable(address: str, agent: str) -> set[bytes]:
    """Address, agent, and every hash of them, alone and together, that would know the two again."""
    found = of_text(address) | of_text(agent)
    for joined in (
        address,
        agent,
        *(mark.join(pair) for mark in ("", "|", " ", ":", ";") for pair in _pairs(address, agent)),
    ):
        for name in DIGESTS:
            made = hashlib.new(name, joined.encode()).digest()
            found |= {form[:length] for form, length in zip(forms(made), (8, 16, 16, 10, 10), strict=True)}
    return found


def _pairs(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)


class Told(logging.Handler):
    """Everything that is logged while the tests run, on every level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{record.getMessage()} {record.exc_info or ''}\n"


def raw(config: Config) -> dict[str, bytes]:
    """The bytes of both stores and their logs of writes, and of whatever else lies in the data folder but keys."""
    files = [path for path in sorted(config.data.rglob("*")) if path.is_file() and "keys" not in path.parts]
    return {path.name: path.read_bytes() for path in files if not path.name.endswith("-shm")}


class Watch:
    """Looks for secrets in places that change little from one look to the next: what was looked at is remembered."""

    def __init__(self) -> None:
        self._secrets: dict[bytes, None] = {}
        self._looked: dict[int, int] = {}
        """Of each piece, by its hash, for how many of the secrets it was looked at."""

    def add(self, secrets: Iterable[bytes]) -> None:
        """From now on these are secrets, too."""
        self._secrets.update(dict.fromkeys(secrets))

    def found(self, places: dict[str, bytes]) -> list[str]:
        """Which of the secrets are where."""
        secrets = list(self._secrets)
        waiting: dict[int, list[bytes]] = {}
        for data in places.values():
            for start in range(0, len(data), PIECE):
                piece = data[start : start + PIECE + OVERLAP]
                key = hash(piece)
                waiting.setdefault(self._looked.get(key, 0), []).append(piece)
                self._looked[key] = len(secrets)
        there = {one for first, pieces in waiting.items() for one in _inside(secrets[first:], b"\x00".join(pieces))}
        return [f"{one!r} in {name}" for one in there for name, data in places.items() if one in data]


def _inside(secrets: list[bytes], data: bytes) -> list[bytes]:
    return [secret for secret in secrets if secret in data]
