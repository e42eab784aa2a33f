"""What the directory may hold, decided on plain values: which roles, purposes and scopes whom, and what is due.

Also the version of an entry, by which somebody who changes it says what they read.
"""

import json
from calendar import monthrange
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from uuid import UUID

from policies.enquirer import CONSOLE, OWN_ROLES, STAFF_ROLES, Purpose, Role

OWN_SCOPES = frozenset({"casework", "directory", "introspection"})
"""What only the authority's own systems may have tokens for; with ``introspection`` they may judge others' instead."""


class Obstacle(StrEnum):
    """Why a change cannot be made: a fixed code."""

    NOT_THERE = "not_there"
    OWN_AUTHORITY_IS_FIXED = "own_authority_is_fixed"
    OWN_AUTHORITY_NEEDED = "own_authority_needed"
    """Without it nobody could be answered, or lift the suspension again."""
    OWN_AGREEMENT_NEEDED = "own_agreement_needed"
    LAST_SAFEGUARDING_MANAGER = "last_safeguarding_manager"
    OTHER_ORGANISATIONS_CLIENT = "other_organisations_client"
    RESERVED_CLIENT_ID = "reserved_client_id"
    OWN_ROLE = "own_role"
    OWN_PURPOSE = "own_purpose"
    OWN_SCOPE = "own_scope"
    ENDS_BEFORE_IT_BEGINS = "ends_before_it_begins"
    REVIEWED_IN_FUTURE = "reviewed_in_future"
    STANDS_IN_FOR_THEMSELVES = "stands_in_for_themselves"
    STANDS_IN_WITHOUT_CASEWORK = "stands_in_without_casework"
    NOT_OWN_STAFF = "not_own_staff"
    NOT_ENROLLED = "not_enrolled"
    BY_TELEPHONE_ONLY = "by_telephone_only"
    ENROLLED_ALREADY = "enrolled_already"
    ADDED_ALREADY = "added_already"
    PRIVATE_KEY = "private_key"
    UNFIT_KEY = "unfit_key"
    KEY_WITHOUT_KID = "key_without_kid"
    KEY_TWICE = "key_twice"
    OTHER_CLIENTS_KEY = "other_clients_key"
    LAST_KEY = "last_key"
    TOO_MANY_KEYS = "too_many_keys"
    NO_REASON = "no_reason"


IN_WORDS: Mapping[Obstacle, str] = {
    Obstacle.NOT_THERE: "there is no such entry",
    Obstacle.OWN_AUTHORITY_IS_FIXED: "which organisation is the authority itself cannot be changed",
    Obstacle.OWN_AUTHORITY_NEEDED: "without the authority itself nobody could be answered",
    Obstacle.OWN_AGREEMENT_NEEDED: "the authority itself works under this agreement alone: add the next first",
    Obstacle.LAST_SAFEGUARDING_MANAGER: "it is the only safeguarding manager: enrol or readmit another first",
    Obstacle.OTHER_ORGANISATIONS_CLIENT: "a client is enrolled for another organisation already",
    Obstacle.RESERVED_CLIENT_ID: f"no client can be called {CONSOLE}, which stands for those who have signed in",
    Obstacle.OWN_ROLE: "a role of the authority's own staff means nothing in another organisation",
    Obstacle.OWN_PURPOSE: "casework is the authority's own, and no purpose of another organisation",
    Obstacle.OWN_SCOPE: "casework, directory and introspection are for systems of the authority itself",
    Obstacle.ENDS_BEFORE_IT_BEGINS: "an agreement or an absence ends before it begins",
    Obstacle.REVIEWED_IN_FUTURE: "an agreement cannot have been reviewed on a day to come",
    Obstacle.STANDS_IN_FOR_THEMSELVES: "an absence has somebody stand in for themselves",
    Obstacle.STANDS_IN_WITHOUT_CASEWORK: "an absence is covered by somebody who does no casework and has no inbox",
    Obstacle.NOT_OWN_STAFF: "an absence is kept of the authority's own staff alone",
    Obstacle.NOT_ENROLLED: "an absence names somebody who is not enrolled",
    Obstacle.BY_TELEPHONE_ONLY: "who was put down during a telephone enquiry has no role of the authority's own staff",
    Obstacle.ENROLLED_ALREADY: "somebody of that name is enrolled: give their organisation's identifier of them",
    Obstacle.ADDED_ALREADY: "it is in the directory already, and not as it is given here",
    Obstacle.PRIVATE_KEY: "a private key was given: make a new one, for this one is not private any more",
    Obstacle.UNFIT_KEY: "a key is no public key that is accepted: P-256, Ed25519, or RSA of 2048 to 4096 bits",
    Obstacle.KEY_WITHOUT_KID: "a key has no kid",
    Obstacle.KEY_TWICE: "the client has this key, or another of its kid, already",
    Obstacle.OTHER_CLIENTS_KEY: "another client has this key",
    Obstacle.LAST_KEY: "a client needs a key: add the next one first",
    Obstacle.TOO_MANY_KEYS: "a client has more keys than a rotation needs",
    Obstacle.NO_REASON: "say why, in a few words",
}

SHORTEST_REASON, LONGEST_REASON = 3, 2000
MOST_KEYS = 8
"""Of one client. Two are enough for a rotation; a few more for a system in several places."""


def check_role(role: Role, *, own_authority: bool) -> Obstacle | None:
    """Return what stands against a professional of this role, in the authority itself or elsewhere."""
    return Obstacle.OWN_ROLE if role in OWN_ROLES and not own_authority else None


def check_purposes(purposes: Collection[Purpose], *, own_authority: bool) -> Obstacle | None:
    """Return what stands against an agreement for these purposes."""
    return Obstacle.OWN_PURPOSE if Purpose.CASEWORK in purposes and not own_authority else None


def check_agreement(valid_from: date, valid_to: date, reviewed_on: date | None, today: date) -> Obstacle | None:
    """Return what stands against an agreement of these days; one that is to begin may count as reviewed then."""
    if valid_to < valid_from:
        return Obstacle.ENDS_BEFORE_IT_BEGINS
    # Midnight comes to the authority up to an hour before it comes to UTC.
    latest = max(valid_from, today + timedelta(days=1))
    return Obstacle.REVIEWED_IN_FUTURE if reviewed_on and reviewed_on > latest else None


def check_client(client_id: str, scopes: Collection[str], *, own_authority: bool) -> Obstacle | None:
    """Return what stands against a client of this name with tokens of these scopes."""
    if client_id == CONSOLE:
        return Obstacle.RESERVED_CLIENT_ID
    return Obstacle.OWN_SCOPE if OWN_SCOPES.intersection(scopes) and not own_authority else None


def check_absence(away: UUID, covered_by: UUID | None, starts_at: datetime, ends_at: datetime) -> Obstacle | None:
    """Return what stands against somebody being away between two moments and covered by another (ENQ-11)."""
    if away == covered_by:
        return Obstacle.STANDS_IN_FOR_THEMSELVES
    return Obstacle.ENDS_BEFORE_IT_BEGINS if ends_at <= starts_at else None


def check_stand_in(role: Role) -> Obstacle | None:
    """Return what stands against somebody of this role standing in: they have to have an inbox (ENQ-10)."""
    return None if role in STAFF_ROLES else Obstacle.STANDS_IN_WITHOUT_CASEWORK


def review_due(valid_from: date, reviewed_on: date | None, *, every_months: int) -> date:
    """Return the day by which an agreement has to be reviewed: so many months after it was, or since it began."""
    since = reviewed_on or valid_from
    years, month = divmod(since.month - 1 + every_months, 12)
    year, month = since.year + years, month + 1
    return date(year, month, min(since.day, monthrange(year, month)[1]))


def version_of(entry: Mapping[str, object]) -> str:
    """Return what an entry is recognised by until it changes: 128 bits of a digest of its columns, in hexadecimal."""
    return sha256(json.dumps(entry, sort_keys=True, default=_plain).encode()).hexdigest()[:32]


def same_name(one: str, other: str) -> bool:
    """Return whether two names are written alike, but for case and spaces."""
    return one.casefold().split() == other.casefold().split()


def has_words(name: str, wanted: str) -> bool:
    """Return whether each word that is wanted begins a word of the name, whatever the case."""
    words = name.casefold().replace("-", " ").split()
    return all(any(word.startswith(one) for word in words) for one in wanted.casefold().replace("-", " ").split())


def as_uuid(text: str) -> UUID | None:
    """Return the identifier that a text is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _plain(value: object) -> str:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()  # the database gives the moment back in another zone
        case bytes():
            return value.hex()
    return str(value)
