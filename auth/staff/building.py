"""How sign-in is put together for one process: with the provider of the identity file, or in development our own.

Production without a provider in the identity file has no sign-in, no sessions and none of their routes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta, tzinfo
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from fastapi import FastAPI

from auth.api import Endpoint
from auth.errors import InsecureEnvironment
from auth.identity_file import Identity
from auth.key_file import KeyFile
from auth.protocols import Clock, RefusalRecord, SpentAssertions
from auth.staff import api, development
from auth.staff.configuration import CALLBACK, SignInProvider, sign_in_provider
from auth.staff.protocols import SessionStore
from auth.staff.provider import OpenIdProvider
from auth.staff.sessions import Sessions
from auth.staff.sign_in import SignIn


class StaffStore(SessionStore, Protocol):
    """Attempts, sessions and, for the development provider, those who may sign in."""

    async def enrolled_staff(self) -> Sequence[tuple[str, str]]:
        """Return name and role of each of the authority's own who may sign in."""
        ...


@dataclass(frozen=True, slots=True)
class StaffSettings:
    """What the deployment says.

    ``host``: where the service listens. ``idle``, ``longest`` and ``stepped_up``: of sessions. ``zone``: in which
    times are shown.
    """

    base_url: str
    host: str
    development: bool
    idle: timedelta
    longest: timedelta
    stepped_up: timedelta
    development_keys_file: Path
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Staff:
    """Sign-in and sessions of one process, with the development provider where that is the one."""

    services: api.StaffServices
    development: development.DevelopmentProvider | None

    @property
    def sessions(self) -> Sessions:
        """What verifies sessions."""
        return self.services.sessions

    @property
    def sign_in(self) -> SignIn:
        """What begins them."""
        return self.services.sign_in

    def configure(self, app: FastAPI, *, limited: Callable[[Endpoint], Endpoint]) -> None:
        """Give the application its routes; ``limited`` is applied to every one."""
        api.configure(app, self.services, limited=limited)
        if self.development is not None:
            development.configure(app, self.development, limited=limited)


def build_staff(
    settings: StaffSettings,
    identity: Identity,
    *,
    store: StaffStore,
    spent: SpentAssertions,
    refusals: RefusalRecord,
    csrf_key: bytes,
    development_secret: bytes,
    clock: Clock,
) -> Staff | None:
    """Return sign-in as the identity file has it; None where there is none.

    Raises:
        IdentityInvalid: the table of the file makes no sense.
        InsecureEnvironment: a provider that believes anybody would stand where others than its developer reach it, or
            people would sign in over a connection that others can read.
    """
    chosen, own, transport = check_staff(settings, identity), None, None
    if chosen is None:
        if not settings.development:
            return None
        own = development.provider_for(
            settings.base_url,
            development_secret,
            KeyFile(settings.development_keys_file, clock)().keys[-1],
            store.enrolled_staff,
            spent,
            clock,
            development=settings.development,
        )
        chosen, transport = own.settings, own.transport()
    provider = OpenIdProvider(chosen, settings.base_url + CALLBACK, clock, transport)
    sessions = Sessions(store, csrf_key, settings.base_url, clock, idle=settings.idle, stepped_up=settings.stepped_up)
    sign_in = SignIn(provider, store, refusals, clock, longest=settings.longest)
    return Staff(api.StaffServices(sign_in, sessions, settings.base_url, settings.zone), own)


def check_staff(settings: StaffSettings, identity: Identity) -> SignInProvider | None:
    """Return the provider of the identity file, if there is one, once sign-in could be built as it is configured.

    Raises:
        IdentityInvalid, InsecureEnvironment: as ``build_staff``.
    """
    chosen = sign_in_provider(identity, development=settings.development)
    own_address = urlsplit(settings.base_url)
    if settings.development:
        if chosen is None and not _is_here(settings.host):
            raise InsecureEnvironment("in development the service listens to this machine alone (REGISTRY_HOST)")
        if chosen is None and not _is_of_nobody_else(own_address.hostname or ""):
            # Whoever it is that passes requests on from there, they would let anybody in.
            raise InsecureEnvironment("in development the service is at an address of this machine (REGISTRY_BASE_URL)")
    elif chosen is not None and own_address.scheme != "https":
        raise InsecureEnvironment("people sign in over TLS alone: the address of the service begins with https://")
    return chosen


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_of_nobody_else(host: str) -> bool:
    """Return whether a name leads to this machine, or is one that the internet has not (RFC 6761)."""
    return _is_here(host) or host.endswith((".localhost", ".test"))
