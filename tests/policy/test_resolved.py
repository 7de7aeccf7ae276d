"""Resolved policies: complete, the same for the same, and read back as they were."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.policy.change import asks_again
from consent.policy.finding import PolicyError
from consent.policy.resolved import canonical, read_resolved
from consent.policy.texts import load_texts
from tests.policy.site import in_place, resolved


def test_everything_is_written_out() -> None:
    """Purposes, services, sources, cookies, texts and theme are in the body; the catalogue is not needed again."""
    made = resolved("[services.youtube]\nreason = 'r'\n[texts.en]\nlayer_accept = 'Yes'")
    body = json.loads(made.body)

    assert [purpose["key"] for purpose in body["purposes"]] == [
        "necessary",
        "preferences",
        "statistics",
        "marketing",
        "social",
    ]
    assert body["services"][0]["name"] == "YouTube"
    assert all(cookie["recipient"] == "Google LLC" for cookie in body["services"][0]["cookies"])
    assert body["texts"]["en"]["layer_accept"] == "Yes"
    assert body["texts"]["en"]["layer_reject"] == load_texts()["en"].ui["layer_reject"]


def test_reads_back() -> None:
    """A stored body is the same policy again, with the same hash and scope; later versions' fields do no harm."""
    made = resolved("[services.youtube]")
    again = read_resolved(made.body)
    later = read_resolved(made.body.replace('{"after_accept"', '{"a_later_field":1,"after_accept"', 1))

    assert (again, again.hash, again.scope) == (made, made.hash, made.scope)
    assert later == made


def test_hash_is_of_the_canonical_json() -> None:
    """Anybody can recompute the hash from the stored text with sorted keys and no spaces."""
    made = resolved("[services.youtube]")
    text = json.dumps(json.loads(made.body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert text == made.body
    assert made.hash == hashlib.sha256(text.encode()).hexdigest()


def test_catalogue_values_can_be_overridden() -> None:
    """A policy changes single values of a catalogue's service, and parameters expand in its hosts."""
    made = resolved(
        "[services.facebook-like]\npurposes = ['marketing']\nparams = {locale = ['de_DE'], version = ['v21.0']}"
    )
    service = made.services[0]

    assert service.purposes == ("marketing",)
    assert service.provider == "Meta Platforms, Inc."
    assert service.sources == (
        "connect.facebook.net/de_DE/sdk.js",
        "www.facebook.com/plugins/like.php",
        "www.facebook.com/v21.0/plugins/like.php",
    )


def test_languages_fall_back() -> None:
    """A language without texts shows the site's default language; so do a purpose's own words."""
    more = "[[purposes]]\nkey = 'own'\n[purposes.texts.en]\ntitle = 'T'\nsummary = 's'\ndescription = 'd'"
    made = resolved(more, origins="origins = ['https://a.example']\nlanguages = ['en', 'sv']")

    assert made.texts["sv"] == made.texts["en"]
    assert made.purposes[0].texts["sv"].title == "T"


def test_words_of_a_service_by_language() -> None:
    """A service's description, placeholder and reason can be said in each language."""
    more = "[services.youtube]\nreason = 'r'\n[services.youtube.texts.de]\ndescription = 'Filme.'"
    made = resolved(more, origins="origins = ['https://a.example']\nlanguages = ['en', 'de']")

    assert made.services[0].description["de"] == "Filme."
    assert made.services[0].placeholder["de"] == "A video from YouTube is shown here."
    assert made.services[0].description["en"].startswith("Plays videos")
    assert made.services[0].reason == {"en": "r", "de": "r"}


def test_descriptions_in_other_languages() -> None:
    """Where the catalogue has English only, other languages say what the kind of service does, and who learns what."""
    made = resolved("[services.youtube]", origins="origins = ['https://a.example']\nlanguages = ['en', 'de', 'sv']")
    said = made.services[0].description

    assert said["de"] == (
        "Spielt Videos innerhalb der Seite ab. Google LLC erfährt dabei IP-Adresse, Gerät und besuchte Seite."
    )
    assert said["sv"] == said["en"]


def test_an_incomplete_service_is_refused() -> None:
    """Resolving tells what is missing of a service that the catalogue does not know."""
    with pytest.raises(PolicyError, match=r"services\.own\.country"):
        resolved(in_place(country=""))


@pytest.mark.parametrize(
    ("old", "new", "ask"),
    [
        ("[services.youtube]", "[services.youtube]", False),
        ("[services.youtube]", "", False),
        ("", "[services.youtube]", True),
        ("[services.youtube]", "[services.youtube]\npurposes = ['social']", True),
        ("[services.youtube]", "[services.youtube]\nhosts = ['www.youtube.com/embed/']", False),
        ("[services.youtube]", "[services.youtube]\nhosts = ['www.youtube.com']", True),
        ("", "[services.stripe]\nreason = 'x'", False),
        ("", "[texts.en]\nlayer_accept = 'Fine'", False),
        ("", "[[purposes]]\nkey = 'statistics'", False),
        ("[[purposes]]\nkey = 'statistics'", "", True),
        ("", "[[purposes]]\nkey = 'statistics'\ngpc = true", True),
    ],
)
def test_when_to_ask_again(old: str, new: str, ask: bool) -> None:
    """Additions and changes of purposes, services and hosts ask again; removals and words do not (EU-15)."""
    assert asks_again(resolved(old), resolved(new)) is ask


def test_scope() -> None:
    """The scope follows what is asked about, not how it is said."""
    base = resolved("[services.youtube]").scope

    assert resolved("[services.youtube]\n[texts.en]\nlayer_accept = 'Fine'").scope == base
    assert resolved("[services.youtube]\n[services.hotjar]").scope != base
    assert (
        resolved("[services.hotjar]\n[services.youtube]").scope
        == resolved("[services.youtube]\n[services.hotjar]").scope
    )
    assert len(base) == 8


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_canonical_is_a_fixed_point(value: object) -> None:
    """Reading canonical JSON and writing it again changes nothing."""
    assert canonical(json.loads(canonical(value))) == canonical(value)


def test_cookies_of_the_site_itself() -> None:
    """Declared names with all services that declare them; what vendors keep at their own hosts is not among them."""
    own = '[{name = "_ga*", duration = "1 day"}, {name = "far", duration = "1 day", party = "third"}]'
    other = '[{name = "_ga*", duration = "1 day"}, {name = "b", duration = "1 day"}]'
    made = resolved(in_place("one", cookies=own) + in_place("two", cookies=other))

    assert made.first_party_cookies == {"_ga*": frozenset({"one", "two"}), "b": frozenset({"two"})}
