"""Policies that tests begin with."""

from typing import Any

from consent.catalogue.service import load_catalogue
from consent.policy.check import check
from consent.policy.finding import Finding
from consent.policy.policy import Policy, parse
from consent.policy.resolved import Resolved, resolve

BASE = """
site = "shop"
origins = ["https://www.shop.example"]
[controller]
name = "The shop"
privacy_url = "https://www.shop.example/privacy"
"""


def policy(more: str = "", **replaced: str) -> Policy:
    """A sound policy with more TOML below it; `replaced` are whole lines by their key."""
    lines = [replaced.get(line.partition(" = ")[0], line) for line in BASE.splitlines()]
    return parse("\n".join(lines) + "\n" + more)


def resolved(more: str = "", **replaced: str) -> Resolved:
    """The same, resolved with the real catalogue."""
    return resolve(policy(more, **replaced), load_catalogue())


def findings(more: str = "", **replaced: str) -> list[Finding]:
    """What the check says of it."""
    return check(policy(more, **replaced), load_catalogue())


def errors(more: str = "", **replaced: str) -> dict[str, str]:
    """The errors' sentences by path."""
    return {f.path: f.message for f in findings(more, **replaced) if f.severity == "error"}


def warnings(more: str = "", **replaced: str) -> dict[str, str]:
    """The warnings' sentences by path."""
    return {f.path: f.message for f in findings(more, **replaced) if f.severity == "warning"}


def in_place(key: str = "own", **fields: Any) -> str:
    """TOML of a service that the catalogue does not know."""
    values = {
        "name": '"Own"',
        "provider": '"Own Ltd"',
        "country": '"DE"',
        "purposes": '["statistics"]',
        "kind": '"analytics"',
        "hosts": '["t.own.example/js/"]',
        "privacy_url": '"https://own.example/privacy"',
    } | fields
    return f"[services.{key}]\n" + "\n".join(f"{name} = {value}" for name, value in values.items() if value) + "\n"
