"""Where a request comes from, as far as a regime needs it: in memory, and no finer than a country or state."""

from starlette.requests import Request

from consent.config import Config
from consent.regimes.geo import GeoDatabase, Place, read_header
from consent.web.address import client, parse


class Visits:
    """Finds places by the trusted proxy's header, else the database; without either it knows none."""

    def __init__(self, config: Config) -> None:
        """Raises OSError or maxminddb.InvalidDatabaseError when the configured database cannot be used."""
        self._header = config.region_header
        self._networks = config.networks
        self._database = GeoDatabase(config.geo_database) if config.geo_database else None

    @property
    def looked_up(self) -> bool:
        """Whether answers may differ by place, and so must not be shared by caches."""
        return bool(self._header or self._database)

    def place(self, request: Request) -> Place | None:
        """The place of the visitor, or None. A header counts only from a trusted proxy, and only when it is alone."""
        peer = request.client.host if request.client else ""
        if self._header and self._is_proxy(peer):
            values = request.headers.getlist(self._header)
            return read_header(values[0]) if len(values) == 1 else None
        if self._database is None:
            return None
        return self._database.place(client(peer, request.headers.getlist("x-forwarded-for"), self._networks))

    def _is_proxy(self, peer: str) -> bool:
        address = parse(peer)
        return address is not None and any(address.version == n.version and address in n for n in self._networks)

    def close(self) -> None:
        """Let go of the database."""
        if self._database:
            self._database.close()
