"""The tree as tiles (C2SP tlog-tiles): 256 neighbouring hashes of every eighth level, which never change once full.

Whoever has the tiles of a tree can compute every proof; ``tiles_of`` names those that a proof needs. ``Edge`` is the
right-hand edge of a growing tree: all that appending needs to know of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from registry_api.access_log.merkle import EMPTY_ROOT, HASH_SIZE, Span, fold, full_subtrees, node_hash, root_of

WIDTH: Final = 256
"""Hashes in a full tile, and entries in a full bundle (tlog-tiles, Merkle Tree)."""
_HEIGHT: Final = 8
_LENGTH: Final = 2
"""Bytes of the length before each entry of a bundle."""

LONGEST_ENTRY: Final = (1 << 8 * _LENGTH) - 1
"""Bytes of the longest entry that a bundle can hold (tlog-tiles, Log entries)."""


class Tile(NamedTuple):
    """Where a tile stands: level 0 holds leaf hashes, each level above the roots of full tiles below."""

    level: int
    number: int

    def width(self, size: int) -> int:
        """Return how many hashes the tile has in a tree of ``size``: 0 when there is none, 256 when it is full."""
        return max(0, min(WIDTH, (size >> (_HEIGHT * self.level)) - self.number * WIDTH))


def path_of(what: int | str, number: int, width: int = WIDTH) -> str:
    """Return the path of a tile (``what``: its level) or of a bundle (``"entries"``) below the log's prefix.

    The number is written in groups of three digits, every one but the last marked with an ``x`` (tlog-tiles, Merkle
    Tree).
    """
    groups = []
    rest = number
    while True:
        rest, last = divmod(rest, 1000)
        groups.append(f"{last:03d}")
        if not rest:
            break
    written = "/".join([*(f"x{group}" for group in reversed(groups[1:])), groups[0]])
    return f"tile/{what}/{written}" + ("" if width == WIDTH else f".p/{width}")


def tiles_in(size: int) -> Iterator[Tile]:
    """Yield every tile of a tree of ``size``, full or partial; none of them is empty."""
    level = 0
    while size >> (_HEIGHT * level):
        for number in range(-(-(size >> (_HEIGHT * level)) // WIDTH)):
            yield Tile(level, number)
        level += 1


def _places(span: Span) -> Iterator[tuple[Tile, int, int]]:
    """Yield for each full subtree of a span its tile, which one of its height there it is, and its height there."""
    for start, end in full_subtrees(span):
        height = (end - start).bit_length() - 1
        level = height // _HEIGHT
        number, first = divmod(start >> (_HEIGHT * level), WIDTH)
        yield Tile(level, number), first >> (height % _HEIGHT), height % _HEIGHT


def tiles_of(spans: Iterable[Span]) -> set[Tile]:
    """Return the tiles from which the roots of ``spans`` can be computed."""
    return {tile for span in spans for tile, _, _ in _places(span)}


def root_of_span(span: Span, tiles: Mapping[Tile, bytes]) -> bytes:
    """Return the root of a span from its tiles. Raises KeyError without the tile, ValueError where it is too short."""
    if span[0] == span[1]:
        return EMPTY_ROOT
    roots = []
    for tile, first, height in _places(span):
        level = _levels(tiles[tile])[height]
        if first >= len(level):
            raise ValueError("the tile is too short")
        roots.append(level[first])
    return fold(roots)


@lru_cache(maxsize=64)
def _levels(tile: bytes) -> list[list[bytes]]:
    """Return the hashes of a tile, and those of the full subtrees above them up to its root.

    Receipts of one group share their tiles, and those further up hardly ever change.
    """
    levels = [hashes_of(tile)]
    for _ in range(_HEIGHT):
        below = levels[-1]
        levels.append([node_hash(left, right) for left, right in zip(below[::2], below[1::2], strict=False)])
    return levels


def hashes_of(tile: bytes) -> list[bytes]:
    """Return the hashes in the bytes of a tile."""
    return [tile[at : at + HASH_SIZE] for at in range(0, len(tile), HASH_SIZE)]


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return the entry bundle of these entries (tlog-tiles, Log entries). Raises OverflowError over 65,535 bytes."""
    return b"".join(len(entry).to_bytes(_LENGTH, "big") + entry for entry in entries)


class FullTile(NamedTuple):
    """A tile that has just become full: where it stands, its bytes, and its root, a hash of the level above."""

    tile: Tile
    hashes: bytes
    root: bytes


class Edge:
    """The hashes of the partial tiles at the right-hand edge of a tree, by level: all that appending needs."""

    def __init__(self, size: int = 0, levels: Sequence[Sequence[bytes]] = ()) -> None:
        """Take up a tree of ``size``; ``levels``: the hashes of its partial tile at each level, empty ones included.

        Raises ValueError when they are not as many as a tree of this size has.
        """
        self.size = size
        self._levels = [list(level) for level in levels]
        if [len(level) for level in self._levels] != edge_widths(size):
            raise ValueError("these are not the partial tiles of a tree of this size")
        # The full subtrees that make up the tree, from left to right: their heights and their roots.
        self._subtrees: list[tuple[int, bytes]] = [
            (_HEIGHT * level + (end - start).bit_length() - 1, root_of(hashes[start:end]))
            for level, hashes in reversed([*enumerate(self._levels)])
            for start, end in full_subtrees((0, len(hashes)))
        ]

    def root(self) -> bytes:
        """Return the root of the tree."""
        return fold([hash_ for _, hash_ in self._subtrees]) if self._subtrees else EMPTY_ROOT

    def append(self, leaves: Sequence[bytes]) -> list[FullTile]:
        """Add leaf hashes on the right and return the tiles that are full now, each after those below it."""
        full = []
        for leaf in leaves:
            self.size += 1
            self._into_tile(0, leaf)
            height, hash_ = 0, leaf
            while self._subtrees and self._subtrees[-1][0] == height:
                height, hash_ = height + 1, node_hash(self._subtrees.pop()[1], hash_)
                if height % _HEIGHT == 0:
                    level = height // _HEIGHT - 1
                    tile = Tile(level, (self.size >> height) - 1)
                    full.append(FullTile(tile, b"".join(self._levels[level]), hash_))
                    self._levels[level].clear()
                    self._into_tile(level + 1, hash_)
            self._subtrees.append((height, hash_))
        return full

    def _into_tile(self, level: int, hash_: bytes) -> None:
        if level == len(self._levels):
            self._levels.append([])
        self._levels[level].append(hash_)

    def partial_tiles(self) -> Iterator[tuple[Tile, bytes]]:
        """Yield the partial tiles with their bytes, the lowest first; none of them is empty."""
        for level, hashes in enumerate(self._levels):
            if hashes:
                yield Tile(level, self.size >> (_HEIGHT * (level + 1))), b"".join(hashes)


def edge_widths(size: int) -> list[int]:
    """Return how many hashes the partial tile of each level has in a tree of ``size``, 0 where the level is even."""
    widths = []
    while size:
        size, width = divmod(size, WIDTH)
        widths.append(width)
    return widths
