"""The pages of analysts, all of them, for the app's one list."""

from starlette.routing import BaseRoute

from consent.reports.consent_pages import ConsentPages
from consent.reports.desk import Desk
from consent.reports.health_pages import HealthPages, Vitals
from consent.reports.log_pages import LogPages
from consent.reports.site_pages import SitePages
from consent.reports.visit_pages import Forget, VisitPages


def routes(desk: Desk, vitals: Vitals, forget: Forget) -> list[BaseRoute]:
    """Every path of the pages, the most particular first."""
    return [
        *ConsentPages(desk).routes(),
        *LogPages(desk).routes(),
        *VisitPages(desk, forget).routes(),
        *HealthPages(desk, vitals).routes(),
        *SitePages(desk).routes(),
    ]
