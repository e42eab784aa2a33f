"""Checks an access log without trusting whoever keeps it. This one file is all that an auditor has to take away.

It needs Python 3.11 and the package ``cryptography``; it imports nothing of the service, shares no code with it, and is
long because it is one file. Formats: C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-proof, tlog-cosignature and
tlog-witness; hashes of RFC 6962. ``python verify.py --help`` lists the commands.

Exit status: 0 what was claimed holds, 1 it does not hold, 2 the command was not understood or a file not readable.

What it cannot see: whoever holds the log's keys can write another history. That comes out only against a checkpoint or
a receipt that was kept elsewhere; so it warns when none was given.
"""

import argparse
import email
import email.policy
import hashlib
import hmac
import json
import os
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

ED25519, ED25519_COSIGNATURE, ML_DSA_44 = 1, 4, 6
"""Signature types (signed-note, Signature types; tlog-cosignature, Format)."""
LARGEST = (1 << 63) - 1
"""The largest size of a log."""
LONGEST_NOTE = 1 << 19
"""Bytes of a note, and of a request to a witness, beyond which nothing is read."""


class DoesNotHold(Exception):
    """Something that was claimed is not so: exit status 1."""


class Misused(Exception):
    """The command cannot be carried out as given: exit status 2."""


# --- hashes ---------------------------------------------------------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    """Return the leaf hash of an entry (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Return the hash over two nodes (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def _left_of(width: int) -> int:
    half = 1
    while half * 2 < width:
        half *= 2
    return half


def root_by_inclusion(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """Return the root to which a path leads from a leaf, straight from the definition (RFC 6962, 2.1.1).

    Raises DoesNotHold when the path is longer or shorter than there is way to go.
    """
    if size == 1:
        if path:
            raise DoesNotHold("the proof is longer than the tree is high")
        return leaf
    if not path:
        raise DoesNotHold("the proof is shorter than the tree is high")
    left = _left_of(size)
    if index < left:
        return node(root_by_inclusion(leaf, index, left, path[:-1]), path[-1])
    return node(path[-1], root_by_inclusion(leaf, index - left, size - left, path[:-1]))


def check_inclusion(entry: bytes, index: int, head: "Head", path: list[bytes]) -> None:
    """Raise DoesNotHold unless the path shows the entry at ``index`` of the tree with this head."""
    if not 0 <= index < head.size:
        raise DoesNotHold("the tree has no entry of that index")
    if root_by_inclusion(leaf_hash(entry), index, head.size, path) != head.root:
        raise DoesNotHold("the entry is not under the root of the checkpoint")


def _roots_by_consistency(old: int, new: int, path: list[bytes], known: bytes | None) -> tuple[bytes, bytes]:
    """Return the old and the new root of a subtree; ``known``: its old root, where that needs no proof (2.1.2)."""
    if old == new:
        if known is not None and not path:
            return known, known
        if known is None and len(path) == 1:
            return path[0], path[0]
        raise DoesNotHold("the proof is not as long as it has to be")
    if not path:
        raise DoesNotHold("the proof is shorter than it has to be")
    left, last = _left_of(new), path[-1]
    if old <= left:
        before, after = _roots_by_consistency(old, left, path[:-1], known)
        return before, node(after, last)
    before, after = _roots_by_consistency(old - left, new - left, path[:-1], None)
    return node(last, before), node(last, after)


def check_consistency(old: "Head", new: "Head", path: list[bytes]) -> None:
    """Raise DoesNotHold unless the path shows that the new tree begins with the old one."""
    if old.origin != new.origin:
        raise DoesNotHold("the checkpoints are of different logs")
    if old.size > new.size:
        raise DoesNotHold("the newer checkpoint has fewer entries than the older")
    if old.size in (0, new.size):
        if path or (old.size and old.root != new.root):
            raise DoesNotHold("two different logs of the same size")
        return
    if _roots_by_consistency(old.size, new.size, path, old.root) != (old.root, new.root):
        raise DoesNotHold("the newer log does not begin with the older")


# --- notes, keys, checkpoints, receipts ------------------------------------------------------------------------------


def unbase64(text: str) -> bytes:
    """Return the bytes of strict base64. Raises DoesNotHold."""
    try:
        decoded = b64decode(text, validate=True)
    except ValueError:
        decoded = b""
    if not text or b64encode(decoded).decode() != text:
        raise DoesNotHold("something is not the base64 that it should be")
    return decoded


def _number(text: str) -> int:
    if not re.fullmatch("0|[1-9][0-9]{0,18}", text) or int(text) > LARGEST:
        raise DoesNotHold("something is not the number that it should be")
    return int(text)


def _hash(text: str) -> bytes:
    if len(decoded := unbase64(text)) != 32:
        raise DoesNotHold("something is not the hash that it should be")
    return decoded


@dataclass(frozen=True)
class Key:
    """A public key, from ``name+id+base64`` (signed-note, Verifier keys)."""

    name: str
    id: bytes
    kind: int
    public: Ed25519PublicKey | MLDSA44PublicKey

    @classmethod
    def of(cls, text: str) -> "Key":
        """Read a key. Raises Misused."""
        try:
            name, key_id, encoded = text.split("+", 2)
            kind, raw = (decoded := unbase64(encoded))[0], decoded[1:]
            made: Ed25519PublicKey | MLDSA44PublicKey
            if kind not in (ED25519, ED25519_COSIGNATURE, ML_DSA_44):
                raise ValueError
            made = (MLDSA44PublicKey if kind == ML_DSA_44 else Ed25519PublicKey).from_public_bytes(raw)
        except (ValueError, DoesNotHold):
            raise Misused(f"Not a public key of a known kind: {text[:60]}") from None
        digest = hashlib.sha256(name.encode() + b"\n" + decoded).digest()[:4]
        if not re.fullmatch(r"[^\s+]+", name) or digest.hex() != key_id:
            raise Misused(f"The id of this public key is not its own: {text[:60]}")
        return cls(name, digest, kind, made)


@dataclass(frozen=True)
class Head:
    """A checkpoint whose signatures have been checked."""

    origin: str
    size: int
    root: bytes
    text: str

    @classmethod
    def of(cls, text: str) -> "Head":
        """Read the text of a note as a checkpoint (tlog-checkpoint, Note text). Raises DoesNotHold."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise DoesNotHold("this is no checkpoint")
        return cls(lines[0], _number(lines[1]), _hash(lines[2]), text)


def split_note(note: bytes) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """Return the text of a note and its signatures: name, key id, content. Raises DoesNotHold."""
    try:
        text, blank, below = note[: LONGEST_NOTE + 1].decode().rpartition("\n\n")
    except UnicodeDecodeError:
        raise DoesNotHold("this is no signed note") from None
    written = text + below
    if (
        not blank
        or not below.endswith("\n")
        or len(note) > LONGEST_NOTE
        or any(letter < " " and letter != "\n" for letter in written)
    ):
        raise DoesNotHold("this is no signed note")
    signatures = []
    for line in below[:-1].split("\n"):
        found = re.fullmatch(r"— ([^\s+]+) (\S+)", line)
        content = unbase64(found[2]) if found else b""
        if not found or len(content) < 5:
            raise DoesNotHold("a line below the note is no signature")
        signatures.append((found[1], content[:4], content[4:]))
    return text + "\n", signatures


def signed_by(head: Head, key: Key, content: bytes) -> bool:
    """Return whether ``content`` is the key's signature on a checkpoint.

    (signed-note, Ed25519 signatures; tlog-cosignature, Ed25519 signed message and ML-DSA-44 signed message)
    """
    stamp, signature = (b"", content) if key.kind == ED25519 else (content[:8], content[8:])
    if len(stamp) != (0 if key.kind == ED25519 else 8) or stamp[:1] > b"\x7f":
        return False
    try:
        key.public.verify(signature, signed_message(head, key.kind, key.name, stamp))
    except InvalidSignature:
        return False
    return True


def signed_message(head: Head, kind: int, name: str, stamp: bytes) -> bytes:
    """Return what a key of this kind and name signs of a checkpoint at the time ``stamp``. Raises DoesNotHold."""
    if kind == ED25519:
        return head.text.encode()
    if kind == ED25519_COSIGNATURE:
        return b"cosignature/v1\ntime %d\n%s" % (int.from_bytes(stamp, "big"), head.text.encode())
    names = [name.encode(), head.origin.encode()]
    if any(len(each) > 255 for each in names):
        raise DoesNotHold("a name is longer than this kind of signature can cover")
    cosigner, origin = (bytes([len(each)]) + each for each in names)
    end = head.size.to_bytes(8, "big")
    return b"subtree/v1\n\x00" + cosigner + stamp + origin + bytes(8) + end + head.root


@dataclass(frozen=True)
class Trust:
    """The keys of the log, all of which have to have signed, and those of witnesses, of which a number have to.

    A policy asks for its own witnesses, besides: none of them counts towards the number.
    """

    log: list[Key]
    witnesses: list[Key]
    quorum: int
    policy: "Policy | None" = None

    @property
    def all_witnesses(self) -> list[Key]:
        """Those of the policy as well."""
        return [*self.witnesses, *(self.policy.witnesses.values() if self.policy else ())]

    def open(self, note: bytes) -> Head:
        """Return the checkpoint in a note, its signatures checked. Raises DoesNotHold."""
        text, signatures = split_note(note)
        head = Head.of(text)
        signed: list[Key] = []
        for name, key_id, content in signatures:
            for key in (*self.log, *self.all_witnesses):
                if (name, key_id) == (key.name, key.id):
                    if not signed_by(head, key, content):
                        raise DoesNotHold(f"the signature of {name} does not hold")
                    signed.append(key)
        if any(key not in signed for key in self.log):
            raise DoesNotHold("a key of the log that you gave has not signed")
        if len(names := {key.name for key in self.witnesses if key in signed}) < self.quorum:
            raise DoesNotHold(f"{len(names)} of your witnesses have signed, not {self.quorum}")
        if self.policy is not None and not self.policy.is_met(signed):
            raise DoesNotHold("too few witnesses have signed for the quorum of your policy")
        return head

    def of_the_log(self) -> "Trust":
        """Return whom to trust where no witness is asked for."""
        return Trust(self.log, [], 0)

    def open_kept(self, note: bytes) -> Head:
        """Return the checkpoint in a note that was kept outside: one key of the log is enough, for mail has but one."""
        text, signatures = split_note(note)
        for key in self.log:
            if any((name, id_) == (key.name, key.id) for name, id_, _ in signatures):
                return Trust([key], [], 0).open(note)
        raise DoesNotHold(f"none of your keys has signed {Head.of(text).origin} there")


@dataclass(frozen=True)
class Policy:
    """Whose signatures are enough (C2SP tlog-policy): witnesses and groups by name, and which of them is the quorum."""

    log: list[Key]
    witnesses: dict[str, Key]
    groups: dict[str, tuple[int, list[str]]]
    quorum: str

    @classmethod
    def of(cls, text: str) -> "Policy":
        """Read a policy file. Raises Misused."""
        log: list[Key] = []
        witnesses: dict[str, Key] = {}
        groups: dict[str, tuple[int, list[str]]] = {}
        quorum = ""
        for line in text.splitlines():
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            known = {"none", *witnesses, *groups}
            match words:
                case ["log", key, *rest] if len(rest) <= 1:
                    log.append(Key.of(key))
                case ["witness", name, key, *rest] if len(rest) <= 1 and name not in known:
                    witnesses[name] = Key.of(key)
                case ["group", name, wanted, *members] if members and name not in known and {*members} <= known:
                    number = {"any": 1, "all": len(members)}.get(wanted) or (int(wanted) if wanted.isdecimal() else 0)
                    if not 0 < number <= len(members) or len({*members}) < len(members) or "none" in members:
                        raise Misused(f"Not a line of a policy: {line[:60]}")
                    groups[name] = number, members
                case ["quorum", name] if not quorum and name in known:
                    quorum = name
                case _:
                    raise Misused(f"Not a line of a policy: {line[:60]}")
        if not quorum:
            raise Misused("The policy names no quorum.")
        return cls(log, witnesses, groups, quorum)

    def is_met(self, signed: list[Key]) -> bool:
        """Return whether these keys, whose signatures held, are enough."""

        def stands(name: str) -> bool:
            if name in self.groups:
                wanted, members = self.groups[name]
                return sum(map(stands, members)) >= wanted
            return name == "none" or self.witnesses[name] in signed

        return stands(self.quorum)


@dataclass(frozen=True)
class Receipt:
    """A receipt as it was handed out (tlog-proof, Format)."""

    entry: bytes
    index: int
    path: list[bytes]
    note: bytes

    @classmethod
    def of(cls, proof: bytes) -> "Receipt":
        """Read a receipt. Raises DoesNotHold."""
        above, _, note = proof.partition(b"\n\n")
        first, *lines = above.decode("utf-8", "replace").split("\n")
        entry = unbase64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
        if first != "c2sp.org/tlog-proof@v1" or not lines or not lines[0].startswith("index ") or len(lines) > 64:
            raise DoesNotHold("this is no receipt")
        return cls(entry, _number(lines[0][6:]), [_hash(line) for line in lines[1:]], note)


def note_of(content: bytes) -> bytes:
    """Return the checkpoint in a file that holds one, a receipt, which ends with one, or a mail as it was received."""
    if content.startswith(b"c2sp.org/tlog-proof@"):
        return Receipt.of(content).note
    if re.match(rb"(?s)([!-9;-~]+:[^\n]*\n|[ \t][^\n]*\n)*?subject: checkpoint of ", content, re.IGNORECASE):
        message = email.message_from_bytes(content, policy=email.policy.default)
        text = message.get_content() if message.get_content_type() == "text/plain" else ""
        return text.replace("\r\n", "\n").encode()
    return content


# --- an exported log -------------------------------------------------------------------------------------------------


def path_of(what: int | str, number: int, width: int) -> str:
    """Return where a tile, or a bundle of entries, lies below the log's prefix (tlog-tiles, Merkle Tree)."""
    digits = str(number)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *groups, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
    return f"tile/{what}/{''.join(f'x{group}/' for group in groups)}{last}{f'.p/{width}' if width < 256 else ''}"


def widths(count: int) -> Iterator[tuple[int, int]]:
    """Yield the number and the width of each tile of a level that has ``count`` hashes."""
    for number in range(-(-count // 256)):
        yield number, min(256, count - 256 * number)


def split_bundle(bundle: bytes) -> list[bytes]:
    """Return the entries of a bundle (tlog-tiles, Log entries). Raises DoesNotHold."""
    entries: list[bytes] = []
    start, end = 2, len(bundle)
    while start <= end:
        stop = start + (bundle[start - 2] << 8) + bundle[start - 1]
        entries.append(bundle[start:stop])
        start = stop + 2
    if start != end + 2:  # too long an entry, or half a length
        raise DoesNotHold("a bundle of entries breaks off")
    return entries


def hash_each(prefix: bytes, contents: Iterable[bytes]) -> list[bytes]:
    """Return the hash of each of these under a prefix. Copying a hash begun is quicker than beginning one."""
    begun = hashlib.sha256(prefix).copy
    hashes: list[bytes] = []
    add = hashes.append
    for content in contents:
        sha = begun()
        sha.update(content)
        add(sha.digest())
    return hashes


def _halve(level: bytes) -> bytes:
    """Return the next level up of a row of hashes; the last of an odd number moves up alone."""
    paired = len(level) - len(level) % 64
    return b"".join(hash_each(b"\x01", [level[at : at + 64] for at in range(0, paired, 64)])) + level[paired:]


def root_over(level: bytes) -> bytes:
    """Return the root over a row of hashes (RFC 6962, 2.1)."""
    while len(level) > 32:
        level = _halve(level)
    return level or hashlib.sha256(b"").digest()


class Export:
    """A log in the files of tlog-tiles."""

    def __init__(self, folder: Path) -> None:
        """Read from ``folder``."""
        self._folder = folder
        self._levels: list[bytes] = []

    def read(self, path: str) -> bytes:
        """Return a file of the log. Raises DoesNotHold where it is missing."""
        try:
            return (self._folder / path).read_bytes()
        except OSError:
            raise DoesNotHold(f"{path} is missing") from None

    def entries(self, size: int) -> Iterator[bytes]:
        """Yield the entries, in order."""
        for number, width in widths(size):
            yield from split_bundle(self.read(path_of("entries", number, width)))

    def check(self, head: Head) -> None:
        """Hash every entry anew and compare every tile and the root. Raises DoesNotHold at the first difference."""
        hashes = []
        for number, width in widths(head.size):
            bundle = self.read(path_of("entries", number, width))
            leaves = hash_each(b"\x00", split_bundle(bundle))
            if len(leaves) != width:
                raise DoesNotHold(f"bundle {number} has {len(leaves)} entries, not {width}")
            hashes.append(b"".join(leaves))
        self._levels, level = [], 0
        while hashes:
            self._levels.append(b"".join(hashes))
            for (number, width), computed in zip(widths(len(self._levels[-1]) // 32), hashes, strict=True):
                path = path_of(level, number, width)
                if self.read(path) != computed:
                    below = "the entries" if level == 0 else f"the tiles of level {level - 1}"
                    raise DoesNotHold(f"{path} is not what {below} hash to")
            full = [root_over(tile) for tile in hashes if len(tile) == 8192]
            hashes = [b"".join(full[at : at + 256]) for at in range(0, len(full), 256)]
            level += 1
        if self.root(head.size) != head.root:
            raise DoesNotHold("the entries are not those of the checkpoint")

    def root(self, size: int) -> bytes:
        """Return the root that the log had at a size, once it has been checked."""
        root = b""
        # Whole tiles of the levels above stand to the left of the partial ones below.
        for level, hashes in enumerate(self._levels):
            count = size >> 8 * level
            for part in reversed(_powers(count & ~255, count)):
                full = root_over(hashes[32 * part[0] : 32 * part[1]])
                root = node(full, root) if root else full
        return root or hashlib.sha256(b"").digest()


def _powers(start: int, end: int) -> list[tuple[int, int]]:
    parts = []
    while start < end:
        width = 1 << (end - start).bit_length() - 1
        parts.append((start, start + width))
        start += width
    return parts


# --- commands: checking ----------------------------------------------------------------------------------------------

WARNING = """\
********************************************************************************************************************
WARNING: no checkpoint from outside was given. Whoever holds the log's keys could have written this history yesterday,
and nothing in it would show. Give --checkpoint with a checkpoint or receipt that was kept where they cannot reach.
********************************************************************************************************************"""


def say(line: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(line + "\n")


def read(path: str) -> bytes:
    """Return a file named on the command line; ``-`` is the standard input. Raises Misused."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise Misused(f"{path} cannot be read: {error.strerror}") from None


def read_text(path: str) -> str:
    """Return a file named on the command line that is for people to read. Raises Misused."""
    try:
        return read(path).decode()
    except UnicodeDecodeError:
        raise Misused(f"{path} is not text in UTF-8.") from None


def keys_of(values: list[str]) -> list[Key]:
    """Return keys given as text or as files with one on each line. Raises Misused."""
    texts = (value if re.search(r"\+[0-9a-f]{8}\+", value) else read_text(value) for value in values)
    return [Key.of(line.strip()) for text in texts for line in text.splitlines() if line.strip()]


def trust_of(args: argparse.Namespace) -> Trust:
    """Return whom the command line says to trust."""
    witnesses = keys_of(args.witness_key)
    named = len({key.name for key in witnesses})
    quorum = named if args.quorum is None else args.quorum
    if not 0 <= quorum <= named:
        raise Misused(f"--quorum {quorum} cannot be met by the {named} witnesses of --witness-key.")
    policy = Policy.of(read_text(args.policy)) if args.policy else None
    log = keys_of(args.log_key) or (policy.log if policy else [])
    if not log:
        raise Misused("Say which keys are the log's: --log-key, or a policy that names them.")
    return Trust(log, witnesses, quorum, policy)


def check_export(folder: Path, trust: Trust, outside: list[str]) -> tuple[Export, Head]:
    """Check an exported log whole, against its own checkpoint and those from outside. Raises DoesNotHold."""
    export = Export(folder)
    head, witnessed = _heads(export, trust)
    export.check(head)
    kept = [(path, trust.open_kept(note_of(read(path)))) for path in outside]
    # What an authority put a time-stamp on lies in the export, which somebody may have taken it out of.
    kept += [(str(path), trust.open_kept(path.read_bytes())) for path in sorted(folder.glob("anchors/*.checkpoint"))]
    for path, older in [*kept, *([("checkpoint.witnessed", witnessed)] if witnessed else [])]:
        if older.origin != head.origin:
            raise DoesNotHold(f"{path} is of another log: {older.origin}")
        if older.size > head.size:
            raise DoesNotHold(f"{path} has {older.size} entries and the log {head.size}: the last of them are gone")
        if export.root(older.size) != older.root:
            raise DoesNotHold(f"{path} and the log differ within the first {older.size} entries: history was changed")
    if witnessed:
        sys.stderr.write(f"Your witnesses have signed the first {witnessed.size} of {head.size} entries, no more.\n")
    return export, head


def _heads(export: Export, trust: Trust) -> tuple[Head, Head | None]:
    """Return the head of an export; and the last that the witnesses signed, where they have not signed that one yet."""
    note = export.read("checkpoint")
    try:
        return trust.open(note), None
    except DoesNotHold:
        head = trust.of_the_log().open(note)
        try:
            return head, trust.open(export.read("checkpoint.witnessed"))
        except DoesNotHold as failure:
            if not trust.quorum and trust.policy is None:
                raise
            raise DoesNotHold(f"witnesses: {failure}") from None


def fsck(args: argparse.Namespace) -> None:
    """Check an exported log whole."""
    export, head = check_export(args.folder, trust_of(args), args.checkpoint)
    if args.deep:
        seen: set[str] = set()
        for index, entry in enumerate(export.entries(head.size)):
            leaf = parsed(entry)
            if leaf["id"] in seen:
                raise DoesNotHold(f"entry {index} has the id of an earlier one")
            seen.add(leaf["id"])
    say(f"HOLDS: {head.origin}, {head.size} entries, root {b64encode(head.root).decode()}")
    if args.checkpoint:
        say(f"It agrees with {len(args.checkpoint)} checkpoint(s) from outside.")
    else:
        sys.stderr.write(WARNING + "\n")


def verify_inclusion(args: argparse.Namespace) -> None:
    """Check a receipt."""
    receipt = Receipt.of(read(args.receipt))
    head = trust_of(args).open(receipt.note)
    entry = read(args.entry) if args.entry else receipt.entry
    if not entry:
        raise Misused("The receipt does not carry its entry: give it with --entry.")
    if args.entry and receipt.entry not in (b"", entry):
        raise DoesNotHold("the receipt is for another entry")
    check_inclusion(entry, receipt.index, head, receipt.path)
    say(f"HOLDS: entry {receipt.index} of {head.origin}, under its checkpoint of {head.size} entries")
    say(entry.decode("utf-8", "backslashreplace"))


def verify_consistency(args: argparse.Namespace) -> None:
    """Check that the log of one checkpoint begins with that of another."""
    trust = trust_of(args)
    old, new = (trust.open(note_of(read(path))) for path in (args.old, args.new))
    if args.folder:
        check_export(args.folder, trust, [args.old, args.new])
        if old.size > new.size:
            raise DoesNotHold("the newer checkpoint has fewer entries than the older")
    else:
        lines = read_text(args.proof).split() if args.proof else []
        check_consistency(old, new, [_hash(line) for line in lines])
    say(f"HOLDS: the {new.size} entries begin with the {old.size}")


def verify_checkpoint(args: argparse.Namespace) -> None:
    """Check who has signed a checkpoint."""
    note = note_of(read(args.note))
    trust = trust_of(args)
    head = trust.open(note)
    say(f"HOLDS: {head.origin}, {head.size} entries, root {b64encode(head.root).decode()}")
    for name, key_id, content in split_note(note)[1]:
        for key in (*trust.log, *trust.all_witnesses):
            if (name, key_id) == (key.name, key.id):
                stamped = key.kind != ED25519 and int.from_bytes(content[:8], "big")
                said = time.strftime(", at %Y-%m-%dT%H:%M:%SZ by its clock", time.gmtime(stamped)) if stamped else ""
                say(f"signed by {name} {key_id.hex()}{said}")


# --- commands: opening -----------------------------------------------------------------------------------------------


def parsed(entry: bytes) -> dict[str, Any]:
    """Return an entry's content. Raises DoesNotHold when it is not the canonical JSON of an entry (RFC 8785)."""
    try:
        leaf = json.loads(entry)
        texts = [
            leaf["id"],
            leaf["t"],
            leaf["ts"],
            leaf["ref"] or "",
            *leaf["s"],
            *(text for c in leaf["c"] for text in c),
        ]
        written = json.dumps(leaf, sort_keys=True, separators=(",", ":")).encode()
        fields = [name for name, _ in leaf["c"]]
        known = len(leaf) == 7 and leaf["v"] == 1 and len(set(fields)) == len(fields)
        if known and written == entry and all(isinstance(text, str) for text in texts):
            return dict(leaf)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise DoesNotHold("an entry is not of the form that this program knows")


def commitment(name: str, salt: bytes, value: str) -> str:
    """Return the commitment to a field that is opened by this salt."""
    named = name.encode()
    opened = b"child-protection-register log commitment 1\x00" + salt + bytes([len(named)]) + named + value.encode()
    return urlsafe_b64encode(hashlib.sha256(opened).digest()).decode().rstrip("=")


def open_entry(args: argparse.Namespace) -> None:
    """Check what fields of an entry were said to hold: ``{"id", "fields": {name: {"salt": hex, "value": text}}}``."""
    try:
        opening = json.loads(read(args.opening))
        id_ = str(opening["id"])
        fields = [(str(name), bytes.fromhex(f["salt"]), str(f["value"])) for name, f in opening["fields"].items()]
        opened = {name: commitment(name, salt, value) for name, salt, value in fields}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Misused("Not an opening: JSON with id and fields, each with salt and value.") from None
    trust = trust_of(args)
    if args.receipt and args.checkpoint:
        raise Misused(
            "Whether a receipt agrees with a checkpoint shows the whole log: fsck FOLDER --checkpoint RECEIPT."
        )
    if args.receipt:
        receipt = Receipt.of(read(args.receipt))
        head = trust.open(receipt.note)
        check_inclusion(receipt.entry, receipt.index, head, receipt.path)
        leaves = [parsed(receipt.entry)]
    elif args.folder:
        export, head = check_export(args.folder, trust, args.checkpoint)
        wanted = f'"id":"{id_}"'.encode()
        leaves = [parsed(entry) for entry in export.entries(head.size) if wanted in entry]
    else:
        raise Misused("Say where the entry is: --receipt or --folder.")
    leaf = next((leaf for leaf in leaves if leaf["id"] == id_), None)
    if leaf is None:
        raise DoesNotHold("the entry is not there")
    committed = dict(leaf["c"])
    for name, salt, _ in fields:
        # A longer salt could take in the beginning of the value, and the field would open to its end alone.
        if len(salt) != 32 or committed.get(name) != opened[name]:
            raise DoesNotHold(f"{name} of the entry is not what was said")
    say(f"HOLDS: {leaf['t']} at {leaf['ts']}, entry {id_}")
    for name, _, value in fields:
        say(f"{name}: {value}")
    if args.folder and not args.receipt and not args.checkpoint:
        sys.stderr.write(WARNING + "\n")


def find_subject(args: argparse.Namespace) -> None:
    """List every entry about the child with a key, and what else stands under the same references."""
    try:
        key = bytes.fromhex(read_text(args.key).strip())
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Misused("A child's key is 32 bytes in hexadecimal, in a file or on the standard input (-).")
    export, head = check_export(args.folder, trust_of(args), args.checkpoint)
    entries = [parsed(entry) for entry in export.entries(head.size)]

    def is_about(leaf: dict[str, Any]) -> bool:
        tag = hmac.digest(key, leaf["id"].encode(), hashlib.sha256)[:16]
        return urlsafe_b64encode(tag).decode().rstrip("=") in leaf["s"]

    about = {index for index, leaf in enumerate(entries) if is_about(leaf)}
    references = {entries[index]["ref"] for index in about} - {None}
    say(f"HOLDS: {len(about)} of {head.size} entries are about this child")
    for index, leaf in enumerate(entries):
        if index in about or leaf["ref"] in references:
            mark = "*" if index in about else " "
            say(f"{mark} {index} {leaf['ts']} {leaf['t']} {leaf['ref'] or '-'} {leaf['id']}")
    if not args.checkpoint:
        sys.stderr.write(WARNING + "\n")


# --- commands: fetching and witnessing -------------------------------------------------------------------------------


def store(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def export_log(args: argparse.Namespace) -> None:
    """Fetch a log over HTTP into a folder, or what is new of it, and check it whole."""
    prefix = args.url.rstrip("/")
    if not prefix.startswith(("https://", "http://")):
        raise Misused("The address of a log begins with https:// or http://.")

    def fetch(path: str, missing: bytes | None = None) -> bytes:
        for _ in range(100):
            try:
                with urllib.request.urlopen(f"{prefix}/{path}", timeout=30) as answer:  # noqa: S310 (checked above)
                    return bytes(answer.read())
            except urllib.error.HTTPError as refused:
                wait = refused.headers.get("Retry-After", "")
                if refused.code == 404 and missing is not None:
                    return missing
                if refused.code not in (429, 503) or not wait.isdecimal():
                    raise Misused(f"{path} could not be fetched: status {refused.code}") from None
                time.sleep(min(int(wait), 60))  # asked too much at once: it says when to go on
            except OSError as error:
                raise Misused(f"{path} could not be fetched: {type(error).__name__}") from None
        raise Misused(f"{path} could not be fetched: busy for too long")

    trust, kept = trust_of(args), args.folder / "checkpoint"
    # Read before the head, which then has grown out of it.
    witnessed = fetch("checkpoint.witnessed", b"") if trust.all_witnesses else b""
    note = fetch("checkpoint")
    head = trust.of_the_log().open(note)
    outside, before = list(args.checkpoint), args.folder / "checkpoint.before"
    if kept.exists() and not before.exists():
        store(before, kept.read_bytes())
    if before.exists():
        outside.append(str(before))
    needed = [("entries", number, width) for number, width in widths(head.size)]
    level = 0
    while head.size >> 8 * level:
        needed += [(str(level), number, width) for number, width in widths(head.size >> 8 * level)]
        level += 1
    for what, number, width in needed:
        target = args.folder / path_of(what, number, width)
        if not target.exists():
            store(target, fetch(path_of(what, number, width)))
    store(kept, note)
    if witnessed:
        store(args.folder / "checkpoint.witnessed", witnessed)
    check_export(args.folder, trust, outside)
    before.unlink(missing_ok=True)  # until it holds, it is what every later fetch is held against
    say(f"HOLDS: {head.origin}, {head.size} entries, root {b64encode(head.root).decode()}")
    if not outside:
        sys.stderr.write(WARNING + "\n")


class Refusal(Exception):
    """A witness's refusal: the HTTP status, and what the body says (tlog-witness, add-checkpoint)."""

    def __init__(self, status: int, body: str = "", content_type: str = "text/plain") -> None:
        """``body`` ends in a newline where there is one."""
        super().__init__(status)
        self.status, self.body, self.content_type = status, body, content_type


class Witness:
    """Signs that it has seen a log only grow (tlog-witness; tlog-cosignature). Keeps the last head of each log."""

    def __init__(self, key_file: Path, state: Path, logs: list[Key], clock: Callable[[], float] = time.time) -> None:
        """Read the keys of ``key_file``; know the logs whose names are those of ``logs``. Raises Misused."""
        self._signers, self._state, self._clock, self._lock = [], state, clock, threading.Lock()
        for line in read_text(str(key_file)).splitlines():
            try:
                _, _, name, _, encoded = line.split("+", 4)
                kind, seed = (decoded := unbase64(encoded))[0], decoded[1:]
                made: Any = (
                    MLDSA44PrivateKey.from_seed_bytes if kind == ML_DSA_44 else Ed25519PrivateKey.from_private_bytes
                )
                self._signers.append((name, kind, made(seed)))
            except (ValueError, DoesNotHold):
                raise Misused(f"{key_file} is not a key file of a witness.") from None
        self._logs = {key.name: [each for each in logs if each.name == key.name] for key in logs}
        self._state.parent.mkdir(parents=True, exist_ok=True)

    def _seen(self) -> dict[str, Any]:
        return dict(json.loads(self._state.read_bytes())) if self._state.exists() else {}

    def add_checkpoint(self, request: bytes) -> str:
        """Return signature lines on the checkpoint of a request. Raises Refusal.

        The new head is on the disk before anything is signed, and no other request comes in between.
        """
        above, _, note = request.partition(b"\n\n")
        try:
            first, *lines = above.decode().split("\n")
            text, _ = split_note(note)
            claimed = Head.of(text)
            old_size, path = _number(first.removeprefix("old ")), [_hash(line) for line in lines]
        except (UnicodeDecodeError, DoesNotHold):
            raise Refusal(400) from None
        if not first.startswith("old ") or len(path) > 63:
            raise Refusal(400)
        if claimed.origin not in self._logs:
            raise Refusal(404)
        try:
            head = Trust(self._logs[claimed.origin], [], 0).open(note)
        except DoesNotHold:
            raise Refusal(403) from None
        if old_size > head.size:
            raise Refusal(400)
        with self._lock:
            seen = self._seen()
            size, root = seen.get(head.origin, (0, hashlib.sha256(b"").hexdigest()))
            if old_size != size:
                raise Refusal(409, f"{size}\n", "text/x.tlog.size")
            if head.size == size and head.root.hex() != root:
                raise Refusal(409, f"{size}\n", "text/x.tlog.size")
            try:
                check_consistency(Head(head.origin, size, bytes.fromhex(root), ""), head, path)
            except DoesNotHold:
                raise Refusal(422) from None
            store(self._state, json.dumps({**seen, head.origin: (head.size, head.root.hex())}).encode())
            return self._cosign(head)

    def _cosign(self, head: Head) -> str:
        lines, stamp = [], int(self._clock()).to_bytes(8, "big")
        for name, kind, private in self._signers:
            raw = private.public_key().public_bytes_raw()
            key_id = hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + raw).digest()[:4]
            signature = private.sign(signed_message(head, kind, name, stamp))
            lines.append(f"— {name} {b64encode(key_id + stamp + signature).decode()}\n")
        return "".join(lines)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Return what answers ``POST …/add-checkpoint``."""
        witness = self

        class Handler(BaseHTTPRequestHandler):
            """One connection; says nothing of requests anywhere."""

            timeout = 30
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Answer a request to sign a checkpoint."""
                status, body, content_type = 404, "", "text/plain; charset=utf-8"
                length = self.headers.get("Content-Length", "")
                if not length.isdecimal() or int(length) > LONGEST_NOTE:
                    status, self.close_connection = 413, True
                else:
                    request = self.rfile.read(int(length))
                    try:
                        if self.path.endswith("/add-checkpoint"):
                            status, body = 200, witness.add_checkpoint(request)
                    except Refusal as refusal:
                        status, body, content_type = refusal.status, refusal.body, refusal.content_type
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        return Handler


def new_witness_keys(path: Path, name: str) -> None:
    """Make the keys of a witness, one of each kind, in a file that only its owner reads. Raises Misused."""
    lines, shown = [], []
    kinds: list[tuple[int, Any]] = [(ED25519_COSIGNATURE, Ed25519PrivateKey), (ML_DSA_44, MLDSA44PrivateKey)]
    for kind, made in kinds:
        private = made.generate()
        raw = bytes([kind]) + private.public_key().public_bytes_raw()
        key_id = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
        secret = b64encode(bytes([kind]) + private.private_bytes_raw()).decode()
        lines.append(f"PRIVATE+KEY+{name}+{key_id}+{secret}\n")
        shown.append(f"{name}+{key_id}+{b64encode(raw).decode()}")
        Key.of(shown[-1])
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)
    except OSError as error:
        raise Misused(f"{path} cannot be made: {error.strerror}") from None
    for line in shown:
        say(line)


def witness(args: argparse.Namespace) -> None:
    """Be a witness: make keys, answer one request from a file, or answer requests over HTTP."""
    if args.new_key:
        return new_witness_keys(args.key, args.new_key)
    if not args.state or not args.log_key:
        raise Misused("A witness needs --state and --log-key.")
    made = Witness(args.key, args.state, keys_of(args.log_key))
    if args.request:
        try:
            return say(made.add_checkpoint(read(args.request)).rstrip("\n"))
        except Refusal as refusal:
            raise DoesNotHold(f"not signed: status {refusal.status} {refusal.body.strip()}") from None
    host, _, port = args.listen.rpartition(":")
    with ThreadingHTTPServer((host, int(port)), made.handler()) as server:
        say(f"Listening on {host}:{server.server_address[1]}.")
        sys.stdout.flush()
        server.serve_forever()


# --- command line ----------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="verify.py", description="Checks an access log. 0 holds, 1 not, 2 usage.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], None], *positional: str) -> Any:
        made = commands.add_parser(name, help=(run.__doc__ or "").split("\n")[0], description=run.__doc__)
        made.set_defaults(run=run)
        for each in positional:
            made.add_argument(each, type=Path if each == "folder" else str)
        made.add_argument(
            "--log-key",
            action="append",
            default=[],
            metavar="KEY",
            help="a public key of the log, or a file of them; all of them have to have signed",
        )
        made.add_argument("--witness-key", action="append", default=[], metavar="KEY", help="likewise of a witness")
        made.add_argument("--quorum", type=int, help="how many of the witnesses have to have signed; else all")
        made.add_argument("--policy", metavar="FILE", help="keys, witnesses and quorum, as a file (C2SP tlog-policy)")
        if run in (fsck, open_entry, find_subject, export_log):  # where there is a whole log to hold against it
            made.add_argument(
                "--checkpoint",
                action="append",
                default=[],
                metavar="FILE",
                help="a checkpoint or a receipt that was kept outside the log's reach",
            )
        return made

    command("fsck", fsck, "folder").add_argument("--deep", action="store_true", help="read every entry as well")
    command("verify-inclusion", verify_inclusion, "receipt").add_argument(
        "--entry", help="the entry, if left out of it"
    )
    consistency = command("verify-consistency", verify_consistency, "old", "new")
    consistency.add_argument("--folder", type=Path, help="the exported log, from which all is computed")
    consistency.add_argument("--proof", help="or a consistency proof: a hash in base64 on each line")
    command("verify-checkpoint", verify_checkpoint, "note")
    opening = command("open-entry", open_entry, "opening")
    opening.add_argument("--receipt", help="the receipt of the entry")
    opening.add_argument("--folder", type=Path, help="or the exported log that it is in")
    command("find-subject", find_subject, "folder").add_argument(
        "--key", required=True, help="file with the child's key"
    )
    command("export", export_log, "url", "folder")
    witnessing = command("witness", witness)
    witnessing.add_argument("--key", type=Path, required=True, help="file with the witness's own keys")
    witnessing.add_argument("--new-key", metavar="NAME", help="make that file, for a witness of this name")
    witnessing.add_argument("--state", type=Path, help="file that keeps the last head of each log")
    witnessing.add_argument("--request", help="answer one request from this file")
    witnessing.add_argument("--listen", default="127.0.0.1:8470", help="answer requests over HTTP here")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Carry out a command line and return the exit status."""
    args = _parser().parse_args(arguments)
    try:
        args.run(args)
    except DoesNotHold as failure:
        sys.stderr.write(f"DOES NOT HOLD: {failure}\n")
        return 1
    except Misused as misuse:
        sys.stderr.write(f"{misuse}\n")
        return 2
    return 0


def _exit() -> NoReturn:
    raise SystemExit(main())


if __name__ == "__main__":
    _exit()
