"""Visitors who post their choices, and remember what was acknowledged to them."""

import asyncio
import hashlib
import json
from collections import Counter
from typing import Any, NamedTuple

from consent.ledger import leaf
from consent.policy.queries import Version
from tests.records.shop import OPTIONAL, body, new_key, refusal
from tests.service.process import Service

ERASURES = 25
"""Erasures that one address may ask for without being told to wait."""


class Said(NamedTuple):
    """A choice that was answered with 200 or 201, the answer read to its last byte."""

    sent: dict[str, Any]
    answer: dict[str, Any]

    @property
    def states(self) -> dict[str, str]:
        """What the store holds of the purposes."""
        names = {"g": "granted", "d": "denied", "w": "withdrawn", "o": "objected"}
        return {key: names[state] for key, state in self.sent["purposes"].items()}


class Visitors:
    """Several at once, each on a connection of its own. Every third is a refusal, every fifth a change."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.said: dict[str, Said] = {}
        self.unanswered: dict[str, dict[str, Any]] = {}
        self.refused: dict[str, dict[str, Any]] = {}
        self.reasons: Counter[str] = Counter()
        self.erased = 0
        self._number = 0
        self._open: list[dict[str, Any]] = []

    def next(self) -> dict[str, Any]:
        """The next choice."""
        self._number += 1
        say = refusal if self._number % 3 == 0 else body
        changed = self._open.pop() if self._number % 5 == 0 and self._open else {}
        return say(self.version, key=new_key(), time=self._number, **changed)

    async def say(self, service: Service, count: int, lines: int = 4) -> None:
        """Post until so many more are acknowledged, or the service is gone or refuses."""
        goal = len(self.said) + count
        await asyncio.gather(*(self._talk(service, goal) for _ in range(lines)))

    async def again(self, service: Service) -> None:
        """Post again what was not acknowledged, as a browser does."""
        async with await service.connect() as line:
            for sent in [*self.unanswered.values(), *self.refused.values()]:
                await self._post(line, sent)

    async def _talk(self, service: Service, goal: int) -> None:
        try:
            async with await service.connect() as line:
                while len(self.said) < goal and await self._post(line, self.next()):
                    await self._erase(line)
        except (OSError, EOFError):
            return

    async def _erase(self, line: Any) -> None:
        """Every seventh choice, one that nobody changed is erased; from then on nothing is promised of it."""
        if self._number % 7 or not self._open or self.erased >= ERASURES:
            return
        receipt = self._open.pop(0)["receipt"]
        self.said = {key: said for key, said in self.said.items() if said.answer["receipt"] != receipt}
        self.erased += 1
        await line.post(json.dumps({"receipt": receipt}).encode(), "/v1/shop/erase")

    async def _post(self, line: Any, sent: dict[str, Any]) -> bool:
        """Post one. It counts as acknowledged only once its whole answer was read."""
        self.unanswered[sent["key"]] = sent
        self.refused.pop(sent["key"], None)
        answer = await line.post(json.dumps(sent).encode())
        del self.unanswered[sent["key"]]
        if answer.status not in (200, 201):
            assert answer.status == 503, answer
            assert answer.json["message"] and answer.json["remedy"], answer
            self.refused[sent["key"]] = sent
            self.reasons[answer.json["message"]] += 1
            return False
        leaf.verify_receipt(answer.json["record"], answer.json["proof"], answer.json["vkey"])
        self.said[answer.json["id"]] = Said(sent, answer.json)
        if "receipt" not in sent:
            self._open.append({"receipt": answer.json["receipt"], "write_key": answer.json["write_key"]})
        return True


def differences(said: Said, row: dict[str, Any] | None, write_hash: str | None) -> list[str]:
    """How a stored row differs from what was acknowledged; empty when it does not."""
    if row is None:
        return ["is not there"]
    answer, sent = said.answer, said.sent
    wanted = {name: answer[name] for name in ("id", "receipt", "time", "action")}
    wanted |= {name: sent[name] for name in ("key", "control", "layer", "language", "notice", "version", "regime")}
    wanted |= {"client_time": sent["time"], "widget": sent["widget"]}
    found = [f"{name}: {row[name]!r}, not {value!r}" for name, value in wanted.items() if row[name] != value]
    if json.loads(row["purposes"]) != said.states or set(said.states) != set(OPTIONAL):
        found.append(f"purposes: {row['purposes']}")
    key = answer.get("write_key")
    if key and hashlib.sha256(key.encode()).hexdigest() != write_hash:
        found.append("write key: another")
    return found
