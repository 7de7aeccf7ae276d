"""Whether a change of policy means asking again: only where something was added or changed (EU-15)."""

from consent.policy.resolved import Resolved


def asks_again(old: Resolved, new: Resolved) -> bool:
    """Whether a choice about `old` leaves something open that `new` asks.

    What was removed, and what is told but not asked, never counts.
    """
    purposes = {p.key: (p.required, p.gpc) for p in old.purposes}
    if any(purposes.get(p.key) != (p.required, p.gpc) for p in new.purposes if not p.required):
        return True
    services = {s.key: s for s in old.services}
    for service in new.services:
        if new.is_necessary(service):
            continue
        before = services.get(service.key)
        if before is None or set(before.purposes) != set(service.purposes):
            return True
        if not set(before.sources).issuperset(service.sources):
            return True
    return False
