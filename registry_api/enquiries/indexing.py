"""By which rows of the index a later enquiry about the same child finds this one (ENQ-7).

They are those of a child, with a number of the enquiry behind their masks (docs/adr/0029).
"""

from typing import Any, Final
from uuid import UUID

from registry_api.matching.record import Record
from registry_api.matching.token_keys import Posting, TokenKeys
from registry_api.matching.tokens import index_tokens

TABLE: Final = "enquiry_token"


def indexed_values(enquiry_id: UUID, record: Record | None, token_keys: TokenKeys) -> dict[str, Any]:
    """Return the named values of ``store.receive`` by which an enquiry is found; None: by nothing."""
    number = token_keys.number(enquiry_id)
    found_by = token_keys.postings(index_tokens(record, token_keys), number) if record else []
    return {
        "number": number,
        "token_version": token_keys.version,
        "tokens": [token for token, _, _ in found_by],
        "nonces": [nonce for _, nonce, _ in found_by],
        "pointers": [pointer for _, _, pointer in found_by],
    }


def standing_postings(record: Record, number: int, token_keys: TokenKeys) -> set[Posting]:
    """Return every row that an enquiry of this number may stand by, under the version of ``token_keys``.

    A function of the sealed record alone, so that the index needs no column to find an enquiry's own rows. Those from
    an earlier release have no masks, of whatever version they are.
    """
    tokens = index_tokens(record, token_keys)
    return {*token_keys.postings(tokens, number), *((token, None, number) for token in tokens)}
