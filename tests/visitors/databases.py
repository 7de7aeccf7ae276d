"""Databases as each maker has them, written with mmdb-writer: the schemas are theirs, the contents made up."""

from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet  # type: ignore[import-untyped]

NETWORKS = ("192.0.2.0/24", "2001:db8:1::/48")

_CITY = {
    "city": {"geoname_id": 1, "names": {"en": "Testcity"}},
    "continent": {"code": "NA", "names": {"en": "North America"}},
    "country": {"iso_code": "US", "names": {"en": "United States"}, "geoname_id": 6252001},
    "location": {"latitude": 37.4, "longitude": -122.1, "time_zone": "America/Los_Angeles"},
    "registered_country": {"iso_code": "DE"},
    "subdivisions": [{"iso_code": "CA", "names": {"en": "California"}}],
}
_DBIP = {
    "city": {"names": {"en": "Testcity"}},
    "continent": {"code": "NA", "names": {"en": "North America"}},
    "country": {"iso_code": "US", "is_in_european_union": False, "names": {"en": "United States"}},
    "location": {"latitude": 37.4, "longitude": -122.1},
    "subdivisions": [{"names": {"en": "California"}}],
}
_IPINFO = {
    "as_domain": "example.net",
    "as_name": "Example Networks, Inc.",
    "asn": "AS64500",
    "continent": "North America",
    "continent_code": "NA",
    "country": "United States",
    "country_code": "US",
}
_ASN = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example Networks, Inc."}

SCHEMAS: dict[str, tuple[str, dict[str, Any]]] = {
    "geolite2-city": ("GeoLite2-City", _CITY),
    "geolite2-country": ("GeoLite2-Country", {key: _CITY[key] for key in ("country", "registered_country")}),
    "geolite2-asn": ("GeoLite2-ASN", _ASN),
    "geoip2-isp": ("GeoIP2-ISP", {**_ASN, "isp": "Example Access", "organization": "Example Org"}),
    "geoip2-domain": ("GeoIP2-Domain", {"domain": "example.net"}),
    "dbip-country-lite": ("DBIP-Country-Lite", {"country": _DBIP["country"], "continent": _DBIP["continent"]}),
    "dbip-city-lite": ("DBIP-City-Lite", _DBIP),
    "dbip-asn-lite": ("DBIP-ASN-Lite (compat=GeoLite2-ASN)", _ASN),
    "ipinfo-lite": ("ipinfo generic_lite.mmdb", _IPINFO),
    "ipinfo-country-asn": ("ipinfo country_asn.mmdb", {**_IPINFO, "country": "US", "country_name": "United States"}),
    "iplocate-asn": ("IPLocate ASN", {"asn": 64500, "country_code": "US", "org": "Example Networks, Inc.",
                                      "domain": "example.net"}),
    "ip-location-db-country": ("ip-location-db country", {"country_code": "US"}),
    "ip-location-db-city": ("ip-location-db city", {"country_code": "US", "state1": "California", "city": "Testcity",
                                                    "latitude": "37.4", "longitude": "-122.1"}),
    "ip-location-db-asn": ("ip-location-db asn", _ASN),
}  # fmt: skip
"""`database_type` and a record of each."""


def write(path: Path, schema: str, **changes: Any) -> Path:
    """A database of one schema for `NETWORKS`; `changes` go into its record."""
    kind, record = SCHEMAS[schema]
    return write_any(path, kind, {**record, **changes})


def write_any(path: Path, kind: str, record: dict[str, Any], *networks: str) -> Path:
    """A database with this record for these networks, or `NETWORKS`."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind, description="made up")
    writer.insert_network(IPSet(networks or NETWORKS), record)
    path.parent.mkdir(parents=True, exist_ok=True)
    writer.to_db_file(str(path))
    return path
