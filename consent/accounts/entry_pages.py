"""Pages for who is not signed in yet: signing in and out, links that let somebody in once, the password again."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.accounts.desk import TEMPLATES, Desk, away
from consent.accounts.provider import Provider
from consent.errors import NotFound, Problem
from consent.web.form import read_form
from consent.web.gate import CONFIRM, SIGN_IN, Need, Open, route, signed

_PATH = re.compile(r"/(?![/\\\\])[!#-\[\]-~]{0,2000}")

HOME = "/sites/"
"""Where people go who wanted to go nowhere else."""


class EntryPages:
    """The pages of signing in."""

    def __init__(self, desk: Desk, provider: Provider) -> None:
        self._desk = desk
        self._provider = provider

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        return [
            route(SIGN_IN, self.form, methods=["GET"], needs=Open.OURS),
            route(SIGN_IN, self.sign_in, methods=["POST"], needs=Open.OURS),
            route("/account/sign-out", self.sign_out, methods=["POST"], needs=Open.OURS),
            route("/account/link/{token}", self.link, methods=["GET"], needs=Open.OURS),
            route("/account/link/{token}", self.use_link, methods=["POST"], needs=Open.OURS),
            route(CONFIRM, self.confirm_form, methods=["GET"], needs=Need.OWN, weak=True),
            route(CONFIRM, self.confirm, methods=["POST"], needs=Need.OWN, weak=True),
        ]

    async def form(self, request: Request) -> Response:
        """The sign-in page; a remembered address stands in it."""
        return self._sign_in_page(request, email=self._desk.jar.read_email(request.cookies))

    async def sign_in(self, request: Request) -> Response:
        """Sign in, remember the address where that is wanted, and go where one wanted to."""
        form = await read_form(request)
        email = form.get("email", "")
        try:
            value = await self._desk.signing.sign_in(
                email, form.get("password", ""), form.get("code", ""), self._desk.caller(request)
            )
        except Problem as problem:
            return self._sign_in_page(request, email=email, to=form.get("to", ""), problem=problem)
        await self._desk.signing.end(request.cookies.get(self._desk.jar.session_name, ""))
        keeps = form.get("remember") == "yes" and form.get("public") != "yes"
        memory = self._desk.jar.email(email.strip().lower()) if keeps else self._desk.jar.no_email()
        return away(inner(form.get("to", "")), [self._desk.jar.session(value), memory])

    async def sign_out(self, request: Request) -> Response:
        """The session is over, here and in the store; caches of pages go, too."""
        await self._desk.signing.end(request.cookies.get(self._desk.jar.session_name, ""))
        response = away(f"{SIGN_IN}?out=yes", [self._desk.jar.no_session()])
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    async def link(self, request: Request) -> Response:
        """The page of a link; looking at it uses nothing."""
        return await self._link_page(request)

    async def use_link(self, request: Request) -> Response:
        """Make the account, or set its password, and sign in."""
        form = await read_form(request)
        try:
            if form.get("password", "") != form.get("again", ""):
                raise Problem("password", "The two passwords differ.", "Type the same one twice.", field="again")
            value = await self._desk.signing.use(
                request.path_params["token"],
                form.get("email", ""),
                form.get("password", ""),
                form.get("code", ""),
                self._desk.caller(request),
            )
        except Problem as problem:
            return await self._link_page(request, problem, form.get("email", ""))
        await self._desk.signing.end(request.cookies.get(self._desk.jar.session_name, ""))
        return away(HOME, [self._desk.jar.session(value)])

    async def confirm_form(self, request: Request) -> Response:
        """The page that asks for the password again."""
        return await self._confirm_page(request, request.query_params.get("to", ""))

    async def confirm(self, request: Request) -> Response:
        """The password was given again: go on."""
        form = await read_form(request)
        try:
            await self._desk.signing.confirm(
                signed(request), form.get("password", ""), form.get("code", ""), self._desk.caller(request)
            )
        except Problem as problem:
            return await self._confirm_page(request, form.get("to", ""), problem)
        return away(inner(form.get("to", "")))

    def _sign_in_page(
        self, request: Request, *, email: str = "", to: str = "", problem: Problem | None = None
    ) -> Response:
        """Where a link from elsewhere led here, the browser kept the session's cookie back: look again from here."""
        to = inner(to or request.query_params.get("to", ""))
        is_led = request.headers.get("sec-fetch-site") in ("cross-site", "same-site") and request.method == "GET"
        return TEMPLATES.render(
            "sign_in.html", title="Sign in", status=problem.status if problem else 200,
            headers=problem.headers if problem else None, email=email, to=to, problem=problem,
            known=bool(email) and not problem, again=is_led and "out" not in request.query_params,
            out="out" in request.query_params,
            provider=self._provider.name if self._provider.works else "",
        )  # fmt: skip

    async def _link_page(self, request: Request, problem: Problem | None = None, email: str = "") -> Response:
        try:
            found, known = await self._desk.signing.link(request.path_params["token"])
        except NotFound as gone:
            return TEMPLATES.render("said.html", title="This link is over", problem=gone, status=404)
        return TEMPLATES.render(
            "link.html", title="Make your account" if found.kind == "first" else "Set your password",
            status=problem.status if problem else 200, headers=problem.headers if problem else None, kind=found.kind,
            email=known.email if known else email, asks_code=bool(known and known.totp), problem=problem,
        )  # fmt: skip

    async def _confirm_page(self, request: Request, to: str, problem: Problem | None = None) -> Response:
        shell = await self._desk.door.shell(request)
        return TEMPLATES.render(
            "confirm.html", title="Your password again", shell=shell, status=problem.status if problem else 200,
            to=inner(to), problem=problem, provider=self._provider.name if self._provider.works else "",
        )  # fmt: skip


def inner(to: str) -> str:
    """A path of our own to go to; whatever could lead elsewhere leads home."""
    is_path = _PATH.fullmatch(to) is not None and not to.startswith(("/account/sign", "/account/link"))
    return to if is_path else HOME
