"""Where a visitor is, to the country or state and no finer: from a trusted proxy's header, or a database on disk.

The address is used in memory and goes no further. Neither source: None, and so the strictest regime.
"""

import re
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import maxminddb
import msgspec

_PLACE = re.compile(r"([A-Za-z]{2})(?:[-_ ,]([A-Za-z0-9]{1,3}))?", re.ASCII)

#: What proxies and databases write when they know none: no country, satellite, anonymous, Tor (Cloudflare, MaxMind).
UNKNOWN = frozenset({"XX", "ZZ", "T1", "A1", "A2", "AP", "EU"})


class Place(msgspec.Struct, frozen=True):
    """A country (ISO 3166-1 alpha-2) and, where known, its region (ISO 3166-2, such as `US-CA`)."""

    country: str
    region: str | None = None


def read_header(value: str | None) -> Place | None:
    """The place in a header such as `DE`, `US-CA` or `US,CA`; None when it says nothing we understand."""
    match = _PLACE.fullmatch((value or "").strip())
    if match is None or match[1].upper() in UNKNOWN:
        return None
    country = match[1].upper()
    return Place(country, f"{country}-{match[2].upper()}" if match[2] else None)


class GeoDatabase:
    """A database in MaxMind's format (`.mmdb`), country or city edition of any maker, read into memory."""

    def __init__(self, path: Path) -> None:
        """Raises OSError or maxminddb.InvalidDatabaseError when the file cannot be used."""
        try:
            self._reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        except (OSError, maxminddb.InvalidDatabaseError):
            raise
        except Exception as error:  # a damaged file may raise anything
            raise maxminddb.InvalidDatabaseError(f"{path} is damaged ({error})") from error

    def place(self, address: str) -> Place | None:
        """Where this IP address is; None when it is no address or not in the database."""
        try:
            record = self._reader.get(address)
        except Exception:  # it is no address, or the record is damaged, which may raise anything
            return None
        return _place(record) if isinstance(record, dict) else None

    def close(self) -> None:
        """Let go of the memory."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _place(record: dict[str, Any]) -> Place | None:
    """The place in a record: the country the address is in, not where its owner is registered."""
    country = _code(record.get("country"))
    if country is None or country in UNKNOWN:
        return None
    regions = record.get("subdivisions")
    region = _code(regions[0]) if isinstance(regions, list) and regions else None
    return Place(country, f"{country}-{region}" if region else None)


def _code(value: Any) -> str | None:
    code = value.get("iso_code") if isinstance(value, dict) else None
    return code.upper() if isinstance(code, str) and code.isalnum() else None
