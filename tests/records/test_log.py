"""GET /v1/{site}/log: the owner's view."""

import csv
import io

import pytest

from tests.records.served import LOG, Shop
from tests.records.shop import refusal


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic x", "bearer: x", "Bearer \x00"]
)
def test_it_opens_to_its_token_only(shop: Shop, header: str | None) -> None:
    """Without the site's token: 401, and how to get in."""
    answer = shop.client.get(LOG, headers={"Authorization": header} if header is not None else {})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "tokens/SITE" in answer.json()["remedy"]


def test_guessing_is_slowed(shop: Shop) -> None:
    """After thirty wrong tokens a minute a place waits; the right token still opens."""
    answers = [shop.client.get(LOG, headers={"Authorization": f"Bearer {n}"}).status_code for n in range(35)]

    assert answers == [401] * 30 + [429] * 5
    assert shop.records() == []


def test_pages_follow_each_other(shop: Shop) -> None:
    """Every record comes once, oldest first, also when more are added while one reads."""
    made = [shop.say()["id"] for _ in range(7)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": "3"} | ({"after": cursor} if cursor else {})
        page = shop.client.get(LOG, params=asked, headers=shop.owner).json()
        seen += [record["id"] for record in page["records"]]
        cursor = page["next"]
        if len(seen) == 3:
            made.append(shop.say()["id"])

    assert seen == made


def test_spans_and_actions(shop: Shop) -> None:
    """`since` is included, `until` is not; an action leaves the others out."""
    given, refused = shop.say(), shop.say(refusal(shop.version))
    later = refused["time"] + 1

    assert [r["id"] for r in shop.records(action="refused")] == [refused["id"]]
    assert [r["id"] for r in shop.records(since=given["time"], until=later)] == [given["id"], refused["id"]]
    assert shop.records(since=later) == []
    assert shop.records(until=given["time"]) == []


def test_csv(shop: Shop) -> None:
    """The same records as CSV, by address or by Accept, with a link to the next page."""
    made = [shop.say()["id"] for _ in range(3)]
    by_address = shop.client.get(f"{LOG}.csv", params={"limit": "2"}, headers=shop.owner)
    by_accept = shop.client.get(LOG, params={"limit": "2"}, headers=shop.owner | {"Accept": "text/csv"})
    following = by_address.links["next"]["url"]
    rest = shop.client.get(f"{LOG}.csv{following}", headers=shop.owner)

    assert by_address.text == by_accept.text
    assert by_address.headers["content-type"] == "text/csv; charset=utf-8"
    lines = [*csv.DictReader(io.StringIO(by_address.text)), *csv.DictReader(io.StringIO(rest.text))]
    assert [line["id"] for line in lines] == made


def test_wrong_questions(shop: Shop) -> None:
    """A parameter that does not fit is named; one site's token opens no other site's log."""
    answer = shop.client.get(LOG, params={"limit": "5000"}, headers=shop.owner)

    assert (answer.status_code, answer.json()["field"]) == (422, "limit")
    assert shop.client.get("/v1/none/log", headers=shop.owner).status_code == 404


def test_head(shop: Shop) -> None:
    """HEAD answers as GET does."""
    assert shop.client.head(LOG, headers=shop.owner).status_code == 200
