"""/account/letters: who wants which letters; /letters/stop/TOKEN: no more of them, without signing in."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from consent.errors import NotFound
from consent.mail import Mailer
from consent.reports import letter_queries
from consent.reports.desk import Desk
from consent.reports.letters import KINDS, Kind, Stops
from consent.web.form import read_form
from consent.web.gate import Need, Open, route, signed
from consent.web.pages import HEADERS, NOBODY, Templates

_TEMPLATES = Templates("consent.reports")
_HERE = "/account/letters"


class LetterPages:
    """The pages about letters. `now` is in ms since 1970."""

    def __init__(self, desk: Desk, mailer: Mailer, stops: Stops, now: Callable[[], int]) -> None:
        self._desk = desk
        self._mailer = mailer
        self._stops = stops
        self._now = now

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        stop = "/letters/stop/{token}"
        return [
            route(f"{_HERE}.json", self.page, methods=["GET"], needs=Need.OWN),
            route(_HERE, self.page, methods=["GET"], needs=Need.OWN),
            route(_HERE, self.change, methods=["POST"], needs=Need.OWN),
            route(stop, self.ask, methods=["GET"], needs=Open.PUBLIC),
            route(stop, self.stop, methods=["POST"], needs=Open.VISITOR),
        ]

    async def page(self, request: Request) -> Response:
        """What this account gets, and what it could."""
        wanted = await letter_queries.wishes(self._desk.db, signed(request).account)
        face = {"mail": self._mailer.on, "letters": sorted(wanted)}
        return await self._desk.answer(
            request, "letters.html", "", face, title="Letters", on=self._mailer.on, wanted=wanted,
            done=request.query_params.get("done") == "yes",
        )  # fmt: skip

    async def change(self, request: Request) -> Response:
        """The form was sent: letters that are ticked come, the others do not."""
        form, account = await read_form(request), signed(request).account
        for kind in KINDS:
            if form.get(kind) == "yes":
                await letter_queries.wish(self._desk.db, account, kind, self._now())
            else:
                await letter_queries.stop(self._desk.db, account, kind)
        return RedirectResponse(f"{_HERE}?done=yes", 303, {"Cache-Control": "no-store"})

    async def ask(self, request: Request) -> Response:
        """A page with one button: programs that follow the links of letters change nothing."""
        _, kind = self._known(request)
        return self._said(request, kind, done=False)

    async def stop(self, request: Request) -> Response:
        """No more such letters, by the button or by a mail program (RFC 8058); twice is once."""
        account, kind = self._known(request)
        await letter_queries.stop(self._desk.db, account, kind)
        return self._said(request, kind, done=True)

    def _known(self, request: Request) -> tuple[str, Kind]:
        """What a link is about. Raises NotFound for one that we did not make."""
        found = self._stops.read(request.path_params["token"])
        if found is None:
            remedy = f"Take it whole from the letter, or sign in and go to {_HERE}."
            raise NotFound("letter_link", "This link stops no letters.", remedy)
        return found

    def _said(self, request: Request, kind: Kind, *, done: bool) -> Response:
        return _TEMPLATES.render(
            "stop.html", title="Letters", shell=NOBODY, headers=HEADERS, kind=kind, done=done, here=request.url.path
        )
