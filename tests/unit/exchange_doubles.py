"""A hospital with a sign-in service of its own, and a police force with another: their keys, and ID tokens of theirs.

The keys are read from files, as a deployment that cannot reach a provider would have them.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from auth_doubles import ISSUER, SUBJECT, House, signed
from joserfc.jwk import ECKey, RSAKey

from auth.client import OrganisationSigner, generate_client_key
from auth.identity_file import read_identity_file
from auth.protocols import RegisteredClient

HOSPITALS = "https://sign-in.hospitals.example/realm"
POLICE = "https://sign-in.police.example"
POLICE_ORGANISATION = UUID("00000000-0000-4000-8000-00000000000c")
RSA, EC, FOREIGN = RSAKey.generate_key(2048), ECKey.generate_key("P-256"), RSAKey.generate_key(2048)
for _key in (RSA, EC, FOREIGN):
    _key.ensure_kid()
WRITTEN = f"""
[[provider]]
name = "hospitals"
issuer = "{HOSPITALS}"
jwks_file = "hospitals.json"
algorithms = ["RS256", "ES256"]
subject_claim = "staff_number"
sign_in_hours = 12
organisations = {{ hospital = ["records-system", "ward-system"], clinic = ["clinic-system"] }}
assurance = {{ claim = "acr", levels = {{ usual = "aal2", strong = "aal3" }} }}
roles = {{ claim = "roles", names = {{ "Ward nurse" = "nurse", Physician = "doctor" }} }}

[[provider]]
name = "police"
issuer = "{POLICE}"
jwks_file = "police.json"
algorithms = ["RS256"]
subject_claim = "sub"
also_assertions = true
organisations = {{ police = ["records-system"] }}
assurance = {{ claim = "amr", levels = {{ mfa = "aal2" }}, if_absent = "aal1" }}
"""
POLICE_KEY, POLICE_PUBLIC = generate_client_key()


def public(*keys: Any) -> str:
    return json.dumps({"keys": [{**key.as_dict(private=False), "use": "sig"} for key in keys]})


class VouchedHouse(House):
    """The house of ``auth_doubles`` with both providers, and with a police force beside its hospital."""

    def __init__(self, folder: Path, written: str = WRITTEN) -> None:
        (folder / "hospitals.json").write_text(public(RSA, EC))
        (folder / "police.json").write_text(public(FOREIGN))
        (folder / "identity.toml").write_text(written)
        super().__init__(read_identity_file(folder / "identity.toml", development=False).providers)
        self.register.clients["police-system"] = RegisteredClient(
            "police-system", POLICE_ORGANISATION, {"keys": [POLICE_PUBLIC]}, frozenset({"enquiry"}), True, "police"
        )
        self.police = OrganisationSigner("police-system", POLICE_KEY, ISSUER, clock=self.clock)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What an ID token in order says of the nurse; ``...`` leaves a claim out."""
        now = self.clock.seconds()
        claims = {
            "iss": HOSPITALS,
            "aud": "records-system",
            "azp": "records-system",
            "sub": "3f1c",
            "staff_number": SUBJECT,
            "acr": "usual",
            "roles": ["Ward nurse", "Fire warden"],
            "nonce": "of-the-system",
            "auth_time": now - 3600,
            "iat": now - 60,
            "exp": now + 3540,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not ...}

    def id_token(self, **changes: Any) -> str:
        return signed({"alg": "RS256", "typ": "JWT", "kid": RSA.kid}, self.claims(**changes), RSA.as_dict(private=True))

    def exchange_form(self, id_token: str | None = None, **changes: str) -> dict[str, str]:
        return {**self.signer.exchange_form(id_token or self.id_token(), "enquiry"), **changes}

    async def exchanged(self, id_token: str) -> tuple[int, dict[str, Any]]:
        return await self.ask(self.exchange_form(id_token))

    def refusal(self) -> Mapping[str, Any]:
        """The one refusal that was recorded."""
        (refusal,) = self.register.refusals
        assert refusal["kind"] == "token.refused"
        return refusal
