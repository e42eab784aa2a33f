"""Column types that every room's tables share."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, DateTime, Text, text
from sqlmodel import Field


def row_id() -> Any:
    """Return the primary key of a row: random, so that neighbours in a table say nothing about each other."""
    return Field(default_factory=uuid4, primary_key=True)


def moment(**options: Any) -> Any:
    """Return a point in time, stored with its zone."""
    return Field(sa_type=DateTime(timezone=True), **options)


def since_then(value: object, in_sql: str, **options: Any) -> Any:
    """Return a column that was added later: rows from before it have ``value``, which is ``in_sql`` to the database."""
    return Field(default=value, sa_column_kwargs={"server_default": text(in_sql)}, **options)


def codes(**options: Any) -> Any:
    """Return a list of fixed codes."""
    return Field(sa_type=ARRAY(Text), **options)


__all__ = ["UUID", "codes", "datetime", "moment", "row_id", "since_then"]
