"""`ask` and `headers`: an enquiry from the command line, as an organisation's own system would make it."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from auth.sending import Whom
from registry_api.cli.output import Failure, answer_rows, console, facts, held_rows, note
from registry_api.cli.remote import ClientFile, Remote

ClientOption = Annotated[
    Path,
    typer.Option(
        "--client-file",
        envvar="REGISTRY_CLIENT_FILE",
        help="Who your organisation's system is: client_id, private_jwk and base_url, as JSON.",
    ),
]
AsOption = Annotated[
    str | None, typer.Option("--as", help="The professional who acts, by your organisation's own identifier of them.")
]
IdTokenOption = Annotated[
    str | None,
    typer.Option(
        "--id-token-file",
        metavar="FILE|-",
        help="In place of --as: the professional who acts, by an ID token of your organisation's sign-in service.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as it came.")]

_FROM = (
    "Take the enquiry from a JSON file, or from standard input with -, in the form of the API. Options given beside it "
    "take precedence. The safe way on a shared machine: what stands on a command line is shown to its other users and "
    "kept in the shell's history."
)


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(ask)
    app.command()(headers)


def show_json(document: object) -> None:
    """Print a document as it came."""
    console.print(json.dumps(document, indent=2, ensure_ascii=False), soft_wrap=True)


def read_json(source: str) -> dict[str, Any]:
    """Read a JSON object from a file, or from standard input when ``source`` is ``-``. Raises Failure."""
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
        document = json.loads(text)
    except OSError as error:
        raise Failure(f"{source} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise Failure("What was given is not JSON in UTF-8.") from None  # not "from": it would quote the details
    if not isinstance(document, dict):
        raise Failure("What was given is not a JSON object.")
    return document


def acting(as_whom: str | None, id_token_file: str | None, *, also: str | None = None) -> Whom:
    """Return who acts, by the two options of which one is to be given. Raises Failure.

    ``also``: what else may be taken from standard input, where it is ``-``.
    """
    if (as_whom is None) is (id_token_file is None):
        raise Failure("Say who acts: with --as or with --id-token-file, one of them.")
    if id_token_file is None:
        return as_whom or ""
    path = Path(id_token_file)
    if str(path) != "-":
        return lambda: _id_token(path)  # read for each access token: whoever keeps the file may have renewed it
    if also == "-":
        raise Failure("Standard input can hold the ID token or what it is given for, not both.")
    once = sys.stdin.read().strip()
    return lambda: once


def _id_token(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except OSError as error:
        raise Failure(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeError:
        raise Failure(f"{path} holds no ID token.") from None


def ask(
    client_file: ClientOption,
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
    source: Annotated[str | None, typer.Option("--from", metavar="FILE|-", help=_FROM)] = None,
    given: Annotated[str | None, typer.Option(help="The child's given names.")] = None,
    family: Annotated[str | None, typer.Option(help="The child's family name.")] = None,
    born: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Date of birth.")] = None,
    age: Annotated[int | None, typer.Option(help="Age in years, where the date of birth is not known.")] = None,
    expected: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Expected delivery date of an unborn child.")
    ] = None,
    sex: Annotated[str | None, typer.Option(help="female or male.")] = None,
    nhs_number: Annotated[str | None, typer.Option(help="NHS number.")] = None,
    address: Annotated[str | None, typer.Option(help="House and street.")] = None,
    postcode: Annotated[str | None, typer.Option(help="Postcode.")] = None,
    mother_given: Annotated[str | None, typer.Option(help="The mother's given names.")] = None,
    mother_family: Annotated[str | None, typer.Option(help="The mother's family name.")] = None,
    mother_born: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="The mother's date of birth.")] = None,
    reason: Annotated[
        str | None,
        typer.Option(
            help="injury, neglect, sexual_abuse, emotional_abuse, domestic_abuse, disclosure, welfare_check, "
            "unborn_concern, missing_child or other."
        ),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Why you ask, in your own words.")] = None,
    urgency: Annotated[str | None, typer.Option(help="immediate, urgent or routine.")] = None,
    call_back: Annotated[str | None, typer.Option(help="The number on which you can be called back.")] = None,
    caller: Annotated[
        str | None,
        typer.Option(
            metavar="ORGANISATION[/SUBJECT]",
            help="You take this enquiry down for somebody who telephones: their organisation and its identifier of "
            "them, or the organisation alone with --caller-name and --caller-role. The answer is held until you have "
            "called them back (call-back).",
        ),
    ] = None,
    caller_name: Annotated[str | None, typer.Option(help="The name of a caller who is not enrolled.")] = None,
    caller_role: Annotated[str | None, typer.Option(help="The role of a caller who is not enrolled.")] = None,
    key: Annotated[
        str | None,
        typer.Option("--idempotency-key", help="Send an enquiry that failed on the way again, as the same enquiry."),
    ] = None,
    receipt: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the receipt: it proves to anybody that the answer stands in the log."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask whether a child is known, for yourself or for a caller. The enquiry is recorded before it is answered."""
    acts = acting(as_whom, id_token_file, also=source)
    question = read_json(source) if source else {}
    child = {
        "given_names": given,
        "family_name": family,
        "date_of_birth": born,
        "age_years": age,
        "expected_delivery_date": expected,
        "sex": sex,
        "nhs_number": nhs_number,
        "address": _given({"lines": address, "postcode": postcode}),
        "mother": _given({"given_names": mother_given, "family_name": mother_family, "date_of_birth": mother_born}),
    }
    how = {"reason": reason, "reason_text": text, "urgency": urgency, "call_back_number": call_back}
    described = question.get("child", {})
    body = {**question, **_given(how), "child": {**(described if isinstance(described, dict) else {}), **_given(child)}}
    if caller:
        organisation, _, professional = caller.partition("/")
        named = {"organisation": organisation, "professional": professional or None}
        body["caller"] = _given({**named, "name": caller_name, "role": caller_role})
    elif caller_name or caller_role:
        raise Failure("Say with --caller which organisation they call from.")
    by_telephone = "caller" in body
    key = key or str(uuid4())
    with Remote(ClientFile.read(client_file)) as service:
        try:
            response = service.call(
                "POST",
                "/api/v1/telephone-enquiries" if by_telephone else "/api/v1/enquiries",
                as_whom=acts,
                scope="enquiry",
                body=body,
                headers={"Idempotency-Key": key},
            )
        except Failure as failure:
            _say_how_to_repeat(failure, key)
            raise
    answer = response.json()
    if as_json:
        show_json(answer)
    else:
        if "idempotency-replayed" in response.headers:
            note("This is the answer that was given to the same enquiry before.")
        rows = held_rows if by_telephone else answer_rows
        console.print(facts(f"Enquiry {answer['reference']}", rows(answer)))
    if receipt is not None:
        _keep(answer.get("receipt"), receipt)


def _keep(receipt: str | None, path: Path) -> None:
    """After the answer is shown: whatever becomes of the file, that is what somebody waits for."""
    if receipt is None:
        raise Failure("There is no receipt yet: it comes with the answer, once the caller was called back.")
    try:
        path.write_text(receipt, encoding="utf-8")
    except OSError as error:
        raise Failure(f"The receipt cannot be written to {path}: {error.strerror}.") from None


def _given(details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if value is not None and value != {}}


def _say_how_to_repeat(failure: Failure, key: str) -> None:
    """Whether the enquiry was recorded is not known when the connection fails: only a refusal is certain."""
    if getattr(failure, "status", 503) >= 500:
        note(f"To send the same enquiry again: --idempotency-key {key}")


def headers(
    client_file: ClientOption,
    method: Annotated[str, typer.Argument(help="Of the request, such as POST.")],
    path: Annotated[str, typer.Argument(help="Of the request, such as /api/v1/enquiries; without a query.")],
    as_whom: AsOption = None,
    id_token_file: IdTokenOption = None,
    scope: Annotated[str, typer.Option(help="enquiry, casework or transfer.")] = "enquiry",
) -> None:
    """Print the headers for one request by another HTTP client: a token, and the proof of its key.

    They are good for one use within a minute, and for this method and path alone.
    """
    whom = acting(as_whom, id_token_file)
    with Remote(ClientFile.read(client_file)) as service:
        for name, value in service.headers(method.upper(), path, as_whom=whom, scope=scope).items():
            typer.echo(f"{name}: {value}")
