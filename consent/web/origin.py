"""Whether a request that a cookie vouches for was begun on one of our own pages: no forged one is (CSRF).

After Filippo Valsorda, "Cross-Site Request Forgery" (2025): browsers say in Sec-Fetch-Site where a request was begun,
and where they do not (plain http), its Origin is the Host it goes to. No tokens, nothing to keep.
"""

from collections.abc import Mapping

from consent.errors import Forbidden


def check_ours(headers: Mapping[str, str]) -> None:
    """Raises Forbidden for a request that was begun elsewhere, or that does not say where."""
    if not is_ours(headers):
        raise Forbidden(
            "foreign_page",
            "This was not sent from a page of this service.",
            "Go to the page and send it from there; programs send a token instead of a cookie.",
        )


def is_ours(headers: Mapping[str, str]) -> bool:
    """Whether a request was begun on our own pages, after what a browser says and no script can alter."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    host = headers.get("host", "").lower()
    return bool(host) and headers.get("origin", "").lower() in (f"http://{host}", f"https://{host}")
