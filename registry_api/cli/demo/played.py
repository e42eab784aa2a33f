"""A story played against the running service: every request sent, every inbox read, every difference found."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry_api.cli.demo.authority import AUTHORITY
from registry_api.cli.demo.story import SAFEGUARDING, Step, Story, Told
from registry_api.cli.remote import Refused, Remote


@dataclass(slots=True)
class Played:
    """A step, what the service answered, and who was told because of it."""

    step: Step
    answer: Mapping[str, Any]
    got: str
    repeated: bool = False
    told: Told = field(default_factory=Counter)
    astray: Told = field(default_factory=Counter)
    """Notifications that no step accounts for."""
    notifications: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    """Those of ``told`` in full, with the subject of the one whose inbox they were in."""

    @property
    def reference(self) -> str:
        """What the service calls it."""
        return str(self.answer.get("reference", ""))

    @property
    def as_expected(self) -> bool:
        """Whether the answer is the expected one, and exactly those were told who had to be."""
        return (
            self.got == self.step.expected
            and self.repeated == self.step.repeats
            and self.told == self.step.told
            and not self.astray
        )


def play(story: Story, services: Mapping[str, Remote]) -> list[Played]:
    """Send every step of a story and return what came of it; ``services`` by the code of the organisation."""
    played: list[Played] = []
    answer: dict[str, Any] | None = None
    while True:
        try:
            step = next(story) if answer is None else story.send(answer)
        except StopIteration:
            return played
        one = _send(step, services[step.partner.code])
        played.append(one)
        answer = dict(one.answer)


def _send(step: Step, service: Remote) -> Played:
    try:
        response = service.call(
            step.method,
            step.path,
            as_whom=step.as_whom,
            scope=step.scope,
            body=step.body,
            headers={"Idempotency-Key": step.key},
        )
    except Refused as refused:
        return Played(step, refused.problem, refused.code)
    answer = response.json()
    got = answer.get("outcome") or answer.get("placed_as") or "allocated"
    return Played(step, answer, got, "idempotency-replayed" in response.headers)


def read_inboxes(played: list[Played], authority: Remote) -> None:
    """Read the inbox of each member of staff, as themselves, and add to each step who was told because of it.

    Every inbox is read, so that nobody can have been told unseen.
    """
    found: dict[str, list[tuple[str, Mapping[str, Any]]]] = defaultdict(list)
    for subject, _ in AUTHORITY.members:
        page = authority.call(
            "GET", "/api/v1/notifications", as_whom=subject, scope="casework", query={"limit": 200}
        ).json()
        for notification in page["notifications"]:
            if notification["about"]:
                found[notification["about"]["reference"]].append((subject, notification))
    for one in played:
        for subject, notification in found[one.reference]:
            told = (subject, notification["kind"])
            if one.told[told] < one.step.told[told]:
                one.told[told] += 1
                one.notifications.append((subject, notification))
    for one in filter(lambda one: one.reference, played):
        accounted = sum((other.told for other in played if other.reference == one.reference), Told())
        received = Counter((subject, notification["kind"]) for subject, notification in found[one.reference])
        one.astray = received - accounted


def due_dates(authority: Remote) -> dict[str, str]:
    """Return by when each open consideration is due (ENQ-7), by its id, as the safeguarding manager reads it."""
    path, query = "/api/v1/considerations", {"limit": 200}
    shown = authority.call("GET", path, as_whom=SAFEGUARDING, scope="casework", query=query).json()
    return {one["id"]: one["due_on"] for one in shown["considerations"]}
