"""What the widget is told: settings and layers, golden for a small site."""

from typing import Any

from consent.config import Config
from consent.delivery.body import Shelf
from consent.delivery.bundle import layer_hash, layer_text, parse_name
from consent.delivery.manifest import (
    applying,
    banner,
    details,
    direction,
    notice,
    preferences,
    settings,
    third_parties,
)
from consent.policy.queries import Version
from consent.policy.resolved import Resolved
from consent.policy.theme import load_rules
from consent.regimes.regime import load_regimes
from tests.policy.site import in_place, resolved

SMALL = (
    "[services.stripe]\nreason = 'Takes payments.'\nhosts = ['js.stripe.com']\ncookies = []\n"
    + in_place(purposes='["statistics", "marketing"]', cookies='[{name = "_o*", duration = "1 day"}, '
               '{name = "t", duration = "session", party = "third", recipient = "Other"}]',
               storage='[{kind = "local", name = "own"}]')
    + "[regimes]\nenabled = ['eu', 'us']\n[theme]\nscheme = 'light'\ncontrol = 'none'"
)  # fmt: skip


def version(made: Resolved, number: int = 3) -> Version:
    return Version(1, number, made.hash, made.scope, made, 1)


def test_settings() -> None:
    """The settings of a small site, member by member."""
    made = version(resolved(SMALL))
    laws = applying(made.resolved, load_regimes())
    told = settings(made, base="https://c.example.com", regimes=laws, regime="us", name="0123456789abcdef")
    theme = told.pop("theme")
    assert told.pop("telemetry") is None

    assert told == {
        "site": "shop",
        "base": "https://c.example.com",
        "cookie": {"name": "consent", "domain": ""},
        "regime": "us",
        "regimes": {
            "eu": {"model": "opt-in", "reask_days": 180, "gpc": "deny", "signal_shown": False, "shown": False},
            "us": {"model": "opt-out", "reask_days": 365, "gpc": "deny", "signal_shown": True, "shown": True},
        },
        "strictest": "eu",
        "languages": ["en"],
        "purposes": [
            {"key": "necessary", "required": True, "gpc": False},
            {"key": "preferences", "required": False, "gpc": False},
            {"key": "statistics", "required": False, "gpc": False},
            {"key": "marketing", "required": False, "gpc": True},
            {"key": "social", "required": False, "gpc": True},
        ],
        "layers": {
            "en": {
                "banner": "/c/shop/3/banner.en.0123456789abcdef.js",
                "preferences": "/c/shop/3/preferences.en.0123456789abcdef.js",
            }
        },
    }
    assert theme["--accent"] == load_rules().default.light["accent"]
    assert theme["scheme"] == "light"


def test_details() -> None:
    """What it takes to decide: every service with sources, first-party cookies and storage."""
    made = version(resolved(SMALL))
    told = details(made, "en", since={"00000000": "ask"}, name="0" * 16, code="c")

    assert told["since"] == {"00000000": "ask"}
    assert (told["days"], told["everything"], told["hash"]) == (180, False, made.hash)
    assert (told["version"], told["scope"], told["control"]) == (3, made.scope, {"position": "none"})
    assert {"control_label", "control_label_opt_out", "control_signal", "placeholder_text"} <= set(told["ui"]["en"])
    assert told["services"] == [
        {
            "key": "stripe",
            "name": "Stripe",
            "purposes": ["necessary"],
            "sources": ["js.stripe.com"],
            "cookies": [],
            "storage": [],
            "kind": "payment",
        },
        {
            "key": "own",
            "name": "Own",
            "purposes": ["statistics", "marketing"],
            "sources": ["t.own.example/js/"],
            "cookies": ["_o*"],
            "storage": ["local:own"],
            "kind": "analytics",
        },
    ]


def test_a_regime_that_does_not_apply_is_unknown() -> None:
    """A visitor under a law that the site does not follow has none, and the strictest holds."""
    made = version(resolved("[regimes]\nenabled = ['eu']"))
    laws = applying(made.resolved, load_regimes())
    told = settings(made, base="https://c.example.com", regimes=laws, regime="us", name="0" * 16)

    assert told["regime"] is None
    assert list(told["regimes"]) == ["eu"]


def test_settings_of_the_visitors_log() -> None:
    """Where its script is, and whether a count needs no choice; nothing where the script was not built."""
    made = version(resolved("[telemetry]"))

    def told(made: Version, **more: Any) -> Any:
        laws = applying(made.resolved, load_regimes())
        return settings(made, base="", regimes=laws, regime="eu", name="0" * 16, **more)["telemetry"]

    assert told(made, bundle="telemetry.0.js", counts=True) == {
        "path": "/c/shop/3/telemetry.0.js",
        "counts": True,
        "service": "visits",
    }
    assert told(made, bundle="telemetry.0.js")["counts"] is False
    assert told(version(resolved("[telemetry]\ncounts = false")), bundle="t.js", counts=True)["counts"] is False
    assert told(made) is None
    assert third_parties(made.resolved) == []


def test_details_of_the_visitors_log() -> None:
    """What the log keeps is told to the script that tells it; a site without a log has no such key."""
    terms = '[telemetry]\nquery = ["ref"]\ncustomer = ["plan"]\nevents = ["signup"]'

    def told(made: Version) -> Any:
        return details(made, "en", since={}, name="0" * 16, code="c").get("keeps")

    assert told(version(resolved(terms))) == {"query": ["ref"], "customer": ["plan"], "events": ["signup"]}
    assert told(version(resolved(SMALL))) is None


def test_layers() -> None:
    """A service of two purposes stands under both; a necessary one with its reason; every stored thing is told."""
    made = resolved(SMALL)
    first, second = banner(made, "en"), preferences(made, "en")
    listed = {purpose["key"]: [service["key"] for service in purpose["services"]] for purpose in second["purposes"]}
    own = second["purposes"][2]["services"][0]

    assert first["third_parties"] == len(third_parties(made)) == 1
    assert first["controller"]["name"] == "The shop"
    assert listed == {
        "necessary": ["stripe"],
        "preferences": [],
        "statistics": ["own"],
        "marketing": ["own"],
        "social": [],
    }
    assert second["purposes"][0]["services"][0]["reason"] == "Takes payments."
    assert own["cookies"] == [
        {"name": "_o*", "duration": "1 day", "recipient": "Own Ltd", "kind": "cookie"},
        {"name": "t", "duration": "session", "recipient": "Other", "kind": "cookie"},
        {"name": "own", "duration": "", "recipient": "Own Ltd", "kind": "local"},
    ]
    assert not any(key.startswith("preferences_") for key in first["texts"])
    assert not any(key.startswith("banner_") for key in second["texts"])


def test_notice() -> None:
    """The notice's hash is the same for the same, and another when a text, the theme, a service or the code differs."""
    base = notice(resolved(SMALL), "en", "code")
    others = [
        notice(resolved(SMALL), "en", "other code"),
        notice(resolved(SMALL + "\n[texts.en]\nlayer_accept = 'Fine'"), "en", "code"),
        notice(resolved(SMALL.replace("'light'", "'dark'")), "en", "code"),
        notice(resolved(SMALL.replace("1 day", "2 days")), "en", "code"),
    ]

    assert notice(resolved(SMALL), "en", "code") == base
    assert len({base, *others}) == 5


def test_names_follow_the_policy() -> None:
    """A layer's name changes with the policy, and reads back as kind, language and hash."""
    name = layer_hash(resolved(SMALL))

    assert layer_hash(resolved()) != name
    assert parse_name(f"banner.pt-BR.{name}.js") == ("banner", "pt-BR", name)
    assert [parse_name(text) for text in ("core.en.0.js", f"banner.en.{name}.js.map", f"../banner.en.{name}.js")] == [
        None
    ] * 3


def test_values_do_not_leave_the_script() -> None:
    """A text of the owner's cannot end the string, the object or the script that it stands in."""
    hostile = "</script><!--\\u2028\\u2029${x}`'\\\"\\\\"
    made = resolved(f'[texts.en]\nbanner_title = "{hostile}"')
    text = layer_text(version(made), "banner", "en", {})

    assert "</script" not in text
    assert "<!--" not in text
    assert "\u2028" not in text


def test_direction() -> None:
    """Arabic and Hebrew run from right to left, also with a region."""
    assert [direction(tag) for tag in ("ar", "he-IL", "fa", "en", "de-AT")] == ["rtl", "rtl", "rtl", "ltr", "ltr"]


async def test_the_shelf_is_bounded() -> None:
    """Bodies are made once and dropped, the least lately used first, before the shelf outgrows its limit."""
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name * 1000

    shelf = Shelf(limit=3500)
    for name in ("a", "b", "c", "a", "d", "b"):
        await shelf.get(name, lambda name=name: make(name))  # type: ignore[misc]

    assert made == ["a", "b", "c", "d", "b"]
    assert shelf._size <= 3500
    assert Config().base_url == "http://127.0.0.1:8000"
