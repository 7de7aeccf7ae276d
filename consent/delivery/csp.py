"""The strict policy: what a page may load while nothing is granted (`docs/formats.md`, section 1)."""

from consent.policy.resolved import Resolved
from consent.policy.sources import own_sources

#: Inline code, eval, `data:` and `blob:` keep working undecided: the page's own code is not ours to break.
_OPEN = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"


def strict_policy(resolved: Resolved, base_url: str) -> str:
    """The one directive that holds before any choice. Nothing else: no form-action, base-uri or frame-ancestors."""
    return " ".join([_OPEN, *own_sources(resolved, base_url)])
