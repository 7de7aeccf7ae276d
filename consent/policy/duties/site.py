"""The site itself: where it is, who asks, in which languages, and under which laws."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from consent.policy.finding import Finding, warning
from consent.policy.policy import Policy
from consent.policy.suffixes import registrable_domain
from consent.policy.texts import load_texts
from consent.regimes.regime import load_regimes

MAX_ORIGINS = 50
#: What browsers send as `Origin`: lower case, names in their ASCII form.
_ORIGIN = re.compile(r"(https?)://([a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)

#: What `Domain` can be in a cookie: a name of two labels or more, with the dot before it that old habits put there.
_DOMAIN = re.compile(r"\.?[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*", re.ASCII)

#: Written by a front or edge (`docs/formats.md`, section 2).
REGIME_COOKIE = "consent_regime"

#: The service's own (`consent cookies` lists them).
_OURS = {f"consent-{kind}" for kind in ("visitor", "session", "customer", "account", "email", "provider")}

LONGEST_CHOICE = 365  # days; Czech guidance and German practice stop at twelve months


def check_origins(policy: Policy) -> Iterator[Finding]:
    """Origins are what the service accepts choices from, and what the strict policy leaves open."""
    if not 1 <= len(policy.origins) <= MAX_ORIGINS:
        yield Finding(
            "origins", f"A site has 1 to {MAX_ORIGINS} origins.", 'Write origins = ["https://www.example.com"].'
        )
    for index, origin in enumerate(policy.origins):
        yield from _origin(f"origins[{index}]", origin)


def _origin(path: str, origin: str) -> Iterator[Finding]:
    match = _ORIGIN.fullmatch(origin)
    if match is None or int(match[3] or 1) not in range(1, 65_536):
        yield Finding(
            path, f"{origin[:80]!r} is no origin.", "Write scheme, host and port only: https://www.example.com."
        )
    elif (match[1], match[3]) in (("http", "80"), ("https", "443")):
        remedy = f"Write {match[1]}://{match[2]}."
        yield Finding(path, "Browsers leave out the port that a scheme has anyway.", remedy)
    elif match[1] == "http" and not is_local(match[2].strip("[]")):
        yield warning(path, "Over http anyone on the way can change the page and the choice.", "Use https.")


def is_local(host: str) -> bool:
    """Whether a host is this machine's own, or one reserved for tests (RFC 6761)."""
    return host in ("localhost", "127.0.0.1", "::1") or host.endswith((".localhost", ".test"))


def check_controller(policy: Policy) -> Iterator[Finding]:
    """The first layer says who asks, with a link to more (EU-10)."""
    if not policy.controller.name.strip():
        yield Finding("controller.name", "Visitors must be told who asks.", "Write the name of the company or person.")
    for field in ("privacy_url", "imprint_url"):
        yield from check_link(f"controller.{field}", getattr(policy.controller, field), relative=True)
    if not policy.controller.privacy_url:
        yield warning(
            "controller.privacy_url",
            "The banner has no link to the privacy notice, which visitors must be able to read before they choose.",
            "Add the address of the page.",
        )


def check_link(path: str, url: str, *, relative: bool = False) -> Iterator[Finding]:
    """A link shown to visitors leads to a web page, and runs nothing."""
    if url == "" or (relative and url.startswith("/") and not url.startswith("//")):
        return
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or any(mark in url for mark in " <>\"'\\"):
        yield Finding(
            path, "This is not the address of a web page.", "Write it in full: https://www.example.com/privacy."
        )


def check_choice(policy: Policy) -> Iterator[Finding]:
    """How long and where a choice is kept."""
    if policy.days > LONGEST_CHOICE:
        yield warning("days", "A choice kept for more than a year is not fresh consent any more.", "180 is usual.")
    yield from _cookie_domain(policy)
    yield from _cookie_name(policy)


def _cookie_domain(policy: Policy) -> Iterator[Finding]:
    """Browsers take a cookie for the page's own host and for the domains above it that somebody registered."""
    path, domain = "cookie.domain", policy.cookie.domain.removeprefix(".")
    if not policy.cookie.domain:
        return
    if _DOMAIN.fullmatch(policy.cookie.domain) is None:
        remedy = "Write a name in small letters, such as example.com, or leave it out."
        yield Finding(path, f"{policy.cookie.domain[:80]!r} is no domain.", remedy)
        return
    registrable = registrable_domain(domain)
    hosts = [urlsplit(origin).hostname or "" for origin in policy.origins if _ORIGIN.fullmatch(origin)]
    if any(host != domain and not host.endswith(f".{domain}") for host in hosts):
        yield Finding(path, f"Not every origin is within {domain}.", "Leave it out, or name their common domain.")
    elif registrable is None or (domain != registrable and not domain.endswith(f".{registrable}")):
        yield Finding(path, f"{domain} belongs to many; browsers refuse such a cookie.", "Leave it out.")


def _cookie_name(policy: Policy) -> Iterator[Finding]:
    """Prefixes by which browsers refuse a cookie (RFC 6265bis, 4.1.3), in capitals or not."""
    path, name = "cookie.name", policy.cookie.name.lower()
    if name == REGIME_COOKIE:
        yield Finding(path, f"{policy.cookie.name} is the cookie that says the visitor's regime.", "Use another name.")
    elif name.removeprefix("__host-") in _OURS:
        yield Finding(path, f"{policy.cookie.name} is a cookie that this service sets itself.", "Use another name.")
    elif name.startswith(("__http-", "__host-http-")):
        sentence = f"The page cannot read a cookie named {policy.cookie.name}, and it must read the choice."
        yield Finding(path, sentence, "Use a name without that prefix.")
    elif name.startswith(("__host-", "__secure-")) and any(not o.startswith("https:") for o in policy.origins):
        sentence = f"Browsers refuse a cookie named {policy.cookie.name} over http, and not every origin is https."
        yield Finding(path, sentence, "Use a name without that prefix, or https alone.")
    elif name.startswith("__host-") and policy.cookie.domain:
        sentence = f"Browsers refuse a cookie named {policy.cookie.name} that has a domain."
        yield Finding(path, sentence, "Use a name without __Host-, or leave out cookie.domain.")


def check_languages(policy: Policy) -> Iterator[Finding]:
    """A language of the site has texts (EU-17)."""
    if not policy.languages:
        yield Finding("languages", "A site has at least one language.", 'Write languages = ["en"].')
    shipped = load_texts()
    for index, language in enumerate(policy.languages):
        if language not in shipped and language not in policy.texts:
            yield warning(
                f"languages[{index}]",
                f"There are no texts in {language}; visitors see {policy.languages[0]} instead.",
                f"Add [texts.{language}], or use one of {', '.join(shipped)}.",
            )


def check_regimes(policy: Policy) -> Iterator[Finding]:
    """Laws are known, and a visitor of unknown place is treated by one that applies."""
    known = load_regimes()
    enabled = known.keys() if policy.regimes.enabled is None else policy.regimes.enabled
    for index, key in enumerate(policy.regimes.enabled or ()):
        if key not in known:
            yield Finding(f"regimes.enabled[{index}]", f"No law is called {key}.", f"Known are {', '.join(known)}.")
    if policy.regimes.default not in enabled or policy.regimes.default not in known:
        sentence = f"{policy.regimes.default} is the default but does not apply."
        yield Finding("regimes.default", sentence, f"Use one of {', '.join(enabled)}.")
    elif known[policy.regimes.default].model == "opt-out":
        yield warning(
            "regimes.default",
            "A visitor whose place is unknown is tracked before being asked, Europeans among them.",
            'Use default = "eu".',
        )


def check_everything(policy: Policy) -> Iterator[Finding]:
    """Whether "accept" means what the banner lists."""
    if policy.after_accept == "everything":
        yield warning(
            "after_accept",
            "After 'accept all' nothing is blocked, also not third parties that the banner does not name.",
            'Use after_accept = "declared".',
        )
