"""Places: from a header, or a database in MaxMind's format that is written here."""

from collections.abc import Iterator
from pathlib import Path

import maxminddb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

from consent.regimes.geo import GeoDatabase, Place, read_header


@pytest.fixture
def database(tmp_path: Path) -> Iterator[GeoDatabase]:
    """Four networks: a country, a state, one with rubbish, one without a country."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-City")
    writer.insert_network(IPSet(["192.0.2.0/24"]), {"country": {"iso_code": "DE"}})
    california = {"country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "CA"}], "city": {"names": {"en": "X"}}}
    writer.insert_network(IPSet(["198.51.100.0/24", "2001:db8::/32"]), california)
    writer.insert_network(IPSet(["203.0.113.0/25"]), {"country": "Germany", "subdivisions": "none"})
    writer.insert_network(IPSet(["203.0.113.128/25"]), {"registered_country": {"iso_code": "FR"}})
    path = tmp_path / "places.mmdb"
    writer.to_db_file(str(path))
    with GeoDatabase(path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", Place("DE")),
        ("198.51.100.200", Place("US", "US-CA")),
        ("2001:db8::1", Place("US", "US-CA")),
        ("203.0.113.1", None),
        ("203.0.113.200", None),
        ("8.8.8.8", None),
        ("not an address", None),
        ("", None),
    ],
)
def test_database(database: GeoDatabase, address: str, place: Place | None) -> None:
    """An address is looked up to the country or state; where its owner is registered does not count."""
    assert database.place(address) == place


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A wrong file is found at the start, not at the first visitor."""
    path = tmp_path / "x.mmdb"
    path.write_bytes(b"not a database")

    with pytest.raises(maxminddb.InvalidDatabaseError):
        GeoDatabase(path)
    with pytest.raises(FileNotFoundError):
        GeoDatabase(tmp_path / "missing.mmdb")


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("DE", Place("DE")),
        (" de ", Place("DE")),
        ("US-CA", Place("US", "US-CA")),
        ("us,ca", Place("US", "US-CA")),
        ("XX", None),
        ("T1", None),
        ("", None),
        (None, None),
        ("Germany", None),
        ("DE, FR", None),
        ("DE\r\nX: y", None),
    ],
)
def test_header(value: str | None, place: Place | None) -> None:
    """A proxy's header is read when it is a country or a region, and nothing else."""
    assert read_header(value) == place


@given(st.text(max_size=20))
def test_any_header(value: str) -> None:
    """Whatever the header holds, the place has two letters and a bounded region, or there is none."""
    place = read_header(value)

    assert place is None or (len(place.country) == 2 and len(place.region or "") <= 6)
