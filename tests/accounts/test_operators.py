"""Operators: inviting one by one or from a list, roles, and what the owner of one site cannot reach."""

import asyncio
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.testclient import TestClient

from consent.accounts import queries
from consent.accounts.account import Account, Role
from consent.accounts.inviting import Inviting, account_of
from consent.app import create_app
from consent.config import Config
from consent.mail import Mailer
from consent.sites.queries import add, by_key
from consent.web.gate import Signed
from tests.accounts import people
from tests.accounts.browser import Browser
from tests.records.shop import open_shop

EMAIL, PASSWORD = "owner@shop.example", people.PASSWORD
LINK = re.compile(r"/account/link/[A-Za-z0-9_-]{43}")


def account(config: Config, email: str) -> Account | None:
    async def read() -> Account | None:
        async with open_shop(config) as db:
            return await queries.by_email(db, email)

    return asyncio.run(read())


def the(config: Config, email: str) -> Account:
    found = account(config, email)
    assert found is not None, email
    return found


def test_inviting_somebody(owner: Browser, served: TestClient, config: Config) -> None:
    """Without a mail server the link is shown once; with it they choose a password, and see what their role allows."""
    shown = owner.post("/operators/invite", email="Ann@Shop.example", role="analyst")
    [link] = LINK.findall(shown.text)
    ann = Browser(served)
    assert "ann@shop.example" in ann.get(link).text
    assert ann.post(link, password=PASSWORD, again=PASSWORD, email="other@shop.example").status_code == 303

    assert ann.me()["email"] == "ann@shop.example"
    assert ann.me()["roles"] == {"*": "analyst"}
    assert ann.get("/v1/demo/log").status_code == 200
    assert ann.get("/operators").status_code == 403
    assert ann.get("/access").status_code == 403
    assert owner.get("/access").status_code == 200


def test_roles_change_at_once(owner: Browser, served: TestClient, config: Config) -> None:
    """Who loses a role loses what it allowed with the next request, without signing in anew."""
    [link] = LINK.findall(owner.post("/operators/invite", email="ann@shop.example", role="auditor").text)
    ann = Browser(served)
    ann.post(link, password=PASSWORD, again=PASSWORD)
    assert ann.get("/access").status_code == 200
    owner.post("/operators/role", account=the(config, "ann@shop.example").id, role="analyst")
    assert ann.get("/access").status_code == 403
    owner.post("/operators/role", account=the(config, "ann@shop.example").id, role="")
    assert ann.get("/v1/demo/log").status_code == 403
    owner.post("/operators/remove", account=the(config, "ann@shop.example").id)

    assert ann.me() == {}
    assert account(config, "ann@shop.example") is None


def test_somebody_always_manages(owner: Browser, config: Config) -> None:
    """The last owner of the whole service can neither step down nor be removed."""
    mine = the(config, EMAIL).id
    for path, more in (("role", {"role": "analyst"}), ("role", {"role": ""}), ("remove", {})):
        answer = owner.post(f"/operators/{path}", account=mine, **more)
        assert (answer.status_code, "last owner" in answer.text) == (422, True)

    assert owner.me()["roles"] == {"*": "owner"}


async def test_a_list_that_is_sent_twice(config: Config) -> None:
    """At the same moment, as by two clicks: both are answered, and each person has one link in one of the answers."""
    people_ = [(f"person{number}@shop.example", Role.ANALYST) for number in range(10)]
    owner = Signed(account="", name="owner@shop.example", how="session", grants={})
    async with open_shop(config) as db:
        inviting = Inviting(db, Mailer(Config()), "http://127.0.0.1", people.now)
        told = await asyncio.gather(*(inviting.invite(people_, 0, owner, "every site") for _ in range(3)))
        links = [one.link for answer in told for one in answer if one.link]

    assert [len(answer) for answer in told] == [10, 10, 10]
    assert len(links) == len(set(links)) == 10


async def test_two_who_depose_each_other(config: Config) -> None:
    """Of two owners who take each other's role, or account, at the same moment one stays."""
    async with open_shop(config) as db:
        ones = [await people.add(db, {0: Role.OWNER}) for _ in range(2)]
        inviting = Inviting(db, Mailer(Config()), "http://127.0.0.1", people.now)
        found = [await account_of(db, one) for one in ones]
        told = await asyncio.gather(
            inviting.change(found[0], 0, Role.ANALYST), inviting.change(found[1], 0, None), return_exceptions=True
        )
        owned = await queries.has_owner(db)
        await queries.give_role(db, ones[0], 0, Role.OWNER, 0)
        await queries.give_role(db, ones[1], 0, Role.OWNER, 0)
        found = [await account_of(db, one) for one in ones]
        gone = await asyncio.gather(*(inviting.remove(one) for one in found), return_exceptions=True)

        assert [type(one).__name__ for one in told] == ["NoneType", "Problem"] and owned
        assert [type(one).__name__ for one in gone] == ["NoneType", "Problem"]
        assert await queries.has_owner(db)


def test_a_hundred_at_once(owner: Browser, config: Config) -> None:
    """Each of a list is invited once: sent again, it invites nobody a second time; a fault invites nobody at all."""
    lines = "\n".join(f"person{n}@shop.example{', auditor' if n % 2 else ''}" for n in range(100))
    faulty = owner.post("/operators/import", people=lines.replace("person50@", "person50"), role="analyst")
    assert (faulty.status_code, account(config, "person1@shop.example")) == (422, None)
    shown = owner.post("/operators/import", people=lines, role="analyst")
    again = owner.post("/operators/import", people=lines, role="analyst")

    assert len(set(LINK.findall(shown.text))) == 100
    assert LINK.findall(again.text) == []
    assert the(config, "person7@shop.example").roles == {0: Role.AUDITOR}
    assert the(config, "person8@shop.example").roles == {0: Role.ANALYST}


def test_the_owner_of_a_site_reaches_no_further(owner: Browser, served: TestClient, config: Config) -> None:
    """They invite for their site alone; neither other sites nor accounts with other roles are theirs to touch."""

    async def second() -> int:
        async with open_shop(config) as db:
            return (await add(db, "other", 1)).site_id

    asyncio.run(second())
    [link] = LINK.findall(owner.post("/operators/demo/invite", email="sue@shop.example", role="owner").text)
    sue = Browser(served)
    sue.post(link, password=PASSWORD, again=PASSWORD)
    owner.post("/operators/invite", email="new@shop.example", role="owner")

    assert sue.get("/operators/demo").status_code == 200
    assert sue.get("/operators/other").status_code == 403
    for path in ("invite", "import", "role", "link", "remove", "networks", "authenticator"):
        answer = sue.post(f"/operators/{path}", account=the(config, EMAIL).id, email="x@shop.example", role="owner")
        assert (answer.status_code, "needs the right" in answer.text) == (403, True), path
    assert sue.post("/operators/other/role", account=the(config, EMAIL).id, role="").status_code == 403
    assert LINK.findall(sue.post("/operators/demo/invite", email="new@shop.example", role="auditor").text) == []
    assert the(config, "new@shop.example").roles[0] is Role.OWNER
    sue.post("/operators/demo/role", account=the(config, EMAIL).id, role="")
    assert the(config, EMAIL).roles[0] is Role.OWNER


def test_an_account_limited_to_networks(owner: Browser, served: TestClient, config: Config) -> None:
    """From elsewhere neither its cookie nor its password opens anything; nobody shuts themselves out."""
    [link] = LINK.findall(owner.post("/operators/invite", email="ann@shop.example", role="analyst").text)
    ann = Browser(served)
    ann.post(link, password=PASSWORD, again=PASSWORD)
    assert owner.post("/operators/networks", account=the(config, EMAIL).id, networks="10.0.0.0/8").status_code == 422
    assert owner.post("/operators/networks", account=the(config, EMAIL).id, networks="300.0.0.0").status_code == 422
    assert ann.get("/v1/demo/log").status_code == 200
    owner.post("/operators/networks", account=the(config, "ann@shop.example").id, networks="10.0.0.0/8, 2001:db8::/32")
    shut = ann.get("/v1/demo/log")
    assert (shut.status_code, shut.json()["error"]) == (403, "network")
    owner.post("/operators/networks", account=the(config, "ann@shop.example").id, networks="192.0.2.0/24")

    assert ann.get("/v1/demo/log").status_code == 200


def test_sessions_of_others_are_ended(owner: Browser, served: TestClient, config: Config) -> None:
    """An owner signs somebody out wherever they are signed in; they may sign in again."""
    [link] = LINK.findall(owner.post("/operators/invite", email="ann@shop.example", role="auditor").text)
    ann = Browser(served)
    ann.post(link, password=PASSWORD, again=PASSWORD)
    known = the(config, "ann@shop.example").id
    page = owner.get("/operators").text
    assert f'action="/operators/sessions"><input type="hidden" name="account" value="{known}">' in page
    assert ann.me()["email"] == "ann@shop.example"
    assert owner.post("/operators/sessions", account=known).status_code == 303

    assert ann.me() == {}
    assert ann.sign_in("ann@shop.example", PASSWORD).status_code == 303


def test_a_link_for_a_lost_password(owner: Browser, served: TestClient, config: Config) -> None:
    """It signs everybody out who is signed in with the account, and is used once."""
    [link] = LINK.findall(owner.post("/operators/link", account=the(config, EMAIL).id).text)
    fresh = "a new good sentence"
    assert Browser(served).post(link, password=fresh, again=fresh).status_code == 303

    assert owner.me() == {}
    assert Browser(served).sign_in(EMAIL, PASSWORD).status_code == 403
    assert Browser(served).sign_in(EMAIL, fresh).status_code == 303


def test_files_become_lines(owner: Browser, served: TestClient) -> None:
    """A file that is chosen in the form comes back as lines to look at; a bad one as a sentence."""
    headers = {"Cookie": f"consent-account={owner.cookies['consent-account']}", **people.OURS}
    good = served.post("/operators/list", content=b"ann@shop.example;auditor\n", headers=headers)
    bad = served.post("/operators/list", content=b"PK\x03\x04", headers=headers)

    assert good.json() == {"people": "ann@shop.example, auditor"}
    assert (bad.status_code, bad.json()["error"]) == (422, "people_list")


def test_what_was_done_is_written_down(owner: Browser, served: TestClient) -> None:
    """Signing in, failing to, inviting and changing roles are lines of the access log, with whom they concern."""
    Browser(served).sign_in(EMAIL, "wrong password 1")
    owner.post("/operators/invite", email="ann@shop.example", role="analyst")
    lines = owner.get("/access.json").json()["entries"]

    assert [(one["what"], one["about"]) for one in lines[:2]] == [
        ("invited as analyst", "ann@shop.example"), ("sign in refused", ""),
    ]  # fmt: skip
    assert {one["network"] for one in lines} == {"192.0.2.0/24"}
    assert [one["what"] for one in owner.get("/access.json?what=first link").json()["entries"]] == ["first link"]
    assert owner.get("/access.json?before=0").json() == {"entries": [], "next": None}
    assert owner.get("/access.json?limit=3").status_code == 422


class Letters(Sink):
    """Keeps what is sent, and refuses one address."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Envelope] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _: list[str]) -> str:
        if address.startswith("refused"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.kept.append(envelope)
        return "250 OK"


@pytest.fixture
def letters() -> Iterator[tuple[Letters, int]]:
    """A mail server."""
    handler = Letters()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def test_invitations_by_mail(tmp_path: Path, letters: tuple[Letters, int]) -> None:
    """Where there is a mail server the link goes to them alone; whom it cannot reach gets it by hand."""
    handler, port = letters
    config = Config(data=tmp_path / "data", mail_server=f"smtp://127.0.0.1:{port}", mail_from="c@shop.example")
    headers = people.signed_in(config, Role.OWNER)
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000") as client:
        form = {"people": "ann@shop.example\nrefused@shop.example", "role": "auditor"}
        shown = client.post("/operators/import", data=form, headers=headers).text
        [letter] = handler.kept
        text = letter.content.decode() if isinstance(letter.content, bytes) else str(letter.content)
        [link] = LINK.findall(text.replace("=\r\n", ""))
        handed = LINK.findall(shown)

        assert letter.rcpt_tos == ["ann@shop.example"]
        assert "From: c@shop.example" in text
        assert link not in shown
        assert len(set(handed)) == 1
        assert "550" in shown
        assert client.get(link).status_code == 200


def test_a_mail_server_that_is_down(tmp_path: Path) -> None:
    """Nobody is left without a link: it is shown, with why it was not mailed."""
    config = Config(data=tmp_path / "data", mail_server="smtp://127.0.0.1:1", mail_from="c@shop.example")
    headers = people.signed_in(config, Role.OWNER)
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000") as client:
        shown = client.post(
            "/operators/invite", data={"email": "a@shop.example", "role": "owner"}, headers=headers
        ).text

    assert len(LINK.findall(shown)) == 1
    assert "not mailed" in shown and ".. " not in shown


async def test_a_site_has_its_own_operators(config: Config, owner: Browser) -> None:
    """The list of a site has those alone who have a role there."""
    owner.post("/operators/demo/invite", email="ann@shop.example", role="auditor")
    async with open_shop(config) as db:
        site = await by_key(db, "demo")
        assert site is not None
    listed = owner.get("/operators/demo.json").json()["operators"]

    assert [(one["email"], one["role"]) for one in listed] == [("ann@shop.example", "auditor")]
    assert len(owner.get("/operators.json").json()["operators"]) == 2
