"""Logs that cannot tell on anybody: only fields from a list, and of an exception only its type and place."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    {"event", "level", "timestamp", "request_id", "error", "where", "seconds", "port", "workers", "revision", "kind"}
)


def _allow_listed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: value for name, value in event.items() if name in ALLOWED}


def configure_logs() -> None:
    """Write one JSON object a line to standard error; drop every field that is not on the list.

    The libraries' own loggers are kept to errors: what they say of a request may hold what was asked.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _allow_listed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.ERROR)
    logging.getLogger("sqlalchemy").setLevel(logging.CRITICAL)
    # An exception that escaped a request is reported by problems.py; the server's own report prints its text.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
