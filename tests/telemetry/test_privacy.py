"""Visitors who agree, refuse, change, withdraw, come back, in any order: nothing is left of whoever has not agreed.

Looked at from outside: the bytes of both stores, their logs of writes and everything else in the data folder but keys,
what the service logs, and what it exports.
"""

import asyncio
import contextlib
import itertools
import json
import logging
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from consent.app import Service, create_app
from consent.telemetry import rebuild
from consent.visitors.cookies import Jar, Standing
from consent.web.keyring import open_keyring, turn
from tests.records.served import token_of
from tests.records.shop import OPTIONAL, SERVICES, body, config_in, shop_in
from tests.telemetry import traces
from tests.telemetry.spoken import PROXY, REGION, Answer, ask

T = TypeVar("T")
DAY = 86_400_000
PURPOSES = "".join(
    f'[[purposes]]\nkey = "{key}"\n' + ("gpc = true\n" if key == "statistics" else "")
    for key in ("necessary", *OPTIONAL)
)
POLICY = PURPOSES + SERVICES + '[telemetry]\nquery = ["ref"]\ncustomer = ["plan"]\nown_pages = true\n'
"""Under it the signal refuses statistics, too."""
COUNTRIES = ("DE", "FR", "GB", "US", "CH", "")
EVERY = 4
"""Steps between looks: in between things wait and overlap as they do in service."""

_clock = time.time_ns


class Delivery(NamedTuple):
    """A post of events as it went out; whether rows were allowed then, and who its cookies said it was."""

    headers: dict[str, str]
    body: bytes
    ids: tuple[str, ...]
    allowed: bool
    visitor: str


class Browser:
    """Somebody's browser. `traces` are the ids that belong to each visitor it was known as while it agreed."""

    def __init__(self, number: int, country: str) -> None:
        self.address = f"93.{100 + number // 200}.{number % 200 + 20}.{150 + number % 100}"
        self.agent = (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            f" Chrome/131.0.{6_000 + number}.{number * 7 % 999} Safari/537.36"
        )
        self.network = self.address.rpartition(".")[0] + ".0"
        self.country = country
        self.gpc = False
        self.jar: dict[str, str] = {}
        self.held: dict[str, str] = {}
        """Cookies of ours that it ever had."""
        self.choice: dict[str, Any] = {}
        self.receipt: dict[str, str] = {}
        self.agreed = False
        self.until = 0
        self.sent: list[Delivery] = []
        self.traces: dict[str, set[str]] = {}
        self.never = traces.joinable(self.address, self.agent)

    def headers(self) -> dict[str, str]:
        """What it sends with every request."""
        sent = {"x-forwarded-for": self.address, "user-agent": self.agent, "accept-language": "de-AT,de;q=0.9"}
        sent |= {REGION: self.country} if self.country else {}
        sent |= {"sec-gpc": "1"} if self.gpc else {}
        return sent | cookie(self.jar)

    def keep(self, answer: Answer) -> None:
        """Set and drop cookies as the answer says."""
        for key, text in answer.cookies.items():
            if text is None:
                self.jar.pop(key, None)
            else:
                self.jar[key] = text
                self.held |= {key: text} if "consent-" in key else {}

    def holds(self) -> bool:
        """Whether it holds a cookie of ours but the choice."""
        return any("consent-" in key for key in self.jar)


def cookie(jar: dict[str, str]) -> dict[str, str]:
    """The header that sends them; none without any."""
    return {"cookie": "; ".join(f"{key}={text}" for key, text in jar.items())} if jar else {}


class Visits(RuleBasedStateMachine):
    """One shop and its visitors."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.config = self.config_of(0)
        self.told = traces.Told()
        self.watch = traces.Watch()
        self.browsers: list[Browser] = []
        self.offset = 0
        self.lives = 0
        self.steps = itertools.count(1)
        self.forbidden: set[str] = set()
        """Ids of events that nobody allowed, and all ids of whoever withdrew."""
        self.chance = random.Random(11)

    def config_of(self, life: int) -> Any:
        """Settings with a data folder of their own: whoever is killed leaves theirs behind."""
        rates = dict.fromkeys(("rate_address", "rate_site", "rate_events_address", "rate_events_site"), 10**6)
        trusted = (f"{PROXY}/32",)
        return config_in(self.folder / str(life), **rates, trusted_proxies=trusted, region_header=REGION)

    def run(self, going: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(going, 30))

    @property
    def service(self) -> Service:
        assert self.app.service is not None
        return self.app.service

    @property
    def door(self) -> Any:
        return self.service.telemetry.door

    @property
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    @initialize()
    def begin(self) -> None:
        time.time_ns = lambda: _clock() + self.offset * 1_000_000
        logging.getLogger().addHandler(self.told)
        (self.folder / "0").mkdir()
        self.version = self.run(shop_in(self.config, POLICY))
        self.token = self.run(token_of(self.config))
        self.start()
        self.visit("FR", False, True)
        self.visit("DE", False, False)

    def start(self) -> None:
        self.app = create_app(self.config)
        self.life = self.app.router.lifespan_context(self.app)
        self.run(self.life.__aenter__())

    def stop(self) -> None:
        self.run(self.life.__aexit__(None, None, None))

    def teardown(self) -> None:
        try:
            if hasattr(self, "life"):
                self.look()
                self.add_up()
                self.stop()
        finally:
            time.time_ns = _clock
            logging.getLogger().removeHandler(self.told)
            self.loop.close()
            shutil.rmtree(self.folder)

    def pick(self, number: int) -> Browser:
        return self.browsers[number % len(self.browsers)]

    def may(self, browser: Browser) -> bool:
        """Whether rows are allowed now: a choice in force that grants, and no signal that came after it."""
        return browser.agreed and self.now < browser.until and (not browser.gpc or bool(browser.choice.get("gpc")))

    def known_as(self, browser: Browser) -> str:
        """The visitor's id in the sealed cookies of a browser; what belongs to it is noted with the session's."""
        jar = Jar(open_keyring(self.config.data / "keys" / "cookies", 0, bytes), bytes)
        found = jar.read(browser.jar, Standing("shop", granted=True), self.now)
        if found.visitor is None:
            return ""
        visitor = found.visitor.id.hex()
        noted = browser.traces.setdefault(visitor, {visitor})
        noted.update([found.session.id.hex()] if found.session else [])
        return visitor

    @rule(country=st.sampled_from(COUNTRIES), gpc=st.booleans(), agrees=st.sampled_from([True, True, False]))
    def visit(self, country: str, gpc: bool, agrees: bool) -> None:
        browser = Browser(len(self.browsers) + 1, country)
        browser.gpc = gpc
        self.browsers.append(browser)
        self.hit(len(self.browsers) - 1, "view", 2)
        if agrees:
            self.accept(len(self.browsers) - 1)
            self.hit(len(self.browsers) - 1, "view", 2)

    @precondition(lambda self: self.browsers)
    @rule(
        pick=st.integers(0, 99),
        name=st.sampled_from(["view", "view", "engagement", "outbound", "blocked", "basket"]),
        number=st.integers(1, 3),
    )
    def hit(self, pick: int, name: str, number: int) -> None:
        browser = self.pick(pick)
        ids = tuple(f"{self.chance.getrandbits(128):032x}" for _ in range(number))
        target = {"target": "ads.example"} if name in ("outbound", "blocked") else {}
        made = [
            {"id": f"{one[:8]}-{one[8:12]}-{one[12:16]}-{one[16:20]}-{one[20:]}", "event": name, "time": self.now}
            | {"url": f"https://www.shop.example/p/{at}?ref=mail", "referrer": "https://search.example/?q=private"}
            | target
            for at, one in enumerate(ids)
        ]
        posted = json.dumps({"choice": browser.jar.get("consent", ""), "events": made, "screen": "large"}).encode()
        delivery = Delivery(browser.headers(), posted, ids, self.may(browser), self.known_as(browser))
        browser.sent.append(delivery)
        answer = self.deliver(delivery)
        browser.keep(answer)
        if delivery.allowed:
            visitor = self.known_as(browser)
            browser.traces.setdefault(visitor, set()).update(ids)
        else:
            self.forbidden.update(ids)
            assert not any(answer.cookies.values()), "a cookie was set without a grant"

    def deliver(self, delivery: Delivery) -> Answer:
        answer = self.run(ask(self.app, "POST", "/v1/shop/events", delivery.body, delivery.headers))
        assert answer.status == 202, answer
        return answer

    @precondition(lambda self: self.browsers)
    @rule(pick=st.integers(0, 99), which=st.integers(0, 99))
    def deliver_again(self, pick: int, which: int) -> None:
        """Something that was sent before comes once more, with the cookies of then, late or twice.

        What was allowed and had no visitor cookie yet cannot be told from a first visit: it is left out.
        """
        browser = self.pick(pick)
        old = [one for one in browser.sent if one.visitor or not one.allowed]
        if old:
            self.deliver(old[which % len(old)])

    @precondition(lambda self: self.browsers)
    @rule(pick=st.integers(0, 99))
    def pixel(self, pick: int) -> None:
        browser = self.pick(pick)
        path = "/v1/shop/pixel.gif?page=https://www.shop.example/mail&event=open"
        answer = self.run(ask(self.app, "GET", path, b"", browser.headers(), origin=""))
        assert answer.status == 200
        browser.keep(answer)
        if self.may(browser):
            self.known_as(browser)
        else:
            assert not any(answer.cookies.values())

    @precondition(lambda self: self.browsers)
    @rule(pick=st.integers(0, 99), path=st.sampled_from(["/choices/shop", "/c/shop/declaration"]), old=st.booleans())
    def own_page(self, pick: int, path: str, old: bool) -> None:
        """A page of the service's own, also with cookies that were dropped: it writes none, and a row after a grant."""
        browser = self.pick(pick)
        sent = browser.held | browser.jar if old else browser.jar
        before = self.rows_of_own_pages()
        answer = self.run(ask(self.app, "GET", path, b"", browser.headers() | cookie(sent), origin=""))
        assert answer.status == 200
        assert not answer.cookies, "a page of our own wrote a cookie"
        if not (self.may(browser) and any("consent-" in key for key in sent)):
            assert self.rows_of_own_pages() <= before, "a row without a grant"

    def rows_of_own_pages(self) -> int:
        self.run(self.door.buffer.flush())
        [found] = self.run(self.door.db.fetch("select count(*) as n from event where method <> ''"))
        return int(found["n"])

    @precondition(lambda self: self.browsers)
    @rule(pick=st.integers(0, 99))
    def accept(self, pick: int) -> None:
        self.say(self.pick(pick), "accept", "g")

    @precondition(lambda self: self.browsers)
    @rule(pick=st.integers(0, 99))
    def refuse(self, pick: int) -> None:
        self.say(self.pick(pick), "reject", "d")

    @precondition(lambda self: self.browsers)
    @rule(pick=st.integers(0, 99), states=st.lists(st.sampled_from("gd"), min_size=4, max_size=4))
    def change(self, pick: int, states: list[str]) -> None:
        self.say(self.pick(pick), "save", "".join(states))

    @precondition(lambda self: self.browsers)
    @rule(pick=st.integers(0, 99))
    def withdraw(self, pick: int) -> None:
        browser = self.pick(pick)
        if browser.receipt:
            self.say(browser, "withdraw", "w")

    def say(self, browser: Browser, control: str, states: str) -> None:
        purposes = dict(zip(OPTIONAL, states * 4 if len(states) == 1 else states, strict=False))
        before = self.known_as(browser)
        sent = body(
            self.version, control=control, purposes=purposes, gpc=browser.gpc, time=self.now,
            layer=2 if control in ("save", "withdraw") else 1, **browser.receipt,
        )  # fmt: skip
        answer = self.run(ask(self.app, "POST", "/v1/shop/consent", json.dumps(sent).encode(), browser.headers()))
        told = json.loads(answer.body)
        assert answer.status == 201, told
        browser.keep(answer)
        browser.receipt = {
            "receipt": told["receipt"],
            "write_key": told.get("write_key") or browser.receipt["write_key"],
        }
        browser.choice = sent
        browser.agreed = purposes["statistics"] == "g"
        browser.until = self.now + 390 * DAY  # at most, whatever the law
        if not browser.agreed:
            self.leave(browser, before)

    def leave(self, browser: Browser, visitor: str) -> None:
        """From here on nothing that belongs to this visitor may be anywhere."""
        self.forbidden |= browser.traces.pop(visitor, set())
        assert not browser.holds(), "a withdrawal left our cookie in the browser"

    @precondition(lambda self: self.browsers)
    @rule(pick=st.integers(0, 99))
    def erase(self, pick: int) -> None:
        """The visitor has all deleted that is stored of visits; choices stand."""
        browser = self.pick(pick)
        before = self.known_as(browser)
        answer = self.run(ask(self.app, "POST", "/v1/shop/visitor", b'{"forget":true}', browser.headers()))
        assert answer.status == 200, answer
        browser.keep(answer)
        self.leave(browser, before)

    @precondition(lambda self: self.browsers)
    @rule(pick=st.integers(0, 99))
    def erase_choices(self, pick: int) -> None:
        browser = self.pick(pick)
        if browser.receipt:
            posted = json.dumps({"receipt": browser.receipt["receipt"]}).encode()
            answer = self.run(ask(self.app, "POST", "/v1/shop/erase", posted, browser.headers()))
            assert answer.status in (200, 202), answer
            browser.receipt = {}

    @precondition(lambda self: self.browsers)
    @rule(pick=st.integers(0, 99))
    def signal(self, pick: int) -> None:
        """Global Privacy Control is switched on or off."""
        browser = self.pick(pick)
        browser.gpc = not browser.gpc

    @rule(days=st.sampled_from([0, 0, 0, 1, 1, 30, 400]), minutes=st.integers(0, 90))
    def jump(self, days: int, minutes: int) -> None:
        """Time goes on."""
        self.offset += days * DAY + minutes * 60_000

    @rule()
    def restart(self) -> None:
        self.stop()
        self.start()

    @rule()
    def kill(self) -> None:
        """What was on disk at this moment is all there is; the old service goes on in a folder that nobody looks at."""
        while self.service.db._writing.locked() or self.door.db._writing.locked():  # type: ignore[attr-defined]
            self.run(asyncio.sleep(0.001))
        self.lives += 1
        fresh = self.config_of(self.lives)
        shutil.copytree(
            self.config.data, fresh.data, ignore=shutil.ignore_patterns("service.lock*", "*-shm", "*.new", ".*")
        )
        self.stop()
        self.config = fresh
        self.start()

    @rule()
    def turn_the_key(self) -> None:
        self.stop()
        turn(self.config.data / "keys" / "cookies", self.now // DAY, random.Random(next(self.steps)).randbytes)
        self.start()

    @invariant()
    def now_and_then(self) -> None:
        if hasattr(self, "life") and next(self.steps) % EVERY == 0:
            self.look()

    def look(self) -> None:
        """Nothing of anybody's address or agent, and nothing of whoever did not agree, is anywhere."""
        self.run(self.settle())
        places = traces.raw(self.config)
        places["log of the service"] = self.told.text.encode()
        places["export"] = self.run(
            ask(self.app, "GET", "/v1/shop/log.csv", b"", {"authorization": f"Bearer {self.token}"}, origin="")
        ).body
        for browser in self.browsers:
            self.watch.add(browser.never)
        for one in sorted(self.forbidden):
            self.watch.add(traces.of_id(one))
        assert self.watch.found(places) == []
        whole = b"\x00".join(places.values())
        assert not any(one.network.encode() in whole for one in self.browsers if not one.traces)

    async def settle(self) -> None:
        """What is in hand is done: the service does the same by itself within seconds."""
        while self.door._leaving:  # noqa: ASYNC110  # nothing tells it
            await asyncio.sleep(0.001)
        await self.door.buffer.flush()
        await self.door.buffer.fold()
        await self.door.forgetting.finish()
        await self.service.erasure.finish()
        while not (await self.door.forgetting.scrub(20) and await self.service.db.scrub(20)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # the service's own is at work

    def add_up(self) -> None:
        """The rollups are what the rows say."""
        assert self.run(rebuild.differences(self.door.db, 1)) == []
        with contextlib.closing(sqlite3.connect(self.config.telemetry_store)) as store:
            [(many,)] = store.execute("select count(*) from (select id from event group by id having count(*) > 1)")
        assert many == 0, "an event counts twice"


@pytest.mark.parametrize(("examples", "steps"), [(5, 25), pytest.param(300, 50, marks=pytest.mark.slow)])
def test_nothing_is_left_of_whoever_has_not_agreed(examples: int, steps: int) -> None:
    """Whatever visitors do in whatever order: no id, address, agent or hash of one without a grant is anywhere."""
    logging.disable(logging.NOTSET)
    run_state_machine_as_test(
        Visits,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
