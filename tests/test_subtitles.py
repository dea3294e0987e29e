"""Subtitles: tables of layouts, and what two other libraries read of the files."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pysubs2
import pytest
import webvtt
from hypothesis import example, given
from hypothesis import strategies as st

from langchain_dmx_omni.video.subtitles import Cue, Limits, layout, srt, vtt

NAN, INF = math.nan, math.inf

LAYOUTS: dict[str, tuple[list[Cue], list[tuple[float, float, str]]]] = {
    "nothing": ([], []),
    "one that fits": ([Cue(1.0, 3.0, "Hello.")], [(1.0, 3.0, "Hello.")]),
    "unsorted": ([Cue(5, 6, "b"), Cue(1, 2, "a")], [(1.0, 2.0, "a"), (5.0, 6.0, "b")]),
    "over each other": ([Cue(0, 4, "a"), Cue(2, 6, "b")], [(0.0, 2.0, "a"), (2.0, 6.0, "b")]),
    "together": ([Cue(0, 4, "a"), Cue(0, 4, "b")], [(0.0, 0.833, "a"), (0.833, 4.0, "b")]),
    "together and short": ([Cue(0, 0.3, "a"), Cue(0, 0.3, "b")], [(0.0, 0.3, "a"), (0.3, 1.133, "b")]),
    "too short": ([Cue(1, 1.1, "a")], [(1.0, 1.833, "a")]),
    "too short, and no room": ([Cue(1, 1.1, "a"), Cue(1.5, 3, "b")], [(1.0, 1.5, "a"), (1.5, 3.0, "b")]),
    "no time at all": ([Cue(2, 2, "a"), Cue(2, 2, "b")], [(2.0, 2.2, "a"), (2.2, 3.033, "b")]),
    "too long": ([Cue(1, 60, "a")], [(1.0, 8.0, "a")]),
    "reversed": ([Cue(3, 1, "a")], [(1.0, 3.0, "a")]),
    "negative": ([Cue(-3, 1, "a")], [(0.0, 1.0, "a")]),
    "not a number": ([Cue(1, 2, "a"), Cue(NAN, NAN, "b"), Cue(5, 6, "c")], [(1, 2, "a"), (2, 2.833, "b"), (5, 6, "c")]),
    "no end": ([Cue(1, INF, "a"), Cue(4, NAN, "b")], [(1.0, 4.0, "a"), (4.0, 4.833, "b")]),
    "empty texts": ([Cue(0, 1, ""), Cue(1, 2, " \n\t "), Cue(2, 3, "\x00")], []),
    "white space": ([Cue(0, 2, "  two\r\n\n words \u2028 ")], [(0.0, 2.0, "two words")]),
    "control characters and half pairs": ([Cue(0, 2, "a\x07b\ud83dc")], [(0.0, 2.0, "abc")]),
    "two lines, evenly": (
        [Cue(0, 4, "The quick brown fox jumps over the lazy dog again.")],
        [(0.0, 4.0, "The quick brown fox jumps\nover the lazy dog again.")],
    ),
    "breaks after a sentence": (
        [Cue(0, 4, "Good evening to you all. Tonight we talk about the sea.")],
        [(0.0, 4.0, "Good evening to you all.\nTonight we talk about the sea.")],
    ),
    "three lines are two cues that share the time": (
        [Cue(0, 6, "1234567890 " * 9)],
        [
            (0.0, 4.0, "1234567890 1234567890 1234567890\n1234567890 1234567890 1234567890"),
            (4.0, 6.0, "1234567890 1234567890 1234567890"),
        ],
    ),
    "a word wider than a line": ([Cue(0, 4, "x" * 50)], [(0.0, 4.0, "x" * 42 + "\n" + "x" * 8)]),
    "Chinese": (
        [Cue(0, 5, "今天我们来谈谈大海，它占据了地球表面的绝大部分。")],
        [(0.0, 5.0, "今天我们来谈谈大海，\n它占据了地球表面的绝大部分。")],
    ),
    "no closing sign begins a line": (
        [Cue(0, 5, "一二三四五六七八九十一二三四五六。")],
        [(0.0, 5.0, "一二三四五六七八\n九十一二三四五六。")],
    ),
}


@pytest.mark.parametrize(("cues", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_layout(cues: list[Cue], expected: list[tuple[float, float, str]]) -> None:
    assert [(cue.start, cue.end, cue.text) for cue in layout(cues)] == expected


def test_a_translation_stands_below_and_the_shorter_text_stays() -> None:
    long = "one two three four five six seven eight nine ten " * 2
    laid_out = layout([Cue(0, 10, long, "kurz")], Limits(line_length=30, lines=1))
    assert [cue.below for cue in laid_out] == ["kurz"] * len(laid_out)
    assert " ".join(cue.text for cue in laid_out) == long.strip()
    assert [cue.text for cue in layout([Cue(0, 2, "", "only below")])] == [""]


@pytest.mark.parametrize(
    "given_limits",
    [{"line_length": 0}, {"wide_line_length": 0}, {"lines": 0}, {"shortest": 0}, {"shortest": 8.0}, {"longest": INF}],
    ids=str,
)
def test_limits_that_show_nothing(given_limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given_limits))):
        Limits(**given_limits)


FILES: dict[str, tuple[Cue, str, str]] = {
    "hours": (
        Cue(3661.5, 3662.25, "a"),
        "1\n01:01:01,500 --> 01:01:02,250\na\n\n",
        "WEBVTT\n\n01:01:01.500 --> 01:01:02.250\na\n\n",
    ),
    "markup": (
        Cue(0, 1, "R&D <i>x</i> a --> b {\\an8} 1 < 2"),
        "1\n00:00:00,000 --> 00:00:01,000\nR&D <\u2060i>x<\u2060/i> a -\u2060-> b {\u2060\\an8} 1 < 2\n\n",
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nR&amp;D &lt;i&gt;x&lt;/i&gt; a --&gt; b {\\an8} 1 &lt; 2\n\n",
    ),
    "a number alone": (
        Cue(0, 1, "a\n12", "3"),
        "1\n00:00:00,000 --> 00:00:01,000\na\n12\u2060\n3\u2060\n\n",
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na\n12\n3\n\n",
    ),
    "two languages": (
        Cue(0, 1, "a\nb", "c"),
        "1\n00:00:00,000 --> 00:00:01,000\na\nb\nc\n\n",
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na\nb\nc\n\n",
    ),
    "no empty line": (
        Cue(0, 1, "a\n\n \u2028b"),
        "1\n00:00:00,000 --> 00:00:01,000\na\nb\n\n",
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na\nb\n\n",
    ),
    "nothing": (Cue(0, 1, " "), "", "WEBVTT\n\n"),
}


@pytest.mark.parametrize(("cue", "as_srt", "as_vtt"), FILES.values(), ids=FILES)
def test_files(cue: Cue, as_srt: str, as_vtt: str) -> None:
    assert srt([cue]) == as_srt
    assert vtt([cue]) == as_vtt


@pytest.mark.parametrize(
    ("notes", "head"),
    [
        ([], "WEBVTT\n\n"),
        ([" \n"], "WEBVTT\n\n"),
        (["a --> b\n\nc", "d"], "WEBVTT\n\nNOTE\na to b c\nd\n\n"),
    ],
)
def test_notes_are_for_readers_of_the_file(notes: list[str], head: str) -> None:
    text = vtt([Cue(0, 1, "x")], notes)
    assert text == f"{head}00:00:00.000 --> 00:00:01.000\nx\n\n"
    assert [caption.text for caption in webvtt.from_string(text).captions] == ["x"]


# --- whatever is given ------------------------------------------------------------------------------------------------

TIME = st.floats(0, 600)
SECONDS = st.floats(-10, 600) | st.sampled_from([NAN, INF, -INF, 0.0, 1.0])
WORDS = st.lists(
    st.sampled_from(["a", "word", "R&D", "<i>", "</b>", "-->", "{\\an8}", "海", "大海，", "。", "1", "00:00", "x" * 60])
    | st.text(max_size=8).map(lambda text: text.replace("\\", "/")),  # pysubs2 takes \N for a line break
    max_size=20,
).map(" ".join)
CUES = st.lists(st.builds(Cue, SECONDS, SECONDS, WORDS, st.just("") | WORDS), max_size=8)
LIMITS = st.builds(
    Limits,
    line_length=st.integers(1, 60),
    wide_line_length=st.integers(1, 30),
    lines=st.integers(1, 3),
    shortest=st.floats(0.01, 2),
    longest=st.floats(2, 9),
)


def letters(texts: list[str]) -> str:
    """What is left of texts without white space, and without what no file can hold."""
    kept = "".join("".join(texts).split())
    return "".join(sign for sign in kept if sign.isprintable() or sign.isspace() or not _dropped(sign))


def _dropped(sign: str) -> bool:
    return ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0 or 0xD800 <= ord(sign) < 0xE000


@given(CUES, LIMITS)
@example([Cue(0, 0, "a")] * 12, Limits())
def test_any_cues_become_subtitles_that_keep_the_limits(cues: list[Cue], limits: Limits) -> None:
    laid_out = layout(cues, limits)
    shortest, longest = round(limits.shortest * 1000), round(limits.longest * 1000)
    for cue in laid_out:
        length = round(cue.end * 1000) - round(cue.start * 1000)
        assert 0 < length <= longest
        assert cue.text or cue.below
        for text in (cue.text, cue.below):
            lines = text.split("\n") if text else []
            assert len(lines) <= limits.lines
            assert all(line.strip() and (limits.room(line) < 1.0001 or limits.room(line[0]) > 1) for line in lines)
    for cue, following in pairwise(laid_out):
        assert cue.end <= following.start
        length = round(cue.end * 1000) - round(cue.start * 1000)
        assert length >= min(shortest, round(following.start * 1000) - round(cue.start * 1000))


@given(st.lists(st.builds(Cue, TIME, TIME, WORDS, st.just("")), max_size=5), LIMITS)
def test_no_text_is_lost(cues: list[Cue], limits: Limits) -> None:
    inorder = sorted(cues, key=lambda cue: (min(cue[:2]), max(cue[:2])))
    assert letters([cue.text for cue in layout(cues, limits)]) == letters([cue.text for cue in inorder])


@given(CUES)
@example([Cue(0, 1, "a", "1")])
def test_other_libraries_read_the_same(cues: list[Cue]) -> None:
    laid_out = layout(cues)
    expected = [
        (round(cue.start * 1000), round(cue.end * 1000), "\n".join(filter(None, (cue.text, cue.below))))
        for cue in laid_out
    ]
    captions = webvtt.from_string(vtt(laid_out)).captions if laid_out else []
    assert [(ms(caption.start), ms(caption.end), unescaped(caption.raw_text)) for caption in captions] == expected
    events = pysubs2.SSAFile.from_string(srt(laid_out), format_="srt", keep_html_tags=True).events
    plain = [(event.start, event.end, event.text.replace("\\N", "\n").replace("\u2060", "")) for event in events]
    assert plain == [(start, end, text.replace("\u2060", "")) for start, end, text in expected]


def ms(clock: str) -> int:
    hours, minutes, seconds = clock.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_a_file_on_disk_is_read_by_players_libraries(tmp_path: Path) -> None:
    cues = layout([Cue(0, 2, "Grüße & Küsse <3"), Cue(2, 4, "大海")])
    (tmp_path / "a.vtt").write_text(vtt(cues), "utf-8")
    (tmp_path / "a.srt").write_text(srt(cues), "utf-8")
    assert [unescaped(caption.raw_text) for caption in webvtt.read(str(tmp_path / "a.vtt")).captions] == [
        "Grüße & Küsse <3",
        "大海",
    ]
    assert [caption.text for caption in webvtt.from_srt(str(tmp_path / "a.srt")).captions] == [
        "Grüße & Küsse <3",
        "大海",
    ]
