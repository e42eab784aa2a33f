"""Loads the Cedar policies of ``permissions/`` and asks them: who may do what, in files that a person can read.

Promises: what cannot be parsed, does not fit the schema or lacks an id is found when the service starts. Whatever no
policy permits is refused, and so is everything on which a policy fails: by itself Cedar passes over a ``forbid`` that
cannot be evaluated, and allows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import cedarpy

from policies.enquirer import Disclosure, Purpose, Role

SCHEMA = "register.cedarschema"
_NAMESPACE = "Register"
_REMEMBERED = 4096


class PoliciesInvalid(Exception):
    """The policies cannot be used. The message names the policy or the file, and what is wrong with it."""


class About(Enum):
    """Whom something is about that is acted on."""

    NOBODY = auto()
    ANOTHER = auto()
    ONESELF = auto()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a decision depends on: who asks, as they stand now, and what for.

    ``purposes`` are those of agreements that stand today. ``purpose`` and ``agreed`` are given where somebody asks
    about a child: what for, and the most that an agreement for it lets them be told; ``about`` where they act on
    something that may be about a professional.
    """

    action: str
    role: Role
    own_staff: bool
    suspended: bool
    organisation_suspended: bool
    client_suspended: bool
    scope: frozenset[str]
    purposes: frozenset[Purpose]
    stepped_up: bool
    purpose: Purpose | None = None
    agreed: Disclosure | None = None
    about: About | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policies say. ``policies``: the ids of those that decided, in order; none when nothing permits.

    ``refusals``: the codes of the policies that forbid. ``failed``: a policy could not be evaluated, so it is refused.
    """

    allowed: bool
    policies: tuple[str, ...] = ()
    refusals: frozenset[str] = frozenset()
    failed: bool = False


class Bundle:
    """Policies with their schema, parsed once and the same for as long as the process lives.

    Args:
        schema: in Cedar's own schema syntax.
        sources: policies in Cedar's syntax, by the names of their files.

    ``digest`` is the SHA-256 over names and contents, in hexadecimal: by it a decision can be judged again with the
    very policies that it was made by. ``refusals``: the code of each policy that forbids, by its id.

    Raises:
        PoliciesInvalid: see the module.
    """

    def __init__(self, schema: str, sources: Mapping[str, str]) -> None:
        named = {SCHEMA: schema, **sources}
        self.digest = hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()
        text = "\n".join(sources[name] for name in sorted(sources))
        try:
            self._schema = cedarpy.Schema.from_str(schema)
            self._policies = cedarpy.PolicySet.from_str(text)
            parsed = json.loads(cedarpy.policies_to_json_str(text))["staticPolicies"].values()
        except ValueError as error:
            raise PoliciesInvalid(f"the policies or their schema cannot be parsed: {error}") from None
        found = cedarpy.validate_policies(text, schema)
        if not found.validation_passed:
            raise PoliciesInvalid("; ".join(map(str, found.errors)))
        self.refusals = _refusals(parsed)

    def decide(self, facts: Facts) -> Verdict:
        """Return what the policies say to these facts. Reads nothing else: equal facts have an equal verdict."""
        entities = cedarpy.Entities.from_json_str(json.dumps(_entities(facts)), self._schema)
        result = cedarpy.is_authorized(_request(facts), self._policies, entities)
        said = result.diagnostics
        if said.errors or result.decision is cedarpy.Decision.NoDecision:
            return Verdict(False, failed=True)
        ids = tuple(sorted(said.id_annotations_by_reason.values()))
        return Verdict(result.allowed, ids, frozenset(self.refusals[name] for name in ids if name in self.refusals))


@cache
def permissions() -> Bundle:
    """Return the policies of this release. Raises PoliciesInvalid; the first call takes some milliseconds."""
    folder = files("policies") / "permissions"
    sources = {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".cedar")}
    return Bundle((folder / SCHEMA).read_text("utf-8"), sources)


@lru_cache(maxsize=_REMEMBERED)
def verdict(facts: Facts) -> Verdict:
    """Return what this release's policies say to ``facts``.

    Remembered by all of the facts, so that nothing which may change, such as a suspension, is ever taken from memory.
    """
    return permissions().decide(facts)


def _refusals(parsed: Any) -> dict[str, str]:
    names: set[str] = set()
    refusals: dict[str, str] = {}
    for policy in parsed:
        annotations = policy.get("annotations", {})
        name = annotations.get("id")
        if not name:
            raise PoliciesInvalid("a policy has no @id")
        if name in names:
            raise PoliciesInvalid(f"{name}: two policies have this @id")
        names.add(name)
        if (policy["effect"] == "forbid") != ("refusal" in annotations):
            raise PoliciesInvalid(f"{name}: a policy that forbids has a @refusal, and no other")
        if "refusal" in annotations:
            refusals[name] = annotations["refusal"]
    return refusals


_ASKER = {"type": f"{_NAMESPACE}::Professional", "id": "asker"}
_ANOTHER = {"type": f"{_NAMESPACE}::Professional", "id": "another"}
_MATTER = {"type": f"{_NAMESPACE}::Matter", "id": "matter"}
_AUTHORITY = {"type": f"{_NAMESPACE}::Authority", "id": "own"}


def _entities(facts: Facts) -> list[dict[str, Any]]:
    asker = {
        "uid": _ASKER,
        "attrs": {
            "ownStaff": facts.own_staff,
            "suspended": facts.suspended,
            "organisationSuspended": facts.organisation_suspended,
            "clientSuspended": facts.client_suspended,
        },
        "parents": [{"type": f"{_NAMESPACE}::Role", "id": facts.role.value}],
    }
    if facts.about is None:
        return [asker]
    whom = {About.ANOTHER: {"about": {"__entity": _ANOTHER}}, About.ONESELF: {"about": {"__entity": _ASKER}}}
    return [asker, {"uid": _MATTER, "attrs": whom.get(facts.about, {}), "parents": []}]


def _request(facts: Facts) -> dict[str, Any]:
    context: dict[str, Any] = {
        "scope": sorted(facts.scope),
        "purposes": sorted(facts.purposes),
        "steppedUp": facts.stepped_up,
    }
    if facts.purpose is not None:
        context["purpose"] = facts.purpose.value
        context["agreedDisclosure"] = (facts.agreed or Disclosure.CONTACT).value
    return {
        "principal": _ASKER,
        "action": {"type": f"{_NAMESPACE}::Action", "id": facts.action},
        "resource": _AUTHORITY if facts.about is None else _MATTER,
        "context": context,
    }
