"""What the doors for events, pages and requests have in common: who publishes, who comes how often, who takes it."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from starlette.types import Scope

from consent.errors import StoreError
from consent.records.limits import Limits
from consent.records.published import Live, Published
from consent.telemetry.event import Batch
from consent.telemetry.head import Head, Reader, read_head
from consent.telemetry.intake import Intake
from consent.telemetry.sent import Outcome, Sent
from consent.telemetry.withdrawal import Withdrawals
from consent.web.address import place


class Reception(NamedTuple):
    """Receives what browsers and apps send. `now` is in ms."""

    published: Published
    intake: Intake
    limits: Limits
    reader: Reader
    withdrawals: Withdrawals
    now: Callable[[], int]

    def head(self, scope: Scope) -> Head:
        """The headers that matter."""
        peer = scope["client"][0] if scope["client"] else ""
        return read_head(scope["headers"], self.reader.region_header, peer)

    def enter(self, live: Live, head: Head) -> str:
        """The client's address; it is counted by place and site. Raises TooMany."""
        address = self.reader.address(head)
        self.limits.arrive(place(address), refuses=False)
        self.limits.enter(live.site.site_id)
        return address

    async def same(self, live: Live) -> Collection[str]:
        """Scopes that are as good as the current one; none where the store cannot tell."""
        await asyncio.sleep(0)  # what began without a task has one from here: the store is asked for a limited time
        try:
            return await self.intake.same(live.version)
        except StoreError:
            return frozenset()

    def take(
        self, live: Live, sent: Sent, batch: Batch, same: Collection[str], lost: Mapping[str, int] | None = None
    ) -> Outcome:
        """Take a batch as the intake does, and forget whoever withdrew by it."""
        outcome = self.intake.take(live, sent, batch, same=same, now=self.now(), lost=lost)
        if outcome.withdrew is not None:
            self.withdrawals.forget(live, outcome.withdrew)
        return outcome
