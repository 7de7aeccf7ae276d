"""Sources: what opens what. A prefix that two share is open for both."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from consent.catalogue.service import Service
from consent.catalogue.source import covers, fault, split
from consent.policy.finding import Finding, warning
from consent.policy.resolved import Resolved, ResolvedService
from consent.policy.sources import domain_sources
from consent.policy.suffixes import registrable_domain

MAX_SOURCES = 3000  # of all services together; a list of 3,000 is about 90 kB in the visitor's storage

Placed = tuple[str, str]  # path in the policy, source


def check_sources(resolved: Resolved, catalogue: Mapping[str, Service]) -> Iterator[Finding]:
    """What may load without being asked opens nothing that must be asked, and prefixes are as narrow as they can be."""
    necessary = [(f"necessary[{index}]", source) for index, source in enumerate(resolved.necessary)]
    declared = [placed for service in resolved.services for placed in _placed(service)]
    if len(declared) > MAX_SOURCES:
        yield Finding("services", f"The services have more than {MAX_SOURCES} sources.", "Use fewer, wider prefixes.")
    faults = [found for placed in necessary + declared for found in _spelling(*placed)]
    yield from faults
    if faults:
        return
    open_always = necessary + [p for s in resolved.services if resolved.is_necessary(s) for p in _placed(s)]
    yield from _opened(open_always, resolved)
    yield from _trackers(open_always, resolved, catalogue)
    yield from _own(resolved)
    yield from _undeclared(resolved, catalogue)
    yield from _wide(declared, catalogue)


def _placed(service: ResolvedService) -> list[Placed]:
    return [(f"services.{service.key}.hosts[{index}]", source) for index, source in enumerate(service.sources)]


def _spelling(path: str, source: str) -> Iterator[Finding]:
    said = fault(source)
    if said is None and "*" in source and registrable_domain(_host(source)) is None:
        said = f"opens everything below {_host(source)}, which belongs to many"
    if said is not None:
        yield Finding(path, f"{source!r} {said}.", "Write it as in the service's own documentation, without scheme.")


def _host(source: str) -> str:
    return split(source)[1].removeprefix("*.").partition(":")[0]


def _opened(open_always: list[Placed], resolved: Resolved) -> Iterator[Finding]:
    """A source that is always open must not hold the source of a service that is asked."""
    for path, source in open_always:
        for service in resolved.services:
            if not resolved.is_necessary(service) and any(covers(source, own) for own in service.sources):
                sentence = f"{source} is always open, and {service.name}, which must be asked, loads from it."
                yield Finding(path, sentence, "Narrow it to the path that is truly necessary.")


def _trackers(open_always: list[Placed], resolved: Resolved, catalogue: Mapping[str, Service]) -> Iterator[Finding]:
    """A known tracker is not made necessary by naming its host (EU-13)."""
    declared = {service.key for service in resolved.services}
    trackers = [service for service in catalogue.values() if service.is_tracker]
    for path, source in open_always:
        for tracker in trackers:
            if any(covers(own, source) for own in tracker.sources):
                sentence = (
                    f"{source} is where {tracker.name}, a known tracker, loads from; it is not strictly necessary."
                )
                yield Finding(path, sentence, f"Declare [services.{tracker.key}] with an optional purpose.")
            elif tracker.key not in declared and any(covers(source, own) for own in tracker.sources):
                sentence = f"{source} is always open, also for {tracker.name} if the page loads it."
                yield warning(path, sentence, "Narrow it to the path that is truly necessary.")


def _own(resolved: Resolved) -> Iterator[Finding]:
    """The site's own domain is never blocked, so a tracker under it cannot be."""
    own = [source for origin in resolved.origins for source in domain_sources(origin)]
    for service in resolved.services:
        if resolved.is_necessary(service):
            continue
        for path, source in _placed(service):
            if any(covers(mine, source) for mine in own):
                sentence = f"{source} lies in the site's own domain, which the snippet leaves open."
                yield warning(path, sentence, f'Mark its elements with type="text/plain" data-service="{service.key}".')


def _undeclared(resolved: Resolved, catalogue: Mapping[str, Service]) -> Iterator[Finding]:
    """A prefix that a service not declared here uses too opens for that one as well."""
    declared = {service.key for service in resolved.services}
    for service in resolved.services:
        for other in catalogue.values():
            if other.key in declared or set(other.purposes) <= set(service.purposes):
                continue
            path = next((path for path, s in _placed(service) if any(covers(s, own) for own in other.sources)), None)
            if path:
                sentence = f"Granting {service.name} opens {other.name} too, which is not declared here."
                yield warning(path, sentence, f"Declare [services.{other.key}] if the page loads it.")


def _wide(declared: list[Placed], catalogue: Mapping[str, Service]) -> Iterator[Finding]:
    """A wildcard of the owner's over a whole vendor's domain opens whatever else the vendor does."""
    tenants: dict[str, set[str]] = defaultdict(set)
    for known in catalogue.values():
        for source in known.sources:
            tenants[registrable_domain(_host(source)) or ""].add(known.key)
    for path, source in declared:
        _, host, tail = split(source)
        domain = registrable_domain(_host(source)) or ""
        key = path.split(".")[1]
        others = tenants[domain] - {key}
        if key in catalogue and source in catalogue[key].sources:
            continue  # the vendor's own documentation asks for it; `_undeclared` says what else that opens
        if host.startswith("*.") and tail in ("", "/") and _host(source) == domain and others:
            sentence = f"{source} opens a whole domain, where {', '.join(sorted(others)[:3])} are too."
            yield warning(path, sentence, "Write the hosts and paths that the service needs.")
