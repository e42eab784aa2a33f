"""Which public keys an organisation's system may be enrolled with: those that its assertions can be verified under.

The same profile as for what is signed (``auth.algorithms``); what is kept of a key are its public members alone.
"""

import re
from collections.abc import Mapping
from typing import Any

from joserfc.errors import JoseError

from auth.algorithms import KEY_TYPES, PRIVATE_MEMBERS, VERIFIED_AS, public_members
from auth.errors import InvalidToken

_KID = re.compile(r"[A-Za-z0-9._~-]{1,128}")


class UnfitKey(ValueError):
    """It is no public key that is accepted."""


class PrivateKeyGiven(UnfitKey):
    """It holds the private half, which is then known to more than its owner."""


class WithoutKid(UnfitKey):
    """It has no ``kid``, or one of other than 1 to 128 letters, digits and ``._~-``."""


def fit_public_key(jwk: object) -> dict[str, str]:
    """Return the public members of a key (RFC 7517), with its ``kid`` and, where given, ``use`` and ``alg``.

    Raises:
        PrivateKeyGiven, WithoutKid, UnfitKey: it is none that can be enrolled. The message holds nothing of it.
    """
    if not isinstance(jwk, Mapping):
        raise UnfitKey("not a JWK")
    if not PRIVATE_MEMBERS.isdisjoint(jwk):
        raise PrivateKeyGiven("a private key")
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise WithoutKid("no kid")
    algorithm = _algorithm(jwk)
    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ("verify",)):
        raise UnfitKey("not for signatures")
    try:
        public = public_members(jwk, algorithm)
        KEY_TYPES[algorithm].import_key(dict(public))  # its point lies on the curve
    except (InvalidToken, JoseError, ValueError, TypeError):
        raise UnfitKey("not a key of its kind") from None
    return {**public, "kid": kid, **{name: str(jwk[name]) for name in ("use", "alg") if name in jwk}}


def thumbprint(public: Mapping[str, str]) -> str:
    """Return what tells a fit public key from others, whatever it is called (RFC 7638)."""
    algorithm = _algorithm(public)
    return KEY_TYPES[algorithm].import_key(dict(public_members(public, algorithm))).thumbprint()


def _algorithm(jwk: Mapping[str, Any]) -> str:
    """Return the one algorithm that a key of this kind serves for. Raises UnfitKey."""
    for algorithm, kind in KEY_TYPES.items():
        if jwk.get("kty") == kind.key_type:
            if "alg" in jwk and VERIFIED_AS.get(str(jwk["alg"])) != algorithm:
                break
            return algorithm
    raise UnfitKey("of no kind or algorithm that is accepted")
