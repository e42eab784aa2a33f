"""Second enquiries (ENQ-7): two questions about one child, or about a twin, a sibling or a namesake, and what is said.

Each pair is judged by ``bands.same_child``, as the service judges a question beside an earlier one that found nobody,
and by ``bands.perhaps_same_child``, from which a person decides. The thresholds were settled on seeds up to 99, as all
others were.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from bench.matching.asking import Enquirers
from bench.matching.measure import Share
from bench.matching.people import Child
from registry_api.matching.bands import perhaps_same_child, same_child
from registry_api.matching.person import Person
from registry_api.matching.record import record_of

Pair = tuple[str, str, Person, Person]
"""What the second question is to the first, the origin of the name, the first and the second."""

REPEATS = frozenset({"repeat", "repeat from another address"})
"""The pairs that are about one child."""


def pairs(ask: Enquirers, children: list[Child], count: int) -> Iterator[Pair]:
    """Yield pairs of questions.

    Args:
        ask: makes the questions, with their slips.
        children: whom they are about; none of them needs to be on a register.
        count: how many of each kind of repeat, and of all that are none.
    """
    for question in ask.known(children, count):
        assert question.truth is not None
        child = children[question.truth].person
        if again := ask.ask(child, question.origin):
            yield "repeat", question.origin, question.person, again
        away = replace(child, addresses=ask.draw.home().addresses)
        if elsewhere := ask.ask(away, question.origin):
            yield "repeat from another address", question.origin, question.person, elsewhere
    for question in ask.nobody(children, count):
        near = children[ask.random.randrange(len(children)) if question.near is None else question.near]
        if first := ask.ask(near.person, near.home.origin):
            yield question.kind, question.origin, first, question.person


def table(asked: Iterator[Pair]) -> dict[str, dict[str, dict[str, float]]]:
    """Return by kind of pair the share that is taken for a repeat: of all, by origin of the name, and "perhaps": the
    share that is at least given to a person to decide."""
    hits: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for kind, origin, first, second in asked:
        question, earlier = record_of(second), [(0, record_of(first))]
        taken = bool(same_child(question, earlier))
        hits[kind]["all"].append(taken)
        hits[kind][origin].append(taken)
        hits[kind]["perhaps"].append(taken or bool(perhaps_same_child(question, earlier)))
    return {
        kind: {name: Share(sum(taken), len(taken)).as_json() for name, taken in sorted(by.items())}
        for kind, by in hits.items()
    }
