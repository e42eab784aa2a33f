"""One enquiry on its way, as it was committed, and everything that is committed with its answer.

The same from a request, from a retry of it, and from what stands sealed of an enquiry that was never answered.
"""

import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Self
from uuid import UUID

import structlog

from policies.access import EnquiryDecision, RefusalReason
from policies.enquirer import Disclosure, Enquirer
from policies.profile import DueDate, Profile
from registry_api.access_log import store as access_log
from registry_api.access_log.particulars import of_authority, of_enquirer
from registry_api.enquiries.found import Found
from registry_api.enquiries.gate import RECEIVED
from registry_api.enquiries.recipients import notices
from registry_api.enquiries.rules import Audience, Decided
from registry_api.enquiries.schemas import EnquiryRequest
from registry_api.enquiries.sought import Sought
from registry_api.kernel.crypto import EnvelopeError, RowKey, Vault
from registry_api.kernel.errors import Forbidden, IdempotencyKeyReused
from registry_api.kernel.idempotency import KEY_KEPT
from registry_api.matching.criteria import sufficiency
from registry_api.matching.record import Record, pack, record_of
from registry_api.routing.service import Subject
from registry_api.routing.store import consider_values, told_values

REFUSED: Final = "enquiry.refused"
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked: the organisation's system, the organisation and the individual, by their ids."""

    client_id: str
    organisation_id: UUID
    professional_id: UUID

    @classmethod
    def of(cls, enquirer: Enquirer) -> Self:
        """Return who ``enquirer`` is."""
        return cls(enquirer.client_id, enquirer.organisation_id, enquirer.professional_id)


@dataclass(frozen=True, slots=True)
class Asked:
    """One enquiry as committed, with what was decided about whoever asks before anything was read.

    ``household_only``: only an address was asked about, by somebody who may. ``disclosure``: how much they may be told,
    and ``opens_restricted``: of a restricted child, too.
    """

    id: UUID
    reference: str
    received_at: datetime
    by: Asker
    request: EnquiryRequest
    record: Record
    household_only: bool
    key: RowKey
    disclosure: Disclosure = Disclosure.FULL
    opens_restricted: bool = False
    sought: Sought | None = None
    """What its entry commits to, where that has just been made. What is refused opens nothing."""
    log_entry: int | None = None
    """The number of its entry in the access log, where that has just been made."""


def tells_less(disclosure: Disclosure, kept: str) -> bool:
    """Return whether somebody may be told less now than when they asked (``kept``)."""
    return disclosure is Disclosure.CONTACT and kept == Disclosure.FULL


def check_is_retry(kept: Mapping[str, Any], digest: bytes, decided: EnquiryDecision, now: datetime) -> None:
    """Check that a request which came with the key of an earlier one, ``kept``, is that very request once more.

    ``digest``: of what is asked now, and by whom. Raises IdempotencyKeyReused, also where the first answer is more than
    they may be told now; Forbidden where it may be of a restricted child, and they have not just proven who they are.
    """
    same = hmac.compare_digest(digest, kept["request_digest"]) and now - kept["received_at"] <= KEY_KEPT
    if not same or tells_less(decided.disclosure, kept["disclosure"]):
        raise IdempotencyKeyReused
    if kept["opens_restricted"] and not decided.opens_restricted:
        raise Forbidden(RefusalReason.STEP_UP_NEEDED, kept["reference"])


def reopened(row: Mapping[str, Any], vault: Vault, profile: Profile) -> Asked:
    """Return an enquiry from its row in ``store.unanswered``.

    Raises EnvelopeError when it does not open, ValueError when this release cannot read what was asked.
    """
    key = vault.key("enquiry", row["id"], row["data_key"])
    request = EnquiryRequest.model_validate_json(key.open("question", row["sealed_question"]))
    record = record_of(request.child.as_person(profile.today(row["received_at"])))
    return Asked(
        id=row["id"],
        reference=row["reference"],
        received_at=row["received_at"],
        by=Asker(row["client_id"], row["organisation_id"], row["professional_id"]),
        request=request,
        record=record,
        # Whoever asked by an address alone and may not was refused, and is none of these.
        household_only=sufficiency(record, privileged=True).household_only,
        key=key,
        disclosure=Disclosure(row["disclosure"]),
        opens_restricted=row["opens_restricted"],
    )


def resumed(asked: Asked, kept: Mapping[str, Any], vault: Vault) -> Asked:
    """Return what a retry asks as it was committed first, ``kept``."""
    return replace(
        asked,
        id=kept["id"],
        reference=kept["reference"],
        received_at=kept["received_at"],
        key=vault.key("enquiry", kept["id"], kept["data_key"]),
        disclosure=Disclosure(kept["disclosure"]),
        opens_restricted=kept["opens_restricted"],
        sought=None,
        log_entry=None,
    )


def subjects(rows: Iterable[Mapping[str, Any]], vault: Vault) -> dict[UUID, Subject]:
    """Return what those who follow up see of enquiries: rows of ``store.questions``.

    One that does not open is left out: it must not keep anybody from the others.
    """
    described = {}
    for row in rows:
        try:
            opened = vault.key("enquiry", row["id"], row["data_key"]).open("question", row["sealed_question"])
        except EnvelopeError as error:
            _log.error("record_not_read", error=type(error).__name__)
            continue
        details = {**json.loads(opened), "outcome": row["outcome"] or "not_answered"}
        described[row["id"]] = Subject(row["reference"], row["received_at"], row["professional_id"], details)
    return described


def log_values(
    asked: Asked,
    kind: str,
    *,
    at: datetime,
    reason: str | None = None,
    sealed: bytes | None = None,
    child_ids: Sequence[UUID] = (),
    sought: Sought | None = None,
) -> dict[str, object]:
    """Return the access log's entry of ``kind`` about an enquiry and about these children.

    ``sealed``: what is kept sealed beside it, for which it answers as well. ``sought``: what the register may be looked
    through for against it.
    """
    return access_log.values(
        at=at,
        kind=kind,
        client_id=asked.by.client_id,
        organisation_id=asked.by.organisation_id,
        professional_id=asked.by.professional_id,
        reference=asked.reference,
        reason=reason,
        digest=None if sealed is None else sha256(sealed).digest(),
        child_ids=child_ids,
        sought=sought.digest(asked.reference) if sought else None,
        # To whom it was told is who asked; on whose authority stands in the entry of what was received.
        particulars={"disclosure": asked.disclosure.value},
    )


def received_values(
    asked: Asked,
    enquirer: Enquirer,
    decided: EnquiryDecision,
    question: bytes,
    *,
    refusal: str | None,
    taken_by: UUID | None,
) -> dict[str, Any]:
    """Return the named values of ``store.receive`` that say who asked, by which policies they may, and what (ENQ-2).

    ``question``: as it was asked, to be sealed. ``refusal``: why it is not to be answered. ``taken_by``: who took it
    down on the telephone.
    """
    sealed_question = asked.key.seal("question", question)
    return {
        "id": asked.id,
        "reference": asked.reference,
        "received_at": asked.received_at,
        "client_id": asked.by.client_id,
        "organisation_id": asked.by.organisation_id,
        "professional_id": asked.by.professional_id,
        "role": enquirer.role,
        "purpose": asked.request.reason.purpose,
        "reason": asked.request.reason,
        "urgency": asked.request.urgency,
        "assurance": enquirer.assurance,
        "disclosure": asked.disclosure,
        "opens_restricted": asked.opens_restricted,
        "policies": list(decided.policies),
        "policy_bundle": decided.bundle,
        "taken_by": taken_by,
        "refusal": refusal,
        "data_key": asked.key.wrapped,
        "sealed_question": sealed_question,
        "sealed_record": asked.key.seal("record", pack(asked.record)),
        "log_kind": REFUSED if refusal else RECEIVED,
        "log_digest": sha256(sealed_question).digest(),
        "log_sought": asked.sought.digest(asked.reference) if asked.sought else None,
        "log_particulars": json.dumps(
            of_enquirer(enquirer)
            | of_authority(decided.policies, decided.bundle, decided.agreements)
            | {
                "purpose": asked.request.reason.purpose.value,
                "why": asked.request.reason.value,
                "urgency": asked.request.urgency.value,
                # There for every enquiry: that there was a caller is told by what it says, not by its being there.
                "taken_by": str(taken_by or ""),
            },
            sort_keys=True,
        ),
    }


def answer_values(
    asked: Asked, decided: Decided, found: Found, body: bytes, *, at: datetime, due: DueDate, log_kind: str
) -> dict[str, Any]:
    """Return the named values of ``store.answer``: the answer, who is told, what is to be considered, the log entry.

    ``body``: the answer as it is sent. ``due``: of a child-in-need consideration, if there is to be one (ENQ-7).
    """
    perhaps = Audience.CONSIDERATION_PERHAPS in decided.told
    earlier = found.perhaps if perhaps else found.earlier
    sealed_answer = asked.key.seal("answer", body)
    if found.opened_restricted:
        log_kind = "enquiry.restricted_opened"
    return {
        "enquiry_id": asked.id,
        "answered_at": at,
        "outcome": decided.outcome,
        "row": decided.row,
        "child_id": found.child.id if found.child else None,
        "sealed_answer": sealed_answer,
        **consider_values(
            [asked.id, *(enquiry.id for enquiry in earlier)],
            considers=perhaps or Audience.CONSIDERATION in decided.told,
            joins=next((enquiry.open_consideration for enquiry in earlier if enquiry.open_consideration), None),
            at=at,
            due=due.day,
            calendar=due.calendar_version,
        ),
        **told_values(notices(decided, found, asked.request.urgency), at=at, enquiry_id=asked.id),
        **log_values(asked, log_kind, at=at, reason=decided.outcome, sealed=sealed_answer, child_ids=found.subjects()),
    }
