"""The gate in the database: as the role that answers enquiries, try to read the register otherwise than through it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from builders import START, World, entry, question
from integration.gates import OPENING, SHUT, as_role, candidates, unused

from registry_api.access_log import store as access_log
from registry_api.enquiries import found
from registry_api.enquiries.gate import Gate
from registry_api.enquiries.sought import Sought
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.roles import Role
from registry_api.matching.token_keys import TOKEN_VERSION
from registry_api.matching.tokens import QueryTokens
from registry_api.register.entry import PlanKind

pytestmark = pytest.mark.rule("ENQ-2")
OTHER = {"given": "Marigold", "family": "Ferncliffe-Test", "born": "2016-01-31", "address": "12 Foxglove Close"}


async def _two_children(world: World) -> tuple[UUID, UUID]:
    known = await world.add(entry(plan=PlanKind.FULL))
    other = await world.add(entry("Marigold", "Ferncliffe-Test", born=None, address="12 Foxglove Close"))
    return known, other


async def test_an_entry_opens_the_register_once_and_for_its_own_question(world: World) -> None:
    known, _ = await _two_children(world)
    gate = await unused(world)
    async with as_role(world, Role.API) as api:
        assert await candidates(api, gate) == [known]
        with SHUT:
            await candidates(api, gate)
    async with world.database.connection() as connection:
        opened = await connection.fetchrow("SELECT * FROM register_opened")
        assert (opened["access_entry_id"], opened["child_ids"]) == (gate.entry, [known]), "what was handed out is kept"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"


def _with(gate: Gate, **changes: Any) -> Gate:
    sought = gate.sought
    tokens, weights = changes.get("tokens", sought.query.tokens), changes.get("weights", sought.query.weights)
    query = QueryTokens(tokens, weights, changes.get("pads", (sought.query.pads * 2)[: len(tokens)]))
    homes, risks = changes.get("homes", sought.homes), changes.get("risks", sought.risks)
    return replace(gate, sought=Sought(query, homes, risks))


async def test_it_does_not_open_for_anything_else(world: World) -> None:
    await _two_children(world)
    gate, other = await unused(world), await unused(world, question(**OTHER))
    sought = gate.sought
    async with as_role(world, Role.API) as api:
        for forged in (
            replace(gate, sought=other.sought),
            replace(gate, entry=other.entry),
            replace(gate, salt=other.salt),
            replace(gate, salt=bytes(32)),
            replace(gate, salt=b""),
            replace(gate, entry=2**62),
            _with(gate, tokens=[*sought.query.tokens, other.sought.query.tokens[0]]),
            _with(gate, tokens=[*sought.query.tokens[:-1], other.sought.query.tokens[0]]),
            _with(gate, tokens=sought.query.tokens[:-1], weights=sought.query.weights[:-1]),
            _with(gate, weights=[weight + 1 for weight in sought.query.weights]),
            _with(gate, homes=other.sought.homes),
            _with(gate, homes=()),
            _with(gate, risks=other.sought.risks),
            _with(gate, risks=()),
        ):
            with SHUT:
                await candidates(api, forged)
        for missing in ("entry", "salt", "tokens", "weights", "homes"):
            with SHUT:
                await OPENING.fetch(api, gate.values | {missing: None})
        assert await candidates(api, gate), "none of this used it up"


async def test_nothing_opens_that_is_not_under_a_signed_head(world: World) -> None:
    """As whoever has the login of the API could write it, in one transaction or in two."""
    await _two_children(world)
    gate = await unused(world)
    async with world.database.connection() as connection:
        asked = await connection.fetchrow("SELECT * FROM enquiry")
    # In their own transaction nobody else sees it, and no sequencer puts it in.
    async with as_role(world, Role.API) as api, api.transaction():
        number = await _append(api, asked, "enquiry.resumed", gate.sought)
        with SHUT:
            await candidates(api, replace(gate, entry=number))


async def _append(connection: Connection, asked: Any, kind: str, sought: Sought, **changes: Any) -> int:
    who = {name: asked[name] for name in ("client_id", "organisation_id", "professional_id", "reference")}
    digest = sought.digest(asked["reference"])
    return await access_log.append(
        connection, access_log.values(at=START, kind=kind, sought=digest, **{**who, **changes})
    )


async def _signed(world: World, entry: int) -> Gate:
    """Wait as the service does, and open the field."""
    from registry_api.access_log.sealing import field_salt

    placed = await world.app.state.enquiries._covered(entry)
    return Gate(entry, field_salt(world.vault, placed.entry_id, placed.wrapped, "sought"), None)


async def test_an_entry_needs_its_enquiry_and_the_very_person_who_asked(world: World) -> None:
    """Entries that were signed, as whoever has the login can make them: but for whose enquiry, and of what kind?"""
    await _two_children(world)
    gate = await unused(world)
    async with world.database.connection() as connection:
        asked = await connection.fetchrow("SELECT * FROM enquiry")
    nurse, refused = world.members["nurse-1"].id, await world.ask("nurse-1", question(), reason="missing_child")
    assert refused.status_code == 403
    async with world.database.connection() as connection:
        turned_away = await connection.fetchrow("SELECT * FROM enquiry WHERE refusal IS NOT NULL")
    async with as_role(world, Role.API) as api:
        for row, kind, changes in (
            (asked, "enquiry.resumed", {"professional_id": nurse}),
            (asked, "enquiry.resumed", {"client_id": "hospital-system"}),
            (asked, "enquiry.resumed", {"reference": "E-00000-00000"}),
            (asked, "enquiry.resumed", {"reference": None}),
            (asked, "inbox.read", {}),
            (turned_away, "enquiry.received", {}),
        ):
            signed = await _signed(world, await _append(api, row, kind, gate.sought, **changes))
            with SHUT:
                await candidates(api, replace(signed, sought=gate.sought))
        good = await _signed(world, await _append(api, asked, "enquiry.resumed", gate.sought))
        assert await candidates(api, replace(good, sought=gate.sought)), "one that names the enquiry, and is in the log"


async def test_an_answer_shuts_it(world: World) -> None:
    known, _ = await _two_children(world)
    kept: list[Gate] = []
    find = found.find

    async def watched(*given: Any, gate: Gate, **more: Any) -> Any:
        kept.append(gate)
        return await find(*given, gate=gate, **more)

    with pytest.MonkeyPatch.context() as watching:
        watching.setattr(found, "find", watched)
        assert (await world.ask("officer-1", question())).json()["outcome"] == "on_plan"
    (gate,) = kept
    async with world.database.connection() as connection:
        asked = await connection.fetchrow("SELECT * FROM enquiry")
    async with as_role(world, Role.API) as api:
        with SHUT:
            await gate.standing(api, child_ids=[known], address_tokens=[], pads=[], now=START)
        late = await _signed(world, await _append(api, asked, "enquiry.resumed", gate.sought))
        with SHUT:
            await candidates(api, replace(late, sought=gate.sought))


async def test_only_candidates_and_their_homes_are_told_of(world: World) -> None:
    known, other = await _two_children(world)
    await world.add(entry("Clement", born=None, address="12 Foxglove Close", plan=PlanKind.FULL))
    gate, elsewhere = await unused(world), await unused(world, question(**OTHER))
    async with as_role(world, Role.API) as api:
        with SHUT:  # nothing has been handed out yet
            await gate.standing(api, child_ids=[known], address_tokens=[], pads=[], now=START)
        await candidates(api, gate)
        homes = list(gate.sought.homes)
        pads = [world.token_keys.pad(token) for token in homes]
        told = await gate.standing(api, child_ids=[known], address_tokens=homes, pads=pads, now=START)
        assert [row["id"] for row in told] == [known]
        for children, tokens in (([other], homes), ([known, other], [])):
            pads = [world.token_keys.pad(token) for token in tokens]
            with SHUT:
                await gate.standing(api, child_ids=children, address_tokens=tokens, pads=pads, now=START)
        strange = list(elsewhere.sought.homes)
        pads = [world.token_keys.pad(token) for token in strange]
        assert await gate.standing(api, child_ids=[], address_tokens=strange, pads=pads, now=START) == []
        await candidates(api, elsewhere)
        assert len(await elsewhere.standing(api, child_ids=[], address_tokens=strange, pads=pads, now=START)) == 1


@pytest.mark.parametrize("version", [TOKEN_VERSION, TOKEN_VERSION - 1], ids=["today's", "the earlier"])
async def test_nor_while_the_index_is_made_anew_of_homes_that_the_candidates_version_knows(
    world: World, version: int
) -> None:
    """Somebody stands under another version, so the service asks under both: of neighbours, and of nobody else."""
    keys = world.token_keys
    await world.add(entry("Elswyth", "Outdated-Test", born=None, address="3 Sandpiper Close"))  # stands under today's
    world.token_keys = keys.of(TOKEN_VERSION - 1)
    await world.add(entry("Osric", "Outdated-Test", born=None, address="3 Sandpiper Close"))
    world.app.state.enquiries._token_keys.expect({TOKEN_VERSION - 1, TOKEN_VERSION})
    world.token_keys = keys.of(version)
    known, _ = await _two_children(world)
    strange = await world.add(entry("Clement", born=None, address="12 Foxglove Close", plan=PlanKind.FULL))
    beside = {}
    for of in (TOKEN_VERSION, TOKEN_VERSION - 1):
        world.token_keys = keys.of(of)
        beside[of] = await world.add(entry("Tamsin", f"Neighbour{of}-Test", born=None, plan=PlanKind.FULL))
    gate, elsewhere = await unused(world), await unused(world, question(**OTHER))
    homes, away = list(gate.sought.homes), list(elsewhere.sought.homes)
    async with as_role(world, Role.API) as api:
        assert known in await candidates(api, gate)

        async def found(tokens: list[int]) -> set[UUID]:
            pads = [keys.pad(token) for token in tokens]
            rows = await gate.standing(api, child_ids=[known], address_tokens=tokens, pads=pads, now=START)
            return {row["id"] for row in rows}

        assert await found(homes) == {known, *beside.values()}, "nobody at home is missed"
        assert await found(away) == {known}, f"and {strange} is none of theirs"


async def test_with_another_pad_than_its_tokens_nobody_is_found(world: World) -> None:
    known, _ = await _two_children(world)
    gate, again = await unused(world), await unused(world)
    async with as_role(world, Role.API) as api:
        assert await candidates(api, _with(gate, pads=[bytes(32)] * len(gate.sought.query.tokens))) == []
        assert await candidates(api, again) == [known]


async def test_each_attempt_has_an_entry_of_its_own(world: World) -> None:
    """A retry resumes (docs/adr/0002), also when the first attempt had read the register already."""
    await world.add(entry(plan=PlanKind.FULL))

    async def lost(*_: object) -> None:
        raise TimeoutError

    for _ in range(2):
        with pytest.MonkeyPatch.context() as broken:
            broken.setattr("registry_api.enquiries.store.answer", lost)
            assert (await world.ask("officer-1", question(), key="one-and-the-same-key")).status_code == 503
    answer = await world.ask("officer-1", question(), key="one-and-the-same-key")
    assert answer.json()["outcome"] == "on_plan"
    kinds = [row["kind"] for row in await world.log() if row["reference"] == answer.json()["reference"]]
    assert kinds == ["enquiry.received", "enquiry.resumed", "enquiry.resumed", "enquiry.answered"]
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM register_opened") == 3


TEMPORARY = """
CREATE TEMP TABLE {table} AS SELECT * FROM public.{table} LIMIT 0
"""


async def test_names_of_the_callers_own_do_not_get_into_it(world: World) -> None:
    """Tables and functions that a session makes for itself, and puts before ours."""
    await _two_children(world)
    gate = await unused(world)
    async with as_role(world, Role.API) as api:
        for table in ("enquiry", "log_leaf", "log_checkpoint", "log_entry", "log_origin"):
            await api.execute(TEMPORARY.format(table=table))
        await api.execute("CREATE TEMP TABLE access_entry (LIKE public.enquiry)")
        await api.execute(
            "CREATE FUNCTION pg_temp.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$;"
            "CREATE FUNCTION pg_temp.array_send(anyarray) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$;"
            "SET search_path = pg_temp, public, pg_catalog"
        )
        with SHUT:
            await candidates(api, replace(gate, salt=bytes(32)))
        assert await candidates(api, gate), "what is there is used"


async def test_a_service_whose_login_may_read_the_register_does_not_start(world: World, database: Database) -> None:
    from registry_api.kernel.roles import DatabaseUrls
    from registry_api.main import NotSetUp, create_app

    owner = world.database.engine.url.render_as_string(hide_password=False)
    for api in (owner, world.urls.register):
        app = create_app(world.settings, DatabaseUrls(api, world.urls.register, world.urls.sequencer))
        with pytest.raises(NotSetUp, match="may read the register"):
            async with app.router.lifespan_context(app):
                raise AssertionError
