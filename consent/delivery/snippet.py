"""The lines that a site's owner pastes first into `<head>` (`docs/formats.md`, section 1)."""

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any, Literal

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
    """What to paste. `csp_hash` lets a site with a Content-Security-Policy of its own allow the inline scripts."""

    text: str
    core: str  # the core's text; empty in the variant `tag`
    csp_hash: str  # 'sha256-…' with its quotes, two of them in the variant `strict`; empty in the variant `tag`


def render(version: Version, config: Config, variant: Variant = "meta") -> Snippet:
    """The lines for a site. Constant until its necessary hosts, domains or cookie name change."""
    base = config.base_url
    if variant == "tag":
        return Snippet(f'<script async src="{escape(base)}/c/{version.resolved.site}.js"></script>', "", "")
    policy = strict_policy(version.resolved, base)
    core = _core(version, base, policy, strict=variant == "strict")
    scripts = [_inline(read_built("core.hooks"), {"CONSENT_CSP": policy}), core] if variant == "strict" else [core]
    below = _BELOW[variant].format(policy=escape(policy, quote=False).replace('"', "&quot;"))
    text = "".join(f"<script>{script}</script>\n" for script in scripts) + below
    return Snippet(text, core, " ".join(_csp_hash(script) for script in scripts))


def _csp_hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


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
    return _inline(read_built("core.strict" if strict else "core"), values)


def _inline(built: str, values: Mapping[str, Any]) -> str:
    """A built script with its values, safe inside a script element. Raises ValueError where it is not."""
    script = fill(built, values)
    if "<!--" in script or "</script" in script.lower():
        raise ValueError("An inline script would end its own element: build the widget again.")
    return script
