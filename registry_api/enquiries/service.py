"""The main job: an enquiry is recorded, the register is read, the answer is recorded, the enquirer is answered.

In that order, always (ENQ-2). The enquiry and its enquirer are committed before the register is read; the answer and
whom it goes to are committed before it is sent. If either write fails nothing is disclosed.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import structlog

from policies.access import EnquiryDecision, Refused, decide_enquiry
from policies.enquirer import Enquirer
from policies.profile import Profile
from registry_api.access_log import reading as log_reading
from registry_api.access_log import store as access_log
from registry_api.access_log.proof import Proof
from registry_api.enquiries import found, store
from registry_api.enquiries.answers import Answered, Authority, compose
from registry_api.enquiries.asked import (
    REFUSED,
    Asked,
    Asker,
    answer_values,
    check_is_retry,
    log_values,
    received_values,
    reopened,
    resumed,
    subjects,
)
from registry_api.enquiries.gate import RECEIVED, Gate
from registry_api.enquiries.indexing import indexed_values
from registry_api.enquiries.opening import Covered, gate_of, wanted_of
from registry_api.enquiries.rules import decide_outcome
from registry_api.enquiries.schemas import EnquiryRequest
from registry_api.enquiries.sought import Sought
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import Forbidden, MoreDetailsNeeded, StoreUnavailable
from registry_api.kernel.idempotency import KEY_KEPT
from registry_api.kernel.references import new_reference
from registry_api.matching.criteria import sufficiency
from registry_api.matching.record import Record, record_of
from registry_api.matching.token_keys import TokenKeys
from registry_api.routing.service import Subject

TOO_FEW_DETAILS = "too_few_details"
"""The refusal of an enquiry that nobody could be found by."""

_ATTEMPT_OVER = timedelta(seconds=60)
"""From when on nobody can still be at work on an attempt: each of its few statements is given up after seconds."""
_MOST_FINISHED = 50
_OVERTAKEN = (asyncpg.UniqueViolationError, asyncpg.InsufficientPrivilegeError)
"""How it shows that somebody else has answered the enquiry meanwhile: at the commit, or at the gate, which that answer
has shut. Where there is no answer it is a refusal of the gate's."""
_log = structlog.get_logger()


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
        covered: Covered,
    ) -> None:
        """``digest_key``: 32 bytes under which requests are fingerprinted. ``authority``: whose register this is.
        ``covered``: waits for an entry of the log to lie under a signed head (``access_log.awaiting``).
        """
        self._database = database
        self._vault = vault
        self._token_keys = token_keys
        self._digest_key = digest_key
        self._profile = profile
        self._clock = clock
        self._authority = authority
        self._covered = covered
        self._finished_until = datetime.min.replace(tzinfo=UTC)

    async def make_enquiry(
        self,
        enquirer: Enquirer,
        request: EnquiryRequest,
        *,
        idempotency_key: str | None = None,
        taken_by: UUID | None = None,
    ) -> Answered:
        """Answer one enquiry. Nothing is read unrecorded; nothing is disclosed uncommitted (ENQ-2).

        ``idempotency_key`` makes a retry the same enquiry: the same bytes again, noted as a repeat. ``taken_by``: the
        member of staff who takes it down on the telephone.

        Raises:
            Forbidden: the asker may not ask this; the refusal is recorded under the reference it carries (ENQ-3).
            MoreDetailsNeeded: fewer details than anybody could be found by; recorded likewise.
            IdempotencyKeyReused: the key came before with another body, or more than a day ago.
            StoreUnavailable: a write was not confirmed. Whatever was read is not disclosed.
        """
        now = self._clock()
        today = self._profile.today(now)
        decided = decide_enquiry(enquirer, request.reason.purpose, today)
        record = record_of(request.child.as_person(today))
        enough = sufficiency(record, privileged=decided.by_address)
        may_ask = decided.may_ask
        refusal = may_ask.reason if isinstance(may_ask, Refused) else None if enough.enough else TOO_FEW_DETAILS

        async with self._database.connection() as connection:
            asked, is_new = await self._record(
                connection,
                enquirer,
                request,
                record,
                decided,
                household_only=enough.household_only,
                now=now,
                refusal=refusal,
                idempotency_key=idempotency_key,
                taken_by=taken_by,
            )
            if isinstance(may_ask, Refused):
                raise Forbidden(may_ask.reason, asked.reference if is_new else None)
            if not is_new:
                assert idempotency_key is not None
                kept = await store.by_idempotency_key(connection, enquirer.client_id, idempotency_key)
                digest = self._digest(enquirer, request.model_dump_json(exclude_defaults=True).encode(), taken_by)
                check_is_retry(kept, digest, decided, now)
                asked, refusal = resumed(asked, kept, self._vault), kept["refusal"]
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
        decided: EnquiryDecision,
        *,
        household_only: bool,
        now: datetime,
        refusal: str | None,
        idempotency_key: str | None,
        taken_by: UUID | None,
    ) -> tuple[Asked, bool]:
        """Commit the enquiry and its enquirer; return it, and False when its idempotency key was there before."""
        enquiry_id, retention, kind = uuid4(), self._profile.retention, REFUSED if refusal else RECEIVED
        asked = Asked(
            enquiry_id,
            new_reference("E"),
            now,
            Asker.of(enquirer),
            request,
            record,
            household_only,
            self._vault.new_key("enquiry", enquiry_id, until=retention.expires_on(kind, now)),
            decided.disclosure,
            decided.opens_restricted,
            None if refusal else Sought.of(record, self._token_keys, address_only=household_only),
        )
        question = request.model_dump_json(exclude_defaults=True).encode()
        values = {
            **received_values(asked, enquirer, decided, question, refusal=refusal, taken_by=taken_by),
            "idempotency_key": idempotency_key,
            "request_digest": self._digest(enquirer, question, taken_by),
            # What was refused is kept, but is no earlier enquiry that others would be told of.
            **indexed_values(enquiry_id, None if refusal else record, self._token_keys),
        }
        entry = await store.receive(connection, values)
        return replace(asked, log_entry=entry), entry is not None

    async def finish_unanswered(self, database: Database) -> None:
        """Answer what was recorded and never answered, as a retry would, so that nobody's follow-up waits (ENQ-10).

        A later retry gets this very answer. Of the last KEY_KEPT, a few at a time. ``database``: not that of requests.
        Raises StoreUnavailable; one enquiry stops no other, and what fails is tried again.
        """
        until = self._clock() - _ATTEMPT_OVER
        since = max(until - KEY_KEPT, self._finished_until)
        async with database.connection() as connection:
            rows = await store.unanswered(connection, since, until, _MOST_FINISHED)
        all_done = len(rows) < _MOST_FINISHED
        for row in rows:
            try:
                asked = reopened(row, self._vault, self._profile)
                async with database.connection() as connection:
                    wanted = await wanted_of(connection, asked, token_keys=self._token_keys, now=self._clock())
                gate = await gate_of(wanted, vault=self._vault, covered=self._covered)  # and holds no connection
                async with database.connection() as connection:
                    try:
                        await self._decide(connection, asked, gate, "enquiry.finished_unsent")
                        _log.warning("enquiry_finished_unsent")  # operations are to know; which one, says the log
                    except _OVERTAKEN:  # by a retry, or by another worker's round
                        if await store.answer_of(connection, asked.id) is None:
                            raise
            except StoreUnavailable:
                raise
            except Exception as error:  # whatever it is, the others must not wait for it
                _log.error("enquiry_not_finished", error=type(error).__name__)
                all_done = False  # a key that is missing now may be put back
        if all_done:
            self._finished_until = until

    async def held_answer(self, row: Mapping[str, Any]) -> bytes:
        """Return the answer of an enquiry that was taken down for somebody, by its row with the ``sealed_answer``.

        One that was recorded and never answered, because that failed, is answered now. Raises StoreUnavailable.
        """
        if row["sealed_answer"] is not None:
            return self._vault.key("enquiry", row["id"], row["data_key"]).open("answer", row["sealed_answer"])
        async with self._database.connection() as connection:
            return (await self._answer(connection, reopened(row, self._vault, self._profile))).body

    async def _answer(self, connection: Connection, asked: Asked) -> Answered:
        try:
            return await self._conclude(connection, asked, "enquiry.answered")
        except _OVERTAKEN:  # by a retry: both send what was committed first
            if (stored := await store.answer_of(connection, asked.id)) is None:
                raise
            return await self._repeat(connection, asked, stored["sealed_answer"])

    async def _conclude(self, connection: Connection, asked: Asked, log_kind: str) -> Answered:
        """Read the register, commit the answer with all that follows from it, and return it with its receipt: each once
        the log is signed so far. Raises asyncpg.UniqueViolationError when it has been answered already."""
        wanted = await wanted_of(connection, asked, token_keys=self._token_keys, now=self._clock())
        gate = await gate_of(wanted, vault=self._vault, covered=self._covered)
        body, entry = await self._decide(connection, asked, gate, log_kind)
        return Answered(body, await self.receipt(connection, entry))

    async def _decide(self, connection: Connection, asked: Asked, gate: Gate, log_kind: str) -> tuple[bytes, int]:
        now = self._clock()
        what_is_found = await found.find(
            connection,
            self._vault,
            question=asked.record,
            enquiry_id=asked.id,
            gate=gate,
            address_only=asked.household_only,
            token_keys=self._token_keys,
            professional_id=asked.by.professional_id,
            opens_restricted=asked.opens_restricted,
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
            professional_id=asked.by.professional_id,
            disclosure=asked.disclosure,
        )
        due = self._profile.consideration_due(now)
        values = answer_values(asked, decided, what_is_found, body, at=now, due=due, log_kind=log_kind)
        return body, await store.answer(connection, values)

    async def receipt(self, connection: Connection, entry: int) -> Proof:
        """Return the receipt of a committed entry, once it is under a signed head. Raises StoreUnavailable if late."""
        await self._covered(entry)
        return await log_reading.receipt(connection, entry)

    async def _repeat(self, connection: Connection, asked: Asked, sealed_answer: bytes) -> Answered:
        entry = await access_log.append(connection, log_values(asked, "enquiry.repeated", at=self._clock()))
        return Answered(asked.key.open("answer", sealed_answer), await self.receipt(connection, entry), repeated=True)

    def _digest(self, enquirer: Enquirer, question: bytes, taken_by: UUID | None) -> bytes:
        # Who asks is part of it, and that it came by telephone: another's retry under the same key is another enquiry.
        by = enquirer.professional_id.bytes + (b"telephone" if taken_by else b"")
        return hmac.digest(self._digest_key, by + question, hashlib.sha256)

    async def describe(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, Subject]:
        """Open these enquiries for whoever has to follow them up (``routing.service.Describe``)."""
        return subjects(await store.questions(connection, ids), self._vault) if ids else {}
