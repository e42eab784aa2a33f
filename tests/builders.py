"""Builders: a small authority and its register, made through the real code and never by writing a row."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
from logins import service_urls

from auth.client import OrganisationSigner, ProofSigner, generate_client_key
from auth.sending import AsProfessional
from policies.enquirer import Purpose, Role
from policies.profile import Category
from registry_api.directory import service as directory
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Database
from registry_api.kernel.roles import DatabaseUrls
from registry_api.kernel.settings import Settings
from registry_api.main import create_app
from registry_api.matching.person import Name
from registry_api.matching.tokens import TokenKeys
from registry_api.register import loading
from registry_api.register.entry import Case, ChildEntry, ChildPlan, Identity, PlanKind, Residence
from registry_api.register.sealing import rows_of

BASE_URL = "https://register.test"
START = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
"""A Wednesday in office hours."""


class MovableClock:
    """A clock that a test sets and moves."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Member:
    """A professional of the test authority's world: how their organisation names them."""

    subject: str
    role: Role
    client_id: str
    id: UUID = field(default_factory=uuid4)


ORGANISATIONS: dict[str, tuple[str, str, dict[str, Role], set[Purpose], set[str]]] = {
    "authority": (
        "Test Authority",
        "authority",
        {
            "kw-1": Role.KEY_WORKER,
            "kw-2": Role.KEY_WORKER,
            "kw-3": Role.KEY_WORKER,
            "duty-1": Role.DUTY_SOCIAL_WORKER,
            "duty-2": Role.DUTY_SOCIAL_WORKER,
            "tm-1": Role.TEAM_MANAGER,
            "sm-1": Role.SAFEGUARDING_MANAGER,
            "sm-2": Role.SAFEGUARDING_MANAGER,
            "igo-1": Role.INFORMATION_GOVERNANCE_OFFICER,
            "da-1": Role.DIRECTORY_ADMINISTRATOR,
            "da-2": Role.DIRECTORY_ADMINISTRATOR,
        },
        {Purpose.CHILD_PROTECTION, Purpose.MISSING_CHILD, Purpose.CASEWORK},
        {"enquiry", "casework", "directory"},
    ),
    "police": (
        "Test Police",
        "police",
        {"officer-1": Role.POLICE_OFFICER, "officer-2": Role.POLICE_OFFICER},
        {Purpose.CHILD_PROTECTION, Purpose.MISSING_CHILD},
        {"enquiry"},
    ),
    "hospital": (
        "Test Hospital",
        "health",
        {"nurse-1": Role.NURSE},
        {Purpose.CHILD_PROTECTION},
        {"enquiry"},
    ),
    "neighbour": (
        "Neighbour Authority",
        "authority",
        {"custodian-1": Role.CUSTODIAN},
        {Purpose.TRANSFER},
        {"transfer"},
    ),
}


class World:
    """A running application over a database of its own, and those who talk to it."""

    def __init__(self, database: Database, urls: DatabaseUrls, settings: Settings, clock: MovableClock) -> None:
        self.database = database
        """As the owner: what a test lays down or looks up. The application has the logins of a service."""
        self.urls = urls
        self.answering = Database(urls.api, pool_size=6)
        """As what answers requests."""
        self.keeping = Database(urls.register, pool_size=2)
        """As what keeps the register."""
        self.settings = settings
        self.clock = clock
        keys = LocalKeys.load_or_create(settings.keys_file)
        self.vault, self.token_keys = Vault(keys), TokenKeys(keys.index_master)
        self.app = create_app(settings, urls, clock=clock)
        self.members: dict[str, Member] = {}
        self.signers: dict[str, OrganisationSigner] = {}
        self.organisations: dict[str, UUID] = {}
        self.http: httpx2.AsyncClient
        self._asking: dict[tuple[str, str], AsProfessional] = {}

    async def populate(self) -> None:
        """Enrol the organisations with their agreements, clients and professionals."""
        today = self.clock().date()
        async with self.database.session() as session:
            for code, (name, kind, members, purposes, scopes) in ORGANISATIONS.items():
                organisation = directory.add_organisation(
                    session,
                    code=code,
                    name=name,
                    kind=kind,
                    own_authority=code == "authority",
                    office_phone="01632 960100",
                    out_of_hours_phone="01632 960999",
                )
                await session.flush()
                self.organisations[code] = organisation.id
                directory.add_agreement(
                    session,
                    organisation_id=organisation.id,
                    purposes=purposes,
                    valid_from=today - timedelta(days=100),
                    valid_to=today + timedelta(days=100),
                )
                private, public = generate_client_key()
                client_id = f"{code}-system"
                directory.add_client(
                    session, client_id=client_id, organisation_id=organisation.id, public_keys=[public], scopes=scopes
                )
                self.signers[client_id] = OrganisationSigner(client_id, private, BASE_URL, clock=self.clock)
                for subject, role in members.items():
                    enrolled = directory.enrol_professional(
                        session,
                        self.vault,
                        organisation_id=organisation.id,
                        subject=subject,
                        role=role,
                        name=f"Testperson {subject.title()}",
                        phone="01632 960200",
                    )
                    self.members[subject] = Member(subject, role, client_id, enrolled.id)

    async def cover(self, away: str, by: str | None, *, hours: float = 8) -> None:
        """Record that a member of staff is away from now on, and who stands in."""
        async with self.database.session() as session:
            directory.arrange_cover(
                session,
                away=self.members[away].id,
                covered_by=self.members[by].id if by else None,
                starts_at=self.clock(),
                ends_at=self.clock() + timedelta(hours=hours),
            )

    async def add(self, entry: ChildEntry) -> UUID:
        """Put an entry on the register as the importer does."""
        child_id = uuid4()
        rows = rows_of(entry, child_id, self.vault, self.token_keys, self.clock())
        async with self.database.transaction() as connection:
            await loading.insert(connection, [rows])
            await loading.note_load(connection, self.clock(), "import", added=1)
        return child_id

    def auth(self, subject: str, scope: str) -> AsProfessional:
        """What sends a request as a professional: ``world.http.get(url, auth=world.auth("kw-1", "casework"))``."""
        if (subject, scope) not in self._asking:
            signer = self.signers[self.members[subject].client_id]
            self._asking[subject, scope] = AsProfessional(signer, BASE_URL, subject, scope, clock=self.clock)
        return self._asking[subject, scope]

    async def token(self, subject: str, scope: str) -> str:
        """Obtain an access token for a professional, over HTTP; it stays with ``auth``."""
        return await self.auth(subject, scope).token_async(self.http)

    async def request_token(self, form: dict[str, str], proofs: ProofSigner | None = None) -> httpx2.Response:
        """Post a form to the token endpoint with a proof that is in order."""
        proofs = proofs or ProofSigner(clock=self.clock)
        proofs.nonce = self.app.state.auth.possession.nonces.fresh()
        headers = {"DPoP": proofs.proof("POST", f"{BASE_URL}/oauth2/token")}
        return await self.http.post("/oauth2/token", data=form, headers=headers)

    async def ask(
        self, subject: str, child: dict[str, Any], *, key: str | None = None, **changes: Any
    ) -> httpx2.Response:
        """Make an enquiry as a professional."""
        body = {
            "child": child,
            "reason": "injury",
            "reason_text": "Bruise on the upper arm.",
            "urgency": "urgent",
            "call_back_number": "01632 960321",
            **changes,
        }
        headers = {"Idempotency-Key": key} if key else {}
        return await self.http.post("/api/v1/enquiries", json=body, headers=headers, auth=self.auth(subject, "enquiry"))

    async def inbox(self, subject: str, **query: Any) -> list[dict[str, Any]]:
        """Read the inbox of a member of staff."""
        answer = await self.http.get("/api/v1/notifications", params=query, auth=self.auth(subject, "casework"))
        assert answer.status_code == 200, answer.text
        notifications: list[dict[str, Any]] = answer.json()["notifications"]
        return notifications

    async def considerations(self) -> list[dict[str, Any]]:
        """Read the open considerations as the safeguarding manager."""
        answer = await self.http.get("/api/v1/considerations", auth=self.auth("sm-1", "casework"))
        assert answer.status_code == 200, answer.text
        considerations: list[dict[str, Any]] = answer.json()["considerations"]
        return considerations

    async def log(self, kind: str | None = None) -> list[Any]:
        """Return the access log, or its entries of one kind, the oldest first."""
        async with self.database.connection() as connection:
            rows = await connection.fetch("SELECT * FROM access_entry ORDER BY id")
        return [row for row in rows if kind is None or row["kind"] == kind]


@asynccontextmanager
async def running_world(database_url: str, state: Path, **settings: Any) -> AsyncIterator[World]:
    """A populated world with its application started; requests go through the whole stack but the socket."""
    chosen = {
        "enquiries_per_minute_organisation": 10_000,
        "enquiries_per_minute_professional": 10_000,
        "requests_per_minute_address": 10_000,
        "failed_authentications_per_minute_address": 10_000,
        "pool_size": 6,
        "environment": "development",
        # For a machine that does much else at the same time.
        "log_deadline_seconds": 60,
        "queue_seconds": 30,
        **settings,
    }
    configured = Settings(state_dir=state, base_url=BASE_URL, **chosen)
    database = Database(database_url, pool_size=2)
    async with AsyncExitStack() as ending:
        ending.push_async_callback(database.close)
        world = World(database, service_urls(database_url), configured, MovableClock())
        ending.push_async_callback(world.answering.close)
        ending.push_async_callback(world.keeping.close)
        await world.populate()
        transport = httpx2.ASGITransport(app=world.app)
        async with (
            world.app.router.lifespan_context(world.app),
            httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as world.http,
        ):
            yield world


def entry(
    given: str = "Quillon",
    family: str = "Ashgrove-Test",
    *,
    born: date | None = date(2019, 5, 6),
    address: str = "7 Larkspur Rise",
    postcode: str = "JE5 7QX",
    plan: PlanKind | None = None,
    categories: tuple[Category, ...] = (Category.NEGLECT,),
    plan_ended: date | None = None,
    responsible: UUID | None = None,
    case: bool | None = True,
    key_worker: UUID | None = None,
    team_manager: UUID | None = None,
    **changes: Any,
) -> ChildEntry:
    """Return a plausible entry. ``case``: True open, False closed, None no case at all."""
    identity = changes.pop("identity", None) or Identity(names=(Name(given, family),), date_of_birth=born)
    plans = ()
    if plan:
        plans = (
            ChildPlan(
                kind=plan,
                categories=categories,
                started_on=date(2025, 11, 3),
                ended_on=plan_ended,
                responsible_organisation_id=responsible,
            ),
        )
    cases = ()
    if case is not None:
        cases = (
            Case(
                opened_on=date(2025, 10, 1),
                closed_on=None if case else date(2025, 12, 1),
                key_worker_id=key_worker,
                team_manager_id=team_manager,
            ),
        )
    return ChildEntry(
        identity=identity,
        residences=(Residence(lines=address, postcode=postcode, valid_from=date(2024, 1, 1)),),
        cases=cases,
        plans=plans,
        **changes,
    )


def said(answer: httpx2.Response) -> str:
    """Return an answer to an enquiry but for its receipt, of which there is another each time it is handed out."""
    assert answer.status_code == 200, answer.text
    before, _, receipt = answer.text.rpartition(',"receipt":')
    assert receipt.startswith('"c2sp.org/tlog-proof@v1\\n')
    return before


def question(
    given: str = "Quillon",
    family: str = "Ashgrove-Test",
    *,
    born: str | None = "2019-05-06",
    address: str | None = "7 Larkspur Rise",
    postcode: str = "JE5 7QX",
    **more: Any,
) -> dict[str, Any]:
    """Return the ``child`` part of an enquiry that fits ``entry()``."""
    asked: dict[str, Any] = {"given_names": given, "family_name": family, **more}
    if born:
        asked["date_of_birth"] = born
    if address:
        asked["address"] = {"lines": address, "postcode": postcode}
    return asked
