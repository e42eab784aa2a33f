"""`notify-transfer` and `allocate`: a child on another authority's plan has moved here."""

from typing import Annotated, Any
from uuid import uuid4

import typer

from registry_api.cli.asking import AsOption, ClientOption, IdTokenOption, JsonOption, acting, read_json, show_json
from registry_api.cli.output import console, day, facts, moment, note
from registry_api.cli.remote import ClientFile, Remote


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(notify_transfer)
    app.command()(allocate)


def notify_transfer(
    client_file: ClientOption,
    source: Annotated[str, typer.Argument(metavar="FILE|-", help="The notification as JSON, in the form of the API.")],
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
    key: Annotated[
        str | None, typer.Option("--idempotency-key", help="Send a notification that failed on the way again.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Notify, for another authority, that a child on its plan has moved here. A temporary entry stands at once."""
    with Remote(ClientFile.read(client_file)) as service:
        receipt = service.call(
            "POST",
            "/api/v1/transfers/in",
            as_whom=acting(as_whom, id_token_file, also=source),
            scope="transfer",
            body=read_json(source),
            headers={"Idempotency-Key": key or str(uuid4())},
        ).json()
    if as_json:
        show_json(receipt)
    else:
        console.print(facts(f"Transfer {receipt['reference']}", receipt_rows(receipt)))


def receipt_rows(receipt: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what a notification of a move brought about."""
    return [
        ("Answer", receipt["what_it_means"]),
        ("Conference due", f"{day(receipt['conference_due'])} ({receipt['rule']})"),
        ("Responsible", receipt["responsible_until_then"]),
        ("Reference", f"{receipt['reference']}, received {moment(receipt['received_at'])}"),
    ]


def allocate(
    client_file: ClientOption,
    reference: Annotated[str, typer.Argument(help="The transfer, such as T-XXXXX-XXXXX.")],
    key_worker: Annotated[str, typer.Option(help="The key worker, by the authority's own identifier.")],
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
    team_manager: Annotated[str | None, typer.Option(help="The team manager, likewise.")] = None,
) -> None:
    """Give a child who was transferred in a key worker here, who is told."""
    body = {"key_worker": key_worker} | ({"team_manager": team_manager} if team_manager else {})
    path = f"/api/v1/transfers/{reference}/key-worker"
    with Remote(ClientFile.read(client_file)) as service:
        service.call("PUT", path, as_whom=acting(as_whom, id_token_file), scope="casework", body=body)
    note(f"Allocated: {key_worker} has been told.")
