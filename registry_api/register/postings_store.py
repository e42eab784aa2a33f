"""The rows of the blind indexes in SQL, of children as of earlier enquiries: found and unmasked, written, forgotten.

A row is a ``Posting``: a token, the nonce of its mask, and a number behind it (``matching.token_keys``, docs/adr/0029).
Promises: rows are written in the order of their tokens, for the order of a table says as much as its columns.
"""

from collections.abc import Collection, Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from registry_api.kernel.db import Connection
from registry_api.matching.token_keys import Posting

POSTING: Final = ("token", "nonce", "pointer")
"""The columns of such a row."""
BULK_SECONDS: Final = 300.0
"""A batch of thousands may take longer than the few seconds that an enquiry's statements are given."""

# The mask of a row is the head of a hash over the token's pad and the row's nonce (``matching.token_keys``).
NUMBER: Final = """
CASE WHEN t.nonce IS NULL THEN t.pointer ELSE t.pointer # ('x' || encode(
    substring(sha256(wanted.pad || int8send(t.nonce)) FROM 1 FOR 8), 'hex'))::bit(64)::bigint END
"""
"""The number of a row ``t`` of an index, for the ``pad`` of the token that is ``wanted``; NULL without one."""

_FORGET = """
DELETE FROM {table} USING unnest($1::bigint[], $2::bigint[]) AS old (token, pointer)
WHERE {table}.token = old.token AND {table}.pointer = old.pointer
"""


def sharing(table: str, most: int) -> str:
    """Return the part that finds which numbers of an index share tokens with a question, and the weight of these.

    Its named values are the ``tokens``, ``weights`` and ``pads`` of a question (``matching.tokens``), and
    ``least_weight``. ``most``: the rows read for one token.
    """
    # PostgreSQL cannot know how many rows an array parameter brings. The lateral LIMIT makes it walk the index once
    # for each token instead of guessing a join over the whole table.
    return f"""
SELECT hit.number, sum(wanted.weight) AS weight
FROM unnest(:tokens::bigint[], :weights::float8[], :pads::bytea[]) AS wanted(token, weight, pad)
CROSS JOIN LATERAL (SELECT {NUMBER} AS number FROM {table} t WHERE t.token = wanted.token LIMIT {most}) hit
GROUP BY hit.number
HAVING sum(wanted.weight) >= :least_weight
"""


def weightiest(table: str, most: int, *, but: str = "") -> str:
    """Return the part that finds the ``number`` and ``weight`` of those who share most, and the ``best`` weight.

    At most ``most_candidates``, a named value beside those of ``sharing``. ``but``: one number, in SQL, to leave out.
    """
    without = f"WHERE number IS DISTINCT FROM {but}" if but else ""
    return f"""
SELECT number, weight, max(weight) OVER () AS best FROM ({sharing(table, most)}) weighed
{without}
ORDER BY weight DESC
LIMIT :most_candidates
"""


async def write(
    connection: Connection, table: str, rows: Iterable[tuple[Any, ...]], columns: Sequence[str] = POSTING
) -> None:
    """Add rows by COPY, in the order of their first column: a token, or the random id of a row of another table.

    In the order of a file or of an entry, rows would lie beside those of the same child, and children beside their
    brothers and sisters.
    """
    if records := sorted(rows, key=itemgetter(0)):
        await connection.copy_records_to_table(table, records=records, columns=columns, timeout=BULK_SECONDS)


async def forget(connection: Connection, table: str, postings: Collection[Posting]) -> None:
    """Delete these rows of an index, those of them that stand there."""
    await connection.execute(
        _FORGET.format(table=table),
        [token for token, _, _ in postings],
        [pointer for _, _, pointer in postings],
        timeout=BULK_SECONDS,
    )
