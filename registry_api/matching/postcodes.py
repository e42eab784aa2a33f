"""Postcodes, British ones above all: one spelling each, O/0 and I/1 put right, and how far apart two are."""

import re
from functools import lru_cache

_FORM = re.compile(r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}")
_AT_END = re.compile(r"(?:^|[\s,])([a-z]{1,2}[0-9oi][0-9a-z]?)\s*([0-9oi][a-z]{2})[\s,.]*$", re.IGNORECASE)
_ELSEWHERE = re.compile(r"\d{4,6}|[A-Z]\d[\dW][A-Z\d]{4}")
"""Numbers as most countries have them, and Irish Eircodes: families come from there, and former addresses lie there."""
_TO_DIGIT = str.maketrans("OI", "01")


@lru_cache(8192)
def normalise_postcode(text: str) -> str:
    """Return a full postcode without its space and in capitals, or "" for anything that is none.

    O and I are read as digits where only a digit can stand: no outward code ends in either letter (BS 7666). A
    postcode of another country stays as it is.
    """
    code = "".join(filter(str.isalnum, text[:16])).upper()
    if not code.isascii():
        return ""
    return _british(code) or (code if _ELSEWHERE.fullmatch(code) else "")


def _british(code: str) -> str:
    if not 5 <= len(code) <= 7:
        return ""
    outward, inward = code[:-3], code[-3:]
    outward = outward[0].replace("0", "O") + outward[1:-1] + outward[-1].translate(_TO_DIGIT)
    code = outward + inward[0].translate(_TO_DIGIT) + inward[1:]
    return code if _FORM.fullmatch(code) else ""


def split_postcode(lines: str) -> tuple[str, str]:
    """Return ``lines`` without the postcode that ends them, and that postcode ("" if there is none)."""
    found = _AT_END.search(lines)
    if found and any(map(str.isdigit, found[0])) and (code := _british((found[1] + found[2]).upper())):
        return lines[: found.start()], code
    return lines, ""


def near(a: str, b: str) -> bool:
    """Return whether two full postcodes differ in one character, or two that changed places: a slip, or next door."""
    if len(a) != len(b):
        return False
    apart = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
    if len(apart) == 2:
        first, second = apart
        return second == first + 1 and a[first] == b[second] and a[second] == b[first]
    return len(apart) == 1
