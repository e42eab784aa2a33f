"""Writes the generated documents: ``python -m tests.house.generate``; with ``--check``, says which are out of date.

``--check`` writes nothing. It exits with 1 when a document is not what would be written now, when a rule that counts as
built has no code or no test, or when a requirement of security names a test that does not exist.
"""

import sys

from tests.house import grants_table, outcome_table, permission_table, security, traceability
from tests.house.repository import ROOT


def main(arguments: list[str]) -> int:
    """Write the documents, or check them; return the exit code. A gap is told of either way."""
    check = "--check" in arguments
    collected = traceability.collect()
    found = traceability.traces(traceability.code_by_rule(), collected.tests)
    required = security.read()
    documents = {
        ROOT / "docs" / "traceability.md": traceability.render(found),
        ROOT / "docs" / "outcome-table.md": outcome_table.render(),
        ROOT / "docs" / "database-grants.md": grants_table.render(),
        ROOT / "docs" / "permissions.md": permission_table.render(),
        ROOT / "docs" / "security.md": security.render(required),
    }
    failed = False
    for path, text in documents.items():
        name = path.relative_to(ROOT)
        if not check:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            failed = True
            print(f"{name} is out of date: run `make docs`.", file=sys.stderr)
    for trace in found:
        if trace.gap:
            failed = True
            print(f"{trace.rule.identifier} counts as built and has {trace.gap}.", file=sys.stderr)
    for missing in security.gaps(required, collected.every):
        failed = True
        print(missing, file=sys.stderr)
    return int(check and failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
