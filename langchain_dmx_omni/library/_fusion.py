"""Several rankings become one, and what tells of the same place is told once. Pure functions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple, TypeVar

from .moments import Moment

RRF_K: Final = 60
"""Of Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet …", SIGIR 2009."""

_MOSTLY: Final = 0.5


class Place(NamedTuple):
    """Where a moment is: its recording and its span in seconds; NaN-free, or None where it is not known."""

    source: str
    start: float
    end: float


Key = TypeVar("Key")


def reciprocal_rank(
    rankings: Sequence[Sequence[str]], weights: Sequence[float] | None = None, k: int = RRF_K
) -> list[tuple[str, float]]:
    """Return ids with the sum of `weight / (k + rank)` over the rankings, best first; ties in the order of ids.

    Args:
        rankings: Lists of ids, best first.
        weights: One a ranking; 1 each when left out.
        k: How little the first ranks differ.
    """
    scores: defaultdict[str, float] = defaultdict(float)
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, id in enumerate(dict.fromkeys(ranking), 1):
            scores[id] += weight / (k + rank)
    return sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))


def overlap(a: Place, b: Place) -> float:
    """Return how much two moments share, as intersection over union: 0 in two recordings, 1 at one instant."""
    if a.source != b.source:
        return 0.0
    shared = min(a.end, b.end) - max(a.start, b.start)
    union = max(a.end, b.end) - min(a.start, b.start)
    if union <= 0:
        return 1.0
    return max(shared, 0.0) / union


def drop_overlaps(ranked: Iterable[tuple[Key, Place | None]], mostly: float = _MOSTLY) -> Iterator[Key]:
    """Yield the ranked, without those that mostly overlap a better one of the same recording.

    Args:
        ranked: What is ranked, best first, with its place; without a place it is always kept.
        mostly: The least intersection over union at which the worse one is dropped.
    """
    kept: defaultdict[str, list[Place]] = defaultdict(list)
    for key, place in ranked:
        if place is not None:
            if any(overlap(place, better) >= mostly for better in kept[place.source]):
                continue
            kept[place.source].append(place)
        yield key


def by_recording(moments: Iterable[Moment]) -> dict[str, list[Moment]]:
    """Return the moments of each recording, the recording of the best moment first, best first within it."""
    groups: dict[str, list[Moment]] = {}
    for moment in moments:
        groups.setdefault(moment.source, []).append(moment)
    return groups


def merge_neighbours(moments: Iterable[Moment], gap: float = 0.0) -> list[Moment]:
    """Return the moments with neighbours of a recording merged, best first: to show them, not to cite them.

    A merged moment spans its parts and holds their texts in the order of time; all else is the best one's.

    Args:
        moments: Of any recordings, in any order.
        gap: Seconds between two moments that are neighbours still.
    """
    merged: list[Moment] = []
    in_time = sorted(moments, key=attrgetter("source", "start", "end", "id"))
    for _source, group in groupby(in_time, key=attrgetter("source")):
        run: list[Moment] = []
        for moment in group:
            if run and moment.start > max(part.end for part in run) + gap:
                merged.append(_merged(run))
                run = []
            run.append(moment)
        merged.append(_merged(run))
    return sorted(merged, key=lambda moment: (-moment.score, moment.source, moment.start))


def _merged(run: Sequence[Moment]) -> Moment:
    best = max(run, key=attrgetter("score"))
    texts = dict.fromkeys(part.text for part in run)
    return replace(best, start=run[0].start, end=max(part.end for part in run), text="\n".join(texts))
