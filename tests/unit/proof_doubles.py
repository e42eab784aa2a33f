"""A DPoP proof that is in order, made anew with whatever a test wants different, and the house that judges it."""

import json
from collections.abc import Mapping
from typing import Any

from auth_doubles import ISSUER, Clock, House, b64, signed
from joserfc.jwk import ECKey, OKPKey, RSAKey

from auth.binding import Binding
from auth.dpop import token_hash
from auth.nonces import Nonces
from auth.possession import Shown

HOUSE = House()
NOW = HOUSE.clock.seconds()
TOKEN = "header.claims.signature"
PATH = "/api/v1/enquiries"
EC = ECKey.generate_key("P-256")
RSA, ED = RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519")
P384, ED448, SECP = ECKey.generate_key("P-384"), OKPKey.generate_key("Ed448"), ECKey.generate_key("secp256k1")
BINDING = Binding("jkt", EC.thumbprint())
CLAIMS: dict[str, Any] = {
    "jti": "one",
    "htm": "POST",
    "htu": ISSUER + PATH,
    "iat": NOW,
    "ath": token_hash(TOKEN),
    "nonce": HOUSE.services.possession.nonces.fresh(),
}


def public(key: Any) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


HEADER = {"alg": "ES256", "typ": "dpop+jwt", "jwk": public(EC)}


def proof(header: Mapping[str, Any] | None = None, key: Any = EC, **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not ...}
    return signed({**HEADER, **(header or {})}, claims, key.as_dict(private=True))


def without(name: str) -> str:
    header = {kept: value for kept, value in HEADER.items() if kept != name}
    return f"{b64(json.dumps(header))}.{b64(json.dumps(CLAIMS))}.{b64(bytes(64))}"


def named(**header: Any) -> str:
    """A proof whose header says something else than what it is signed by."""
    return ".".join((b64(json.dumps({**HEADER, **header})), *proof().split(".")[1:]))


def with_jwk(**members: Any) -> str:
    return proof({"jwk": {**public(EC), **members}})


def nonce_of(key: bytes, seconds: int) -> str:
    clock = Clock()
    clock.forward(seconds)
    return Nonces(key, clock).fresh()


def check(*headers: str, method: str = "POST", path: str = PATH, binding: Binding = BINDING) -> Any:
    return HOUSE.services.possession.check(Shown(method, path, headers), TOKEN, "dpop", binding)
