"""DPoP proofs (RFC 9449): that whoever sends a request holds the key, for this request alone.

A proof is a JWT of one minute with its public key in the header. It is held against the method, the configured address
of the service (never the Host header), the token that it comes with, and a nonce of ours. Pure but for its memory of
imported keys; that each proof counts once is for the store (``auth.protocols.UsedProofs``).
"""

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError

from auth.algorithms import (
    KEY_TYPES,
    PRIVATE_MEMBERS,
    VERIFIED_AS,
    PublicKey,
    named_algorithm,
    public_members,
    verify_signature,
)
from auth.compact import FUTURE_SECONDS, Compact, read_compact, text
from auth.errors import InvalidToken, NotAuthenticated, Reason
from auth.nonces import Nonces
from auth.protocols import Clock, UsedProof

LONGEST_SECONDS = 60
"""How old a proof may be."""
_REMEMBERED_LONGER = timedelta(seconds=60)
_HEADER = frozenset({"alg", "typ", "jwk"})
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that is in order. ``thumbprint`` is that of its key (RFC 7638); ``use`` is what makes it count once.

    ``use`` is None where the nonce, and nothing else, is missing or too old: the answer is then a fresh one.
    """

    thumbprint: str
    use: UsedProof | None


class ProofVerifier:
    """Verifies the proofs of requests to ``base_url``.

    Args:
        base_url: where callers reach the service: scheme, host, and whatever path it has, without a slash at the end.
        nonces: those that proofs must carry.
        clock: the time, aware and in UTC.
        remembered: how many headers to keep with the keys that they brought, as a sender's is the same each time and
            importing the key costs as much as verifying with it; the least recently used go first. Not shared between
            threads.
    """

    def __init__(self, base_url: str, nonces: Nonces, clock: Clock, *, remembered: int = 1024) -> None:
        self._base_url = base_url
        self._nonces = nonces
        self._clock = clock
        self._remembered = remembered
        self._holders: OrderedDict[str, tuple[str, PublicKey, str]] = OrderedDict()

    def verify(self, headers: Sequence[str], method: str, path: str, *, token: str | None = None) -> Proof:
        """Verify the proof of one request (RFC 9449 section 4.3).

        Args:
            headers: the values of its DPoP headers, of which there must be one.
            method: its method.
            path: its path below ``base_url`` as it was sent, without a query.
            token: the access token that it carries; None at the token endpoint.

        Raises:
            InvalidToken: PROOF_MISSING, REQUEST, OVERSIZE, MALFORMED, HEADER, ALGORITHM, KEY, SIGNATURE, CLAIMS,
                TARGET, ATH or PROOF_TIME.
        """
        if len(headers) != 1:
            raise InvalidToken(Reason.REQUEST if headers else Reason.PROOF_MISSING)
        compact = read_compact(headers[0], brings_its_key=True)
        algorithm, key, thumbprint = self._holder(compact)
        claims = compact.claims
        jti, issued = self._check_claims(claims, method, path, token)
        verify_signature(compact, algorithm, key)
        try:
            nonce_at = self._nonces.made_at(text(claims, "nonce", Reason.NONCE))
        except InvalidToken:
            return Proof(thumbprint, None)
        digest = hashlib.sha256(f"{thumbprint}|{jti}".encode()).digest()
        until = datetime.fromtimestamp(issued + LONGEST_SECONDS, UTC) + _REMEMBERED_LONGER
        return Proof(thumbprint, UsedProof(digest, nonce_at, until))

    def _check_claims(self, claims: Mapping[str, Any], method: str, path: str, token: str | None) -> tuple[str, int]:
        if claims.get("htm") != method or not self._is_here(claims.get("htu"), path):
            raise InvalidToken(Reason.TARGET)
        if claims.get("ath") != (None if token is None else token_hash(token)):
            raise InvalidToken(Reason.ATH)
        jti, issued = text(claims, "jti"), claims.get("iat")
        now = int(self._clock().timestamp())
        # type() and not isinstance(): True is an int to Python.
        if type(issued) is not int or not now - LONGEST_SECONDS <= issued <= now + FUTURE_SECONDS:
            raise InvalidToken(Reason.PROOF_TIME)
        return jti, issued

    def _is_here(self, uri: object, path: str) -> bool:
        """Return whether a proof's ``htu`` is the address of ``path``; scheme and host in any case, a default port or
        none (RFC 3986 section 6.2), and neither query nor fragment (RFC 9449 section 4.2)."""
        here = self._base_url + path
        if uri == here:
            return True
        if not isinstance(uri, str) or "?" in uri or "#" in uri or "\\" in uri or not uri.isprintable():
            return False
        try:
            return _normal(uri) == _normal(here)
        except ValueError:
            return False

    def _holder(self, compact: Compact) -> tuple[str, PublicKey, str]:
        """Return what the header says of its sender: the algorithm, the key and its thumbprint."""
        known = self._holders.get(compact.header_part)
        if known is not None:
            self._holders.move_to_end(compact.header_part)
            return known
        if frozenset(compact.header) != _HEADER or compact.header["typ"] != "dpop+jwt":
            raise InvalidToken(Reason.HEADER)
        algorithm = named_algorithm(compact)
        holder = algorithm, *_key(compact.header["jwk"], algorithm)
        self._holders[compact.header_part] = holder
        if len(self._holders) > self._remembered:
            self._holders.popitem(last=False)
        return holder


INSUFFICIENT = 'DPoP realm="registry", error="insufficient_scope"'
"""The ``WWW-Authenticate`` of a good token that is for something else (RFC 6750 section 3.1)."""


def challenge(refused: NotAuthenticated) -> str:
    """Return the ``WWW-Authenticate`` of a refusal (RFC 9449 section 7.1): what is wanted, and what was wrong."""
    wrong = f', error="{refused.error}"' if refused.reason is not Reason.MISSING else ""
    return f'DPoP realm="registry", algs="{" ".join(VERIFIED_AS)}"{wrong}'


def token_hash(token: str) -> str:
    """Return what a proof says of the token that it comes with (``ath``, RFC 9449 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def _key(jwk: object, algorithm: str) -> tuple[PublicKey, str]:
    if not isinstance(jwk, dict) or not PRIVATE_MEMBERS.isdisjoint(jwk):
        raise InvalidToken(Reason.KEY)
    kind = KEY_TYPES[algorithm]
    if jwk.get("kty") != kind.key_type or jwk.get("use", "sig") != "sig":
        raise InvalidToken(Reason.KEY)
    if VERIFIED_AS.get(str(jwk.get("alg", algorithm))) != algorithm:
        raise InvalidToken(Reason.KEY)
    public = public_members(jwk, algorithm)
    try:
        key = kind.import_key(dict(public))
        return key, key.thumbprint()
    except (JoseError, ValueError, TypeError):
        raise InvalidToken(Reason.KEY) from None


def _normal(uri: str) -> tuple[str, str | None, int | None, str]:
    parts = urlsplit(uri)
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address with credentials")
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme), parts.path
