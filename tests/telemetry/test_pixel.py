"""GET /v1/{site}/pixel.gif: one image for all, and the same gate by cookies alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent.telemetry.pixel_routes import GIF
from tests.telemetry.site import CHROME, ELSEWHERE, ORIGIN, Site, event, served

PIXEL = "/v1/shop/pixel.gif"
SEEN = {"User-Agent": CHROME, "Accept-Language": "de"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The shop."""
    with served(tmp_path) as made:
        yield made


def test_the_image(site: Site) -> None:
    """One transparent dot that no cache keeps, whether anything was kept or not."""
    for path in (PIXEL, f"{PIXEL}?page=/x", f"{PIXEL}?page=%00&event=A", f"{PIXEL}?page={'x' * 5_000}"):
        answer = site.client.get(path)
        assert (answer.status_code, answer.content) == (200, GIF)
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/gif", "no-store")
        assert "set-cookie" not in answer.headers
    assert GIF[:6] == b"GIF89a" and GIF[6:10] == b"\x01\x00\x01\x00"
    assert site.rows("select * from session") == site.rows("select * from rollup") == []
    assert site.client.get("/v1/nobody/pixel.gif").status_code == 404


def test_with_consent(site: Site) -> None:
    """Under the site's own host, who agreed has a row, by page or Referer, in the visit of the scripted pages."""
    choice = site.decide()
    first = site.client.get(f"{PIXEL}?page=/mail/123456&event=opened", headers=SEEN)
    site.client.get(PIXEL, headers=SEEN | {"Referer": f"{ORIGIN}/lamps/?secret=1"})
    site.post(event(), choice=choice)

    assert len(first.headers.get_list("set-cookie")) == 2
    rows = site.rows("select event, path, query from event order by time, event")
    assert [(row["event"], row["path"], row["query"]) for row in rows] == [
        ("opened", "/mail/:id", ""), ("view", "/lamps/", ""), ("view", "/lamps/", ""),
    ]  # fmt: skip
    assert len(site.rows("select * from session")) == 1


def test_a_refusal(site: Site) -> None:
    """Who refused is not told from anybody, and loses what there was."""
    site.post(event(), choice=site.decide())
    site.decide("d")
    answer = site.client.get(f"{PIXEL}?page=/", headers=SEEN)

    assert answer.content == GIF
    assert all("Max-Age=0" in line for line in answer.headers.get_list("set-cookie"))
    assert site.settled("select * from session", 0) == []


def test_elsewhere_nobody_is_told_apart(tmp_path: Path) -> None:
    """Under another host, as in a mail, an image has no cookie and sets none; where exempt it is a number."""
    trusted: dict[str, Any] = {"region_header": "X-Region", "trusted_proxies": ("198.51.100.0/24",)}
    with served(tmp_path, base=ELSEWHERE, **trusted) as site:
        choice = site.choice()
        seen = SEEN | {"X-Forwarded-For": "203.0.113.9"}
        for region in ("FR", "DE"):
            answer = site.client.get(f"{PIXEL}?page=/mail/", headers=seen | {"X-Region": region})
            assert "set-cookie" not in answer.headers
        granted = site.client.get(f"{PIXEL}?page=/mail/", headers=seen | {"Cookie": f"consent={choice}"})

        assert "set-cookie" not in granted.headers
        assert site.rows("select * from session") == []
        sums = site.rows("select sum(views) as n from rollup where kind = 'count' and dim = 'total' and grain = 'day'")
        assert sums == [{"n": 2}]  # France's, and the one that was agreed to


def test_another_sites_page(site: Site) -> None:
    """A page that is none of the site's is dropped."""
    site.decide()
    site.client.get(f"{PIXEL}?page=https://evil.example/", headers=SEEN)

    assert site.rows("select * from event") == []
    assert site.dropped() == {"other-site": 1}


def test_floods(tmp_path: Path) -> None:
    """Beyond the limit the image comes, and nothing is kept."""
    with served(tmp_path, rate_events_address=2) as site:
        site.decide()
        assert {site.client.get(f"{PIXEL}?page=/", headers=SEEN).status_code for _ in range(5)} == {200}
        assert len(site.rows("select * from event")) == 2
        assert site.dropped() == {"rate": 3}


def test_head_takes_nothing(site: Site) -> None:
    """HEAD is asked by programs that check links: it tells of no visit."""
    site.decide()
    answer = site.client.head(f"{PIXEL}?page=/", headers=SEEN)

    assert answer.status_code == 200 and "set-cookie" not in answer.headers
    assert site.rows("select * from event") == []
