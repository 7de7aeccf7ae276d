"""Services: what is told of each, and which may be called strictly necessary."""

import re
from collections.abc import Iterator, Mapping

from consent.catalogue.service import Service
from consent.policy.duties.site import check_link
from consent.policy.finding import Finding, warning
from consent.policy.policy import Policy
from consent.policy.resolved import Resolved, ResolvedService
from consent.policy.telemetry import VISITS

MAX_SERVICES = 300

#: Characters that a choice cookie may have for decisions (`docs/formats.md`, section 2: 3,000 with the rest).
MAX_DECISIONS = 2900

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)


def check_services(policy: Policy, resolved: Resolved, catalogue: Mapping[str, Service]) -> Iterator[Finding]:
    """Each service says what it is, what it keeps for how long and who receives it (EU-11)."""
    if len(resolved.services) > MAX_SERVICES:
        yield Finding("services", f"A site declares at most {MAX_SERVICES} services.", "Remove those it does not load.")
    decisions = sum(len(s.key) + 3 for s in resolved.services) + sum(len(p.key) + 3 for p in resolved.purposes)
    if decisions > MAX_DECISIONS:
        sentence = "The keys are so long that a choice about each service would not fit into the cookie."
        yield Finding("services", sentence, "Use shorter keys, or fewer services.")
    for service in resolved.services:
        if service.key == VISITS and policy.telemetry:
            continue  # ours, with duties of its own
        path = f"services.{service.key}"
        yield from _facts(path, service, {purpose.key for purpose in resolved.purposes})
        yield from _cookies(path, service)
        yield from _params(path, policy, catalogue.get(service.key))
        if resolved.is_necessary(service):
            yield from _necessary(path, service, catalogue.get(service.key))


def _facts(path: str, service: ResolvedService, purposes: set[str]) -> Iterator[Finding]:
    for field in ("name", "provider", "privacy_url"):
        if not getattr(service, field).strip():
            yield Finding(f"{path}.{field}", "This is empty.", "Visitors must be told.")
    if not _COUNTRY.fullmatch(service.country):
        yield Finding(
            f"{path}.country", f"{service.country!r} is no country code.", "Write two letters, such as DE or US."
        )
    if not service.purposes:
        yield Finding(f"{path}.purposes", "A service has at least one purpose.", f"Use {', '.join(sorted(purposes))}.")
    for purpose in service.purposes:
        if purpose not in purposes:
            sentence = f"The policy has no purpose {purpose}."
            yield Finding(
                f"{path}.purposes", sentence, f"Override it with one of {', '.join(sorted(purposes))}, or add it."
            )
    yield from check_link(f"{path}.privacy_url", service.privacy_url)
    yield from check_link(f"{path}.source", service.source)


def _cookies(path: str, service: ResolvedService) -> Iterator[Finding]:
    for index, cookie in enumerate(service.cookies):
        place = f"{path}.cookies[{index}]"
        if not cookie.name.strip("* "):
            yield Finding(f"{place}.name", "A cookie needs a name besides wildcards.", "Write its name.")
        if not cookie.duration.strip():
            sentence = f"The cookie {cookie.name} has no duration; visitors must be told it (CJEU C-673/17)."
            yield Finding(f"{place}.duration", sentence, 'Write duration = "13 months", or "session".')
        if not cookie.recipient.strip():
            sentence = (
                f"The cookie {cookie.name} has no recipient; visitors must be told who has access (CJEU C-673/17)."
            )
            yield Finding(f"{place}.recipient", sentence, "Write recipient = …, or the service's provider.")


def _params(path: str, policy: Policy, known: Service | None) -> Iterator[Finding]:
    entry = policy.services[path.removeprefix("services.")]
    hosts = entry.hosts if entry.hosts is not None else known.hosts if known else ()
    for name, values in (entry.params or {}).items():
        if not any(f"{{{name}}}" in host for host in hosts):
            yield Finding(f"{path}.params.{name}", f"No host has {{{name}}}.", "Remove it.")
        if not values:
            yield Finding(f"{path}.params.{name}", "This list is empty, so hosts with it vanish.", "Add a value.")


def _necessary(path: str, service: ResolvedService, known: Service | None) -> Iterator[Finding]:
    """Only what the visitor asked for may run unasked, and the site must say why it is that (EU-13)."""
    if service.tracker or (known is not None and known.is_tracker):
        sentence = f"{service.name} is a known tracker and cannot be strictly necessary."
        yield Finding(f"{path}.purposes", sentence, "Give it an optional purpose.")
        return
    if not any(reason.strip() for reason in service.reason.values()):
        sentence = f"{service.name} is called strictly necessary without a reason."
        yield Finding(
            f"{path}.reason", sentence, "Write reason = … for visitors and auditors, or give it another purpose."
        )
    if known is not None and not service.necessary_possible:
        sentence = f"{service.name} is not usually strictly necessary; a regulator will ask why it is here."
        yield warning(f"{path}.purposes", sentence, "Give it an optional purpose, unless a visitor asked for it.")
