"""Pages for who signs in: one layout, one style sheet, one script, and a policy that allows no other."""

from functools import cache
from typing import Any

import jinja2
import msgspec
from starlette.responses import HTMLResponse

from consent.web.assets import ASSETS
from consent.web.figures import FILTERS

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
"""No inline script, no inline style, no `style` attribute, no foreign host."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

PAGES = (
    ("overview", "Overview"),
    ("consent", "Consent"),
    ("log", "Log"),
    ("visits", "Visits"),
    ("services", "Services"),
    ("health", "Health"),
    ("site", "Site"),
)
"""Pages of a site in the order of the menu: their key in `/sites/SITE/KEY`, and their name."""


class Link(msgspec.Struct, frozen=True):
    """A way to another page."""

    href: str
    text: str
    current: bool = False


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around a page.

    Args:
        account: who is signed in, as they are called; empty when nobody is.
        role: what they may do, in a word; shown beside their name.
        sites: keys of the sites that they may look at.
        site: key of the site that the page is about; empty when it is about none.
        here: key of the page in `PAGES`, or of another page of the menu.
        pages: keys of the pages in the menu that they may open; None: all.
        open_at: keys of the sites where this page may be opened, too; None: all.
        more: further entries of the account's menu (operators, tokens, access log).
        notes: whose data is shown, in the footer.
    """

    account: str = ""
    role: str = ""
    sites: tuple[str, ...] = ()
    site: str = ""
    here: str = ""
    pages: tuple[str, ...] | None = None
    open_at: frozenset[str] | None = None
    more: tuple[Link, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def menu(self) -> tuple[Link, ...]:
        """The pages of the site."""
        if not self.site:
            return ()
        shown = [(key, name) for key, name in PAGES if self.pages is None or key in self.pages]
        return tuple(Link(f"/sites/{self.site}/{key}", name, key == self.here) for key, name in shown)

    def way(self, site: str) -> str:
        """To the same page of another site; to the first there where this may not be opened, or is none of a site's."""
        same = self.here in dict(PAGES) and (self.open_at is None or site in self.open_at)
        return f"/sites/{site}/{self.here}" if same else f"/sites/{site}"


NOBODY = Shell()


class Templates:
    """Templates of a room, over the shared ones (`base.html`, `parts.html`)."""

    def __init__(self, package: str = "consent.web") -> None:
        self._environment = _environment(package)

    def text(self, name: str, shell: Shell = NOBODY, **values: Any) -> str:
        """The HTML of one page; every value is escaped."""
        return self._environment.get_template(name).render(shell=shell, assets=ASSETS, **values)

    def render(
        self,
        name: str,
        *,
        title: str,
        shell: Shell = NOBODY,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **values: Any,
    ) -> HTMLResponse:
        """One page as an answer that no cache keeps, with the policy of all of them."""
        html = self.text(name, shell, title=title, **values)
        return HTMLResponse(html, status, headers={**HEADERS, **(headers or {})})


@cache
def _environment(package: str) -> jinja2.Environment:
    rooms = dict.fromkeys((package, "consent.web"))
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.PackageLoader(room, "templates") for room in rooms]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    return environment
