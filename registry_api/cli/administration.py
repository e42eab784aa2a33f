"""What whoever runs a deployment types: `serve`, `migrate`, `enrol`, `suspend`, `absence`, `import`, `demo` and so on.

Each imports what it needs when it is called. Who only asks has no use for a database or a web server, and would wait a
second for them at every enquiry.
"""

from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

_MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M"]


WhyOption = Annotated[str, typer.Option("--why", help="Why; kept sealed with the change, for whoever looks it over.")]
ByOption = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="SUBJECT",
        help="Which member of the authority's staff does it, by its own identifier of them. The account of this "
        "machine is recorded in any case.",
    ),
]


class Suspended(Enum):
    """What can be suspended."""

    PROFESSIONAL = "professional"
    CLIENT = "client"
    ORGANISATION = "organisation"
    AGREEMENT = "agreement"


def add_commands(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (serve, migrate, enrol, suspend, absence, rotate_signing_key, synthesise, demo):
        app.command()(command)
    app.command("sign-in-key")(sign_in_key)
    app.command("set-up")(set_up)
    app.command("make-key")(make_key)
    app.command("import")(import_register)
    app.command("import-people")(import_people)


def serve(
    workers: Annotated[int | None, typer.Option(min=1, max=64, help="Processes that answer requests.")] = None,
) -> None:
    """Run the service until Ctrl-C or SIGTERM.

    Everything else is set by the environment: REGISTRY_HOST, REGISTRY_PORT, REGISTRY_BASE_URL, REGISTRY_DATABASE_URL,
    REGISTRY_STATE_DIR, REGISTRY_PROFILE. Without REGISTRY_DATABASE_URL a PostgreSQL of its own is started and migrated.
    """
    from registry_api.cli import service

    service.serve(workers)


def migrate() -> None:
    """Bring the database to the schema of this release. Doing it twice changes nothing."""
    from registry_api.cli import service

    service.migrate()


def sign_in_key(
    file: Annotated[Path, typer.Argument(help="The credential file to make; docs/sign-in.md says what it is for.")],
    certificate: Annotated[
        Path | None, typer.Option(help="Make a certificate as well, for a provider that wants one (Entra ID).")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=1095, help="How long the certificate is good for.")] = 365,
) -> None:
    """Make the key by which this service proves who it is where staff sign in.

    The public key set, for the provider to be given, is printed; with a certificate, that is what it is given.
    """
    from registry_api.cli import credentials

    credentials.make_sign_in_key(file, certificate, days)


def set_up(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="The authority, its agreement and its first staff as JSON (docs/enrolment.md), or - for standard "
            "input; without it, they are asked for.",
        ),
    ] = None,
    client_file: Annotated[
        Path | None,
        typer.Option(help="Where to write credentials for commands that act as the authority's staff; mode 0600."),
    ] = None,
) -> None:
    """Make a fresh database the register of a real authority: schema, keys, the authority and its first staff.

    REGISTRY_PROFILE says by whose procedures. All or nothing; a database with an authority in it is refused.
    """
    from registry_api.cli import first_run

    first_run.set_up(file, client_file=client_file)


def make_key(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT_ID", help="The system, as it is or will be enrolled.")],
    client_file: Annotated[Path, typer.Option(help="Where the private half goes; for its owner's eyes only.")],
    base_url: Annotated[
        str,
        typer.Option(envvar="REGISTRY_BASE_URL", help="Where the service is, https://… without a slash at the end."),
    ],
) -> None:
    """Make a key for an organisation's system and print its public half, which the authority enrols."""
    from registry_api.cli import credentials

    credentials.make_key(client_id, client_file, base_url)


def enrol(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON; docs/enrolment.md describes it.")],
    why: WhyOption,
    by: ByOption = None,
) -> None:
    """Enrol organisations with their agreements, systems and professionals, or change them: all of a file, or nothing.

    What is as the file says already is left as it is; who is not in the file stays enrolled.
    """
    from registry_api.cli import loading

    loading.enrol_file(file, why=why, by=by)


def suspend(
    what: Annotated[Suspended, typer.Argument(help="What is suspended.")],
    identifiers: Annotated[
        list[str],
        typer.Argument(
            metavar="ID…",
            help="An organisation's code, a client's or an agreement's id, or a professional's CODE/SUBJECT.",
        ),
    ],
    why: WhyOption,
    by: ByOption = None,
    lift: Annotated[bool, typer.Option("--lift", help="End the suspension.")] = False,
) -> None:
    """Keep somebody out from their next request on. What waits in their inbox goes to the duty social worker."""
    from registry_api.cli import standing

    standing.suspend(what.value, identifiers, lifted=lift, why=why, by=by)


def absence(
    subject: Annotated[str, typer.Argument(help="Who is away, by the authority's own identifier.")],
    starts: Annotated[datetime, typer.Option("--from", formats=_MOMENTS, help="Since when, in the authority's time.")],
    ends: Annotated[datetime, typer.Option("--to", formats=_MOMENTS, help="Until when, this moment not included.")],
    why: WhyOption,
    by: ByOption = None,
    cover: Annotated[str | None, typer.Option(help="Who stands in, likewise; without it nobody does.")] = None,
) -> None:
    """Record that one of the authority's own staff is away: enquiries go to whoever stands in.

    The same again with another --to or --cover changes it; to end it at once, let --to be now.
    """
    from registry_api.cli import standing

    standing.absence(subject, starts, ends, covered_by=cover, why=why, by=by)


def rotate_signing_key(
    why: WhyOption,
    by: ByOption = None,
    lead: Annotated[
        int, typer.Option(min=7, max=7 * 24 * 60, help="Minutes for which the new key is published before it signs.")
    ] = 10,
    at_once: Annotated[
        bool,
        typer.Option(
            "--at-once",
            help="The old key may have become known: the new one signs now, and no token of the old one is accepted.",
        ),
    ] = False,
) -> None:
    """Have another key sign access tokens, while the service runs: its workers follow within a second.

    The old key is accepted until the last token that it signed has expired. Where several machines serve, bring the
    file to each of them before the lead is over.
    """
    from registry_api.cli import signing

    signing.rotate(lead_minutes=lead, at_once=at_once, why=why, by=by)


def import_register(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV; docs/import.md describes it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
    skip_rejected: Annotated[
        bool, typer.Option("--skip-rejected", help="Load the good rows of a file that has others.")
    ] = False,
) -> None:
    """Load a file into the register: all of it, or nothing. The same file again changes nothing.

    Exit code 1 when rows were rejected.
    """
    from registry_api.cli import loading

    if not loading.import_into_register(file, dry_run=dry_run, skip_rejected=skip_rejected):
        raise typer.Exit(1)


def import_people(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV; docs/import.md describes it.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, write nothing.")] = False,
) -> None:
    """Load notifications of people who may pose a risk of significant harm: all of the file, or nothing.

    Whoever works with a child on a plan at one of their addresses is told. Exit code 1 when rows were rejected.
    """
    from registry_api.cli import loading

    if not loading.import_people_who_may_pose_a_risk(file, dry_run=dry_run):
        raise typer.Exit(1)


def synthesise(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    seed: Annotated[int, typer.Option(help="The same seed and figures give the same children.")] = 1,
    on_plan: Annotated[int, typer.Option(min=0, help="Children on a plan.")] = 1_000,
    open_cases: Annotated[int, typer.Option("--open", min=0, help="Children with an open case and no plan.")] = 10_000,
    closed_cases: Annotated[int, typer.Option("--closed", min=0, help="Children whose case is closed.")] = 30_000,
    staff_file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="An enrolment file (docs/enrolment.md): the authority's key workers and team managers in it get the "
            "cases. Without one, those of the demonstration do.",
        ),
    ] = None,
) -> None:
    """Write a synthetic register as an import file. Nobody in it exists."""
    from registry_api.cli import loading

    loading.write_synthetic(
        out, seed=seed, on_plan=on_plan, open_cases=open_cases, closed_cases=closed_cases, staff_file=staff_file
    )


def demo(
    scale: Annotated[
        float, typer.Option(envvar="REGISTRY_DEMO_SCALE", min=0.001, max=10, help="Size of the register; 1 is 41,000.")
    ] = 1.0,
) -> None:
    """Make an invented authority with a synthetic register, run the service, and ask it one of everything.

    On a terminal the service stays up until Ctrl-C. It keeps to a database of its own under .state/demo, or under
    REGISTRY_STATE_DIR; no other database is touched. Exit code 1 when an answer is not the expected one.
    """
    from registry_api.cli.demo import run

    run.demonstrate(scale)
