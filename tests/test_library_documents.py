"""Captions and subtitles → the documents of a library. Tables, without a model."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_dmx_omni.jobs import Caption, Captions, Line, Window, Written
from langchain_dmx_omni.library._documents import clock, documents, title_of, window_documents
from langchain_dmx_omni.library._metadata import FIELDS, moment_id
from langchain_dmx_omni.library._passages import join_texts, passages

ABOUT: dict[str, Any] = {
    "source": "/films/the yard.mp4",
    "video_id": "abc",
    "duration": 70.0,
    "title": "the yard",
    "model": "omni",
    "prompt_version": "v1",
}


def line(start: float, end: float, text: str, speaker: str = "") -> Line:
    return Line(start=start, end=end, text=text, speaker=speaker)


def every(seconds: float, *texts: str, speaker: str = "") -> list[Line]:
    """Lines one after another."""
    return [line(at * seconds, (at + 1) * seconds, text, speaker) for at, text in enumerate(texts)]


# --- passages ---------------------------------------------------------------------------------------------------------

PASSAGES: dict[str, tuple[list[Line], list[tuple[float, float, str]]]] = {
    "nothing": ([], []),
    "blank": ([line(0, 1, " \n ")], []),
    "one line": ([line(1, 2, "Stop.")], [(1, 2, "Stop.")]),
    "unsorted": ([line(2, 3, "b"), line(1, 2, "a")], [(1, 3, "a b")]),
    "up to the end of a sentence after 20 s": (
        every(6, "One", "two.", "Three", "four", "five.", "Six."),
        [(0, 30, "One two. Three four five."), (30, 36, "Six.")],
    ),
    "up to the last sentence, where none ends in time": (
        every(6, "One", "two", "three.", "Four", "five", "six", "seven."),
        [(0, 18, "One two three."), (18, 42, "Four five six seven.")],
    ),
    "no sentence at all": (
        every(8, "one", "two", "three", "four", "five"),
        [(0, 24, "one two three"), (24, 40, "four five")],
    ),
    "a pause": ([line(0, 2, "Stop."), line(4, 5, "Go.")], [(0, 2, "Stop."), (4, 5, "Go.")]),
    "hardly a pause": ([line(0, 2, "Stop."), line(3.9, 5, "Go.")], [(0, 5, "Stop. Go.")]),
    "another speaker": (
        [line(0, 2, "Stop!", "Ada"), line(2, 3, "Now!", "Ada"), line(3, 4, "Why?", "Bo"), line(4, 5, "Because.", "")],
        [(0, 3, "Stop! Now!"), (3, 4, "Why?"), (4, 5, "Because.")],
    ),
    "over each other": ([line(0, 9, "Long."), line(1, 2, "Short.")], [(0, 9, "Long. Short.")]),
    "a line that is too long is cut at its sentences": (
        [line(0, 60, "He goes to the yard. He looks at it. The crane turns")],
        [
            (0, 60 * 21 / 52, "He goes to the yard."),
            (60 * 21 / 52, 60 * 37 / 52, "He looks at it."),
            (60 * 37 / 52, 60, "The crane turns"),
        ],
    ),
    "a line that is too long, and has no sentences": ([line(0, 60, "on and on")], [(0, 60, "on and on")]),
    "Chinese": (
        every(7, "起重机停了。", "为什么？", "因为电缆断了。", "我们等着。"),
        [(0, 21, "起重机停了。为什么？因为电缆断了。"), (21, 28, "我们等着。")],
    ),
    "Chinese over two lines": ([line(0, 4, "起重机\n停了")], [(0, 4, "起重机停了")]),
    "a sentence in quotation marks": (every(10, "他说", "“停！”", "然后"), [(0, 20, "他说“停！”"), (20, 30, "然后")]),
}


@pytest.mark.parametrize(("lines", "expected"), PASSAGES.values(), ids=PASSAGES)
def test_lines_become_passages(lines: list[Line], expected: list[tuple[float, float, str]]) -> None:
    made = passages(lines)
    assert [each.text for each in made] == [text for _, _, text in expected]
    assert [each.start for each in made] == pytest.approx([start for start, _, _ in expected])
    assert [each.end for each in made] == pytest.approx([end for _, end, _ in expected])


JOINED = {
    "English": (["one", "two"], "one two"),
    "Chinese": (["起重机", "停了"], "起重机停了"),
    "Japanese": (["クレーンが", "止まった"], "クレーンが止まった"),
    "Korean": (["크레인이", "멈췄다"], "크레인이 멈췄다"),
    "mixed": (["这个", "API", "很好"], "这个 API 很好"),
    "empty": (["", "a", " ", "b"], "a b"),
}


@pytest.mark.parametrize(("texts", "joined"), JOINED.values(), ids=JOINED)
def test_texts_are_joined_as_they_are_written(texts: list[str], joined: str) -> None:
    assert join_texts(texts) == joined


# --- documents --------------------------------------------------------------------------------------------------------

YARD = Captions(
    windows=[
        Caption(
            start=0,
            end=30,
            title="The yard",
            seen="A crane turns.",
            entities=["crane", "Ada"],
            said=[line(1, 3, "Stop it.", "Ada")],
            written=[Written(start=10, end=30, text="GATE  4")],
        ),
        Caption(start=30, end=60, written=[Written(start=30, end=45, text="Gate 4")]),
        Caption(start=60, end=71, seen="起重机停了。", said=[line(62, 80, "为什么停了？", "")]),
    ]
)


def told(found: list[Any]) -> list[tuple[Any, ...]]:
    names = ("kind", "start_seconds", "end_seconds")
    return [(*(each.metadata[name] for name in names), each.page_content) for each in found]


def test_captions_become_documents_at_three_grains() -> None:
    assert told(documents(YARD, **ABOUT)) == [
        ("caption", 0, 30, "The yard\nA crane turns.\ncrane, Ada"),
        ("speech", 1, 3, "Ada: Stop it."),
        ("text", 10, 45, "GATE 4"),  # one span over two windows; the second one shows nothing else
        ("caption", 60, 70, "起重机停了。"),  # kept within the recording
        ("speech", 62, 70, "为什么停了？"),
    ]


def test_metadata_is_flat_and_has_the_table_s_types() -> None:
    made = documents(YARD, **ABOUT)
    for document in made:
        assert {name: type(value) for name, value in document.metadata.items()}.items() <= FIELDS.items()
    assert made[1].metadata == {
        "source": "/films/the yard.mp4",
        "video_id": "abc",
        "kind": "speech",
        "start_seconds": 1.0,
        "end_seconds": 3.0,
        "duration_seconds": 70.0,
        "uri": "/films/the yard.mp4#t=1.000,3.000",
        "title": "the yard",
        "speaker": "Ada",
        "model": "omni",
        "prompt_version": "v1",
    }
    assert made[1].id == moment_id("/films/the yard.mp4", "speech", 1, 3)
    assert made[0].metadata.keys() == made[1].metadata.keys() - {"speaker"}


def test_ids_are_the_same_each_time_and_no_two_are_alike() -> None:
    twice = Captions(
        windows=[Caption(start=0, end=9, written=[Written(start=1, end=2, text=text) for text in ("EXIT", "入口")])]
    )
    ids = [document.id for document in documents(twice, **ABOUT)]
    assert len(set(ids)) == 2
    assert [document.id for document in documents(twice, **ABOUT)] == ids
    assert not {*ids} & {document.id for document in documents(twice, **{**ABOUT, "source": "other.mp4"})}


def test_subtitles_stand_in_place_of_what_the_model_has_heard() -> None:
    made = documents(YARD, **ABOUT, transcript=[line(5, 6, "From a file.")])
    speech = [document for document in made if document.metadata["kind"] == "speech"]
    assert told(speech) == [("speech", 5, 6, "From a file.")]
    assert not {"model", "prompt_version", "speaker"} & speech[0].metadata.keys()
    assert [document.metadata["kind"] for document in documents(YARD, **ABOUT, transcript=[])] == [
        "caption",
        "text",
        "caption",
    ]
    assert told(documents(None, **ABOUT, transcript=[line(5, 6, "From a file.")])) == told(speech)
    assert documents(None, **ABOUT) == []


def test_a_recording_whose_length_is_unknown() -> None:
    assert [document.metadata["end_seconds"] for document in documents(YARD, **{**ABOUT, "duration": 0.0})][-1] == 80


def test_windows_that_nothing_is_known_of() -> None:
    about = {name: ABOUT[name] for name in ("source", "video_id", "duration", "title")}
    made = window_documents([Window(0, 0.0, 65.2), Window(1, 65.2, 70.0)], **about)
    assert told(made) == [("caption", 0, 65.2, "the yard 0:00–1:05"), ("caption", 65.2, 70, "the yard 1:05–1:10")]
    assert not {"model", "prompt_version"} & made[0].metadata.keys()


TITLES = {
    "talk.mp4": "talk",
    "/films/2024-05-01_the  Yard.v2.MP4": "2024 05 01 the Yard.v2",
    "会议_记录.mkv": "会议 记录",
    "---.mp4": "---.mp4",
    ".mp4": ".mp4",
}


@pytest.mark.parametrize(("path", "title"), TITLES.items(), ids=str)
def test_a_title_is_made_of_the_name(path: str, title: str) -> None:
    assert title_of(path) == title


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.99, "0:59"), (61, "1:01"), (3661.5, "1:01:01")])
def test_a_clock_for_people(seconds: float, text: str) -> None:
    assert clock(seconds) == text
