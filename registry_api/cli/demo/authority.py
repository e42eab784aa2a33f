"""The invented authority of the demonstration, its partners, and the credentials of their systems."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from auth.client import generate_client_key
from policies.enquirer import Purpose, Role
from registry_api.cli.enrolment import AbsenceGiven, Enrolment, OrganisationGiven
from registry_api.cli.remote import ClientFile
from registry_api.directory.given import AgreementGiven, ClientGiven, OrganisationKind, ProfessionalGiven

KEY_WORKERS = 30
ON_LEAVE, STANDS_IN = "kw-30", "kw-29"
_LEAVE = timedelta(days=365)
_ENQUIRES = frozenset({Purpose.CHILD_PROTECTION, Purpose.MISSING_CHILD})
_GIVEN = ("Tamsel", "Corrin", "Wrenna", "Oswin", "Ilvary", "Perran", "Sorrel", "Elwyn", "Maristow", "Junia")
_TREES = ("Alder", "Birch", "Cedar", "Damson", "Elm", "Fir", "Gorse", "Hazel", "Ivy", "Juniper", "Larch")


@dataclass(frozen=True, slots=True)
class Partner:
    """An organisation of the demonstration. ``phones``: in office hours and at other times. ``members``: by subject.

    ``expired``: its agreement ended the day before the demonstration was made.
    """

    code: str
    name: str
    kind: str
    phones: tuple[str, str]
    scopes: tuple[str, ...]
    purposes: frozenset[Purpose]
    members: tuple[tuple[str, Role], ...]
    expired: bool = False


_STAFF = (
    *((f"kw-{number:02}", Role.KEY_WORKER) for number in range(1, KEY_WORKERS + 1)),
    *((f"tm-{number}", Role.TEAM_MANAGER) for number in (1, 2, 3)),
    *((f"duty-{number}", Role.DUTY_SOCIAL_WORKER) for number in (1, 2)),
    ("sm-1", Role.SAFEGUARDING_MANAGER),
)
AUTHORITY = Partner(
    code="authority",
    name="Demo Isle Children's Services",
    kind="authority",
    phones=("01632 960100", "01632 960101"),
    scopes=("enquiry", "casework"),
    purposes=_ENQUIRES | {Purpose.CASEWORK},
    members=_STAFF,
)
POLICE = Partner(
    code="police",
    name="Demo Isle Police",
    kind="police",
    phones=("01632 960110", "01632 960111"),
    scopes=("enquiry",),
    purposes=_ENQUIRES,
    members=(("officer-1", Role.POLICE_OFFICER),),
)
HOSPITAL = Partner(
    code="hospital",
    name="Demo Isle Hospital",
    kind="health",
    phones=("01632 960120", "01632 960121"),
    scopes=("enquiry",),
    purposes=_ENQUIRES,
    members=(("nurse-1", Role.NURSE),),
)
SCHOOL = Partner(
    code="school",
    name="Demo Isle School",
    kind="education",
    phones=("01632 960130", ""),
    scopes=("enquiry",),
    purposes=_ENQUIRES,
    members=(("teacher-1", Role.TEACHER),),
    expired=True,
)
NEIGHBOUR = Partner(
    code="neighbour",
    name="Demo Mainland Council",
    kind="authority",
    phones=("01632 960140", "01632 960141"),
    scopes=("transfer",),
    purposes=frozenset({Purpose.TRANSFER}),
    members=(("custodian-1", Role.CUSTODIAN),),
)
PARTNERS = (AUTHORITY, POLICE, HOSPITAL, SCHOOL, NEIGHBOUR)


def demonstration_staff() -> tuple[list[str], list[str]]:
    """Return the subjects of the key workers who are there, and of the team managers."""
    workers = [subject for subject, role in _STAFF if role is Role.KEY_WORKER and subject != ON_LEAVE]
    return workers, [subject for subject, role in _STAFF if role is Role.TEAM_MANAGER]


def enrolment_of(public_keys: dict[str, dict[str, object]], now: datetime) -> Enrolment:
    """Return the demonstration's authority and partners as a document.

    Args:
        public_keys: of each organisation's system, by the organisation's code.
        now: when it begins; agreements were signed half a year before and stand for another five years.
    """
    today = now.date()
    return Enrolment(organisations=tuple(_organisation(one, public_keys[one.code], now, today) for one in PARTNERS))


def _organisation(partner: Partner, key: dict[str, object], now: datetime, today: date) -> OrganisationGiven:
    ends = today - timedelta(days=1) if partner.expired else today + timedelta(days=5 * 365)
    leave = AbsenceGiven(away=ON_LEAVE, covered_by=STANDS_IN, starts_at=now - timedelta(days=1), ends_at=now + _LEAVE)
    return OrganisationGiven(
        code=partner.code,
        name=partner.name,
        kind=OrganisationKind(partner.kind),
        own_authority=partner is AUTHORITY,
        office_phone=partner.phones[0],
        out_of_hours_phone=partner.phones[1],
        agreements=(
            AgreementGiven(
                purposes=tuple(sorted(partner.purposes)), valid_from=today - timedelta(days=180), valid_to=ends
            ),
        ),
        clients=(ClientGiven(client_id=f"{partner.code}-system", public_keys=(key,), scopes=partner.scopes),),
        professionals=tuple(
            ProfessionalGiven(
                subject=subject,
                role=role,
                name=_name(PARTNERS.index(partner), number),
                phone=f"01632 960{200 + 50 * PARTNERS.index(partner) + number}",
            )
            for number, (subject, role) in enumerate(partner.members)
        ),
        absences=(leave,) if partner is AUTHORITY else (),
    )


def _name(organisation: int, number: int) -> str:
    """Return an invented name; ten and eleven have no common factor, so the first 110 of a series differ."""
    number += 37 * organisation
    return f"{_GIVEN[number % len(_GIVEN)]} Demo-{_TREES[number % len(_TREES)]}"


def client_path(state: Path, code: str) -> Path:
    """Return where the credentials of an organisation's system are kept."""
    return state / "clients" / f"{code}.json"


def make_clients(state: Path, base_url: str) -> dict[str, dict[str, object]]:
    """Give each organisation's system a key: its client file is written, and the public halves are returned."""
    public_keys: dict[str, dict[str, object]] = {}
    for partner in PARTNERS:
        private, public_keys[partner.code] = generate_client_key()
        ClientFile(f"{partner.code}-system", private, base_url).write(client_path(state, partner.code))
    return public_keys


def point_clients_at(state: Path, base_url: str) -> dict[str, ClientFile]:
    """Return the credentials of each organisation, having written into each where the service is this time.

    Raises Failure when one of the files is gone.
    """
    clients = {}
    for partner in PARTNERS:
        path = client_path(state, partner.code)
        kept = ClientFile.read(path)
        clients[partner.code] = ClientFile(kept.client_id, kept.private_jwk, base_url)
        if kept.base_url != base_url:
            clients[partner.code].write(path)
    return clients
