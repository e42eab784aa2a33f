"""A dump of the database shows no name, date of birth, address, telephone number of a person or free text.

A small authority does everything there is to do, the database is dumped with ``pg_dump``, and the dump is searched for
what went in: as written, in other writings and encodings, inside binary columns, and as a digest without a key.
"""

import base64
import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import date
from itertools import chain
from urllib.parse import quote

import pytest
from builders import World, entry, question

from registry_api.kernel.postgres import find_binaries, libpq_environment
from registry_api.matching.person import Name
from registry_api.register.entry import HouseholdPerson, Identity, PlanKind, Relationship

NAMES = (
    "Zoëlline", "Quarrendon-Test", "Ottoline", "Marrowby-Test", "Perpetua", "Wendlebury-Test", "Ignatius-Made-Up",
    "Sylvester", "Featherstow-Test", "Hermengild", "Brackenthorpe-Test", "Eudoxia", "Kittiwake-Test", "Balthazzar",
    "Testperson",
)  # fmt: skip
DATES = (date(2019, 5, 6), date(1991, 7, 23), date(2014, 9, 28), date(2017, 2, 13), date(2016, 6, 27))
ADDRESSES = (
    "7 Larkspur Rise", "Larkspur", "22 Quince Wynd", "Quince", "9 Mulberry Ginnel", "Mulberry",
    "JE5 7QX", "JE57QX", "ZX1 4QP", "ZX14QP", "JE6 8QZ", "JE68QZ", "100099990001",
)  # fmt: skip
NUMBERS = ("9990000018", "999 000 0018", "01632 960321", "01632960321", "01632 960222", "01632 960200")
TEXTS = ("purple bruise", "came to school", "grandmother took", "early help was agreed", "Spindleford Infirmary")
TABLES = ("child", "enquiry", "enquiry_answer", "notification", "consideration", "transfer_case", "professional")
"""Tables that must hold something, or a dump would prove nothing about them."""


async def _everything(world: World) -> None:
    """Have the authority hold, and do, one of everything."""
    await world.add(
        entry(
            identity=Identity(
                names=(Name("Zoëlline", "Quarrendon-Test"), Name("Ottoline", "Marrowby-Test")),
                record_id="REC-QUARRENDON-1",
                date_of_birth=DATES[0],
                sex="f",
                place_of_birth="Spindleford Infirmary",
                mother=(Name("Perpetua", "Wendlebury-Test"),),
                mother_date_of_birth=DATES[1],
                nhs_number="9990000018",
            ),
            household=(HouseholdPerson("Ignatius-Made-Up", Relationship.FATHER),),
            plan=PlanKind.FULL,
            key_worker=world.members["kw-1"].id,
            team_manager=world.members["tm-1"].id,
            looked_after=True,
        )
    )
    known = question(
        "Zoelline", "Quarrendon-Test", nhs_number="999 000 0018", other_names=[{"given_names": "Ottoline"}]
    )
    answer = await world.ask("officer-1", known, reason_text="A purple bruise on the arm.", key="retry-key-0001")
    assert answer.json()["outcome"] == "on_plan"
    sibling = question("Sylvester", "Featherstow-Test", born="2014-09-28", address="7 Larkspur Rise")
    assert (await world.ask("officer-1", sibling)).json()["outcome"] == "not_known"

    unknown = question(
        "Hermengild", "Brackenthorpe-Test", born="2017-02-13", address="22 Quince Wynd", postcode="ZX1 4QP"
    )
    first = await world.ask("officer-1", unknown, reason_text="They came to school without a coat.")
    second = await world.ask("nurse-1", unknown, reason_text="The grandmother took the child away.")
    assert first.json()["outcome"] == "not_known"
    assert second.json()["outcome"] == "not_known_second_enquiry"

    (waiting, *_) = await world.inbox("kw-1")
    acknowledged = await world.http.post(
        f"/api/v1/notifications/{waiting['id']}/acknowledge", auth=world.auth("kw-1", "casework")
    )
    assert acknowledged.status_code == 200
    (consideration,) = await world.considerations()
    decided = await world.http.post(
        f"/api/v1/considerations/{consideration['id']}/decision",
        json={"decision": "early_help", "reason": "After a visit, early help was agreed."},
        headers={"If-Match": f'"{consideration["version"]}"'},
        auth=world.auth("sm-1", "casework"),
    )
    assert decided.status_code == 200

    notified = await world.http.post(
        "/api/v1/transfers/in",
        json={
            "child": {
                "given_names": "Eudoxia",
                "family_name": "Kittiwake-Test",
                "date_of_birth": "2016-06-27",
                "address_here": {"lines": "9 Mulberry Ginnel", "postcode": "JE6 8QZ", "uprn": "100099990001"},
            },
            "plan": {"categories": ["emotional"], "started_on": "2025-12-01"},
            "moved_on": "2026-03-01",
            "key_worker": {"name": "Balthazzar Elsewhere", "phone": "01632 960222"},
        },
        auth=world.auth("custodian-1", "transfer"),
    )
    assert notified.status_code == 201
    allocated = await world.http.put(
        f"/api/v1/transfers/{notified.json()['reference']}/key-worker",
        json={"key_worker": "kw-2"},
        auth=world.auth("sm-1", "casework"),
    )
    assert allocated.status_code == 200
    refused = await world.ask("nurse-1", question("Hermengild", "Brackenthorpe-Test"), reason="missing_child")
    assert refused.status_code == 403


def _dump(url: str) -> bytes:
    """Return the whole database as pg_dump writes it, with what binary columns hold instead of their hexadecimal."""
    dumped = subprocess.run(
        [find_binaries() / "pg_dump", "--no-password"], env=libpq_environment(url), capture_output=True, check=True
    ).stdout
    # In their place, not beside it: random bytes written in hexadecimal hold every short word sooner or later.
    return re.sub(rb"\\x((?:[0-9a-f]{2})+)", lambda found: bytes.fromhex(found[1].decode()), dumped)


def _written(value: str | date) -> Iterator[str]:
    """Yield the ways in which a value is written."""
    if isinstance(value, str):
        yield from {value, value.lower(), value.upper(), value.replace(" ", ""), value.replace("ë", "e")}
        return
    for form in (
        "%Y-%m-%d",
        "%Y%m%d",
        "%d/%m/%Y",
        "%d.%m.%Y",
        "%d-%m-%Y",
        "%m/%d/%Y",
        "%d %B %Y",
        "%d %b %Y",
        "%d%m%Y",
    ):
        yield value.strftime(form)


def _encoded(text: str) -> Iterator[bytes]:
    """Yield the bytes that would give the text away."""
    plain = text.encode()
    yield plain
    yield json.dumps(text).strip('"').encode()
    yield quote(text).encode()
    yield text.encode("utf-16-le")
    yield plain.hex().encode()
    for before in range(3):  # base64 of a longer text that holds this one at any offset, less the edges that vary
        encoded = base64.b64encode(b"\0" * before + plain)
        yield encoded[-(-before * 8 // 6) : -4]
    for algorithm in ("md5", "sha1", "sha256", "blake2b"):
        digest = hashlib.new(algorithm, plain).digest()
        yield from (digest, digest.hex().encode(), base64.b64encode(digest))


def _shown(dump: bytes, value: str | date) -> list[bytes]:
    lower = dump.lower()
    plain = {text.encode() for text in _written(value)}
    encoded = chain.from_iterable(_encoded(text) for text in _written(value))
    return [form for form in plain if len(form) > 4 and form.lower() in lower] + [
        form for form in encoded if len(form) > 7 and form in dump
    ]


@pytest.mark.rule("ENQ-3")
async def test_a_dump_shows_nothing_of_anybody(world: World, database_url: str) -> None:
    await _everything(world)
    dump = _dump(database_url)
    for table in (
        "child",
        "enquiry",
        "enquiry_answer",
        "notification",
        "consideration",
        "transfer_case",
        "professional",
    ):
        rows = re.search(rf"^COPY public\.{table} .*?^\\\.$".encode(), dump, re.MULTILINE | re.DOTALL)
        assert rows, table
        assert rows[0].count(b"\n") > 1, table
    assert b"Test Police" in dump, "names of organisations stand in the clear"

    values: list[str | date] = [*NAMES, *DATES, *ADDRESSES, *NUMBERS, *TEXTS, "REC-QUARRENDON-1"]
    assert {str(value): found for value in values if (found := _shown(dump, value))} == {}


_SLIPS = {
    "as written": b"Zo\xc3\xablline",
    "in capitals": b"QUARRENDON-TEST",
    "in JSON": b'{"name": "Zo\\u00eblline"}',
    "in a URL": b"/find?name=Quarrendon-Test",
    "in hexadecimal": b"\\x" + b"Larkspur Rise, Quarrendon-Test".hex().encode(),
    "in base64": base64.b64encode(b"of Quarrendon-Test, child"),
    "in UTF-16": "Quarrendon-Test".encode("utf-16-le"),
    "as a digest without a key": hashlib.sha256(b"quarrendon-test").hexdigest().encode(),
    "a date of birth": b"1991-07-23 00:00:00",
    "a date as it is spoken": b"23 July 1991",
}


@pytest.mark.parametrize("slip", _SLIPS.values(), ids=_SLIPS.keys())
def test_the_search_would_find_it(slip: bytes) -> None:
    dump = b"COPY public.child (id) FROM stdin;\n" + slip + b"\n\\.\n"
    assert any(_shown(dump, value) for value in (*NAMES, *DATES))
