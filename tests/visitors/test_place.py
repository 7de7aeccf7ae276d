"""Places: every maker's schema, several databases at once, exchanged while in use; addresses only as far as allowed."""

import asyncio
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from consent.cli import main
from consent.errors import Problem
from consent.visitors import install as installing
from consent.visitors.address import Keeping, kept, truncated
from consent.visitors.install import install
from consent.visitors.place import BACK, CACHED, CHECK, Places
from consent.visitors.reverse import WAITING, Reverse
from consent.visitors.spot import UNKNOWN_SPOT, Spot, maker, normalise
from tests.visitors.databases import SCHEMAS, write, write_any

ADDRESS = "192.0.2.77"
NAMED = {"asn": 64500, "network": "Example Networks, Inc."}
FULL = Keeping("full", "fraud is looked into", 7)

SPOTS = {
    "geolite2-city": Spot("US", "US-CA"),
    "geolite2-country": Spot("US"),
    "geolite2-asn": Spot(**NAMED),  # type: ignore[arg-type]
    "geoip2-isp": Spot(asn=64500, network="Example Access"),
    "geoip2-domain": Spot(domain="example.net"),
    "dbip-country-lite": Spot("US"),
    "dbip-city-lite": Spot("US", "California"),
    "dbip-asn-lite": Spot(**NAMED),  # type: ignore[arg-type]
    "ipinfo-lite": Spot("US", domain="example.net", **NAMED),  # type: ignore[arg-type]
    "ipinfo-country-asn": Spot("US", domain="example.net", **NAMED),  # type: ignore[arg-type]
    "iplocate-asn": Spot("US", domain="example.net", **NAMED),  # type: ignore[arg-type]
    "ip-location-db-country": Spot("US"),
    "ip-location-db-city": Spot("US", "California"),
    "ip-location-db-asn": Spot(**NAMED),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("address", [ADDRESS, "2001:db8:1:ffff::9", "::ffff:192.0.2.5", "64:ff9b::192.0.2.5"])
def test_schemas(tmp_path: Path, schema: str, address: str) -> None:
    """What each maker's database says is told in one shape, of IPv4 and IPv6."""
    write(tmp_path / "x.mmdb", schema)
    places = Places(tmp_path)
    assert places.place(address, 0) == SPOTS[schema]
    assert places.place("198.51.100.1", 0) == UNKNOWN_SPOT
    places.close()


def test_without_a_database(tmp_path: Path) -> None:
    """Without one everything is unknown, and no address is an error."""
    for places in (Places(tmp_path), Places(tmp_path / "missing")):
        for address in (ADDRESS, "", "x" * 10_000, "::1", "192.0.2.1, 8.8.8.8"):
            assert places.place(address, 0) == UNKNOWN_SPOT


def test_several_together(tmp_path: Path) -> None:
    """One tells the state, another the network; attribution names each maker whose licence asks for it."""
    write(tmp_path / "a.mmdb", "dbip-city-lite")
    write(tmp_path / "b.mmdb", "ipinfo-lite", country_code="CA")
    places = Places(tmp_path)
    assert places.place(ADDRESS, 0) == Spot("US", "California", 64500, "Example Networks, Inc.", "example.net")
    assert [one.name for one in places.attributions] == ["DB-IP", "IPinfo"]
    places.close()


def test_contradicting_databases() -> None:
    """A region is never taken from a database of another country, nor a name from another network."""
    first, second = Spot("US", "", 1, "", ""), Spot("CA", "CA-ON", 2, "Two", "two.example")
    assert first.over(second) == first
    assert UNKNOWN_SPOT.over(second) == second


def test_exchanged_while_open(tmp_path: Path) -> None:
    """A file that is replaced is taken up at the next look, and the old one let go; gone files are forgotten."""
    path = write(tmp_path / "x.mmdb", "geolite2-country")
    places = Places(tmp_path)
    assert places.place(ADDRESS, 0).country == "US"
    old = places.databases[0].reader
    write(tmp_path / "new", "geolite2-country", country={"iso_code": "DE"}).replace(path)

    assert places.place(ADDRESS, CHECK - 1).country == "US"
    assert places.place(ADDRESS, CHECK).country == "DE"
    with pytest.raises(ValueError, match="closed"):
        old.get(ADDRESS)
    path.unlink()
    assert places.place(ADDRESS, 2 * CHECK) == UNKNOWN_SPOT


def test_requests_that_are_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told late, between what comes now, makes nobody look at the folder again; a clock that was set does."""
    places, looks = Places(tmp_path), []
    monkeypatch.setattr(places, "refresh", lambda: looks.append(1))
    now = 10 * BACK
    for time in (now, now - 3_000, now + 1, now - BACK + 1, now + 2):
        places.place(ADDRESS, time)
    assert len(looks) == 1
    places.place(ADDRESS, now - 2 * BACK)
    assert len(looks) == 2


def test_replaced_by_rubbish(tmp_path: Path) -> None:
    """A bad file in the place of a good one is told, and the good one stays in use."""
    path = write(tmp_path / "x.mmdb", "geolite2-country")
    places = Places(tmp_path)
    assert places.place(ADDRESS, 0).country == "US"
    (tmp_path / "bad").write_bytes(b"not a database")
    (tmp_path / "bad").replace(path)

    assert places.place(ADDRESS, CHECK).country == "US"
    assert "x.mmdb" in places.faults
    write(tmp_path / "good", "geolite2-country", country={"iso_code": "FR"}).replace(path)
    assert places.place(ADDRESS, 2 * CHECK).country == "FR" and places.faults == {}
    places.close()


DAMAGED = """
from pathlib import Path
import maxminddb
from consent.regimes.geo import GeoDatabase
from consent.visitors.place import Places

path, whole = Path("{path}"), Path("{path}").read_bytes()
known = 0
for at in range(len(whole)):
    path.unlink()
    path.write_bytes(whole[:at] + bytes(1) + whole[at + 1 :])
    places = Places(path.parent)
    known += places.place("192.0.2.77", 0).country == "US"
    places.close()
    try:
        with GeoDatabase(path) as database:
            database.place("192.0.2.77")
    except maxminddb.InvalidDatabaseError:
        pass
print(known)
"""
"""A process of its own: a reader that is led astray ends it."""


def test_damaged(tmp_path: Path) -> None:
    """Whichever byte of a file is gone, it says less or nothing, and no reader of it fails."""
    path = write(tmp_path / "x.mmdb", "geolite2-country", country={"iso_code": "US"})
    program = DAMAGED.format(path=path)
    told = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)

    assert told.returncode == 0, told
    assert 0 < int(told.stdout) < path.stat().st_size


WRITTEN_OVER = """
import os
from pathlib import Path
from consent.visitors.place import CHECK, Places

path = Path("{path}")
whole = path.read_bytes()
places = Places(path.parent)
said = [places.place("10.1.1.1", 0).country]
os.truncate(path, 0)
said.append(places.place("10.249.1.1", 1).country)
places.place("10.200.1.1", CHECK)
path.write_bytes(whole)
said.append(places.place("10.249.1.1", 2 * CHECK).country)
print(said)
"""
"""A process of its own: reading what is not there any more ends it."""


def test_written_over(tmp_path: Path) -> None:
    """A file that is written over where it lies says nothing until it is whole again, and kills nobody."""
    path = tmp_path / "x.mmdb"
    networks = (f"10.{number}.0.0/16" for number in range(250))
    write_any(path, "GeoLite2-Country", {"country": {"iso_code": "US"}}, *networks)
    whole = path.read_bytes()
    program = WRITTEN_OVER.format(path=path)
    told = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)

    assert (told.returncode, told.stdout) == (0, "['US', '', 'US']\n"), told
    assert path.read_bytes() == whole


def test_cache_is_bounded(tmp_path: Path) -> None:
    """Only so many networks are remembered."""
    write(tmp_path / "x.mmdb", "geolite2-country")
    places = Places(tmp_path)
    for number in range(CACHED + 100):
        places.place(f"10.{number >> 8}.{number & 255}.1", 0)
    assert len(places._cache) == CACHED
    places.close()


def test_looked_up_by_network(tmp_path: Path) -> None:
    """The last octet decides nothing: an address's own record is not found, that of its network's first one is."""
    write_any(tmp_path / "x.mmdb", "GeoLite2-Country", {"country": {"iso_code": "DE"}}, "192.0.2.77/32")
    places = Places(tmp_path)
    assert places.place("192.0.2.77", 0) == UNKNOWN_SPOT
    assert places.databases[0].find("192.0.2.77").country == "DE"
    places.close()


KEYS = st.sampled_from(["country", "iso_code", "subdivisions", "asn", "as_domain", "names", "en", "traits", "region"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=20)


@given(st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=12))
def test_any_record(record: object) -> None:
    """Whatever a database holds, what comes out is short text and numbers."""
    spot = normalise(record)
    assert len(spot.country) in (0, 2) and 0 <= spot.asn < 2**32 and len(spot.network) <= 80


def test_makers() -> None:
    """Makers whose free editions want to be named are; of others nothing is claimed."""
    assert "GeoLite" in maker("GeoLite2-City").attribution and maker("GeoIP2-City").attribution == ""
    assert maker("<b>Own\n</b>").name == "b Own /b"


@pytest.mark.parametrize("packed", ["plain", "gz", "tar"])
def test_install_from_a_file(tmp_path: Path, packed: str) -> None:
    """A database is installed as its maker publishes it: plain, in gzip, or in a tar."""
    source = write(tmp_path / "in.mmdb", "dbip-city-lite")
    if packed == "gz":
        source = tmp_path / "in.mmdb.gz"
        source.write_bytes(gzip.compress((tmp_path / "in.mmdb").read_bytes()))
    if packed == "tar":
        source = tmp_path / "in.tar.gz"
        with tarfile.open(source, "w:gz") as archive:
            archive.addfile(tarfile.TarInfo("x/LICENSE.txt"), io.BytesIO(b""))
            archive.add(tmp_path / "in.mmdb", "x/GeoLite2.mmdb")

    database = install(str(source), tmp_path / "geo", sha256=hashlib.sha256(source.read_bytes()).hexdigest().upper())
    assert database.path == tmp_path / "geo" / "dbip-city-lite.mmdb" and database.find(ADDRESS).country == "US"
    database.reader.close()
    assert [path.name for path in (tmp_path / "geo").iterdir()] == ["dbip-city-lite.mmdb"]


@pytest.mark.parametrize("fault", ["rubbish", "checksum", "missing", "too large", "cut", "empty tar", "useless"])
def test_refused(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no database of places is refused with a remedy, and the folder is as it was."""
    folder = tmp_path / "geo"
    install(str(write(tmp_path / "in.mmdb", "geolite2-country")), folder).reader.close()
    before = (folder / "geolite2-country.mmdb").read_bytes()
    source, sha256 = tmp_path / "bad", ""
    shutil.copy(tmp_path / "in.mmdb", source)
    if fault == "rubbish":
        source.write_bytes(b"<html>Log in first</html>")
    elif fault == "checksum":
        sha256 = "0" * 64
    elif fault == "missing":
        source.unlink()
    elif fault == "too large":
        monkeypatch.setattr(installing, "MAX_BYTES", 100)
    elif fault == "cut":
        source.write_bytes(gzip.compress(before)[:-20])
    elif fault == "empty tar":
        with tarfile.open(source, "w:gz") as archive:
            archive.addfile(tarfile.TarInfo("README"), io.BytesIO(b""))
    else:
        write_any(source, "Weather", {"rain": True})

    with pytest.raises(Problem) as refused:
        install(str(source), folder, sha256=sha256)
    assert refused.value.code in ("geo_install", "geo_database") and refused.value.remedy
    assert [path.read_bytes() for path in folder.iterdir()] == [before]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server with one database; everything else is 404."""
    body = write(tmp_path / "served.mmdb", "ipinfo-lite").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path.startswith("/lite.mmdb")
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(body if found else b"")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


def test_install_from_a_url(tmp_path: Path, server: str) -> None:
    """A database can be downloaded; what is not there is refused, and the token in a URL is not repeated."""
    install(f"{server}/lite.mmdb?token=secret", tmp_path / "geo").reader.close()
    assert (tmp_path / "geo" / "ipinfo-generic-lite-mmdb.mmdb").exists()
    with pytest.raises(Problem) as refused:
        install(f"{server}/other?token=secret", tmp_path / "geo")
    assert "secret" not in str(refused.value)


def test_commands_over_a_damaged_file(tmp_path: Path) -> None:
    """It is not installed, and where it lies in the folder it is listed as a fault."""
    path = write(tmp_path / "geo" / "x.mmdb", "geolite2-country")
    whole = path.read_bytes()
    path.write_bytes(
        whole.replace(b"Gcountry", b"\xffcountry").replace(b"GEiso_code", bytes(10)).replace(b"iso_code", b"\xff" * 8)
    )
    assert path.read_bytes() != whole
    with pytest.raises(Problem):
        install(str(path), tmp_path / "other")
    told = CliRunner().invoke(main, ["geo", "list", "--json", "--data", str(tmp_path)])
    assert told.exit_code == 0, told.output
    assert list(json.loads(told.output)["faults"]) == ["x.mmdb"]


def test_commands(tmp_path: Path) -> None:
    """`consent geo install` and `list` tell maker, date, what it knows, and what the licence wants shown."""
    source, data = write(tmp_path / "in.mmdb", "dbip-asn-lite"), ["--data", str(tmp_path / "data")]
    run = CliRunner().invoke
    empty = run(main, ["geo", "list", *data])
    assert empty.output == "No database is installed.\n"
    told = run(main, ["geo", "install", str(source), *data])
    assert told.exit_code == 0 and "IP Geolocation by DB-IP (https://db-ip.com)" in told.output
    (tmp_path / "data" / "geo" / "bad.mmdb").write_bytes(b"x")
    listed = json.loads(run(main, ["geo", "list", "--json", *data]).output)
    assert [(one["maker"], one["knows"]) for one in listed["databases"]] == [("DB-IP", ["asn", "network"])]
    assert list(listed["faults"]) == ["bad.mmdb"]
    refused = run(main, ["geo", "install", str(tmp_path / "none"), *data])
    assert refused.exit_code == 2 and "Traceback" not in refused.output
    (tmp_path / "notes.txt").write_text("not a database")
    assert "notes.txt is no database" in run(main, ["geo", "install", str(tmp_path / "notes.txt"), *data]).output


def test_cookie_commands(tmp_path: Path) -> None:
    """`consent cookies` lists every cookie by its exact name, and turns the keys."""
    run, data = CliRunner().invoke, ["--data", str(tmp_path / "data")]
    listed = json.loads(run(main, ["cookies", "--json", *data]).output)["cookies"]
    assert [one["name"] for one in listed] == [
        "consent",
        *(f"__Host-consent-{kind}" for kind in ("visitor", "session", "customer", "account", "email", "provider")),
    ]
    turned = json.loads(run(main, ["cookies", "--turn-keys", "--json", *data]).output)["keys"]
    again = json.loads(run(main, ["cookies", "--turn-keys", "--json", *data]).output)["keys"]
    assert again[1:] == turned and len(turned) == 2


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str))
def test_truncated(address: str) -> None:
    """What is left of an address is its network's first one; nothing is left of that again to take away."""
    left = truncated(address)
    assert left and truncated(left) == left
    assert left.endswith(".0") if "." in left else left.endswith("::") or left.count(":") <= 3


@pytest.mark.parametrize(
    ("address", "none", "part", "whole"),
    [
        ("192.0.2.77", "", "192.0.2.0", "192.0.2.77"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1::", "2001:db8:1:2:3::4"),
        ("::ffff:192.0.2.77", "", "192.0.2.0", "192.0.2.77"),
        ("64:ff9b::c000:24d", "", "192.0.2.0", "192.0.2.77"),
        ("2002:c000:24d:1::5", "", "192.0.2.0", "192.0.2.77"),
        ("fe80::1%eth0", "", "", ""),
        ("unknown", "", "", ""),
        ("1" * 10_000, "", "", ""),
    ],
)
def test_kept(address: str, none: str, part: str, whole: str) -> None:
    """A policy keeps nothing, the network, or with a reason all of an address; what is none is never kept."""
    assert (kept(address, Keeping("none")), kept(address, Keeping()), kept(address, FULL)) == (none, part, whole)


@pytest.mark.parametrize("values", [("full",), ("full", " ", 7), ("full", "why", 0), ("truncated", "why", 7)])
def test_full_needs_a_reason(values: tuple[str, ...]) -> None:
    """Full addresses need a written reason and a retention of their own; nothing else has them."""
    with pytest.raises(ValueError, match="reason"):
        Keeping(*values)  # type: ignore[arg-type]


async def test_reverse() -> None:
    """A name is asked for in the background and told at the next visit; for a day, also that there is none."""
    asked: list[str] = []

    async def resolve(address: str) -> str:
        asked.append(address)
        if address.endswith("9"):
            raise OSError
        return "host-8.dsl.example.co.uk."

    reverse, now = Reverse(resolve), 1_000
    worker = asyncio.create_task(reverse.run(lambda: now))
    assert [reverse.domain(address, FULL, now) for address in ("8.8.8.8", "8.8.8.8", "9.9.9.9")] == ["", "", ""]
    await reverse._queue.join()
    assert reverse.domain("8.8.8.8", FULL, now) == "example.co.uk" and reverse.domain("9.9.9.9", FULL, now) == ""
    assert asked == ["8.8.8.8", "9.9.9.9"]
    worker.cancel()


async def test_reverse_asks_for_nothing_else() -> None:
    """Neither truncated addresses are asked for, nor private ones, nor more than the queue holds."""

    async def resolve(address: str) -> str:
        raise AssertionError(address)

    reverse = Reverse(resolve)
    for keeping in (Keeping(), Keeping("none")):
        assert reverse.domain("8.8.8.8", keeping, 0) == ""
    for address in ("192.168.1.1", "::1", "x"):
        assert reverse.domain(address, FULL, 0) == ""
    assert reverse._queue.empty()
    for number in range(2 * WAITING):
        reverse.domain(f"8.8.{number >> 8}.{number & 255}", FULL, 0)
    assert reverse._queue.qsize() == len(reverse._asked) == WAITING
