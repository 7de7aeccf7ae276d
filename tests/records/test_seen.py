"""What a post says of its browser is counted and not recorded."""

import json
import sqlite3

from consent.records.recount import add_up
from tests.records.served import Shop

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def counted(shop: Shop, dim: str) -> dict[str, int]:
    """Choices by the first value of a dimension."""
    assert shop.client.portal is not None
    shop.client.portal.call(add_up, shop.service().db)
    store = sqlite3.connect(shop.config.store)
    rows = store.execute(
        "select val, sum(given) from consent_rollup where dim = ? and grain = 'day' and kind = 'said' group by val",
        (dim,),
    ).fetchall()
    store.close()
    return dict(rows)


def test_browsers_are_counted_and_not_recorded(shop: Shop) -> None:
    """The coarse browser and device of every post are in the counts; no text of the visitor's is, and no record."""
    shop.say(headers={"User-Agent": CHROME})
    shop.say(headers={"User-Agent": "<script>alert(1)</script>"})
    shop.say()

    browsers = counted(shop, "browser")
    assert browsers == {"Chrome": 1, "Other": 2}
    assert sum(counted(shop, "device").values()) == sum(counted(shop, "version*device").values()) == 3
    assert "Chrome" not in json.dumps(shop.records())
