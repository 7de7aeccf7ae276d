"""What a choice that does not let the log go on means for it: our cookies are taken away, the visitor is forgotten."""

import logging
from collections.abc import Callable

from consent.policy.sources import granted_keys
from consent.records.cookie import decode
from consent.records.decision import Settled
from consent.records.published import Live
from consent.telemetry.door import Door
from consent.telemetry.gate import visits
from consent.telemetry.standing import OURS
from consent.visitors.cookies import Jar, Standing, digest, parse, removals, where_is
from consent.visitors.visit import DAY, LASTS, Visitor

_log = logging.getLogger(__name__)


class Withdrawals:
    """Hears of every choice that was recorded, and of events that come with a refusal. `now` is in ms."""

    def __init__(self, door: Door, jar: Jar, now: Callable[[], int]) -> None:
        self._door = door
        self._jar = jar
        self._now = now

    def after(self, live: Live, settled: Settled, origin: bytes, host: bytes, cookies: bytes) -> list[str]:
        """What a choice means; `Set-Cookie` values for its answer. Never raises: a choice is never held up by this."""
        if b"consent-" not in cookies:
            return []
        try:
            return self._after(live, settled, origin, host, cookies.decode("latin-1"))
        except Exception:
            _log.exception("what a choice means for the visitors' log could not be done")
            return []

    def forget(self, live: Live, visitor: Visitor, *, asked: bool = False) -> None:
        """A visitor withdrew, or asked that all be deleted: that holds whatever the policy says of withdrawals."""
        terms = live.version.resolved.telemetry
        rows = asked or terms is None or terms.forget
        if not asked and self._door.is_forgotten(live.site.site_id, digest(visitor.id)):
            return  # a browser that kept its cookies all the same
        self._door.forget(live.site.site_id, visitor.id.hex(), (visitor.first + LASTS) * DAY, rows=rows)

    def forget_known(self, site_id: int, visitor: str) -> None:
        """An operator deletes a visitor (32 hex digits) who asked for it by letter: their cookies are nobody's now."""
        self._door.forget(site_id, visitor, (self._now() // DAY + LASTS) * DAY, rows=True)

    def _after(self, live: Live, settled: Settled, origin: bytes, host: bytes, header: str) -> list[str]:
        sent = parse(header)
        if OURS.isdisjoint(sent) or _goes_on(live, settled):
            return []
        secure = origin.startswith(b"https:")
        found = self._jar.read(sent, Standing(live.site.key, True, secure=secure), self._now())  # only to be forgotten
        if found.visitor:
            self.forget(live, found.visitor)
        return removals(where=where_is(origin, host), secure=secure)


def _goes_on(live: Live, settled: Settled) -> bool:
    """Whether the choice lets the service of the log run."""
    resolved = live.version.resolved
    service, choice = visits(resolved), decode(settled.cookie)
    if service is None or choice is None:
        return False
    return bool(granted_keys([service], resolved.required_purposes, choice.purposes, choice.services))
