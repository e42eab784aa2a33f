"""This service on the hard register: what is found, what is missed, and who is disclosed by mistake."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.matching.asking import Question
from bench.matching.index import Index
from bench.matching.measure import PRECISION, Said, Share, at_threshold, calibration, threshold_at
from registry_api.matching.bands import Band, best_match, is_guarded
from registry_api.matching.record import record_of
from registry_api.matching.score import score


@dataclass(slots=True)
class Outcome:
    """What came of one question."""

    question: Question
    band: Band
    right: bool
    shown: bool
    said: Said
    retrieved: bool
    posteriors: list[tuple[float, bool]] = field(default_factory=list)


def ask_all(index: Index, questions: Sequence[Question]) -> list[Outcome]:
    """Ask every question."""
    outcomes = []
    for question in questions:
        record = record_of(question.person)
        candidates = index.candidates(record)
        scored = score(record, candidates)
        match = best_match(record, candidates)
        best = scored[0] if scored else None
        right = question.truth is not None and question.truth in match.candidates
        outcomes.append(
            Outcome(
                question,
                match.band,
                right,
                right or question.truth in match.possible,
                Said(
                    best.posterior if best and is_guarded(best) else 0.0,
                    best is not None and best.id == question.truth,
                ),
                any(number == question.truth for number, _ in candidates),
                [(one.posterior, one.id == question.truth) for one in scored if one.posterior >= 0.001],
            )
        )
    return outcomes


def table(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """Return the figures of one run."""
    known = [one for one in outcomes if one.question.truth is not None]
    nobody = [one for one in outcomes if one.question.truth is None]
    matched = [one for one in outcomes if one.band is Band.MATCH]
    answers = [one.said for one in outcomes if one.said.score > 0]
    swept = threshold_at(answers, PRECISION)
    kinds: dict[str, Counter[Band]] = defaultdict(Counter)
    for one in outcomes:
        kinds[one.question.kind][one.band] += 1
    groups = {}
    for origin in sorted({one.question.origin for one in known}):
        own = [one for one in known if one.question.origin == origin]
        theirs = [one for one in matched if one.question.origin == origin]
        groups[origin] = {
            "recall": Share(sum(one.right for one in own), len(own)).as_json(),
            "precision": Share(sum(one.right for one in theirs), len(theirs)).as_json(),
            "missed": Share(sum(not one.shown for one in own), len(own)).as_json(),
        }
    household = [one for one in nobody if one.question.kind in ("twin", "sibling")]
    return {
        "recall": Share(sum(one.right for one in known), len(known)).as_json(),
        "precision": Share(sum(one.right for one in matched), len(matched)).as_json(),
        "recall at .999": at_threshold(answers, swept, len(known))[0].as_json(),
        "threshold at .999": swept,
        "missed": Share(sum(not one.shown for one in known), len(known)).as_json(),
        "not even possible": Share(sum(one.band is Band.NONE for one in known), len(known)).as_json(),
        "not retrieved": Share(sum(not one.retrieved for one in known), len(known)).as_json(),
        "another disclosed": Share(
            sum(one.band is Band.MATCH and not one.right for one in known), len(known)
        ).as_json(),
        "twins and siblings disclosed": Share(
            sum(one.band is Band.MATCH for one in household), len(household)
        ).as_json(),
        "kinds": {
            kind: {band.value: count / sum(bands.values()) for band, count in bands.items()}
            for kind, bands in kinds.items()
        },
        "groups": groups,
        "calibration": calibration(pair for one in outcomes for pair in one.posteriors),
    }
