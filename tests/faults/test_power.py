"""Power loss and failing disks, replayed through the real service."""

import random
from pathlib import Path

import pytest

from tests.faults import disk, eio, replay
from tests.faults.trace import Event

SLOW = pytest.mark.slow


@pytest.mark.parametrize(("commits", "every"), [(40, 25), pytest.param(450, 1, marks=SLOW)])
async def test_no_power_loss_loses_what_was_acknowledged(tmp_path: Path, commits: int, every: int) -> None:
    """Whatever unsynced part of the disk is gone: each acknowledged choice is there, and the service takes the next."""
    figures = await replay.replayed(tmp_path, commits, every=every)

    assert (figures.lost, figures.corrupt) == ([], []), figures
    assert figures.acknowledged >= commits
    assert figures.points > commits


@pytest.mark.parametrize(("commits", "every"), [(60, 40), pytest.param(450, 4, marks=SLOW)])
async def test_the_harness_finds_what_synchronous_normal_loses(tmp_path: Path, commits: int, every: int) -> None:
    """A store that syncs less does lose choices, and the log refuses to go on behind what was noted."""
    figures = await replay.replayed(tmp_path, commits, every=every, normal=True)

    assert any("is not there" in line for line in figures.lost), figures
    assert any("must not grow" in line for line in figures.corrupt), figures


@pytest.mark.parametrize(
    ("cases", "every"),
    [([("fdatasync", 9)], 300), pytest.param(eio.CASES, 40, marks=SLOW)],
)
async def test_a_disk_that_fails_loses_nothing_that_was_acknowledged(
    tmp_path: Path, cases: list[tuple[str, int]], every: int
) -> None:
    """EIO on the k-th write or sync: refused with a reason or stored, also when the power goes after that."""
    figures = await eio.failing(tmp_path, cases, every=every)

    assert (figures.lost, figures.corrupt) == ([], []), figures
    assert figures.notes["said so"] == figures.notes["refusing"], figures


def events(*happened: tuple[str, str, int, bytes]) -> disk.Disk:
    made = disk.Disk("/d")
    for kind, path, number, data in happened:
        made.happen(Event(0, kind, path, number, data))
    return made


def left(made: disk.Disk, kind: str) -> dict[str, bytes | None]:
    return made.image(kind, random.Random(1))


NAMED = (("open", "/d/a", 0, b""), ("sync-begins", "/d", 1, b""), ("sync-ends", "/d", 1, b""))


def test_what_was_written_during_a_sync_is_not_saved_by_it() -> None:
    """Only bytes written before a sync began are safe when it ends; and a name only once its folder was synced."""
    made = events(*NAMED, ("write", "/d/a", 0, b"one"), ("sync-begins", "/d/a", 2, b""), ("write", "/d/a", 3, b"two"))
    assert left(made, "nothing") == {"/d/a": b""}
    made.happen(Event(0, "sync-ends", "/d/a", 2))
    assert left(made, "nothing") == {"/d/a": b"one"}

    unnamed = events(
        NAMED[0], ("write", "/d/a", 0, b"one"), ("sync-begins", "/d/a", 2, b""), ("sync-ends", "/d/a", 2, b"")
    )
    assert left(unnamed, "nothing") == {}
    assert left(unnamed, "names") == {"/d/a": b"one"}


def test_a_sync_that_failed_is_not_mended_by_another() -> None:
    """What a failed sync was to save stays lost, until the page is written again."""
    made = events(*NAMED, ("write", "/d/a", 0, b"one"), ("sync-begins", "/d/a", 2, b""), ("sync-fails", "/d/a", 2, b""))
    for event in (Event(0, "sync-begins", "/d/a", 3), Event(0, "sync-ends", "/d/a", 3)):
        made.happen(event)
    assert left(made, "nothing") == {"/d/a": b""}

    made.happen(Event(0, "write", "/d/a", 3, b"two"))
    for event in (Event(0, "sync-begins", "/d/a", 4), Event(0, "sync-ends", "/d/a", 4)):
        made.happen(event)
    assert left(made, "nothing")["/d/a"][:6] == b"onetwo"  # type: ignore[index]
