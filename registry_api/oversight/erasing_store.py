"""The queries of erasing alerts: which enquiries are behind open ones, and which are about nothing any more."""

from collections.abc import Sequence

from registry_api.kernel.db import Connection


async def under_open_alert(connection: Connection, references: Sequence[str]) -> set[str]:
    """Return which of these enquiries an alert is about that nobody has decided."""
    rows = await connection.fetch(
        "SELECT e.reference FROM enquiry e WHERE e.reference = ANY($1) "
        "AND EXISTS (SELECT FROM alert a WHERE a.decided_at IS NULL AND e.id = ANY(a.enquiry_ids))",
        list(references),
    )
    return {row["reference"] for row in rows}


async def delete_alerts_about_nothing(connection: Connection) -> None:
    """Delete decided alerts, with the notifications of them, whose enquiries have all been erased."""
    await connection.execute(
        "WITH gone AS (DELETE FROM alert a WHERE a.decided_at IS NOT NULL "
        "AND NOT EXISTS (SELECT FROM enquiry e WHERE e.id = ANY(a.enquiry_ids)) RETURNING id) "
        "DELETE FROM notification n USING gone WHERE n.alert_id = gone.id"
    )
