"""Who the visitors without consent are makes no difference to anything that is stored, down to the order of rows."""

import asyncio
import contextlib
import json
import os
import random
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from consent import jobs
from consent.app import create_app
from consent.config import Config
from consent.policy.queries import Version
from consent.telemetry import buffer
from consent.telemetry.watch import Watch
from tests.records.shop import OPTIONAL, body, config_in, shop_in
from tests.telemetry.spoken import PROXY, REGION, ask
from tests.telemetry.test_privacy import POLICY

START = 1_790_000_000_000
COUNTRIES = ("FR", "DE", "US", "FR", "", "FR", "GB")
"""Three who agree, two who refuse, two who never answer and are counted."""


class Step(NamedTuple):
    """What one of the visitors does, a while after the step before."""

    who: int
    what: str
    path: str
    after: int


def script(chance: random.Random) -> list[Step]:
    """What the visitors do, in any order."""
    steps = [Step(who, "accept" if who < 3 else "refuse", "", 1_000) for who in range(5)]
    kinds = ("view", "view", "view", "engagement", "blocked", "pixel", "own")
    steps += [
        Step(
            chance.randrange(7),
            chance.choice(kinds),
            f"/p/{chance.randrange(4)}",
            chance.choice([500, 60_000, 3_600_000]),
        )
        for _ in range(40)
    ]
    return steps


def identity(who: int, run: int) -> dict[str, str]:
    """How a visitor looks in this run: those who agreed the same, others as somebody else from the same country."""
    other = run if who >= 3 else 0
    agent = f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.{other}.{who}"
    sent = {"x-forwarded-for": f"93.{20 + other}.{who}.{77 + other}", "user-agent": f"{agent} Safari/537.36"}
    sent["accept-language"] = "de-AT" if not other else "de-CH,fr;q=0.3"
    country = COUNTRIES[who]
    return sent | ({REGION: country} if country else {})


def forged(who: int, run: int) -> dict[str, str]:
    """Cookies of ours that a visitor without consent sends all the same."""
    return {"__Host-consent-visitor": f"forged{who}x{run}"} if who >= 3 and run else {}


class Fixed:
    """A clock and a source of chance that are the same in every run."""

    def __init__(self) -> None:
        self.now = START
        self._chance = random.Random(3)

    def patch(self, patched: pytest.MonkeyPatch) -> None:
        patched.setattr(time, "time_ns", lambda: self.now * 1_000_000)
        patched.setattr(Watch, "took", lambda _: 7)  # how fast this machine is makes a difference, who asks does not
        patched.setattr(os, "urandom", self._chance.randbytes)
        patched.setattr(secrets, "token_bytes", self._chance.randbytes)
        patched.setattr(secrets, "token_hex", lambda size: self._chance.randbytes(size).hex())


async def play(config: Config, version: Version, steps: list[Step], run: int, fixed: Fixed) -> None:
    """One run of the service from beginning to end, everything stored after each step."""
    app = create_app(config)
    async with app.router.lifespan_context(app):
        assert app.service is not None
        door: Any = app.service.telemetry.door
        jars: dict[int, dict[str, str]] = {who: forged(who, run) for who in range(7)}
        for number, step in enumerate(steps):
            fixed.now += step.after
            sent = identity(step.who, run)
            sent |= (
                {"cookie": "; ".join(f"{key}={text}" for key, text in jars[step.who].items())} if jars[step.who] else {}
            )
            method, path, posted = request(step, jars[step.who], version, number=number, run=run, now=fixed.now)
            origin = {} if method == "POST" else {"origin": ""}
            answer = await ask(app, method, path, posted, sent, **origin)
            assert answer.status < 300, answer
            jars[step.who] |= {key: text for key, text in answer.cookies.items() if text}
            await door.buffer.flush()


def request(
    step: Step, jar: dict[str, str], version: Version, *, number: int, run: int, now: int
) -> tuple[str, str, bytes]:
    """Method, path and body of a step. Ids are the browser's own, and others for somebody else."""
    if step.what in ("accept", "refuse"):
        purposes = dict.fromkeys(OPTIONAL, "g" if step.what == "accept" else "d")
        control = "accept" if step.what == "accept" else "reject"
        said = body(version, control=control, purposes=purposes, time=now, key=f"key-{number:018d}")
        return "POST", "/v1/shop/consent", json.dumps(said).encode()
    if step.what == "pixel":
        return "GET", f"/v1/shop/pixel.gif?page=https://www.shop.example{step.path}&event=open", b""
    if step.what == "own":
        return "GET", "/choices/shop" if step.path < "/p/2" else "/c/shop/declaration", b""
    made = random.Random(f"{number} {run if step.who >= 3 else 0}").randbytes(16).hex()
    event = {
        "id": f"{made[:8]}-{made[8:12]}-{made[12:16]}-{made[16:20]}-{made[20:]}", "event": step.what, "time": now,
        "url": f"https://www.shop.example{step.path}", "referrer": "https://search.example/",
    }  # fmt: skip
    event |= {"target": "ads.example"} if step.what == "blocked" else {}
    told = {"choice": jar.get("consent", ""), "screen": "large", "events": [event]}
    return "POST", "/v1/shop/events", json.dumps(told).encode()


def rows(config: Config) -> Iterator[tuple[str, Any]]:
    """Every row of both stores, table by table, in the order in which they lie there."""
    for path in (config.store, config.telemetry_store):
        with contextlib.closing(sqlite3.connect(path)) as store:
            names = [
                name for (name,) in store.execute("select name from sqlite_schema where type = 'table' order by name")
            ]
            for name in names:
                rowid = "" if "rollup" in name else "rowid, "  # counts are kept in the order of their key alone
                for row in store.execute(f"select {rowid}* from {name}"):
                    yield name, row


@pytest.mark.parametrize("seed", [1, 2, 3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(4, 40))])
def test_who_they_are_makes_no_difference(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs that differ only in who the visitors without consent are leave the same rows in the same order."""

    async def idle(_: object) -> None:
        await asyncio.Event().wait()

    first = config_in(tmp_path, trusted_proxies=(f"{PROXY}/32",), region_header=REGION)
    monkeypatch.setattr(jobs, "run", idle)  # what is done now and then would come in between by chance
    monkeypatch.setattr(buffer, "EVERY", 3_600.0)
    with asyncio.Runner() as runner:
        version = runner.run(shop_in(first, POLICY))
        runner.run(play(first, version, [], 0, Fixed()))  # makes the keys
        stored = []
        for run in (0, 1):
            config = config_in(tmp_path / str(run), trusted_proxies=(f"{PROXY}/32",), region_header=REGION)
            shutil.copytree(first.data, config.data)
            with monkeypatch.context() as patched:
                fixed = Fixed()
                fixed.patch(patched)
                runner.run(play(config, version, script(random.Random(seed)), run, fixed))
            stored.append(list(rows(config)))

    assert stored[0] == stored[1]
    assert any(name == "rollup" and "count" in row for name, row in stored[0])
    assert {"event", "session", "visitor", "rollup", "consent_record"} <= {name for name, _ in stored[0]}
