"""A log as those see it who watch it: signed checkpoints, proofs and tiles, and a history that can be rewritten."""

from collections.abc import Sequence

from consent.ledger.checkpoint import Checkpoint
from consent.ledger.merkle import leaf_hash, root
from consent.ledger.note import SigningKey
from consent.ledger.proof import consistency_path
from consent.ledger.text import encoded
from consent.ledger.tile import WIDTH, parse_tile_path
from consent.web.fetch import Answer

ORIGIN = "consent.example/log/shop"


class Outside:
    """Leaves are numbers; `salt` makes another history of the same size."""

    def __init__(self, size: int = 0, key: SigningKey | None = None, salt: str = "") -> None:
        self.key = key or SigningKey(ORIGIN, b"s" * 32)
        self.size = size
        self.salt = salt
        self.asked: list[str] = []
        self.common = 0

    def leaves(self, size: int) -> list[bytes]:
        """The leaf hashes; the first `common` are those of the history without a salt."""
        salts = ["" if number < self.common else self.salt for number in range(size)]
        return [leaf_hash(f"{salt}{number}".encode()) for number, salt in enumerate(salts)]

    def note(self, size: int | None = None) -> str:
        """A signed checkpoint."""
        size = self.size if size is None else size
        return self.key.sign(Checkpoint(self.key.name, size, root(self.leaves(size))).format())

    def path(self, old: int, size: int) -> list[bytes]:
        """The proof from one size to another."""
        return [] if old in (0, size) else consistency_path(old, size, self.tile)

    def request(self, old: int, size: int, path: Sequence[bytes] | None = None, note: str | None = None) -> bytes:
        """The body of `add-checkpoint`."""
        hashes = self.path(old, size) if path is None else path
        return "\n".join([f"old {old}", *map(encoded, hashes), "", note or self.note(size)]).encode()

    def tile(self, level: int, index: int, width: int) -> list[bytes]:
        """The hashes of a tile."""
        span = WIDTH**level
        leaves = self.leaves((index * WIDTH + width) * span)
        return [root(leaves[at * span : (at + 1) * span]) for at in range(index * WIDTH, index * WIDTH + width)]

    def fetch(self, url: str) -> Answer:
        """What its address answers."""
        path = url.partition("/log/shop/")[2]
        self.asked.append(path)
        if path == "checkpoint":
            return Answer(200, "text/plain", self.note().encode())
        level, index, width = parse_tile_path(path)
        assert isinstance(level, int)
        if (index * WIDTH + width) * WIDTH**level > self.size:
            return Answer(404, "text/plain", b"")
        return Answer(200, "application/octet-stream", b"".join(self.tile(level, index, width)))
