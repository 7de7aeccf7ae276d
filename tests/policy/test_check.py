"""Everything that a policy is refused or questioned for."""

import pytest

from consent.catalogue.service import load_catalogue
from consent.policy.check import check, read_checked
from consent.policy.finding import PolicyError
from consent.policy.policy import parse
from tests.policy.site import BASE, errors, findings, in_place, policy, resolved, warnings


def test_a_sound_policy_has_no_findings() -> None:
    """Nothing is said of a policy with which nothing is wrong."""
    assert findings("[services.youtube]\n[services.hotjar]") == []


def test_every_finding_is_a_sentence_with_a_remedy() -> None:
    """Findings end in full stops, and say what to do."""
    everything = findings(
        'after_accept = "everything"\n' * 0
        + "[services.stripe]\n[services.nowhere]\n[theme]\nreject_background = '#eeeeee'\n[regimes]\ndefault = 'xx'",
        origins='origins = ["ftp://x", "http://a.example"]',
    )

    assert len(everything) >= 5
    for finding in everything:
        assert finding.path
        assert finding.message.endswith((".", "?"))
        assert finding.remedy.endswith((".", "?", "…"))


@pytest.mark.parametrize("key", ["preferences", "statistics", "marketing", "social", "own"])
def test_optional_and_on_by_default(key: str) -> None:
    """An optional purpose that is on by default is refused (EU-03, Planet49)."""
    texts = "[purposes.texts.en]\ntitle = 'a'\nsummary = 'b'\ndescription = 'c'" if key == "own" else ""
    found = errors(f"[[purposes]]\nkey = '{key}'\ndefault = true\n{texts}")

    assert "on by default" in found["purposes[0].default"]


def test_default_purposes_cannot_be_required() -> None:
    """Statistics cannot be made compulsory by calling the purpose required, nor necessary optional."""
    found = errors(
        "[[purposes]]\nkey = 'statistics'\nrequired = true\n[[purposes]]\nkey = 'necessary'\nrequired = false"
    )

    assert "must be free" in found["purposes[0].required"]
    assert "cannot be optional" in found["purposes[1].required"]


def test_necessary_without_a_reason() -> None:
    """A service that is called strictly necessary needs a written reason (EU-13); with one it passes."""
    assert "without a reason" in errors("[services.stripe]")["services.stripe.reason"]
    assert errors("[services.stripe]\nreason = 'Takes the payment that the visitor starts.'") == {}


@pytest.mark.parametrize("key", ["google-analytics", "meta-pixel", "hotjar", "google-tag-manager", "youtube"])
@pytest.mark.parametrize("more", ["", "\ntracker = false", "\nnecessary_possible = true\nkind = 'payment'"])
def test_a_known_tracker_is_never_necessary(key: str, more: str) -> None:
    """No reason and no override makes a known tracker strictly necessary (EU-13)."""
    found = errors(f"[services.{key}]\npurposes = ['necessary']\nreason = 'We need it.'{more}")

    assert "known tracker" in found[f"services.{key}.purposes"]


def test_a_tracker_under_another_name() -> None:
    """Neither a definition in place nor a necessary host smuggles a known tracker in."""
    own = in_place(purposes='["necessary"]', kind='"cdn"', reason='"x"', hosts='["www.googletagmanager.com/gtag/js"]')
    host = errors(
        "", origins='origins = ["https://www.shop.example"]\nnecessary = ["connect.facebook.net/signals/config/"]'
    )

    assert "known tracker" in errors(own)["services.own.hosts[0]"]
    assert "known tracker" in host["necessary[0]"]


def test_a_necessary_host_that_opens_a_declared_service() -> None:
    """What always works must not open what is asked: the wildcard is refused, the narrow path passes."""
    wide = errors(
        "[services.google-maps]", origins='origins = ["https://www.shop.example"]\nnecessary = ["www.google.com"]'
    )
    narrow = errors(
        "[services.google-maps]",
        origins='origins = ["https://www.shop.example"]\nnecessary = ["www.google.com/recaptcha/"]',
    )

    assert "always open" in wide["necessary[0]"]
    assert narrow == {}


def test_cookies_say_how_long_and_who() -> None:
    """A cookie without duration, or without a recipient, is refused (EU-11, Planet49)."""
    found = errors(
        in_place(provider='" "', cookies='[{name = "a"}, {name = "*", duration = "1 day", recipient = "X"}]')
    )

    assert "no duration" in found["services.own.cookies[0].duration"]
    assert "no recipient" in found["services.own.cookies[0].recipient"]
    assert "besides wildcards" in found["services.own.cookies[1].name"]


def test_an_unknown_service() -> None:
    """A key that the catalogue does not know needs a full definition."""
    assert "no service named nowhere" in errors("[services.nowhere]")["services.nowhere"]
    assert "services.own.country" in errors(in_place(country=""))
    assert errors(in_place()) == {}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"purposes": '["sale"]'}, "services.own.purposes"),
        ({"purposes": "[]"}, "services.own.purposes"),
        ({"country": '"Germany"'}, "services.own.country"),
        ({"privacy_url": '"javascript:alert(1)"'}, "services.own.privacy_url"),
        ({"privacy_url": '""'}, "services.own.privacy_url"),
        ({"name": '"<b>Own</b>"'}, "services.own.name"),
        ({"description": '"a\\u0007b"'}, "services.own.description"),
        ({"hosts": '["https://own.example"]'}, "services.own.hosts[0]"),
        ({"hosts": '["*.co.uk"]'}, "services.own.hosts[0]"),
        ({"hosts": '["*.github.io"]'}, "services.own.hosts[0]"),
        ({"hosts": '["own.example; script-src *"]'}, "services.own.hosts[0]"),
        ({"hosts": '["own.example/{locale}/"]'}, "services.own.hosts[0]"),
        ({"params": '{tld = ["de"]}'}, "services.own.params.tld"),
    ],
)
def test_definitions_in_place(fields: dict[str, str], path: str) -> None:
    """A service's own definition is held to what the catalogue's files are held to."""
    assert path in errors(in_place(**fields))


@pytest.mark.parametrize(
    "origin",
    [
        "shop.example",
        "https://shop.example/",
        "https://shop.example:443",
        "ftp://shop.example",
        "https://",
        "https://a b",
        "",
    ],
)
def test_origins(origin: str) -> None:
    """An origin is scheme, host and port, as browsers write it."""
    assert "origins[0]" in errors("", origins=f"origins = ['{origin}']")


def test_the_site() -> None:
    """Who asks, where, and for how long: each fault has its path."""
    assert "origins" in errors("", origins="origins = []")
    assert "controller.name" in errors("", name="name = ' '")
    assert "controller.privacy_url" in errors("", privacy_url="privacy_url = 'data:text/html,x'")
    assert "cookie.domain" in errors("[cookie]\ndomain = 'other.example'")
    assert errors("[cookie]\ndomain = 'shop.example'") == {}
    assert "regimes.default" in errors("[regimes]\nenabled = ['us']")
    assert "regimes.enabled[0]" in errors("[regimes]\nenabled = ['mars', 'eu']")
    assert "languages" in errors("", origins="origins = ['https://a.example']\nlanguages = []")


@pytest.mark.parametrize("domain", ["shop.example", ".shop.example", "www.shop.example", ".www.shop.example"])
def test_domains_that_the_cookie_may_have(domain: str) -> None:
    """The page's host and the domains above it, with or without the dot; what is published has none."""
    more = f"[cookie]\ndomain = '{domain}'"

    assert errors(more) == {}
    assert resolved(more).cookie.domain == domain.removeprefix(".")


@pytest.mark.parametrize(
    ("domain", "origin"),
    [
        ("other.example", "https://www.shop.example"),
        ("op.example", "https://www.shop.example"),
        ("a.www.shop.example", "https://www.shop.example"),
        ("example", "https://www.shop.example"),
        (".example", "https://www.shop.example"),
        ("co.uk", "https://www.shop.co.uk"),
        ("github.io", "https://shop.github.io"),
        ("Shop.example", "https://www.shop.example"),
        ("..shop.example", "https://www.shop.example"),
        ("shop.example.", "https://www.shop.example"),
        ("shop.example:8443", "https://www.shop.example:8443"),
        ("https://shop.example", "https://www.shop.example"),
        ("shop.example; Secure", "https://www.shop.example"),
        (".", "https://www.shop.example"),
        (" ", "https://www.shop.example"),
        ("localhost", "http://localhost:8000"),
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.1", "http://127.0.0.1:8000"),
        ("[::1]", "http://[::1]:8000"),
    ],
)
def test_domains_that_it_may_not_have(domain: str, origin: str) -> None:
    """What no browser takes, or our own writer would not write, is refused before it is published."""
    assert "cookie.domain" in errors(f"[cookie]\ndomain = '{domain}'", origins=f"origins = ['{origin}']")


@pytest.mark.parametrize("name", ["__Host-consent", "__Secure-consent", "__secure-consent", "_Host-consent"])
def test_names_that_the_cookie_may_have(name: str) -> None:
    """Over https the prefixes work, as long as they are kept to."""
    assert errors(f"[cookie]\nname = '{name}'") == {}


@pytest.mark.parametrize(
    ("name", "domain", "origin"),
    [
        ("__Host-consent", "shop.example", "https://www.shop.example"),
        ("__host-consent", "shop.example", "https://www.shop.example"),
        ("__Host-consent", "", "http://localhost:8000"),
        ("__Secure-consent", "", "http://www.shop.example"),
        ("__Http-consent", "", "https://www.shop.example"),
        ("__Host-Http-consent", "", "https://www.shop.example"),
        ("consent_regime", "", "https://www.shop.example"),
        ("consent-visitor", "", "https://www.shop.example"),
        ("__Host-consent-account", "", "https://www.shop.example"),
    ],
)
def test_names_that_it_may_not_have(name: str, domain: str, origin: str) -> None:
    """A prefix that browsers would refuse the cookie for, one that hides it from the page, and a name that is taken."""
    more = f"[cookie]\nname = '{name}'\ndomain = '{domain}'"

    assert "cookie.name" in errors(more, origins=f"origins = ['{origin}']")


def test_warnings() -> None:
    """What is lawful but doubtful is said, and stops nothing."""
    head = "origins = ['https://www.shop.example', 'http://plain.example']\nafter_accept = 'everything'\ndays = 390"
    found = warnings("[services.facebook-login]\n[regimes]\ndefault = 'us'", origins=head, privacy_url="")

    assert {"origins[1]", "after_accept", "days", "controller.privacy_url", "regimes.default"} <= set(found)
    assert errors("[regimes]\ndefault = 'us'", origins=head, privacy_url="") == {}


def test_shared_prefixes() -> None:
    """A prefix that an undeclared service of another purpose uses too is named; declaring it ends the warning."""
    alone = warnings(in_place(purposes='["preferences"]', kind='"cdn"', hosts='["connect.facebook.net"]'))
    both = warnings("[services.google-analytics]\n[services.google-ads]\n[services.doubleclick]")

    assert any("which is not declared" in text for text in alone.values())
    assert not any("which is not declared" in text for text in both.values())


def test_whole_domains_of_vendors() -> None:
    """A wildcard over a domain that several services share is questioned."""
    found = warnings(in_place(hosts='["*.google.com"]'))

    assert any("opens a whole domain" in text for text in found.values())


def test_first_party_trackers() -> None:
    """A service under the site's own domain cannot be blocked by the snippet, and the owner is told how to mark it."""
    found = [f for f in findings(in_place(hosts='["stats.shop.example"]')) if f.path == "services.own.hosts[0]"]

    assert "own domain" in found[0].message
    assert 'data-service="own"' in found[0].remedy


def test_purposes_of_the_site() -> None:
    """A purpose of the site's own needs words in the default language, once, under a key that is no service."""
    words = "[purposes.texts.en]\ntitle = 'a'\nsummary = 'b'\ndescription = ' '"
    found = errors(f"[[purposes]]\nkey = 'a'\n[[purposes]]\nkey = 'b'\n{words}\n[[purposes]]\nkey = 'b'\n{words}")

    assert "purposes[0].texts.en" in found
    assert "purposes[1].texts.en.description" in found
    assert "more than once" in found["purposes[1].key"]
    assert "a service too" in errors("[[purposes]]\nkey = 'youtube'\n[services.youtube]")["purposes[0].key"]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("layer_acept = 'x'", "texts.en.layer_acept"),
        ("layer_accept = ' '", "texts.en.layer_accept"),
        ("layer_accept = 'Accept <b>all</b>'", "texts.en.layer_accept"),
        ('layer_accept = "a\\u202Eb"', "texts.en.layer_accept"),
        (f"layer_reject = '{'x' * 61}'", "texts.en.layer_reject"),
        (f"banner_text = '{{controller}} {'x' * 1300}'", "texts.en.banner_text"),
        ("banner_text = 'We ask.'", "texts.en.banner_text"),
        ("layer_accept = 'Accept {all}'", "texts.en.layer_accept"),
        ("layer_accept = 'OK'\nlayer_reject = 'ok '", "texts.en.layer_reject"),
    ],
)
def test_texts(text: str, path: str) -> None:
    """A text of the site's own is text, of bounded length, and says what the one it replaces must say."""
    assert path in errors(f"[texts.en]\n{text}")


def test_more_words_for_refusing() -> None:
    """Refusing in far more words than accepting is questioned (EU-05)."""
    found = warnings("[texts.en]\nlayer_accept = 'OK'\nlayer_reject = 'Continue without accepting anything'")

    assert "far more words" in found["texts.en.layer_reject"]


def test_everything_bounded() -> None:
    """Counts have limits: services, their keys in the cookie, sources."""
    many = "\n".join(in_place(f"a{index}") for index in range(301))
    long = "\n".join(in_place(f"a{'x' * 35}{index}") for index in range(80))
    wide = in_place(hosts=str([f"h{index}.own.example" for index in range(3001)]))

    assert any("at most 300" in f.message for f in findings(many))
    assert any("would not fit" in f.message for f in findings(long))
    assert any("more than 3000" in f.message for f in findings(wide))


def test_publishing_needs_a_clean_check() -> None:
    """`read_checked` gives what to publish and the warnings, or raises every error."""
    _, said = read_checked(BASE.replace("https", "http"))
    with pytest.raises(PolicyError, match="without a reason"):
        read_checked(BASE + "[services.stripe]\n")

    assert [finding.severity for finding in said] == ["warning"]


def test_the_demo_is_clean() -> None:
    """The policy we show as an example has no errors, and no warnings but that of a file shared by two services."""
    from importlib import resources

    demo = parse((resources.files("consent.demo") / "policy.toml").read_text("utf-8"))
    found = [f for f in check(demo, load_catalogue()) if not f.path.startswith("languages[")]

    assert [f.path for f in found] == ["services.google-analytics.hosts[0]"]
    assert policy().site == "shop"
