"""Entries as FHIR R4 AuditEvents, shaped like those of IHE's Basic Audit Log Patterns (BALP 1.1.4).

No profile of BALP is claimed: those of a query want the question itself (``entity.query``), which is kept sealed and
leaves this service with nobody. In its place stands the digest of what is sealed. The child is named where it was asked
for by its id, and nowhere else.

https://hl7.org/fhir/R4/auditevent.html · https://profiles.ihe.net/ITI/BALP/
"""

from typing import Any, Final
from uuid import UUID

from registry_api.audit.schemas import EntryShown

_OURS: Final = "urn:child-protection-register"
_TERMS: Final = "http://terminology.hl7.org/CodeSystem"
_SEARCHES: Final = ("enquiry.", "telephone.", "log.search", "address.")
_CHANGES: Final = (".changed", ".loaded", ".decided", ".acknowledged", ".allocated", ".received", ".revoked")


def audit_event(entry: EntryShown, *, observer: str, child_id: UUID | None) -> dict[str, Any]:
    """Return an entry as an AuditEvent.

    ``observer``: this service's address. ``child_id``: whom it is said to be about, where it is known by the asker.

    ``entry`` is none that is withheld.
    """
    assert entry.kind is not None
    assert entry.who is not None
    interaction, action = _interaction(entry.kind)
    refused = entry.kind.endswith(".refused")
    return {
        "resourceType": "AuditEvent",
        **({"id": str(entry.entry_id)} if entry.entry_id else {}),
        "type": {"system": f"{_TERMS}/audit-event-type", "code": "rest", "display": "Restful Operation"},
        "subtype": [
            {"system": "http://hl7.org/fhir/restful-interaction", "code": interaction},
            {"system": f"{_OURS}:entry", "code": entry.kind},
        ],
        "action": action,
        "recorded": entry.at.isoformat(timespec="milliseconds"),
        "outcome": "4" if refused else "0",
        **({"outcomeDesc": entry.outcome} if entry.outcome else {}),
        **({"purposeOfEvent": [_concept("purpose", entry.purpose)]} if entry.purpose else {}),
        "agent": _agents(entry, observer),
        "source": {
            "observer": {"display": observer},
            "type": [{"system": f"{_TERMS}/security-source-type", "code": "4", "display": "Application Server"}],
        },
        # FHIR has no empty lists: what there is nothing of is left out.
        **({"entity": entities} if (entities := _entities(entry, child_id)) else {}),
    }


def left_out(*, own: int, more: bool) -> dict[str, Any]:
    """Return what says that events are missing: those of whoever exports, and those beyond the most at once."""
    said = []
    if own:
        said.append(f"{own} entries are your own and were left out: a colleague has to export them.")
    if more:
        said.append("There are older entries: search for an earlier period to export those.")
    return {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "informational", "diagnostics": line} for line in said],
    }


def _interaction(kind: str) -> tuple[str, str]:
    if kind.startswith(_SEARCHES):
        return "search", "E"
    return ("update", "U") if kind.endswith(_CHANGES) else ("read", "R")


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": f"{_OURS}:{system}", "code": code}]}


def _typed(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _agents(entry: EntryShown, observer: str) -> list[dict[str, Any]]:
    who, authority = entry.who, entry.authority
    assert who is not None
    agents: list[dict[str, Any]] = [
        {
            "type": _typed("http://dicom.nema.org/resources/ontology/DCM", "110153"),
            "who": {
                "identifier": {"system": f"{_OURS}:system", "value": who.system or "register"},
                **({"display": who.organisation} if who.organisation else {}),
            },
            "requestor": who.professional_id is None,
        },
        {
            "type": _typed("http://dicom.nema.org/resources/ontology/DCM", "110152"),
            "who": {"display": observer},
            "requestor": False,
        },
    ]
    if who.professional_id is not None:
        policies = authority.policies if authority else ()
        agents.append(
            {
                "type": _typed(f"{_TERMS}/v3-ParticipationType", "IRCP"),
                **({"role": [_concept("role", who.role)]} if who.role else {}),
                "who": {
                    "identifier": {"system": f"{_OURS}:professional", "value": str(who.professional_id)},
                    **({"display": who.name} if who.name else {}),
                },
                "requestor": True,
                **({"policy": [f"{_OURS}:policy:{name}" for name in policies]} if policies else {}),
                **({"purposeOfUse": [_concept("reason", entry.why)]} if entry.why else {}),
            }
        )
    return agents


def _entities(entry: EntryShown, child_id: UUID | None) -> list[dict[str, Any]]:
    entities: list[dict[str, Any]] = []
    if child_id is not None:
        entities.append(
            {
                "what": {"identifier": {"system": f"{_OURS}:child", "value": str(child_id)}},
                "type": {"system": f"{_TERMS}/audit-entity-type", "code": "1", "display": "Person"},
                "role": {"system": f"{_TERMS}/object-role", "code": "1", "display": "Patient"},
            }
        )
    if entry.reference:
        searched = entry.kind is not None and entry.kind.startswith(_SEARCHES)
        entities.append(
            {
                "what": {"identifier": {"system": f"{_OURS}:reference", "value": entry.reference}},
                "type": {"system": f"{_TERMS}/audit-entity-type", "code": "2", "display": "System Object"},
                "role": {"system": f"{_TERMS}/object-role", "code": "24" if searched else "4"},
                **({"detail": [{"type": "sha256", "valueString": entry.digest}]} if entry.digest else {}),
            }
        )
    return entities
