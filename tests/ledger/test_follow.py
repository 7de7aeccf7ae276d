"""A log is followed from outside: it may grow, and nothing else."""

from pathlib import Path

import pytest

from consent.errors import Problem
from consent.ledger.follow import Follower, Seen
from consent.ledger.memory import Memory
from consent.ledger.note import SigningKey
from consent.web.fetch import Answer
from tests.ledger.outside import ORIGIN, Outside

URL = f"https://{ORIGIN}"
GONE = Answer(404, "text/plain", b"")


def look(log: Outside, folder: Path) -> Seen:
    return Follower(URL, [Outside().key.vkey], Memory(folder), log.fetch).look()


def test_a_log_that_grows(tmp_path: Path) -> None:
    """Heads that follow from each other are remembered, across many tiles; the same again is read without a tile."""
    log = Outside()
    for size in (0, 1, 255, 256, 257, 1_000, 70_000):
        log.size = size
        assert look(log, tmp_path) == Seen(ORIGIN, size, max(0, getattr(log, "before", 0)), False)
        log.before = size  # type: ignore[attr-defined]
    log.asked.clear()
    look(log, tmp_path)

    assert log.asked == ["checkpoint"]


@pytest.mark.parametrize(
    ("salt", "size", "common"),
    [("x", 300, 0), ("x", 301, 0), ("x", 5_000, 299), ("x", 200, 199), ("x", 300, 299)],
)
def test_a_log_that_was_rewritten(tmp_path: Path, salt: str, size: int, common: int) -> None:
    """Another history is noticed, whether it is as long, longer or shorter; both signed heads are kept as the proof."""
    look(Outside(300), tmp_path)
    other = Outside(size, salt=salt)
    other.common = common
    if size < 300:  # the tiles that the shorter head is compared by are still those of the log as it was
        kept = Outside(300)
        other.tile = kept.tile  # type: ignore[method-assign]

    def serve(url: str) -> Answer:
        other.size = size if url.endswith("checkpoint") else max(size, 300)
        return other.fetch(url)

    follower = Follower(URL, [other.key.vkey], Memory(tmp_path), serve)
    with pytest.raises(Problem) as found:
        follower.look()

    assert found.value.code == "log_forked"
    assert f"\n{size}\n" in Memory(tmp_path).path(ORIGIN, "contradiction").read_text("utf-8")
    assert look(Outside(301), tmp_path).before == 300


def test_an_older_copy(tmp_path: Path) -> None:
    """A head that was overtaken is told as such where the tiles show that it is one of the same log."""
    look(Outside(300), tmp_path)
    log = Outside(300)

    def serve(url: str) -> Answer:
        log.size = 200 if url.endswith("checkpoint") else 300
        return log.fetch(url)

    assert Follower(URL, [log.key.vkey], Memory(tmp_path), serve).look() == Seen(ORIGIN, 200, 300, True)
    assert look(Outside(301), tmp_path).before == 300


def test_a_log_that_was_rolled_back(tmp_path: Path) -> None:
    """Where the tiles are gone that it had shown, it is behind what was seen, and that stays remembered."""
    look(Outside(300), tmp_path)

    assert look(Outside(200), tmp_path) == Seen(ORIGIN, 200, 300, True)
    assert look(Outside(301), tmp_path).before == 300


def test_a_log_that_cannot_be_read(tmp_path: Path) -> None:
    """A log that grew and does not serve the tiles for it is tried again later, and is not remembered."""
    look(Outside(300), tmp_path)
    log = Outside(301)
    answers = {"checkpoint": Answer(200, "text/plain", log.note().encode())}
    follower = Follower(URL, [log.key.vkey], Memory(tmp_path), lambda url: answers.get(url.rpartition("/")[2], GONE))
    with pytest.raises(OSError, match="404"):
        follower.look()

    assert look(Outside(302), tmp_path).before == 300


def test_a_head_of_someone_else(tmp_path: Path) -> None:
    """A head signed by no known key, or under another name, is not taken."""
    with pytest.raises(Problem) as found:
        look(Outside(5, SigningKey(ORIGIN, b"i" * 32)), tmp_path)
    assert found.value.code == "log_unsigned"
    with pytest.raises(Problem):
        look(Outside(5, SigningKey("other.example/log/shop", b"s" * 32)), tmp_path)


def test_tiles_that_do_not_lead_to_the_head(tmp_path: Path) -> None:
    """A log whose tiles are others than its head says is not taken at first sight."""
    log = Outside(300)
    log.tile = Outside(300, salt="x").tile  # type: ignore[method-assign]
    with pytest.raises(Problem) as found:
        look(log, tmp_path)

    assert found.value.code == "log_forked"
    assert Memory(tmp_path).last(ORIGIN) is None


def test_what_an_operator_writes_does_not_steer_the_terminal(tmp_path: Path) -> None:
    """The name of a log is the operator's text: what a follower says of it has no control characters."""
    key = SigningKey("h\x9b2J\u202e/log/shop", b"s" * 32)
    follower = Follower(URL, [key.vkey], Memory(tmp_path), Outside(300, key).fetch)
    follower.look()
    with pytest.raises(Problem) as found:
        Follower(URL, [key.vkey], Memory(tmp_path), Outside(300, key, salt="x").fetch).look()

    assert found.value.code == "log_forked"
    assert found.value.message.isprintable()
