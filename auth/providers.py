"""The sign-in services of other organisations, as the deployment is told of them: whom each may name, and how surely.

A provider is a table ``[[provider]]`` of the identity file (``auth.identity_file``; docs/identity-providers.md has
examples). Promises: what comes out can be used without a further look. An address that is not https, an algorithm
with a shared secret or none, an organisation with two providers, or a relying party of two organisations is an error
that names the key.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from policies.enquirer import Assurance, Role
from policies.written import FileInvalid, Table, Text

Algorithm = Literal["RS256", "PS256", "ES256", "EdDSA"]
"""RS256, which callers of ours may not use, is all that many providers offer (OpenID Connect Core section 15.1)."""
Level = Literal["aal1", "aal2", "aal3"]
_Texts = Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]


class IdentityInvalid(FileInvalid):
    """The identity file cannot be used."""


class AssuranceTable(Table, frozen=True):
    """How the provider says by what means somebody signed in.

    ``claim`` holds a text or a list of texts, of which the highest that ``levels`` knows counts. ``if_absent`` is for a
    provider that does not say, but is known to ask for as much; without it, who comes without the claim is refused.
    """

    claim: Text
    levels: Annotated[dict[Text, Level], msgspec.Meta(min_length=1)]
    if_absent: Level | None = None

    def of(self, claims: Mapping[str, Any]) -> Assurance | None:
        """Return how surely verified ``claims`` name somebody; None where they say nothing that is known here."""
        if self.claim not in claims:
            return _level(self.if_absent) if self.if_absent else None
        said = [self.levels[value] for value in _texts(claims, self) if value in self.levels]
        return max(map(_level, said), default=None)


class RolesTable(Table, frozen=True):
    """How the provider says what somebody is: ``claim`` holds a text or a list of texts, which ``names`` turns into
    roles of ours. The role with which somebody is enrolled must be among them."""

    claim: Text
    names: Annotated[dict[Text, Role], msgspec.Meta(min_length=1)]


class ProviderTable(Table, frozen=True):
    """A table ``[[provider]]`` as it is written."""

    name: Text
    issuer: Text
    algorithms: Annotated[tuple[Algorithm, ...], msgspec.Meta(min_length=1)]
    subject_claim: Text
    """The claim by whose value the organisation's professionals are enrolled."""
    organisations: Annotated[dict[Text, _Texts], msgspec.Meta(min_length=1)]
    """Codes of the directory, each with what the provider calls the organisation's systems (``client_id``)."""
    assurance: AssuranceTable
    jwks_uri: Text | None = None
    jwks_file: Text | None = None
    """Instead of an address. A path, from the folder of the identity file."""
    ca_file: Text | None = None
    """The certificates of whoever vouches for the address, where that is nobody whom the machine trusts."""
    roles: RolesTable | None = None
    token_minutes: Annotated[int, msgspec.Meta(ge=1, le=60)] = 10
    sign_in_hours: Annotated[int, msgspec.Meta(ge=1, le=24)] | None = None
    also_assertions: bool = False


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where a provider's public keys are: an address, fetched from nowhere else, or a file.

    ``ca_file`` replaces the certificates that the machine trusts; ``proxy`` is the way out, if there is but one.
    """

    address: str | Path
    ca_file: Path | None = None
    proxy: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """A sign-in service outside that vouches for the professionals of some organisations.

    ``relying_parties``: by an organisation's code, the names of its systems there; an ID token is for one of them.
    ``token_age`` is how old an ID token may be, and ``sign_in_age`` how long ago its subject may have signed in (None:
    as long as they like). ``also_assertions``: an organisation's own assertion is accepted as well.
    """

    name: str
    issuer: str
    keys: KeySource
    algorithms: frozenset[str]
    relying_parties: Mapping[str, frozenset[str]]
    subject_claim: str
    assurance: AssuranceTable
    roles: RolesTable | None
    token_age: timedelta
    sign_in_age: timedelta | None
    also_assertions: bool

    def assurance_of(self, claims: Mapping[str, Any]) -> Assurance | None:
        """Return how surely verified ``claims`` name somebody; None where they say nothing that is known here."""
        return self.assurance.of(claims)

    def allows_role(self, claims: Mapping[str, Any], role: Role) -> bool:
        """Return whether verified ``claims`` bear out a role, where the provider is asked to."""
        if self.roles is None:
            return True
        return role in {self.roles.names.get(value) for value in _texts(claims, self.roles)}


def _level(name: Level) -> Assurance:
    return Assurance[name.upper()]


def _texts(claims: Mapping[str, Any], table: AssuranceTable | RolesTable) -> list[str]:
    value = claims.get(table.claim)
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def providers_of(
    tables: Iterable[ProviderTable], *, folder: Path, proxy: str | None, development: bool
) -> Mapping[str, Provider]:
    """Return the providers by the codes of the organisations whose professionals they name; no organisation has two, so
    that what they call a person cannot mean two people.

    Args:
        tables: as written.
        folder: where relative paths begin.
        proxy: the way out.
        development: allow addresses of this machine without TLS.

    Raises:
        IdentityInvalid: see the module.
    """
    providers: dict[str, Provider] = {}
    names: set[str] = set()
    taken: set[tuple[str, str]] = set()
    for number, table in enumerate(tables):
        path = f"provider[{number}]"
        if table.name in names:
            raise IdentityInvalid(f"{path}.name", "the same name twice")
        names.add(table.name)
        provider = _provider(table, path, folder, proxy, development)
        for code, parties in provider.relying_parties.items():
            if code in providers:
                raise IdentityInvalid(f"{path}.organisations.{code}", "an organisation has one provider")
            if not taken.isdisjoint((provider.issuer, party) for party in parties):
                # A token that one organisation obtained could name somebody of the other's.
                raise IdentityInvalid(f"{path}.organisations.{code}", "a relying party is of one organisation")
            taken.update((provider.issuer, party) for party in parties)
            providers[code] = provider
    return MappingProxyType(providers)


def _provider(table: ProviderTable, path: str, folder: Path, proxy: str | None, development: bool) -> Provider:
    check_address(table.issuer, f"{path}.issuer", development=development)
    if (table.jwks_uri is None) is (table.jwks_file is None):
        raise IdentityInvalid(f"{path}.jwks_uri", "either an address or a file of keys")
    address: str | Path
    if table.jwks_uri is not None:
        address = check_address(table.jwks_uri, f"{path}.jwks_uri", development=development)
    else:
        address = existing_file(folder, table.jwks_file or "", f"{path}.jwks_file")
    ca_file = existing_file(folder, table.ca_file, f"{path}.ca_file") if table.ca_file is not None else None
    return Provider(
        name=table.name,
        issuer=table.issuer,
        keys=KeySource(address, ca_file, proxy),
        algorithms=frozenset(table.algorithms),
        relying_parties=MappingProxyType({code: frozenset(names) for code, names in table.organisations.items()}),
        subject_claim=table.subject_claim,
        assurance=table.assurance,
        roles=table.roles,
        token_age=timedelta(minutes=table.token_minutes),
        sign_in_age=timedelta(hours=table.sign_in_hours) if table.sign_in_hours is not None else None,
        also_assertions=table.also_assertions,
    )


def check_address(address: str, path: str, *, development: bool) -> str:
    """Return an address that is https, or in development http on this very machine.

    Raises:
        IdentityInvalid: it is not, or carries a password, a query or a fragment. ``path`` is the key that it stands at.
    """
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port  # a port that is no number raises here
    except ValueError:
        raise IdentityInvalid(path, "not an address") from None
    if not address.isascii() or not address.isprintable() or " " in address or not host:
        raise IdentityInvalid(path, "not an address")
    if "@" in parts.netloc or "?" in address or "#" in address:
        raise IdentityInvalid(path, "an address without a name, a query or a fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and development and _is_here(host)):
        raise IdentityInvalid(path, "an address begins with https://")
    return address


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def existing_file(folder: Path, written: str, path: str) -> Path:
    """Return a file that is there, by its path from ``folder``. Raises IdentityInvalid, with the key ``path``."""
    file = folder / written
    if not file.is_file():
        raise IdentityInvalid(path, "there is no such file")
    return file
