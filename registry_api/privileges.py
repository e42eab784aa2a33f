"""Who may do what in the database, whole: ownership, functions, grants and policies, made anew after each migration.

Default deny: what is not said here, no role may. They are no part of any revision, because they are what holds now:
``alembic/env.py`` carries them out when a database stands at the newest revision, and a service does not start over one
that stands under others.
"""

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

from registry_api.access_log.acting import HOLDING, REFUSED
from registry_api.access_log.keeping_store import ERASED
from registry_api.access_log.models import AccessEntry
from registry_api.audit.service import SEARCHES
from registry_api.enquiries.gate import OPEN, READ_PRESENT, READ_STANDING, RECEIVED, RESUMED
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.roles import Definer, Role, making
from registry_api.routing.told import TOLD

_ADD, _KEEP = "SELECT, INSERT", "SELECT, INSERT, UPDATE"
_ALL, _PASSING = "SELECT, INSERT, UPDATE, DELETE", "SELECT, INSERT, DELETE"
_READ = "SELECT"
# The number of an entry is the database's to give: with one of their own somebody could be passed over by the check of
# the log, or end its numbers.
_NUMBERED = f"INSERT ({', '.join(name for name in AccessEntry.model_fields if name != 'id')})"
# What has run out is deleted, which triggers allow once it is written in the log; and under a hold its key is wrapped
# anew.
_ERASED, _ERASED_OR_HELD = "SELECT, DELETE", "SELECT, DELETE, UPDATE (data_key)"

GRANTS: Final[Mapping[str, Mapping[Role, str]]] = {
    # the register
    "child": {Role.REGISTER: _ALL},
    "child_address": {Role.REGISTER: _ALL},
    "household_member": {Role.REGISTER: _ALL},
    "child_case": {Role.REGISTER: _ALL},
    "plan": {Role.REGISTER: _ALL},
    "child_token": {Role.REGISTER: _PASSING},
    "address_token": {Role.REGISTER: _PASSING},
    "child_changed": {Role.REGISTER: _ALL},
    "risk_person": {Role.REGISTER: _ALL},
    "risk_token": {Role.REGISTER: _PASSING},
    "risk_told": {Role.REGISTER: _ADD},
    "register_load": {Role.API: _READ, Role.REGISTER: _ADD},
    "register_opened": {Role.SEQUENCER: _ERASED},
    "transfer_case": {Role.API: _READ, Role.REGISTER: _KEEP},
    # enquiries and what follows from them
    "enquiry": {Role.API: _ADD, Role.REGISTER: _READ, Role.SEQUENCER: _ERASED_OR_HELD},
    "enquiry_answer": {Role.API: _ADD, Role.REGISTER: _READ, Role.SEQUENCER: _ERASED},
    "enquiry_token": {Role.API: _ADD, Role.REGISTER: _PASSING, Role.SEQUENCER: _ERASED},
    "enquiry_indexed": {Role.API: _ADD, Role.REGISTER: "SELECT, UPDATE", Role.SEQUENCER: _ERASED},
    "call_back": {Role.API: _ADD, Role.SEQUENCER: _ERASED},
    "matched_again": {Role.REGISTER: _KEEP, Role.SEQUENCER: _ERASED},
    "notification": {Role.API: _KEEP, Role.REGISTER: "INSERT, SELECT (id)", Role.SEQUENCER: _ERASED},
    "consideration": {Role.API: _KEEP, Role.SEQUENCER: _ERASED},
    "consideration_enquiry": {Role.API: _ADD, Role.SEQUENCER: _ERASED},
    "alert": {Role.API: _KEEP, Role.REGISTER: _KEEP, Role.SEQUENCER: _ERASED},
    "looked_over": {Role.REGISTER: _KEEP},
    # who takes part
    "organisation": {Role.API: _KEEP, Role.REGISTER: _READ, Role.AUDITOR: _READ},
    "agreement": {Role.API: _KEEP, Role.AUDITOR: _READ},
    "client": {Role.API: _KEEP},
    "professional": {Role.API: _KEEP, Role.REGISTER: _READ, Role.AUDITOR: _READ},
    "cover": {Role.API: _KEEP, Role.REGISTER: _READ},
    "directory_change": {Role.API: _ADD},
    # who is signed in, and what was used up
    "staff_session": {Role.API: _ALL},
    "sign_in_attempt": {Role.API: _ALL},
    "spent_assertion": {Role.API: _PASSING},
    "spent_proof": {Role.API: _PASSING},
    "proof_memory": {Role.API: _KEEP},
    "revoked_token": {Role.API: _PASSING},
    "rate_count": {Role.API: _ALL},
    # the access log; the trigger that queues an entry runs as the owner
    "access_entry": {
        Role.API: f"{_NUMBERED}, SELECT (id, kind, at)",
        Role.REGISTER: f"SELECT, {_NUMBERED}",
        Role.SEQUENCER: f"SELECT, DELETE, {_NUMBERED}",
        Role.AUDITOR: f"SELECT, {_NUMBERED}",
    },
    "log_pending": {Role.API: _READ, Role.SEQUENCER: _PASSING, Role.AUDITOR: _READ},
    "log_origin": {Role.API: _READ, Role.SEQUENCER: _ADD, Role.AUDITOR: _READ},
    "log_entry": {Role.API: _READ, Role.REGISTER: _READ, Role.SEQUENCER: _ADD, Role.AUDITOR: _READ},
    "log_payload": {Role.SEQUENCER: "INSERT", Role.AUDITOR: _READ},
    "log_secret": {Role.API: _READ, Role.SEQUENCER: _PASSING, Role.AUDITOR: _READ},
    "log_leaf": {Role.API: _READ, Role.SEQUENCER: _ADD, Role.AUDITOR: _READ},
    "log_tile": {Role.API: _READ, Role.SEQUENCER: _ADD, Role.AUDITOR: _READ},
    "log_head": {Role.API: _READ, Role.SEQUENCER: _ADD, Role.AUDITOR: _READ},
    "log_checkpoint": {Role.API: _READ, Role.SEQUENCER: _ADD, Role.AUDITOR: _READ},
    # what stands outside of it, what is held, what was erased and why it was opened
    "log_search": {Role.REGISTER: _ADD, Role.SEQUENCER: _ERASED_OR_HELD},
    "log_anchor": {Role.SEQUENCER: _ADD, Role.AUDITOR: _READ},
    "log_cosignature": {Role.API: _READ, Role.SEQUENCER: _ADD, Role.AUDITOR: _READ},
    "legal_hold": {Role.SEQUENCER: _READ, Role.AUDITOR: "SELECT, INSERT, UPDATE (lifted_at, lifted_entry)"},
    "log_erased": {Role.SEQUENCER: _ADD, Role.AUDITOR: _READ},
    "log_act": {Role.SEQUENCER: _ERASED_OR_HELD, Role.AUDITOR: _ADD},
    # the database itself
    "installation": dict.fromkeys((Role.API, Role.REGISTER, Role.SEQUENCER, Role.AUDITOR), _ADD),
    "alembic_version": dict.fromkeys((Role.API, Role.REGISTER, Role.SEQUENCER, Role.AUDITOR), _READ),
}
"""What each role may do with each table. A table that is missing here, or has no role, is its owner's alone."""

DEFINERS: Final[tuple[Definer, ...]] = (OPEN, READ_STANDING, READ_PRESENT, TOLD)
"""What is done for a role that it may not do itself."""
_NO_MORE: Final = ("read_told_children", "read_told_people")
"""Functions of earlier releases."""

_OTHERS: Final = tuple(role for role in Role if role is not Role.OWNER)


def _quoted(kinds: Iterable[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


# Of some tables a role sees or adds a part only. The owner, and so the functions that run as the owner, see all.
_POLICIES: Final = (
    ("access_entry", "seen", f"FOR SELECT TO {', '.join(_OTHERS)} USING (true)"),
    # What is done with the log itself is said by those who do it: nobody else makes such an entry up.
    ("access_entry", "of_requests", f"FOR INSERT TO {Role.API}, {Role.REGISTER} WITH CHECK (kind NOT LIKE 'log.%')"),
    (
        "access_entry",
        "of_searches",
        f"FOR INSERT TO {Role.REGISTER} WITH CHECK (kind IN ({_quoted(SEARCHES)}))",
    ),
    ("access_entry", "of_the_log", f"FOR INSERT TO {Role.SEQUENCER}, {Role.AUDITOR} WITH CHECK (kind LIKE 'log.%')"),
    ("access_entry", "of_acts", f"FOR INSERT TO {Role.AUDITOR} WITH CHECK (kind IN ({_quoted((REFUSED, *HOLDING))}))"),
    ("access_entry", "of_erasing", f"FOR INSERT TO {Role.SEQUENCER} WITH CHECK (kind = '{ERASED}')"),
    ("access_entry", "erased", f"FOR DELETE TO {Role.SEQUENCER} USING (true)"),
    ("log_secret", "kept", f"FOR SELECT TO {Role.SEQUENCER}, {Role.AUDITOR} USING (true)"),
    ("log_secret", "made", f"FOR INSERT TO {Role.SEQUENCER} WITH CHECK (true)"),
    ("log_secret", "shredded", f"FOR DELETE TO {Role.SEQUENCER} USING (true)"),
    # To open its gate an enquiry needs the secret of its entry, and of no entry of another kind.
    (
        "log_secret",
        "of_enquiries",
        f"FOR SELECT TO {Role.API} USING (EXISTS (SELECT FROM log_entry e JOIN access_entry a "
        f"ON a.id = e.access_entry_id WHERE e.id = log_secret.entry_id AND a.kind IN ('{RECEIVED}', '{RESUMED}')))",
    ),
)

# Whoever migrates has to be of the owner to hand over what they made; they may join, where they may make roles.
_JOIN = f"""
DO $$ BEGIN
    IF NOT pg_has_role(current_user, '{Role.OWNER}', 'USAGE') THEN
        EXECUTE format('GRANT {Role.OWNER} TO %I', current_user);
    END IF;
END $$
"""
_HAND_OVER = f"""
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT oid::regclass AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relkind = 'r' AND relowner <> '{Role.OWNER}'::regrole
    LOOP EXECUTE format('ALTER TABLE %s OWNER TO {Role.OWNER}', one.name); END LOOP;
    FOR one IN SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        AND proowner <> '{Role.OWNER}'::regrole
    LOOP EXECUTE format('ALTER FUNCTION %s OWNER TO {Role.OWNER}', one.name); END LOOP;
END $$
"""
# As revision 0007 made it, but that a look into the register goes with its own entry too: that of an inbox has no
# enquiry.
_LET_GO = """
CREATE OR REPLACE FUNCTION refuse_unless_erased() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    erased boolean;
BEGIN
    IF TG_TABLE_NAME = 'access_entry' THEN
        erased := EXISTS (SELECT FROM log_erased WHERE access_entry_id = OLD.id);
    ELSIF TG_TABLE_NAME IN ('log_search', 'log_act') THEN
        erased := EXISTS (SELECT FROM log_erased WHERE access_entry_id = OLD.access_entry_id);
    ELSIF TG_TABLE_NAME = 'enquiry' THEN
        erased := EXISTS (SELECT FROM log_erased WHERE reference = OLD.reference);
    ELSE
        erased := EXISTS (
            SELECT FROM enquiry e JOIN log_erased l ON l.reference = e.reference WHERE e.id = OLD.enquiry_id
        );
    END IF;
    IF NOT erased AND TG_TABLE_NAME = 'register_opened' THEN
        erased := EXISTS (SELECT FROM log_erased WHERE access_entry_id = OLD.access_entry_id);
    END IF;
    IF erased THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$
"""


def _statements() -> Iterable[str]:
    roles = ", ".join(_OTHERS)
    yield from map(making, Role)
    yield _JOIN
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f"GRANT USAGE ON SCHEMA public TO {roles}"
    yield f"GRANT USAGE, CREATE ON SCHEMA public TO {Role.OWNER}"
    yield _HAND_OVER
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {roles}"
    yield f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, {roles}"
    yield f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC, {roles}"
    for table, granted in GRANTS.items():
        yield from (f"GRANT {what} ON {table} TO {role}" for role, what in granted.items())
    yield "ALTER FUNCTION queue_for_the_tree() SECURITY DEFINER SET search_path = public, pg_temp"
    for table in dict.fromkeys(table for table, _, _ in _POLICIES):
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    for table, name, policy in _POLICIES:
        yield f"DROP POLICY IF EXISTS {name} ON {table}"
        yield f"CREATE POLICY {name} ON {table} {policy}"
    yield from (f"DROP FUNCTION IF EXISTS {name}" for name in _NO_MORE)
    for definer in DEFINERS:
        yield from definer.statements
    yield _LET_GO


@cache
def statements() -> tuple[str, ...]:
    """Return what makes the privileges of this release, and last the mark by which they are known again."""
    made = tuple(_statements())
    return (*made, f"COMMENT ON FUNCTION {OPEN.name} IS '{hashlib.sha256(repr(made).encode()).hexdigest()}'")


NO_GATE: Final = (
    "The login of REGISTRY_API_DATABASE_URL may read the register, so nothing would hold an enquiry to its entry in "
    "the log: give it membership of registry_api alone (docs/database-roles.md)."
)

IS_CURRENT: Final = f"""
SELECT coalesce(position(obj_description(to_regproc('{OPEN.name}'), 'pg_proc') IN $1) > 0, false)
"""
"""Whether a database stands under the privileges whose last statement is given."""


async def are_current(database: Database) -> bool:
    """Return whether the database stands under the privileges of this release. Raises StoreUnavailable."""
    async with database.connection() as connection:
        return bool(await connection.fetchval(IS_CURRENT, statements()[-1]))


async def reads_register(connection: Connection) -> bool:
    """Return whether a connection may read the register past the gate, or become somebody who may."""
    found: bool = await connection.fetchval(
        "SELECT bool_or(has_table_privilege(oid, 'child', 'SELECT')) FROM pg_roles "
        "WHERE pg_has_role(current_user, oid, 'MEMBER')"
    )
    return found
