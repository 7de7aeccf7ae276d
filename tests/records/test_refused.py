"""A service whose store was put back from a backup."""

import asyncio
import shutil
from pathlib import Path

from tests.records.served import Shop, opened
from tests.records.shop import config_in, shop_in


def test_a_store_behind_its_heads_takes_no_choice(tmp_path: Path) -> None:
    """Nothing is promised, the service says so and what to do; a stored choice is still answered as before."""
    config = config_in(tmp_path)
    version = asyncio.run(shop_in(config))
    for shop in opened(config, version):
        shop.say()
    shutil.copytree(config.data, tmp_path / "backup")
    for shop in opened(config, version):
        shop.say()
    shutil.copy(tmp_path / "backup" / "consent.sqlite", config.store)

    for shop in opened(config, version):
        refused(shop)


def refused(shop: Shop) -> None:
    """No choice goes in, and it is told."""
    assert "restored from a backup" in shop.say(status=503)["message"]
    ready = shop.client.get("/readyz")
    assert ready.status_code == 503
    assert "new-epoch shop" in ready.json()["message"]
    assert len(shop.records()) == 1
