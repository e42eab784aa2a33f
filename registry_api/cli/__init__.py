"""The command line, `registry-api`: the service and its register, and a client for those who ask.

This file stays empty of imports: every worker of the service passes through it, and has no use for a terminal.
"""


def main() -> None:
    """Run the command that the arguments name."""
    from registry_api.cli.commands import run

    run()
