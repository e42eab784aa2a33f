"""Signed notes (C2SP signed-note): a text, and lines under it by which keys answer for it; names and ids of keys.

The kinds of signature are those that a log of ours meets: Ed25519 over the text itself, and the two cosignatures of
tlog-cosignature, of which the ML-DSA-44 one also serves the log for its own checkpoints. ``checkpoint`` says what
those sign.
"""

import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

MOST_SIGNATURES: Final = 64
"""Signature lines that a note may have; at least 16 must be accepted (signed-note, Format)."""
MOST_BYTES: Final = 1 << 19
"""Bytes that a note may have: as many signatures of post-quantum size, and room to spare."""

_MARK: Final = "— "
_KEY_ID: Final = 4
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f]")
_NAME = re.compile(r"[^\s+]+")


class NoteError(ValueError):
    """What was given is no note, key or checkpoint of these formats, or a signature on it does not hold."""


class Kind(IntEnum):
    """The signature types used here, by their identifier byte (signed-note, Signature types; tlog-cosignature)."""

    ED25519 = 0x01
    ED25519_COSIGNATURE = 0x04
    ML_DSA_44_COSIGNATURE = 0x06


def base64_of(text: str) -> bytes:
    """Return the bytes of standard base64 that could not have been written otherwise. Raises NoteError."""
    try:
        decoded = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise NoteError("not base64") from None
    if b64encode(decoded).decode() != text:
        raise NoteError("not the base64 that these bytes are written as")
    return decoded


def key_id(name: str, kind: Kind, public: bytes) -> bytes:
    """Return the four bytes by which signature lines name a key (signed-note, Signatures)."""
    return sha256(name.encode() + b"\n" + bytes((kind,)) + public).digest()[:_KEY_ID]


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key under its name, for one kind of signature."""

    name: str
    kind: Kind
    public: bytes

    def __post_init__(self) -> None:
        """Raises NoteError for a name that no signature line can carry, or for what is no public key."""
        if not _NAME.fullmatch(self.name):
            raise NoteError("a key's name has no spaces and no plus")
        self._key()

    def _key(self) -> Ed25519PublicKey | MLDSA44PublicKey:
        try:
            if self.kind is Kind.ML_DSA_44_COSIGNATURE:
                return MLDSA44PublicKey.from_public_bytes(self.public)
            return Ed25519PublicKey.from_public_bytes(self.public)
        except ValueError:
            raise NoteError("not a public key of its kind") from None

    @property
    def id(self) -> bytes:
        """The key's id."""
        return key_id(self.name, self.kind, self.public)

    def __str__(self) -> str:
        """The key as text: name, id, and kind with public key (signed-note, Verifier keys)."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes((self.kind,)) + self.public).decode()}"

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a key from text. Raises NoteError, also where the id is not that of the key."""
        try:
            name, id_, encoded = text.strip().split("+", 2)
            kind, public = (decoded := base64_of(encoded))[0], decoded[1:]
            verifier = cls(name, Kind(kind), public)
        except (ValueError, IndexError):
            raise NoteError("not a verifier key") from None
        if verifier.id.hex() != id_:
            raise NoteError("the id is not that of the key")
        return verifier

    def holds(self, signature: bytes, message: bytes) -> bool:
        """Return whether ``signature`` is this key's over exactly ``message``."""
        try:
            self._key().verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key under its name, for one kind of signature. Its seed is never shown by ``repr``."""

    name: str
    kind: Kind
    _key: Ed25519PrivateKey | MLDSA44PrivateKey

    @classmethod
    def new(cls, name: str, kind: Kind) -> Self:
        """Make a key. Raises NoteError for a name that no signature line can carry."""
        made: Ed25519PrivateKey | MLDSA44PrivateKey
        made = MLDSA44PrivateKey.generate() if kind is Kind.ML_DSA_44_COSIGNATURE else Ed25519PrivateKey.generate()
        signer = cls(name, kind, made)
        _ = signer.verifier  # whose name and key are checked
        return signer

    @classmethod
    def of(cls, text: str) -> Self:
        """Read a key from the text of ``secret_text``. Raises NoteError, which says nothing of what was read."""
        try:
            private, key, name, id_, encoded = text.strip().split("+", 4)
            decoded = base64_of(encoded)
            kind, seed = Kind(decoded[0]), decoded[1:]
            made: Ed25519PrivateKey | MLDSA44PrivateKey
            if kind is Kind.ML_DSA_44_COSIGNATURE:
                made = MLDSA44PrivateKey.from_seed_bytes(seed)
            else:
                made = Ed25519PrivateKey.from_private_bytes(seed)
            signer = cls(name, kind, made)
            if (private, key, id_) == ("PRIVATE", "KEY", signer.verifier.id.hex()):
                return signer
        except (ValueError, IndexError):
            pass
        raise NoteError("not a signer key")

    def secret_text(self) -> str:
        """Return the key as text, the way golang.org/x/mod/sumdb/note writes one: to be kept secret."""
        encoded = b64encode(bytes((self.kind,)) + self._key.private_bytes_raw()).decode()
        return f"PRIVATE+KEY+{self.name}+{self.verifier.id.hex()}+{encoded}"

    @property
    def verifier(self) -> Verifier:
        """The public key."""
        return Verifier(self.name, self.kind, self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the bare signature over ``message``."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        """Name and kind only."""
        return f"Signer({self.name!r}, {self.kind.name})"


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line: whose, by which key, and the bytes after the key's id."""

    name: str
    key_id: bytes
    content: bytes

    @classmethod
    def by(cls, signer: Signer | Verifier, content: bytes) -> Self:
        """Return the line of a key."""
        verifier = signer.verifier if isinstance(signer, Signer) else signer
        return cls(verifier.name, verifier.id, content)

    def __str__(self) -> str:
        """The line, with its newline (signed-note, Format)."""
        return f"{_MARK}{self.name} {b64encode(self.key_id + self.content).decode()}\n"

    @classmethod
    def of(cls, line: str) -> Self:
        """Read a line without its newline. Raises NoteError."""
        name, space, encoded = line.removeprefix(_MARK).partition(" ")
        content = base64_of(encoded)
        if not line.startswith(_MARK) or not space or not _NAME.fullmatch(name) or len(content) <= _KEY_ID:
            raise NoteError("not a signature line")
        return cls(name, content[:_KEY_ID], content[_KEY_ID:])


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends in a newline, and the lines under it. Believe no text before a signature on it is checked."""

    text: str
    signatures: tuple[Signature, ...]

    def __bytes__(self) -> bytes:
        """The note as it is stored and sent."""
        return f"{self.text}\n{''.join(map(str, self.signatures))}".encode()

    @classmethod
    def of(cls, note: bytes) -> Self:
        """Read a note; says nothing of whether a signature holds. Raises NoteError."""
        if len(note) > MOST_BYTES:
            raise NoteError("longer than a note may be")
        try:
            written = note.decode()
        except UnicodeDecodeError:
            raise NoteError("not UTF-8") from None
        # The text ends at the last empty line, and may have others before it.
        text, blank, lines = written.rpartition("\n\n")
        if not blank or not lines.endswith("\n") or _CONTROL.search(written):
            raise NoteError("not a signed note")
        signatures = lines[:-1].split("\n")
        if len(signatures) > MOST_SIGNATURES:
            raise NoteError("more signatures than a note may have")
        return cls(f"{text}\n", tuple(map(Signature.of, signatures)))

    def with_signatures(self, signatures: Sequence[Signature]) -> "Note":
        """Return the note with further lines, none of them twice."""
        return Note(self.text, tuple(dict.fromkeys((*self.signatures, *signatures))))
