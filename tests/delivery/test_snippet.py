"""The lines to paste."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from consent.catalogue.service import load_catalogue
from consent.config import Config
from consent.delivery.csp import strict_policy
from consent.delivery.fill import fill, literal
from consent.delivery.snippet import CORE_LIMIT, Variant, render
from consent.demo.demo import demo_policy
from consent.policy.queries import Version
from consent.policy.resolved import Resolved, resolve
from tests.policy.site import resolved

CONFIG = Config(public_url="https://consent.example.com")


def version(made: Resolved, number: int = 1) -> Version:
    return Version(1, number, made.hash, made.scope, made, 1)


DEMO = version(resolve(demo_policy(Config()), load_catalogue()))


class Reader(HTMLParser):
    """Notes elements and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and data.strip():
            self.scripts.append(data)


def test_meta() -> None:
    """The default: the inline core, then the static policy, and nothing else."""
    snippet = render(DEMO, Config())
    read = Reader(snippet.text)

    assert [tag for tag, _ in read.tags] == ["script", "meta"]
    assert read.tags[0][1] == {}
    assert read.scripts == [snippet.core]
    assert read.tags[1][1] == {
        "http-equiv": "Content-Security-Policy",
        "content": strict_policy(DEMO.resolved, Config().base_url),
    }


@pytest.mark.parametrize("variant", ["meta", "strict"])
def test_the_core_is_small(variant: Variant) -> None:
    """The demo's core, and that of a site with three domains and five necessary hosts, stay within 2,000 bytes."""
    origins = '["https://www.shop.example", "https://shop.example.org", "https://shop.co.uk"]'
    necessary = '["cdn.shop-static.example", "js.payments.example", "*.fonts.example", "wss://live.shop.example"]'
    real = version(resolved("", origins=f"origins = {origins}\nnecessary = {necessary}"))

    assert len(render(DEMO, Config(), variant).core.encode()) <= CORE_LIMIT
    assert len(render(real, CONFIG, variant).core.encode()) <= CORE_LIMIT + 300


def test_the_hash_is_of_the_core() -> None:
    """A site's own policy can allow the core by this hash."""
    snippet = render(DEMO, Config())
    digest = base64.b64encode(hashlib.sha256(snippet.core.encode()).digest()).decode()

    assert snippet.csp_hash == f"'sha256-{digest}'"


def test_the_core_is_constant() -> None:
    """Services, texts, theme and versions do not change the lines; necessary hosts and domains do."""
    base = render(version(resolved()), CONFIG).text
    more = resolved("[services.youtube]\n[texts.en]\nlayer_accept = 'Fine'\n[theme]\nscheme = 'dark'")
    hosts = resolved("", origins='origins = ["https://www.shop.example"]\nnecessary = ["cdn.example"]')

    assert render(version(more, 7), CONFIG).text == base
    assert render(version(hosts), CONFIG).text != base


def test_strict() -> None:
    """Hooks, core, then the barrier as measured: a noscript policy and what stops scanners; no early end of comment."""
    snippet = render(DEMO, Config(), "strict")
    hooks, core, barrier = snippet.text.split("</script>\n")

    assert core == f"<script>{snippet.core}"
    assert hooks.startswith("<script>") and "RTCPeerConnection" in hooks
    assert len(snippet.csp_hash.split()) == 2
    assert re.fullmatch(
        r'<noscript><meta http-equiv="Content-Security-Policy" content="[^"<>]+"><!--</noscript>'
        r'<plaintext style="display:none"><!-- -->',
        barrier,
    )
    assert barrier.count("-->") == 1
    assert snippet.core != render(DEMO, Config()).core


def test_tag() -> None:
    """One script element, no policy, no core."""
    snippet = render(DEMO, CONFIG, "tag")

    assert snippet.text == '<script async src="https://consent.example.com/c/demo.js"></script>'
    assert (snippet.core, snippet.csp_hash) == ("", "")


def test_the_policy() -> None:
    """One directive; inline code, data and blobs work, forms and frames of others are not touched."""
    policy = strict_policy(resolved(), "https://c.example.com")

    assert policy == (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: c.example.com "
        "shop.example *.shop.example wss://shop.example wss://*.shop.example"
    )
    assert ";" not in policy


@pytest.mark.parametrize("value", ["</script>", "<!--", "\u2028", "ü", '"', "'", "\\", "\n", {"a": ["<", True, None]}])
def test_literals(value: object) -> None:
    """A value inside a script is ASCII, ends nothing, and reads back as itself."""
    import json

    text = literal(value)

    assert text.isascii()
    assert "<" not in text
    assert "\n" not in text
    assert json.loads(text.replace("\\x3c", "\\u003c")) == value


def test_filling_is_exact() -> None:
    """Each identifier is there once and gets a value; what is built otherwise is refused; values are not filled."""
    assert fill("let a=CONSENT_BASE;", {"CONSENT_BASE": "CONSENT_SITE"}) == 'let a="CONSENT_SITE";'
    for script in ("", "CONSENT_BASE CONSENT_BASE", "CONSENT_BASE CONSENT_OTHER"):
        with pytest.raises(ValueError, match="build the widget again"):
            fill(script, {"CONSENT_BASE": 1})
