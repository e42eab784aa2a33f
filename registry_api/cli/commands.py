"""All commands in one place, and what becomes of their failures: one sentence, never a page of code.

A failure that nobody foresaw is shown by Python itself, without the values of variables: they may hold somebody's name.
"""

import sys

import typer

from registry_api.cli import administration, asking, following_up, keeping, log_commands, telephoning, transferring
from registry_api.cli.output import Failure, complain
from registry_api.kernel.errors import KeysUnusable, StoreUnavailable

HELP = "The Child Protection Register Enquiry Service: run it, keep its register, or ask it."

app = typer.Typer(
    name="registry-api", help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
)
for module in (administration, keeping, log_commands, asking, telephoning, following_up, transferring):
    module.add_commands(app)


def run() -> None:
    """Run one command and leave with its exit code: 0 done, 1 not done, 2 called wrongly, 130 interrupted."""
    try:
        app()
    except (Failure, KeysUnusable) as failure:
        complain(str(failure))
    except StoreUnavailable:
        complain("The database cannot be reached, or was lost on the way. Nothing was left half done.")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(1)
