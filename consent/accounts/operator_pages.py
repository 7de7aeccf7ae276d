"""Operators: who may do what at a site, or everywhere; inviting, one by one or from a list."""

from ipaddress import ip_network
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.accounts import importing, queries, session_queries, totp_queries
from consent.accounts.account import EVERY_SITE, Account, Role, check_email, check_role
from consent.accounts.desk import TEMPLATES, Desk, away
from consent.accounts.inviting import Invited, Inviting, account_of
from consent.errors import Problem
from consent.sites.queries import all_sites
from consent.web.body import read_body
from consent.web.form import read_form
from consent.web.gate import Need, inside, route, signed

MOST_NETWORKS = 20

_LIST_FORM = 200_000
"""Bytes of the form with a list of people."""


class OperatorPages:
    """The pages of who manages: at `/operators` the whole service, at `/operators/SITE` one site."""

    def __init__(self, desk: Desk, inviting: Inviting) -> None:
        self._desk = desk
        self._inviting = inviting

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        need = Need.MANAGE
        posts = {
            "invite": self.invite,
            "import": self.import_list,
            "role": self.change_role,
        }
        every = {
            "link": self.new_link,
            "remove": self.remove,
            "networks": self.limit,
            "authenticator": self.forget,
            "sessions": self.sign_out,
        }
        return [
            route("/operators", self.page, methods=["GET"], needs=need, fresh=True),
            route("/operators.json", self.described, methods=["GET"], needs=need),
            route("/operators/list", self.read_list, methods=["POST"], needs=Need.OWN),
            *(route(f"/operators/{name}", do, methods=["POST"], needs=need, fresh=True) for name, do in every.items()),
            *(route(f"/operators/{name}", do, methods=["POST"], needs=need, fresh=True) for name, do in posts.items()),
            route("/operators/{site}.json", self.described, methods=["GET"], needs=need),
            route("/operators/{site}", self.page, methods=["GET"], needs=need, fresh=True),
            *(
                route(f"/operators/{{site}}/{name}", do, methods=["POST"], needs=need, fresh=True)
                for name, do in posts.items()
            ),
        ]

    async def page(self, request: Request) -> Response:
        """Who may do what here."""
        return await self._page(request)

    async def described(self, request: Request) -> Response:
        """The same as JSON."""
        body = [
            {
                "id": one.id,
                "email": one.email,
                "state": one.state,
                "role": one.roles.get(request.state.site_id),
                "authenticator": bool(one.totp),
                "networks": [str(network) for network in one.networks],
                "seen": one.seen,
            }
            for one in await self._here(request.state.site_id)
        ]
        return Response(msgspec.json.encode({"operators": body}), media_type="application/json")

    async def invite(self, request: Request) -> Response:
        """Invite one person, or give a role to who is known."""
        form = await read_form(request)
        try:
            person = check_email(form.get("email", "")), check_role(form.get("role", ""))
            done = await self._inviting.invite([person], request.state.site_id, signed(request), self._place(request))
        except Problem as problem:
            return await self._page(request, problem=problem, form=form)
        return await self._told(request, done)

    async def import_list(self, request: Request) -> Response:
        """Invite everybody of a list of up to 100; a list with a fault invites nobody."""
        form = await read_form(request, _LIST_FORM)
        try:
            usual = check_role(form.get("role", ""))
            listed = importing.read(form.get("people", "").encode())
            if listed.faults or not listed.people:
                faults = "; ".join(f"line {one.row}: {one.sentence}" for one in listed.faults[:5])
                raise Problem("people_list", faults or "The list is empty.", "Correct it; nobody was invited yet.")
            people = [(one.email, one.role or usual) for one in listed.people]
            done = await self._inviting.invite(people, request.state.site_id, signed(request), self._place(request))
        except Problem as problem:
            return await self._page(request, problem=problem, form=form)
        return await self._told(request, done)

    async def read_list(self, request: Request) -> Response:
        """The people of a CSV or Excel file as lines for the form; nothing is kept of it."""
        rows = importing.rows_of(await read_body(request.receive, importing.MAX_BYTES))
        text = "\n".join(", ".join(" ".join(cell.split()) for cell in row if cell.strip()) for row in rows)
        return Response(msgspec.json.encode({"people": text[:_LIST_FORM]}), media_type="application/json")

    async def change_role(self, request: Request) -> Response:
        """Give another role here, or none."""
        form = await read_form(request)
        try:
            account = await account_of(self._desk.db, form.get("account", ""))
            role = check_role(form["role"]) if form.get("role") else None
            await self._inviting.change(account, request.state.site_id, role)
        except Problem as problem:
            return await self._page(request, problem=problem)
        return await self._done(request, f"role {role or 'none'}", account)

    async def new_link(self, request: Request) -> Response:
        """Another link for somebody who lost it, or their password."""
        account = await self._named(request)
        one = await self._inviting.link_for(account, signed(request), self._place(request))
        return await self._told(request, [one])

    async def remove(self, request: Request) -> Response:
        """An account is gone, with its sessions and tokens."""
        account = await self._named(request)
        try:
            await self._inviting.remove(account)
        except Problem as problem:
            return await self._page(request, problem=problem)
        return await self._done(request, "account removed", account)

    async def limit(self, request: Request) -> Response:
        """Let an account sign in from some networks alone."""
        form = await read_form(request)
        try:
            account = await account_of(self._desk.db, form.get("account", ""))
            networks = check_networks(form.get("networks", ""))
            here = inside(self._desk.gate.address(request), [ip_network(one) for one in networks.split()])
            if networks and not here and account.id == signed(request).account:
                raise Problem("networks", "You would shut yourself out.", "Add the network you are in.")
        except Problem as problem:
            return await self._page(request, problem=problem)
        await queries.set_networks(self._desk.db, account.id, networks)
        return await self._done(request, f"networks {networks or 'all'}", account)

    async def forget(self, request: Request) -> Response:
        """Somebody lost their authenticator and the codes: none is asked for, and everybody is signed out."""
        account = await self._named(request)
        await totp_queries.turn_off(self._desk.db, account.id)
        await session_queries.end_all(self._desk.db, account.id)
        return await self._done(request, "authenticator off", account)

    async def sign_out(self, request: Request) -> Response:
        """Somebody is signed out wherever they are signed in; their tokens hold."""
        account = await self._named(request)
        await session_queries.end_all(self._desk.db, account.id)
        return await self._done(request, "sessions ended", account)

    async def _named(self, request: Request) -> Account:
        """The account that the form names. Raises Problem."""
        return await account_of(self._desk.db, (await read_form(request)).get("account", ""))

    async def _here(self, site_id: int) -> list[Account]:
        """The accounts that concern a site; for the whole service all of them."""
        everybody = await queries.everybody(self._desk.db)
        return [one for one in everybody if site_id == EVERY_SITE or site_id in one.roles]

    async def _told(self, request: Request, done: list[Invited]) -> Response:
        """What became of each; links to hand out are shown this once."""
        for one in done:
            await self._desk.write(request, f"{one.state} as {one.role}", one.email, request.state.site_id)
        shell = await self._desk.door.shell(request, here="operators")
        return TEMPLATES.render("invited.html", title="Invited", shell=shell, done=done, back=self._home(request))

    async def _done(self, request: Request, what: str, account: Account) -> Response:
        await self._desk.write(request, what, account.email, request.state.site_id)
        return away(f"{self._home(request)}?done=yes")

    async def _page(
        self, request: Request, *, problem: Problem | None = None, form: dict[str, str] | None = None
    ) -> Response:
        site_id = request.state.site_id
        shell = await self._desk.door.shell(request, here="operators")
        given: dict[str, Any] = {"email": "", "role": Role.ANALYST, "people": ""} | (form or {})
        return TEMPLATES.render(
            "operators.html", title="Operators", shell=shell, status=problem.status if problem else 200,
            problem=problem, people=await self._here(site_id), site_id=site_id, home=self._home(request), given=given,
            roles=[(str(role), str(role)) for role in Role], done="done" in request.query_params,
            names={site.site_id: site.key for site in await all_sites(self._desk.db)}, me=signed(request).account,
        )  # fmt: skip

    @staticmethod
    def _home(request: Request) -> str:
        key = request.path_params.get("site")
        return f"/operators/{key}" if key else "/operators"

    @staticmethod
    def _place(request: Request) -> str:
        key = request.path_params.get("site")
        return f"site {key}" if key else "every site"


def check_networks(text: str) -> str:
    """Networks as the store keeps them. Raises Problem."""
    words = text.replace(",", " ").split()
    try:
        found = [str(ip_network(word)) for word in words]
    except ValueError as error:
        remedy = "Write 192.0.2.0/24, or one address; nothing for everywhere."
        raise Problem("networks", f"{str(error)[:120]}.", remedy, field="networks") from error
    if len(found) > MOST_NETWORKS:
        raise Problem("networks", f"An account has {MOST_NETWORKS} networks at most.", "Name larger ones.")
    return " ".join(found)
