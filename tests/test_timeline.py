"""Times of windows, placed and joined: tables of what a model may say."""

from __future__ import annotations

import math
import warnings
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from langchain_dmx_omni.errors import ConfigurationError
from langchain_dmx_omni.jobs import Span, Window, alike, merge
from langchain_dmx_omni.jobs._tasks.timeline import place
from langchain_dmx_omni.jobs._tasks.times import time_range

NAN, INF = math.nan, math.inf


class Note(Span):
    text: str = ""


class Notes(BaseModel):
    title: str = ""
    notes: list[Note] = []
    by_name: dict[str, Note] = {}
    alone: tuple[Note, ...] = ()
    inner: Notes | None = None


# What people and models write → seconds; a range has two.
WRITTEN: list[tuple[Any, float | tuple[float, float]]] = [
    (12, 12.0),
    (12.5, 12.5),
    (-3, -3.0),
    (Decimal("2.5"), 2.5),
    ("12.5", 12.5),
    (" 12,5 s ", 12.5),
    ("1,234.5", 1234.5),
    ("-3", -3.0),
    ("−00:05", -5.0),
    ("~5", 5.0),
    ("t=5", 5.0),
    ("about 5", 5.0),
    ("at 5 s", 5.0),
    # clocks
    ("1:05", 65.0),
    ("90:00", 5400.0),
    ("1:00:00", 3600.0),
    ("1:02:03,5", 3723.5),
    ("00:01:05,250", 65.25),
    ("00:05:250", 5.25),
    ("01:02:03:250", 3723.25),
    ("01:02:03:24", 3723.0),
    ("00:01:05;12", 65.0),
    ("[00:05]", 5.0),
    ("(00:05)", 5.0),
    ("【00:05】", 5.0),
    ("00 : 05", 5.0),
    ("０５：３０", 330.0),
    ("٠٥:٣٠", 330.0),
    ("2026-01-01T00:00:05Z", 5.0),
    # units
    ("3 seconds", 3.0),
    ("3.2s", 3.2),
    ("250ms", 0.25),
    ("0m5s", 5.0),
    ("1h2m", 3720.0),
    ("1m30", 90.0),
    ("1 hour, 2 minutes and 3 seconds", 3723.0),
    ("PT1M5.5S", 65.5),
    ("5'30\"", 330.0),
    ("5′30″", 330.0),
    ("5秒", 5.0),
    ("第5秒", 5.0),
    ("1分5秒", 65.0),
    ("5分30", 330.0),
    ("1小时2分钟3秒", 3723.0),
    ("一分五秒", 65.0),
    ("二十一分零五秒", 1265.0),
    ("两分钟", 120.0),
    # ranges
    ("00:00:15,020 --> 00:00:28,085", (15.02, 28.085)),
    ("<01:02.345> - <01:03.5>", (62.345, 63.5)),
    ("[00:05,00:10]", (5.0, 10.0)),
    ("5s-8s", (5.0, 8.0)),
    ("1m 5s to 1m 10s", (65.0, 70.0)),
    ("5-8", (5.0, 8.0)),
    ("5秒至8秒", (5.0, 8.0)),
    # no times
    *(
        (nothing, NAN)
        for nothing in [None, True, list[Any](), dict[str, Any](), [5], b"5", 10**400, NAN, Decimal("sNaN")]
    ),
    *((nothing, NAN) for nothing in ["", "null", "NaN", "n/a", "soon", "100%", "Scene 3", "½", "9" * 5000]),
    (1e400, INF),
    ("1e400", INF),
]


@pytest.mark.parametrize(("said", "expected"), WRITTEN, ids=lambda value: repr(value)[:40])
def test_a_time_is_read_as_it_may_be_written(said: Any, expected: float | tuple[float, float]) -> None:
    start, end = expected if isinstance(expected, tuple) else (expected, expected)
    assert time_range(said) == pytest.approx((start, end), nan_ok=True)
    assert Span(start=said, end=said).start == pytest.approx(start, nan_ok=True)


# What the fields say → start and end.
RANGES: dict[str, tuple[dict[str, Any], tuple[float, float]]] = {
    "numbers": ({"start": 1, "end": 2}, (1, 2)),
    "a range in the start": ({"start": "00:05 --> 00:08"}, (5, 8)),
    "a range in both": ({"start": "5-8", "end": "5-8"}, (5, 8)),
    "a range in the end": ({"end": "5-8"}, (5, 8)),
    "a range where a start was enough": ({"start": "5-8", "end": 7}, (5, 7)),
    "no end": ({"start": 5}, (5, NAN)),
    "nothing": ({}, (NAN, NAN)),
}


@pytest.mark.parametrize(("fields", "expected"), RANGES.values(), ids=RANGES)
def test_a_range_may_stand_in_one_field(fields: dict[str, Any], expected: tuple[float, float]) -> None:
    span = Span.model_validate(fields)
    assert (span.start, span.end) == pytest.approx(expected, nan_ok=True)


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
    "over the end": ((50, 75), (150, 160)),
    "a little behind the end": ((60.5, 75), (160, 160)),
    "a little before the start": ((-3, -1), (100, 100)),
    "endless": ((10, INF), (110, 160)),
    "from the beginning of time": ((-INF, 10), (100, 110)),
    "start is no number": ((NAN, 10), (100, 110)),
    "end is no number": ((10, NAN), (110, 160)),
    "neither is a number": ((NAN, NAN), (100, 160)),
    "finer than a millisecond": ((1.23456, 2.34567), (101.235, 102.346)),
}


@pytest.mark.parametrize(("said", "expected"), CLAMPED.values(), ids=CLAMPED)
def test_times_are_clamped_to_the_window_and_moved(said: tuple[float, float], expected: tuple[float, float]) -> None:
    start, end = said
    original = note(start, end, "a")
    moved = note(*expected, "a")
    answer, placed = (
        Notes(title="t", notes=[each], by_name={"a": each}, alone=(each,), inner=Notes(notes=[each]))
        for each in (original, moved)
    )
    assert place(answer, Window(1, 100, 160), "talk.mp4") == placed
    assert (
        (original.start, original.end) == said or math.isnan(start) or math.isnan(end)
    )  # the answer itself stays as it is


def note(start: float, end: float, text: str) -> Note:
    return Note(start=start, end=end, text=text)


Pairs = list[tuple[float, float]]
# Lists of times said in a window from 100 to 160 s, where they are put, and how many are strays.
IN_A_ROW: dict[str, tuple[Pairs, Pairs, int]] = {
    "unknown between two": ([(0, 5), (NAN, NAN), (9, 12)], [(100, 105), (105, 109), (109, 112)], 0),
    "two unknown between two": (
        [(0, 5), (NAN, NAN), (NAN, NAN), (9, 12)],
        [(100, 105), (105, 107), (107, 109), (109, 112)],
        0,
    ),
    "unknown at the edges": ([(NAN, NAN), (20, 30), (NAN, NAN)], [(100, 120), (120, 130), (130, 160)], 0),
    "no ends": ([(0, NAN), (3, NAN), (6, NAN)], [(100, 103), (103, 106), (106, 160)], 0),
    "no starts": ([(NAN, 3), (NAN, 6)], [(100, 103), (103, 106)], 0),
    "no end, and the next one is earlier": ([(10, NAN), (3, 5)], [(110, 110), (103, 105)], 0),
    "no start, and the one before ends later": ([(3, 20), (NAN, 8)], [(103, 120), (108, 108)], 0),
    "no time between the neighbours": ([(0, 5), (NAN, NAN), (3, 9)], [(100, 105), (105, 105), (103, 109)], 0),
    "all unknown": ([(NAN, NAN)] * 3, [(100, 120), (120, 140), (140, 160)], 0),
    "counted from the recording's start": (
        [(100, 105), (105.5, 120), (158, 161)],
        [(100, 105), (105.5, 120), (158, 160)],
        0,
    ),
    "counted from the recording's start, and one that is nowhere": (
        [(100, 105), (9000, 9001), (120, 130)],
        [(100, 105), (105, 120), (120, 130)],
        1,
    ),
    "counted from both": ([(5, 10), (110, 120), (30, 40)], [(105, 110), (110, 130), (130, 140)], 1),
    "behind the window either way": ([(500, 505), (510, 515)], [(100, 130), (130, 160)], 2),
    "before the window": ([(-20, -10), (5, 6)], [(100, 105), (105, 106)], 1),
    "in thousandths": ([(0, 5), (5000, 9000), (20, 30)], [(100, 105), (105, 120), (120, 130)], 1),
    "a loop over the end": (
        [(0, 5), (30, 40), *((at, at + 10) for at in range(40, 100, 10))],
        [(100, 105), (130, 140), (140, 150), (150, 160), (160, 160), *[(160, 160)] * 3],
        3,
    ),
}


@pytest.mark.parametrize(("said", "expected", "strays"), IN_A_ROW.values(), ids=IN_A_ROW)
def test_what_has_no_time_stands_between_its_neighbours(said: Pairs, expected: Pairs, strays: int) -> None:
    answer = Notes(notes=[note(*times, "a") for times in said])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        placed = place(answer, Window(1, 100, 160), "talk.mp4")
    assert [(each.start, each.end) for each in placed.notes] == expected
    assert [str(each.message).rpartition(",")[0].partition(", how")[0] for each in caught] == [
        f"talk.mp4, window 2 (100.0 to 160.0 s): {strays} of {len(said)} times are outside of it"
    ] * bool(strays)


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


@pytest.mark.parametrize("shape", ["over the windows", "all at one time", "all different", "alike to the end"])
def test_joining_takes_no_longer_for_each_of_many(shape: str) -> None:
    """The comparisons are counted: each span has a few, however many there are."""
    compared = 0

    def same(first: Note, second: Note) -> bool:
        nonlocal compared
        compared += 1
        return first.text == second.text

    def spans(window: Window, count: int) -> list[Note]:
        times = [window.start + 60 * at / count for at in range(count)]
        if shape != "over the windows":
            times = [59.0] * count
        kind = {"all different": f"{window.index} ", "alike to the end": ""}.get(shape)
        return [note(time, time, f"{time:.3f}" if kind is None else f"{kind}{at}") for at, time in enumerate(times)]

    windows, count = (Window(0, 0, 60), Window(1, 58, 118)), 10_000
    merged = merge([(window, spans(window, count)) for window in windows], same)
    assert compared <= 16 * count
    assert len(merged) == {"over the windows": len(merged), "all different": 2 * count}.get(shape, count)


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
        ("the tide comes in " * 2000, "The tide comes in. " * 1990 + "and goes out", True),
        ("the tide comes in " * 2000, "the wind has gone down " * 1600, False),
        ("x" + "the tide comes in " * 2000, "y" + "the tide comes in " * 2000, True),
        ("a" * 1_000_000 + "b" * 9, "c" * 9 + "a" * 1_000_000, True),
    ],
)
def test_alike(first: str, second: str, same: bool) -> None:
    assert alike(first, second) is same
    assert alike(second, first) is same
