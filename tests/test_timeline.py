"""Times of windows, placed and joined: tables of what a model may say."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from langchain_dmx_omni.errors import ConfigurationError
from langchain_dmx_omni.jobs import Span, Window, alike, merge
from langchain_dmx_omni.jobs._tasks.timeline import place

NAN, INF = math.nan, math.inf


class Note(Span):
    text: str = ""


class Notes(BaseModel):
    title: str = ""
    notes: list[Note] = []
    by_name: dict[str, Note] = {}
    pair: tuple[Note, Note] | None = None
    inner: Notes | None = None


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (12, 12.0),
        (12.5, 12.5),
        ("12.5", 12.5),
        (" 12,5 s ", 12.5),
        ("3 seconds", 3.0),
        ("1:05", 65.0),
        ("00:01:05,250", 65.25),
        ("1:00:00", 3600.0),
        ("90:00", 5400.0),
    ],
)
def test_a_time_is_read_as_it_may_be_written(said: Any, seconds: float) -> None:
    assert Span(start=said, end=said).start == seconds


@pytest.mark.parametrize("said", [None, "", "soon", "1:2:3:4", [], {}])
def test_what_is_no_time_is_refused(said: Any) -> None:
    with pytest.raises(ValidationError):
        Span(start=said, end=1)


def test_the_schema_asks_for_numbers() -> None:
    fields = Span.model_json_schema()["properties"]
    assert [fields[name]["type"] for name in ("start", "end")] == ["number", "number"]


# In a window from 100 to 160 s.
CLAMPED: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "inside": ((1.5, 2.5), (101.5, 102.5)),
    "the whole": ((0, 60), (100, 160)),
    "equal": ((5, 5), (105, 105)),
    "reversed": ((9, 4), (104, 109)),
    "negative": ((-3, 4), (100, 104)),
    "both negative": ((-3, -1), (100, 100)),
    "over the end": ((50, 75), (150, 160)),
    "behind the end": ((70, 75), (160, 160)),
    "endless": ((10, INF), (110, 160)),
    "from the beginning of time": ((-INF, 10), (100, 110)),
    "start is no number": ((NAN, 10), (100, 110)),
    "end is no number": ((10, NAN), (110, 110)),
    "neither is a number": ((NAN, NAN), (100, 100)),
    "finer than a millisecond": ((1.23456, 2.34567), (101.235, 102.346)),
}


@pytest.mark.parametrize(("said", "expected"), CLAMPED.values(), ids=CLAMPED)
def test_times_are_clamped_to_the_window_and_moved(said: tuple[float, float], expected: tuple[float, float]) -> None:
    start, end = said
    original = note(start, end, "a")
    moved = note(*expected, "a")
    answer, placed = (
        Notes(title="t", notes=[each], by_name={"a": each}, pair=(each, each), inner=Notes(notes=[each]))
        for each in (original, moved)
    )
    assert place(answer, Window(1, 100, 160)) == placed
    assert (
        (original.start, original.end) == said or math.isnan(start) or math.isnan(end)
    )  # the answer itself stays as it is


def note(start: float, end: float, text: str) -> Note:
    return Note(start=start, end=end, text=text)


Triples = list[tuple[float, float, str]]
# Windows 0–60, 58–118 and 116–176, which share two seconds.
MERGED: dict[str, tuple[list[Triples], Triples]] = {
    "nothing": ([[], [], []], []),
    "no windows": ([], []),
    "one window": ([[(5, 6, "b"), (1, 2, "a")]], [(1, 2, "a"), (5, 6, "b")]),
    "seen by both": ([[(57, 59.5, "hello there")], [(58, 59.4, "Hello, there!")]], [(57, 59.5, "hello there")]),
    "cut off by the edge": (
        [[(57, 60, "and so we")], [(58.2, 62, "And so we went home.")]],
        [(57, 62, "And so we went home.")],
    ),
    "seen by both at slightly different times": ([[(58, 59, "yes")], [(59.8, 60.5, "yes")]], [(58, 60.5, "yes")]),
    "said twice in the overlap": (
        [[(58, 58.5, "no"), (59, 59.5, "no")], [(58, 58.5, "no"), (59, 59.5, "no")]],
        [(58, 58.5, "no"), (59, 59.5, "no")],
    ),
    "the same words, long after": ([[(20, 21, "yes")], [(90, 91, "yes")]], [(20, 21, "yes"), (90, 91, "yes")]),
    "the same words on both sides of the overlap": (
        [[(55, 56, "yes")], [(61.5, 62, "yes")]],
        [(55, 56, "yes"), (61.5, 62, "yes")],
    ),
    "other words in the overlap": ([[(58, 59, "yes")], [(58, 59, "maybe")]], [(58, 59, "yes"), (58, 59, "maybe")]),
    "equal times": ([[(1, 2, "a"), (1, 2, "b")]], [(1, 2, "a"), (1, 2, "b")]),
    "over three windows": (
        [[(50, 60, "the long speech")], [(58, 118, "the long speech")], [(116, 130, "the long speech")]],
        [(50, 130, "the long speech")],
    ),
    "a window without anything between": (
        [[(50, 60, "end")], [], [(116, 117, "end")]],
        [(50, 60, "end"), (116, 117, "end")],
    ),
}


@pytest.mark.parametrize(("answers", "expected"), MERGED.values(), ids=MERGED)
def test_what_two_windows_saw_is_there_once(answers: list[Triples], expected: Triples) -> None:
    parts = [
        (
            Window(index, index * 58, index * 58 + 60),
            [Note(start=start, end=end, text=text) for start, end, text in one],
        )
        for index, one in enumerate(answers)
    ]
    merged = merge(parts, lambda first, second: alike(first.text, second.text))
    assert [(each.start, each.end, each.text) for each in merged] == expected


@pytest.mark.parametrize(
    ("across", "expected"),
    [(False, [(50, 60, "rain"), (60, 70, "rain")]), (True, [(50, 70, "rain")])],
)
def test_windows_that_only_touch(across: bool, expected: Triples) -> None:
    parts = [
        (Window(0, 0, 60), [note(50, 60, "rain")]),
        (Window(1, 60, 120), [note(60, 70, "rain")]),
    ]
    merged = merge(parts, lambda first, second: first.text == second.text, across=across)
    assert [(each.start, each.end, each.text) for each in merged] == expected


def test_both_is_the_former_name_of_combine() -> None:
    parts = [(Window(0, 0, 60), [note(57, 60, "rain")]), (Window(1, 58, 118), [note(58, 61, "rain")])]

    def same(first: Note, second: Note) -> bool:
        return first.text == second.text

    def second_of(_: Note, second: Note) -> Note:
        return second

    with pytest.warns(DeprecationWarning, match=r"merge\(combine=…\)") as warned:
        merged = merge(parts, same, both=second_of)
    assert merged == merge(parts, same, combine=second_of) == [note(58, 61, "rain")]
    assert warned[0].filename == __file__
    with pytest.raises(ConfigurationError, match="give combine= alone"):
        merge(parts, same, combine=second_of, both=second_of)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Hello, there!", "hello there", True),
        ("", "", True),
        ("", "a", False),
        ("no", "now", False),
        ("we went", "And so we went", True),
        ("The weather is fine today", "The weather is fine, too day", True),
        ("我们走吧", "我们走吧。", True),
        ("今天天气很好我们", "今天天气很好我们走吧", True),
        ("yes", "no", False),
        ("We meet again on the 12th", "We meet again on the 13th", False),
    ],
)
def test_alike(first: str, second: str, same: bool) -> None:
    assert alike(first, second) is same
    assert alike(second, first) is same
