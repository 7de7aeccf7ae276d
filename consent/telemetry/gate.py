"""How far the visitors' log may go for one visitor: not at all, an anonymous count, or rows. Pure.

The decision on the page is the twin's, `widget/src/rules.js` and `store.js`: both pass `tests/vectors/gate.json`.
"""

from collections.abc import Collection, Sequence
from typing import Literal

from consent.policy.queries import Version
from consent.policy.resolved import Resolved, ResolvedService
from consent.policy.sources import GRANTED, granted_keys
from consent.policy.telemetry import VISITS
from consent.records.cookie import Choice
from consent.records.lifetime import law as followed
from consent.records.lifetime import lifetime

Level = Literal["nothing", "count", "full"]

EARLY = 1
"""Days that a choice may lie ahead: the visitor's clock made its date."""


def level(
    version: Version,
    choice: Choice | None,
    *,
    exempt: bool,
    gpc: bool,
    today: int,
    same: Collection[str],
    law: str = "",
) -> Level:
    """What may be kept of a visitor at this moment.

    A refusal counts whatever became of the policy since, and however old it is. A grant counts while it is in force:
    under this policy's scope, in its time, and under the law it was made for where it is only a default.

    Args:
        version: what the site publishes now.
        choice: what the visitor said; None where nothing is known of it.
        exempt: whether the visitor's law exempts an anonymous count.
        gpc: whether the browser sends the Global Privacy Control signal.
        today: days since 1970, UTC.
        same: older scopes under which a choice is worth as much as under this one (`policy.queries.since`).
        law: the key of the visitor's law; empty for the site's default.
    """
    resolved = version.resolved
    service = visits(resolved)
    if service is None or resolved.telemetry is None or (choice is not None and refuses(choice, service.purposes)):
        return "nothing"
    valid = choice if choice is not None and _holds(choice, version, today, same, law) else None
    if gpc and is_covered(resolved, service.purposes) and not (valid is not None and valid.gpc):
        return "nothing"
    if valid is not None and granted_keys([service], resolved.required_purposes, valid.purposes, valid.services):
        return "full"
    return "count" if exempt and resolved.telemetry.counts else "nothing"


def visits(resolved: Resolved) -> ResolvedService | None:
    """The service that the log is; None where the site keeps none."""
    if resolved.telemetry is None:
        return None
    return next((service for service in reversed(resolved.services) if service.key == VISITS), None)


def refuses(choice: Choice, purposes: Sequence[str]) -> bool:
    """Whether a choice says no: to the service, or to a purpose of it without letting it run by itself."""
    said = choice.services.get(VISITS)
    if said is not None:
        return said != GRANTED
    return any(choice.purposes.get(key, GRANTED) != GRANTED for key in purposes)


def is_covered(resolved: Resolved, purposes: Sequence[str]) -> bool:
    """Whether the signal refuses a purpose of the log."""
    return any(purpose.gpc and not purpose.required and purpose.key in purposes for purpose in resolved.purposes)


def _holds(choice: Choice, version: Version, today: int, same: Collection[str], law: str) -> bool:
    """Whether a grant in it is in force."""
    resolved = version.resolved
    applies = followed(resolved, law)
    grants = GRANTED in choice.purposes.values() or GRANTED in choice.services.values()
    lasts = lifetime(resolved, applies.key, grants=grants)
    if not -EARLY <= today - choice.day < lasts or (choice.scope != version.scope and choice.scope not in same):
        return False
    if choice.regime:
        return applies.model == "opt-out" and applies.key == choice.regime
    return applies.model == "opt-out" or _is_complete(choice, resolved)


def _is_complete(choice: Choice, resolved: Resolved) -> bool:
    """Whether every purpose that is asked was decided: else the visitor is asked again, and until then nothing runs."""
    return all(purpose.required or purpose.key in choice.purposes for purpose in resolved.purposes)
