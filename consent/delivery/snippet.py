"""The lines that a site's owner pastes first into `<head>` (`docs/formats.md`, section 1)."""

import base64
import hashlib
from html import escape
from typing import Literal

import msgspec

from consent.config import Config
from consent.delivery.built import read_built
from consent.delivery.csp import strict_policy
from consent.delivery.fill import fill
from consent.policy.queries import Version

Variant = Literal["meta", "strict", "tag"]

#: Bytes of the core as pasted; beyond it the page's first bytes carry more of us than of the page.
CORE_LIMIT = 2000


class Snippet(msgspec.Struct, frozen=True):
    """What to paste. `csp_hash` lets a site with a Content-Security-Policy of its own allow the core."""

    text: str
    core: str  # the script's text; empty in the variant `tag`
    csp_hash: str  # 'sha256-…' with its quotes; empty in the variant `tag`


def render(version: Version, config: Config, variant: Variant = "meta") -> Snippet:
    """The lines for a site. Constant until its necessary hosts, domains or cookie name change."""
    base = config.base_url
    if variant == "tag":
        return Snippet(f'<script async src="{escape(base)}/c/{version.resolved.site}.js"></script>', "", "")
    policy = strict_policy(version.resolved, base)
    core = _core(version, base, policy, strict=variant == "strict")
    digest = base64.b64encode(hashlib.sha256(core.encode()).digest()).decode()
    below = _BELOW[variant].format(policy=escape(policy, quote=False).replace('"', "&quot;"))
    return Snippet(f"<script>{core}</script>\n{below}", core, f"'sha256-{digest}'")


_META = '<meta http-equiv="Content-Security-Policy" content="{policy}">'
_BELOW = {
    "meta": _META,
    # Scanners read <plaintext> and stop; the parser never sees it, for the core has swallowed the line (report T17h).
    "strict": f'<noscript>{_META}<!--</noscript><plaintext style="display:none"><!-- -->',
}


def _core(version: Version, base: str, policy: str, *, strict: bool) -> str:
    values = {
        "CONSENT_BASE": base,
        "CONSENT_SITE": version.resolved.site,
        "CONSENT_COOKIE": version.resolved.cookie.name,
        "CONSENT_CSP": policy,
        "CONSENT_EVERYTHING": version.resolved.after_accept == "everything",
    }
    core = fill(read_built("core.strict" if strict else "core"), values)
    if "<!--" in core or "</script" in core.lower():
        raise ValueError("The core would end its own script element: build the widget again.")
    return core
