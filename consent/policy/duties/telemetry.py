"""The visitors' log: asked for, never necessary, and no wider than the site says why."""

from collections import Counter
from collections.abc import Iterator

from consent.policy.finding import Finding, warning
from consent.policy.policy import Policy, Telemetry
from consent.policy.resolved import default_entries
from consent.policy.telemetry import VISITS

MAX_FIELDS = 10
"""Fields of a customer: no more than their cookie holds."""

MAX_NAMES = 50
"""Query parameters, apps, or names of events."""

MAX_APP = 100

LONG = 395
"""Days. CNIL's sheet 16 wants what is kept longer than the 13 months of the visitor's cookie to be thought over."""

SPEAKING = frozenset(
    {
        "address", "auth", "birthday", "code", "email", "e-mail", "firstname", "key", "lastname", "mail", "name",
        "pass", "password", "phone", "pwd", "secret", "session", "sid", "street", "surname", "tel", "token",
    }
)  # fmt: skip
"""Names of parameters and fields that hold who somebody is, or what opens their account."""


def check_telemetry(policy: Policy) -> Iterator[Finding]:
    """What [telemetry] asks is optional, named once, and bounded."""
    if policy.telemetry is None:
        return
    if VISITS in policy.services:
        sentence = f"{VISITS} is the service that [telemetry] brings."
        yield Finding(f"services.{VISITS}", sentence, "Give your own service another key.")
    yield from _purpose(policy, policy.telemetry)
    yield from _address(policy.telemetry)
    yield from _names(policy.telemetry)
    if policy.telemetry.days > LONG:
        yield warning(
            "telemetry.days", "Rows are kept for more than 13 months.", "Reports read totals, which stay: 365 is usual."
        )


def _purpose(policy: Policy, telemetry: Telemetry) -> Iterator[Finding]:
    """Telling visitors apart is never what they asked for (EU-13)."""
    entries = {entry.key: entry for entry in policy.purposes or default_entries()}
    asked = [key for key, entry in entries.items() if not (key == "necessary" or entry.required)]
    if telemetry.purpose not in entries:
        sentence = f"The policy has no purpose {telemetry.purpose}."
        yield Finding("telemetry.purpose", sentence, f"Use one of {', '.join(asked)}, or add it.")
    elif telemetry.purpose not in asked:
        sentence = f"{telemetry.purpose} is not asked, and recognising visitors needs consent."
        yield Finding("telemetry.purpose", sentence, f"Use one of {', '.join(asked)}.")
    if VISITS in entries:
        sentence = f"{VISITS} is the service that [telemetry] brings; get('{VISITS}') would be unclear."
        yield Finding("purposes", sentence, "Rename the purpose.")


def _address(telemetry: Telemetry) -> Iterator[Finding]:
    """A whole address needs a reason and an end of its own."""
    told = bool(telemetry.address_reason.strip()), bool(telemetry.address_days)
    if telemetry.address == "full":
        if not told[0]:
            sentence = "Addresses are kept in full without a reason."
            yield Finding("telemetry.address_reason", sentence, 'Write why, or use address = "truncated".')
        if not told[1]:
            sentence = "Addresses are kept in full without an end."
            yield Finding("telemetry.address_days", sentence, 'Write for how many days, or use address = "truncated".')
    elif any(told):
        sentence = "A reason and days are for addresses that are kept in full."
        yield Finding(
            "telemetry.address", sentence, 'Remove address_reason and address_days, or write address = "full".'
        )
    if telemetry.address == "full" and telemetry.address_days > telemetry.days:
        sentence = "Addresses would be kept longer than the rows they belong to."
        yield Finding("telemetry.address_days", sentence, f"Use at most {telemetry.days}.")


def _names(telemetry: Telemetry) -> Iterator[Finding]:
    for field, most in (("query", MAX_NAMES), ("apps", MAX_NAMES), ("customer", MAX_FIELDS), ("events", MAX_NAMES)):
        names: tuple[str, ...] = getattr(telemetry, field)
        if len(names) > most:
            yield Finding(f"telemetry.{field}", f"There are more than {most}.", "Remove those you can do without.")
        for index, name in enumerate(names):
            path = f"telemetry.{field}[{index}]"
            if Counter(names)[name] > 1:
                yield Finding(path, f"{name} is there more than once.", "Keep one of them.")
            elif field in ("query", "customer") and name.lower() in SPEAKING:
                sentence = f"{name} is likely to say who somebody is, or to open their account."
                yield warning(path, sentence, "Leave it out, unless visitors are told.")
    for index, name in enumerate(telemetry.apps):
        if not name.strip() or len(name) > MAX_APP or not name.isprintable():
            yield Finding(f"telemetry.apps[{index}]", "This is no app's name.", f"Write up to {MAX_APP} letters.")
