"""The pages of analysts over a real store: each in both faces, empty and full, and what they say of wrong questions."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.testclient import TestClient

from consent.accounts.account import Role
from consent.app import App, create_app
from consent.config import Config
from consent.policy.queries import Version
from consent.records.recount import add_up
from consent.web.gate import Declared
from consent.web.pages import PAGES, POLICY
from tests.accounts import people
from tests.records.shop import ORIGIN, body, config_in, open_shop, publish_shop, refusal

KEYS = [key for key, _ in PAGES]
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Settings of a service."""
    return config_in(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def versions(config: Config) -> dict[str, Version]:
    """A site that nobody has visited, and a shop with its second version in force."""

    async def publish() -> dict[str, Version]:
        async with open_shop(config) as db:
            await publish_shop(db, "", key="quiet")
            await publish_shop(db, "")
            return {"shop": (await publish_shop(db))[1]}

    return asyncio.run(publish())


@pytest.fixture(scope="module")
def owner(config: Config, versions: object) -> dict[str, str]:
    """Headers of somebody who may everything."""
    return people.signed_in(config, Role.OWNER) | HTML


@pytest.fixture(scope="module")
def client(config: Config, versions: dict[str, Version], owner: object) -> Iterator[TestClient]:
    """A client of the service, with choices taken."""
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000") as found:
        version = versions["shop"]
        for made in (body(version), refusal(version), body(version, gpc=True)):
            assert found.post("/v1/shop/consent", json=made, headers={"Origin": ORIGIN}).status_code == 201
        asyncio.run(counted(config))
        yield found


async def counted(config: Config) -> None:
    """Add up what the service would add up within a second."""
    async with open_shop(config) as db:
        await add_up(db)


def get(client: TestClient, path: str, headers: dict[str, str], status: int = 200) -> str:
    answer = client.get(path, headers=headers, follow_redirects=False)
    assert answer.status_code == status, (path, answer.text[:300])
    return answer.text


def json(client: TestClient, path: str, headers: dict[str, str]) -> Any:
    return client.get(path, headers=headers).json()


@pytest.mark.parametrize("site", ["quiet", "shop"])
@pytest.mark.parametrize("page", [*KEYS, "visitors"])
def test_every_page_has_two_faces(client: TestClient, owner: dict[str, str], site: str, page: str) -> None:
    """Each page answers as HTML under the pages' policy, and as JSON; also where nobody has chosen yet."""
    html = client.get(f"/sites/{site}/{page}", headers=owner)
    face = client.get(f"/sites/{site}/{page}.json", headers=owner)

    assert html.status_code == face.status_code == 200
    assert html.headers["content-security-policy"] == POLICY
    assert html.headers["cache-control"] == face.headers["cache-control"] == "no-store"
    assert re.search(rf'href="/sites/{site}/', html.text)
    assert isinstance(face.json(), dict)


def test_the_overview_counts_choices(client: TestClient, owner: dict[str, str]) -> None:
    """Two agreed and one refused: so it says in both faces, and in the last hour."""
    face = json(client, "/sites/shop/overview.json", owner)

    assert face["now"] == {"given": 2, "partly": 0, "refused": 1, "changed": 0, "withdrawn": 0}
    assert sum(face["live"]["minutes"]) == 3
    assert [one["granted"] for one in face["purposes"]] == [2, 2, 2, 2]
    assert "66.7\u202f%" in get(client, "/sites/shop/overview", owner)
    assert json(client, "/sites/shop/live.json", owner)["figures"] == {"total": "3", "opt_in": "66.7\u202f%"}


@pytest.mark.parametrize("days", [1, 7, 30, 90, 365, 3_660])
def test_every_span_is_drawn(client: TestClient, owner: dict[str, str], days: int) -> None:
    """From a day in hours to ten years in months: the figures are the same, in 7 to 130 steps."""
    face = json(client, f"/sites/shop/overview.json?days={days}", owner)

    assert face["now"]["given"] == 2
    assert 7 <= len(face["steps"]) <= 130
    assert get(client, f"/sites/shop/overview?days={days}", owner).count("<title>") > len(face["steps"])


def test_choices_are_broken_down_and_compared(client: TestClient, owner: dict[str, str]) -> None:
    """By what a record says, with the span before, a year before and another version beside it."""
    by_gpc = json(client, "/sites/shop/consent.json?by=gpc", owner)
    versus = json(client, "/sites/shop/consent.json?by=control&version=2&against=version-1", owner)

    assert {row["value"]: row["choices"]["given"] for row in by_gpc["rows"]} == {"no": 1, "yes": 1}
    assert {row["value"]: row["choices"]["given"] for row in versus["rows"]} == {"accept": 2, "reject": 0}
    assert versus["against"] == "version 1"
    for by in ("country", "service", "purpose", "notice", "version", "browser"):
        assert "<h1>Consent by" in get(client, f"/sites/shop/consent?by={by}&against=year", owner)


def test_the_log_finds_a_record_and_proves_it(client: TestClient, owner: dict[str, str]) -> None:
    """From the list to the record, whose proof holds; by its receipt; and to the notice that was shown."""
    records = json(client, "/sites/shop/log.json", owner)["records"]
    one = records[-1]
    face = json(client, f"/sites/shop/log/{one['id']}.json", owner)
    page = get(client, f"/sites/shop/log/{one['id']}", owner)
    found = json(client, f"/sites/shop/log.json?receipt={one['receipt']}", owner)["records"]

    assert [record["action"] for record in records] == ["given", "refused", "given"]
    assert face["proof"]["sound"] is True and face["proof"]["size"] >= 3
    assert "Proved." in page and f"/n/shop/{one['notice']}" in page
    assert [record["id"] for record in found] == [one["id"]]
    assert json(client, "/sites/shop/log.json?action=refused", owner)["records"][0]["control"] == "reject"
    assert json(client, "/sites/shop/log.json?language=de", owner)["records"] == []


def test_a_record_that_was_altered_is_not_proved(client: TestClient, owner: dict[str, str], config: Config) -> None:
    """Whoever changes a record in the store is found out by the page."""
    one = json(client, "/sites/shop/log.json", owner)["records"][0]

    async def alter(control: str) -> None:
        async with open_shop(config) as db:
            await db.execute("update consent_record set control = :to where id = :id", to=control, id=one["id"])

    asyncio.run(alter("reject"))
    page = get(client, f"/sites/shop/log/{one['id']}", owner)
    asyncio.run(alter(one["control"]))

    assert "Not proved." in page
    assert "Proved." in get(client, f"/sites/shop/log/{one['id']}", owner)


def test_the_site_page_tells_what_a_version_changed(client: TestClient, owner: dict[str, str]) -> None:
    """The second version brought three services; it says so, and that everybody is asked again."""
    face = json(client, "/sites/shop/site.json", owner)
    page = get(client, "/sites/shop/site", owner)

    assert face["looked"]["before"] == 1 and face["looked"]["asks"] is True
    assert [change["where"] for change in face["looked"]["changes"] if change["kind"] == "added"] == [
        "Service, google-analytics", "Service, matomo-own", "Service, youtube",
    ]  # fmt: skip
    assert "everybody who had chosen" in page
    assert "&lt;script&gt;" in page and "<script>" not in page


def test_the_list_of_sites(client: TestClient, owner: dict[str, str], config: Config) -> None:
    """Who may look at two sites sees both; who may look at one is led there."""
    face = json(client, "/sites.json", owner)
    analyst = people.signed_in(config, Role.ANALYST, 2) | HTML

    assert {one["key"]: one["choices"]["given"] for one in face["sites"]} == {"quiet": 0, "shop": 2}
    assert "shop" in get(client, "/sites/", owner)
    assert client.get("/sites/", headers=analyst, follow_redirects=False).headers["location"] == "/sites/shop"
    assert client.get("/sites/shop", headers=analyst, follow_redirects=False).headers["location"].endswith("overview")


def test_other_sites_are_shown_as_far_as_one_may(client: TestClient, config: Config) -> None:
    """Who is something else at another site is led from each page to one that they may open there."""

    async def make() -> dict[str, str]:
        async with open_shop(config) as db:
            account = await people.add(db, {1: Role.AUDITOR, 2: Role.ANALYST})
            return await people.cookie(db, config, account)

    mixed = asyncio.run(make()) | HTML
    for page, elsewhere in (("overview", ""), ("log", "/log")):
        menu = get(client, f"/sites/shop/{page}", mixed).partition("site-menu")[2].partition("</ul>")[0]
        ways = re.findall(r'<a href="([^"]+)"', menu)
        assert sorted(ways) == [f"/sites/quiet{elsewhere}", f"/sites/shop/{page}"]
        assert {client.get(way, headers=mixed).status_code for way in ways} == {200}


def test_the_list_has_no_figures_for_an_auditor(client: TestClient, config: Config) -> None:
    """Who may not see figures is shown dashes, not noughts."""
    auditor = people.signed_in(config, Role.AUDITOR)

    assert {one["choices"] for one in json(client, "/sites.json", auditor)["sites"]} == {None}
    assert '<td class="n">–</td>' in get(client, "/sites/", auditor | HTML)


def test_an_auditor_sees_the_log_and_no_figures(client: TestClient, config: Config) -> None:
    """The menu has what one may open, and nothing else."""
    auditor = people.signed_in(config, Role.AUDITOR, 2) | HTML
    page = get(client, "/sites/shop/log", auditor)

    assert re.findall(r'<li><a href="/sites/shop/(\w+)"', page) == ["log", "health", "site"]
    assert client.get("/sites/shop", headers=auditor, follow_redirects=False).headers["location"].endswith("/log")
    assert client.get("/sites/shop/overview", headers=auditor).status_code == 403


WRONG = [
    ("overview?days=0", "days"), ("overview?days=x", "days"), ("overview?days=99999", "days"),
    ("overview?from=2026-11-31", "from"), ("overview?from=2026-11-20&to=2026-11-10", "to"),
    ("overview?from=1999-01-01", "from"), ("overview?from=0000-01-01", "from"), ("overview?to=9999-12-32", "to"),
    ("overview?from=0001-01-01&to=0001-01-05", "to"), ("consent?against=year&from=1969-12-31&to=1970-01-05", "from"),
    ("consent?by=shoe", "by"), ("consent?against=never", "against"), ("consent?version=x", "version"),
    ("consent?by=gpc&version=2", "by"), ("log?action=x", "action"), ("log?before=x", "before"),
    ("log?version=1e9", "version"), (f"log?receipt={'x' * 61}", "receipt"), ("visits?by=shoe", "by"),
    ("site?version=99", None), ("site?version=x", "version"), ("log/x", None), ("visitors/x", None),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "field"), WRONG)
def test_wrong_questions_get_a_sentence(
    client: TestClient, owner: dict[str, str], asked: str, field: str | None
) -> None:
    """A page that says what is wrong and what to do; as JSON it names the parameter."""
    path, _, query = asked.partition("?")
    html = client.get(f"/sites/shop/{asked}", headers=owner)
    face = client.get(f"/sites/shop/{path}.json?{query}", headers=owner).json()

    assert 400 <= html.status_code < 500
    assert html.headers["content-security-policy"] == POLICY
    assert face["remedy"] in html.text.replace("&#39;", "'") and face.get("field") == field


@pytest.mark.parametrize("path", ["/sites", "/sites/shop/", "/sites/shop/shoes", "/account/", "/reports/shop/shoes"])
def test_what_is_not_there_is_told_on_a_page(client: TestClient, owner: dict[str, str], path: str) -> None:
    """Whoever reads pages and mistypes an address reads a page with a way back; programs get JSON."""
    answer = client.get(path, headers=owner, follow_redirects=False)
    plain = client.get(path, headers={**owner, "Accept": "*/*"}, follow_redirects=False)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert 'href="/sites/"' in answer.text
    assert plain.json()["error"] in ("not_found", "report")


def test_only_what_pages_ask_by_themselves_renews_no_session(client: TestClient) -> None:
    """It is the last hour alone, which the overview asks for every ten seconds."""
    routes = cast(list[Declared], cast(App, client.app).router.routes)

    assert [one.path for one in routes if one.polled] == ["/sites/{site}/live.json"]


def test_nobody_is_shown_a_way_to_sign_in(client: TestClient) -> None:
    """Browsers are led to the sign-in and back again, programs get JSON."""
    answer = client.get("/sites/shop/overview?days=7", headers=HTML, follow_redirects=False)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/account/sign-in?to=%2Fsites%2Fshop%2Foverview%3Fdays%3D7"
    assert client.get("/sites/shop/overview.json").json()["error"] == "unauthorized"


def test_a_look_is_written_down(client: TestClient, owner: dict[str, str], config: Config) -> None:
    """The log and a record are personal data: who looked, and under which receipt, stands in the access log."""
    one = json(client, "/sites/shop/log.json", owner)["records"][0]
    get(client, f"/sites/shop/log/{one['id']}", owner)

    async def looks() -> list[dict[str, Any]]:
        async with open_shop(config) as db:
            return await db.fetch("select what, about, path from access_log order by id desc limit 1")

    assert asyncio.run(looks()) == [{"what": "record", "about": one["receipt"], "path": "/sites/shop/log/{record}"}]


def test_a_page_of_the_own_site_is_looked_at(client: TestClient, owner: dict[str, str]) -> None:
    """Only origins of the policy: anything else is refused with a sentence on the page."""
    for url in ("https://evil.example/", "file:///etc/passwd", f"{ORIGIN}@169.254.169.254/"):
        answer = client.post("/sites/shop/site", data={"url": url}, headers=owner)

        assert answer.status_code == 200
        assert "Only pages of the policy&#39;s own origins" in answer.text


def test_the_folder_of_templates_has_no_inline_code() -> None:
    """No template holds a style attribute, a handler, unescaped text or a script but the one file."""
    inline = r"\sstyle=|\son[a-z]+=|<style|<script(?! src)|\|\s*safe\b|javascript:"
    folders = [Path(__file__).parents[2] / "consent" / room / "templates" for room in ("web", "reports")]
    templates = [path for folder in folders for path in folder.glob("*.html")]

    assert len(templates) > 10
    assert [path.name for path in templates if re.findall(inline, path.read_text("utf-8"))] == []
