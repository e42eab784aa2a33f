"""One statement, one round trip, one commit: SQL with named parameters, put together from parts that each room owns.

An enquiry's answer, its notifications and its log entry are one write. Each room keeps the SQL of its own tables as a
named part; the use-case that needs them together composes them once, at import, as data-modifying CTEs of a single
statement, which PostgreSQL carries out whole or not at all, without BEGIN and COMMIT as round trips of their own.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from registry_api.kernel.db import Connection

_NAMED = re.compile(r"(?<![:\w]):([a-z_]+)")


def as_given(sql: str, fixed: Mapping[str, float] = MappingProxyType({})) -> str:
    """Return ``sql`` for a function's body: its ``:named`` values are the arguments ``given_…``, or ``fixed``."""
    return _NAMED.sub(lambda found: str(fixed.get(found[1], f"given_{found[1]}")), sql)


class Statement:
    """A statement with ``:named`` parameters, compiled once to PostgreSQL's positional ones."""

    __slots__ = ("names", "sql")

    def __init__(self, sql: str) -> None:
        """Compile ``sql``; the same name may stand in it several times."""
        self.names: list[str] = list(dict.fromkeys(_NAMED.findall(sql)))
        position = {name: f"${number}" for number, name in enumerate(self.names, 1)}
        self.sql = _NAMED.sub(lambda found: position[found[1]], sql)

    @classmethod
    def of_parts(cls, parts: Mapping[str, str], answer: str) -> "Statement":
        """Compose ``WITH name AS (part), … answer``.

        Parts run against the same snapshot and cannot see each other's rows except through RETURNING
        (PostgreSQL manual, 7.8.4).
        """
        return cls("WITH " + ",\n".join(f"{name} AS ({sql})" for name, sql in parts.items()) + "\n" + answer)

    async def fetch(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Run it and return its rows. Raises KeyError when a named value is missing."""
        return await connection.fetch(self.sql, *[values[name] for name in self.names])

    async def fetchrow(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Run it and return its first row, or None."""
        return await connection.fetchrow(self.sql, *[values[name] for name in self.names])
