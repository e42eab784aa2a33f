"""The signatures that callers may make – PS256, ES256 and Ed25519 – and how one is verified.

One profile for assertions and proofs, that of FAPI 2.0 (section 5.4): no RS256, no symmetric key, no other curve.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from auth.compact import Compact, canonical
from auth.errors import InvalidToken, Reason

PublicKey: TypeAlias = RSAKey | ECKey | OKPKey

# "EdDSA" is the older name, still what most libraries write, of what RFC 9864 calls "Ed25519".
VERIFIED_AS = {"PS256": "PS256", "ES256": "ES256", "Ed25519": "Ed25519", "EdDSA": "Ed25519"}
KEY_TYPES: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"PS256": RSAKey, "ES256": ECKey, "Ed25519": OKPKey}
SMALLEST_RSA_MODULUS = 342
"""Base64url characters of 2048 bits. Read off the text, as joserfc warns when it imports a smaller key."""
LARGEST_RSA_MODULUS = 683
"""Base64url characters of 4096 bits: what is larger costs whoever verifies it too much."""
_COORDINATE = 43
"""Base64url characters of 256 bits."""
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""What no public key has (RFC 7518 section 6)."""
_ALGORITHMS = JWSRegistry(algorithms=frozenset(VERIFIED_AS.values()))


def named_algorithm(compact: Compact) -> str:
    """Return the algorithm that a header names, by its present name. Raises InvalidToken: ALGORITHM."""
    named = compact.header.get("alg")
    if not isinstance(named, str) or named not in VERIFIED_AS:
        raise InvalidToken(Reason.ALGORITHM)
    return VERIFIED_AS[named]


def verify_signature(compact: Compact, algorithm: str, key: PublicKey) -> None:
    """Verify the signature with ``key``, which must be of the algorithm's kind and curve.

    Raises:
        InvalidToken: KEY or SIGNATURE.
    """
    verifier = _ALGORITHMS.get_alg(algorithm)
    try:
        verifier.check_key(key)  # its curve and its use
        good = verifier.verify(compact.signing_input, compact.signature, key)
    except (JoseError, ValueError):
        raise InvalidToken(Reason.KEY) from None
    if not good:
        raise InvalidToken(Reason.SIGNATURE)


def public_members(jwk: Mapping[str, Any], algorithm: str) -> dict[str, str]:
    """Return the members that make the key, each in the one spelling that it has. Raises InvalidToken: KEY."""
    match algorithm:
        case "ES256":
            sizes, fixed = {"x": (_COORDINATE,) * 2, "y": (_COORDINATE,) * 2}, {"crv": "P-256"}
        case "Ed25519":
            sizes, fixed = {"x": (_COORDINATE,) * 2}, {"crv": "Ed25519"}
        case _:
            # An exponent of the caller's choice could be made to cost whoever verifies with it.
            sizes, fixed = {"n": (SMALLEST_RSA_MODULUS, LARGEST_RSA_MODULUS)}, {"e": "AQAB"}
    members = {"kty": str(jwk["kty"]), **fixed}
    if any(jwk.get(name) != value for name, value in fixed.items()):
        raise InvalidToken(Reason.KEY)
    for name, (shortest, longest) in sizes.items():
        value = jwk.get(name)
        if not isinstance(value, str) or not shortest <= len(value) <= longest or not canonical(value):
            raise InvalidToken(Reason.KEY)
        members[name] = value
    return members
