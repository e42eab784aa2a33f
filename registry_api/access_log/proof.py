"""Receipts (C2SP tlog-proof): a proof that an entry is in the log, which can be checked anywhere and without us."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Final, Self

from registry_api.access_log.checkpoint import Checkpoint, hash_of, size_of
from registry_api.access_log.merkle import leaf_hash, verify_inclusion
from registry_api.access_log.note import Note, NoteError, base64_of

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
_LONGEST_PATH: Final = 63


def base64_line(hash_: bytes) -> str:
    """Return a hash as a line of these formats."""
    return f"{b64encode(hash_).decode()}\n"


@dataclass(frozen=True, slots=True)
class Proof:
    """An entry, where it stands, the hashes that lead from it to the root, and the checkpoint with that root.

    The entry travels as the format's extra data, so that a receipt is one file; it is proved by the proof itself.
    """

    entry: bytes
    index: int
    path: tuple[bytes, ...]
    checkpoint: bytes

    def __bytes__(self) -> bytes:
        """The proof as a file (tlog-proof, Format)."""
        lines = [_FIRST_LINE, f"extra {b64encode(self.entry).decode()}", f"index {self.index}"]
        lines += [b64encode(step).decode() for step in self.path]
        return "\n".join([*lines, "", ""]).encode() + self.checkpoint

    @classmethod
    def of(cls, proof: bytes) -> Self:
        """Read a proof; says nothing of whether it holds. Raises NoteError, also for one without the entry."""
        head, blank, checkpoint = proof.partition(b"\n\n")
        try:
            first, extra, index, *path = head.decode("ascii").split("\n")
        except ValueError:
            raise NoteError("not a proof with its entry") from None
        if not blank or first != _FIRST_LINE or not extra.startswith("extra ") or not index.startswith("index "):
            raise NoteError("not a proof with its entry")
        if len(path) > _LONGEST_PATH:
            raise NoteError("longer a path than any log has")
        return cls(
            base64_of(extra.removeprefix("extra ")),
            size_of(index.removeprefix("index ")),
            tuple(map(hash_of, path)),
            checkpoint,
        )

    def leads_to_its_checkpoint(self) -> bool:
        """Return whether the entry is under the root of the checkpoint; who signed that is not looked at."""
        head = Checkpoint.of(Note.of(self.checkpoint).text)
        return verify_inclusion(leaf_hash(self.entry), self.index, head.size, self.path, head.root)
