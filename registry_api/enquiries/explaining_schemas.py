"""An explanation on the wire."""

from uuid import UUID

from registry_api.kernel.wire import Wire
from registry_api.matching.bands import Band


class CandidateExplained(Wire):
    """How one entry was weighed.

    ``levels``: how well each detail agrees, as a word. ``contributions``: what that said for the same child against a
    stranger, log10. ``may_be_disclosed``: whether the guards would let it be a match, were it certain enough.
    """

    child_id: UUID
    posterior: float
    may_be_disclosed: bool
    levels: dict[str, str]
    contributions: dict[str, float]


class Explanation(Wire):
    """How the candidates of an enquiry are weighed, the likeliest first, on the register as it stands now.

    ``outcome``: what was answered then; None where nothing was. ``band``: what matching would say today.
    """

    reference: str
    outcome: str | None
    band: Band
    scorer_version: int
    token_version: int
    candidates: tuple[CandidateExplained, ...]
