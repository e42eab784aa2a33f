"""A token that is good and the key it is bound to, taken apart so that either can be made anew as an attacker would."""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from builders import BASE_URL, World
from joserfc.jwk import ECKey
from jws_by_hand import b64, decoded, signed

from auth.client import ProofSigner
from auth.dpop import token_hash
from auth.key_file import load

URL = "/api/v1/notifications"


@dataclass
class Scene:
    """A token of a key worker and the key that it is bound to, taken apart so that either can be made anew."""

    world: World
    token: str
    key: Any
    server: Mapping[str, Any]

    @classmethod
    async def of(cls, world: World) -> "Scene":
        key = ECKey.generate_key("P-256")
        proofs = ProofSigner(clock=world.clock)
        proofs._key, proofs._header["jwk"] = key, key.as_dict(private=False)
        answer = await world.request_token(world.signers["authority-system"].token_form("kw-1", "casework"), proofs)
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        keys = [one.key for one in load(world.settings.signing_keys_file)[1].keys]
        server = next(one for one in keys if one.kid == decoded(token, 0)["kid"])
        return cls(world, token, key, server.as_dict(private=True))

    @property
    def header(self) -> dict[str, Any]:
        return decoded(self.token, 0)

    @property
    def claims(self) -> dict[str, Any]:
        return decoded(self.token, 1)

    @property
    def now(self) -> int:
        return int(self.world.clock().timestamp())

    def resigned(self, header: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """The token with other claims or another header, signed by the server's own key: only it could have."""
        made = {name: value for name, value in {**self.header, **(header or {})}.items() if value is not ...}
        claims = {name: value for name, value in {**self.claims, **changes}.items() if value is not ...}
        return signed(made, claims, self.server)

    def relabelled(self, signature: str = "", **header: Any) -> str:
        """The token under another header, with a signature that is over something else."""
        _, claims, old = self.token.split(".")
        return f"{b64(json.dumps({**self.header, **header}))}.{claims}.{signature or old}"

    def forged(self, key: Any, **header: Any) -> str:
        """The claims as they are, signed by somebody else."""
        return signed({**self.header, **header}, self.claims, key.as_dict(private=True))

    def with_secret(self, algorithm: str, secret: bytes) -> str:
        text = f"{b64(json.dumps({**self.header, 'alg': algorithm}))}.{self.token.split('.')[1]}"
        return f"{text}.{b64(hmac.digest(secret, text.encode(), algorithm.replace('HS', 'sha')))}"

    def proof(self, token: str, header: Mapping[str, Any] | None = None, key: Any = None, **changes: Any) -> str:
        """A proof that is in order for a token, but for what is changed."""
        key = key or self.key
        claims = {
            "jti": str(uuid4()),
            "htm": "GET",
            "htu": BASE_URL + URL,
            "iat": self.now,
            "ath": token_hash(token),
            "nonce": self.world.app.state.auth.possession.nonces.fresh(),
            **changes,
        }
        made = {"alg": "ES256", "typ": "dpop+jwt", "jwk": key.as_dict(private=False), **(header or {})}
        kept = {name: value for name, value in claims.items() if value is not ...}
        return signed(
            {name: value for name, value in made.items() if value is not ...}, kept, key.as_dict(private=True)
        )

    def sent(self, token: str | None = None) -> list[tuple[str, str]]:
        """The headers with which a token is sent in order."""
        token = self.token if token is None else token
        return [("Authorization", f"DPoP {token}"), ("DPoP", self.proof(token))]

    def named(self, token: str, **header: Any) -> str:
        """A proof whose header says something else than what it is signed by."""
        whole, claims, signature = self.proof(token).split(".")
        said = {**decoded(f"{whole}.{claims}.{signature}", 0), **header}
        return f"{b64(json.dumps(said))}.{claims}.{signature}"

    @property
    def public_json(self) -> bytes:
        keys = load(self.world.settings.signing_keys_file)[1].keys
        return json.dumps(keys[0].public()).encode()

    @property
    def public_pem(self) -> bytes:
        return ECKey.import_key(dict(self.server)).as_pem(private=False)

    def with_more_scope(self) -> str:
        """The token with more in its claims than was signed."""
        header, _, signature = self.token.split(".")
        return f"{header}.{b64(json.dumps({**self.claims, 'scope': 'casework enquiry'}))}.{signature}"
