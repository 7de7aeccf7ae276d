"""Exports over HTTP: who may have them, what is written down of that, and how they come."""

import asyncio
import contextlib
import csv
import io
import itertools
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from consent.accounts.account import Role
from consent.app import App, create_app
from consent.config import Config
from consent.reports import export_routes
from tests.accounts.people import signed_in
from tests.records.served import token_of
from tests.reports.taken import filled

MANY = 1_203
BASE = "/reports/shop/export"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return filled(tmp_path, MANY, 40)


@pytest.fixture
def client(config: Config) -> Iterator[TestClient]:
    with TestClient(create_app(config), base_url="http://consent.example", raise_server_exceptions=False) as made:
        yield made


@contextlib.asynccontextmanager
async def asked(config: Config) -> AsyncIterator[httpx2.AsyncClient]:
    """A client that asks for several things at once."""
    app = create_app(config)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://consent.example") as made:
            yield made


def looks(config: Config) -> list[tuple[Any, ...]]:
    """The looks that the access log has; refusals are none."""
    sql = "select site_id, what, about, path from access_log where what not like 'refused:%' order by id"
    with sqlite3.connect(config.store) as db:
        return db.execute(sql).fetchall()


def test_an_analyst_takes_the_log_along(client: TestClient, config: Config) -> None:
    """Every record comes, as a file with a name, kept by no cache, and the access log tells of it."""
    answer = client.get(f"{BASE}/log.ndjson", headers=signed_in(config, Role.ANALYST))

    assert answer.status_code == 200
    assert len([json.loads(line) for line in answer.text.splitlines()]) == MANY
    assert answer.headers["content-disposition"] == 'attachment; filename="shop-log.ndjson"'
    assert answer.headers["cache-control"] == "no-store"
    assert looks(config) == [(1, "export", "log", "/reports/shop/export/{rows}.{format}")]


def test_csv_has_a_head_once(client: TestClient, config: Config) -> None:
    """The first line names the columns; what is asked for behind a cursor has none, so that files can be joined."""
    who = signed_in(config, Role.OWNER)
    whole = client.get(f"{BASE}/log.csv", headers=who).text
    lines = list(csv.reader(io.StringIO(whole, newline="")))

    rest = client.get(f"{BASE}/log.csv", params={"after": lines[600][-1]}, headers=who).text

    assert lines[0][-1] == "cursor"
    assert list(csv.reader(io.StringIO(rest, newline=""))) == lines[601:]


def test_parquet_comes_whole_and_nothing_stays(client: TestClient, config: Config, tmp_path: Path) -> None:
    """The file that was written to be sent is gone afterwards."""
    import duckdb

    answer = client.get(f"{BASE}/log.parquet", headers=signed_in(config, Role.ANALYST))
    (tmp_path / "got.parquet").write_bytes(answer.content)

    assert duckdb.connect().execute(f"select count(*) from '{tmp_path}/got.parquet'").fetchall() == [(MANY,)]
    assert list((config.data / export_routes.FOLDER).iterdir()) == []


@pytest.mark.parametrize("subject", ["log", "visitors", "sessions", "events"])
def test_who_may_not_take_along_gets_nothing(client: TestClient, config: Config, subject: str) -> None:
    """Nobody without credentials, no auditor, no site's own token, no analyst of another site; no look is noted."""
    path = f"{BASE}/{subject}.csv"
    auditor, other = signed_in(config, Role.AUDITOR), signed_in(config, Role.ANALYST, site_id=7)

    assert client.get(path).status_code == 401
    assert client.get(path, headers=auditor).status_code == 403
    assert client.get(path, headers=other).status_code == 403
    assert client.get("/reports/none/export/log.csv", headers=auditor).status_code == 404
    assert looks(config) == []


async def test_the_token_of_a_site_takes_nothing_along(config: Config) -> None:
    """It reads the log page by page, as ever, and exports nothing."""
    token = await token_of(config)
    with TestClient(create_app(config), base_url="http://consent.example") as client:
        answer = client.get(f"{BASE}/log.csv", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 403


def test_wrong_questions_are_told(client: TestClient, config: Config) -> None:
    """The answer names the parameter; nothing is exported, and nothing written down."""
    answer = client.get(f"{BASE}/log.csv", params={"after": "x"}, headers=signed_in(config, Role.ANALYST))

    assert (answer.status_code, answer.json()["error"], answer.json()["field"]) == (422, "cursor", "after")
    assert looks(config) == []


def test_only_some_exports_are_under_way_at_once(
    client: TestClient, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more than that is asked to come again."""
    monkeypatch.setattr(export_routes, "AT_ONCE", 0)

    answer = client.get(f"{BASE}/log.csv", headers=signed_in(config, Role.ANALYST))

    assert (answer.status_code, answer.headers["retry-after"]) == (429, str(export_routes.WAIT))


async def test_of_many_at_once_some_are_asked_to_wait(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come at the same moment, no more are under way than may be; when those are done, others may."""
    go_on, page = threading.Event(), export_routes._page
    monkeypatch.setattr(export_routes, "_page", lambda *given: go_on.wait(30) and page(*given))
    who = await asyncio.to_thread(signed_in, config, Role.ANALYST)
    async with asked(config) as client:
        asks = [asyncio.create_task(client.get(f"{BASE}/log.csv", headers=who)) for _ in range(12)]
        for done in itertools.islice(asyncio.as_completed(asks, timeout=20), 12 - export_routes.AT_ONCE):
            assert (await done).status_code == 429
        go_on.set()
        answers = [one.status_code for one in await asyncio.gather(*asks)]
        after = await client.get(f"{BASE}/log.csv", headers=who)

    assert answers.count(200) == export_routes.AT_ONCE
    assert after.status_code == 200


async def test_who_is_removed_gets_no_further(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export that is under way breaks off when whoever asked may not have it any more, and is counted out."""
    monkeypatch.setattr(export_routes, "LOOKS", 0.0)
    who, page = await asyncio.to_thread(signed_in, config, Role.ANALYST), export_routes._page

    def removed(*given: Any) -> bytes:
        with sqlite3.connect(config.store) as db:
            db.execute("delete from account_session")
        return page(*given)

    async with asked(config) as client:
        assert len((await client.get(f"{BASE}/log.ndjson", headers=who)).text.splitlines()) == MANY
        monkeypatch.setattr(export_routes, "_page", removed)
        with pytest.raises(RuntimeError, match="response already started"):
            await client.get(f"{BASE}/log.ndjson", headers=who)
        refused = [await client.get(f"{BASE}/log.parquet", headers=who) for _ in range(export_routes.AT_ONCE + 1)]

    assert {one.status_code for one in refused} == {401}


@pytest.mark.parametrize("wanted", ["bytes=x", "bytes=99999999-", "bytes=0-9", "bytes=0-1,4-5"])
def test_parts_of_parquet_leave_nothing(client: TestClient, config: Config, wanted: str) -> None:
    """Whatever part of a file is asked for, or cannot be given, the file itself is gone afterwards."""
    headers = signed_in(config, Role.ANALYST) | {"Range": wanted}

    assert client.get(f"{BASE}/log.parquet", headers=headers).status_code in (200, 206, 400, 416)
    assert list((config.data / export_routes.FOLDER).iterdir()) == []


def test_exports_are_counted_out_again(client: TestClient, config: Config) -> None:
    """After more exports than may be under way together, the next is answered."""
    who = signed_in(config, Role.ANALYST)
    answers = [client.get(f"{BASE}/log.csv", headers=who).status_code for _ in range(export_routes.AT_ONCE + 1)]

    assert set(answers) == {200}


def test_what_a_crash_left_is_deleted(config: Config) -> None:
    """A Parquet file that was about to be sent does not outlive the next start."""
    left = config.data / export_routes.FOLDER / "0.parquet"
    left.parent.mkdir()
    left.write_bytes(b"")

    with TestClient(create_app(config)) as client:
        assert isinstance(client.app, App)

    assert not left.exists()
