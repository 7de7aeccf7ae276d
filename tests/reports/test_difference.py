"""What a version of a policy changed, told so that a person can read it."""

import msgspec

from consent.reports.difference import Difference, differences
from tests.policy.site import resolved


def test_nothing_changed() -> None:
    """A policy does not differ from itself."""
    assert differences(resolved(), resolved()) == []


def test_a_service_that_came_is_told_once() -> None:
    """Not each of its hosts and cookies; the other way round it went."""
    with_it = resolved("[services.youtube]\n")

    assert differences(resolved(), with_it) == [Difference("added", "Service, youtube")]
    assert differences(with_it, resolved()) == [Difference("removed", "Service, youtube")]


def test_a_value_is_told_with_both() -> None:
    """What stood there, and what stands there."""
    new = msgspec.structs.replace(resolved(), days=90, after_accept="everything", origins=("https://new.example",))

    assert differences(resolved(), new) == [
        Difference("altered", "After everything was accepted", "declared", "everything"),
        Difference("altered", "Days that a choice holds", "180", "90"),
        Difference("added", "Origin", after="https://new.example"),
        Difference("removed", "Origin", before="https://www.shop.example"),
    ]


def test_texts_are_told_by_language_and_name() -> None:
    """A text that the site words itself, as it was and as it is, whatever it holds."""
    new = resolved('[texts.en]\nbanner_text = "Cookies? <b>Yes</b>"\n')
    [found] = differences(resolved(), new)

    assert (found.kind, found.where, found.after) == ("altered", "Text, en, banner text", "Cookies? <b>Yes</b>")
    assert found.before
