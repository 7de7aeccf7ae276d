"""What the pages of this room share: the store, who knows whom, and how an answer sets cookies."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from consent.accounts.door import Door
from consent.accounts.jar import Jar
from consent.accounts.signing import Caller, Signing
from consent.db import Database
from consent.web.gate import Gate, signed
from consent.web.pages import Templates

TEMPLATES = Templates("consent.accounts")


class Desk(NamedTuple):
    """Everything a page of this room needs; `now` is in ms since 1970."""

    db: Database
    gate: Gate
    door: Door
    signing: Signing
    jar: Jar
    now: Callable[[], int]

    def caller(self, request: Request) -> Caller:
        """Where a request comes from."""
        return Caller(self.gate.address(request), request.headers.get("user-agent", ""))

    async def write(self, request: Request, what: str, about: str = "", site_id: int = 0) -> None:
        """Write into the access log what who is signed in does now."""
        address = self.gate.address(request)
        await self.door.write(signed(request), what, address, site_id=site_id, about=about, path=request.url.path)


def away(to: str, cookies: Iterable[str] = ()) -> Response:
    """Go to another page of ours, with these cookies."""
    response = RedirectResponse(to, 303, {"Cache-Control": "no-store"})
    for cookie in cookies:
        response.headers.append("Set-Cookie", cookie)
    return response
