"""One organisation, one nurse, and everything that authentication needs stored, in memory, under a clock that is set.

For the tests of ``auth``. The stores keep what they promise (a spent assertion is spent atomically), and any of them
can be told to fail.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from jws_by_hand import b64, decoded, signed  # noqa: F401 - for the tests beside it

from auth.api import build_services, configure
from auth.binding import Binding
from auth.client import OrganisationSigner, generate_client_key
from auth.dependencies import AuthServices, CurrentEnquirer, require_scope
from auth.dpop import challenge
from auth.errors import InsufficientScope, NotAuthenticated, RefusalNotRecorded
from auth.exchange import Exchange
from auth.keys import KeySource, SigningKeys
from auth.possession import Shown
from auth.protocols import Presented, RegisteredClient, RegisteredProfessional, Spending, UsedProof
from auth.providers import Provider
from policies.enquirer import Enquirer, Role

ISSUER = "http://127.0.0.1:8000"
AUDIENCE = "urn:example:register"
HOSPITAL = "hospital-system"
SUBJECT = "staff-0017"
ORGANISATION = UUID("00000000-0000-4000-8000-00000000000a")
NURSE = UUID("00000000-0000-4000-8000-00000000000b")
KEYS = SigningKeys.generate()
KEY, KID = KEYS.keys[0].key, KEYS.keys[0].kid
CERTIFICATE_HEADER = "client-cert"
NONCE_KEY = bytes(range(32))
HOSPITAL_KEY, HOSPITAL_PUBLIC = generate_client_key()


def always(keys: SigningKeys) -> KeySource:
    """Where the keys are had from that never change."""

    def kept(*, again: bool = False) -> SigningKeys:
        return keys

    return kept


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2031, 5, 6, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def seconds(self) -> int:
        return int(self.now.timestamp())


def nurse() -> Enquirer:
    return Enquirer(
        client_id=HOSPITAL,
        client_suspended=False,
        organisation_id=ORGANISATION,
        organisation_suspended=False,
        own_authority=False,
        professional_id=NURSE,
        professional_suspended=False,
        role=Role.NURSE,
        agreements=(),
        scope=frozenset({"enquiry", "transfer"}),
    )


@dataclass
class Register:
    """Directory, spent assertions and record of refusals."""

    clients: dict[str, RegisteredClient] = field(default_factory=dict)
    professionals: dict[tuple[UUID, str], RegisteredProfessional] = field(default_factory=dict)
    enquirers: dict[tuple[str, UUID], Enquirer] = field(default_factory=dict)
    spent: dict[tuple[str, str], datetime] = field(default_factory=dict)
    proofs: set[bytes] = field(default_factory=set)
    since: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    revoked: set[str] = field(default_factory=set)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    recording_fails: bool = False

    async def client(self, client_id: str) -> RegisteredClient | None:
        return self.clients.get(client_id)

    async def professional(self, organisation_id: UUID, subject: str) -> RegisteredProfessional | None:
        return self.professionals.get((organisation_id, subject))

    async def present(self, client_id: str, professional_id: UUID, token_id: str, proof: UsedProof | None) -> Presented:
        spending = await self.spend_proof(proof) if proof else None
        return Presented(self.enquirers.get((client_id, professional_id)), token_id in self.revoked, spending)

    async def spend_proof(self, proof: UsedProof) -> Spending:
        if proof.nonce_at < self.since:
            return Spending.UNKNOWN
        first = proof.digest not in self.proofs
        self.proofs.add(proof.digest)
        return Spending.FIRST if first else Spending.AGAIN

    async def proofs_since(self) -> datetime:
        return self.since

    async def spend(self, issuer: str, jti: str, expires_at: datetime) -> bool:
        first = (issuer, jti) not in self.spent
        self.spent[issuer, jti] = expires_at
        return first

    async def revoke(self, token_id: str, expires_at: int, client_id: str, professional_id: UUID) -> None:
        self.revoked.add(token_id)

    async def refused(self, **refusal: Any) -> None:
        if self.recording_fails:
            raise ConnectionError("the row (staff-0017) could not be written")
        self.refusals.append(refusal)


class House:
    """An authorization server with one enrolled hospital and one enrolled nurse."""

    def __init__(self, providers: Mapping[str, Provider] | None = None) -> None:
        self.clock = Clock()
        self.exchange = Exchange(providers or {}, self.clock)
        self.register = Register(
            clients={
                HOSPITAL: RegisteredClient(
                    HOSPITAL,
                    ORGANISATION,
                    {"keys": [HOSPITAL_PUBLIC]},
                    frozenset({"enquiry", "transfer"}),
                    True,
                    "hospital",
                )
            },
            professionals={(ORGANISATION, SUBJECT): RegisteredProfessional(NURSE, True, Role.NURSE)},
            enquirers={(HOSPITAL, NURSE): nurse()},
        )
        self.services: AuthServices = build_services(
            issuer=ISSUER,
            audience=AUDIENCE,
            keys=always(KEYS),
            directory=self.register,
            spent=self.register,
            presentations=self.register,
            revocations=self.register,
            refusals=self.register,
            exchange=self.exchange,
            nonce_key=NONCE_KEY,
            certificate_header=CERTIFICATE_HEADER,
            clock=self.clock,
            today=lambda: self.clock().date(),
        )
        self.signer = OrganisationSigner(HOSPITAL, HOSPITAL_KEY, ISSUER, clock=self.clock)
        self.proofs = self.signer.proofs
        self.binding = Binding("jkt", self.proofs.thumbprint)

    def enrol(self, **changes: Any) -> None:
        self.register.clients[HOSPITAL] = replace(self.register.clients[HOSPITAL], **changes)

    def form(self, scope: str = "enquiry") -> dict[str, str]:
        return self.signer.token_form(SUBJECT, scope)

    def proof(self, method: str = "POST", path: str = "/oauth2/token", token: str | None = None) -> str:
        """A proof that is in order, with a fresh nonce."""
        self.proofs.nonce = self.services.possession.nonces.fresh()
        return self.proofs.proof(method, ISSUER + path, token)

    def shown(self) -> Shown:
        """What a token request in order shows."""
        return Shown("POST", "/oauth2/token", [self.proof()])

    def headers(self, method: str, path: str, token: str) -> dict[str, str]:
        return {"Authorization": f"DPoP {token}", "DPoP": self.proof(method, path, token)}

    def assertion_claims(self, subject: str) -> dict[str, Any]:
        now = self.clock.seconds()
        return {"iss": HOSPITAL, "sub": subject, "aud": ISSUER, "jti": f"jti-{subject}", "iat": now, "exp": now + 60}

    async def ask(
        self, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Send a token request; return the status and the body. What every answer must keep is checked here."""
        lists = {name: [value] for name, value in form.items()}
        status, sent, body = await self.services.endpoint.respond(lists, headers or {}, self.shown())
        assert sent["Cache-Control"] == "no-store"
        assert sent["Content-Type"] == "application/json"
        return status, json.loads(body)

    async def token(self, scope: str = "enquiry") -> str:
        status, body = await self.ask(self.form(scope))
        assert status == 200, body
        return str(body["access_token"])


def application(house: House) -> FastAPI:
    """A service of two routes."""
    app = FastAPI()
    configure(app, house.services, limited=lambda endpoint: endpoint)

    @app.get("/who")
    async def who(request: Request, enquirer: CurrentEnquirer) -> dict[str, Any]:
        assert request.state.enquirer is enquirer
        return {
            "client": enquirer.client_id,
            "scope": sorted(enquirer.scope),
            "assurance": enquirer.assurance,
        }

    @app.get("/transfers")
    async def transfers(enquirer: Annotated[Enquirer, Depends(require_scope("transfer"))]) -> str:
        return enquirer.client_id

    @app.exception_handler(NotAuthenticated)
    async def not_authenticated(request: Request, error: NotAuthenticated) -> JSONResponse:
        headers = {"WWW-Authenticate": challenge(error)}
        return JSONResponse({"reason": error.reason, "error": error.error}, 401, headers)

    @app.exception_handler(InsufficientScope)
    async def insufficient_scope(request: Request, error: InsufficientScope) -> JSONResponse:
        return JSONResponse({"scope": error.scope}, 403)

    @app.exception_handler(RefusalNotRecorded)
    async def not_recorded(request: Request, error: RefusalNotRecorded) -> JSONResponse:
        return JSONResponse({}, 503)

    return app
