"""The right edge of a tree, and proofs from tiles, against trees that are hashed whole."""

import random
from collections.abc import Sequence

import pytest

from consent.ledger import merkle
from consent.ledger.edge import Edge, edge_tiles
from consent.ledger.errors import LedgerError
from consent.ledger.proof import consistency_path, inclusion_path, needed_tiles, needed_tiles_consistency, root_at
from consent.ledger.tile import WIDTH

HASHES = [merkle.leaf_hash(b"%d" % number) for number in range(70_000)]
STEPS = (0, 1, 2, 5, 32, 100, 255, 256, 257, 300, 512)


class Tiles:
    """Every tile of a tree of `size` leaves, by level; keeps which were read."""

    def __init__(self, size: int) -> None:
        self.levels: list[list[bytes]] = [HASHES[:size]]
        while len(self.levels[-1]) >= WIDTH:
            below = self.levels[-1]
            self.levels.append(
                [merkle.root(below[at : at + WIDTH]) for at in range(0, len(below) - len(below) % WIDTH, WIDTH)]
            )
        self.asked: list[tuple[int, int, int]] = []

    def read(self, level: int, index: int, width: int) -> Sequence[bytes]:
        """As the store reads them."""
        self.asked.append((level, index, width))
        hashes = self.levels[level][index * WIDTH : index * WIDTH + width]
        assert len(hashes) == width
        return hashes


def test_grown_by_chance() -> None:
    """However a tree grows, its root, its full tiles and the proofs of what was just appended are those of the tree."""
    chance = random.Random(1)
    edge, full = Edge.empty(), set[tuple[int, int]]()
    while edge.size < 4_000:
        old, step = edge, chance.choice(STEPS)
        edge, tiles = edge.append(HASHES[old.size : old.size + step])
        stored = Tiles(edge.size)
        for level, index, hashes in tiles:
            assert list(hashes) == list(stored.read(level, index, WIDTH))
            full.add((level, index))
        assert edge.root() == merkle.root(HASHES[: edge.size])
        first = min(old.size // WIDTH, edge.size // WIDTH) * WIDTH
        for index in range(first, edge.size):
            merkle.verify_inclusion(index, edge.size, HASHES[index], edge.inclusion(index), edge.root())
    assert full == {(0, index) for index in range(edge.size // WIDTH)}


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000])
def test_loaded(size: int) -> None:
    """An edge that is read from tiles goes on as the one that wrote them."""
    tiles = Tiles(size)
    edge = Edge.load(size, tiles.read)
    assert tiles.asked == edge_tiles(size)
    assert edge.root() == merkle.root(HASHES[:size])
    assert edge.append([HASHES[0]] * 300)[0].root() == merkle.root([*HASHES[:size], *[HASHES[0]] * 300])


def test_full_tiles_of_levels() -> None:
    """A tree of 70,000 leaves has 273 full tiles at level 0 and one at level 1 (C2SP tlog-tiles)."""
    edge, tiles = Edge.empty().append(HASHES)
    assert [level for level, _, _ in tiles] == [0] * 273 + [1]
    assert edge_tiles(edge.size) == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]


def test_beyond_the_edge() -> None:
    """A leaf in a tile that was full before the last append has no proof from the edge alone."""
    edge = Edge.empty().append(HASHES[:300])[0].append(HASHES[300:310])[0]
    assert len(edge.inclusion(256)) == 7
    for index in (255, -1, 310):
        with pytest.raises(LedgerError):
            edge.inclusion(index)


def test_an_edge_never_changes() -> None:
    """Appending leaves the edge appended to as it was."""
    edge = Edge.empty().append(HASHES[:255])[0]
    root = edge.root()
    edge.append(HASHES[255:900])
    assert (edge.size, edge.root()) == (255, root)


def test_short_tile() -> None:
    """A tile with too few hashes is no edge."""
    with pytest.raises(LedgerError):
        Edge.load(3, lambda level, index, width: HASHES[:2])


def test_proofs_from_tiles() -> None:
    """Proofs of inclusion and consistency from tiles hold in trees of all shapes, and read the tiles they name."""
    chance = random.Random(2)
    for size in [*range(1, 40), 255, 256, 257, 511, 513, 1_000, 65_537, 70_000]:
        tiles = Tiles(size)
        root = merkle.root(HASHES[:size])
        for _ in range(12):
            at = chance.randrange(size)
            tiles.asked.clear()
            merkle.verify_inclusion(at, size, HASHES[at], inclusion_path(at, size, tiles.read), root)
            assert tiles.asked == needed_tiles(at, size)
            tiles.asked.clear()
            path = consistency_path(at + 1, size, tiles.read)
            assert tiles.asked == needed_tiles_consistency(at + 1, size)
            old = merkle.root(HASHES[: at + 1])
            assert root_at(at + 1, size, tiles.read) == old
            merkle.verify_consistency(at + 1, size, old, root, path)
            with pytest.raises(LedgerError):
                merkle.verify_consistency(at + 1, size, old, merkle.EMPTY_ROOT, path)


def test_every_flipped_hash() -> None:
    """One flipped bit in any hash of a proof is found, in all trees of up to 40 leaves."""
    for size in range(2, 41):
        tiles = Tiles(size)
        root = merkle.root(HASHES[:size])
        for index in range(size):
            path = inclusion_path(index, size, tiles.read)
            for at, one in enumerate(path):
                flipped = [*path[:at], bytes([one[0] ^ 1, *one[1:]]), *path[at + 1 :]]
                with pytest.raises(LedgerError):
                    merkle.verify_inclusion(index, size, HASHES[index], flipped, root)
