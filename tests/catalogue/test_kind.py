"""What kinds of services do, in every language."""

from typing import get_args

import pytest

from consent.catalogue.kind import describe, load_kinds
from consent.catalogue.service import Kind


@pytest.mark.parametrize("language", ["de", "fr", "es", "it", "nl", "pl", "pt"])
def test_every_kind_in_every_language(language: str) -> None:
    """Each kind has a sentence of its own, and what the provider learns is said of each."""
    sentences = load_kinds()[language]

    assert set(sentences) == {*get_args(Kind), "learns"}
    assert len(set(sentences.values())) == len(sentences)
    assert all(text.endswith(".") for text in sentences.values())
    assert "Acme Inc" in (describe("video", "Acme Inc", language) or "")


def test_english_has_its_own() -> None:
    """In English every service of the catalogue has a description of its own; an unknown language has none."""
    assert describe("video", "Acme", "en") is None
    assert describe("video", "Acme", "sv") is None
