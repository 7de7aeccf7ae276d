"""What is shown is kept: every notice of every version, with the code that shows it, before anybody is shown it."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from consent.db import Database
from consent.delivery import bundle, notice_routes, notices
from consent.delivery.built import read_built
from consent.delivery.bundle import code_version
from consent.delivery.notice_page import read_body, render_notice
from consent.delivery.notices import Notices, keep, notices_of
from consent.delivery.stage import code_hash, stage
from consent.errors import Problem
from consent.policy import notice_queries as queries
from consent.policy.notice_queries import Notice
from consent.policy.queries import Version
from tests.delivery.conftest import Running, running
from tests.delivery.test_routes import settings_of
from tests.policy.site import resolved
from tests.records.served import Shop, opened
from tests.records.shop import config_in, publish_shop, shop_in, shown

TWO = "origins = ['https://www.shop.example']\ndays = 180\nlanguages = ['en', 'de']"


async def named(service: Running, site: str) -> dict[str, str]:
    """The notices that the scripts of a site name, by language."""
    settings = settings_of((await service.client.get(f"/c/{site}.js")).text)
    found = {}
    for language, layers in settings["layers"].items():
        [found[language]] = re.findall(
            '"notice":"([0-9a-f]{64})"', (await service.client.get(layers["preferences"])).text
        )
    return found


async def test_what_scripts_name_is_stored(service: Running) -> None:
    """Every notice that a served script names is in the store: its bytes at its address, its code."""
    for language, notice in (await named(service, "demo")).items():
        answer = await service.client.get(f"/n/demo/{notice}.json")
        body = answer.json()

        assert hashlib.sha256(answer.content).hexdigest() == notice
        assert (body["site"], body["language"], body["code"]) == ("demo", language, code_version())
        assert body["preferences"]["texts"]["preferences_title"]
        code = await queries.code(service.db, body["code"])
        assert code is not None
        assert code_hash(code) == code.hash


async def test_a_notice_holds_what_is_shown() -> None:
    """Texts, order, look, services, laws and code are in the snapshot: a change of any of them is another notice."""
    version = Version(1, 1, "", "", resolved("[services.youtube]"), 1)
    [layers, form] = notices_of(version)
    body = json.loads(layers.body)

    assert {
        "banner",
        "preferences",
        "theme",
        "purposes",
        "services",
        "regimes",
        "strictest",
        "ui",
        "code",
    } < body.keys()
    assert body["regimes"]["us"]["model"] == "opt-out"
    assert [service["key"] for service in body["services"]] == ["youtube"]
    assert layers.body == json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    others = [
        "[services.youtube]\n[texts.en]\nlayer_accept = 'Fine'",
        "[services.youtube]\n[theme]\nposition = 'center'",
        "[services.youtube]\n[services.vimeo]",
        "[services.youtube]\n[regimes]\nenabled = ['eu']",
        "[services.youtube]\n[[purposes]]\nkey = 'necessary'\n[[purposes]]\nkey = 'marketing'",
    ]
    hashes = {notices_of(Version(1, 1, "", "", resolved(more), 1))[0].hash for more in others}
    assert len(hashes | {layers.hash, form.hash}) == len(others) + 2


async def test_every_language_is_kept(db: Database) -> None:
    """Layers and form of each language, each once, however often it is kept; two versions may share them."""
    _, version = await publish_shop(db, origins=TWO)
    before = await queries.listed(db, version.site_id)
    assert sorted((one.kind, one.language) for one in before) == [
        ("form", "de"), ("form", "en"), ("layers", "de"), ("layers", "en"),
    ]  # fmt: skip
    await keep(db, version)
    assert await queries.listed(db, version.site_id) == before

    _, second = await publish_shop(db, origins=TWO.replace("180", "99"))
    found = {one.language: one.versions for one in await queries.listed(db, second.site_id) if one.kind == "layers"}
    assert found == {"en": [1, 2], "de": [1, 2]}


async def test_newer_software_shows_a_new_notice(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade changes the code without a publication: its notice is stored when the service takes the site up."""
    async with running(db) as service:
        await service.publish(resolved("[services.youtube]"))
        old = (await named(service, "shop"))["en"]
    upgraded = {name: f"{read_built(name)}/* newer */" for name in bundle.SHOWING}
    for module in (bundle, notices):
        monkeypatch.setattr(module, "read_built", lambda name: upgraded.get(name) or read_built(name))
    code_version.cache_clear()
    try:
        async with running(db) as service:
            new = (await named(service, "shop"))["en"]
            live = service.sites.site("shop")
            assert live is not None
            assert live.shows(1, new)
            assert await queries.is_shown(db, live.site.site_id, 1, old)
            bodies = [(await service.client.get(f"/n/shop/{one}.json")).json() for one in (old, new)]
            pages = [await service.client.get(f"/n/shop/{one}") for one in (old, new)]
    finally:
        code_version.cache_clear()

    assert old != new
    assert bodies[0] | {"code": ""} == bodies[1] | {"code": ""}
    assert ["/* newer */" in page.text for page in pages] == [False, True]


async def test_a_version_is_looked_up_once(db: Database) -> None:
    """What is known to be stored is not asked for again."""
    _, version = await publish_shop(db)
    known = Notices(db)
    hashes = await known.keep(version)
    await db.execute("delete from notice_version")

    assert await known.keep(version) == hashes == {one.hash for one in notices_of(version)}
    assert await Notices(db).keep(version) == hashes
    assert await queries.of_version(db, version.site_id, 1) == hashes


async def test_the_page(service: Running) -> None:
    """The page has hash, dates and versions, frames for each layer and model of law, and every text without script."""
    await service.publish(resolved("[services.youtube]"))
    notice = (await named(service, "shop"))["en"]
    answer = await service.client.get(f"/n/shop/{notice}")
    policy = answer.headers["content-security-policy"]
    plain = re.sub(r'srcdoc="[^"]*"', "", answer.text)

    assert answer.text.count('<iframe sandbox="allow-scripts"') == 4
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.fullmatch(r"'sha256-\S+'( 'sha256-\S+')*", policy.partition("script-src ")[2].partition(";")[0])
    assert "<script" not in plain
    for text in (
        notice,
        "Policy version 1",
        "YouTube",
        "Reject all",
        "sha256sum",
        "VISITOR_INFO1_LIVE",
        "--accept-text",
    ):
        assert text in plain


async def test_the_form_has_a_notice(service: Running) -> None:
    """The page without script has its own: what a record with `object` names is kept, too; its page runs nothing."""
    sent = await service.client.post("/choices/demo", headers={"Origin": service.config.base_url})
    [record] = await service.records()
    answer = await service.client.get(f"/n/demo/{record['notice']}")

    assert sent.status_code == 303
    assert answer.status_code == 200
    assert "<script" not in answer.text
    assert "<iframe" not in answer.text
    assert "script-src 'none'" in answer.headers["content-security-policy"]


async def test_the_list_is_public(service: Running) -> None:
    """Hash and moment of every notice are published, so that others can note them (PR-03); counts are not."""
    answer = await service.client.get("/n/demo")
    listed = {one["hash"]: one for one in answer.json()["notices"]}

    assert set((await named(service, "demo")).values()) < listed.keys()
    assert {frozenset(one) for one in listed.values()} == {frozenset({"hash", "kind", "language", "first", "versions"})}


async def test_what_anybody_may_ask_for_costs_little(service: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The public list reads no counts; a page is rendered once, sent compressed, and not again to who has it."""
    notice = (await named(service, "demo"))["en"]
    await service.db.execute("alter table shown_day rename to elsewhere")
    assert (await service.client.get("/n/demo")).status_code == 200
    first = await service.client.get(f"/n/demo/{notice}")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was rendered again")

    monkeypatch.setattr(notice_routes, "render_notice", refuse)
    again = await service.client.get(f"/n/demo/{notice}", headers={"Accept-Encoding": "br, gzip"})
    assert (again.text, again.headers["content-encoding"]) == (first.text, "br")
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    etag = {"If-None-Match": again.headers["etag"], "Accept-Encoding": "br, gzip"}
    assert (await service.client.get(f"/n/demo/{notice}", headers=etag)).status_code == 304


@pytest.mark.parametrize("name", ["0" * 64, "x", "A" * 64, "0" * 64 + ".json", "x.json"])
async def test_unknown_notices(service: Running, name: str) -> None:
    """What the site never showed is not there."""
    answer = await service.client.get(f"/n/demo/{name}")

    assert answer.status_code == 404
    assert (await service.client.get(f"/n/nobody/{'0' * 64}")).json()["error"] == "unknown_site"


async def test_an_altered_notice_is_not_shown(service: Running) -> None:
    """Bytes that do not have the hash they are stored under are neither served nor rendered."""
    notice = (await named(service, "demo"))["en"]
    await service.db.execute("update notice set body = replace(body, 'Reject', 'Accept')")

    for ending in ("", ".json"):
        answer = await service.client.get(f"/n/demo/{notice}{ending}")
        assert (answer.status_code, answer.json()["error"]) == (500, "notice_altered")


async def test_altered_code_does_not_run(service: Running) -> None:
    """Code that is not the one the notice names is not run; the texts are shown, and why there is no more."""
    notice = (await named(service, "demo"))["en"]
    for change in ("update notice_code set banner = banner || 'alert(1)'", "delete from notice_code"):
        await service.db.execute(change)
        answer = await service.client.get(f"/n/demo/{notice}")

        assert answer.status_code == 200
        assert "<iframe" not in answer.text
        assert "It cannot be run here" in answer.text
        assert "alert(1)" not in answer.text


def test_texts_stay_texts() -> None:
    """Markup in a text of the owner's is text in the page, and neither ends nor opens a script of the frame."""
    hostile = "</script><script>alert(1)</script><!--<script><img src=x onerror=alert(2)>\\u2028\\\"'`${x}"
    made = resolved(f'[texts.en]\nbanner_title = "{hostile}"\nlayer_accept = "{hostile}"')
    [layers, _] = notices_of(Version(1, 1, "", "", made, 1))
    code = notices.code_of_this_software()
    page = render_notice(layers, code, versions={1: 1}, address="x", alone=True)

    assert "<img" not in page.html
    assert page.html.count("<script") == 0
    for scene in stage(read_body(layers), code).scenes:
        assert scene.document.count("</script") == scene.document.count("<script") == 4
        assert "<img" not in scene.document.replace("\\x3cimg", "")


def test_code_that_breaks_out_is_not_run() -> None:
    """Built code that held the end of a script element could not stand in a page: it is shown as text alone."""
    body = read_body(notices_of(Version(1, 1, "", "", resolved(), 1))[0])
    code = notices.code_of_this_software()
    broken = queries.Code("", code.bootstrap, code.banner + "'</script>'", code.preferences)

    with pytest.raises(ValueError, match="inside a page"):
        stage(body | {"code": code_hash(broken)}, broken)
    with pytest.raises(ValueError, match="not the one"):
        stage(body, broken)


def test_a_stored_notice_must_have_its_hash() -> None:
    """A body under a hash that is not its own is refused."""
    with pytest.raises(Problem):
        read_body(Notice("0" * 64, "layers", "en", "{}"))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A service with a shop."""
    import asyncio

    config = config_in(tmp_path)
    yield from opened(config, asyncio.run(shop_in(config)))


def test_a_made_up_notice_is_refused(shop: Shop) -> None:
    """A record names what the site has stored, or it is not taken; the remedy is to load the script again."""
    from tests.records.shop import body

    problem = shop.say(body(shop.version, notice="a" * 64), 422)

    assert problem["field"] == "notice"
    assert "Load the site's script again" in problem["remedy"]
    assert shop.records() == []
    shop.say(body(shop.version, notice="a" * 64, layer=0, control="api"))
    shop.say()
    assert [record["notice"] for record in shop.records()] == ["", shown(shop.version)]
