"""Translating subtitles by their text: what is asked, and what becomes of the answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest
from langchain_core.runnables import RunnableConfig

from langchain_dmx_omni import errors
from langchain_dmx_omni.jobs import Line, Subtitles, translate
from langchain_dmx_omni.testing import LocalGateway, Script, scripts
from tests.calls import COLLECTED, body_of, model


def spoken(count: int) -> Subtitles:
    return Subtitles(
        lines=[Line(start=at, end=at + 1, text=f"Line\n{at + 1}", translation="old") for at in range(count)]
    )


def says(*lines: tuple[int, str]) -> Script:
    return scripts.sse(
        scripts.answer(json.dumps({"lines": [{"number": number, "text": text} for number, text in lines]}))
    )


def run(gateway: LocalGateway, way: str, subtitles: Subtitles, **config: Any) -> Subtitles:
    translator = translate(model(gateway), "German")
    if way == "invoke":
        return translator.invoke(subtitles, cast("RunnableConfig", config))
    return asyncio.run(translator.ainvoke(subtitles, cast("RunnableConfig", config)))


@pytest.mark.parametrize("way", COLLECTED)
def test_lines_get_their_translation_and_keep_their_times(gateway: LocalGateway, way: str) -> None:
    gateway.play(says((2, "Zeile 2"), (1, "Zeile 1"), (99, "?")))
    result = run(gateway, way, spoken(3))
    assert result.lines == [
        Line(start=0, end=1, text="Line\n1", translation="Zeile 1"),
        Line(start=1, end=2, text="Line\n2", translation="Zeile 2"),
        Line(start=2, end=3, text="Line\n3", translation=""),
    ]
    assert [cue.text for cue in result.cues()] == ["Zeile 1", "Zeile 2", "Line 3"]
    assert body_of(gateway.requests[0])["input"][-1]["content"] == (
        "Translate each of these lines of subtitles into German. A sentence may go on over several lines.\n"
        "1. Line 1\n2. Line 2\n3. Line 3"
    )


@pytest.mark.parametrize("way", COLLECTED)
def test_many_lines_are_several_questions(gateway: LocalGateway, way: str) -> None:
    gateway.play(*(says((number, f"Zeile {number}")) for number in (1, 51, 101)))
    result = run(gateway, way, spoken(101), max_concurrency=1)
    assert [at for at, line in enumerate(result.lines, 1) if line.translation] == [1, 51, 101]
    questions = [body_of(request)["input"][-1]["content"].splitlines() for request in gateway.requests]
    assert [(len(lines), lines[1]) for lines in questions] == [
        (51, "1. Line 1"),
        (51, "51. Line 51"),
        (2, "101. Line 101"),
    ]


@pytest.mark.parametrize("way", COLLECTED)
def test_nothing_to_translate(gateway: LocalGateway, way: str) -> None:
    assert run(gateway, way, Subtitles(lines=[])) == Subtitles(lines=[])
    assert gateway.requests == []


@pytest.mark.parametrize("way", COLLECTED)
def test_an_answer_that_can_t_be_read_twice(gateway: LocalGateway, way: str) -> None:
    bad = scripts.sse(scripts.answer("Nein."))
    gateway.play(bad, bad)
    with pytest.raises(errors.UnreadableAnswerError, match="Translations"):
        run(gateway, way, spoken(1))
    assert len(gateway.requests) == 2
