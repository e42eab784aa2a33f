"""The provider at which the authority's staff sign in, as the deployment is told of it; nothing comes from discovery.

It is the table ``[sign_in]`` of the identity file (``auth.identity_file``; docs/sign-in.md has an example). A secret
stands in a file of its own, which that one names.
"""

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from auth.client import OrganisationSigner
from auth.identity_file import Identity
from auth.providers import Algorithm, AssuranceTable, IdentityInvalid, check_address, existing_file
from policies.written import Table, Text, read_table

CALLBACK = "/sign-in/callback"
_RESERVED = frozenset({
    "response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method",
    "max_age", "prompt", "request", "request_uri", "response_mode",
})  # fmt: skip
"""Parameters of a request that the file may not set."""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A shared secret, sent in the body or (``basic``) in the Authorization header (RFC 6749 section 2.3.1)."""

    secret: str = field(repr=False)
    basic: bool = False


@dataclass(frozen=True, slots=True)
class ClientKey:
    """A key of ours (private_key_jwt). ``at_token_endpoint``: assertions are addressed to that, not to the issuer."""

    private_jwk: Mapping[str, Any] = field(repr=False)
    at_token_endpoint: bool = False


@dataclass(frozen=True, slots=True)
class SignInProvider:
    """The provider at which staff sign in, and who we are to it.

    Args:
        issuer: its identifier; its metadata is fetched from below it, and must name just this.
        client_id: what it calls us.
        authentication: how we prove it.
        algorithms: the signatures of ID tokens that are believed, whatever discovery says.
        assurance: how it says by what means somebody signed in.
        scope: what is asked for; ``openid`` is in it.
        staff_claim: the claim by whose value the authority's staff are enrolled.
        max_age: how long ago a person may have signed in at the provider; None leaves that to the provider.
        step_up: further parameters of the request with which a person proves themselves anew (``acr_values``,
            ``claims``).
        untyped_logout: its logout tokens do not say in their header that they are (``typ``).
        ca_file: replaces the certificates that the machine trusts.
        proxy: the way out, if there is but one.
        development: its addresses may be of this machine and without TLS.
    """

    issuer: str
    client_id: str
    authentication: ClientSecret | ClientKey
    algorithms: frozenset[str]
    assurance: AssuranceTable
    scope: str = "openid"
    staff_claim: str = "sub"
    max_age: timedelta | None = None
    step_up: Mapping[str, str] = field(default_factory=dict)
    untyped_logout: bool = False
    ca_file: Path | None = None
    proxy: str | None = None
    development: bool = False


def signer_of(provider: SignInProvider, key: ClientKey, audience: str, **options: Any) -> OrganisationSigner:
    """Return what signs our assertions to the provider. Raises ValueError for a key of another kind."""
    return OrganisationSigner(provider.client_id, key.private_jwk, audience, **options)


class SignInTable(Table, frozen=True):
    """The table ``[sign_in]`` as it is written."""

    issuer: Text
    client_id: Text
    authentication: Literal["private_key_jwt", "client_secret_basic", "client_secret_post"]
    credential_file: Text
    """Our private key (a JWK), or the secret and nothing else. A path, from the folder of the identity file."""
    algorithms: Annotated[tuple[Algorithm, ...], msgspec.Meta(min_length=1)]
    staff_claim: Text
    """The claim by whose value staff are enrolled (``subject`` of the directory)."""
    assurance: AssuranceTable
    scope: Text = "openid"
    sign_in_hours: Annotated[int, msgspec.Meta(ge=1, le=24)] | None = None
    step_up: dict[Text, Text] = {}  # noqa: RUF012 - msgspec copies it
    assertions_at_token_endpoint: bool = False
    untyped_logout: bool = False
    ca_file: Text | None = None


def sign_in_provider(identity: Identity, *, development: bool) -> SignInProvider | None:
    """Return the provider of the identity file, None where it names none.

    Raises:
        IdentityInvalid: a key is missing, unknown or makes no sense, or a file is not there or open to others.
    """
    if identity.sign_in is None:
        return None
    table = read_table(identity.sign_in, SignInTable, "sign_in", IdentityInvalid)
    check_address(table.issuer, "sign_in.issuer", development=development)
    if "openid" not in table.scope.split():
        raise IdentityInvalid("sign_in.scope", "openid must be among them")
    if reserved := _RESERVED & table.step_up.keys():
        raise IdentityInvalid(f"sign_in.step_up.{min(reserved)}", "it is not for the file to set")
    ca_file = existing_file(identity.folder, table.ca_file, "sign_in.ca_file") if table.ca_file is not None else None
    provider = SignInProvider(
        issuer=table.issuer,
        client_id=table.client_id,
        authentication=_authentication(table, identity.folder),
        algorithms=frozenset(table.algorithms),
        assurance=table.assurance,
        scope=table.scope,
        staff_claim=table.staff_claim,
        max_age=timedelta(hours=table.sign_in_hours) if table.sign_in_hours is not None else None,
        step_up=table.step_up,
        untyped_logout=table.untyped_logout,
        ca_file=ca_file,
        proxy=identity.proxy,
        development=development,
    )
    if isinstance(provider.authentication, ClientKey):
        try:
            signer_of(provider, provider.authentication, provider.issuer)
        except ValueError as error:
            raise IdentityInvalid("sign_in.credential_file", str(error)) from None
    return provider


def _authentication(table: SignInTable, folder: Path) -> ClientSecret | ClientKey:
    path = "sign_in.credential_file"
    file = existing_file(folder, table.credential_file, path)
    if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise IdentityInvalid(path, "the file must be readable by its owner alone (mode 0600)")
    content = file.read_text("utf-8").strip()
    if table.authentication != "private_key_jwt":
        if not content:
            raise IdentityInvalid(path, "the file is empty")
        return ClientSecret(content, basic=table.authentication == "client_secret_basic")
    try:
        jwk = json.loads(content)
    except ValueError:
        jwk = None
    if not isinstance(jwk, dict):
        raise IdentityInvalid(path, "the file is no JWK")
    return ClientKey(jwk, at_token_endpoint=table.assertions_at_token_endpoint)
