"""GET /reports/{site}/{subject}: figures as JSON, CSV or a page; /reports/{site}/questions: the usual ones."""

from collections.abc import Callable
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.db import Database
from consent.errors import NotFound
from consent.reports import answer_page, subjects
from consent.reports import question as questions
from consent.reports.answer import Answer
from consent.reports.answers import Answers
from consent.reports.desk import Desk
from consent.reports.named import named
from consent.reports.named import questions as usual
from consent.sites.queries import by_key
from consent.sites.site import Site
from consent.web.gate import Need, route

FACES = ("", "json", "csv", "html")


class Reports:
    """The query API. `desk` makes its pages, `now` gives ms."""

    def __init__(self, db: Database, answers: Answers, desk: Desk, now: Callable[[], int]) -> None:
        self._db = db
        self._answers = answers
        self._desk = desk
        self._now = now

    def routes(self) -> list[BaseRoute]:
        """Every path of this room's API, for the app's one list."""
        return [
            route("/reports/{site}/questions", self.usual, methods=["GET"], needs=Need.FIGURES),
            route("/reports/{site}/questions/{question}", self.named, methods=["GET"], needs=Need.FIGURES),
            route("/reports/{site}/{subject}", self.subject, methods=["GET"], needs=Need.FIGURES),
        ]

    async def subject(self, request: Request) -> Response:
        """The answer to a question about a subject; its face by the name's end, else by what is accepted."""
        subject, face = _face(request, "subject")
        return await self._answer(request, subject, face, request.query_params.multi_items())

    async def named(self, request: Request) -> Response:
        """The answer to a question that has a name; parameters take the place of its own."""
        name, face = _face(request, "question")
        found = named(name)
        return await self._answer(request, found.subject, face, found.with_own(request.query_params.multi_items()))

    async def usual(self, request: Request) -> Response:
        """The questions that have names, and all that can be asked."""
        key = request.path_params["site"]
        listed = [
            {**one._asdict(), "url": f"/reports/{key}/questions/{one.name}"} for one in usual().values()
        ]  # fmt: skip
        return _json({"questions": listed, "subjects": subjects.described()})

    async def _answer(self, request: Request, subject: str, face: str, given: list[tuple[str, str]]) -> Response:
        site = await self._site(request)
        answer = await self._answers.ask(site, questions.parse(subject, given, self._now()))
        if face == "html":
            return await self._page(request, answer)
        return _csv(answer, given) if face == "csv" else _json(answer.face())

    async def _page(self, request: Request, answer: Answer) -> Response:
        found = usual().get(request.path_params.get("question", "").partition(".")[0])
        return await self._desk.answer(
            request,
            "answer.html",
            answer_page.SITE_PAGES.get(answer.subject, "visits"),
            None,
            title=found.says if found else " ".join([answer.subject, "by", *answer.by][: 2 * len(answer.by) + 1]),
            says="",
            answer=answer,
            page=answer_page.page(answer, request.query_params.multi_items(), request.url.path.removesuffix(".html")),
        )

    async def _site(self, request: Request) -> Site:
        site = await by_key(self._db, request.path_params["site"])
        assert site is not None, "the gate knows it"
        return site


def _face(request: Request, name: str) -> tuple[str, str]:
    """What is asked for, and the face it is to have."""
    bare, _, face = request.path_params[name].partition(".")
    if face not in FACES:
        raise NotFound("report", f"A report has no face {face[:20]!r}.", "Ask for .json, .csv or .html.")
    accepted = request.headers.get("accept", "")
    return bare, face or next((known for known in ("csv", "html") if f"text/{known}" in accepted), "json")


def _json(face: object) -> Response:
    headers = {"Cache-Control": "no-store", "Vary": "Accept"}
    return Response(msgspec.json.encode(face), headers=headers, media_type="application/json")


def _csv(answer: Answer, given: list[tuple[str, str]]) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "Content-Disposition": f'attachment; filename="{answer.site}-{answer.subject}.csv"',
    }
    if answer.next:
        asked = urlencode([*(pair for pair in given if pair[0] != "after"), ("after", answer.next)])
        headers["Link"] = f'<?{asked}>; rel="next"'
    return Response(answer.as_csv(), headers=headers, media_type="text/csv")
