"""What an entry says beside what was done: who it was and on whose authority, as they were at that moment.

Each is a field of its own with its own commitment, so that one can be opened alone. Nothing is joined from today's
directory later: a role that was changed since, or an agreement that ended, stays what it was. DPA 2018 s. 62(2) and (3)
ask for date and time, for why, and as far as possible for the identity of whoever consulted and of whoever was told.

The names of the fields stand open in the leaf. So every entry of a kind has the same ones, empty where there is nothing
to say: which are there must tell nobody anything.
"""

from collections.abc import Iterable

from policies.access import Permitted
from policies.enquirer import Enquirer


def of_enquirer(enquirer: Enquirer) -> dict[str, str]:
    """Return who asks, as the directory has them now: in what role, for whom, and how surely it is known."""
    return {
        "role": enquirer.role.value,
        "organisation": enquirer.organisation,
        "own_staff": "yes" if enquirer.own_authority else "no",
        "assurance": enquirer.assurance.name.lower(),
    }


def of_authority(policies: Iterable[str], bundle: str, agreements: Iterable[object]) -> dict[str, str]:
    """Return on whose authority: the policies that permitted it, the digest of those in force, and the agreements."""
    return {
        "policies": " ".join(policies),
        "policy_bundle": bundle,
        "agreements": " ".join(map(str, agreements)),
    }


def of_decision(enquirer: Enquirer, decision: Permitted) -> dict[str, str]:
    """Return who asks, and on what authority they may."""
    return of_enquirer(enquirer) | of_authority(decision.policies, decision.bundle, decision.agreements)
