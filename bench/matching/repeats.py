"""Two enquiries about children nobody knows: which are about one child (ENQ-7), and which are told so by mistake.

``python -m bench.matching.repeats``. The earlier enquiry and the later are asked through slips of their own. A repeat
is the same child twice; a false repeat is the child's twin, sibling or namesake, or a stranger. ``SAME_ENQUIRY`` and
the guards were settled on seeds up to 99 and are reported on others. Writes ``bench/out/repeats.json``.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.matching.asking import NOBODY, Enquirers
from bench.matching.measure import Share
from bench.matching.people import Population, register
from registry_api.matching.bands import PERHAPS_SAME_ENQUIRY, SAME_ENQUIRY, perhaps_same_child, same_child
from registry_api.matching.record import Record, record_of
from registry_api.matching.token_keys import TokenKeys
from registry_api.matching.tokens import LEAST_WEIGHT, index_tokens, query_tokens

_OUT = Path(__file__).parents[1] / "out" / "repeats.json"
_CHILDREN = 20_000
_KEYS = TokenKeys(bytes(range(32)))


@dataclass(frozen=True, slots=True)
class Pair:
    """An earlier enquiry and a later one; ``kind``: "repeat", or a key of NOBODY."""

    earlier: Record
    later: Record
    kind: str
    origin: str


def pairs(seed: int, count: int) -> Iterator[Pair]:
    """Yield ``count`` repeats, and as many that are none, in the mix of NOBODY."""
    draw = Population(seed)
    children = register(draw, _CHILDREN)
    ask = Enquirers(draw)
    for question in ask.known(children, count):
        assert question.truth is not None
        child = children[question.truth]
        if again := ask.ask(child.person, child.home.origin):
            yield Pair(record_of(question.person), record_of(again), "repeat", question.origin)
    for question in ask.nobody(children, count):
        near = children[question.near if question.near is not None else draw.random.randrange(len(children))]
        if earlier := ask.ask(near.person, near.home.origin):
            yield Pair(record_of(earlier), record_of(question.person), question.kind, question.origin)


def judge(all_pairs: Iterator[Pair]) -> dict[str, Any]:
    """Return how many of each kind are met and told as a repeat, and repeats by origin of the name."""
    told: dict[str, list[bool]] = defaultdict(list)
    origins: dict[str, list[bool]] = defaultdict(list)
    perhaps: dict[str, list[bool]] = defaultdict(list)
    met: list[bool] = []
    for pair in all_pairs:
        query, standing = query_tokens(pair.later, _KEYS), set(index_tokens(pair.earlier, _KEYS))
        shared = sum(w for token, w in zip(query.tokens, query.weights, strict=True) if token in standing)
        is_met = shared >= LEAST_WEIGHT
        same = is_met and bool(same_child(pair.later, [(0, pair.earlier)]))
        told[pair.kind].append(same)
        perhaps[pair.kind].append(is_met and bool(perhaps_same_child(pair.later, [(0, pair.earlier)])))
        if pair.kind == "repeat":
            met.append(is_met)
            origins[pair.origin].append(same)
    return {
        "met by the index": Share(sum(met), len(met)).as_json(),
        "told as a repeat": _by_kind(told),
        "given a person to decide, or told": _by_kind(perhaps),
        "repeats by origin": {name: Share(sum(one), len(one)).as_json() for name, one in sorted(origins.items())},
    }


def _by_kind(said: dict[str, list[bool]]) -> dict[str, dict[str, float]]:
    return {kind: Share(sum(said[kind]), len(said[kind])).as_json() for kind in ("repeat", *NOBODY)}


def main() -> None:
    """Judge the pairs of each seed, print the figures and write the file."""
    options = argparse.ArgumentParser(prog="python -m bench.matching.repeats", description=__doc__)
    options.add_argument("--pairs", type=int, default=5000, help="repeats, and as many that are none")
    options.add_argument("--seeds", default="103,104", help="reported on; what is frozen was settled on those up to 99")
    chosen = options.parse_args()
    results: dict[str, Any] = {"thresholds": [SAME_ENQUIRY, PERHAPS_SAME_ENQUIRY], "seeds": {}}
    for seed in map(int, chosen.seeds.split(",")):
        found = results["seeds"][seed] = judge(pairs(seed, chosen.pairs))
        print(f"seed {seed}: met by the index {_share(found['met by the index'])}")
        for title in ("told as a repeat", "given a person to decide, or told", "repeats by origin"):
            for name, share in found[title].items():
                print(f"  {title}: {name:28} {_share(share)}")
    _OUT.parent.mkdir(exist_ok=True)
    _OUT.write_text(json.dumps(results, indent=1), "utf-8")


def _share(share: dict[str, float]) -> str:
    low, high = share["low"], share["high"]
    return f"{share['value']:.4f} ({low:.4f}–{high:.4f})  {share['hits']:,} of {share['of']:,}"


if __name__ == "__main__":
    main()
