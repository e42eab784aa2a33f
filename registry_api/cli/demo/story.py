"""What happens in the demonstration: who asks what, what they must be answered, and who must be told.

A story is a generator: it yields a step, is sent what the service answered, and goes on from there.
"""

from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from registry_api.cli.demo import children
from registry_api.cli.demo.authority import AUTHORITY, HOSPITAL, NEIGHBOUR, POLICE, SCHOOL, Partner
from registry_api.cli.demo.children import Child

DUTY = ("duty-1", "duty-2")
SAFEGUARDING = "sm-1"
_ABOUT = "child_enquired_about"

Told = Counter[tuple[str, str]]
"""How often each member of staff (by subject) is notified of what (by kind)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One request, and what must come of it.

    ``expected``: the outcome, or the kind of problem. ``told``: notifications that this step must bring about.
    """

    title: str
    rules: tuple[str, ...]
    partner: Partner
    as_whom: str
    body: dict[str, Any]
    expected: str
    told: Told = field(default_factory=Counter)
    method: str = "POST"
    path: str = "/api/v1/enquiries"
    scope: str = "enquiry"
    key: str = field(default_factory=lambda: str(uuid4()))
    repeats: bool = False
    """Whether the answer must be known for a repeat of an earlier one."""


Story = Generator[Step, dict[str, Any], None]


def told(kind: str, *whom: str) -> Told:
    """Return one notification of ``kind`` for each."""
    return Counter((subject, kind) for subject in whom)


def enquiry(child: dict[str, Any], reason: str = "injury", text: str = "Bruise on the upper arm.") -> dict[str, Any]:
    """Return an enquiry about a child."""
    return {
        "child": child,
        "reason": reason,
        "reason_text": text,
        "urgency": "urgent",
        "call_back_number": "01632 960321",
    }


def _police(title: str, rules: Iterable[str], body: dict[str, Any], expected: str, told: Told | None = None) -> Step:
    return Step(title, tuple(rules), POLICE, "officer-1", body, expected, told or Counter())


def _nurse(title: str, rules: Iterable[str], body: dict[str, Any], expected: str, told: Told | None = None) -> Step:
    return Step(title, tuple(rules), HOSPITAL, "nurse-1", body, expected, told or Counter())


def story(today: date) -> Story:
    """Tell the whole story; ``today`` is the authority's local day."""
    yield from _known()
    yield from _not_known(children.unknown_child(today))
    yield from _refused()
    yield from _transferred(children.unknown_child(today), today)


def _known() -> Story:
    yield _police(
        "A child on a plan",
        ("ENQ-4", "ENQ-9"),
        enquiry(children.ON_PLAN.asked()),
        "on_plan",
        told(_ABOUT, "kw-01"),
    )
    yield _nurse(
        "A child on a plan whose key worker is on leave",
        ("ENQ-9", "ENQ-11"),
        enquiry(children.COVERED.asked()),
        "on_plan",
        told(_ABOUT, "kw-29", "kw-30"),
    )
    yield _nurse(
        "A child with an open case and no plan",
        ("ENQ-4",),
        enquiry(children.OPEN.asked()),
        "open_case",
        told(_ABOUT, "kw-02"),
    )
    yield _police(
        "A child who was known before",
        ("ENQ-8",),
        enquiry(children.CLOSED.asked(), "welfare_check", "Found alone at home in the evening."),
        "known_before",
        told(_ABOUT, *DUTY),
    )
    yield _police(
        "A child who is recorded as missing turns up",
        ("ENQ-9", "ENQ-12"),
        enquiry(children.MISSING.asked(), "missing_child", "Seen at the bus station with an adult."),
        "on_plan",
        told("missing_child_enquired_about", *DUTY) + told(_ABOUT, "kw-03"),
    )
    yield _nurse(
        "A child whose record is restricted",
        ("ENQ-3", "ENQ-10"),
        enquiry(children.RESTRICTED.asked()),
        "call_back",
        told(_ABOUT, SAFEGUARDING, "kw-04"),
    )
    twin = children.TWINS[0].asked()
    del twin["given_names"]
    yield _nurse(
        "One of two: which twin is it?",
        ("ENQ-3", "ENQ-10"),
        enquiry(twin),
        "more_information_needed",
        told("more_information_needed", *DUTY),
    )


def _not_known(child: Child) -> Story:
    visitor = children.AT_ADDRESS
    at_address = child.asked(
        given_names=f"{child.given}a",
        date_of_birth=(child.born + timedelta(days=777)).isoformat(),
        address={"lines": visitor.address, "postcode": visitor.postcode},
    )
    yield _police(
        "A child not known, at the address of a child on a plan",
        ("ENQ-5", "ENQ-6"),
        enquiry(at_address, "domestic_abuse", "Called to the house by neighbours."),
        "not_known",
        told("enquiry_at_address", "kw-05"),
    )
    first = _police("A child not known", ("ENQ-6",), enquiry(child.asked()), "not_known")
    yield first
    yield Step(
        "The same request again, after a broken connection",
        ("ENQ-6",),
        POLICE,
        first.as_whom,
        first.body,
        first.expected,
        key=first.key,
        repeats=True,
    )
    yield _police("The same officer asks again", ("ENQ-6",), enquiry(child.asked()), "not_known_asked_again")
    yield _nurse(
        "A second enquiry about the child who is not known",
        ("ENQ-7",),
        enquiry(child.asked(), "neglect", "Brought in hungry and without a coat."),
        "not_known_second_enquiry",
        told("consideration", SAFEGUARDING),
    )


def _refused() -> Story:
    yield _police(
        "Too little is said of the child",
        ("ENQ-3",),
        enquiry({"family_name": children.ON_PLAN.family}),
        "more-details-needed",
    )
    yield Step(
        "The agreement with the school has expired",
        ("ENQ-3",),
        SCHOOL,
        "teacher-1",
        enquiry(children.ON_PLAN.asked()),
        "forbidden",
    )


def _transferred(child: Child, today: date) -> Story:
    moved = child.asked(sex="female")
    moved["address_here"] = moved.pop("address")
    notice = {
        "child": moved,
        "plan": {"categories": ["neglect"], "started_on": (today - timedelta(days=90)).isoformat()},
        "moved_on": (today - timedelta(days=2)).isoformat(),
        "key_worker": {"name": "Aubrey Demo-Maple", "phone": "01632 960440"},
    }
    receipt = yield Step(
        "Another authority: a child on our plan has moved to you",
        ("TRF-1", "TRF-2", "TIME-2"),
        NEIGHBOUR,
        "custodian-1",
        notice,
        "temporary_entry",
        told("transfer_in", SAFEGUARDING),
        path="/api/v1/transfers/in",
        scope="transfer",
    )
    yield Step(
        "The safeguarding manager allocates a key worker here",
        ("TRF-2",),
        AUTHORITY,
        SAFEGUARDING,
        {"key_worker": "kw-06", "team_manager": "tm-2"},
        "allocated",
        told("allocated", "kw-06"),
        method="PUT",
        path=f"/api/v1/transfers/{receipt['reference']}/key-worker",
        scope="casework",
    )
    yield _nurse(
        "The child who has moved here is asked about",
        ("TRF-2", "ENQ-9"),
        enquiry(child.asked()),
        "temporary_entry",
        told(_ABOUT, "kw-06"),
    )
