"""`merge`: the spans of all windows → one list, where what two windows saw is there once. Pure, and linear."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from langchain_dmx_omni._warnings import warn_user
from langchain_dmx_omni.errors import ConfigurationError

from .timeline import Span, Window

SpanT = TypeVar("SpanT", bound=Span)

_NEAR = 1.0
"""Seconds by which two windows may differ on the time of one and the same thing; less, where they share less."""
_CANDIDATES = 16
"""Spans of the window before, the nearest in time, that one is compared with: where more are near, times say little."""


def longer(first: SpanT, second: SpanT) -> SpanT:
    """Return one span for the two; but for its times, it is the longer: a window's edge cuts things short."""
    kept = first if first.end - first.start >= second.end - second.start else second
    return kept.model_copy(
        update={"start": min(first.start, second.start), "end": max(first.end, second.end)},
    )


def merge(
    parts: Iterable[tuple[Window, Sequence[SpanT]]],
    same: Callable[[SpanT, SpanT], bool],
    *,
    combine: Callable[[SpanT, SpanT], SpanT] = longer,
    across: bool = False,
    both: Callable[[SpanT, SpanT], SpanT] | None = None,
) -> list[SpanT]:
    """Return the spans of all windows, sorted by time; what two windows have in their overlap is there once.

    Args:
        parts: Each window with its spans, in seconds of the recording; windows in order.
        same: Whether two spans, the first from an earlier window, are one. It is called only for those that are near
            in time, the nearest first.
        combine: Makes one of the two.
        across: Whether to join also what ends where a window ends and goes on where the next one starts, though
            neither window has the whole.
        both: The former name of `combine`, for one more release.

    Raises:
        ConfigurationError: `combine` is there under its former name as well.
    """
    if both is not None:
        if combine is not longer:
            raise ConfigurationError("merge(): both= is the former name of combine=; give combine= alone")
        warn_user("merge(both=…) is called merge(combine=…) now", DeprecationWarning)
        combine = both
    merged: list[SpanT] = []
    previous: list[int] = []  # where in `merged` the spans of the window before are
    end = -math.inf  # of the window before
    for window, spans in parts:
        shared = previous if across or window.start < end else []
        candidates = _Candidates([(index, merged[index]) for index in shared], window.start, end)
        current: list[int] = []
        for span in spans:
            at = next((index for index in candidates.near(span) if same(merged[index], span)), None)
            if at is None:
                current.append(len(merged))
                merged.append(span)
            else:
                merged[at] = combine(merged[at], span)
                candidates.take(at)  # it has one counterpart at the most
                current.append(at)
        previous, end = current, window.end
    return sorted(merged, key=lambda span: (span.start, span.end))


class _Candidates:
    """The spans of a window that may be those of the next one, by time.

    Args:
        spans: Each span with its number.
        start: Where what the two windows share starts.
        end: Where it ends.
    """

    def __init__(self, spans: Sequence[tuple[int, Span]], start: float, end: float) -> None:
        self._slack = min(_NEAR, end - start) if start < end else _NEAR
        self._start, self._end = start, end
        reaching = [each for each in spans if each[1].end >= start - self._slack]
        self._spans = sorted(reaching, key=lambda each: self._key(each[1]))
        self._keys = [self._key(span) for _, span in self._spans]
        self._places = {number: place for place, (number, _) in enumerate(self._spans)}
        # Of each place, the next one up and down that is not taken; taken ones are passed over once and for all.
        count = len(self._spans)
        self._up, self._down = list(range(count + 1)), list(range(count + 1))

    def near(self, span: Span) -> Iterator[int]:
        """Yield the numbers of those that meet a span in what the windows share, the nearest first."""
        if span.start > self._end + self._slack:
            return
        key = self._key(span)
        middle = bisect_left(self._keys, key)
        up, down = _free(self._up, middle), _free(self._down, middle)
        for _ in range(_CANDIDATES):
            above = self._keys[up] - key if up < len(self._keys) else math.inf
            below = key - self._keys[down - 1] if down > 0 else math.inf
            if above == below == math.inf:
                return
            if above <= below:
                number, candidate = self._spans[up]
                up = _free(self._up, up + 1)
            else:
                number, candidate = self._spans[down - 1]
                down = _free(self._down, down - 1)
            if span.start - candidate.end <= self._slack and candidate.start - span.end <= self._slack:
                yield number

    def take(self, number: int) -> None:
        """Leave one out from now on."""
        place = self._places[number]
        self._up[place] = place + 1
        self._down[place + 1] = place

    def _key(self, span: Span) -> float:
        return max(span.start, self._start)


def _free(links: list[int], place: int) -> int:
    """Return the first place that is not taken, from a place on; what was passed over is linked to it."""
    while links[place] != place:
        links[place] = links[links[place]]
        place = links[place]
    return place
