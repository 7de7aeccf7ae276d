"""The scripts as a browser gets them from a real server."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import brotli  # type: ignore[import-untyped]
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from consent.catalogue.service import load_catalogue
from consent.db import Database
from consent.demo.demo import demo_policy, ensure
from consent.policy.resolved import resolve
from tests.delivery.conftest import Running, running
from tests.policy.site import resolved


def object_in(script: str, begin: str) -> dict[str, Any]:
    """The one object in a script that begins so."""
    found, _ = json.JSONDecoder().raw_decode(script[script.index(begin) :].replace("\\x3c", "<"))
    assert isinstance(found, dict)
    return found


def settings_of(script: str) -> dict[str, Any]:
    """The settings inside the first script."""
    return object_in(script, '{"site":"')


async def details_of(service: Running, script: str, language: str = "en") -> dict[str, Any]:
    """What comes with the second layer that a script names."""
    answer = await service.client.get(settings_of(script)["layers"][language]["preferences"])
    return object_in(answer.text, '{"hash":"')


async def test_script(service: Running) -> None:
    """One response holds script and settings; everybody may load it, nobody gets a cookie."""
    answer = await service.client.get("/c/demo.js")

    assert answer.status_code == 200
    assert answer.text.startswith("/*consent*/")
    assert "CONSENT_" not in answer.text
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "set-cookie" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_settings(service: Running) -> None:
    """The settings have every member of the format, with every regime's rules and no place."""
    settings = settings_of((await service.client.get("/c/demo.js")).text)

    assert list(settings) == [
        "site", "base", "cookie", "regime", "regimes", "strictest", "languages", "purposes", "layers", "theme",
        "telemetry",
    ]  # fmt: skip
    assert settings["base"] == service.config.base_url
    assert (settings["regime"], settings["strictest"]) == (None, "eu")
    assert set(settings["regimes"]) == {"eu", "uk", "ch", "us"}
    assert set(settings["layers"]) == set(settings["languages"])


async def test_details(service: Running) -> None:
    """What it takes to decide comes with the second layer, complete, in that layer's language."""
    script = (await service.client.get("/c/demo.js")).text
    for language in ("en", "pl"):
        told = await details_of(service, script, language)

        assert list(told) == [
            "hash", "version", "scope", "since", "days", "everything", "services", "layers", "ui", "control",
            "keeps",
        ]  # fmt: skip
        assert {"key", "name", "purposes", "sources", "cookies", "storage", "kind"} == set(told["services"][0])
        assert len(told["services"]) == 13
        assert list(told["ui"]) == list(told["layers"]) == [language]
        assert {"control_label", "placeholder_text"} <= set(told["ui"][language])
        assert re.fullmatch(r"[0-9a-f]{64}", told["layers"][language]["notice"])


@pytest.mark.parametrize(("coding", "undo"), [("gzip", gzip.decompress), ("br", brotli.decompress)])
async def test_compression(service: Running, coding: str, undo: Any) -> None:
    """Each coding is sent when it is asked for, with a tag of its own, and decodes to the same bytes."""
    plain = await service.client.get("/c/demo.js")
    async with service.client.stream("GET", "/c/demo.js", headers={"Accept-Encoding": coding}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])

    assert answer.headers["content-encoding"] == coding
    assert undo(raw) == plain.content
    assert len(raw) < 0.5 * len(plain.content)
    assert answer.headers["etag"] != plain.headers["etag"]


async def test_not_modified(service: Running) -> None:
    """Who has the bytes gets 304 without a body, in the same coding only."""
    first = await service.client.get("/c/demo.js")
    again = await service.client.get("/c/demo.js", headers={"If-None-Match": first.headers["etag"]})
    other = await service.client.get(
        "/c/demo.js", headers={"If-None-Match": first.headers["etag"], "Accept-Encoding": "gzip"}
    )

    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == first.headers["cache-control"]
    assert other.status_code == 200


async def test_head(service: Running) -> None:
    """HEAD has the headers of GET and no body."""
    get, head = await service.client.get("/c/demo.js"), await service.client.head("/c/demo.js")

    assert head.content == b""
    assert {k: v for k, v in head.headers.items() if k != "date"} == {
        k: v for k, v in get.headers.items() if k != "date"
    }


async def test_the_same_for_everybody(service: Running) -> None:
    """Bytes and tag do not depend on who asks: no cookie, address, language or signal changes them (SC-03, SC-07)."""
    seen = {
        (answer.content, answer.headers["etag"])
        for headers in (
            {},
            {"Cookie": "consent=1.x.y.-...0", "User-Agent": "A"},
            {"Accept-Language": "de", "Sec-GPC": "1", "Referer": "https://x.example/"},
            {"X-Forwarded-For": "192.0.2.1", "CF-IPCountry": "US"},
        )
        for answer in [await service.client.get("/c/demo.js", headers=headers)]
    }

    assert len(seen) == 1


async def test_layers(service: Running) -> None:
    """Every language's layers are where the settings say, unchanging for a year, with that language's texts inside."""
    settings = settings_of((await service.client.get("/c/demo.js")).text)
    for language, layer in settings["layers"].items():
        for kind in ("banner", "preferences"):
            answer = await service.client.get(layer[kind])

            assert answer.status_code == 200, layer[kind]
            assert answer.text.startswith("/*consent*/")
            assert f'"language":"{language}"' in answer.text
            assert "CONSENT_" not in answer.text
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path",
    [
        "/c/nobody.js",
        "/c/demo/1/banner.en.0000000000000000.js",
        "/c/demo/1/banner.xx.0000000000000000.js",
        "/c/demo/99/banner.en.0000000000000000.js",
        "/c/demo/99999999999999999999/banner.en.0123456789abcdef.js",
        f"/c/demo/{'9' * 1_500}/banner.en.0123456789abcdef.js",
        "/c/demo/0/banner.en.0123456789abcdef.js",
        "/c/demo/-1/banner.en.0123456789abcdef.js",
        "/c/demo/%D9%A1/banner.en.0123456789abcdef.js",
        "/c/demo/1/core.js",
        "/c/nobody/1/banner.en.0000000000000000.js",
        "/c/demo/1/..%2fbanner",
        "/c/nobody/declaration",
        "/choices/nobody",
    ],
)
async def test_unknown(service: Running, path: str) -> None:
    """What is not there is 404 with a remedy, as JSON, so that the core never runs it."""
    answer = await service.client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["remedy"]


async def test_a_version_has_one_spelling(service: Running) -> None:
    """The layer that is there under its number is not there under the number with zeros before it."""
    path = settings_of((await service.client.get("/c/demo.js")).text)["layers"]["en"]["banner"]

    assert (await service.client.get(path)).status_code == 200
    assert (await service.client.get(path.replace("/demo/1/", "/demo/01/"))).status_code == 404


async def test_publishing(service: Running) -> None:
    """A new version changes script and tag at once, tells what old choices are worth, and keeps old layers."""
    before = await service.client.get("/c/demo.js")
    old, first = settings_of(before.text), await details_of(service, before.text)
    made = resolve(demo_policy(service.config), load_catalogue())
    fewer = type(made)(**{n: getattr(made, n) for n in made.__struct_fields__} | {"services": made.services[:3]})
    await service.publish(fewer)
    after = await service.client.get("/c/demo.js", headers={"If-None-Match": before.headers["etag"]})

    told = await details_of(service, after.text)
    assert (told["version"], told["since"]) == (2, {first["scope"]: "same"})
    for path in old["layers"]["en"].values():
        assert (await service.client.get(path)).status_code == 200
    await service.publish(made)
    third = await service.client.get("/c/demo.js")
    assert (await details_of(service, third.text))["since"] == {told["scope"]: "ask"}


async def test_ensure_publishes_once(service: Running) -> None:
    """A second start publishes nothing; another address does, and asks nobody again."""
    await ensure(service.db, service.config)
    await service.sites.refresh()
    same = await details_of(service, (await service.client.get("/c/demo.js")).text)
    await ensure(service.db, type(service.config)(public_url="https://consent.example.com"))
    await service.sites.refresh()
    moved = await details_of(service, (await service.client.get("/c/demo.js")).text)

    assert (same["version"], moved["version"]) == (1, 2)
    assert same["scope"] == moved["scope"]


async def test_several_ask_at_once(service: Running) -> None:
    """Twenty who ask at the same moment all get the same bytes."""
    import asyncio

    await service.publish(resolved("[services.youtube]"))
    answers = await asyncio.gather(*(service.client.get("/c/shop.js") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


def places(path: Path) -> Path:
    """A database in which this machine's own network is in California."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-City")
    writer.insert_network(IPSet(["127.0.0.0/8"]), {"country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "CA"}]})
    writer.insert_network(IPSet(["192.0.2.0/24"]), {"country": {"iso_code": "DE"}})
    writer.to_db_file(str(path))
    return path


async def test_region_by_database(db: Database, tmp_path: Path) -> None:
    """With a database the script names the visitor's regime, and shared caches are told to keep away."""
    async with running(db, geo_database=places(tmp_path / "x.mmdb")) as service:
        answer = await service.client.get("/c/demo.js")
        spoofed = await service.client.get("/c/demo.js", headers={"X-Forwarded-For": "192.0.2.1"})

    assert settings_of(answer.text)["regime"] == "us"
    assert settings_of(spoofed.text)["regime"] == "us"
    assert answer.headers["cache-control"] == "private, max-age=300"


async def test_region_behind_a_proxy(db: Database, tmp_path: Path) -> None:
    """Behind a trusted proxy the forwarded address is looked up."""
    settings: dict[str, Any] = {"geo_database": places(tmp_path / "x.mmdb"), "trusted_proxies": ("127.0.0.0/8",)}
    async with running(db, **settings) as service:
        answer = await service.client.get("/c/demo.js", headers={"X-Forwarded-For": "198.51.100.1, 192.0.2.1"})

    assert settings_of(answer.text)["regime"] == "eu"


@pytest.mark.parametrize(
    ("trusted", "value", "regime"),
    [
        (("127.0.0.1/32",), "US-CA", "us"),
        (("127.0.0.1/32",), "FR", "eu"),
        (("127.0.0.1/32",), "JP", None),
        (("127.0.0.1/32",), "rubbish", None),
        ((), "US-CA", None),
        (("10.0.0.0/8",), "US-CA", None),
    ],
)
async def test_region_by_header(db: Database, trusted: tuple[str, ...], value: str, regime: str | None) -> None:
    """A header counts from a trusted proxy only; from anybody else the visitor is unknown, hence the strictest."""
    async with running(db, region_header="CF-IPCountry", trusted_proxies=trusted) as service:
        answer = await service.client.get("/c/demo.js", headers={"CF-IPCountry": value})

    assert settings_of(answer.text)["regime"] == regime


async def test_a_law_that_the_site_does_not_follow(db: Database) -> None:
    """A site that enables some laws treats the visitors of others by its default."""
    async with running(db, region_header="X-Place", trusted_proxies=("127.0.0.1/32",)) as service:
        await service.publish(resolved("[regimes]\nenabled = ['eu', 'uk']"))
        answer = await service.client.get("/c/shop.js", headers={"X-Place": "US-CA"})

    assert settings_of(answer.text)["regime"] is None
    assert set(settings_of(answer.text)["regimes"]) == {"eu", "uk"}
