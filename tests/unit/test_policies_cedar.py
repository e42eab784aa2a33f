"""The Cedar policies as files: valid, named, explained – and what becomes of a policy that cannot be evaluated."""

import json
from dataclasses import replace

import cedarpy
import pytest

from policies.cedar import SCHEMA, About, Bundle, Facts, PoliciesInvalid, Verdict, _entities, _request, permissions
from policies.enquirer import Disclosure, Purpose, Role
from tests.house.permission_table import FOLDER, written

pytestmark = pytest.mark.rule("ENQ-3")

SCHEMA_TEXT = (FOLDER / SCHEMA).read_text("utf-8")
SOURCES = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.cedar")}
ENQUIRY = Facts(
    action="enquire",
    role=Role.NURSE,
    own_staff=False,
    suspended=False,
    organisation_suspended=False,
    client_suspended=False,
    scope=frozenset({"enquiry"}),
    purposes=frozenset({Purpose.CHILD_PROTECTION}),
    stepped_up=False,
    purpose=Purpose.CHILD_PROTECTION,
    agreed=Disclosure.FULL,
)
PERMIT_ALL = '@id("all")\npermit (principal, action, resource);\n'


def test_every_policy_of_the_files_is_named_and_explained() -> None:
    policies = list(written())
    assert len({policy.name for policy in policies}) == len(policies)
    assert sum(text.count("\npermit (") + text.count("\nforbid (") for text in SOURCES.values()) == len(policies)
    assert {policy.name: policy.refusal for policy in policies if policy.refusal} == permissions().refusals


def test_a_forbid_that_cannot_be_evaluated_refuses_though_cedar_itself_allows() -> None:
    # Valid by its schema, and it overflows when it is evaluated.
    forbid = (
        '@id("broken") @refusal("no_agreement")\nforbid (principal, action, resource)\n'
        "when { 9223372036854775807 + (if context.steppedUp then 2 else 1) > 0 };\n"
    )
    bundle = Bundle(SCHEMA_TEXT, {"a.cedar": PERMIT_ALL + forbid})
    entities = cedarpy.Entities.from_json_str(json.dumps(_entities(ENQUIRY)))
    alone = cedarpy.is_authorized(_request(ENQUIRY), PERMIT_ALL + forbid, entities)
    assert alone.allowed, "the trap itself: Cedar passes over what it cannot evaluate"
    assert alone.diagnostics.errors
    assert bundle.decide(ENQUIRY) == Verdict(False, failed=True)


@pytest.mark.parametrize("missing", ["purpose", "action"])
def test_facts_that_do_not_fit_are_refused_as_failed_or_by_default(missing: str) -> None:
    odd = {"purpose": replace(ENQUIRY, purpose=None), "action": replace(ENQUIRY, action="somethingElse")}[missing]
    verdict = permissions().decide(odd)
    assert not verdict.allowed
    assert verdict.failed or not verdict.policies


@pytest.mark.parametrize(
    "facts",
    [
        ENQUIRY,
        replace(ENQUIRY, action="learnFull"),
        replace(ENQUIRY, action="openRestricted", purpose=None, agreed=None),
        *[
            replace(ENQUIRY, action=action, purpose=None, agreed=None, about=about)
            for action in ("decideAlert", "readLog", "readDirectory", "administerDirectory")
            for about in About
        ],
        *[
            replace(ENQUIRY, action=action, purpose=None, agreed=None)
            for action in ("readInbox", "consider", "notifyTransfer", "allocate", "keepRegister")
        ],
    ],
    ids=lambda facts: f"{facts.action} {facts.about.name if facts.about else ''}",
)
def test_what_is_asked_fits_the_schema(facts: Facts) -> None:
    # The service leaves this out, for it costs as much again: an attribute that is not there is an error anyhow.
    strict = cedarpy.is_authorized(_request(facts), "\n".join(SOURCES.values()), _entities(facts), SCHEMA_TEXT)
    assert strict.decision is not cedarpy.Decision.NoDecision, strict.diagnostics.errors
    assert strict.allowed == permissions().decide(facts).allowed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("permit (principal, action, resource", "cannot be parsed"),
        ("permit (principal, action, resource);", "no @id"),
        ('@id("") permit (principal, action, resource);', "no @id"),
        (PERMIT_ALL * 2, "two policies"),
        ('@id("a") forbid (principal, action, resource);', "has a @refusal"),
        ('@id("a") @refusal("no_agreement") permit (principal, action, resource);', "has a @refusal"),
        ('@id("a") permit (principal, action, resource) when { context.surname == "x" };', "surname"),
        ('@id("a") permit (principal, action == Register::Action::"enquir", resource);', "enquir"),
        ('@id("a") permit (principal == Elsewhere::User::"x", action, resource);', "Elsewhere"),
    ],
)
def test_policies_that_could_not_be_relied_on_are_refused_when_they_are_loaded(text: str, says: str) -> None:
    with pytest.raises(PoliciesInvalid, match=says):
        Bundle(SCHEMA_TEXT, {"a.cedar": text})


def test_a_schema_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(PoliciesInvalid):
        Bundle("namespace {", {"a.cedar": PERMIT_ALL})


def test_the_digest_is_of_every_letter_of_every_file() -> None:
    digest = Bundle(SCHEMA_TEXT, SOURCES).digest
    assert digest == permissions().digest
    comment = {**SOURCES, "standing.cedar": SOURCES["standing.cedar"] + "// A remark.\n"}
    assert Bundle(SCHEMA_TEXT, comment).digest != digest
    renamed = {("a" if name == "standing.cedar" else name): text for name, text in SOURCES.items()}
    assert Bundle(SCHEMA_TEXT, renamed).digest != digest
    assert Bundle(SCHEMA_TEXT + "// A remark.\n", SOURCES).digest != digest
