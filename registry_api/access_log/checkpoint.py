"""Checkpoints (C2SP tlog-checkpoint): the size and the root of a log, in a note that its keys have signed."""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from registry_api.access_log.merkle import HASH_SIZE
from registry_api.access_log.note import Kind, Note, NoteError, Signature, Signer, Verifier, base64_of

MOST_LEAVES: Final = (1 << 63) - 1
"""The largest size that programs of every language can read."""

_SIZE = re.compile("0|[1-9][0-9]{0,18}")
_TIMESTAMP: Final = 8


def size_of(text: str) -> int:
    """Return a size or an index as these formats write it: decimal, no leading zeroes. Raises NoteError."""
    if not _SIZE.fullmatch(text) or int(text) > MOST_LEAVES:
        raise NoteError("not a size")
    return int(text)


def hash_of(text: str) -> bytes:
    """Return a hash from its base64. Raises NoteError."""
    if len(decoded := base64_of(text)) != HASH_SIZE:
        raise NoteError("not a hash")
    return decoded


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log's signature answers for: that the log ``origin`` has this root at this size."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The text of the note. Extension lines are never written: no monitor can check them."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def of(cls, text: str) -> Self:
        """Read the text of a note (tlog-checkpoint, Note text). Raises NoteError."""
        origin, *rest = text.removesuffix("\n").split("\n")
        if len(rest) < 2 or not origin or not all(rest) or not text.endswith("\n"):
            raise NoteError("not a checkpoint")
        return cls(origin, size_of(rest[0]), hash_of(rest[1]))


def _message(verifier: Verifier, text: str, time: int) -> bytes:
    """Return what a key signs of a checkpoint; ``time`` is the POSIX time of a cosignature.

    (signed-note, Ed25519 signatures; tlog-cosignature, Ed25519 signed message and ML-DSA-44 signed message)
    """
    match verifier.kind:
        case Kind.ED25519:
            return text.encode()
        case Kind.ED25519_COSIGNATURE:
            return f"cosignature/v1\ntime {time}\n{text}".encode()
        case Kind.ML_DSA_44_COSIGNATURE:
            checkpoint = Checkpoint.of(text)
            cosigner, origin = verifier.name.encode(), checkpoint.origin.encode()
            if len(cosigner) > 255 or len(origin) > 255:
                raise NoteError("longer a name than this signature can cover")
            return b"".join(
                (
                    b"subtree/v1\n\x00",
                    bytes((len(cosigner),)) + cosigner,
                    time.to_bytes(_TIMESTAMP, "big"),
                    bytes((len(origin),)) + origin,
                    bytes(8),  # from the first leaf on: the whole tree
                    checkpoint.size.to_bytes(8, "big"),
                    checkpoint.root,
                )
            )


def sign(text: str, signers: Sequence[Signer], at: datetime) -> list[Signature]:
    """Return the lines of these keys under the text of a checkpoint.

    ``at`` goes into cosignatures only, the ML-DSA-44 line of a log among them. That the tree is consistent with every
    other that the keys have signed is for the caller to have made sure of. Raises NoteError for what is no checkpoint.
    """
    Checkpoint.of(text)
    time, lines = int(at.timestamp()), []
    for signer in signers:
        signature = signer.sign(_message(signer.verifier, text, time))
        stamp = b"" if signer.kind is Kind.ED25519 else time.to_bytes(_TIMESTAMP, "big")
        lines.append(Signature.by(signer, stamp + signature))
    return lines


def holds(signature: Signature, verifier: Verifier, text: str) -> bool:
    """Return whether a line with this key's name and id is the key's signature on the checkpoint."""
    if verifier.kind is Kind.ED25519:
        return verifier.holds(signature.content, _message(verifier, text, 0))
    time = int.from_bytes(signature.content[:_TIMESTAMP], "big")
    return time <= MOST_LEAVES and verifier.holds(signature.content[_TIMESTAMP:], _message(verifier, text, time))


def verified(note: Note, verifiers: Sequence[Verifier]) -> list[Signature]:
    """Return the lines on a checkpoint that these keys signed; lines of other keys are passed over.

    Raises NoteError when a line names one of the keys and does not hold, or when none of the keys signed
    (signed-note, Signatures).
    """
    held = []
    for signature in note.signatures:
        for verifier in verifiers:
            if (signature.name, signature.key_id) == (verifier.name, verifier.id):
                if not holds(signature, verifier, note.text):
                    raise NoteError("a signature of a known key does not hold")
                held.append(signature)
    if not held:
        raise NoteError("no known key has signed")
    return held
