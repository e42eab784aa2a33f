"""A token that a provider has signed, up to the point at which it is known to be that provider's: not yet for whom.

Verified by our own configuration and by nothing that the token says: its algorithm is one of those that were configured
for the provider, its key one of the provider's, its issuer the provider itself. Pure: keys and time are given.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from auth.algorithms import KEY_TYPES, LARGEST_RSA_MODULUS, SMALLEST_RSA_MODULUS, VERIFIED_AS, PublicKey
from auth.compact import FUTURE_SECONDS, Compact, read_compact, text
from auth.errors import InvalidToken, Reason

MAX_BYTES = 16 * 1024
"""Some providers put every group of a person into the token."""
LONGEST_SECONDS = 86_400
"""For which an ID token may be good; how old it may be is another matter."""
_VERIFIED_AS = {**VERIFIED_AS, "RS256": "RS256"}
_KEY_TYPES = {**KEY_TYPES, "RS256": RSAKey}
_ALGORITHMS = JWSRegistry(algorithms=frozenset(_VERIFIED_AS.values()))


class Signatory(Protocol):
    """What has to be known of a provider to believe that it has signed something."""

    @property
    def issuer(self) -> str:
        """Its identifier."""
        ...

    @property
    def algorithms(self) -> frozenset[str]:
        """The signatures that are believed."""
        ...


def read_token(token: str, provider: Signatory) -> tuple[Compact, str, str]:
    """Take a token of the provider apart, and return it with the ``kid`` of its key and its algorithm.

    Raises:
        InvalidToken: of ``read_compact``, ALGORITHM (none that we configured) or KEY (none named).
    """
    compact = read_compact(token, longest=MAX_BYTES)
    named = compact.header.get("alg")
    algorithm = _VERIFIED_AS.get(named) if isinstance(named, str) else None
    # By its present name: what was configured as EdDSA may call itself Ed25519.
    if algorithm is None or algorithm not in {_VERIFIED_AS[each] for each in provider.algorithms}:
        raise InvalidToken(Reason.ALGORITHM)
    return compact, text(compact.header, "kid", Reason.KEY), algorithm


def choose_key(jwks: Mapping[str, Any], kid: str, algorithm: str) -> PublicKey | None:
    """Return the key of that ``kid`` that serves for the algorithm and for signatures, or None."""
    kind = _KEY_TYPES[algorithm]
    for jwk in jwks.get("keys", ()):
        if not isinstance(jwk, dict) or jwk.get("kid") != kid or jwk.get("kty") != kind.key_type:
            continue
        named = jwk.get("alg", algorithm)
        if jwk.get("use", "sig") != "sig" or not isinstance(named, str) or _VERIFIED_AS.get(named) != algorithm:
            continue
        if kind is RSAKey and not SMALLEST_RSA_MODULUS <= len(str(jwk.get("n"))) <= LARGEST_RSA_MODULUS:
            continue
        try:
            return kind.import_key({name: jwk[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in jwk})
        except (JoseError, ValueError, TypeError):
            continue
    return None


def signed_claims(compact: Compact, algorithm: str, key: PublicKey, provider: Signatory) -> Mapping[str, Any]:
    """Return the claims once the signature is the key's and the issuer the provider.

    Raises:
        InvalidToken: KEY, SIGNATURE or ISSUER.
    """
    verifier = _ALGORITHMS.get_alg(algorithm)
    try:
        verifier.check_key(key)
        good = verifier.verify(compact.signing_input, compact.signature, key)
    except (JoseError, ValueError):
        raise InvalidToken(Reason.KEY) from None
    if not good:
        raise InvalidToken(Reason.SIGNATURE)
    if compact.claims.get("iss") != provider.issuer:
        raise InvalidToken(Reason.ISSUER)
    return compact.claims


def check_is_id_token(compact: Compact) -> None:
    """Check that a token is not by its type another one: an access token, a logout token, a proof (RFC 8725 3.11).

    Raises:
        InvalidToken: HEADER.
    """
    if compact.header.get("typ", "JWT") not in ("JWT", "jwt"):
        raise InvalidToken(Reason.HEADER)


def signed_in_at(claims: Mapping[str, Any], since: datetime | None, now: datetime) -> datetime | None:
    """Return when the person signed in (``auth_time``, OpenID Connect Core section 2); None where that is not said.

    Args:
        claims: of a verified token.
        since: the earliest acceptable time; None where any will do, an unknown one as well.
        now: aware, UTC.

    Raises:
        InvalidToken: TIMES, or AUTHENTICATION_OLD: it is not known to be recent enough.
    """
    at = claims.get("auth_time")
    if at is None:
        if since is not None:
            raise InvalidToken(Reason.AUTHENTICATION_OLD)
        return None
    if type(at) is not int or not 0 < at <= now.timestamp() + FUTURE_SECONDS:
        raise InvalidToken(Reason.TIMES)
    # Our clock and the provider's need not agree to the second.
    if since is not None and at < since.timestamp() - FUTURE_SECONDS:
        raise InvalidToken(Reason.AUTHENTICATION_OLD)
    return datetime.fromtimestamp(at, UTC)
