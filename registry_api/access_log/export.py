"""Writes a log as the plain files of tlog-tiles, which any web server can serve and any program can check."""

from collections.abc import Iterable
from pathlib import Path

from registry_api.access_log.merkle import leaf_hash
from registry_api.access_log.tiles import WIDTH, Edge, bundle, path_of


class Writer:
    """Takes the entries of a log in order and writes bundles and tiles as they become full."""

    def __init__(self, folder: Path) -> None:
        """Write below ``folder``, which is made; files that stand there already are written anew."""
        self._folder = folder
        self._edge = Edge()
        self._entries: list[bytes] = []

    def add(self, entries: Iterable[bytes]) -> None:
        """Take the next entries. Raises OSError."""
        for entry in entries:
            self._entries.append(entry)
            for full in self._edge.append([leaf_hash(entry)]):
                self._write(path_of(full.tile.level, full.tile.number), full.hashes)
            if len(self._entries) == WIDTH:
                self._write(path_of("entries", self._edge.size // WIDTH - 1), bundle(self._entries))
                self._entries.clear()

    def finish(self, checkpoint: bytes) -> tuple[int, bytes]:
        """Write what is partial, and the checkpoint last; return the size and the root of what was written.

        That they are those of the checkpoint is for the caller to compare. Raises OSError.
        """
        size = self._edge.size
        if self._entries:
            self._write(path_of("entries", size // WIDTH, len(self._entries)), bundle(self._entries))
        for tile, hashes in self._edge.partial_tiles():
            self._write(path_of(tile.level, tile.number, tile.width(size)), hashes)
        self._write("checkpoint", checkpoint)
        return size, self._edge.root()

    def add_beside(self, path: str, content: bytes) -> None:
        """Write a file that is no part of the log beside it. Raises OSError."""
        self._write(path, content)

    def _write(self, path: str, content: bytes) -> None:
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
