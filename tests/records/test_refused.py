"""A service whose store was put back from a backup."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

from tests.records.served import HEADERS, opened
from tests.records.shop import config_in, raw, shop_in


def test_a_store_behind_its_heads_takes_no_choice(tmp_path: Path) -> None:
    """Nothing is promised, the service says so and what to do, and what is stored can still be read."""
    config = config_in(tmp_path)
    version = asyncio.run(shop_in(config))
    for shop in opened(config, version):
        shop.say()
    shutil.copytree(config.data, tmp_path / "backup")
    for shop in opened(config, version):
        shop.say()
    shutil.copy(tmp_path / "backup" / "consent.sqlite", config.store)

    for shop in opened(config, version):
        assert "must not grow" in shop.say(status=503)["message"]
        ready = shop.client.get("/readyz")
        assert ready.status_code == 503
        assert "restored from a backup" in ready.json()["message"]
        assert "new-epoch shop" in ready.json()["message"]
        assert len(shop.records()) == 1


def test_one_sites_torn_log_is_no_other_sites_trouble(tmp_path: Path) -> None:
    """A service whose store lacks a leaf of one log starts, says so, and takes the choices of other sites."""
    config = config_in(tmp_path)
    version = asyncio.run(shop_in(config))
    asyncio.run(shop_in(config, key="other"))
    for shop in opened(config, version):
        shop.say()
        shop.say()
    with sqlite3.connect(config.store) as connection:
        connection.execute(
            "delete from ledger_leaf where leaf = 1 and site_id = (select site_id from site where key = 'shop')"
        )
    connection.close()

    for shop in opened(config, version):
        assert "must not grow" in shop.say(status=503)["message"]
        ready = shop.client.get("/readyz")
        assert ready.status_code == 200
        assert "altered" in ready.json()["refused"]["shop"]
        assert str(tmp_path) not in ready.text
        other = shop.service().published.site("other")
        assert other is not None
        answer = shop.client.post("/v1/other/consent", content=raw(other.version), headers=HEADERS)
        assert answer.status_code == 201
        assert shop.say(status=503)
