"""What the tables are made of: shares with their intervals, recall at a precision, and calibration. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

PRECISION = 0.999
_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``of``, with the 95 % interval of Wilson (1927)."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """The share; 0 of nothing."""
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The bounds of the interval."""
        if not self.of:
            return 0.0, 1.0
        n, p = self.of, self.value
        middle, half = p + _Z**2 / (2 * n), _Z * sqrt(p * (1 - p) / n + _Z**2 / (4 * n * n))
        return max(0.0, (middle - half) / (1 + _Z**2 / n)), min(1.0, (middle + half) / (1 + _Z**2 / n))

    def as_json(self) -> dict[str, float]:
        """Return it for the file of results."""
        low, high = self.interval
        return {"value": self.value, "low": low, "high": high, "hits": self.hits, "of": self.of}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.value:.4f} [{low:.4f}, {high:.4f}]"


@dataclass(frozen=True, slots=True)
class Said:
    """One system's best answer to one question: how sure it is (any scale, more is surer), and whether it is right."""

    score: float
    right: bool


def threshold_at(answers: Iterable[Said], precision: float = PRECISION) -> float:
    """Return the lowest score from which, counted down from the best, the answers are right so often; inf if never."""
    best, right, seen = float("inf"), 0, 0
    ordered = sorted(answers, key=lambda one: -one.score)
    for i, one in enumerate(ordered):
        right, seen = right + one.right, seen + 1
        last_of_tie = i + 1 == len(ordered) or ordered[i + 1].score < one.score
        if last_of_tie and right >= precision * seen:
            best = one.score
    return best


def at_threshold(answers: Sequence[Said], threshold: float, positives: int) -> tuple[Share, Share]:
    """Return recall (of ``positives``) and precision of the answers from ``threshold`` up."""
    given = [one for one in answers if one.score >= threshold]
    right = sum(one.right for one in given)
    return Share(right, positives), Share(right, len(given))


def calibration(pairs: Iterable[tuple[float, bool]]) -> list[dict[str, float]]:
    """Return, for bins of posteriors, the mean of what was said and the share that was right, with its interval."""
    edges = (0.001, 0.01, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99, 0.998, 1.0000001)
    bins: list[list[tuple[float, bool]]] = [[] for _ in edges[1:]]
    for posterior, right in pairs:
        for i, edge in enumerate(edges[1:]):
            if edges[i] <= posterior < edge:
                bins[i].append((posterior, right))
                break
    rows = []
    for i, inside in enumerate(bins):
        if inside:
            share = Share(sum(right for _, right in inside), len(inside))
            said = sum(posterior for posterior, _ in inside) / len(inside)
            rows.append({"from": edges[i], "to": min(1.0, edges[i + 1]), "said": said, **share.as_json()})
    return rows
