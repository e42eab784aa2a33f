"""The main job: an enquiry is recorded, the register is read, the answer is recorded, the enquirer is answered.

In that order, always (ENQ-2). The enquiry and its enquirer are committed before the register is read; the answer and
whom it goes to are committed before it is sent. If either write fails nothing is disclosed.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from policies.access import Refused, may_enquire
from policies.enquirer import STAFF_ROLES, Enquirer
from policies.profile import Profile
from registry_api.access_log import store as access_log
from registry_api.enquiries import found, store
from registry_api.enquiries.answers import Authority, compose
from registry_api.enquiries.found import Found
from registry_api.enquiries.recipients import notices
from registry_api.enquiries.rules import Audience, Decided, decide_outcome
from registry_api.enquiries.schemas import EnquiryRequest
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import RowKey, Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import Forbidden, IdempotencyKeyReused, MoreDetailsNeeded
from registry_api.kernel.idempotency import KEY_KEPT
from registry_api.kernel.references import new_reference
from registry_api.matching.criteria import Sufficiency, sufficiency
from registry_api.matching.record import Record, pack, record_of
from registry_api.matching.tokens import TokenKeys, index_tokens, query_tokens
from registry_api.routing.service import Subject
from registry_api.routing.store import consider_values, told_values

TOO_FEW_DETAILS = "too_few_details"
"""The refusal of an enquiry that nobody could be found by."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The bytes to be sent, and whether they had been sent before."""

    body: bytes
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """One enquiry on its way: what was asked, as committed."""

    id: UUID
    reference: str
    received_at: datetime
    enquirer: Enquirer
    request: EnquiryRequest
    record: Record
    enough: Sufficiency
    key: RowKey


class Enquiries:
    """The use-cases of the main job, over what they need."""

    def __init__(
        self,
        *,
        database: Database,
        vault: Vault,
        token_keys: TokenKeys,
        digest_key: bytes,
        profile: Profile,
        clock: Clock,
        authority: Authority,
    ) -> None:
        """``digest_key``: 32 bytes under which requests are fingerprinted. ``authority``: whose register this is."""
        self._database = database
        self._vault = vault
        self._token_keys = token_keys
        self._digest_key = digest_key
        self._profile = profile
        self._clock = clock
        self._authority = authority

    async def make_enquiry(
        self, enquirer: Enquirer, request: EnquiryRequest, *, idempotency_key: str | None = None
    ) -> Answered:
        """Answer one enquiry. Nothing is read unrecorded; nothing is disclosed uncommitted (ENQ-2).

        ``idempotency_key`` makes a retry the same enquiry: the same bytes again, noted as a repeat.

        Raises:
            Forbidden: the asker may not ask this; the refusal is recorded under the reference it carries (ENQ-3).
            MoreDetailsNeeded: fewer details than anybody could be found by; recorded likewise.
            IdempotencyKeyReused: the key came before with another body, or more than a day ago.
            StoreUnavailable: a write was not confirmed. Whatever was read is not disclosed.
        """
        now = self._clock()
        today = self._profile.today(now)
        decision = may_enquire(enquirer, request.reason.purpose, today)
        record = record_of(request.child.as_person(today))
        enough = sufficiency(record, privileged=enquirer.own_authority and enquirer.role in STAFF_ROLES)
        refusal = decision.reason if isinstance(decision, Refused) else None if enough.enough else TOO_FEW_DETAILS

        async with self._database.connection() as connection:
            asked, is_new = await self._record(
                connection, enquirer, request, record, enough, now, refusal, idempotency_key
            )
            if isinstance(decision, Refused):
                raise Forbidden(decision.reason, asked.reference if is_new else None)
            if not is_new:
                assert idempotency_key is not None
                kept = await store.by_idempotency_key(connection, enquirer.client_id, idempotency_key)
                self._check_same_request(kept, enquirer, request, now)
                asked, refusal = self._resumed(asked, kept), kept["refusal"]
                if kept["sealed_answer"] is not None:
                    return await self._repeat(connection, asked, kept["sealed_answer"])
                # Recorded, but never answered: the first attempt failed on the way. This one goes on from there.
            if refusal == TOO_FEW_DETAILS:
                raise MoreDetailsNeeded(enough.missing, asked.reference)
            if refusal is not None:
                raise Forbidden(refusal, asked.reference)
            return await self._answer(connection, asked)

    async def _record(
        self,
        connection: Connection,
        enquirer: Enquirer,
        request: EnquiryRequest,
        record: Record,
        enough: Sufficiency,
        now: datetime,
        refusal: str | None,
        idempotency_key: str | None,
    ) -> tuple[_Asked, bool]:
        """Commit the enquiry and its enquirer; return it, and False when its idempotency key was there before."""
        enquiry_id = uuid4()
        key = self._vault.new_key("enquiry", enquiry_id)
        question = request.model_dump_json(exclude_defaults=True).encode()
        asked = _Asked(enquiry_id, new_reference("E"), now, enquirer, request, record, enough, key)
        is_new = await store.receive(
            connection,
            {
                "id": enquiry_id,
                "reference": asked.reference,
                "received_at": now,
                "client_id": enquirer.client_id,
                "organisation_id": enquirer.organisation_id,
                "professional_id": enquirer.professional_id,
                "role": enquirer.role,
                "purpose": request.reason.purpose,
                "reason": request.reason,
                "urgency": request.urgency,
                "refusal": refusal,
                "idempotency_key": idempotency_key,
                "request_digest": self._digest(enquirer, question),
                "data_key": key.wrapped,
                "sealed_question": key.seal("question", question),
                "sealed_record": key.seal("record", pack(record)),
                # What was refused is kept, but is no earlier enquiry that others would be told of.
                "tokens": [] if refusal else index_tokens(record, self._token_keys),
                "log_kind": "enquiry.refused" if refusal else "enquiry.received",
            },
        )
        return asked, is_new

    async def _answer(self, connection: Connection, asked: _Asked) -> Answered:
        now = self._clock()
        what_is_found = await found.find(
            connection,
            self._vault,
            question=asked.record,
            enquiry_id=asked.id,
            query=query_tokens(asked.record, self._token_keys),
            address_only=asked.enough.household_only,
            token_keys=self._token_keys,
            professional_id=asked.enquirer.professional_id,
            same_incident_since=now - timedelta(hours=self._profile.repeat_hours),
            now=now,
        )
        decided = decide_outcome(what_is_found.facts)
        body = compose(
            decided,
            what_is_found,
            reference=asked.reference,
            received_at=asked.received_at,
            details_used=asked.request.child.kinds_given(),
            authority=self._authority,
            profile=self._profile,
            now=now,
            professional_id=asked.enquirer.professional_id,
        )
        try:
            await store.answer(connection, self._answer_values(asked, decided, what_is_found, body, now))
        except asyncpg.UniqueViolationError:
            # A retry of the same enquiry overtook this attempt. Both send what was committed first.
            stored = await store.answer_of(connection, asked.id)
            return await self._repeat(connection, asked, stored["sealed_answer"])
        return Answered(body)

    def _answer_values(
        self, asked: _Asked, decided: Decided, what_is_found: Found, body: bytes, now: datetime
    ) -> dict[str, Any]:
        enquirer = asked.enquirer
        earlier = what_is_found.earlier
        due = self._profile.consideration_due(now)
        return {
            "enquiry_id": asked.id,
            "answered_at": now,
            "outcome": decided.outcome,
            "row": decided.row,
            "child_id": what_is_found.child.id if what_is_found.child else None,
            "sealed_answer": asked.key.seal("answer", body),
            **consider_values(
                [asked.id, *(enquiry.id for enquiry in earlier)],
                considers=Audience.CONSIDERATION in decided.told,
                joins=next((enquiry.open_consideration for enquiry in earlier if enquiry.open_consideration), None),
                at=now,
                due=due.day,
                calendar=due.calendar_version,
            ),
            **told_values(
                notices(decided, what_is_found, asked.request.urgency),
                at=now,
                enquiry_id=asked.id,
            ),
            **access_log.values(
                at=now,
                kind="enquiry.answered",
                client_id=enquirer.client_id,
                organisation_id=enquirer.organisation_id,
                professional_id=enquirer.professional_id,
                reference=asked.reference,
                reason=decided.outcome,
            ),
        }

    async def _repeat(self, connection: Connection, asked: _Asked, sealed_answer: bytes) -> Answered:
        enquirer = asked.enquirer
        await access_log.append(
            connection,
            access_log.values(
                at=self._clock(),
                kind="enquiry.repeated",
                client_id=enquirer.client_id,
                organisation_id=enquirer.organisation_id,
                professional_id=enquirer.professional_id,
                reference=asked.reference,
            ),
        )
        return Answered(asked.key.open("answer", sealed_answer), repeated=True)

    def _check_same_request(
        self, kept: Mapping[str, Any], enquirer: Enquirer, request: EnquiryRequest, now: datetime
    ) -> None:
        digest = self._digest(enquirer, request.model_dump_json(exclude_defaults=True).encode())
        if now - kept["received_at"] > KEY_KEPT or not hmac.compare_digest(digest, kept["request_digest"]):
            raise IdempotencyKeyReused

    def _resumed(self, asked: _Asked, kept: Mapping[str, Any]) -> _Asked:
        key = self._vault.key("enquiry", kept["id"], kept["data_key"])
        return _Asked(
            kept["id"],
            kept["reference"],
            kept["received_at"],
            asked.enquirer,
            asked.request,
            asked.record,
            asked.enough,
            key,
        )

    def _digest(self, enquirer: Enquirer, question: bytes) -> bytes:
        # The professional is part of it: another person's retry under the same key is not the same enquiry.
        return hmac.digest(self._digest_key, enquirer.professional_id.bytes + question, hashlib.sha256)

    async def describe(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Subject]:
        """Open these enquiries for whoever has to follow them up (``routing.service.Describe``)."""
        if not ids:
            return {}
        described = {}
        for row in await store.questions(connection, ids):
            opened = self._vault.key("enquiry", row["id"], row["data_key"]).open("question", row["sealed_question"])
            details = {**json.loads(opened), "outcome": row["outcome"] or "not_answered"}
            described[row["id"]] = Subject(row["reference"], row["received_at"], row["professional_id"], details)
        return described
