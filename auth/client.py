"""What an organisation's own system does to be believed: sign two assertions for a token, and prove its key each time.

Used by the command-line client, the demonstration and the benchmarks, and a worked example for whoever integrates in
another language. It signs and sends nothing, for use with any HTTP client; ``auth.sending`` does all of it for httpx2.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from auth.dpop import token_hash
from auth.protocols import Clock

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a kind of token
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
VALID_SECONDS = 60
_ALGORITHMS = {("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "Ed25519", ("RSA", None): "PS256"}


def generate_client_key() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a new P-256 key as two JWKs, private and public. The public one is what is enrolled; ``kid`` is its
    thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
    key.ensure_kid()
    return dict(key.as_dict(private=True)), dict(key.as_dict(private=False))


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


class ProofSigner:
    """Proves a key with each request (RFC 9449). The key is made here, lives as long as this object, and is enrolled
    nowhere: the token is bound to it when it is issued.

    ``nonce`` is the server's last one: whoever sends a request takes it from the DPoP-Nonce header of the answer.
    """

    def __init__(self, *, clock: Clock = utc_now) -> None:
        self._key = ECKey.generate_key("P-256", private=True)
        self._header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._key.as_dict(private=False)}
        self._clock = clock
        self.nonce: str | None = None

    @property
    def thumbprint(self) -> str:
        """The thumbprint of the key (RFC 7638)."""
        return self._key.thumbprint()

    def proof(self, method: str, url: str, token: str | None = None) -> str:
        """Return the DPoP header of one request; another one needs another.

        Args:
            method: of the request.
            url: its address; a query is left out of the proof.
            token: the access token that is sent with it; None at the token endpoint.
        """
        claims: dict[str, Any] = {
            "jti": str(uuid4()),
            "htm": method,
            "htu": url.partition("?")[0].partition("#")[0],
            "iat": int(self._clock().timestamp()),
        }
        if token is not None:
            claims["ath"] = token_hash(token)
        if self.nonce is not None:
            claims["nonce"] = self.nonce
        return jwt.encode(self._header, claims, self._key, algorithms=["ES256"])


class OrganisationSigner:
    """Signs for one client. Every assertion has a ``jti`` of its own: each is accepted once, and for one part only.

    Args:
        client_id: as enrolled.
        private_jwk: an EC P-256, Ed25519 or RSA (2048 bits or more) private key with the ``kid`` of its enrolled half;
            its ``x5t#S256``, if it has one, is named as well, for who knows keys by their certificate (Entra ID).
        audience: the issuer identifier of the service: its base URL, without a trailing slash.
        clock: the time, aware and in UTC.

    ``proofs`` proves the key that the tokens of this signer are bound to. ``token_endpoint`` is where they are issued
    by the metadata of the issuer (RFC 8414), which whoever sends the first request for one reads.

    Raises:
        ValueError: the key is of another kind, has no ``kid`` or is not private.
    """

    def __init__(
        self, client_id: str, private_jwk: Mapping[str, Any], audience: str, *, clock: Clock = utc_now
    ) -> None:
        algorithm = _ALGORITHMS.get((str(private_jwk.get("kty")), private_jwk.get("crv")))
        try:
            key = import_key(dict(private_jwk)) if algorithm else None
        except (JoseError, ValueError, TypeError):
            key = None
        if algorithm is None or not isinstance(key, ECKey | OKPKey | RSAKey) or not key.is_private or not key.kid:
            raise ValueError("a private EC P-256, Ed25519 or RSA key with a kid is needed")
        self._client_id = client_id
        self._key = key
        self._header = {"alg": algorithm, "typ": "JWT", "kid": key.kid}
        if "x5t#S256" in private_jwk:
            self._header["x5t#S256"] = str(private_jwk["x5t#S256"])
        self._audience = audience
        self._clock = clock
        self.proofs = ProofSigner(clock=clock)
        self.token_endpoint: str | None = None

    def client_assertion(self) -> str:
        """Return an assertion that this is the client's system (RFC 7523 section 2.2)."""
        return self._sign(self._client_id)

    def professional_assertion(self, subject: str) -> str:
        """Return an assertion that a professional is asking (RFC 7523 section 2.1).

        Args:
            subject: the organisation's own identifier of the professional, as enrolled.
        """
        return self._sign(subject)

    def token_form(self, subject: str, scope: str) -> dict[str, str]:
        """Return the parameters of one token request, to be sent as a form in the body.

        Args:
            subject: as for ``professional_assertion``.
            scope: one or more of ``enquiry``, ``transfer`` and ``casework``, separated by spaces.
        """
        return {
            "grant_type": GRANT_TYPE,
            "assertion": self.professional_assertion(subject),
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.client_assertion(),
            "scope": scope,
        }

    def exchange_form(self, id_token: str, scope: str) -> dict[str, str]:
        """Return the parameters of one token request by which an ID token is exchanged (RFC 8693 section 2.1).

        Args:
            id_token: of the organisation's own sign-in service, issued to one of its systems.
            scope: as for ``token_form``.
        """
        return {
            "grant_type": EXCHANGE,
            "subject_token": id_token,
            "subject_token_type": ID_TOKEN,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.client_assertion(),
            "scope": scope,
        }

    def _sign(self, subject: str) -> str:
        now = int(self._clock().timestamp())
        claims = {
            "iss": self._client_id,
            "sub": subject,
            "aud": self._audience,
            "jti": str(uuid4()),
            "iat": now,
            "exp": now + VALID_SECONDS,
        }
        return jwt.encode(self._header, claims, self._key, algorithms=[self._header["alg"]])
