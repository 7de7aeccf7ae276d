"""The export that is meant to be shared: whole months, one number a row, nothing of few people."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from consent.accounts.account import Role
from consent.app import create_app
from consent.config import Config
from consent.errors import Problem
from consent.reports import shared_export, sharing_queries
from consent.reports.period import DAY
from consent.reports.shared_export import HIDDEN, Figure
from consent.reports.sharing import OPEN, usual
from tests.accounts.people import now, signed_in
from tests.records.shop import config_in, open_shop
from tests.reports.taken import fill
from tests.test_cli import Terminal

PATH = "/reports/shop/export/shared"
MONTH = usual(now()).end - DAY
"""A moment in the last month that is shared."""

_ADD = (
    "insert into consent_rollup (site_id, dim, grain, kind, bucket, val, also, given, partly, refused, changed,"
    " withdrawn) values (1, :dim, 'day', 'said', :day, :val, '', :given, 0, :refused, 0, 0)"
)


async def counted(config: Config) -> None:
    """Choices of last month: many from Austria and Germany, two from Malta, one from a place that is a formula."""
    await fill(config)
    places = {"AT": (60, 40), "DE": (50, 30), "MT": (1, 1), "=1+1": (9, 9)}
    async with open_shop(config) as db:
        for dim, values in (("country", places), ("total", {"": (120, 80)})):
            for val, (given, refused) in values.items():
                await db.execute(_ADD, dim=dim, day=MONTH // DAY, val=val, given=given, refused=refused)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = config_in(tmp_path)
    asyncio.run(counted(made))
    return made


@pytest.fixture
def client(config: Config) -> Iterator[TestClient]:
    with TestClient(create_app(config), base_url="http://consent.example", raise_server_exceptions=False) as made:
        yield made


def rows(client: TestClient, config: Config, format_: str = "ndjson", **asked: str) -> list[dict[str, Any]]:
    answer = client.get(f"{PATH}.{format_}", params=asked, headers=signed_in(config, Role.ANALYST))
    assert answer.status_code == 200, answer.text
    if format_ == "csv":
        return list(csv.DictReader(io.StringIO(answer.text, newline="")))
    return [json.loads(line) for line in answer.text.splitlines()]


def of_places(found: list[dict[str, Any]], metric: str) -> dict[str, Any]:
    return {
        row["value"]: row["number"]
        for row in found
        if (row["subject"], row["dimension"], row["metric"]) == ("consent", "country", metric)
    }


def test_months_are_told_and_few_people_are_not(client: TestClient, config: Config) -> None:
    """Places with many choices have their numbers; the one with two is hidden, and another with it."""
    found = rows(client, config)

    assert of_places(found, "agreed") == {"AT": 60, "DE": 50}
    assert of_places(found, HIDDEN) == {"": 2}
    whole = {row["metric"]: row["number"] for row in found if (row["subject"], row["dimension"]) == ("consent", "")}
    assert (whole["agreed"], whole["refused"], whole["choices"]) == (120, 80, 200)


def test_every_table_that_is_open_is_in_it(client: TestClient, config: Config) -> None:
    """Each subject, as a whole and by each of its dimensions, and nothing else."""
    tables = {(row["subject"], row["dimension"]) for row in rows(client, config)}

    assert tables == {(subject, dim) for subject, rules in OPEN.items() for dim in ("", *rules.dims)}


def test_csv_says_the_same_and_holds_no_formula(client: TestClient, config: Config) -> None:
    """The columns are named, numbers are numbers, texts that a spreadsheet would run are none."""
    found = rows(client, config, "csv")

    assert tuple(found[0]) == Figure._fields
    assert of_places(found, "agreed") == {"AT": "60", "DE": "50"}
    assert b"'=1+1" in shared_export.as_bytes([Figure("shop", "consent", "", "country", "=1+1", "agreed", 9)], "csv")


def test_a_site_that_shares_nothing_gives_nothing(client: TestClient, config: Config) -> None:
    """Its owner has said so: 403, with what could be done."""

    async def off() -> None:
        async with open_shop(config) as db:
            await sharing_queries.set_threshold(db, 1, 0)

    asyncio.run(off())
    answer = client.get(f"{PATH}.csv", headers=signed_in(config, Role.ANALYST))

    assert (answer.status_code, answer.json()["error"]) == (403, "sharing_off")


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"from": "2026-01-05", "to": "2026-02-28"}, "not_shared"), ({"by": "country"}, "unknown_parameter")],
)
def test_only_whole_months_are_asked_for(client: TestClient, config: Config, asked: dict[str, str], code: str) -> None:
    """A span that is not whole months, and parameters that would divide further, are refused."""
    answer = client.get(f"{PATH}.csv", params=asked, headers=signed_in(config, Role.ANALYST))

    assert (answer.status_code, answer.json()["error"]) == (422, code)


def test_other_formats_and_people_get_nothing(client: TestClient, config: Config) -> None:
    """Parquet is not made of it; nobody without the right to see figures reads it."""
    assert client.get(f"{PATH}.parquet", headers=signed_in(config, Role.ANALYST)).status_code == 404
    assert client.get(f"{PATH}.csv", headers=signed_in(config, Role.AUDITOR)).status_code == 403
    assert client.get(f"{PATH}.csv").status_code == 401


def test_the_command_writes_the_same(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`consent export shared` makes the file without the service; a format that it has not is told."""
    monkeypatch.chdir(tmp_path)
    terminal = Terminal(tmp_path)
    answer = terminal.read("export", "shared", "shop", "--format", "ndjson")

    [made] = answer["exports"]
    found = [json.loads(line) for line in (tmp_path / made["file"]).read_text("utf-8").splitlines()]
    assert of_places(found, "agreed") == {"AT": 60, "DE": 50}
    assert "Nothing is exported as shared.parquet" in terminal.run(
        "export", "shared", "shop", "--format", "parquet", code=2
    )


def test_a_parameter_that_is_unknown_is_named() -> None:
    """Before anything is read."""
    with pytest.raises(Problem) as caught:
        shared_export.questions({"limit": "1"}, now())

    assert caught.value.field == "limit"
