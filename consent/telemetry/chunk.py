"""What a chunk of hits makes of the log: rows and cells, worked out before anything is written. Pure."""

from collections.abc import Callable, Mapping, Sequence

from consent.db import Row, Statement, Value
from consent.telemetry import queries
from consent.telemetry.hit import VIEW, EventRow, Hit
from consent.telemetry.rollup import Sums
from consent.telemetry.session import Session, grown, opened

MANY = 64
"""Events of a chunk whose cells are not added to the rollups at once: chunks of such a size overlap."""

Key = tuple[int, str]
"""A site and the id of a session or a visitor."""


class Chunk:
    """Hits are added one after another. `before`: the sessions of them that there are."""

    def __init__(self, before: Mapping[Key, Session]) -> None:
        self._before = before
        self.sessions: dict[Key, Session] = {}
        self.events: list[tuple[Session, EventRow]] = []
        self._visitors: dict[Key, Row] = {}
        self._known: set[Key] = set()
        self._sums: dict[int, Sums] = {}

    def add(self, hit: Hit, new: Sequence[EventRow], opens_day: bool) -> None:
        """Add a hit with those of its events that are not there yet."""
        key = (hit.site_id, hit.session)
        was = self.sessions.get(key) or self._before.get(key)
        became = grown(was or opened(hit, opens_day), hit.facts, new)
        opens = was is None and not hit.events  # what only repeats what is there opens no session
        if new or opens or (was is not None and (became != was or hit.customer)):
            self._sums.setdefault(hit.site_id, Sums()).growth(was, became, new)
            self.sessions[key] = became
            self.events += [(became, event) for event in new]
            self._visit(hit, became, new)
            if key in self._before:
                self._known.add((hit.site_id, hit.visitor))

    def statements(
        self, counts: Mapping[int, Sums], dropped: Sequence[Row], new_id: Callable[[], str]
    ) -> list[Statement]:
        """What writes it all, with anonymous counts by site and what was dropped."""
        cells: list[tuple[Value, ...]] = []
        uncounted: list[Row] = []
        for site_id, own in sorted(self._sums.items()):
            if len(self.events) < MANY:
                cells += own.rows(site_id, "full")
            else:
                uncounted.append({"site_id": site_id, "id": new_id(), "cells": own.text()})
        cells += [row for site_id, own in sorted(counts.items()) for row in own.rows(site_id, "count")]
        return queries.adding(
            visitors=[row for key, row in self._visitors.items() if key not in self._known],
            sessions=[session for key, session in self.sessions.items() if key not in self._before],
            known_visitors=[row for key, row in self._visitors.items() if key in self._known],
            grown_sessions=[session for key, session in self.sessions.items() if key in self._before],
            events=self.events,
            cells=cells,
            uncounted=uncounted,
            dropped=dropped,
        )

    def _visit(self, hit: Hit, session: Session, new: Sequence[EventRow]) -> None:
        """What these events of a session make of their visitor."""
        key = (hit.site_id, hit.visitor)
        row = self._visitors.get(key)
        if row is None:
            row = self._visitors[key] = {
                "site_id": hit.site_id, "id": hit.visitor, "first": hit.first, "last": 0, "visits": 0, "views": 0,
                "customer": "", "customer_fields": "", "leaving": False,
            }  # fmt: skip
        row["last"] = max(row["last"], session.last)
        row["visits"] = max(row["visits"], hit.visit)
        row["views"] += sum([event.event == VIEW for event in new])
        if hit.customer:
            row["customer"], row["customer_fields"] = hit.customer, hit.customer_fields
