"""British and Channel Islands postcodes: one spelling each, O/0 and I/1 put right, and how far apart two are."""

import re
from functools import lru_cache

_FORM = re.compile(r"[A-Z]{1,2}\d[A-Z\d]?\d[A-Z]{2}")
_AT_END = re.compile(r"(?:^|[\s,])([a-z]{1,2}[0-9oi][0-9a-z]?)\s*([0-9oi][a-z]{2})[\s,.]*$", re.IGNORECASE)
_TO_DIGIT = str.maketrans("OI", "01")


@lru_cache(8192)
def normalise_postcode(text: str) -> str:
    """Return a full postcode without its space and in capitals, or "" for anything that is none.

    O and I are read as digits where only a digit can stand: no outward code ends in either letter (BS 7666).
    """
    code = "".join(filter(str.isalnum, text[:16])).upper()
    if not 5 <= len(code) <= 7 or not code.isascii():
        return ""
    outward, inward = code[:-3], code[-3:]
    outward = outward[0].replace("0", "O") + outward[1:-1] + outward[-1].translate(_TO_DIGIT)
    code = outward + inward[0].translate(_TO_DIGIT) + inward[1:]
    return code if _FORM.fullmatch(code) else ""


def split_postcode(lines: str) -> tuple[str, str]:
    """Return ``lines`` without the postcode that ends them, and that postcode ("" if there is none)."""
    found = _AT_END.search(lines)
    if found and any(map(str.isdigit, found[0])) and (code := normalise_postcode(found[1] + found[2])):
        return lines[: found.start()], code
    return lines, ""


def near(a: str, b: str) -> bool:
    """Return whether two full postcodes differ in exactly one character: a typing slip, or next door."""
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1
