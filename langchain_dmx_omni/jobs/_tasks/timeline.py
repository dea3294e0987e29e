"""Times: what a model says of one window → seconds of the recording. Pure.

A model is asked for seconds from the start of the window it sees, and is not always right: it may answer `"1:05"`,
mix up start and end, count from the recording's start, point behind the window's end, or say nothing. What it says is
kept all the same, at the nearest time that its neighbours allow: a time that is a little wrong is mended by hand, a
sentence that is lost is not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from langchain_dmx_omni._warnings import warn_user

from . import times

Seconds = Annotated[float, BeforeValidator(times.seconds)]
"""A time or a length in seconds. A text such as `"1:05"` or `"5秒"` is read as well; what is no time is NaN."""


class Span(BaseModel):
    """Something that lasts from one time to another; base of whatever an answer gives times of.

    In the answer for a window, times count from the window's start; in a job's result, from the recording's. A time
    that is missing or can't be read is NaN in the answer; in the result it is a time between those around it.
    """

    start: Seconds = Field(description="Seconds from the start, such as 12.5")
    end: Seconds = Field(description="Seconds from the start, not before the start of this")

    @model_validator(mode="before")
    @classmethod
    def _read_range(cls, data: Any) -> Any:
        """Read a range that stands in one field, such as `"00:05 --> 00:08"`, and what has no times."""
        if not isinstance(data, Mapping):
            return data
        first, second = times.time_range(data.get("start")), times.time_range(data.get("end"))
        start = second[0] if math.isnan(first[0]) and second[0] < second[1] else first[0]
        end = first[1] if math.isnan(second[1]) and first[0] < first[1] else second[1]
        return {**data, "start": start, "end": end}


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


def place(answer: AnswerT, window: Window, recording: str) -> AnswerT:
    """Return the answer for a window with every `Span` in it, at any depth, in seconds of the recording.

    Times are clamped to the window, and swapped where the end comes before the start. Where the times lie behind the
    window, and in it once its start is taken off, they were counted from the recording's start. What is unknown, or
    fits neither way, shares the time between the spans around it in their list, in order.

    Args:
        answer: What the model has said.
        window: What it was asked about.
        recording: The recording's name, for a warning.

    Warns:
        DMXOmniWarning: Times fit neither way; it says how many.
    """
    spans = list(_spans(answer))
    origin = window.start if _counted_from_the_recording(spans, window) else 0.0
    placed: AnswerT = _placed(answer, window, origin)
    strays = sum(_point(span, window, origin).stray for span in spans)
    if strays:
        warn_user(
            f"{recording}, window {window.index + 1} ({window.start:.1f} to {window.end:.1f} s): {strays} of "
            f"{len(spans)} times are outside of it, however they are counted; what they belong to is put between its "
            "neighbours, in order"
        )
    return placed


def _spans(value: Any) -> Iterator[Span]:
    match value:
        case BaseModel():
            if isinstance(value, Span):
                yield value
            for name in type(value).model_fields:
                yield from _spans(getattr(value, name))
        case list() | tuple():
            for each in value:
                yield from _spans(each)
        case dict():
            yield from _spans(list(value.values()))


def _placed(value: Any, window: Window, origin: float) -> Any:
    match value:
        case Span():
            return _placed([value], window, origin)[0]
        case BaseModel():
            return value.model_copy(update=_fields(value, window, origin))
        case list():
            ranges = iter(_ranges([each for each in value if isinstance(each, Span)], window, origin))
            return [
                _moved(each, *next(ranges), window, origin) if isinstance(each, Span) else _placed(each, window, origin)
                for each in value
            ]
        case tuple() if type(value) is tuple:
            return tuple(_placed(list(value), window, origin))
        case dict():
            return dict(zip(value, _placed(list(value.values()), window, origin), strict=True))
    return value


def _moved(span: Span, start: float, end: float, window: Window, origin: float) -> Span:
    return span.model_copy(update={**_fields(span, window, origin), "start": start, "end": end})


def _fields(model: BaseModel, window: Window, origin: float) -> dict[str, Any]:
    return {name: _placed(getattr(model, name), window, origin) for name in type(model).model_fields}


# --- one span ---------------------------------------------------------------------------------------------------------

_SLACK = 1.0
"""Seconds that a time may lie outside its window and still be meant for its edge."""


class _Point(NamedTuple):
    """Where a span is in the recording, as far as it is known."""

    start: float | None = None
    end: float | None = None
    stray: bool = False
    """Whether it says a time, which is outside the window."""


def _point(span: Span, window: Window, origin: float) -> _Point:
    """Return the times of a span within its window; those of a stray are unknown.

    Args:
        span: What the model says.
        window: Where it belongs.
        origin: What the model calls the window's start: 0.0, or seconds of the recording.
    """
    length = window.end - window.start
    known = [time - origin for time in (span.start, span.end) if math.isfinite(time)]
    if not known:
        return _Point()
    if max(known) < -_SLACK or min(known) > length + _SLACK:
        return _Point(stray=True)
    # To the millisecond, which is finer than any model hears and what subtitles can say.
    first, last = (round(window.start + min(max(time, 0.0), length), 3) for time in (min(known), max(known)))
    if len(known) == 2:
        return _Point(first, last)
    return _Point(start=first) if math.isfinite(span.start) else _Point(end=last)


def _counted_from_the_recording(spans: Sequence[Span], window: Window) -> bool:
    """Whether a window's times were counted from the recording's start: most lie behind it, none can be its own."""
    length = window.end - window.start

    def fits(start: float, origin: float) -> bool:
        return -_SLACK <= start - origin <= length + _SLACK

    starts = [span.start for span in spans if math.isfinite(span.start)]
    if any(fits(start, 0.0) and not fits(start, window.start) for start in starts):
        return False
    return 2 * sum(start >= length and fits(start, window.start) for start in starts) > len(starts)


# --- spans in a row ---------------------------------------------------------------------------------------------------


def _ranges(spans: Sequence[Span], window: Window, origin: float) -> list[tuple[float, float]]:
    """Return start and end of each span; what is unknown shares the time between the known ones around it."""
    points = [_point(span, window, origin) for span in spans]
    # A span is one step of the row long, and the next one starts where it ends; the window's own edges are known.
    row = [(at + step, time) for at, point in enumerate(points) for step, time in enumerate(point[:2])]
    following: list[tuple[int, float]] = []
    after = (len(points), window.end)
    for step, time in reversed(row):
        after = after if time is None else (step, time)
        following.append(after)
    before = (0, window.start)
    filled: list[float] = []
    for (step, time), after in zip(row, reversed(following), strict=True):
        if time is not None:
            before = (step, time)
            filled.append(time)
            continue
        steps, gap = after[0] - before[0], max(after[1] - before[1], 0.0)
        filled.append(round(before[1] + (gap * (step - before[0]) / steps if steps else 0.0), 3))
    return [(min(start, end), end) for start, end in zip(filled[::2], filled[1::2], strict=True)]
