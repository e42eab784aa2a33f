"""The signatures that callers may make – PS256, ES256 and Ed25519 – and how one is verified.

One profile for assertions and proofs, that of FAPI 2.0 (section 5.4): no RS256, no symmetric key, no other curve.
"""

from typing import TypeAlias

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from auth.compact import Compact
from auth.errors import InvalidToken, Reason

PublicKey: TypeAlias = RSAKey | ECKey | OKPKey

# "EdDSA" is the older name, still what most libraries write, of what RFC 9864 calls "Ed25519".
VERIFIED_AS = {"PS256": "PS256", "ES256": "ES256", "Ed25519": "Ed25519", "EdDSA": "Ed25519"}
KEY_TYPES: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"PS256": RSAKey, "ES256": ECKey, "Ed25519": OKPKey}
SMALLEST_RSA_MODULUS = 342
"""Base64url characters of 2048 bits. Read off the text, as joserfc warns when it imports a smaller key."""
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
