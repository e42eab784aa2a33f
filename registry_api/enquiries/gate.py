"""The gate to the register, inside the database: what an enquiry may read, and only against its own entry in the log.

The role that answers enquiries cannot read the register. ``OPEN`` hands it candidates, once for an entry that lies
under a signed head, whose commitment opens to exactly what is looked for, and whose enquirer stands recorded with it
(ENQ-2). ``READ_STANDING`` then says how those candidates stand, and who else lives in their homes or in those that were
asked about, and ``READ_PRESENT`` who may pose a risk there, until the enquiry is answered. Whatever is refused is an
error, and nothing is read; whoever lives anywhere else is not told of.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from registry_api.access_log.entry import DOMAIN as COMMITTED
from registry_api.access_log.gating import SIGNED, refusal
from registry_api.enquiries.sought import DOMAIN as SOUGHT
from registry_api.enquiries.sought import Sought
from registry_api.kernel.db import Connection
from registry_api.kernel.roles import Definer, Role
from registry_api.kernel.statement import Statement, as_given
from registry_api.matching.tokens import LEAST_AND_MOST
from registry_api.register.people import AT
from registry_api.register.postings_store import NUMBER
from registry_api.register.store import CANDIDATES, STANDING

RECEIVED: Final = "enquiry.received"
RESUMED: Final = "enquiry.resumed"
"""An enquiry that was recorded and never answered goes on: each look into the register has an entry of its own."""
FIELD: Final = "sought"
"""The field of these entries that commits to what is looked for."""

LOOK: Final = as_given(CANDIDATES, LEAST_AND_MOST)
"""What the gate hands out, by the names of its arguments."""

# No pad is committed to: it follows from its token, and another one than the token's own unmasks noise.
# The use is noted without waiting for the disk: what could be lost with the machine is a note that its entry was used,
# never the entry. Nothing has been disclosed at that moment, and the answer's own commit brings the note to disk too.
OPEN: Final = Definer(
    "open_register",
    {
        "entry": "bigint",
        "salt": "bytea",
        "tokens": "bigint[]",
        "weights": "float8[]",
        "pads": "bytea[]",
        "homes": "bigint[]",
    },
    "TABLE (id uuid, data_key bytea, sealed_record bytea)",
    f"""
DECLARE
    held record;
    sought text;
    committed text;
BEGIN
    SELECT a.kind, a.reference, l.entry_id, l.leaf_hash, e.leaf, q.id AS enquiry_id INTO held
    FROM access_entry a {SIGNED}
    JOIN enquiry q ON q.reference = a.reference AND q.professional_id = a.professional_id AND q.client_id = a.client_id
    WHERE a.id = given_entry AND a.kind IN ('{RECEIVED}', '{RESUMED}') AND q.refusal IS NULL
      AND NOT EXISTS (SELECT FROM enquiry_answer w WHERE w.enquiry_id = q.id)
      AND NOT EXISTS (SELECT FROM register_opened u WHERE u.access_entry_id = a.id);
    IF NOT FOUND THEN
        {refusal("no unused entry of an enquiry without an answer lies under a signed head")};
    END IF;
    sought := encode(sha256('\\x{SOUGHT.hex()}'::bytea || convert_to(held.reference, 'UTF8') || '\\x00'::bytea
        || array_send(given_tokens) || array_send(given_weights) || array_send(given_homes)), 'hex');
    committed := translate(rtrim(encode(sha256('\\x{COMMITTED.hex()}'::bytea || given_salt
        || '\\x{bytes((len(FIELD),)).hex()}{FIELD.encode().hex()}'::bytea || convert_to(sought, 'UTF8')),
        'base64'), '='), '+/', '-_');
    IF (octet_length(given_salt) = 32 AND held.leaf_hash = sha256('\\x00'::bytea || held.leaf)
        AND convert_from(held.leaf, 'UTF8')::jsonb @> jsonb_build_object('id', held.entry_id, 't', held.kind,
            'ref', held.reference, 'c', jsonb_build_array(jsonb_build_array('{FIELD}', committed)))) IS NOT TRUE THEN
        {refusal("its entry is about something else")};
    END IF;
    PERFORM set_config('synchronous_commit', 'off', true);
    RETURN QUERY
    WITH candidate AS ({LOOK}), opened AS (
        INSERT INTO register_opened (access_entry_id, enquiry_id, child_ids, homes)
        SELECT given_entry, held.enquiry_id, coalesce(array_agg(one.id), '{{}}'), given_homes FROM candidate one
    )
    SELECT candidate.id, candidate.data_key, candidate.sealed_record FROM candidate;
END""",
    (Role.API,),
)

_COLUMNS = """
id uuid, data_key bytea, sealed_record bytea, restricted boolean, missing_since date, looked_after boolean,
plan_id uuid, plan_kind text, categories text[], started_on date, sealed_other_key_worker bytea,
responsible_name text, responsible_office_phone text, responsible_out_of_hours_phone text, plan_ended_on date,
opened_on date, closed_on date, key_worker_id uuid, team_manager_id uuid,
key_worker_away boolean, key_worker_cover uuid, key_worker_cover_away boolean,
team_manager_away boolean, team_manager_cover uuid, team_manager_cover_away boolean
"""

# The homes of a candidate are known to the index under the version that the candidate stands under; whose homes the
# tokens of another version are, the database cannot tell. While the index is made anew, a neighbour may stand under
# another one, and a question asks under both: so a token is looked under as well if whoever it finds stands under
# another version than a candidate. A home that is none of these is not refused but looked under in vain: a worker may
# ask under the earlier version still when the last child has left it, or a candidate may just have moved, and nobody
# may go unanswered for that.
READ_STANDING: Final = Definer(
    "read_standing",
    {"entry": "bigint", "child_ids": "uuid[]", "address_tokens": "bigint[]", "pads": "bytea[]", "now": "timestamptz"},
    f"TABLE ({_COLUMNS})",
    f"""
DECLARE
    held register_opened;
BEGIN
    SELECT u.* INTO held FROM register_opened u WHERE u.access_entry_id = given_entry
      AND NOT EXISTS (SELECT FROM enquiry_answer w WHERE w.enquiry_id = u.enquiry_id);
    IF NOT FOUND OR (given_child_ids <@ held.child_ids) IS NOT TRUE THEN
        {refusal("the enquiry was not handed these children, or has its answer")};
    END IF;
    SELECT coalesce(array_agg(wanted.token), '{{}}'), coalesce(array_agg(wanted.pad), '{{}}')
    INTO given_address_tokens, given_pads
    FROM unnest(given_address_tokens, given_pads) AS wanted(token, pad)
    WHERE wanted.token = ANY(held.homes) OR EXISTS (
        SELECT FROM address_token t JOIN child c ON c.number = {NUMBER}
        JOIN child candidate ON candidate.id = c.id OR candidate.token_version <> c.token_version
        WHERE t.token = wanted.token AND candidate.id = ANY(given_child_ids)
    );
    RETURN QUERY {as_given(STANDING)};
END""",
    (Role.API,),
)

READ_PRESENT: Final = Definer(
    "read_present",
    {"entry": "bigint"},
    "TABLE (id uuid, data_key bytea, sealed_record bytea)",
    f"""
DECLARE
    held register_opened;
BEGIN
    SELECT u.* INTO held FROM register_opened u WHERE u.access_entry_id = given_entry
      AND NOT EXISTS (SELECT FROM enquiry_answer w WHERE w.enquiry_id = u.enquiry_id);
    IF NOT FOUND THEN
        {refusal("the enquiry did not open it, or has its answer")};
    END IF;
    RETURN QUERY {AT.replace(":homes::bigint[]", "held.homes")};
END""",
    (Role.API,),
)

_STANDING = Statement(READ_STANDING.call)
_PRESENT = Statement(READ_PRESENT.call)


@dataclass(frozen=True, slots=True)
class Gate:
    """What one enquiry opens the register with: its entry in the log, and the salt of what is looked for."""

    entry: int
    salt: bytes
    sought: Sought

    @property
    def values(self) -> dict[str, Any]:
        """The named values of ``OPEN``."""
        query = self.sought.query
        return {
            "entry": self.entry,
            "salt": self.salt,
            "tokens": query.tokens,
            "weights": query.weights,
            "pads": query.pads,
            "homes": list(self.sought.places),
        }

    async def standing(
        self,
        connection: Connection,
        *,
        child_ids: Collection[UUID],
        address_tokens: list[int],
        pads: list[bytes],
        now: datetime,
    ) -> list[Any]:
        """Return how these candidates stand, and each child on a plan who is indexed under one of the address tokens.

        ``pads``: of those tokens, in turn. Tokens of other homes than the candidates' and those that were asked about
        find nobody. Raises asyncpg.InsufficientPrivilegeError for a child who was no candidate of this enquiry's.
        """
        values = {"entry": self.entry, "child_ids": [*child_ids], "address_tokens": address_tokens, "pads": pads}
        return await _STANDING.fetch(connection, values | {"now": now})

    async def people(self, connection: Connection) -> list[Any]:
        """Return the people who may pose a risk and are indexed under a home that was asked about (CUS-1), sealed."""
        return await _PRESENT.fetch(connection, {"entry": self.entry})
