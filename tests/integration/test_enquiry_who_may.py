"""Who may ask, over HTTP: whoever may not is refused, the refusal stands in the log, and nothing is disclosed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from builders import World, entry, question
from sqlmodel import select

from auth.client import OrganisationSigner, generate_client_key
from registry_api.directory import service as directory
from registry_api.directory.models import Client, DataSharingAgreement, Organisation, Professional
from registry_api.register.entry import PlanKind

pytestmark = pytest.mark.rule("ENQ-2", "ENQ-3")


@pytest.fixture
async def guarded(world: World) -> AsyncIterator[World]:
    """A world with a child on a plan; whatever the test did, nobody may have been told of it."""
    await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    yield world
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM notification") == 0
        assert await connection.fetchval("SELECT count(*) FROM enquiry_answer") == 0


async def _change(world: World, model: type[Any], where: Any, **values: Any) -> None:
    async with world.database.session() as session:
        for row in (await session.exec(select(model).where(where))).all():
            for name, value in values.items():
                setattr(row, name, value)


async def _refused(world: World, answer: httpx2.Response, reason: str) -> None:
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["because"] == reason
    assert set(answer.json()) <= {"type", "title", "status", "detail", "request_id", "because", "reference"}
    (noted,) = await world.log("enquiry.refused")
    assert noted["reason"] == reason
    assert noted["reference"] == answer.json()["reference"]
    assert noted["professional_id"] is not None
    assert noted["organisation_id"] is not None
    async with world.database.connection() as connection:
        kept = await connection.fetchrow("SELECT * FROM enquiry WHERE reference = $1", noted["reference"])
        assert kept is not None
        assert kept["refusal"] == reason
        # What was refused is no earlier enquiry that others would learn of.
        assert await connection.fetchval("SELECT count(*) FROM enquiry_token") == 0
        assert await connection.fetchval("SELECT count(*) FROM enquiry_indexed") == 0


@pytest.mark.parametrize(
    ("model", "column", "reason"),
    [
        (Organisation, "code", "organisation_suspended"),
        (Client, "id", "client_suspended"),
        (Professional, "subject", "professional_suspended"),
        (DataSharingAgreement, "organisation_id", "no_agreement"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_a_suspension_holds_from_the_next_request_on(
    guarded: World, model: type[Any], column: str, reason: str
) -> None:
    await guarded.token("officer-1", "enquiry")
    value = {
        "code": "police",
        "id": "police-system",
        "subject": "officer-1",
        "organisation_id": guarded.organisations["police"],
    }[column]
    await _change(guarded, model, getattr(model, column) == value, suspended_at=guarded.clock())
    await _refused(guarded, await guarded.ask("officer-1", question()), reason)


async def test_without_an_agreement_nothing_is_answered(guarded: World) -> None:
    async with guarded.database.session() as session:
        where = DataSharingAgreement.organisation_id == guarded.organisations["police"]
        for agreement in (await session.exec(select(DataSharingAgreement).where(where))).all():
            await session.delete(agreement)
    await _refused(guarded, await guarded.ask("officer-1", question()), "no_agreement")


@pytest.mark.parametrize(
    ("moment", "permitted"),
    [
        # Valid up to and including 12 June 2026, in Jersey's day, which then ends at 23:00 UTC.
        (datetime(2026, 6, 12, 22, 59, tzinfo=UTC), True),
        (datetime(2026, 6, 12, 23, 1, tzinfo=UTC), False),
        # Valid from 24 November 2025, which begins at midnight UTC.
        (datetime(2025, 11, 24, 0, 1, tzinfo=UTC), True),
        (datetime(2025, 11, 23, 23, 59, tzinfo=UTC), False),
    ],
)
async def test_an_agreement_stands_on_both_its_days_by_the_local_day(
    world: World, moment: datetime, permitted: bool
) -> None:
    world.clock.now = moment
    answer = await world.ask("officer-1", question())
    assert answer.status_code == (200 if permitted else 403)
    if not permitted:
        await _refused(world, answer, "no_agreement")


async def test_a_purpose_that_was_not_agreed_is_refused(guarded: World) -> None:
    await _refused(guarded, await guarded.ask("nurse-1", question(), reason="missing_child"), "purpose_not_agreed")


async def test_the_same_purpose_is_answered_where_it_was_agreed(world: World) -> None:
    assert (await world.ask("officer-1", question(), reason="missing_child")).status_code == 200


async def _post(world: World, authorization: str | None, auth: httpx2.Auth | None = None) -> httpx2.Response:
    body = {
        "child": question(),
        "reason": "injury",
        "reason_text": "Bruise.",
        "urgency": "urgent",
        "call_back_number": "01632 960321",
    }
    headers = {} if authorization is None else {"Authorization": authorization}
    return await world.http.post("/api/v1/enquiries", json=body, headers=headers, auth=auth)


async def test_a_token_for_something_else_is_refused(guarded: World) -> None:
    answer = await _post(guarded, None, guarded.auth("kw-1", "casework"))
    await _refused(guarded, answer, "scope_missing")
    assert answer.headers["www-authenticate"].endswith('error="insufficient_scope"')  # RFC 6750 section 3


async def test_a_neighbours_custodian_notifies_and_does_not_enquire(guarded: World) -> None:
    neighbour = DataSharingAgreement.organisation_id == guarded.organisations["neighbour"]
    await _change(guarded, DataSharingAgreement, neighbour, purposes=["child_protection", "transfer"])
    await _change(guarded, Client, Client.id == "neighbour-system", scopes=["enquiry", "transfer"])
    await _refused(guarded, await guarded.ask("custodian-1", question()), "role_not_permitted")


async def test_a_role_of_our_own_staff_means_nothing_in_another_organisation(guarded: World) -> None:
    await _change(guarded, Professional, Professional.subject == "officer-1", role="safeguarding_manager")
    await _refused(guarded, await guarded.ask("officer-1", question()), "role_not_permitted")


async def _token_refused(world: World, form: dict[str, str]) -> Any:
    answer = await world.request_token(form)
    assert answer.status_code in {400, 401}
    assert "access_token" not in answer.text
    return (await world.log())[-1]


async def test_an_unknown_system_gets_no_token(guarded: World) -> None:
    private, _ = generate_client_key()
    signer = OrganisationSigner("nobody-system", private, "https://register.test", clock=guarded.clock)
    noted = await _token_refused(guarded, signer.token_form("officer-1", "enquiry"))
    assert noted["reason"] == "client_unknown"


async def test_an_unknown_individual_gets_no_token(guarded: World) -> None:
    noted = await _token_refused(guarded, guarded.signers["police-system"].token_form("officer-9", "enquiry"))
    assert (noted["reason"], noted["client_id"]) == ("individual_unknown", "police-system")


async def test_another_organisations_individual_gets_no_token(guarded: World) -> None:
    noted = await _token_refused(guarded, guarded.signers["police-system"].token_form("nurse-1", "enquiry"))
    assert noted["reason"] == "individual_unknown"


async def test_a_scope_that_the_system_was_not_given_gets_no_token(guarded: World) -> None:
    noted = await _token_refused(guarded, guarded.signers["police-system"].token_form("officer-1", "casework"))
    assert noted["reason"] == "scope_not_allowed"


async def test_a_replayed_assertion_gets_no_second_token(guarded: World) -> None:
    form = guarded.signers["police-system"].token_form("officer-1", "enquiry")
    assert (await guarded.request_token(form)).status_code == 200
    assert (await _token_refused(guarded, form))["reason"] == "replayed"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic abc", "x" * 9000])
async def test_without_a_token_nobody_is_known_and_nothing_told(guarded: World, authorization: str | None) -> None:
    answer = await _post(guarded, authorization)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('DPoP realm="registry", algs="PS256 ES256 Ed25519 EdDSA"')
    assert answer.json()["type"] == "urn:registry:problem:not-authenticated"


async def test_an_expired_token_is_refused_and_its_bearer_recorded(guarded: World) -> None:
    token = await guarded.token("officer-1", "enquiry")
    guarded.clock.advance(seconds=3600)
    assert (await _post(guarded, f"DPoP {token}")).status_code == 401
    (noted,) = await guarded.log("access.refused")
    assert (noted["reason"], noted["professional_id"]) == ("expired", guarded.members["officer-1"].id)


async def test_a_token_for_another_audience_is_refused_and_its_bearer_recorded(guarded: World) -> None:
    verifier = guarded.app.state.auth.verifier
    token = await guarded.token("officer-1", "enquiry")
    verifier._audience = "https://elsewhere.test"
    assert (await _post(guarded, f"DPoP {token}")).status_code == 401
    (noted,) = await guarded.log("access.refused")
    assert (noted["reason"], noted["professional_id"]) == ("audience_wrong", guarded.members["officer-1"].id)


async def test_somebody_who_changed_organisation_cannot_use_the_old_ones_system(guarded: World) -> None:
    await guarded.token("officer-1", "enquiry")
    where = Professional.subject == "officer-1"
    await _change(guarded, Professional, where, organisation_id=guarded.organisations["hospital"])
    assert (await _post(guarded, None, guarded.auth("officer-1", "enquiry"))).status_code == 401
    (noted,) = await guarded.log("access.refused")
    assert noted["reason"] == "individual_unknown"


async def test_an_agreement_that_begins_later_or_is_renewed_counts_from_its_first_day(world: World) -> None:
    today = world.clock().date()
    where = DataSharingAgreement.organisation_id == world.organisations["police"]
    await _change(world, DataSharingAgreement, where, valid_to=today - timedelta(days=1))
    assert (await world.ask("officer-1", question())).status_code == 403
    async with world.database.session() as session:
        directory.add_agreement(
            session,
            organisation_id=world.organisations["police"],
            purposes=["child_protection"],  # type: ignore[list-item]
            valid_from=today,
            valid_to=today,
        )
    assert (await world.ask("officer-1", question())).status_code == 200
