"""The query API as programs meet it: who may ask, the faces, what is wrong, and nothing of another site."""

import asyncio
import json
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from consent.accounts.account import Role
from consent.app import create_app
from consent.config import Config
from consent.reports.named import questions
from consent.reports.subjects import SUBJECTS
from tests.accounts import people
from tests.records.shop import config_in, open_shop
from tests.reports import world

SECRET = "zz-other"
SPAN: dict[str, Any] = {"from": "2025-11-01", "to": "2026-01-31"}


class Asked:
    """A service with two sites, and an analyst of the first."""

    def __init__(self, client: TestClient, config: Config, owner: dict[str, str]) -> None:
        self.client = client
        self.config = config
        self.owner = owner

    def get(self, path: str, *, status: int = 200, **asked: Any) -> Any:
        answer = self.client.get(f"/reports/shop/{path}", params=asked, headers=self.owner)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    config = config_in(tmp_path_factory.mktemp("reports"))

    async def fill() -> None:
        async with open_shop(config) as db:
            await world.make(db, "shop", 400, 1)
            await world.make(db, "other", 50, 2, language=SECRET)

    asyncio.run(fill())
    with TestClient(create_app(config), base_url="http://consent.example", raise_server_exceptions=False) as client:
        yield Asked(client, config, people.signed_in(config, Role.ANALYST, 1))


def test_figures_as_json(asked: Asked) -> None:
    """Rows are flat objects; the answer says what it is an answer to."""
    answer = asked.get("consent", by="country", metrics="records,opt_in", **SPAN)
    assert (answer["site"], answer["subject"], answer["from"], answer["to"]) == (
        "shop", "consent", "2025-11-01", "2026-01-31",
    )  # fmt: skip
    assert answer["rows"][0].keys() == {"country", "records", "opt_in"}
    assert answer["total"]["records"] == 400
    assert (answer["source"], answer["complete"]) == ("rollups", True)


def test_figures_as_csv(asked: Asked) -> None:
    """By the name's end or by what is accepted; the next page is in the Link header."""
    url = "/reports/shop/consent.csv?by=country&metrics=records&limit=2&from=2025-11-01&to=2026-01-31"
    by_name = asked.client.get(url, headers=asked.owner)
    by_header = asked.client.get(url.replace(".csv", ""), headers=asked.owner | {"Accept": "text/csv"})
    assert by_name.text == by_header.text
    assert by_name.headers["content-type"].startswith("text/csv")
    assert by_name.text.splitlines()[0] == "country,records"
    assert len(by_name.text.splitlines()) == 3
    assert by_name.headers["link"].startswith("<?")


def test_a_page_of_csv_leads_to_the_next(asked: Asked) -> None:
    """Who follows the Link header until there is none has every line once."""
    query, lines = "by=language&metrics=records&limit=1&from=2025-11-01&to=2026-01-31", []
    for _ in range(10):
        answer = asked.client.get(f"/reports/shop/consent.csv?{query}", headers=asked.owner)
        lines += answer.text.splitlines()[1:]
        if "link" not in answer.headers:
            break
        query = answer.headers["link"].partition("<?")[2].partition(">")[0]
    assert sorted(line.split(",")[0] for line in lines) == sorted(["en", "de", "fr", "'=cmd|'x'!A1"])


def test_figures_as_a_page(asked: Asked) -> None:
    """For browsers, or by the name's end: a table, links to the other faces, and hostile texts as texts."""
    url = "/reports/shop/consent.html?by=language&metrics=records,opt_in&limit=3&from=2025-11-01&to=2026-01-31"
    page = asked.client.get(url, headers=asked.owner)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src" in page.headers["content-security-policy"]
    assert "<h1>consent by language</h1>" in page.text
    assert "/reports/shop/consent.csv?by=language&amp;metrics" in page.text
    assert "after=" in page.text
    named = asked.client.get("/reports/shop/questions/opt-in-by-day", headers=asked.owner | {"Accept": "text/html"})
    assert "<h1>How many agree, day by day?</h1>" in named.text
    compared = asked.client.get(url.replace("limit=3", "compare=previous"), headers=asked.owner).text
    assert "&#39;x&#39;!A1" in compared
    assert "records before" in compared


def test_the_named_questions_are_answered(asked: Asked) -> None:
    """Each of the twelve answers, also with parameters in place of its own."""
    listed = asked.get("questions")
    assert [one["name"] for one in listed["questions"]] == list(questions())
    assert listed["subjects"].keys() == SUBJECTS.keys()
    for one in listed["questions"]:
        answer = asked.client.get(one["url"], params=SPAN, headers=asked.owner)
        assert answer.status_code == 200
        assert answer.json()["subject"] == one["subject"]
    narrowed = asked.get("questions/opt-in-by-country", limit=1, **SPAN)
    assert len(narrowed["rows"]) == 1


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("weather", "report"),
        ("consent.xml", "report"),
        ("questions/nothing", "report"),
        ("questions/pages.xml", "report"),
    ],
)
def test_what_there_is_not_is_not_found(asked: Asked, path: str, error: str) -> None:
    """Unknown subjects, questions and faces are told with those that there are."""
    answer = asked.get(path, status=404)
    assert answer["error"] == error
    assert answer["remedy"]


def test_an_error_names_the_parameter(asked: Asked) -> None:
    """What does not fit is answered with its field."""
    answer = asked.get("consent", status=422, by="planet")
    assert (answer["error"], answer["field"]) == ("question", "by")


def test_only_who_may_see_figures_asks(asked: Asked) -> None:
    """Nobody who is not signed in; an auditor is refused, and so is an analyst of another site."""
    url = "/reports/shop/consent"
    assert asked.client.get(url).status_code == 401
    assert asked.client.get(url, headers=people.signed_in(asked.config, Role.AUDITOR)).status_code == 403
    assert asked.client.get(url, headers=people.signed_in(asked.config, Role.ANALYST, 2)).status_code == 403
    assert asked.client.get("/reports/other/consent", headers=asked.owner).status_code == 403
    assert asked.client.get("/reports/nowhere/consent", headers=asked.owner).status_code == 404


HOSTILE = (
    "' or 1=1 --", "%", "_", "*", "\\", '"', "); drop table consent_rollup; --", "\u202e", "😀", "NULL", "0", "-1",
    "1e9", "{{7*7}}", "<script>", "../../etc/passwd", "a" * 600, "\x00", "\ud83d", ":", ",", "other", SECRET,
)  # fmt: skip


def test_ten_thousand_filters_find_nothing_else_and_write_nothing(asked: Asked) -> None:
    """Made by a seed of hostile texts: no fault, no row of the other site, no write."""
    chance = random.Random(7)
    before = contents(asked.config)
    statuses: set[int] = set()
    for _ in range(10_000):
        subject = chance.choice(list(SUBJECTS))
        dims = (*SUBJECTS[subject].dims, "day", "nonsense", "site_id", "dim")
        pairs = [("filter", f"{chance.choice(dims)}:{chance.choice(HOSTILE)}") for _ in range(chance.randrange(1, 3))]
        if chance.random() < 0.3:
            pairs.append(("by", chance.choice(dims) + chance.choice(("", ",day", *HOSTILE))))
        if chance.random() < 0.1:
            pairs.append(
                (chance.choice(("metrics", "from", "to", "limit", "after", "compare")), chance.choice(HOSTILE))
            )
        query = urlencode(pairs, errors="surrogatepass")
        answer = asked.client.get(f"/reports/shop/{subject}?{query}", headers=asked.owner)
        statuses.add(answer.status_code)
        if answer.status_code == 200:
            rows = [{**row} for row in answer.json()["rows"]]
            assert SECRET not in json.dumps(rows)
    assert statuses == {200, 422}
    assert contents(asked.config) == before


def contents(config: Config) -> list[tuple[Any, ...]]:
    """How many rows each table has, and what the counts say."""
    store = sqlite3.connect(Path(config.store))
    tables = [name for (name,) in store.execute("select name from sqlite_schema where type = 'table' order by name")]
    kept = [name for name in tables if name not in ("probe", "look", "access", "session", "account_session")]
    found = [(name, *store.execute(f"select count(*) from {name}").fetchone()) for name in kept]
    found.append(store.execute("select sum(given), sum(refused) from consent_rollup").fetchone())
    store.close()
    return found
