"""Pages of choices against the rows themselves: what was shown, and what is said of all values together."""

import asyncio
import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from starlette.testclient import TestClient

from consent.accounts.account import Role
from consent.app import create_app
from consent.config import Config
from consent.db import Row, Value
from consent.reports import page_queries, site_pages
from consent.reports.span import Span
from tests.accounts import people
from tests.records.shop import config_in, open_shop
from tests.reports import world

SPAN = "from=2025-11-08&to=2026-01-16"
HTML = {"Accept": "text/html"}
FIRST = ("given", "partly", "refused")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return config_in(tmp_path_factory.mktemp("overview"))


@pytest.fixture(scope="module")
def rows(config: Config) -> list[Row]:
    """Records of 70 days under three laws; under that of the United States alone first layers were counted."""

    async def make() -> list[Row]:
        async with open_shop(config) as db:
            site, found = await world.make(db, "shop", 600, 5)
            await world.make(db, "other", 20, 6)
            shown = [(1, "us", 400), (1, "us", 100), (2, "us", 50)]
            await db.execute_many(
                "insert into shown_day (site_id, day, notice, layer, regime, language, device, shown)"
                " values (:site_id, :day, '', :layer, :regime, 'en', 'phone', :shown)",
                [
                    {"site_id": site.site_id, "day": 20_410 + at, "layer": layer, "regime": regime, "shown": number}
                    for at, (layer, regime, number) in enumerate(shown)
                ],
            )
            return found

    return asyncio.run(make())


@pytest.fixture(scope="module")
def client(config: Config, rows: object) -> Iterator[TestClient]:
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000") as found:
        yield found


@pytest.fixture(scope="module")
def owner(config: Config, rows: object) -> dict[str, str]:
    return people.signed_in(config, Role.OWNER) | HTML


def answered(rows: list[Row], **those: Any) -> int:
    return sum(row["action"] in FIRST and all(row[name] == value for name, value in those.items()) for row in rows)


def test_what_was_shown_is_compared_with_answers_under_the_same_laws(
    client: TestClient, owner: dict[str, str], rows: list[Row]
) -> None:
    """Where showings are counted under one law alone, the answers beside them are those given under it."""
    face = client.get(f"/sites/shop/overview.json?{SPAN}", headers=owner).json()
    page = client.get(f"/sites/shop/overview?{SPAN}", headers=owner).text
    ours = answered(rows, regime="us")

    assert 0 < ours < answered(rows) == face["now"]["given"] + face["now"]["partly"] + face["now"]["refused"]
    assert sum(face["shown_by_step"]) == 500
    assert sum(face["answered_by_step"]) == ours
    assert f'{100 - ours / 5:.1f}\u202f%</dd><dd class="sub">of 500 shown' in page


def test_all_values_together_are_all_of_them(
    client: TestClient, owner: dict[str, str], rows: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last line of a breakdown counts the values that the page leaves out, too, on both sides of a comparison."""
    monkeypatch.setattr(page_queries, "VALUES", 2)
    face = client.get(f"/sites/shop/consent.json?by=region&against=before&{SPAN}", headers=owner).json()
    page = client.get(f"/sites/shop/consent?by=region&against=before&{SPAN}", headers=owner).text
    whole = face["whole"]["choices"]

    assert (len(face["rows"]), face["more"]) == (2, len({row["region"] for row in rows}) - 2)
    assert sum(whole[action] for action in FIRST) == answered(rows)
    assert f'All</th><td class="n">{answered(rows)}</td>' in page


def test_purposes_are_not_added_up(client: TestClient, owner: dict[str, str], rows: list[Row]) -> None:
    """Everybody answers for every purpose: their sum is no number of answers, and what was withdrawn is not known."""
    face = client.get(f"/sites/shop/consent.json?by=purpose&{SPAN}", headers=owner).json()
    page = client.get(f"/sites/shop/consent?by=purpose&{SPAN}", headers=owner).text
    first = [row["choices"]["given"] + row["choices"]["refused"] for row in face["rows"]]

    assert first == [answered(rows)] * 2
    assert face["whole"] is None and "<tfoot>" not in page
    assert page.count('<td class="n hide-small">–</td></tr>') == 2


def test_all_values_come_as_csv(client: TestClient, owner: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The link under a breakdown that leaves values out leads to a file that has more of them, not fewer."""
    monkeypatch.setattr(page_queries, "VALUES", 2)
    page = client.get(f"/sites/shop/consent?by=region&{SPAN}", headers=owner).text
    [link] = re.findall(r'href="(/reports/shop/consent\.csv[^"]+)"', page)

    assert "limit=1000" in link
    assert len(client.get(html.unescape(link), headers=owner).text.splitlines()) == 7


def test_a_span_without_choices_is_no_site_without_any(client: TestClient, owner: dict[str, str]) -> None:
    """Where somebody has chosen earlier, nobody is told to paste the lines."""
    page = client.get("/sites/shop/overview?from=2020-01-01&to=2020-01-31", headers=owner).text

    assert "Nobody chose in these days" in page
    assert "No visitor has chosen yet" not in page


def test_a_receipt_has_all_of_its_records(tmp_path: Path) -> None:
    """More than a page of them, too, in the log and beside each of them: nothing is left out unsaid."""
    config = config_in(tmp_path)

    async def make() -> None:
        async with open_shop(config) as db:
            await world.make(db, "shop", 60, 7)
            await db.execute("update consent_record set receipt = '1-0'")

    asyncio.run(make())
    who = people.signed_in(config, Role.OWNER)
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000") as found:
        records = found.get("/sites/shop/log.json?receipt=1-0", headers=who).json()["records"]
        page = found.get(f"/sites/shop/log/{records[0]['id']}", headers=who).text

    assert len(records) == 60
    assert "<p>60 records</p>" in page


async def test_many_sites_are_asked_for_in_few_questions() -> None:
    """However many sites there are, their list is made of a few questions, and misses none."""
    asked: list[dict[str, Value]] = []

    class Asked:
        async def fetch(self, sql: str, /, **params: Value) -> list[Row]:
            asked.append(params)
            return [{"site_id": value} for name, value in params.items() if name.startswith("s")]

    found = await page_queries.by_site(Asked(), range(1, 1_202), Span(0, 29))

    assert (len(asked), list(found)) == (3, list(range(1, 1_202)))


def test_the_list_of_sites_counts_each(
    client: TestClient, owner: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each site has its own choices of the last days, whether sites are asked for together or one by one."""
    monkeypatch.setattr(site_pages, "today", lambda _: 20_430)
    together = client.get("/sites.json", headers=owner).json()["sites"]
    monkeypatch.setattr(page_queries, "SITES", 1)
    alone = client.get("/sites.json", headers=owner).json()["sites"]
    month = client.get("/sites/shop/overview.json?from=2025-11-09&to=2025-12-08", headers=owner).json()

    assert together == alone
    assert {one["key"]: one["choices"] for one in alone}["shop"] == month["now"]


CROWDED = [
    f"/sites/shop/consent?by=country&against=version-1&{SPAN}", f"/sites/shop/consent?by=gpc&against=before&{SPAN}",
    f"/sites/shop/consent?by=device&version=1&{SPAN}", "/sites/shop/overview", "/sites/shop/log", "/sites/shop/visits",
    "/sites/shop/visits?by=event", "/sites/shop/services", "/sites/shop/health", "/sites/shop/site", "/sites/",
    "/operators", "/operators/shop", "/access", "/access/shop", "/account", "/account/letters", "/account/confirm",
    "/reports/shop/consent.html?by=country&compare=previous",
]  # fmt: skip


@pytest.mark.parametrize("path", CROWDED)
def test_every_link_leads_somewhere(client: TestClient, owner: dict[str, str], path: str) -> None:
    """Whatever an owner of several sites can follow on a page is there, and can be asked."""
    page = client.get(path, headers=owner)
    links = {html.unescape(link) for link in re.findall(r'href="([^"#]+)[#"]', page.text)}
    found = {link: client.get(urljoin(path, link), headers=owner).status_code for link in links}

    assert page.status_code == 200 and len(links) > 3
    assert {link: status for link, status in found.items() if status >= 400} == {}


def test_the_version_stays_when_the_days_change(client: TestClient, owner: dict[str, str]) -> None:
    """Other days are shown of the same version, whether they are asked for by their number or their dates."""
    page = client.get(f"/sites/shop/consent?by=device&version=1&{SPAN}", headers=owner).text

    assert 'href="?days=7&amp;by=device&amp;version=1"' in page
    assert '<input type="hidden" name="version" value="1">' in page
