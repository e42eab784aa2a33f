"""Who may do what in the database: its roles, their logins, and the functions that do for a role what it may not.

The roles themselves cannot sign in. A running service signs in three times, each time as a member of one role, so that
what answers enquiries can be given less than what keeps the register (docs/database-roles.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self


class Role(StrEnum):
    """A role of the database. Made by a migration where the cluster has it not."""

    OWNER = "registry_owner"
    """Owns every table and function, and has no login."""
    API = "registry_api"
    """Answers requests. Reads of the register what its functions hand out, and nothing else."""
    REGISTER = "registry_register"
    """Keeps the register: imports, transfers, the index, matching again."""
    SEQUENCER = "registry_sequencer"
    """Puts entries of the access log into its tree and signs it, sends it out, and erases what has run out."""
    AUDITOR = "registry_auditor"
    """Reads the access log and keeps it from erasure, and says in it that it did."""


SERVING = (Role.API, Role.REGISTER, Role.SEQUENCER)
"""The roles that a running service signs in under."""


def _unless_there(name: str, options: str) -> str:
    # Looked for first, because whoever may make no roles is refused before it is said that there is one; and caught,
    # because another database of the cluster may be migrated at the same moment.
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') "
        f"THEN CREATE ROLE {name} {options}; END IF; "
        "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )


def making(role: Role) -> str:
    """Return the statement, a line, that makes a role unless the cluster has it for another database."""
    return _unless_there(role, "NOLOGIN")


def login(role: Role, name: str, password: str) -> list[str]:
    """Return the statements, a line each, that make a login of one role, or give it a new password.

    ``password``: letters, digits, ``-`` and ``_``.
    """
    return [
        making(role),
        _unless_there(name, "LOGIN"),
        f"ALTER ROLE {name} PASSWORD '{password}'",
        f"GRANT {role} TO {name}",
    ]


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """Where a running service signs in: ``postgresql+asyncpg://…`` of one database, under three logins."""

    api: str = field(repr=False)
    register: str = field(repr=False)
    sequencer: str = field(repr=False)

    @classmethod
    def one(cls, url: str) -> Self:
        """Return the same login for all. A service that is given one which may read the register does not start."""
        return cls(url, url, url)


@dataclass(frozen=True, slots=True)
class Definer:
    """A function that runs with its owner's rights, for roles that have not got them.

    Its names are looked up where nobody but the owner can make any, its plans are kept by each session, and nothing in
    it is put together at run time (PostgreSQL manual, CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely").

    Args:
        name: of the function.
        arguments: their types by name; ``given_`` is put before each name in the body.
        returns: what stands after RETURNS.
        body: PL/pgSQL from DECLARE or BEGIN on.
        callers: the roles that may call it.
    """

    name: str
    arguments: Mapping[str, str]
    returns: str
    body: str
    callers: tuple[Role, ...]

    @property
    def statements(self) -> tuple[str, ...]:
        """What makes the function anew and says who may call it."""
        given = ", ".join(f"given_{name} {kind}" for name, kind in self.arguments.items())
        signature = f"{self.name}({', '.join(self.arguments.values())})"
        return (
            f"DROP FUNCTION IF EXISTS {self.name}",
            f"CREATE FUNCTION {self.name}({given}) RETURNS {self.returns} LANGUAGE plpgsql SECURITY DEFINER "
            f"SET search_path = public, pg_temp AS $body$\n#variable_conflict use_column\n{self.body}\n$body$",
            f"ALTER FUNCTION {signature} OWNER TO {Role.OWNER}",
            f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC",
            *(f"GRANT EXECUTE ON FUNCTION {signature} TO {role}" for role in self.callers),
        )

    @property
    def call(self) -> str:
        """The part of a ``Statement`` that calls it, with a named value for each argument."""
        values = ", ".join(f":{name}::{kind}" for name, kind in self.arguments.items())
        return f"SELECT * FROM {self.name}({values})"  # noqa: S608 - names of ours
