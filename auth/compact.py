"""The strict front: one compact JWS (RFC 7515 section 7.1) taken apart, or one exception. It verifies no signature.

General JOSE libraries accept more spellings of a token than were ever issued: padding bits that vary, repeated
members, a ``crit`` nobody understood, a key brought along in the header. What is let through here has one spelling, so
that two readers of it cannot see two different things.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NoReturn

from auth.errors import InvalidToken, Reason

MAX_BYTES = 4096
MAX_TEXT = 255
FUTURE_SECONDS = 10
"""How far ahead of ours an issuer's clock may run (FAPI 2.0 Security Profile section 5.3.2.1)."""

# ``crit`` and ``b64`` change what is signed or what must be understood; the others bring their own key.
_FORBIDDEN_HEADER = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c"})


@dataclass(frozen=True, slots=True)
class Compact:
    """A compact JWS in its parts. Nothing in it is verified yet. ``header_part`` is the header as it was sent."""

    header_part: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signing_input: bytes
    signature: bytes


def read_compact(token: str, *, brings_its_key: bool = False, longest: int = MAX_BYTES) -> Compact:
    """Take a compact JWS apart.

    Args:
        token: the text as it came.
        brings_its_key: accept a ``jwk`` in the header, which nothing but a DPoP proof may have.
        longest: the most characters that it may have.

    Raises:
        InvalidToken: MISSING, OVERSIZE, MALFORMED (not three canonical base64url parts of JSON objects with unique
            members) or HEADER (a header member that is never accepted).
    """
    if not token:
        raise InvalidToken(Reason.MISSING)
    if len(token) > longest:
        raise InvalidToken(Reason.OVERSIZE)
    parts = token.split(".")
    if len(parts) != 3:
        raise InvalidToken(Reason.MALFORMED)
    header, claims = _header(parts[0]), _json_object(_base64url(parts[1]))
    if not _FORBIDDEN_HEADER.isdisjoint(header.keys() - ({"jwk"} if brings_its_key else ())):
        raise InvalidToken(Reason.HEADER)
    return Compact(parts[0], header, claims, f"{parts[0]}.{parts[1]}".encode(), _base64url(parts[2]))


def text(values: Mapping[str, Any], name: str, reason: Reason = Reason.CLAIMS) -> str:
    """Return a member that must be a text of 1 to 255 printable characters.

    Raises:
        InvalidToken: with ``reason``.
    """
    value = values.get(name)
    # isprintable() is False for NUL, controls and lone surrogates, which a database or an encoder would choke on.
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT or not value.isprintable():
        raise InvalidToken(reason)
    return value


def check_times(claims: Mapping[str, Any], now: int, longest: int) -> tuple[int, int]:
    """Check ``iat``, ``nbf`` (if there is one) and ``exp``, and return (iat, exp).

    Args:
        claims: with times as NumericDate in whole seconds (RFC 7519 section 2).
        now: whole seconds since the epoch.
        longest: the longest acceptable lifetime in seconds.

    Raises:
        InvalidToken: TIMES, LIFETIME, FUTURE or EXPIRED. An expired one gets no leeway.
    """
    issued, expires = claims.get("iat"), claims.get("exp")
    not_before = claims.get("nbf", issued)
    # type() and not isinstance(): True is an int to Python.
    if type(issued) is not int or type(expires) is not int or type(not_before) is not int or expires <= issued:
        raise InvalidToken(Reason.TIMES)
    if expires <= now:
        raise InvalidToken(Reason.EXPIRED)
    if max(issued, not_before) > now + FUTURE_SECONDS:
        raise InvalidToken(Reason.FUTURE)
    if expires - issued > longest:
        raise InvalidToken(Reason.LIFETIME)
    return issued, expires


def canonical(part: str) -> bool:
    """Return whether a text is base64url in its one canonical spelling."""
    try:
        return bool(_base64url(part))
    except InvalidToken:
        return False


@lru_cache(maxsize=1024)  # a caller sends the same header again and again, and nobody changes it
def _header(part: str) -> Mapping[str, Any]:
    return MappingProxyType(_json_object(_base64url(part)))


def _base64url(part: str) -> bytes:
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise InvalidToken(Reason.MALFORMED) from None
    # The decoder skips foreign characters and ignores surplus bits: only the one canonical spelling comes back equal.
    if not decoded or base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise InvalidToken(Reason.MALFORMED)
    return decoded


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # a thousand brackets are a RecursionError, not a ValueError
        raise InvalidToken(Reason.MALFORMED) from None
    if not isinstance(value, dict):
        raise InvalidToken(Reason.MALFORMED)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("repeated member")
    return members


def _no_constant(_: str) -> NoReturn:
    raise ValueError("not JSON")
