"""Every file of the catalogue."""

import re
from urllib.parse import urlsplit

import pytest

from consent.catalogue.service import CatalogueError, Service, load_catalogue, read_service
from consent.catalogue.source import covers, fault, split
from consent.policy.resolved import DEFAULT_PURPOSES
from consent.policy.suffixes import registrable_domain

SERVICES = load_catalogue()

#: Named by the issue that asked for the catalogue.
EXPECTED = """\
    livechat zendesk-chat live2support mioot tawk-to intercom facebook-like facebook-share facebook-comments
    facebook-login meta-pixel x-widgets x-pixel linkedin-insight pinterest-save sharethis addthis disqus instagram
    tiktok-embed youtube
    vimeo google-analytics google-tag-manager google-ads doubleclick google-maps google-fonts google-recaptcha matomo
    plausible hotjar clarity quantcast comscore chartbeat criteo taboola outbrain hubspot segment mixpanel amplitude
    new-relic sentry stripe paypal
""".split()  # noqa: SIM905


def test_there_are_at_least_a_hundred() -> None:
    """The catalogue knows the services that sites really load."""
    assert len(SERVICES) >= 100
    assert [key for key in EXPECTED if key not in SERVICES] == []


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_file(service: Service) -> None:
    """A file says what visitors must be told, in words and sources that a policy may use as they are."""
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,39}", service.key)
    assert service.name.strip()
    assert service.provider.strip()
    assert re.fullmatch(r"[A-Z]{2}", service.country)
    assert service.purposes
    assert set(service.purposes) <= set(DEFAULT_PURPOSES)
    assert len(service.description) <= 300
    assert service.description.endswith(".")
    assert service.placeholder == "" or service.placeholder.endswith(".")
    for url in (service.privacy_url, service.source):
        assert urlsplit(url).scheme == "https"
        assert urlsplit(url).hostname
    assert service.hosts or service.key == "matomo"
    assert len(service.sources) == len(set(service.sources))


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_sources(service: Service) -> None:
    """Every source can be put into a policy, and none opens a domain that belongs to many."""
    for source in service.sources:
        assert fault(source) is None, source
        host = split(source)[1].removeprefix("*.").partition(":")[0]
        assert "*" not in source or registrable_domain(host), source
    for name in service.params:
        assert any(f"{{{name}}}" in host for host in service.hosts), name


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_stored(service: Service) -> None:
    """Every cookie has a duration (EU-11), and no name matches all cookies."""
    for cookie in service.cookies:
        assert re.fullmatch(r"session|\d+ (second|minute|hour|day|week|month|year)s?", cookie.duration), cookie
        assert len(cookie.name.replace("*", "")) >= 1, cookie
    for item in service.storage:
        assert len(item.name.replace("*", "")) >= 1, item
    names = [cookie.name for cookie in service.cookies]
    assert len(names) == len(set(names))


def test_no_tracker_is_necessary() -> None:
    """A known tracker is never filed under necessary, and what may be necessary is no tracker (EU-13)."""
    for service in SERVICES.values():
        if service.is_tracker:
            assert "necessary" not in service.purposes, service.key
            assert not service.necessary_possible, service.key
        if service.purposes == ("necessary",):
            assert service.necessary_possible, service.key


def test_widgets_are_told_from_pixels() -> None:
    """On hosts that a vendor shares among services, no source of the pixel lies inside one of the widget."""
    for one, other in (("facebook-like", "meta-pixel"), ("google-maps", "google-analytics"), ("x-widgets", "x-pixel")):
        for a in SERVICES[one].sources:
            for b in SERVICES[other].sources:
                assert not covers(a, b), (a, b)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name =", "Invalid value"),
        ('name = "X"', "missing required field `provider`"),
        ('colour = "red"', "unknown field `colour`"),
        ('key = "x"', "the key is the file's name"),
    ],
)
def test_faults_name_the_file(text: str, words: str) -> None:
    """A file that does not fit says which one it is, and where."""
    with pytest.raises(CatalogueError, match=r"catalogue/services/x\.toml.*") as caught:
        read_service(text, "x")

    assert words in str(caught.value)
