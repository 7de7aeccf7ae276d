"""`consent cookies`: every cookie that the service can set, and the keys that seal them."""

import secrets
import time
from pathlib import Path

import click

from consent.cli import _config, _say, _table, main, settings
from consent.db.place import prepare


@main.command()
@click.option("--turn-keys", "turned", is_flag=True, help="Seal with a new key from the service's next start on.")
@settings
def cookies(*, turned: bool, data: Path | None, file: Path | None, as_json: bool) -> None:
    """List every cookie the service can set: exact name, purpose, lifetime; or turn the keys that seal them."""
    from consent.accounts import jar  # noqa: PLC0415
    from consent.visitors.cookies import ALL  # noqa: PLC0415
    from consent.web import keyring  # noqa: PLC0415

    if not turned:
        every = [one._asdict() for one in ALL] + [one._asdict() for one in jar.ALL]
        rows = [(one["name"], one["purpose"], one["lifetime"], one["set_when"]) for one in every]
        _say(as_json, {"cookies": every}, _table(("name", "purpose", "lifetime", "set"), rows))
        return
    config = _config(file, data)
    prepare(config.data)
    keys = keyring.turn(config.data / "keys" / "cookies", int(time.time()) // 86_400, secrets.token_bytes).keys
    answer = {"keys": [{"id": key.id.hex(), "day": key.day} for key in keys]}
    _say(as_json, answer, f"New cookies are sealed with key {keys[0].id.hex()}; {len(keys) - 1} older are still read.")
