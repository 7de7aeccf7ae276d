"""Who withdrew is forgotten also when the service is killed before it could do so."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from consent.config import Config
from consent.telemetry import opened
from consent.telemetry.leaving import NAME, Leaver, Leaving
from consent.telemetry.opened import open_door
from tests.telemetry.made import NOW, event, hit


def test_lines_are_noted_and_go(tmp_path: Path) -> None:
    """What was noted is read, a torn line is none, and nothing of it is left once it is done."""
    leaving = Leaving(tmp_path / NAME)
    assert leaving.noted() == []
    one, other = Leaver(1, "5a" * 16, 9, True), Leaver(2, "6b" * 16, 10, False)
    leaving.note(one)
    leaving.note(other)
    with (tmp_path / NAME).open("a") as file:
        file.write("1 7c7c")
    assert leaving.noted() == [one, other]
    leaving.clear()
    assert (leaving.noted(), (tmp_path / NAME).read_bytes()) == ([], b"")


async def test_the_next_service_goes_on(tmp_path: Path) -> None:
    """A withdrawal that was answered, and no more, is done by the service that starts next."""
    config = Config(data=tmp_path)
    killed = await open_door(config)
    await killed.log.write([hit(7, event(1)), hit(8, event(2))], {})
    killed.forget(1, f"{7:032x}", NOW * 2, rows=True)
    await killed.db.close()
    next_one = await open_door(config)
    await next_one._forget_all()
    await next_one.db.close()
    with closing(sqlite3.connect(config.telemetry_store)) as store:
        assert store.execute("select visitor from session").fetchall() == [(f"{8:032x}",)]
    assert (tmp_path / NAME).read_bytes() == b""


async def test_more_than_wait_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many withdraw while nothing can be deleted, all are forgotten, and known as that after the next start."""
    monkeypatch.setattr(opened, "WITHDRAWALS", 2)
    config = Config(data=tmp_path)
    door = await open_door(config)
    await door.log.write([hit(number, event(number)) for number in range(1, 7)], {})
    for number in range(1, 6):
        door.forget(1, f"{number:032x}", NOW * 2, rows=True)
    await door._forget_all()
    await door.db.close()
    with closing(sqlite3.connect(config.telemetry_store)) as store:
        assert store.execute("select visitor from session").fetchall() == [(f"{6:032x}",)]
        assert store.execute("select count(*) from forgotten").fetchone() == (5,)
    assert (tmp_path / NAME).read_bytes() == b""
