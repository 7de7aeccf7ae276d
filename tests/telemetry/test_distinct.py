"""Who makes up pages, names or hosts fills no disk: of each kind a site's day has so many, and no more."""

from pathlib import Path

import pytest

from consent.telemetry import distinct
from consent.telemetry.distinct import MOST, OTHER, Distinct
from tests.telemetry.site import CHROME, Site, event, served


def test_a_day_has_its_number() -> None:
    """What was seen goes on, what comes later stands under one name, and the next day begins anew."""
    seen = Distinct()
    seen.begin(1)
    first = [seen.keep("target", f"{number}.example") for number in range(MOST["target"])]

    assert OTHER not in first
    assert seen.keep("target", "late.example") == OTHER
    assert seen.keep("target", "7.example") == "7.example"
    assert seen.keep("source", "late.example") == "late.example"
    assert seen.keep("target", "") == ""
    seen.begin(1)
    assert not seen.knows("target", "late.example")
    seen.begin(2)
    assert seen.keep("target", "late.example") == "late.example"


def test_made_up_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of addresses leaves so many rows of sums, and every event is there all the same."""
    monkeypatch.setattr(distinct, "MOST", {"page": 5, "source": 2, "target": 2, "event": 1, "campaign": 1, "agent": 9})
    with served(tmp_path) as site:
        choice = site.decide()
        told = site.told(
            *(event(path=f"/p{chr(97 + n)}/") for n in range(20)), event("one"), event("two"), choice=choice
        )

        assert told == "taken=21; dropped=1 too-many-names"
        paths = site.rows("select path, count(*) as n from event where event = 'view' group by path order by n desc")
        assert (paths[0]["path"], paths[0]["n"], len(paths)) == ("/:other", 15, 6)


def test_made_up_campaigns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of campaigns have their number, too."""
    monkeypatch.setattr(distinct, "MOST", {"page": 5, "source": 1, "target": 2, "event": 1, "campaign": 2, "agent": 9})
    with served(tmp_path) as site:
        for number in range(4):
            site.client.cookies.clear()
            page = f"/?utm_source=mail&utm_campaign=made-{chr(97 + number)}"
            site.post(event(path=page, referrer=f"https://{number}.example/"), choice=site.decide())

        assert values(site, "campaign") == [":other", "made-a", "made-b"]
        assert values(site, "source") == ["0.example", ":other"]
        campaigns = [row["campaign"] for row in site.rows("select campaign from session order by id")]
        assert campaigns[3] == '{"utm_source":"mail","utm_campaign":":other"}'


def test_made_up_browsers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So have browsers and their versions: whoever sends a new one with each request makes no sum of its own for it."""
    monkeypatch.setitem(distinct.MOST, "agent", 6)
    with served(tmp_path) as site:
        for number in range(131, 141):
            site.client.cookies.clear()
            site.post(event(), choice=site.decide(), headers={"User-Agent": CHROME.replace("131", str(number))})
        site.client.cookies.clear()
        site.post(event(), choice=site.decide(), headers={"User-Agent": "Mozilla/5.0 (X11) Gecko/1 Firefox/140.0"})

        assert values(site, "browser") == [":other", "Chrome"]
        assert values(site, "browser_version") == [":other", "Chrome", "Chrome 131", "Chrome 132", "Chrome 133"]
        assert [row["browser"] for row in site.rows("select browser from session")].count("Chrome") == 10


def values(site: Site, dim: str) -> list[str]:
    """What there are sums of."""
    rows = site.rows(f"select distinct val from rollup where dim = '{dim}' order by val")
    return [row["val"] for row in rows]
