"""Translating subtitles by their text: what is asked, and what becomes of the answers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.runnables import RunnableConfig

from langchain_dmx_omni import errors
from langchain_dmx_omni.jobs import Line, Subtitles, Window, translate
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


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path / "cache"))


def run(gateway: LocalGateway, way: str, subtitles: Subtitles, on_error: Any = "raise", **config: Any) -> Subtitles:
    translator = translate(model(gateway), "German", on_error=on_error)
    if way == "invoke":
        return translator.invoke(subtitles, cast("RunnableConfig", config))
    return asyncio.run(translator.ainvoke(subtitles, cast("RunnableConfig", config)))


def asked_for(gateway: LocalGateway) -> list[list[int]]:
    """The numbers of the lines of each question."""
    questions = [body_of(request)["input"][-1]["content"].splitlines()[1:] for request in gateway.requests]
    return [[int(line.partition(".")[0]) for line in lines] for lines in questions]


@pytest.mark.parametrize("way", COLLECTED)
def test_lines_get_their_translation_and_keep_their_times(gateway: LocalGateway, way: str) -> None:
    gateway.play(says((2, "Zeile 2"), (1, "Zeile 1"), (99, "?"), (2, "Zeile zwei")))
    result = run(gateway, way, spoken(2))
    assert result.lines == [
        Line(start=0, end=1, text="Line\n1", translation="Zeile 1"),
        Line(start=1, end=2, text="Line\n2", translation="Zeile 2"),
    ]
    assert [cue.text for cue in result.cues()] == ["Zeile 1", "Zeile 2"]
    assert body_of(gateway.requests[0])["input"][-1]["content"] == (
        "Translate each of these lines of subtitles into German. A sentence may go on over several lines.\n"
        "1. Line 1\n2. Line 2"
    )


# How many lines, what is answered, and which lines are asked for.
ROUNDS: dict[str, tuple[int, list[list[int]], list[list[int]]]] = {
    "all at once": (3, [[1, 2, 3]], [[1, 2, 3]]),
    "one is left out": (3, [[1, 3], [2]], [[1, 2, 3], [2]]),
    "one is left out, and counted anew": (3, [[1, 2], [1]], [[1, 2, 3], [3]]),
    "one at a time": (3, [[1], [2], [3]], [[1, 2, 3], [2, 3], [3]]),
    "nothing at first": (2, [[], [1, 2]], [[1, 2], [1, 2]]),
    "lines of another batch": (52, [[*range(1, 51)], [1, 2, 51, 52]], [[*range(1, 51)], [51, 52]]),
    "counted anew in each batch": (52, [[*range(1, 51)], [1, 2]], [[*range(1, 51)], [51, 52]]),
}


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(("count", "answers", "questions"), ROUNDS.values(), ids=ROUNDS)
def test_lines_are_asked_for_until_they_come_back(
    gateway: LocalGateway, way: str, count: int, answers: list[list[int]], questions: list[list[int]]
) -> None:
    for numbers, asked in zip(answers, questions, strict=True):
        anew = not {*numbers} & {*asked}
        gateway.play(says(*((number, f"Zeile {asked[number - 1] if anew else number}") for number in numbers)))
    result = run(gateway, way, spoken(count), max_concurrency=1)
    assert [line.translation for line in result.lines] == [f"Zeile {number}" for number in range(1, count + 1)]
    assert asked_for(gateway) == questions
    assert run(gateway, way, spoken(count)) == result
    assert len(gateway.requests) == len(questions)


@pytest.mark.parametrize("way", COLLECTED)
def test_a_line_that_never_comes_back(gateway: LocalGateway, way: str) -> None:
    gateway.play(says((1, "Zeile 1"), (2, " ")), says(), says((7, "?")))
    with pytest.raises(errors.UnreadableAnswerError, match=r"into German, asked for 3 times: 2 \(numbers of lines"):
        run(gateway, way, spoken(2))
    gateway.play(says(), says(), says())
    result = run(gateway, way, spoken(2), "skip")
    assert asked_for(gateway) == [[1, 2], [2], [2], [2], [2], [2]]
    assert [line.translation for line in result.lines] == ["Zeile 1", ""]
    assert [cue.text for cue in result.cues()] == ["Zeile 1", "Line 2"]
    assert [each.window for each in result.missing] == [Window(1, 1.0, 2.0)]


@pytest.mark.parametrize("way", COLLECTED)
def test_a_call_that_fails_costs_one_call(gateway: LocalGateway, way: str) -> None:
    batches = [says(*((number, f"Zeile {number}") for number in range(at, at + 50))) for at in (1, 51, 101, 151)]
    gateway.play(*batches[:2], scripts.error(500, "oh"), batches[3])
    with pytest.raises(errors.ServerError) as caught:
        run(gateway, way, spoken(200), max_concurrency=1)
    assert caught.value.__notes__ == ["150 of 200 lines are translated and kept; run it again for the rest"]
    gateway.play(batches[2])
    result = run(gateway, way, spoken(200))
    assert [line.translation for line in result.lines] == [f"Zeile {number}" for number in range(1, 201)]
    assert [lines[0] for lines in asked_for(gateway)] == [1, 51, 101, 151, 101]


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_no_place_for_the_answers(
    gateway: LocalGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, on_error: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(errors.StorageError, match=r"can't keep answers in .*file/jobs"):
        run(gateway, way, spoken(1), on_error)
    assert gateway.requests == []


def test_an_unknown_way_to_fail(gateway: LocalGateway) -> None:
    with pytest.raises(errors.ConfigurationError, match="'raise' or 'skip'"):
        translate(model(gateway), "German", on_error=cast("Any", "ignore"))


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
