"""What happens to a snippet on its way to the visitor: minifiers, re-serialisers, and scripts that "optimise"."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from lxml import html as lxml_html  # type: ignore[import-untyped]

WIDGET = Path(__file__).parents[2] / "widget"
MINIFY = """
import { minify } from 'html-minifier-terser';
let text = ''; for await (const chunk of process.stdin) text += chunk;
process.stdout.write(await minify(text, { removeComments: true, collapseWhitespace: true, removeAttributeQuotes: true,
  removeRedundantAttributes: true, removeOptionalTags: true, removeEmptyAttributes: true, useShortDoctype: true,
  minifyJS: true, minifyCSS: true, sortAttributes: true, collapseBooleanAttributes: true, decodeEntities: true }));
"""
CORE = re.compile(r"<script>\(\(\)=>\{.*?</script>", re.DOTALL)
META = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


def minified(page: str) -> str:
    """As html-minifier-terser leaves it, with every option that sites use."""
    node = shutil.which("node") or "node"
    command = [node, "--input-type=module", "-e", MINIFY]
    done = subprocess.run(command, input=page, capture_output=True, text=True, cwd=WIDGET, check=True)
    return done.stdout


def reserialised(page: str) -> str:
    """As a proxy leaves it that parses the page with libxml2 and writes it out again."""
    text: str = lxml_html.tostring(lxml_html.fromstring(page), encoding="unicode", method="html")
    return "<!doctype html>\n" + text


def as_xml(page: str) -> str:
    """The same, written as XML is: `<`, `>` and `&` escaped even in scripts, which no browser can read then."""
    text: str = lxml_html.tostring(lxml_html.fromstring(page), encoding="unicode", method="xml")
    return "<!doctype html>\n" + re.sub(r"<(script|iframe|p|a|div|title|style)\b([^>]*)/>", r"<\1\2></\1>", text)


def _core(page: str) -> str:
    return CORE.search(page)[0]  # type: ignore[index]  # no core is a fault of the test


def deferred(page: str) -> str:
    """The core as an optimiser's own type, run by its loader when the document is parsed."""
    core = _core(page)
    parked = core.replace("<script>", "<script type=text/parked>")
    loader = """<script>addEventListener("DOMContentLoaded", () => {
      for (const old of document.querySelectorAll("script[type='text/parked']")) {
        const copy = document.createElement("script");
        copy.textContent = old.textContent;
        old.replaceWith(copy);
      } })</script>"""
    return page.replace(core, parked).replace("</body>", loader + "</body>")


def as_module(page: str) -> str:
    """The core made a module: it runs late, and has no `document.currentScript`."""
    return page.replace(_core(page), _core(page).replace("<script>", "<script type=module>"))


def run_twice(page: str) -> str:
    """The core once more at the end of the body, as a template that is included twice does."""
    return page.replace("</body>", _core(page) + "</body>")


def core_to_the_end(page: str) -> str:
    """All inline scripts moved to the end of the body."""
    core = _core(page)
    return page.replace(core, "").replace("</body>", core + "</body>")


def core_lost(page: str) -> str:
    return page.replace(_core(page), "")


def meta_lost(page: str) -> str:
    return META.sub("", page, count=1)


def meta_moved(page: str) -> str:
    """The metas gathered behind the title: other tags now stand where the core expects the policy."""
    meta = META.search(page)[0]  # type: ignore[index]  # no meta is a fault of the test
    return page.replace(meta, "", 1).replace("</title>", "</title>" + meta, 1)


def core_under_the_meta(page: str) -> str:
    """Metas before scripts."""
    core = _core(page)
    meta = META.search(page)[0]  # type: ignore[index]  # no meta is a fault of the test
    return page.replace(core, "", 1).replace(meta, meta + core, 1)


WAYS: dict[str, Callable[[str], str]] = {
    way.__name__: way
    for way in (
        minified,
        reserialised,
        as_xml,
        deferred,
        as_module,
        run_twice,
        core_to_the_end,
        core_lost,
        meta_lost,
        meta_moved,
        core_under_the_meta,
    )
}
# After these no policy is left to apply, or none before the page's own requests: they may not blank, but cannot block.
NO_POLICY = frozenset({"meta_lost"})
# After these the core comes too late to open anything, or cannot be read: what was accepted stays closed.
CLOSED = frozenset(
    {"as_xml", "meta_moved", "deferred", "as_module", "core_to_the_end", "core_lost", "core_under_the_meta"}
)
