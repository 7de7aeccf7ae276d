"""How many posts of consent are taken: by household, by network, by site. Refusals have a lane of their own."""

from collections.abc import Callable

from consent.errors import TooMany
from consent.web.address import Place
from consent.web.limits import Buckets

NETWORK = 10
"""A network (/24, IPv6 /48) may post this many times what one household may."""


class Limits:
    """Rates are posts a minute; a minute's worth may come at once."""

    def __init__(self, address: int, site: int, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._households = Buckets(address)
        self._networks = Buckets(address * NETWORK)
        self._refusing = Buckets(address)
        self._sites = Buckets(site)

    def arrive(self, place: Place, *, refuses: bool) -> None:
        """Count a post by where it comes from. Raises TooMany.

        A place that posted too much may still refuse or withdraw: that lane has as many tokens again, and its own.
        """
        now = self._clock()
        wait = self._households.take(place.host, now) or self._networks.take(place.network, now)
        if wait and not (refuses and not self._refusing.take(place.host, now)):
            raise TooMany(wait)

    def enter(self, site_id: int) -> None:
        """Count a record that a site is about to take. Raises TooMany."""
        wait = self._sites.take(site_id, self._clock())
        if wait:
            raise TooMany(wait)
