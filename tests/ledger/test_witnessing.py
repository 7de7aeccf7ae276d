"""A witness cosigns what follows from what it has seen, and nothing else (C2SP tlog-witness)."""

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from consent.errors import StoreError
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.cosign import Cosigner
from consent.ledger.errors import LedgerError
from consent.ledger.memory import Memory
from consent.ledger.note import SigningKey, Vkey, open_note, split_note
from consent.ledger.witness_routes import create_witness
from consent.ledger.witnessing import Witness
from tests.ledger.outside import ORIGIN, Outside

COSIGNER = Cosigner("witness.example/w", b"w" * 32)
SEEN = 300


def witness(folder: Path) -> Witness:
    return Witness(COSIGNER, Memory(folder), {ORIGIN: [Outside().key.vkey]}, lambda: 1_760_000_000)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A witness that has seen 300 leaves."""
    with TestClient(create_witness(witness(tmp_path))) as made:
        assert made.post("/add-checkpoint", content=Outside().request(0, SEEN)).status_code == 200
        yield made


def test_it_cosigns_what_follows(client: TestClient) -> None:
    """200 with a line that makes the checkpoint one of the log and of the witness, at the time of the witness."""
    log = Outside()
    answer = client.post("/add-checkpoint", content=log.request(SEEN, 1_000))
    text, names = open_note(log.note(1_000) + answer.text, [log.key.vkey, COSIGNER.vkey])

    assert answer.status_code == 200
    assert names == [ORIGIN, "witness.example/w"]
    assert Checkpoint.parse(text).size == 1_000
    assert split_note(text + "\n" + answer.text)[1][0].data[:8] == (1_760_000_000).to_bytes(8, "big")


def test_the_same_again(client: TestClient) -> None:
    """What was cosigned last is cosigned again, without a proof; with one it is refused."""
    assert client.post("/add-checkpoint", content=Outside().request(SEEN, SEEN)).status_code == 200
    assert client.post("/add-checkpoint", content=Outside().request(SEEN, SEEN, [b"h" * 32])).status_code == 422


def test_the_same_a_hundred_times(tmp_path: Path) -> None:
    """Whoever sends one public head again and again gets its cosignature, and fills nothing."""
    made = witness(tmp_path)
    assert made.add_checkpoint(Outside().request(0, 0)).status == 200
    assert made.add_checkpoint(Outside().request(0, SEEN)).status == 200
    row = Memory(tmp_path).path(ORIGIN, "history")
    size = row.stat().st_size

    assert {made.add_checkpoint(Outside().request(SEEN, SEEN)).status for _ in range(100)} == {200}
    assert row.stat().st_size == size


def test_too_many_requests(tmp_path: Path) -> None:
    """One address is answered a hundred times a minute at most, and others besides; nothing is read of the rest."""
    with TestClient(create_witness(witness(tmp_path), clock=lambda: 0.0)) as client:
        statuses = [client.post("/add-checkpoint", content=b"").status_code for _ in range(102)]
        assert statuses == [400] * 100 + [429] * 2
    with TestClient(create_witness(witness(tmp_path), clock=lambda: 0.0)) as client:
        assert client.post("/add-checkpoint", content=b"").status_code == 400


FOREIGN = SigningKey("other.example/log/x", b"o" * 32)
IMPOSTOR = SigningKey(ORIGIN, b"i" * 32)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (Outside(key=FOREIGN).request(0, 5), 404),
        (Outside(key=IMPOSTOR).request(SEEN, 400), 403),
        (Outside().request(SEEN, 400)[:-10] + b"AAAAAAAA=\n", 403),
        (Outside().request(400, SEEN, []), 400),
        (Outside().request(SEEN, 400, [b"h" * 32] * 9), 422),
        (Outside().request(SEEN, 400, Outside().path(SEEN, 400)[:-1]), 422),
        (Outside(salt="x").request(SEEN, 400), 422),
        (Outside(salt="x").request(SEEN, SEEN), 409),
        (Outside().request(200, 400), 409),
        (Outside().request(0, 400), 409),
        (b"", 400),
        (b"old 300\n\n", 400),
        (b"old -1\n\n" + Outside().note(400).encode(), 400),
        (b"old 0300\n\n" + Outside().note(400).encode(), 400),
        (b"new 300\n\n" + Outside().note(400).encode(), 400),
        (b"old 300\n!\n\n" + Outside().note(400).encode(), 400),
        (b"old 300\n" + Outside().note(400).encode(), 400),
        (b"\xff" + Outside().request(SEEN, 400), 400),
        (Outside().request(SEEN, 400, [b"h" * 32] * 64), 400),
    ],
)
def test_it_refuses_the_rest(client: TestClient, body: bytes, status: int) -> None:
    """Each refusal has the status of the specification, and changes nothing: 409 tells the size that was seen."""
    answer = client.post("/add-checkpoint", content=body)

    assert answer.status_code == status
    if status == 409:
        assert (answer.text, answer.headers["content-type"]) == (f"{SEEN}\n", "text/x.tlog.size")
    assert client.post("/add-checkpoint", content=Outside().request(SEEN, 301)).status_code == 200


def test_a_first_proof_is_empty(tmp_path: Path) -> None:
    """From size 0 nothing can be proved: a proof is refused, and so is a tree without leaves that has a root."""
    made = witness(tmp_path)

    assert made.add_checkpoint(Outside().request(0, 5, [b"h" * 32])).status == 422
    assert made.add_checkpoint(Outside().request(0, 0)).status == 200
    assert made.add_checkpoint(Outside().request(0, 5)).status == 200


def test_large_requests_are_refused(client: TestClient) -> None:
    """A body over 64 kB is not read."""
    assert client.post("/add-checkpoint", content=b"old 0\n" * 20_000).status_code == 413


def test_it_remembers(tmp_path: Path) -> None:
    """A witness that starts again goes on from what it cosigned, and has all of it in a row."""
    log = Outside()
    for old, size in ((0, 10), (10, 300), (300, 301)):
        assert witness(tmp_path).add_checkpoint(log.request(old, size)).status == 200
    row = Memory(tmp_path).path(ORIGIN, "history").read_text("utf-8")

    assert [line for line in row.split("\n") if line.isdigit()] == ["10", "300", "301"]
    assert witness(tmp_path).add_checkpoint(log.request(10, 400)).text == "301\n"


def test_what_cannot_be_kept_is_not_cosigned(tmp_path: Path) -> None:
    """A memory that fails is an error; a memory that was damaged is one, too, and is not taken for an empty one."""
    made = witness(tmp_path)
    made.add_checkpoint(Outside().request(0, 10))
    path = Memory(tmp_path).path(ORIGIN, "checkpoint")
    whole = path.read_bytes()
    path.write_bytes(whole[:40])
    with pytest.raises(StoreError):
        made.add_checkpoint(Outside().request(0, 10))

    path.write_bytes(whole)
    Memory(tmp_path).path(ORIGIN, "history").unlink()
    Memory(tmp_path).path(ORIGIN, "history").mkdir()
    with pytest.raises(StoreError):
        made.add_checkpoint(Outside().request(10, 20))
    assert path.read_bytes() == whole
    assert list(tmp_path.glob(".*")) == []


def test_a_thousand_at_a_time(tmp_path: Path) -> None:
    """A thousand requests by 32 threads of two programs: what is remembered only ever grows."""
    log = Outside()
    notes = {size: log.note(size) for size in range(65)}
    programs = [witness(tmp_path), witness(tmp_path)]
    rng = random.Random(7)
    sizes = [rng.randint(1, 64) for _ in range(1_000)]

    def ask(number: int) -> tuple[int, int] | None:
        size, old = sizes[number], 0
        for _ in range(80):
            if old > size:
                return None
            body = log.request(old, size, note=notes[size])
            told = programs[number % 2].add_checkpoint(body)
            if told.status == 200:
                return old, size
            assert told.status == 409
            old = int(told.text)
        raise AssertionError("it was overtaken 80 times")

    with ThreadPoolExecutor(32) as pool:
        cosigned = [one for one in pool.map(ask, range(1_000)) if one]
    row = Memory(tmp_path).path(ORIGIN, "history").read_text("utf-8")
    order = [int(line) for line in row.split("\n") if line.isdigit()]

    assert order == sorted(order)
    assert sorted({size for _, size in cosigned}) == order
    last = Memory(tmp_path).last(ORIGIN)
    assert last is not None
    assert last[0].size == max(order) == max(sizes)


def test_the_key_of_a_witness() -> None:
    """A key reads back from its line; an altered line does not, and neither does the key of a log."""
    assert Cosigner.parse(COSIGNER.line).vkey == COSIGNER.vkey
    assert Vkey.parse(str(COSIGNER.vkey)) == COSIGNER.vkey
    for wrong in ("", COSIGNER.line[:-2], COSIGNER.line.replace("witness", "other"), Outside().key.line):
        with pytest.raises(LedgerError):
            Cosigner.parse(wrong)
