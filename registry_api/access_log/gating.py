"""What the gates of the database ask of an entry before they open: parts of functions with their owner's rights."""

from typing import Final

SIGNED: Final = """
JOIN log_entry e ON e.access_entry_id = a.id
JOIN log_leaf l ON l.entry_id = e.id AND l.origin_id = (SELECT max(o.id) FROM log_origin o)
  AND l.idx < (SELECT max(c.size) FROM log_checkpoint c WHERE c.origin_id = l.origin_id)
"""
"""Narrows rows ``a`` of the log to those under a signed head of the current tree: ``e`` is what each is there, ``l``
where it stands. An entry that could still be rolled back is in no tree."""


def refusal(why: str) -> str:
    """Return the statement by which a gate stays shut; ``why``: a clause in fixed words."""
    return f"RAISE EXCEPTION 'the register stays shut: {why}' USING ERRCODE = 'insufficient_privilege'"
