"""What an answer does to the browser's cookies: it keeps the choice, and removes what refused services left there.

Only where the site's own pages and this answer share a host; elsewhere the widget does what a script can.
"""

from functools import lru_cache

from consent.policy.resolved import Resolved
from consent.policy.suffixes import registrable_domain
from consent.records.cookie import decode
from consent.records.decision import Settled
from consent.records.traces import traces
from consent.web.setcookie import set_cookie

SECONDS = 86_400

ROOM = 3_072
"""Bytes for all `Set-Cookie` lines: with the other headers less than 4 kB, for a proxy as it comes drops a larger head
(nginx, `proxy_buffer_size`). Traces beyond it are removed with the next choice."""

_LINE = len("set-cookie: \r\n")


def cookies(resolved: Resolved, settled: Settled, today: int, *, host: str, sent: str, secure: bool) -> list[str]:
    """The `Set-Cookie` headers of an answer, that of the choice first.

    Args:
        resolved: what the site asks now.
        settled: the choice.
        today: days since 1970, UTC. The choice holds from its own day on, and a late repetition does not prolong it.
        host: the request's Host.
        sent: the request's `Cookie` headers, joined by "; ".
        secure: whether the page came over https.

    Raises ValueError when the policy's cookie is none that can be written.
    """
    domain = resolved.cookie.domain.removeprefix(".")  # stored policies of earlier versions may have it
    age = min(max(0, settled.day + settled.lasts - today), settled.lasts) * SECONDS
    headers = [_written(resolved.cookie.name, settled.cookie, age, domain, secure)]
    choice = decode(settled.cookie) if settled.extent != "everything" else None
    room = ROOM - _LINE - len(headers[0])
    for name in traces(resolved, choice, sent) if choice else ():
        for place in ("", *domains(host)):
            header = removal(name, place, secure=secure)
            room -= _LINE + len(header) if header else 0
            if room < 0:
                return headers
            headers += [header] if header else []
    return headers


def removal(name: str, domain: str, *, secure: bool) -> str:
    """The header that removes a cookie; empty where there can be no such cookie."""
    try:
        return set_cookie(name, "", max_age=0, domain=domain, secure=secure)
    except ValueError:
        return ""


@lru_cache(maxsize=1_024)
def domains(host: str) -> tuple[str, ...]:
    """The domains that cookies of this host are set under: the registrable one, and its own name."""
    name = host.lower().partition(":")[0]
    if name.replace(".", "").isdecimal() or "." not in name or len(name) > 253:
        return ()
    return tuple(dict.fromkeys([registrable_domain(name) or name, name]))


@lru_cache(maxsize=1_024)
def _written(name: str, value: str, age: int, domain: str, secure: bool) -> str:
    return set_cookie(name, value, max_age=age, domain=domain, secure=secure)
