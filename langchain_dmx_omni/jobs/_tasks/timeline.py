"""Times: what a model says of one window → seconds of the recording, each thing once, in order. Pure.

A model is asked for seconds from the start of the window it sees, and is not always right: it may answer `"1:05"`,
mix up start and end, or point behind the window's end. What it says is kept all the same, at the nearest time that
the window has: a time that is a little wrong is mended by hand, a sentence that is lost is not.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from langchain_dmx_omni.errors import ConfigurationError

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d+)?)\s*(?:s|secs?|seconds?)?", re.IGNORECASE)


def _seconds(value: Any) -> Any:
    """Read a time that is written as a text: `"12.5"`, `"12 s"`, `"1:05"`, `"00:01:05,250"`."""
    match = _CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return value
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds.replace(",", "."))


Seconds = Annotated[float, BeforeValidator(_seconds)]
"""A time or a length in seconds. A text such as `"1:05"` is read as well."""


class Span(BaseModel):
    """Something that lasts from one time to another; base of whatever an answer gives times of.

    In the answer for a window, times count from the window's start; in a job's result, from the recording's.
    """

    start: Seconds = Field(description="Seconds from the start, such as 12.5")
    end: Seconds = Field(description="Seconds from the start, not before the start of this")


@dataclass(frozen=True)
class Window:
    """A part of a recording that is asked about in one call.

    Attributes:
        index: Its number, from 0.
        start: Seconds of the recording.
        end: Seconds of the recording.
    """

    index: int
    start: float
    end: float


AnswerT = TypeVar("AnswerT", bound=BaseModel)
SpanT = TypeVar("SpanT", bound=Span)


def place(answer: AnswerT, window: Window) -> AnswerT:
    """Return the answer for a window with every `Span` in it, at any depth, in seconds of the recording.

    Times are clamped to the window, and swapped where the end comes before the start. A start that is no number is the
    window's start, such an end is the start.
    """
    placed: AnswerT = _placed(answer, window)
    return placed


def _placed(value: Any, window: Window) -> Any:
    match value:
        case BaseModel():
            changed = {name: _placed(getattr(value, name), window) for name in type(value).model_fields}
            if isinstance(value, Span):
                changed["start"], changed["end"] = _clamped(value, window)
            return value.model_copy(update=changed)
        case list():
            return [_placed(each, window) for each in value]
        case tuple() if type(value) is tuple:
            return tuple(_placed(each, window) for each in value)
        case dict():
            return {name: _placed(each, window) for name, each in value.items()}
    return value


def _clamped(span: Span, window: Window) -> tuple[float, float]:
    length = window.end - window.start
    start = 0.0 if math.isnan(span.start) else min(max(span.start, 0.0), length)
    end = start if math.isnan(span.end) else min(max(span.end, 0.0), length)
    # To the millisecond, which is finer than any model hears and what subtitles can say.
    return round(window.start + min(start, end), 3), round(window.start + max(start, end), 3)


_NEAR = 1.0
"""Seconds by which two windows may differ on the time of one and the same thing; less, where they share less."""


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
            in time.
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
        warnings.warn("merge(both=…) is called merge(combine=…) now", DeprecationWarning, stacklevel=2)
        combine = both
    merged: list[SpanT] = []
    previous: list[int] = []  # where in `merged` the spans of the window before are
    end = -math.inf  # of the window before
    for window, spans in parts:
        current: list[int] = []
        for span in spans:
            at = None
            if across or window.start < end:
                near = [index for index in previous if _meet(merged[index], span, window.start, end)]
                at = next((index for index in near if same(merged[index], span)), None)
            if at is None:
                current.append(len(merged))
                merged.append(span)
            else:
                merged[at] = combine(merged[at], span)
                previous.remove(at)  # it has one counterpart at the most
                current.append(at)
        previous, end = current, window.end
    return sorted(merged, key=lambda span: (span.start, span.end))


def _meet(first: Span, second: Span, start: float, end: float) -> bool:
    """Whether two spans reach into what two windows share, from `start` to `end`, and meet there."""
    slack = min(_NEAR, end - start) if start < end else _NEAR
    reach = first.end >= start - slack and second.start <= end + slack
    return reach and second.start - first.end <= slack and first.start - second.end <= slack


_ALIKE = 0.8  # share of the characters
_SHORTEST = 4  # characters from which likeness is no coincidence


def alike(first: str, second: str) -> bool:
    """Return whether two texts say the same, but for case, signs and a few letters, or one is the other cut short."""
    short, long = sorted((_plain(first), _plain(second)), key=len)
    if short == long or len(short) < _SHORTEST:
        return short == long
    if long.startswith(short) or long.endswith(short):
        return True
    digits = [[sign for sign in text if sign.isdigit()] for text in (short, long)]
    return digits[0] == digits[1] and SequenceMatcher(None, short, long, autojunk=False).ratio() >= _ALIKE


def _plain(text: str) -> str:
    return " ".join("".join(sign if sign.isalnum() else " " for sign in text.casefold()).split())
