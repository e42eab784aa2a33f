"""`registry-api log hold`, `lift` and `holds`: entries that must not be erased, and by whose word."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from policies import access
from registry_api.access_log import acting, keeping_store
from registry_api.cli.log_acting import Who, act
from registry_api.cli.log_keeping import with_log
from registry_api.cli.output import Failure, console, facts, moment, note
from registry_api.kernel.clock import utc_now
from registry_api.kernel.crypto import EnvelopeError, LocalKeys, Vault
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.settings import Settings


def place(who: Who, *, child_id: UUID | None, reference: str | None, professional_id: UUID | None) -> None:
    """Keep entries from erasure until the hold is lifted. Raises Failure; then there is no hold."""
    if sum(one is not None for one in (child_id, reference, professional_id)) != 1:
        raise Failure("Say what is held: one of --child, --reference and --professional.")
    hold = uuid4()

    async def placed(connection: Connection, entry: int) -> None:
        await keeping_store.place_hold(
            connection,
            hold,
            child_id=child_id,
            reference=reference,
            professional_id=professional_id,
            at=utc_now(),
            entry=entry,
        )

    async def run(settings: Settings, database: Database, local: LocalKeys) -> None:
        await act(
            settings,
            database,
            local,
            who,
            lambda enquirer, today: access.may_hold_log(enquirer, today, about=professional_id),
            kind=acting.HOLD_PLACED,
            reference=reference or str(hold),
            child_ids=[child_id] if child_id else (),
            also=placed,
        )

    with_log(run)
    console.print(str(hold))
    note("The hold stands. What was erased before it is gone; nothing else of it will be until it is lifted.")


def lift(hold: UUID, who: Who) -> None:
    """Let entries be erased again when their time is over. Raises Failure; then the hold stands."""

    async def lifted(connection: Connection, entry: int) -> None:
        if await keeping_store.standing_hold(connection, hold) is None:
            raise Failure("Somebody else lifted it meanwhile.")
        await keeping_store.lift_hold(connection, hold, utc_now(), entry)

    async def run(settings: Settings, database: Database, local: LocalKeys) -> None:
        async with database.transaction() as connection:
            standing = await keeping_store.standing_hold(connection, hold)
        if standing is None:
            raise Failure("There is no hold of that id, or it was lifted already.")
        await act(
            settings,
            database,
            local,
            who,
            lambda enquirer, today: access.may_hold_log(enquirer, today, about=standing["professional_id"]),
            kind=acting.HOLD_LIFTED,
            reference=standing["reference"] or str(hold),
            child_ids=[standing["child_id"]] if standing["child_id"] else (),
            also=lifted,
        )

    with_log(run)
    note("The hold is lifted.")


def show(who: Who) -> None:
    """Show the holds that stand, who placed them and why. Raises Failure."""

    async def run(settings: Settings, database: Database, local: LocalKeys) -> list[list[tuple[str, str]]]:
        await act(settings, database, local, who, access.may_hold_log, kind=acting.HOLDS_READ)
        async with database.connection() as connection:
            rows = await keeping_store.standing_holds(connection)
        return [_shown(row, Vault(local)) for row in rows]

    shown = with_log(run)
    for one in shown:
        console.print(facts("Legal hold", one))
    if not shown:
        note("No hold stands.")


def _shown(row: Mapping[str, Any], vault: Vault) -> list[tuple[str, str]]:
    held = next(
        f"{what} {row[column]}"
        for what, column in (("child", "child_id"), ("reference", "reference"), ("professional", "professional_id"))
        if row[column] is not None
    )
    try:
        why = acting.why(vault, row["act"], row["data_key"], row["sealed_why"]) if row["act"] else "erased"
    except EnvelopeError:
        why = "does not open any more"
    placed_at = row["placed_at"]
    assert isinstance(placed_at, datetime)
    return [
        ("Id", str(row["id"])),
        ("Holds", held),
        ("Since", moment(placed_at.isoformat())),
        ("By", f"{row['placed_by']}, {row['operator']}"),
        ("Why", why),
    ]
