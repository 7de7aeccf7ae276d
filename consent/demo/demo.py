"""Publishes the demo's site: once, and again only when its policy would say something else."""

import time
from importlib import resources
from urllib.parse import urlsplit, urlunsplit

import msgspec

from consent.catalogue.service import load_catalogue
from consent.config import Config
from consent.db import Database
from consent.delivery.notices import publish
from consent.policy.policy import Policy, parse
from consent.policy.resolved import resolve
from consent.sites.queries import add, by_key
from consent.sites.site import Site

KEY = "demo"


async def ensure(db: Database, config: Config) -> Site:
    """The demo's site with a current policy for the address that the service has now."""
    now = time.time_ns() // 1_000_000
    site = await by_key(db, KEY) or await add(db, KEY, now)
    await publish(db, site.site_id, resolve(demo_policy(config), load_catalogue()), now)
    return site


def demo_policy(config: Config) -> Policy:
    """The demo's policy with this service's own address as the site's."""
    policy = parse((resources.files("consent.demo") / "policy.toml").read_text("utf-8"))
    return msgspec.structs.replace(policy, origins=tuple(origins(config.base_url)))


def origins(base_url: str) -> list[str]:
    """The service's origin; on the machine itself under both of its usual names."""
    parts = urlsplit(base_url)
    found = [f"{parts.scheme}://{parts.netloc}"]
    for one, other in (("127.0.0.1", "localhost"), ("localhost", "127.0.0.1")):
        if parts.hostname == one:
            found.append(urlunsplit(parts._replace(netloc=parts.netloc.replace(one, other), path="")))
    return found
