"""What tests of the gate try it with: the role that answers enquiries, and an enquiry that has read nothing yet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from builders import World, question
from logins import url_as

from registry_api.enquiries import found
from registry_api.enquiries.gate import OPEN, Gate
from registry_api.kernel.db import Connection
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.postgres import libpq_dsn
from registry_api.kernel.roles import Role
from registry_api.kernel.statement import Statement

SHUT = pytest.raises(asyncpg.InsufficientPrivilegeError, match="the register stays shut")
OPENING = Statement(OPEN.call)


async def candidates(connection: Connection, gate: Gate) -> list[UUID]:
    return [row["id"] for row in await OPENING.fetch(connection, gate.values)]


@asynccontextmanager
async def as_role(world: World, role: Role) -> AsyncIterator[asyncpg.Connection]:
    """Whoever has the password of this login, with a client of their own."""
    url = world.database.engine.url.render_as_string(hide_password=False)
    connection = await asyncpg.connect(libpq_dsn(url_as(role, url)))
    try:
        yield connection
    finally:
        await connection.close()


async def unused(world: World, child: dict[str, Any] | None = None, **more: Any) -> Gate:
    """Make an enquiry that fails before it reads the register, and return the gate that it would have opened."""
    held: list[Gate] = []

    async def caught(*_: object, gate: Gate, **__: object) -> None:
        held.append(gate)
        raise StoreUnavailable

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(found, "find", caught)
        assert (await world.ask("officer-1", child or question(), **more)).status_code == 503
    (gate,) = held
    return gate
