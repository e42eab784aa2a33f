"""Who may do what, as a table that is written down once more, and ``docs/permissions.md``, which is made from it.

The table is the expectation: tests/unit/test_policies_access.py holds the Cedar policies to it, all of it.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from policies import access
from policies.access import Decision, RefusalReason
from policies.enquirer import STAFF_ROLES, Agreement, Enquirer, Purpose, Role
from tests.house.repository import ROOT

FOLDER = ROOT / "policies" / "permissions"
TODAY = date(2026, 3, 4)
DAY = timedelta(days=1)
AGREEMENT = Agreement(UUID(int=1), frozenset(Purpose), TODAY - DAY, TODAY + DAY)
ASKER = Enquirer(
    client_id="system",
    client_suspended=False,
    organisation_id=UUID(int=2),
    organisation_suspended=False,
    own_authority=False,
    professional_id=UUID(int=3),
    professional_suspended=False,
    role=Role.NURSE,
    agreements=(AGREEMENT,),
    scope=frozenset({"enquiry", "casework", "transfer", "directory"}),
    stepped_up=True,
)
"""Nothing stands against this asker but perhaps their role."""

_MEET_CHILDREN = frozenset(
    {
        Role.POLICE_OFFICER,
        Role.NURSE,
        Role.DOCTOR,
        Role.MIDWIFE,
        Role.HEALTH_VISITOR,
        Role.TEACHER,
        Role.PROBATION_OFFICER,
        Role.SOCIAL_WORKER,
    }
)
_MANAGER = frozenset({Role.SAFEGUARDING_MANAGER})
_OFFICER = frozenset({Role.INFORMATION_GOVERNANCE_OFFICER})
_TEAM = frozenset({Role.KEY_WORKER, Role.TEAM_MANAGER})
_NOBODY: frozenset[Role] = frozenset()

May = Callable[[Enquirer, date], Decision]


@dataclass(frozen=True)
class Row:
    """One thing that can be done: who may, of other organisations and of the authority itself.

    ``purpose``: what an agreement has to be for; ``scope``: what the token has to be issued for. ``ones_own``: the same
    about the asker, which nobody may.
    """

    says: str
    may: May
    scope: str
    purpose: Purpose
    others: frozenset[Role]
    own: frozenset[Role]
    step_up: bool = False
    ones_own: May | None = None

    def roles(self, *, own_authority: bool) -> Collection[Role]:
        """Return who may, of the authority itself or of any other organisation."""
        return self.own if own_authority else self.others


def _enquiry(purpose: Purpose, says: str) -> Row:
    def may(enquirer: Enquirer, today: date) -> Decision:
        return access.may_enquire(enquirer, purpose, today)

    return Row(says, may, "enquiry", purpose, _MEET_CHILDREN, _MEET_CHILDREN | STAFF_ROLES)


def _by_address(enquirer: Enquirer, today: date) -> Decision:
    return access.may_ask_by_address(enquirer, Purpose.CHILD_PROTECTION, today)


def _ones_own(may: Callable[..., Decision]) -> May:
    return lambda enquirer, today: may(enquirer, today, about=enquirer.professional_id)


_CASEWORK = ("casework", Purpose.CASEWORK, _NOBODY)
TABLE: tuple[Row, ...] = (
    _enquiry(Purpose.CHILD_PROTECTION, "ask about a child of concern"),
    _enquiry(Purpose.MISSING_CHILD, "ask about a missing child"),
    Row("ask by an address alone", _by_address, "enquiry", Purpose.CHILD_PROTECTION, _NOBODY, STAFF_ROLES),
    Row(
        "be told of a restricted child",
        access.may_open_restricted,
        "enquiry",
        Purpose.CASEWORK,
        _NOBODY,
        _MANAGER,
        step_up=True,
    ),
    Row("enquire for a caller", access.may_take_enquiry, "enquiry", Purpose.CASEWORK, _NOBODY, STAFF_ROLES),
    Row("read one's inbox", access.may_read_inbox, *_CASEWORK, STAFF_ROLES | _OFFICER),
    Row("decide child-in-need considerations", access.may_consider, *_CASEWORK, _MANAGER),
    Row(
        "notify that a child has moved here",
        access.may_notify_transfer,
        "transfer",
        Purpose.TRANSFER,
        frozenset({Role.CUSTODIAN, Role.SOCIAL_WORKER}),
        _NOBODY,
    ),
    Row("allocate a key worker", access.may_allocate, *_CASEWORK, _MANAGER | {Role.TEAM_MANAGER}),
    Row("keep the register", access.may_keep_register, *_CASEWORK, _MANAGER),
    Row(
        "decide alerts of misuse",
        access.may_decide_alerts,
        *_CASEWORK,
        _MANAGER | _OFFICER,
        ones_own=_ones_own(access.may_decide_alerts),
    ),
    Row(
        "read the access log",
        access.may_read_log,
        *_CASEWORK,
        _MANAGER | _OFFICER,
        ones_own=_ones_own(access.may_read_log),
    ),
    Row("read who last looked at a child", access.may_read_accesses, *_CASEWORK, _MANAGER | _TEAM),
    Row("report what was told about a child", access.may_report_disclosures, *_CASEWORK, _MANAGER | _OFFICER),
    Row(
        "place and lift legal holds on the access log",
        access.may_hold_log,
        *_CASEWORK,
        _MANAGER | _OFFICER,
        ones_own=_ones_own(access.may_hold_log),
    ),
    Row("begin the access log anew", access.may_begin_log, *_CASEWORK, _MANAGER | _OFFICER),
    Row(
        "read the directory",
        access.may_read_directory,
        "directory",
        Purpose.CASEWORK,
        _NOBODY,
        _MANAGER | _OFFICER | {Role.DIRECTORY_ADMINISTRATOR},
    ),
    Row(
        "administer the directory",
        access.may_administer_directory,
        "directory",
        Purpose.CASEWORK,
        _NOBODY,
        _MANAGER | {Role.DIRECTORY_ADMINISTRATOR},
        ones_own=_ones_own(access.may_administer_directory),
    ),
)


@dataclass(frozen=True)
class Written:
    """A policy as it is written: the comment above it, its id, what it does, and the code of its refusal."""

    file: str
    comment: str
    name: str
    effect: str
    refusal: str


_POLICY = re.compile(
    r'(?P<comment>(?://[^\n]*\n)+)@id\("(?P<name>[^"]+)"\)\n(?:@refusal\("(?P<refusal>[^"]+)"\)\n)?(?P<effect>\w+)'
)


def written() -> Iterator[Written]:
    """Yield every policy of the folder."""
    for path in sorted(FOLDER.glob("*.cedar")):
        for found in _POLICY.finditer(path.read_text("utf-8")):
            comment = " ".join(line.removeprefix("//").strip() for line in found["comment"].splitlines())
            yield Written(path.name, comment, found["name"], found["effect"], found["refusal"] or "")


def _named(roles: Collection[Role]) -> str:
    return ", ".join(f"`{role}`" for role in Role if role in roles) or "nobody"


def render() -> str:
    """Return ``docs/permissions.md``."""
    lines = [
        "# Who may do what",
        "",
        "Generated by `python -m tests.house.generate` from the table in `tests/house/permission_table.py`, which",
        "tests hold the policies to, and from the policies in `policies/permissions`; checked in the build. Whatever",
        "is not here is refused. Nothing of it holds for an organisation, a system or a professional who is",
        "suspended, or without an agreement that stands on the day and is for the purpose (ENQ-3).",
        "",
        "| to | the agreement is for | the token is for | of other organisations | of the authority itself | but |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in TABLE:
        but = [
            "proven anew, with two factors, within minutes" if row.step_up else "",
            "never about oneself" if row.ones_own else "",
        ]
        cells = (
            row.says,
            f"`{row.purpose}`",
            f"`{row.scope}`",
            _named(row.others),
            _named(row.own),
            "; ".join(filter(None, but)),
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "How much is told of a child who is known is for the agreement to say: `full` is all that the procedures",
        "provide, `contact` that the child is known and whom to turn to (ENQ-4). Of a restricted child everybody but",
        "the safeguarding manager is told nothing and called back.",
        "",
        "## The policies",
        "",
        "| id | | says | a refusal is recorded as |",
        "| --- | --- | --- | --- |",
    ]
    for one in written():
        code = f"`{one.refusal}`" if one.refusal else ""
        lines.append(f"| `{one.name}` | {one.effect} | {one.comment} | {code} |")
    first = ", ".join(f"`{reason}`" for reason in RefusalReason)
    lines += [
        "",
        f"Where several refuse, the first of these is given: {first}.",
        "`role_not_permitted` says that no policy permits it.",
    ]
    return "\n".join(lines) + "\n"
