"""The texts shipped: eight languages, the same keys and places to fill in, plain words on the first layer."""

import re
from pathlib import Path

import pytest

from consent.policy.resolved import DEFAULT_PURPOSES
from consent.policy.texts import load_texts

ROOT = Path(__file__).parents[2]
TEXTS = load_texts()
ENGLISH = TEXTS["en"]
PREFIXES = ("control_", "placeholder_", "layer_", "banner_", "preferences_", "choices_")
PLACES = re.compile(r"\{(\w+)\}")

#: Words that praise agreeing or regret refusing, by language: none may stand in a text that asks.
NUDGES = {
    "en": "best|enjoy|improve your|better experience|unfortunately|recommend|personalised|we value|of course",
    "de": "beste|optimal|leider|empfehlen|genießen|besseres erlebnis|selbstverständlich",
    "fr": "meilleur|optimal|malheureusement|recommand|profitez",
    "es": "mejor |óptim|desgraciadamente|recomend|disfrut",
    "it": "migliore|ottimal|purtroppo|consigli|goder",
    "nl": "beste|optimaal|helaas|aanbev|geniet",
    "pl": "najlepsz|optymaln|niestety|zalec|ciesz",
    "pt": "melhor |otimiz|infelizmente|recomend|desfrut",
}


def test_the_eight_languages_are_there() -> None:
    """English, German, French, Spanish, Italian, Dutch, Polish and Portuguese are shipped."""
    assert set(TEXTS) == {"en", "de", "fr", "es", "it", "nl", "pl", "pt"} == set(NUDGES)


@pytest.mark.parametrize("language", TEXTS)
def test_every_language_says_everything(language: str) -> None:
    """A language has every key and every default purpose, in English's order, none empty."""
    texts = TEXTS[language]

    assert list(texts.ui) == list(ENGLISH.ui)
    assert tuple(texts.purposes) == DEFAULT_PURPOSES
    words = [*texts.ui.values(), *(w for p in texts.purposes.values() for w in (p.title, p.summary, p.description))]
    assert all(text.strip() == text != "" for text in words)


@pytest.mark.parametrize("language", TEXTS)
def test_every_language_has_the_same_places_to_fill_in(language: str) -> None:
    """A text has each `{name}` that the English one has, once, and no other."""
    ui = TEXTS[language].ui

    assert {key: sorted(PLACES.findall(text)) for key, text in ui.items()} == {
        key: sorted(PLACES.findall(text)) for key, text in ENGLISH.ui.items()
    }
    assert not any("{" in PLACES.sub("", text) or "}" in PLACES.sub("", text) for text in ui.values())


@pytest.mark.parametrize("language", TEXTS)
def test_the_first_layer_names_the_place_where_it_is_withdrawn(language: str) -> None:
    """What refusing means quotes the control by the very name that it bears (EU-07, EU-10)."""
    ui = TEXTS[language].ui

    for variant in ("", "_opt_out"):
        assert ui[f"control_label{variant}"] in ui[f"banner_consequence{variant}"]
        assert ui[f"control_label{variant}"] == ui[f"preferences_title{variant}"]


@pytest.mark.parametrize("language", TEXTS)
def test_the_first_layer_is_short_and_neutral(language: str) -> None:
    """The first layer takes at most 90 words with the default purposes, and no word of it nudges (EU-05)."""
    texts = TEXTS[language]
    summaries = [f"{p.title} {p.summary}" for key, p in texts.purposes.items() if key != "necessary"]
    asked = [texts.ui[key] for key in ("banner_title", "banner_text", "banner_consequence")] + summaries

    assert len(" ".join(asked).split()) <= 90
    everything = " ".join([*asked, *texts.ui.values(), *(p.description for p in texts.purposes.values())]).lower()
    assert re.findall(NUDGES[language], everything) == []


@pytest.mark.parametrize("language", TEXTS)
def test_accepting_and_refusing_take_alike_many_letters(language: str) -> None:
    """Neither button's words are more than twice the other's: none looks like the small print."""
    ui = TEXTS[language].ui

    for variant in ("", "_opt_out"):
        lengths = sorted(len(ui[f"layer_{name}{variant}"]) for name in ("accept", "reject"))
        assert lengths[1] <= 2 * lengths[0]


@pytest.mark.parametrize("language", TEXTS)
def test_typography(language: str) -> None:
    """Quotation marks and apostrophes are typographic; French keeps its no-break spaces."""
    texts = TEXTS[language]
    words = [*texts.ui.values(), *(w for p in texts.purposes.values() for w in (p.title, p.summary, p.description))]

    assert [text for text in words if '"' in text or "'" in text or "  " in text] == []
    if language == "fr":
        assert [text for text in words if re.search(r" [:;!?»]|« ", text)] == []


def test_every_key_is_used_and_every_used_key_is_there() -> None:
    """The widget's sources name exactly the keys that are written; kinds of storage and opt-out variants by pattern."""
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "widget" / "src").rglob("*.js"))
    named = set(re.findall(rf"\b(?:{'|'.join(PREFIXES)})[a-z_]+\b", code)) - {"preferences_kind_"}
    written = {key.removesuffix("_opt_out") for key in ENGLISH.ui if not key.startswith("preferences_kind_")}

    assert {key.removesuffix("_opt_out") for key in named} == written
    assert all(key.startswith(PREFIXES) for key in ENGLISH.ui)
    assert all(key.removesuffix("_opt_out") in ENGLISH.ui for key in ENGLISH.ui)
