"""`consent geo`: the databases that tell places, installed and listed."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from consent.cli import Friendly, _config, _say, _table, main, settings
from consent.db.place import prepare
from consent.errors import Problem


@main.group(cls=Friendly)
def geo() -> None:
    """Geo databases: from where visitors come."""


@geo.command("install")
@click.argument("source", metavar="SOURCE")
@click.option("--sha256", default="", help="Checksum of the file as it is, in hex.")
@settings
def geo_install(source: str, *, sha256: str, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Install a database (.mmdb, also .gz or .tar.gz). A running service takes it up within seconds."""
    from consent.visitors.install import install  # noqa: PLC0415

    config = _config(file, data)
    prepare(config.data)
    database = install(source, config.data / "geo", sha256=sha256)
    answer = _told(database)
    database.reader.close()
    shown = f"\nPages that show places must say: {answer['attribution']} ({answer['link']})" if answer["link"] else ""
    knows = ", ".join(answer["knows"])
    told = f"Installed {answer['kind']} of {answer['maker']}, built {answer['built']}; it knows {knows}."
    _say(as_json, answer, told + shown)


@geo.command("list")
@settings
def geo_list(data: Path | None, file: Path | None, as_json: bool) -> None:
    """List the databases in use, and those that cannot be."""
    from consent.visitors.place import Places  # noqa: PLC0415

    places = Places(_config(file, data).data / "geo")
    places.refresh()
    found = []
    for database in places.databases:
        try:
            found.append(_told(database))
        except Problem as problem:
            places.faults[database.path.name] = str(problem)
    places.close()
    rows = [(one["file"], one["maker"], one["built"], " ".join(one["knows"]), one["attribution"]) for one in found]
    lines = [f"{name}: {text}" for name, text in places.faults.items()]
    told = _table(("file", "maker", "built", "knows", "attribution"), rows) if found else "No database is installed."
    _say(as_json, {"databases": found, "faults": places.faults}, "\n".join([told, *lines]))


def _told(database: Any) -> dict[str, Any]:
    says = database.says()
    return {
        "file": database.path.name,
        "kind": database.kind,
        "maker": database.maker.name,
        "built": datetime.fromtimestamp(database.built, UTC).strftime("%Y-%m-%d"),
        "knows": [word for word in says.__struct_fields__ if getattr(says, word)],
        "attribution": database.maker.attribution,
        "link": database.maker.link,
    }
