"""Why an enquiry found whom it found: for each candidate, what each detail said for and against (ENQ-3).

For the safeguarding manager and the information governance officer, never for an enquirer: which detail agreed would
tell what the register holds. No detail of a child or of what was asked is in it, and the reading is recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from policies.access import Refused, may_open_restricted, may_read_log
from policies.enquirer import Enquirer
from policies.profile import Profile
from registry_api.access_log.admitting import admit
from registry_api.enquiries import afterwards_store as store
from registry_api.enquiries.children import read_record
from registry_api.enquiries.explaining_schemas import CandidateExplained, Explanation
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import Vault
from registry_api.kernel.db import Database
from registry_api.kernel.errors import NotFound
from registry_api.matching.bands import best_match, is_guarded
from registry_api.matching.record import Record
from registry_api.matching.score import explain, score
from registry_api.matching.token_keys import TOKEN_VERSION, TokenKeys
from registry_api.matching.tokens import query_tokens
from registry_api.matching.weights import SCORER_VERSION

_MOST_EXPLAINED = 10


@dataclass(frozen=True, slots=True)
class Explaining:
    """The use-case, over what it needs."""

    database: Database
    vault: Vault
    token_keys: TokenKeys
    profile: Profile
    clock: Clock

    async def explain(self, enquirer: Enquirer, reference: str) -> Explanation:
        """Return how the candidates of an enquiry are weighed, on the register as it stands now.

        Restricted children are left out, but for whoever may open their records.

        Raises Forbidden, also for one's own enquiry or one that was taken down for a caller; NotFound when there is
        none, or what was asked cannot be opened; StoreUnavailable.
        """
        now = self.clock()
        async with self.database.connection() as connection:
            row = await store.by_reference(connection, reference)
            today = self.profile.today(now)
            # One's own is also what one took down for a caller.
            concerned = {row["professional_id"], row["taken_by"]} if row else set()
            about = enquirer.professional_id if enquirer.professional_id in concerned else None
            decision = may_read_log(enquirer, today, about=about)
            children = row["child_ids"] if row else ()
            await admit(
                connection, enquirer, decision, "enquiry.explained", at=now, reference=reference, child_ids=children
            )
            question = read_record("enquiry", row, self.vault) if row else None
            if row is None or question is None:
                raise NotFound
            found = await store.candidates(connection, query_tokens(question, self.token_keys))
            hidden = frozenset[UUID]()
            if isinstance(may_open_restricted(enquirer, today), Refused):
                hidden = await store.restricted(connection, [one["id"] for one in found])
        entries = {one["id"]: record for one in found if (record := read_record("child", one, self.vault)) is not None}
        return Explanation(
            reference=reference,
            outcome=row["outcome"],
            band=best_match(question, list(entries.items())).band,
            scorer_version=SCORER_VERSION,
            token_version=TOKEN_VERSION,
            candidates=tuple(one for one in _explained(question, entries) if one.child_id not in hidden),
        )


def _explained(question: Record, entries: Mapping[UUID, Record]) -> tuple[CandidateExplained, ...]:
    best = score(question, list(entries.items()))[:_MOST_EXPLAINED]
    return tuple(
        CandidateExplained(
            child_id=one.id,
            posterior=one.posterior,
            may_be_disclosed=is_guarded(one),
            levels={
                name: getattr(one.levels, name).name.lower()
                for name in ("given", "family", "born", "place", "mother", "sex", "nhs")
            },
            contributions=explain(question, entries[one.id]),
        )
        for one in best
    )
