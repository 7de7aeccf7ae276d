"""The layers alone on a page: what the server would fill in, over a store that stands in for the bootstrap's."""

import json
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
POLICY = ROOT / "consent" / "policy"
PAGE = ROOT / "widget" / "test" / "banner" / "page.html"

Json = dict[str, Any]

SERVICES: list[Json] = [
    {"key": "chat", "name": "HelpDesk Chat", "provider": "HelpDesk GmbH", "country": "DE", "purposes": ["preferences"],
     "cookies": [("hd_open", "session", "HelpDesk GmbH", "cookie")]},
    {"key": "analytics", "name": "Google Analytics", "provider": "Google Ireland Limited", "country": "IE",
     "purposes": ["statistics"],
     "cookies": [("_ga", "2 years", "Google", "cookie"), ("_ga_*", "2 years", "Google", "cookie")]},
    {"key": "heatmap", "name": "Hotjar", "provider": "Hotjar Limited", "country": "MT", "purposes": ["statistics"],
     "cookies": [("_hjSessionUser_*", "1 year", "Hotjar", "cookie"), ("hjViewportId", "", "Hotjar", "session")]},
    {"key": "ads", "name": "Google Ads", "provider": "Google Ireland Limited", "country": "IE",
     "purposes": ["marketing"],
     "cookies": [("_gcl_au", "90 days", "Google", "cookie"), ("IDE", "13 months", "Google", "cookie")]},
    {"key": "video", "name": "YouTube", "provider": "Google Ireland Limited", "country": "IE",
     "purposes": ["marketing", "social"], "cookies": [("VISITOR_INFO1_LIVE", "180 days", "Google", "cookie")]},
    {"key": "posts", "name": "Instagram", "provider": "Meta Platforms Ireland Limited", "country": "IE",
     "purposes": ["social"], "cookies": []},
]  # fmt: skip
PAYMENT: Json = {
    "key": "payment", "name": "Stripe", "provider": "Stripe Payments Europe", "country": "IE",
    "purposes": ["necessary"],
    "cookies": [("__stripe_mid", "1 year", "Stripe", "cookie")],
    "reason": "Needed to take the payment that you start, and to keep it safe from fraud.",
}  # fmt: skip
REGIMES: Json = {
    "eu": {"key": "eu", "model": "opt-in", "reask_days": 180, "gpc": "deny", "signal_shown": False},
    "us": {"key": "us", "model": "opt-out", "reask_days": 365, "gpc": "deny", "signal_shown": True},
}

LANGUAGES = sorted(path.stem for path in (POLICY / "texts").glob("*.toml"))
#: A stored choice: statistics and marketing allowed, social refused, YouTube allowed on its own.
CHOICE = {
    "day": 20410, "scope": "", "gpc": False, "regime": "", "sum": "",
    "purposes": {"preferences": "d", "statistics": "g", "marketing": "g", "social": "d"}, "services": {"video": "g"},
}  # fmt: skip
DENIED = {"preferences": "d", "statistics": "d", "marketing": "d", "social": "d"}
GRANTED = dict.fromkeys(DENIED, "g")
EMBEDS = """<main><h1>Embeds</h1>
<p>A video: <a href="#x">x</a></p>
<div class="ratio"><iframe id="video" title="A video"
  data-src="https://www.youtube.com/embed/x" data-service="video"></iframe></div>
<p>Inline <iframe id="post" title="A post" width="220" height="60"
  data-src="https://p.example/" data-service="posts"></iframe> text</p>
<iframe id="pixel" title="A pixel" width="1" height="1" data-src="https://p.example/" data-service="posts"></iframe>
</main>"""


def texts(language: str) -> Json:
    """The file of one language."""
    return tomllib.loads((POLICY / "texts" / f"{language}.toml").read_text("utf-8"))


def theme(scheme: str = "auto", position: str = "bottom") -> dict[str, str]:
    """The theme shipped, as the wire has it."""
    given = tomllib.loads((POLICY / "themes.toml").read_text("utf-8"))["default"]
    plain = {key: value for key, value in given.items() if isinstance(value, str)}
    tokens = {f"--{key}".replace("_", "-"): value for key, value in plain.items()}
    colours = {name: {k.replace("_", "-"): v for k, v in given[name].items()} for name in ("light", "dark")}
    main = "dark" if scheme == "dark" else "light"
    tokens |= {f"--{key}": value for key, value in colours[main].items()}
    if scheme == "auto":
        tokens |= {f"--dark-{key}": value for key, value in colours["dark"].items()}
    return {**tokens, "scheme": scheme, "position": position}


def purposes(language: str) -> list[Json]:
    """The default purposes with their texts and, of the second layer, their services."""
    found: Json = texts(language)["purposes"]
    return [
        {"key": key, **words, "required": key == "necessary",
         "services": [shown(s) for s in [PAYMENT, *SERVICES] if key in s["purposes"]]}
        for key, words in found.items()
    ]  # fmt: skip


def shown(service: Json) -> Json:
    """A service as the second layer shows it."""
    names = ("name", "duration", "recipient", "kind")
    return {
        **{key: service[key] for key in ("key", "name", "provider", "country")},
        "privacy_url": f"https://{service['key']}.example/privacy",
        "description": "",
        "reason": service.get("reason", ""),
        "cookies": [dict(zip(names, cookie, strict=True)) for cookie in service["cookies"]],
    }


def case(
    language: str = "en", *, scheme: str = "auto", position: str = "bottom", regime: str = "eu", **changes: Any
) -> Json:
    """A whole case for `page.html`. `changes`: dir, control, and the store's gpc, choice, outcome, missing, allowed."""
    ui: dict[str, str] = texts(language)["ui"]
    look = theme(scheme, position)
    direction = changes.pop("dir", "ltr")
    common = {"language": language, "dir": direction, "texts": ui, "purposes": purposes(language)}
    settings = {
        "theme": look,
        "control": {"position": changes.pop("control", "bottom-left")},
        "purposes": [
            {"key": p["key"], "required": p["required"], "gpc": p["key"] in ("marketing", "social")}
            for p in common["purposes"]
        ],
        "services": [
            {"key": s["key"], "name": s["name"], "purposes": s["purposes"], "sources": [f"{s['key']}.example/embed/"]}
            for s in [PAYMENT, *SERVICES]
        ],
    }  # fmt: skip
    controller = {"name": "Northwind Outdoor GmbH", "privacy_url": "/privacy", "imprint_url": "/imprint"}
    store: Json = {
        "gpc": False,
        "choice": None,
        "missing": False,
        "allowed": [],
        "outcome": {"recorded": True, "applied": "now"},
    }
    return {
        "case": {"settings": settings, "ui": ui, "language": language, "regime": REGIMES[regime], **store, **changes},
        "banner": {**common, "controller": controller, "third_parties": len(SERVICES)},
        "preferences": common,
    }


def html(given: Json, *, body: str | None = None, head: str = "", nonce: str = "") -> str:
    """`page.html` with a case written in."""
    page = PAGE.read_text("utf-8")
    for name in ("case", "banner", "preferences"):
        page = page.replace(f"/*{name}*/", json.dumps(given[name]).replace("<", "\\u003c"))
    page = page.replace("<!--head-->", head).replace("NONCE", nonce)
    return page if body is None else page.replace(page[page.index("<header") : page.index("<script nonce")], body)
