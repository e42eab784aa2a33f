"""`held` and `call-back`: enquiries that were taken down on the telephone, until their callers have been reached."""

from typing import Annotated

import typer

from registry_api.cli.asking import AsOption, ClientOption, IdTokenOption, JsonOption, acting, show_json
from registry_api.cli.output import answer_rows, console, facts, held_rows, note
from registry_api.cli.remote import ClientFile, Remote

_SCOPE = "enquiry"
_PATH = "/api/v1/telephone-enquiries"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(held)
    app.command("call-back")(call_back)


def held(
    client_file: ClientOption,
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the enquiries whose callers have not been reached, the most urgent first. The reading is recorded."""
    with Remote(ClientFile.read(client_file)) as service:
        shown = service.call("GET", _PATH, as_whom=acting(as_whom, id_token_file), scope=_SCOPE).json()
    if as_json:
        show_json(shown)
        return
    for one in shown["held"]:
        console.print(facts("Waits for a call-back", held_rows(one)))
    if not shown["held"]:
        note("Nobody waits for a call-back.")


def call_back(
    client_file: ClientOption,
    reference: Annotated[str, typer.Argument(help="Of the enquiry, such as E-1A2B3-4C5D6.")],
    number: Annotated[str, typer.Option(help="Which number you called: office or out_of_hours.")],
    reached: Annotated[
        bool, typer.Option("--reached/--not-reached", help="Whether you spoke to the caller on that number.")
    ],
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that you called back. Once the caller has been reached, the answer is shown, to be read to them."""
    with Remote(ClientFile.read(client_file)) as service:
        said = service.call(
            "POST",
            f"{_PATH}/{reference}/call-backs",
            as_whom=acting(as_whom, id_token_file),
            scope=_SCOPE,
            body={"called": number, "reached": reached},
        ).json()
    if as_json:
        show_json(said)
        return
    note(said["what_to_do"])
    if answer := said.get("answer"):
        console.print(facts(f"Enquiry {answer['reference']}", answer_rows(answer)))
