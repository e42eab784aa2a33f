"""The Merkle tree of RFC 6962: hashes, roots, and proofs that an entry is in it or that it has only grown.

Pure, and knows nothing of where hashes are kept (``tiles``). A proof is a list of hashes, and each of them is the root
of a *span* of leaves: making a proof is naming its spans, in the order in which they are folded up again.
``verify.py`` checks the same proofs by other code, which shares nothing with this; a test sets each upon the other.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, TypeAlias

HASH_SIZE: Final = 32
"""Bytes of a hash: SHA-256, the only one that tlog-tiles knows."""

EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962, 2.1)."""

Span: TypeAlias = tuple[int, int]
"""The leaves from the first, inclusive, to the second, exclusive: a node of the tree by what lies under it."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry as a leaf (RFC 6962, 2.1: prefixed 0x00, so that no node can pass for one)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two children (RFC 6962, 2.1: prefixed 0x01)."""
    return sha256(b"\x01" + left + right).digest()


def split(width: int) -> int:
    """Return where a tree of ``width`` leaves, two or more, divides: the largest power of two below it."""
    return 1 << ((width - 1).bit_length() - 1)


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root over these leaf hashes, or over these roots of equal, full subtrees (RFC 6962, 2.1)."""
    if not hashes:
        return EMPTY_ROOT
    level = list(hashes)
    while len(level) > 1:
        # Level by level is the same tree as splitting at powers of two: the last hash of an odd level moves up alone.
        paired = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def full_subtrees(span: Span) -> list[Span]:
    """Return the full subtrees that make up a span of the tree, from left to right, each smaller than the last."""
    start, end = span
    parts = []
    while start < end:
        width = 1 << ((end - start).bit_length() - 1)
        parts.append((start, start + width))
        start += width
    return parts


def fold(subtrees: Sequence[bytes]) -> bytes:
    """Return the root of a span from the roots of its ``full_subtrees``."""
    *rest, root = subtrees
    for left in reversed(rest):
        root = node_hash(left, root)
    return root


def inclusion_spans(index: int, size: int) -> list[Span]:
    """Return the spans whose roots prove leaf ``index`` in a tree of ``size``, from the leaf up (RFC 6962, 2.1.1).

    Raises ValueError when there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("the tree has no such leaf")
    start, end, spans = 0, size, []
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """Return the spans whose roots prove that a tree of ``new`` begins with one of ``old`` (RFC 6962, 2.1.2).

    None for an empty old tree, with which every tree is consistent, and none between equals. Raises ValueError when
    ``old`` is the larger.
    """
    if not 0 <= old <= new:
        raise ValueError("a tree does not shrink")
    if old in (0, new):
        return []
    start, end, spans = 0, new, []
    while end != old:
        middle = start + split(end - start)
        if old <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((start, middle))
            start = middle
    if start:  # otherwise the old tree is itself a node on the way, and its root is known to whoever checks
        spans.append((start, end))
    return spans[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether ``proof`` shows the leaf hash at ``index`` under the root of a tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or any(len(step) != HASH_SIZE for step in proof):
        return False
    position, last, computed = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            computed = node_hash(step, computed)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            computed = node_hash(computed, step)
        position, last = position >> 1, last >> 1
    return last == 0 and computed == root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether ``proof`` shows that the new tree begins with the old one (RFC 9162, 2.1.4.2).

    An empty old tree has the root of the empty tree and an empty proof (tlog-witness, add-checkpoint).
    """
    if not 0 <= old <= new or any(len(step) != HASH_SIZE for step in proof):
        return False
    if old == new or old == 0:
        return not proof and old_root == (new_root if old == new else EMPTY_ROOT)
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    computed_old = computed_new = path[0]
    for step in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            computed_old, computed_new = node_hash(step, computed_old), node_hash(step, computed_new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            computed_new = node_hash(computed_new, step)
        position, last = position >> 1, last >> 1
    return last == 0 and computed_old == old_root and computed_new == new_root
