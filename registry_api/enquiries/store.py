"""The queries of the main job: two writes and one look-up, each a single statement.

``receive`` commits the enquiry and its enquirer; ``SEARCH`` reads the register and the earlier enquiries; ``answer``
commits the answer, whom it goes to and the log entry. Nothing in them serialises commits: no NOTIFY, no counter, no
single head row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from registry_api.access_log.store import APPEND
from registry_api.enquiries.gate import OPEN
from registry_api.enquiries.rules import NOT_KNOWN_OUTCOMES, Outcome
from registry_api.kernel.db import Connection
from registry_api.kernel.statement import Statement
from registry_api.register.postings_store import weightiest
from registry_api.routing.store import CONSIDER_AND_TELL

# A retry finds its idempotency key taken: then nothing at all is written, the log entry and tokens included.
_RECEIVE = Statement.of_parts(
    {
        "received": """
INSERT INTO enquiry (id, reference, received_at, client_id, organisation_id, professional_id, role, purpose, reason,
                     urgency, assurance, disclosure, opens_restricted, policies, policy_bundle, taken_by, refusal,
                     idempotency_key, request_digest, data_key, sealed_question, sealed_record)
VALUES (:id, :reference, :received_at, :client_id, :organisation_id, :professional_id, :role, :purpose, :reason,
        :urgency, :assurance, :disclosure, :opens_restricted, :policies, :policy_bundle, :taken_by, :refusal,
        :idempotency_key, :request_digest, :data_key, :sealed_question, :sealed_record)
ON CONFLICT (client_id, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
RETURNING id
""",
        "indexed": """
INSERT INTO enquiry_indexed (enquiry_id, number, version, alone)
SELECT id, :number, :token_version, true FROM received WHERE :tokens::bigint[] <> '{}'
""",
        "found_by": """
INSERT INTO enquiry_token (token, nonce, pointer)
SELECT posting.* FROM received, unnest(:tokens::bigint[], :nonces::bigint[], :pointers::bigint[]) AS posting
""",
        "logged": """
INSERT INTO access_entry (at, kind, client_id, organisation_id, professional_id, reference, reason, digest,
                          sought, particulars)
SELECT :received_at, :log_kind, :client_id, :organisation_id, :professional_id, :reference, :refusal, :log_digest,
       :log_sought, :log_particulars
FROM received
RETURNING id
""",
    },
    "SELECT id FROM logged",
)


async def receive(connection: Connection, values: Mapping[str, Any]) -> int | None:
    """Record an enquiry, durably, and return the number of its log entry (ENQ-2).

    None: its idempotency key stands already, and nothing was written.
    """
    row = await _RECEIVE.fetchrow(connection, values)
    return None if row is None else int(row["id"])


MOST_OF_ONE_TOKEN: Final = 500
"""Enquiries read for one token: what so many share says nothing."""
_UNSETTLED = "', '".join(sorted({*NOT_KNOWN_OUTCOMES, Outcome.MORE_INFORMATION_NEEDED}))

_OWN_NUMBER = "(SELECT own.number FROM enquiry_indexed own WHERE own.enquiry_id = :enquiry_id)"

# Enquiries that were not refused and found nobody, or have no answer yet: two that arrive together see each other,
# because both were committed before either looked.
EARLIER = f"""
SELECT e.id, e.data_key, e.sealed_record, e.reference, e.received_at, e.professional_id, o.name AS organisation,
       (SELECT c.id FROM consideration_enquiry ce JOIN consideration c ON c.id = ce.consideration_id
        WHERE ce.enquiry_id = e.id AND c.decided_at IS NULL ORDER BY c.opened_at LIMIT 1) AS open_consideration
FROM ({weightiest("enquiry_token", MOST_OF_ONE_TOKEN, but=_OWN_NUMBER)}) found
JOIN enquiry_indexed i ON i.number = found.number
JOIN enquiry e ON e.id = i.enquiry_id
JOIN organisation o ON o.id = e.organisation_id
LEFT JOIN enquiry_answer a ON a.enquiry_id = e.id
WHERE found.weight >= :least_share * found.best AND e.refusal IS NULL
  AND (a.outcome IS NULL OR a.outcome IN ('{_UNSETTLED}'))
"""
"""A part: the earlier enquiries that share tokens with the question, but the enquiry itself (ENQ-7)."""

SEARCH = Statement.of_parts(
    {"candidate": OPEN.call, "earlier": EARLIER},
    """
SELECT true AS is_child, id, data_key, sealed_record, NULL AS reference, NULL::timestamptz AS received_at,
       NULL::uuid AS professional_id, NULL AS organisation, NULL::uuid AS open_consideration
FROM candidate
UNION ALL
SELECT false, id, data_key, sealed_record, reference, received_at, professional_id, organisation, open_consideration
FROM earlier
""",
)

_ANSWER = Statement.of_parts(
    {
        "answered": """
INSERT INTO enquiry_answer (enquiry_id, answered_at, outcome, row, child_id, sealed_answer)
VALUES (:enquiry_id, :answered_at, :outcome, :row, :child_id, :sealed_answer)
RETURNING enquiry_id
""",
        **CONSIDER_AND_TELL,
        "logged": APPEND,
    },
    "SELECT id FROM logged",
)


async def answer(connection: Connection, values: Mapping[str, Any]) -> int:
    """Record the answer and all that follows from it, whole or not at all, and return the number of its log entry.

    Raises asyncpg.UniqueViolationError when the enquiry has been answered already.
    """
    return int((await _ANSWER.fetchrow(connection, values))["id"])


async def by_idempotency_key(connection: Connection, client_id: str, key: str) -> Any:
    """Return the enquiry that first came with this key, with its answer if it has one."""
    return await connection.fetchrow(
        "SELECT e.*, a.sealed_answer, a.outcome FROM enquiry e LEFT JOIN enquiry_answer a ON a.enquiry_id = e.id "
        "WHERE e.client_id = $1 AND e.idempotency_key = $2",
        client_id,
        key,
    )


async def answer_of(connection: Connection, enquiry_id: UUID) -> Any:
    """Return the stored answer of an enquiry."""
    return await connection.fetchrow("SELECT * FROM enquiry_answer WHERE enquiry_id = $1", enquiry_id)


async def unanswered(connection: Connection, since: datetime, until: datetime, limit: int) -> list[Any]:
    """Return enquiries received between two moments that may be answered and were not.

    In no order: whatever keeps failing must not stand in the way of the others for ever.
    """
    return await connection.fetch(
        "SELECT e.* FROM enquiry e LEFT JOIN enquiry_answer a ON a.enquiry_id = e.id "
        "WHERE e.received_at BETWEEN $1 AND $2 AND e.refusal IS NULL AND a.enquiry_id IS NULL "
        "ORDER BY random() LIMIT $3",
        since,
        until,
        limit,
    )


async def questions(connection: Connection, ids: Sequence[UUID]) -> list[Any]:
    """Return these enquiries with what was asked, sealed, and the outcome."""
    return await connection.fetch(
        "SELECT e.*, a.outcome FROM enquiry e LEFT JOIN enquiry_answer a ON a.enquiry_id = e.id WHERE e.id = ANY($1)",
        list(ids),
    )
