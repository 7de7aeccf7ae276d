"""Where a visitor was, by an address alone: for requests that are over, whose connections cannot be asked."""

from consent.regimes.geo import Place
from consent.regimes.visit import Visits
from consent.visitors.place import Places


class Whereabouts:
    """Asks the regimes' database first, so that the law is the one the visitor was asked under; then the others."""

    def __init__(self, visits: Visits, places: Places) -> None:
        self._visits = visits
        self._places = places

    def place(self, address: str, now: int) -> Place | None:
        """Where an address is; None where no database says. `now` is in ms."""
        found = self._visits.place(address, (), ()) if address else None
        if found is not None:
            return found
        spot = self._places.place(address, now)
        return Place(spot.country, spot.region or None) if spot.country else None
