"""What a database says of a network, whoever made it: one shape for all, read by content and not by maker."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from consent.regimes.geo import UNKNOWN

_DOMAIN = re.compile(r"(?=.{4,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9-]{1,63})+")
_NUMBER = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[^\w .,&'()/+-]+")


class Spot(msgspec.Struct, frozen=True):
    """Where an address is and whose network it is in; empty, or 0, where no database says.

    `country` is ISO 3166-1 alpha-2, `region` ISO 3166-2 where the database has codes, else its English name; `domain`
    is the network's own, as the database has it: never guessed from a name.
    """

    country: str = ""
    region: str = ""
    asn: int = 0
    network: str = ""
    domain: str = ""

    def over(self, other: "Spot") -> "Spot":
        """This, and where it says nothing the other. A region never comes from another database than its country."""
        region = self.region or (other.region if self.country in ("", other.country) else "")
        asn = self.asn or other.asn
        same = asn == other.asn or not other.asn
        return Spot(
            self.country or other.country,
            region,
            asn,
            self.network or (other.network if same else ""),
            self.domain or (other.domain if same else ""),
        )


UNKNOWN_SPOT = Spot()


class Maker(NamedTuple):
    """Who made a database, and what its licence wants shown where its data is."""

    name: str
    attribution: str = ""
    link: str = ""


MAKERS: tuple[tuple[str, Maker], ...] = (
    ("dbip-", Maker("DB-IP", "IP Geolocation by DB-IP", "https://db-ip.com")),  # CC BY 4.0, Lite editions
    (
        "geolite2-",
        Maker("MaxMind", "This product includes GeoLite Data created by MaxMind", "https://www.maxmind.com"),
    ),
    ("geoip2-", Maker("MaxMind")),
    ("ipinfo", Maker("IPinfo", "IP address data powered by IPinfo", "https://ipinfo.io")),  # CC BY-SA 4.0
    ("iplocate", Maker("IPLocate", "IP address data from IPLocate.io", "https://www.iplocate.io")),  # CC BY-SA 4.0
)


def maker(database_type: str) -> Maker:
    """The maker by the metadata's `database_type`; of others its own words, and no attribution that we know of."""
    kind = database_type.lower()
    plain = _UNPRINTABLE.sub(" ", database_type)[:60].strip() or "unknown"
    return next((one for start, one in MAKERS if kind.startswith(start)), Maker(plain))


def normalise(record: object) -> Spot:
    """A record of any known schema: MaxMind's and DB-IP's nested one, IPinfo's and ip-location-db's flat one."""
    if not isinstance(record, Mapping):
        return UNKNOWN_SPOT
    country = _country(record)
    traits = record.get("traits")
    wide = {**traits, **record} if isinstance(traits, Mapping) else record
    return Spot(
        country,
        _region(record, country) if country else "",
        _asn(wide),
        _text(
            _first(wide, "isp", "as_name", "autonomous_system_organization", "as_organization", "organization", "org")
        ),
        _domain(_first(wide, "as_domain", "domain")),
    )


def _country(record: Mapping[str, Any]) -> str:
    """The country the address is in, not the one its owner is registered in."""
    nested = record.get("country")
    code = nested.get("iso_code") if isinstance(nested, Mapping) else record.get("country_code", nested)
    if not isinstance(code, str) or len(code) != 2 or not (code.isascii() and code.isalpha()):
        return ""
    return "" if code.upper() in UNKNOWN else code.upper()


def _region(record: Mapping[str, Any], country: str) -> str:
    parts = record.get("subdivisions")
    part = parts[0] if isinstance(parts, list) and parts else None
    if not isinstance(part, Mapping):
        return _text(_first(record, "region", "state1", "state"))
    code = part.get("iso_code")
    if isinstance(code, str) and code.isascii() and code.isalnum() and len(code) <= 3:
        return f"{country}-{code.upper()}"
    names = part.get("names")
    return _text(names.get("en") if isinstance(names, Mapping) else None)


def _asn(record: Mapping[str, Any]) -> int:
    value = _first(record, "autonomous_system_number", "asn", "as_number")
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value)
        value = int(found[1]) if found else 0
    return value if isinstance(value, int) and 0 < value < 2**32 else 0


def _domain(value: object) -> str:
    text = value.lower().rstrip(".") if isinstance(value, str) else ""
    return text if _DOMAIN.fullmatch(text) else ""


def _text(value: object) -> str:
    return _UNPRINTABLE.sub(" ", value)[:80].strip() if isinstance(value, str) else ""


def _first(record: Mapping[str, Any], *names: str) -> object:
    return next((record[name] for name in names if record.get(name) not in (None, "")), None)
