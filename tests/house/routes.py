"""Who may call which route: closed lists, which the guards of test_routes.py hold the application to.

Whoever adds a route says here who may call it: those on whom a policy decides (with a request that is in order, but
for who asks), whoever has signed in, or anybody; and what may stand in its URL.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builders import question

from policies import access

Key = tuple[str, str]
_ID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Governed:
    """A route that a policy decides on, and a request to it that is in order but for who asks."""

    by: Callable[..., access.Decision]
    asker: str
    scope: str
    body: dict[str, Any] | None = None
    headers: tuple[tuple[str, str], ...] = ()


_ENQUIRY = {
    "child": question(),
    "reason": "injury",
    "reason_text": "Bruise on the upper arm.",
    "urgency": "urgent",
    "call_back_number": "01632 960321",
}
_CALL = {
    "caller": {"organisation": "police", "professional": "officer-1"},
    **{name: said for name, said in _ENQUIRY.items() if name != "call_back_number"},
}
_MOVE = {
    "child": {
        "given_names": "Quillon",
        "family_name": "Ashgrove-Test",
        "date_of_birth": "2019-05-06",
        "address_here": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"},
    },
    "plan": {"categories": ["neglect"], "started_on": "2025-11-03"},
    "moved_on": "2026-03-01",
    "key_worker": {"name": "Testperson Elsewhere", "phone": "01632 960222"},
}
_DECISION = {"decision": "early_help", "reason": "Known to the school; family support agreed."}
_ALERT_DECISION = {"decision": "legitimate", "reason": "A night on which many children were brought in."}
_SEARCH = {"organisation_id": _ID, "purpose": "complaint", "why": "A complaint about who was told of this child."}

GOVERNED: dict[Key, Governed] = {
    ("POST", "/api/v1/enquiries"): Governed(access.may_enquire, "officer-1", "enquiry", _ENQUIRY),
    ("GET", "/api/v1/enquiries/{enquiry_reference}/explanation"): Governed(access.may_read_log, "sm-1", "casework"),
    ("POST", "/api/v1/telephone-enquiries"): Governed(access.may_take_enquiry, "duty-1", "enquiry", _CALL),
    ("GET", "/api/v1/telephone-enquiries"): Governed(access.may_take_enquiry, "duty-1", "enquiry"),
    ("POST", "/api/v1/telephone-enquiries/{enquiry_reference}/call-backs"): Governed(
        access.may_take_enquiry, "duty-1", "enquiry", {"called": "office", "reached": True}
    ),
    ("GET", "/api/v1/notifications"): Governed(access.may_read_inbox, "kw-1", "casework"),
    ("POST", "/api/v1/notifications/{notification_id}/acknowledge"): Governed(
        access.may_read_inbox, "kw-1", "casework"
    ),
    ("GET", "/api/v1/considerations"): Governed(access.may_consider, "sm-1", "casework"),
    ("POST", "/api/v1/considerations/{consideration_id}/decision"): Governed(
        access.may_consider, "sm-1", "casework", _DECISION, (("If-Match", '"1"'),)
    ),
    ("GET", "/api/v1/alerts"): Governed(access.may_decide_alerts, "sm-1", "casework"),
    ("POST", "/api/v1/alerts/{alert_id}/decision"): Governed(
        access.may_decide_alerts, "sm-1", "casework", _ALERT_DECISION, (("If-Match", '"1"'),)
    ),
    ("POST", "/api/v1/access-log/search"): Governed(access.may_read_log, "igo-1", "casework", _SEARCH),
    ("GET", "/api/v1/access-log/searches/{search_id}"): Governed(access.may_read_log, "igo-1", "casework"),
    ("GET", "/api/v1/access-log/searches/{search_id}/audit-events"): Governed(access.may_read_log, "igo-1", "casework"),
    ("POST", "/api/v1/access-log/accesses"): Governed(access.may_read_accesses, "sm-1", "casework", {"child_id": _ID}),
    ("POST", "/api/v1/access-log/disclosure-report"): Governed(
        access.may_report_disclosures, "igo-1", "casework", {"child_id": _ID, "why": _SEARCH["why"]}
    ),
    ("POST", "/api/v1/transfers/in"): Governed(access.may_notify_transfer, "custodian-1", "transfer", _MOVE),
    ("PUT", "/api/v1/transfers/{reference}/key-worker"): Governed(
        access.may_allocate, "sm-1", "casework", {"key_worker": "kw-1"}
    ),
}
_WHY = "As agreed in the meeting with Testperson Partner."
DIRECTORY = "/api/v1/directory"
ONE = f"{DIRECTORY}/organisations/{{organisation_id}}"
_KEY = {"kty": "EC", "crv": "P-256", "kid": "k-1", "x": "A", "y": "A"}
_SUSPENSION = {"suspended": True, "why": _WHY}
_NURSE = {"role": "nurse", "name": "Testperson Nurse", "phone": "01632 960123", "why": _WHY}
_HOSPITAL = {"name": "Test Infirmary", "kind": "health", "why": _WHY}
_TERMS = {"purposes": ["child_protection"], "valid_from": "2026-01-01", "valid_to": "2026-12-31", "why": _WHY}
_REVIEWED = {"valid_to": "2026-12-31", "reviewed_on": "2026-01-01", "disclosure": "full", "why": _WHY}
_SYSTEM = {"client_id": "infirmary-system", "scopes": ["enquiry"], "public_keys": [_KEY], "why": _WHY}
_AWAY = {"covered_by": None, "ends_at": "2026-03-09T08:00:00Z", "why": _WHY}

READING = (
    ("GET", f"{DIRECTORY}/organisations"),
    ("GET", ONE),
    ("GET", f"{ONE}/agreements"),
    ("GET", f"{ONE}/agreements/{{agreement_id}}"),
    ("GET", f"{ONE}/clients"),
    ("GET", f"{ONE}/clients/{{client_id}}"),
    ("GET", f"{ONE}/professionals"),
    ("GET", f"{ONE}/professionals/{{professional_id}}"),
    ("POST", f"{ONE}/professionals/search"),
    ("GET", f"{DIRECTORY}/absences"),
    ("GET", f"{DIRECTORY}/absences/{{absence_id}}"),
    ("GET", f"{DIRECTORY}/reviews"),
    ("GET", f"{DIRECTORY}/changes"),
)
ADDING: dict[Key, dict[str, Any]] = {
    ("POST", f"{DIRECTORY}/organisations"): {"code": "infirmary"} | _HOSPITAL,
    ("POST", f"{ONE}/agreements"): _TERMS,
    ("POST", f"{ONE}/clients"): _SYSTEM,
    ("POST", f"{ONE}/professionals"): {"subject": "nurse-9"} | _NURSE,
    ("POST", f"{ONE}/professionals/{{professional_id}}/absences"): {"starts_at": "2026-03-02T08:00:00Z"} | _AWAY,
}
CHANGING: dict[Key, dict[str, Any]] = {
    ("PUT", ONE): _HOSPITAL,
    ("PUT", f"{ONE}/suspension"): _SUSPENSION,
    ("PUT", f"{ONE}/agreements/{{agreement_id}}"): _REVIEWED,
    ("PUT", f"{ONE}/agreements/{{agreement_id}}/suspension"): _SUSPENSION,
    ("PUT", f"{ONE}/clients/{{client_id}}/scopes"): {"scopes": ["enquiry"], "why": _WHY},
    ("POST", f"{ONE}/clients/{{client_id}}/keys"): {"public_key": _KEY, "why": _WHY},
    ("POST", f"{ONE}/clients/{{client_id}}/retired-keys"): {"kid": "k-1", "why": _WHY},
    ("PUT", f"{ONE}/clients/{{client_id}}/suspension"): _SUSPENSION,
    ("PUT", f"{ONE}/professionals/{{professional_id}}"): _NURSE,
    ("PUT", f"{ONE}/professionals/{{professional_id}}/suspension"): _SUSPENSION,
    ("PUT", f"{DIRECTORY}/absences/{{absence_id}}"): _AWAY,
}
"""The routes of the directory: what is read, added, and changed on a version that was read."""

GOVERNED |= {
    key: Governed(access.may_read_directory, "da-1", "directory", {} if key[0] == "POST" else None) for key in READING
}
for key, body in ADDING.items():
    GOVERNED[key] = Governed(access.may_administer_directory, "da-1", "directory", body)
for key, body in CHANGING.items():
    GOVERNED[key] = Governed(access.may_administer_directory, "da-1", "directory", body, (("If-Match", '"0"'),))

OPEN: dict[Key, frozenset[str]] = {
    ("POST", "/oauth2/token"): frozenset({"address"}),
    ("POST", "/oauth2/revoke"): frozenset({"address"}),
    ("POST", "/oauth2/introspect"): frozenset({"address"}),
    ("GET", "/.well-known/oauth-authorization-server"): frozenset({"address"}),
    ("GET", "/.well-known/jwks.json"): frozenset({"address"}),
    ("GET", "/sign-in"): frozenset({"address"}),
    ("GET", "/sign-in/callback"): frozenset({"address"}),
    ("POST", "/sign-in/back-channel"): frozenset({"address"}),
    ("GET", "/account"): frozenset({"address"}),
    ("GET", "/openapi.json"): frozenset({"address"}),
    ("GET", "/log/checkpoint"): frozenset({"address"}),
    ("GET", "/log/checkpoint.witnessed"): frozenset({"address"}),
    ("GET", "/log/consistency/{old}/{new}"): frozenset({"address"}),
    ("GET", "/log/proof/{index}"): frozenset({"address"}),
    ("GET", "/log/tile/{tile}"): frozenset({"address"}),
    ("GET", "/log/earlier"): frozenset({"address"}),
    ("GET", "/log/earlier/{number}/checkpoint"): frozenset({"address"}),
    ("GET", "/log/earlier/{number}/checkpoint.witnessed"): frozenset({"address"}),
    ("GET", "/log/earlier/{number}/consistency/{old}/{new}"): frozenset({"address"}),
    ("GET", "/log/earlier/{number}/proof/{index}"): frozenset({"address"}),
    ("GET", "/log/earlier/{number}/tile/{tile}"): frozenset({"address"}),
    ("GET", "/livez"): frozenset({"worker"}),
    ("GET", "/readyz"): frozenset({"worker"}),
}
"""Routes that anybody may call, and what limits them."""

SESSION: dict[Key, frozenset[str]] = {
    ("GET", "/sign-in/step-up"): frozenset({"address"}),
    ("GET", "/session"): frozenset({"address"}),
    ("GET", "/sessions"): frozenset({"address"}),
    ("DELETE", "/sessions"): frozenset({"address"}),
    ("DELETE", "/sessions/{session_id}"): frozenset({"address"}),
    ("POST", "/sign-out"): frozenset({"address"}),
}
"""Routes for whoever has signed in, about their own sessions alone, and what limits them."""

DEVELOPMENT: dict[Key, frozenset[str]] = {
    ("GET", "/development/provider/.well-known/openid-configuration"): frozenset({"address"}),
    ("GET", "/development/provider/jwks.json"): frozenset({"address"}),
    ("POST", "/development/provider/par"): frozenset({"address"}),
    ("GET", "/development/provider/authorize"): frozenset({"address"}),
    ("POST", "/development/provider/authorize"): frozenset({"address"}),
    ("POST", "/development/provider/token"): frozenset({"address"}),
    ("GET", "/development/provider/end-session"): frozenset({"address"}),
}
"""Routes that are there in development alone."""

WITH_AN_ENQUIRY = {access.may_learn_full, access.may_ask_by_address, access.may_open_restricted}
"""What is decided with ``may_enquire``: how much of the answer is told."""

ROUTES_TO_COME = {
    access.may_keep_register,
    access.may_hold_log,  # at the command line alone, so far: registry-api log hold
    access.may_begin_log,  # where the keys of the log are: registry-api log begin-anew
}

URL_PARAMETERS = {
    ("path", "notification_id"): {"type": "string", "format": "uuid"},
    ("path", "consideration_id"): {"type": "string", "format": "uuid"},
    ("path", "session_id"): {"type": "string", "format": "uuid"},
    ("query", "return_to"): {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]},
    ("path", "tile"): {"type": "string", "maxLength": 40},
    **{("path", name): {"type": "integer", "minimum": 0, "maximum": 2**53 - 1} for name in ("index", "old", "new")},
    ("path", "number"): {"type": "integer", "minimum": 1, "maximum": 32_767},
    ("path", "search_id"): {"type": "string", "format": "uuid"},
    ("path", "alert_id"): {"type": "string", "format": "uuid"},
    ("path", "enquiry_reference"): {"type": "string", "pattern": "^E-[0-9A-Z]{5}-[0-9A-Z]{5}$"},
    ("path", "organisation_id"): {"type": "string", "format": "uuid"},
    ("path", "agreement_id"): {"type": "string", "format": "uuid"},
    ("path", "client_id"): {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"},
    ("path", "professional_id"): {"type": "string", "format": "uuid"},
    ("path", "absence_id"): {"type": "string", "format": "uuid"},
    ("query", "organisation_id"): {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]},
    ("query", "what"): {
        "anyOf": [
            {
                "type": "string",
                "enum": ["organisation", "agreement", "client", "professional", "absence", "signing_key"],
            },
            {"type": "null"},
        ]
    },
    ("query", "days"): {"type": "integer", "minimum": 0, "maximum": 1000},
    ("path", "reference"): {"type": "string", "pattern": "^T-[0-9A-Z]{5}-[0-9A-Z]{5}$"},
    ("query", "waiting"): {"type": "boolean"},
    ("query", "open"): {"type": "boolean"},
    ("query", "limit"): {"type": "integer", "minimum": 1, "maximum": 200},
    ("query", "cursor"): {"anyOf": [{"type": "string", "maxLength": 200}, {"type": "null"}]},
}
"""All that may stand in a URL, which proxies write into their logs: random identifiers, flags, and sizes of pages."""

EXAMPLES = {
    "notification_id": _ID,
    "session_id": _ID,
    "tile": "0/000",
    "number": "1",
    "index": "0",
    "old": "0",
    "new": "1",
    "consideration_id": _ID,
    "alert_id": _ID,
    "search_id": _ID,
    "reference": "T-00000-00000",
    "enquiry_reference": "E-00000-00000",
    "organisation_id": _ID,
    "agreement_id": _ID,
    "client_id": "nobody-system",
    "professional_id": _ID,
    "absence_id": _ID,
}
"""What stands in the path of a request that is made to try a route."""
