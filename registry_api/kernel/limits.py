"""How often a caller may call: slowapi's decorators, counting for all workers together (``kernel.shared_window``).

Routes are limited by the organisation, the professional or the network address::

    @router.post("/enquiries")
    @limits.by_organisation
    @limits.by_professional  # counted first: who is refused here takes nothing from colleagues
    async def make_enquiry(request: Request, …) -> …

A refusal is slowapi's ``RateLimitExceeded``, with ``retry_after`` for its header; a count that cannot be kept is
StoreUnavailable, never an open door. The counters belong to the application that serves the request: whoever makes
the application puts a ``Limits`` into ``app.state.limits``, awaits ``limits.storage.synchronise`` before it serves,
keeps ``synchronise_forever`` running beside it, and has ``require_on_every_route`` look at what it is about to serve.
"""

import hmac
import inspect
import ipaddress
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Literal, TypeVar, cast

from fastapi.routing import iter_route_contexts
from limits.strategies import FixedWindowRateLimiter
from slowapi import Limiter
from starlette.requests import Request
from starlette.routing import BaseRoute

from policies.enquirer import Enquirer
from registry_api.kernel.settings import Settings
from registry_api.kernel.shared_window import SharedWindowStorage
from registry_api.kernel.windows import WindowStorage

Kind = Literal["organisation", "professional", "address", "worker"]
Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
_Value = TypeVar("_Value")
_MARK = "limited_by"


class UnlimitedRoute(RuntimeError):
    """A route of the application carries no limit. The message names it."""


class Limits:
    """The limits of one application and the counters it shares with every other worker of the same register."""

    def __init__(self, settings: Settings, secret: bytes, storage: SharedWindowStorage | None = None) -> None:
        """Limit as ``settings`` say; ``secret`` (the same for all workers) makes the keys of callers unreadable."""
        self.amounts: dict[Kind, str] = {
            "organisation": f"{settings.enquiries_per_minute_organisation}/minute",
            "professional": f"{settings.enquiries_per_minute_professional}/minute",
            "address": f"{settings.requests_per_minute_address}/minute",
            "worker": f"{settings.health_checks_per_minute_address}/minute",
        }
        self.failures = settings.failed_authentications_per_minute_address
        self.storage = storage or SharedWindowStorage()
        self.strategy = FixedWindowRateLimiter(self.storage)
        self.own_strategy = FixedWindowRateLimiter(WindowStorage(now=self.storage.now))
        self._secret = hmac.digest(secret, b"rate-limit keys", "sha256")

    def key(self, kind: Kind, identity: bytes) -> str:
        """Return the pseudonym under which a caller is counted and logged: 128 bits in hexadecimal, never empty."""
        return hmac.digest(self._secret, kind.encode() + b"|" + identity, "sha256")[:16].hex()


_limits: ContextVar[Limits] = ContextVar("limits")
"""Those of the application that serves the present request."""


class RouteLimiter(Limiter):
    """slowapi's limiter, deaf to the environment and counting for whichever application serves the request.

    By itself slowapi reads ``RATELIMIT_…`` variables and a ``.env`` file, which could switch it off, make it swallow
    errors or fall back to a count of its own.
    """

    def __init__(self, *, shared: bool = True) -> None:
        """Have no limits but those at the routes. ``shared``: counted with the other workers, and closed without."""
        super().__init__(key_func=_address, key_style="endpoint", swallow_errors=False)
        self._shared = shared

    def get_app_config(self, key: str, default_value: _Value = None) -> _Value:  # type: ignore[assignment]
        """Return the default, whatever the environment says."""
        return default_value

    @property
    def limiter(self) -> FixedWindowRateLimiter:
        """The counters of the application that serves the present request."""
        return _limits.get().strategy if self._shared else _limits.get().own_strategy

    def _check_request_limit(
        self, request: Request, endpoint_func: Callable[..., Any] | None, in_middleware: bool = True
    ) -> None:
        _limits.set(request.app.state.limits)
        request.state.counted_in = self.limiter.storage
        super()._check_request_limit(request, endpoint_func, in_middleware)

    def by_organisation(self, endpoint: Endpoint) -> Endpoint:
        """Limit an endpoint to ``enquiries_per_minute_organisation`` calls by the enquirer's organisation."""
        return self._by("organisation", _organisation, endpoint)

    def by_professional(self, endpoint: Endpoint) -> Endpoint:
        """Limit an endpoint to ``enquiries_per_minute_professional`` calls by the individual professional."""
        return self._by("professional", _professional, endpoint)

    def by_address(self, endpoint: Endpoint) -> Endpoint:
        """Limit an endpoint to ``requests_per_minute_address`` calls from one network address."""
        return self._by("address", _address, endpoint)

    def by_worker(self, endpoint: Endpoint) -> Endpoint:
        """Limit an endpoint to ``health_checks_per_minute_address`` calls from one network address."""
        return self._by("worker", _address, endpoint)

    def _by(self, kind: Kind, key: Callable[[Request], str], endpoint: Endpoint) -> Endpoint:
        def amount() -> str:
            return _limits.get().amounts[kind]

        for asked in (amount, key):  # slowapi inspects both on every call; a signature at hand saves 20 µs
            vars(asked)["__signature__"] = inspect.signature(asked)
        limited = self.limit(amount, key_func=key)(endpoint)
        setattr(limited, _MARK, limits_of(endpoint) | {kind})
        return cast(Endpoint, limited)


def limits_of(endpoint: Callable[..., Any]) -> frozenset[Kind]:
    """Return what an endpoint is limited by, for guards over all routes."""
    return frozenset(getattr(endpoint, _MARK, ()))


def require_on_every_route(routes: Sequence[BaseRoute]) -> None:
    """Look at every route, those of included routers too: what slowapi's own defaults for all routes do not see.

    Raises UnlimitedRoute when one carries no limit, or is of a kind that cannot carry any: a mounted application.
    """
    for route in iter_route_contexts(routes):
        if route.endpoint is None or not limits_of(route.endpoint):
            raise UnlimitedRoute(f"{route.path} has no limit: put one between the route and its function")


def retry_after(request: Request) -> int:
    """Return the seconds after which a request that met RateLimitExceeded may come again (RFC 9110 §10.2.3)."""
    counted_in: WindowStorage = request.state.counted_in
    item, identifiers = request.state.view_rate_limit
    return counted_in.seconds_left(item.key_for(*identifiers))


def _enquirer(request: Request) -> Enquirer:
    enquirer = getattr(request.state, "enquirer", None)
    if not isinstance(enquirer, Enquirer):  # slowapi would skip a limit whose key is empty
        raise RuntimeError("a route that is limited by enquirer must put the enquirer into request.state")
    return enquirer


def _organisation(request: Request) -> str:
    return _limits.get().key("organisation", _enquirer(request).organisation_id.bytes)


def _professional(request: Request) -> str:
    return _limits.get().key("professional", _enquirer(request).professional_id.bytes)


def _address(request: Request) -> str:
    """Callers without an address (a socket in the file system) share one count."""
    return _limits.get().key("address", network_of(request.client.host if request.client else "").encode())


def network_of(host: str) -> str:
    """Return what stands for the caller at ``host``: of an IPv6 address its /64, within which it can choose at will."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped:  # how a socket open to both families shows IPv4; one /64 would hold them all
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))


limiter = RouteLimiter()
by_organisation = limiter.by_organisation
by_professional = limiter.by_professional
by_address = limiter.by_address
by_worker = RouteLimiter(shared=False).by_worker
"""For questions after this worker's health: counted by it alone, for it has to say that it lives when no count can be
shared."""
