"""Where a visit comes from, as far as a regime needs it: in memory, and no finer than a country or state."""

from collections.abc import Sequence

from consent.config import Config
from consent.regimes.geo import GeoDatabase, Place, read_header
from consent.web.address import client, parse


class Visits:
    """Finds places by the trusted proxy's header, else the database; without either it knows none."""

    def __init__(self, config: Config) -> None:
        """Raises OSError or maxminddb.InvalidDatabaseError when the configured database cannot be used."""
        self.header = config.region_header
        self._networks = config.networks
        self._database = GeoDatabase(config.geo_database) if config.geo_database else None

    @property
    def looked_up(self) -> bool:
        """Whether answers may differ by place, and so must not be shared by caches."""
        return bool(self.header or self._database)

    def place(self, peer: str, named: Sequence[str], forwarded: Sequence[str]) -> Place | None:
        """The place of a visitor, or None.

        Args:
            peer: the address of the connection.
            named: the values of the configured header (`self.header`). It counts only from a trusted proxy, alone.
            forwarded: the X-Forwarded-For headers, in order.
        """
        if self.header and named and self._is_proxy(peer):
            return read_header(named[0]) if len(named) == 1 else None
        if self._database is None:
            return None
        return self._database.place(client(peer, forwarded, self._networks))

    def _is_proxy(self, peer: str) -> bool:
        address = parse(peer)
        return address is not None and any(address.version == n.version and address in n for n in self._networks)

    def close(self) -> None:
        """Let go of the database."""
        if self._database:
            self._database.close()
