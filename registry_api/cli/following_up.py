"""The commands of the follow-up, as the authority's own staff see it: inbox, considerations, and alerts of misuse."""

import sys
from typing import Annotated
from uuid import UUID

import typer

from registry_api.cli.asking import AsOption, ClientOption, IdTokenOption, JsonOption, acting, show_json
from registry_api.cli.output import console, facts, note
from registry_api.cli.remote import ClientFile, Remote
from registry_api.cli.to_follow_up import alert_rows, consideration_rows, notification_rows

_SCOPE = "casework"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (inbox, acknowledge, considerations, decide, alerts, decide_alert):
        app.command()(command)


def inbox(
    client_file: ClientOption,
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what has been picked up.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="The newest so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show what waits for a member of staff and their role, the newest first. The reading is recorded."""
    query = {"waiting": str(not everything).lower(), "limit": limit}
    with Remote(ClientFile.read(client_file)) as service:
        page = service.call(
            "GET", "/api/v1/notifications", as_whom=acting(as_whom, id_token_file), scope=_SCOPE, query=query
        ).json()
    if as_json:
        show_json(page)
        return
    for notification in page["notifications"]:
        console.print(facts(_title(notification["kind"]), notification_rows(notification)))
    if not page["notifications"]:
        note("Nothing waits for you.")
    if page.get("next"):
        note(f"These are the newest {limit}; there is more. Show more with --limit.")


def acknowledge(
    client_file: ClientOption,
    notification: Annotated[UUID, typer.Argument(help="The notification, as the inbox names it.")],
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
) -> None:
    """Say that you have picked up a notification. Doing it twice changes nothing."""
    path = f"/api/v1/notifications/{notification}/acknowledge"
    with Remote(ClientFile.read(client_file)) as service:
        done = service.call("POST", path, as_whom=acting(as_whom, id_token_file), scope=_SCOPE).json()
    note("It had been picked up before." if done["already"] else "Picked up.")


def considerations(
    client_file: ClientOption,
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are decided.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the children who were asked about twice and are not known, those due first at the top."""
    query = {"open": str(not everything).lower()}
    with Remote(ClientFile.read(client_file)) as service:
        shown = service.call(
            "GET", "/api/v1/considerations", as_whom=acting(as_whom, id_token_file), scope=_SCOPE, query=query
        ).json()
    if as_json:
        show_json(shown)
        return
    for consideration in shown["considerations"]:
        console.print(facts("May this be a child in need?", consideration_rows(consideration)))
    if not shown["considerations"]:
        note("No consideration waits for a decision.")


def decide(
    client_file: ClientOption,
    consideration: Annotated[UUID, typer.Argument(help="The consideration, as the list names it.")],
    decision: Annotated[
        str,
        typer.Option(help="child_in_need_assessment, strategy_discussion, early_help or no_further_action."),
    ],
    reason: Annotated[
        str, typer.Option(help="Why; kept sealed with the decision. With - it is taken from standard input.")
    ],
    version: Annotated[int, typer.Option(min=1, help="The version that you read.")],
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
) -> None:
    """Record the decision on a consideration, and why."""
    with Remote(ClientFile.read(client_file)) as service:
        decided = service.call(
            "POST",
            f"/api/v1/considerations/{consideration}/decision",
            as_whom=acting(as_whom, id_token_file, also=reason),
            scope=_SCOPE,
            body={"decision": decision, "reason": sys.stdin.read() if reason == "-" else reason},
            headers={"If-Match": f'"{version}"'},
        ).json()
    console.print(facts("Decided", consideration_rows(decided)))


def alerts(
    client_file: ClientOption,
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are decided.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="The newest so many.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Show enquiries that look like misuse and are yours to decide, the newest first. The reading is recorded."""
    query = {"open": str(not everything).lower(), "limit": limit}
    with Remote(ClientFile.read(client_file)) as service:
        page = service.call(
            "GET", "/api/v1/alerts", as_whom=acting(as_whom, id_token_file), scope=_SCOPE, query=query
        ).json()
    if as_json:
        show_json(page)
        return
    for alert in page["alerts"]:
        console.print(facts("Is this misuse?", alert_rows(alert)))
    if not page["alerts"]:
        note("No alert waits for a decision of yours.")
    if page.get("next"):
        note(f"These are the newest {limit}; there is more. Show more with --limit.")


def decide_alert(
    client_file: ClientOption,
    alert: Annotated[UUID, typer.Argument(help="The alert, as the list names it.")],
    decision: Annotated[str, typer.Option(help="legitimate, to_discuss or misuse_suspected.")],
    reason: Annotated[
        str, typer.Option(help="Why; kept sealed with the decision. With - it is taken from standard input.")
    ],
    version: Annotated[int, typer.Option(min=1, help="The version that you read.")],
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
) -> None:
    """Record what you took the enquiries of an alert for, and why. It changes nothing for those who asked."""
    with Remote(ClientFile.read(client_file)) as service:
        decided = service.call(
            "POST",
            f"/api/v1/alerts/{alert}/decision",
            as_whom=acting(as_whom, id_token_file, also=reason),
            scope=_SCOPE,
            body={"decision": decision, "reason": sys.stdin.read() if reason == "-" else reason},
            headers={"If-Match": f'"{version}"'},
        ).json()
    console.print(facts("Decided", alert_rows(decided)))


def _title(kind: str) -> str:
    return kind.replace("_", " ").capitalize()
