"""Sites and the tokens that open their logs."""

import asyncio
from pathlib import Path

import pytest

from consent.db import Database
from consent.errors import Conflict, Problem
from consent.sites import tokens
from consent.sites.queries import add, all_sites, by_key, holds_token


async def test_sites_are_found_by_key(db: Database) -> None:
    """A site added is found, listed by key, and nobody else's."""
    shop = await add(db, "shop", 7)
    blog = await add(db, "blog", 8)

    assert (shop.site_id, blog.site_id) == (1, 2)
    assert await by_key(db, "shop") == shop
    assert await by_key(db, "none") is None
    assert await all_sites(db) == [blog, shop]


async def test_a_key_is_taken_once(db: Database) -> None:
    """Of ten that add the same key at a time one succeeds."""
    results = await asyncio.gather(*(add(db, "shop", n) for n in range(10)), return_exceptions=True)

    assert sum(isinstance(result, Conflict) for result in results) == 9
    assert len(await all_sites(db)) == 1


@pytest.mark.parametrize("key", ["", "Shop", "1shop", "-a", "a b", "a/b", "ä", "a" * 41, "a\n", "../a"])
async def test_what_cannot_be_a_key_is_refused(db: Database, key: str) -> None:
    """A key is a word that fits into addresses and file names."""
    with pytest.raises(Problem, match="cannot be a site's key"):
        await add(db, key, 1)


async def test_a_token_opens_one_log(db: Database, tmp_path: Path) -> None:
    """The token is made once, kept for its owner alone, opens its site's log and no other, and is not in the store."""
    shop, blog = await add(db, "shop", 1), await add(db, "blog", 1)
    token = await tokens.ensure(db, tmp_path, shop, 1)

    assert await tokens.ensure(db, tmp_path, shop, 2) == token
    assert (tmp_path / "tokens/shop").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "tokens").iterdir()] == ["shop"]
    assert await holds_token(db, shop.site_id, tokens.digest(token))
    assert not await holds_token(db, blog.site_id, tokens.digest(token))
    assert not await holds_token(db, shop.site_id, token)
