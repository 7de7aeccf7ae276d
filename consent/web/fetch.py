"""Requests to other people's services: bounded in size and time, led nowhere else. Blocking: call it in a thread."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import IO, NamedTuple

SECONDS = 10.0
LARGEST = 1_000_000
"""Bytes of an answer at most."""


class Answer(NamedTuple):
    """What came back; `kind` is the media type without parameters."""

    status: int
    kind: str
    body: bytes


class _Stay(urllib.request.HTTPRedirectHandler):
    """An answer that leads elsewhere is an answer: whoever is trusted is trusted at its own address."""

    def redirect_request(self, *_: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


def fetch(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
    """GET, or POST where there is a body. Raises OSError when there is no answer, or one that is too large."""
    if not url.startswith(("http://", "https://")):
        raise OSError(f"{url} is no address of HTTP")
    sent = {"User-Agent": "consent-witness", "Content-Type": "text/plain; charset=utf-8", **(headers or {})}
    request = urllib.request.Request(url, data=body, headers=sent)  # noqa: S310  # the scheme was checked
    try:
        with _OPENER.open(request, timeout=SECONDS) as found:
            return _read(found.status, found.headers.get_content_type(), found)
    except urllib.error.HTTPError as refused:
        with refused:
            return _read(refused.code, refused.headers.get_content_type(), refused)
    except (http.client.HTTPException, ValueError) as error:
        raise OSError(f"{url} did not answer in HTTP") from error


def _read(status: int, kind: str, found: IO[bytes]) -> Answer:
    body = found.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise OSError("the answer is too large")
    return Answer(status, kind, body)
