"""Floods: rows stay within the budget, other visitors are served, and who withdraws is always heard."""

import asyncio
import json
import time
from pathlib import Path

from tests.records.shop import OPTIONAL, ORIGIN, body
from tests.service.process import Line, Service

RATE = 20
SECONDS = 3


async def post(line: Line, said: bytes, who: str) -> int:
    headers = {"origin": ORIGIN, "content-type": "text/plain", "x-forwarded-for": who}
    return (await line.ask("POST", "/v1/shop/consent", said, headers)).status


async def flood(service: Service, number: int, ending: float, same: bool) -> int:
    """Post as fast as one connection can, from one address or from many of one /48; the number of posts."""
    posts = 0
    async with await service.connect() as line:
        while time.monotonic() < ending:
            who = "198.51.100.7" if same else f"2001:db8:1:{(number * 7919 + posts) % 65_536:x}::1"
            assert await post(line, service.body(), who) in (201, 429)
            posts += 1
    return posts


async def test_a_flood_stays_within_its_budget(tmp_path: Path) -> None:
    """50 times the budget from one address and from thousands of one network: nobody else notices, withdrawals pass."""
    service = Service(tmp_path, CONSENT_TRUSTED_PROXIES="127.0.0.1", CONSENT_RATE_ADDRESS=str(RATE))
    version = await service.publish()
    await service.start()
    async with await service.connect() as line:
        headers = {"origin": ORIGIN, "content-type": "text/plain", "x-forwarded-for": "198.51.100.7"}
        first = (await line.ask("POST", "/v1/shop/consent", service.body(), headers)).json
        began = time.monotonic()
        floods = [
            asyncio.create_task(flood(service, number, began + SECONDS, same))
            for number, same in enumerate((True, False, False))
        ]
        others: list[int] = []
        withdrawals: list[int] = []
        while time.monotonic() < began + SECONDS:
            others.append(await post(line, service.body(), f"203.0.113.{len(others) % 250}"))
            if len(withdrawals) < RATE // 2:
                said = body(
                    version,
                    control="withdraw",
                    purposes=dict.fromkeys(OPTIONAL, "w"),
                    receipt=first["receipt"],
                    write_key=first["write_key"],
                )
                withdrawals.append(await post(line, json.dumps(said).encode(), "198.51.100.7"))
            await asyncio.sleep(0.05)
        posts = sum(await asyncio.gather(*floods))
        elapsed = time.monotonic() - began
    records = await service.log()
    await service.stop()

    flooded = len(records) - 1 - len(others) - len(withdrawals)
    minutes = 1 + elapsed / 60
    assert posts > 500
    assert flooded <= (RATE + 10 * RATE) * minutes + 2
    assert set(others) == {201}
    assert set(withdrawals) == {201}
    assert service.messages == ""
