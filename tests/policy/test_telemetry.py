"""The [telemetry] table: the service it brings, hashes that stay without it, and what is refused."""

import msgspec
import pytest

from consent.catalogue.service import load_catalogue
from consent.policy.change import asks_again
from consent.policy.finding import PolicyError
from consent.policy.policy import Telemetry
from consent.policy.resolved import Resolved, read_resolved, resolve
from consent.policy.sources import granted_keys
from consent.policy.telemetry import VISITS, ResolvedTelemetry
from consent.policy.texts import load_texts
from tests.policy.site import errors, in_place, policy, resolved, warnings


def log(more: str = "", **replaced: str) -> Resolved:
    return resolved(f"[telemetry]\n{more}", **replaced)


def test_hashes_of_other_policies_stay() -> None:
    """A policy without the table has no trace of it in its body, and a stored body without it is read."""
    made = resolved()

    assert '"telemetry"' not in made.body and '"visits"' not in made.body
    assert read_resolved(made.body) == made
    assert read_resolved(made.body).telemetry is None


def test_the_body_brings_the_terms() -> None:
    """Terms and service survive the store."""
    made = log('query = ["ref"]\napps = ["Shop for iOS"]')

    assert read_resolved(made.body) == made
    assert made.telemetry == ResolvedTelemetry(
        purpose="statistics",
        counts=True,
        query=("ref",),
        days=365,
        forget=True,
        apps=("Shop for iOS",),
        address="truncated",
        address_reason="",
        address_days=0,
        customer=(),
        events=(),
    )
    assert set(ResolvedTelemetry.__struct_fields__) == set(Telemetry.__struct_fields__)


def test_own_pages() -> None:
    """The key is left out where it says nothing, so that hashes of policies before it stay; other words are refused."""
    made = log("own_pages = true")

    assert made.telemetry is not None and made.telemetry.own_pages
    assert read_resolved(made.body) == made and '"own_pages":true' in made.body
    assert "own_pages" not in log().body and log("own_pages = false").hash == log().hash != made.hash
    assert made.scope == log().scope and not asks_again(log(), made)
    with pytest.raises(PolicyError, match="own_pages"):
        log('own_pages = "yes"')


def test_the_service_of_the_log() -> None:
    """It is run by who asks, loads from nowhere, and names its cookies as they are set, with the time each lives."""
    [service] = log().services

    assert (service.key, service.provider, service.purposes, service.sources) == (
        VISITS,
        "The shop",
        ("statistics",),
        (),
    )
    assert [(cookie.name, cookie.duration, cookie.party, cookie.recipient) for cookie in service.cookies] == [
        ("__Host-consent-visitor", "13 months", "first", "The shop"),
        ("__Host-consent-session", "session", "first", "The shop"),
        ("__Host-consent-customer", "session", "first", "The shop"),
    ]
    plain = log(origins='origins = ["http://127.0.0.1:8000"]')
    assert plain.services[0].cookies[0].name == "consent-visitor"


def test_it_is_asked_about() -> None:
    """The choice lets it run by its purpose or by itself, and a policy that begins with it asks again."""
    made = log()

    assert granted_keys(made.services, made.required_purposes, {"statistics": "g"}, {}) == {VISITS}
    assert granted_keys(made.services, made.required_purposes, {"statistics": "g"}, {VISITS: "d"}) == set()
    assert granted_keys(made.services, made.required_purposes, {"marketing": "g"}, {}) == set()
    assert asks_again(resolved(), made)
    assert made.scope != resolved().scope


def test_every_language_has_words_for_it() -> None:
    """Name and description are there in all eight languages, each its own."""
    words = [texts.visits for texts in load_texts().values()]

    assert all(one.name and len(one.description) > 100 for one in words)
    assert len({one.description for one in words}) == 8
    made = log(site='site = "shop"\nlanguages = ["de", "en", "ja"]').services[0]
    assert (made.name, made.description["en"][:10]) == ("Besucherstatistik", "Recognises")
    assert made.description["ja"] == made.description["de"]


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ('purpose = "nothing"', "telemetry.purpose"),
        ('purpose = "necessary"', "telemetry.purpose"),
        ('address = "full"\naddress_days = 3', "telemetry.address_reason"),
        ('address = "full"\naddress_reason = "fraud"', "telemetry.address_days"),
        ('address = "full"\naddress_reason = "fraud"\naddress_days = 400', "telemetry.address_days"),
        ("address_days = 3", "telemetry.address"),
        ('query = ["ref", "ref"]', "telemetry.query[0]"),
        (f"customer = {[f'field{number}' for number in range(11)]}", "telemetry.customer"),
        (f"events = {[f'event{number}' for number in range(51)]}", "telemetry.events"),
        ('apps = [" "]', "telemetry.apps[0]"),
        ('apps = ["a\\u0000"]', "telemetry.apps[0]"),
    ],
)
def test_refused(more: str, path: str) -> None:
    """What is not asked, not bounded or not reasoned is refused at its place."""
    assert path in errors(f"[telemetry]\n{more}")


def test_the_key_is_taken() -> None:
    """Neither a service nor a purpose of the site may be called as the log's service."""
    purpose = '[[purposes]]\nkey = "statistics"\n[[purposes]]\nkey = "visits"\n'

    assert "services.visits" in errors(in_place("visits") + "[telemetry]")
    assert "purposes" in errors(purpose + "[telemetry]")
    assert "services.visits" not in errors(in_place("visits"))


def test_doubts() -> None:
    """Long keeping, and names that say who somebody is, are for a person to judge."""
    assert set(warnings('[telemetry]\ndays = 500\nquery = ["Email"]\ncustomer = ["plan", "phone"]')) == {
        "telemetry.days",
        "telemetry.query[0]",
        "telemetry.customer[1]",
    }
    assert errors("[telemetry]") == {} == warnings("[telemetry]")


@pytest.mark.parametrize("more", ["days = 0", "days = 761", 'query = ["a b"]', 'events = ["A"]', "other = 1"])
def test_what_does_not_fit_is_not_read(more: str) -> None:
    """Values outside their bounds are no policy."""
    with pytest.raises(PolicyError, match=r"^telemetry"):
        policy(f"[telemetry]\n{more}")


def test_the_demo_keeps_a_log() -> None:
    """The example of a policy has the table, and it can be published."""
    from importlib import resources

    from consent.policy.policy import parse

    made = resolve(parse((resources.files("consent.demo") / "policy.toml").read_text("utf-8")), load_catalogue())

    assert made.telemetry is not None
    assert made.services[-1].key == VISITS
    assert msgspec.json.decode(made.body)["telemetry"]["query"] == ["ref"]
