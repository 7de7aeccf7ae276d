"""Imports of access logs as tests make them: a published policy, the command, and what the store holds then."""

import contextlib
import json
import secrets
import sqlite3
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from consent.cli import main
from consent.policy.resolved import read_resolved
from consent.records.cookie import Choice, encode
from consent.visitors.cookies import Jar
from consent.visitors.visit import DAY, arrive
from consent.web.keyring import open_keyring

NOW = 1_790_000_000_000
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
POLICY = """
site = "shop"
origins = ["https://shop.example", "https://www.shop.example"]
[controller]
name = "Shop"
email = "privacy@shop.example"
privacy_url = "https://shop.example/privacy"
[telemetry]
"""


def publish(data: Path, more: str = "") -> None:
    """Publish the shop's policy, with more of it."""
    file = data.parent / "policy.toml"
    file.write_text(POLICY + more, "utf-8")
    answered(data, "policy", "publish", str(file))


def answered(data: Path, *words: str, **more: Any) -> dict[str, Any]:
    """What a command says."""
    done = CliRunner().invoke(main, [*words, "--data", str(data), "--json"], **more)
    assert done.exit_code == 0, done.output
    said: dict[str, Any] = json.loads(done.output)
    return said


def imported(data: Path, text: str | Path, *words: str, **more: Any) -> dict[str, Any]:
    """What an import of a file, or of these lines, says."""
    file = text if isinstance(text, Path) else data.parent / "access.log"
    if isinstance(text, str):
        file.write_text(text, "utf-8")
    return answered(data, "import-log", "shop", str(file), *words, **more)


def rows(data: Path, sql: str) -> list[Any]:
    """What the visitors' log answers."""
    with contextlib.closing(sqlite3.connect(data / "telemetry.sqlite")) as connection:
        return connection.execute(sql).fetchall()


def views(data: Path, dim: str = "page", kind: str = "count") -> dict[str, int]:
    """Page views by value, as rollups have them by day."""
    wanted = f"where dim = '{dim}' and grain = 'day' and kind = '{kind}' group by val"
    return dict(rows(data, f"select val, sum(views) from rollup {wanted} having sum(views) > 0"))


def visitor(data: Path, *, grants: bool = True, ago: int = 3 * DAY, now: int = NOW) -> tuple[str, bytes]:
    """The Cookie header of somebody who said yes, or no, some time ago; and who that is."""
    with contextlib.closing(sqlite3.connect(data / "consent.sqlite")) as connection:
        row = connection.execute("select scope, body from policy_version order by version desc").fetchone()
    purposes = {one.key: "g" if grants else "d" for one in read_resolved(row[1]).purposes if not one.required}
    choice = encode(Choice(day=(now - ago) // DAY, scope=row[0], purposes=purposes))  # type: ignore[arg-type]
    arrival = arrive(None, None, now - ago, secrets.token_bytes)
    jar = Jar(open_keyring(data / "keys" / "cookies", now // DAY, secrets.token_bytes), secrets.token_bytes)
    lines = jar.write(arrival, "shop", now - ago, where="page", secure=True)
    pairs = [one.partition(";")[0] for one in lines]
    return "; ".join([f"consent={choice}", *pairs]), arrival.visitor.id
