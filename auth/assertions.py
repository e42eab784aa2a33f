"""The two assertions of an organisation: "this is our system" and "this professional is asking" (RFC 7523).

One profile for both: signed with PS256, ES256 or Ed25519 by an enrolled key that ``kid`` names, addressed to us alone,
and valid for minutes. Pure: keys and time are given, and single use is for the caller to enforce.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from auth.algorithms import KEY_TYPES, SMALLEST_RSA_MODULUS, VERIFIED_AS, PublicKey, named_algorithm, verify_signature
from auth.compact import Compact, check_times, text
from auth.errors import InvalidToken, Reason

LONGEST_SECONDS = 300
_REMEMBERED_LONGER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a verified assertion says.

    ``remember_until`` is when its use may be forgotten: a minute after it expires, should the store's clock be ahead.
    """

    issuer: str
    subject: str
    jti: str
    remember_until: datetime


def verify_assertion(compact: Compact, jwks: Mapping[str, Any], audience: str, now: datetime) -> Assertion:
    """Verify one assertion against an organisation's enrolled keys.

    Args:
        compact: the assertion, taken apart.
        jwks: the enrolled JWK set.
        audience: our issuer identifier, which the assertion must name as a string and alone (FAPI 2.0 Security Profile
            section 5.3.2.1). The endpoint's address or a list is refused: what is addressed to another server as well
            could be replayed to us by it.
        now: aware, UTC.

    Raises:
        InvalidToken: ALGORITHM, KEY, SIGNATURE, CLAIMS, AUDIENCE, TIMES, LIFETIME, FUTURE or EXPIRED.
    """
    _verify_signature(compact, jwks)
    claims = compact.claims
    if claims.get("aud") != audience:
        raise InvalidToken(Reason.AUDIENCE)
    _, expires = check_times(claims, int(now.timestamp()), LONGEST_SECONDS)
    if expires > int(now.timestamp()) + LONGEST_SECONDS:
        raise InvalidToken(Reason.LIFETIME)
    return Assertion(
        issuer=text(claims, "iss"),
        subject=text(claims, "sub"),
        jti=text(claims, "jti"),
        remember_until=datetime.fromtimestamp(expires, UTC) + _REMEMBERED_LONGER,
    )


def _verify_signature(compact: Compact, jwks: Mapping[str, Any]) -> None:
    algorithm = named_algorithm(compact)
    verify_signature(compact, algorithm, _choose_key(jwks, text(compact.header, "kid", Reason.KEY), algorithm))


def _choose_key(jwks: Mapping[str, Any], kid: str, algorithm: str) -> PublicKey:
    """Return the enrolled key of that ``kid`` that serves for the algorithm, and, where it says so, for no other one
    (RFC 8725 section 3.1)."""
    kind = KEY_TYPES[algorithm]
    for jwk in jwks.get("keys", ()):
        if jwk.get("kid") != kid or jwk.get("kty") != kind.key_type:
            continue
        # Compared here and kept from joserfc, which does not take the one name of Ed25519 for the other.
        if VERIFIED_AS.get(jwk.get("alg", algorithm)) != algorithm:
            continue
        if kind is RSAKey and len(str(jwk.get("n"))) < SMALLEST_RSA_MODULUS:
            continue
        try:
            return kind.import_key({name: value for name, value in jwk.items() if name != "alg"})
        except (JoseError, ValueError, TypeError):
            continue
    raise InvalidToken(Reason.KEY)
