"""A log through any order of choices, changes, withdrawals, erasures, restarts, and older copies put in its place."""

import asyncio
import contextlib
import copy
import json
import logging
import shutil
import sqlite3
import tempfile
from base64 import b64decode
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

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
from consent.ledger import leaf
from consent.ledger.sequencer import Log
from tests.faults import tree
from tests.faults.judge import call
from tests.records.shop import OPTIONAL, body, config_in, shop_in

T = TypeVar("T")
PATH = "/v1/shop/consent"


class Logged(RuleBasedStateMachine):
    """One site's log. `said`: acknowledged answers whose records stand; `seen`: every checkpoint that was ever told."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.config = config_in(self.folder, rate_address=1_000_000, rate_site=1_000_000)
        self.said: dict[str, dict[str, Any]] = {}
        self.chains: dict[str, str] = {}
        self.seen: dict[tuple[str, int], str] = {}
        self.older: list[tuple[Path, dict[str, dict[str, Any]], dict[str, str]]] = []
        self.behind = False

    def run(self, going: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(going, 20))

    @property
    def service(self) -> Service:
        assert self.app.service is not None
        return self.app.service

    @initialize()
    def begin(self) -> None:
        self.version = self.run(shop_in(self.config))
        self.start()

    def start(self) -> None:
        self.app = create_app(self.config)
        self.life = self.app.router.lifespan_context(self.app)
        self.run(self.life.__aenter__())

    def stop(self) -> None:
        self.run(self.life.__aexit__(None, None, None))

    def teardown(self) -> None:
        with contextlib.suppress(AttributeError):
            self.stop()
        self.loop.close()
        shutil.rmtree(self.folder)

    def say(self, **changes: Any) -> None:
        """Post a choice: acknowledged with a receipt that verifies, or, behind what was noted, refused."""
        sent = body(self.version, **changes)
        status, answer = self.run(call(self.app, "POST", PATH, json.dumps(sent).encode()))
        if self.behind:
            assert (status, "must not grow" in answer["message"]) == (503, True), answer
            return
        assert status == 201, answer
        leaf.verify_receipt(answer["record"], answer["proof"], answer["vkey"])
        self.told(answer["proof"])
        self.said[answer["id"]] = answer
        self.chains.setdefault(answer["receipt"], answer.get("write_key", ""))

    def told(self, proof: str) -> None:
        """No two checkpoints of one log and size may differ."""
        checkpoint = tree.checkpoint_of(proof)
        assert self.seen.setdefault(checkpoint[:2], checkpoint.root) == checkpoint.root

    def chain(self, pick: int) -> dict[str, str]:
        receipt = sorted(self.chains)[pick % len(self.chains)]
        return {"receipt": receipt, "write_key": self.chains[receipt]}

    @rule(states=st.lists(st.sampled_from("gd"), min_size=4, max_size=4))
    def answer(self, states: list[str]) -> None:
        self.say(control="save", purposes=dict(zip(OPTIONAL, states, strict=True)))

    @precondition(lambda self: self.chains)
    @rule(pick=st.integers(0, 1_000), states=st.lists(st.sampled_from("gd"), min_size=4, max_size=4))
    def change(self, pick: int, states: list[str]) -> None:
        self.say(control="save", purposes=dict(zip(OPTIONAL, states, strict=True)), **self.chain(pick))

    @precondition(lambda self: self.chains)
    @rule(pick=st.integers(0, 1_000))
    def withdraw(self, pick: int) -> None:
        self.say(control="withdraw", purposes=dict.fromkeys(OPTIONAL, "w"), **self.chain(pick))

    @precondition(lambda self: self.chains and not self.behind)
    @rule(pick=st.integers(0, 1_000))
    def erase(self, pick: int) -> None:
        receipt = self.chain(pick)["receipt"]
        site = self.service.published.site("shop")
        assert site is not None
        self.run(self.service.erasure.erase(site.site, receipt))
        del self.chains[receipt]
        self.said = {key: answer for key, answer in self.said.items() if answer["receipt"] != receipt}

    @rule()
    def restart(self) -> None:
        self.stop()
        self.start()

    @rule()
    def keep_a_copy(self) -> None:
        self.stop()
        kept = self.folder / f"copy{len(self.older)}"
        shutil.copy(self.config.store, kept)
        self.older.append((kept, copy.copy(self.said), copy.copy(self.chains)))
        self.start()

    @precondition(lambda self: self.older)
    @rule(pick=st.integers(0, 1_000))
    def put_a_copy_back(self, pick: int) -> None:
        """The keys and the noted heads stay: what an operator does who puts yesterday's file back."""
        self.stop()
        kept, said, chains = self.older[pick % len(self.older)]
        shutil.copy(kept, self.config.store)
        self.said, self.chains = copy.copy(said), copy.copy(chains)
        self.start()
        self.behind = bool(self.service.sequencer.refused)
        assert self.behind == (self.noted() > self.stored()), (self.noted(), self.stored())

    @precondition(lambda self: self.behind)
    @rule()
    def go_on_in_a_new_epoch(self) -> None:
        site = self.service.published.site("shop")
        assert site is not None
        self.run(self.service.sequencer.new_epoch(Log(site.site.site_id, "shop")))
        self.stop()
        self.start()
        self.behind = False

    def noted(self) -> tuple[int, int]:
        """The furthest epoch and size in the file of heads."""
        lines = [line.split() for line in (self.config.data / "ledger.heads").read_text().splitlines()]
        return max((int(line[1]), int(line[2])) for line in lines if int(line[0]) == self.site_id())

    def stored(self) -> tuple[int, int]:
        """The same of the store."""
        newest = self.row("select epoch from ledger where site_id > 0 order by epoch desc limit 1")
        return newest, self.row(f"select size from ledger_head where site_id > 0 and epoch = {newest}")

    def row(self, sql: str) -> Any:
        store = sqlite3.connect(self.config.store)
        try:
            return store.execute(sql).fetchone()[0]
        finally:
            store.close()

    @invariant()
    def every_checkpoint_is_of_one_history(self) -> None:
        """Each checkpoint ever told is one of the stored log's, as far as the store goes; its rows lead to its head."""
        if not self.config.store.exists():
            return
        store = sqlite3.connect(self.config.store)
        try:
            trees = tree.read(store)
        finally:
            store.close()
        assert trees.faults == []
        for (origin, size), root in self.seen.items():
            known = trees.roots.get(origin, [])
            assert size >= len(known) or known[size] == root, (origin, size)

    @invariant()
    def every_standing_record_is_proved(self) -> None:
        """A receipt given once verifies, and so does a proof made now, erased neighbours or not."""
        for answer in list(self.said.values())[-4:]:
            record = answer["record"]
            leaf.verify_receipt(record, answer["proof"], answer["vkey"])
            epoch, place, salt = self.placed(answer["id"])
            made = self.run(self.service.sequencer.proof(Log(self.site_id(), "shop"), epoch, place, b64decode(salt)))
            assert made is not None
            leaf.verify_receipt(record, made[0], made[1])

    def placed(self, identity: str) -> tuple[int, int, str]:
        store = sqlite3.connect(self.config.store)
        try:
            row = store.execute("select epoch, leaf, salt from consent_record where id = ?", (identity,)).fetchone()
        finally:
            store.close()
        assert row is not None, f"{identity} was acknowledged and is not there"
        return row[0], row[1], row[2]

    def site_id(self) -> int:
        site = self.service.published.site("shop")
        assert site is not None
        return site.site.site_id


@pytest.mark.parametrize(("examples", "steps"), [(12, 25), pytest.param(150, 40, marks=pytest.mark.slow)])
def test_no_history_of_a_log_contradicts_itself(examples: int, steps: int) -> None:
    """Whatever happens in whatever order: one history, proofs that verify, and no growth from a copy that is behind."""
    logging.disable(logging.ERROR)
    try:
        run_state_machine_as_test(
            Logged,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                derandomize=True,
                phases=(Phase.explicit, Phase.generate),
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        logging.disable(logging.NOTSET)
