"""The films of `make library`: what is sent of them says what is answered."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import pytest
from pydantic import BaseModel

from langchain_dmx_omni import ChatDMXOmni, media, video
from langchain_dmx_omni.testing import LocalGateway, _espeak

from .conftest import ROOT

CRANE, PORK = "harbour-crane", "red-braised-pork"


class Spoken(BaseModel):
    start: float
    end: float
    text: str
    speaker: str


class Written(BaseModel):
    start: float
    end: float
    text: str


class Caption(BaseModel):
    title: str
    seen: str
    said: list[Spoken]
    written: list[Written]
    entities: list[str]


class Look(BaseModel):
    present: bool
    start: float
    end: float
    seen: str


class Queries(BaseModel):
    queries: list[str]


@pytest.fixture(scope="module")
def demo() -> Iterator[Any]:
    """The modules of `examples/library_demo`, which are not installed."""
    sys.path.insert(0, str(ROOT / "examples"))
    try:
        films, model, strip, table, watch = (
            import_module(f"library_demo.{name}") for name in ("films", "model", "strip", "table", "watch")
        )
        yield SimpleNamespace(films=films, model=model, strip=strip, table=table.load(), watch=watch.watch)
    finally:
        sys.path.remove(str(ROOT / "examples"))


@pytest.fixture(scope="module")
def films(demo: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    wanted = [film for film in demo.table.films.values() if film.name in (CRANE, PORK)]
    return {film.name: demo.films.make_film(folder / f"{film.name}.mp4", film) for film in wanted}


@pytest.fixture
def llm(demo: Any) -> Iterator[ChatDMXOmni]:
    with LocalGateway(answer=demo.model.answer) as gateway:
        yield ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key)


def test_there_are_thirty_films_with_room_for_their_words(demo: Any) -> None:
    films = list(demo.table.films.values())
    assert len({film.name for film in films}) == len({film.title for film in films}) == len(films) == 30
    espeak = _espeak.load()
    assert espeak is not None
    for film in films:
        assert 10 <= film.seconds <= 20
        for scene in film.scenes:
            voice = "cmn" if any(character > "\u2e7f" for character in scene.said) else "en-us"
            samples = espeak.speak(scene.said, voice=voice, pitch=50, seconds=60, cancelled=lambda: False)
            assert len(samples) / espeak.rate < scene.end - scene.start - demo.films.PAUSE, scene.said


@pytest.mark.parametrize("name", [CRANE, PORK])
def test_a_film_is_what_its_table_says(demo: Any, films: dict[str, Path], name: str) -> None:
    film = next(film for film in demo.table.films.values() if film.name == name)
    info = video.probe(films[name])
    assert (info.width, info.height, info.has_audio) == (320, 180, True)
    assert info.duration == pytest.approx(film.seconds, abs=0.1)
    footage = demo.watch(films[name].read_bytes())
    assert footage.film == film
    assert [(shown.scene, shown.start, shown.end) for shown in footage.scenes] == [
        (scene, scene.start, scene.end) for scene in film.scenes
    ]
    for shown in footage.scenes:
        assert shown.start < shown.speech[0] < shown.start + 0.6 < shown.speech[1] < shown.end


def test_a_film_that_is_there_is_not_made_again(demo: Any, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"there")
    assert demo.films.make_film(path, demo.table.films[1]).read_bytes() == b"there"


# Window, and the scenes within it: number, start and end in the window. A sliver of a scene is not noticed.
CUTS = [
    ((0.0, 8.0), [(1, 0.0, 7.0), (2, 7.0, 8.0)]),
    ((6.5, 14.5), [(2, 0.5, 7.5)]),
    ((12.0, 19.0), [(2, 0.0, 2.0), (3, 2.0, 7.0)]),
    ((15.3, 20.0), [(3, 0.0, 4.7)]),
]


@pytest.mark.parametrize("fps", [None, 2.0])
def test_what_is_cut_says_what_is_seen(demo: Any, films: dict[str, Path], fps: float | None) -> None:
    windows = [window for window, _ in CUTS]
    segments = list(video.split(films[CRANE], by="time", windows=windows, fps=fps))
    for segment, (_, expected) in zip(segments, CUTS, strict=True):
        footage = demo.watch(segment.path.read_bytes())
        scenes = [(footage.film.scenes.index(shown.scene) + 1, shown.start, shown.end) for shown in footage.scenes]
        assert scenes == [
            (number, pytest.approx(start, abs=0.11), pytest.approx(end, abs=0.51 if fps else 0.11))
            for number, start, end in expected
        ]


def test_the_strip_survives_a_tight_fit(demo: Any, films: dict[str, Path]) -> None:
    fitted = video.fit(films[CRANE], max_bytes=200_000)
    footage = demo.watch(fitted.read_bytes())
    assert [round(shown.start) for shown in footage.scenes] == [0, 7, 14]


def test_other_clips_are_of_no_film(demo: Any, film: Path) -> None:
    assert demo.watch(film.read_bytes()) is None


def test_every_picture_carries_its_time(demo: Any, films: dict[str, Path]) -> None:
    with av.open(str(films[PORK])) as container:
        read = [demo.strip.read(frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    assert read == [(7, number / 10) for number in range(180)]


def test_a_caption_is_what_the_window_shows(demo: Any, films: dict[str, Path], llm: ChatDMXOmni) -> None:
    (segment,) = video.split(films[CRANE], by="time", windows=[(12.0, 20.0)])
    question = [segment.block(), {"type": "text", "text": "Describe what is seen."}]
    caption: Any = llm.with_structured_output(Caption, method="json_schema").invoke(
        [{"role": "user", "content": question}]
    )
    swinging, still = demo.table.films[1].scenes[1:]
    assert caption.title == "Harbour crane"
    assert caption.seen == f"{swinging.seen} {still.seen}"
    assert caption.entities == ["crane", "container", "flag", "lamp"]
    assert caption.written == [Written(start=2.0, end=8.0, text="STOP 18 m/s")]
    # What was said before the cut is not heard.
    (line,) = caption.said
    assert (line.text, line.speaker) == (still.said, "Ethan")
    assert (line.start, line.end) == (pytest.approx(2.3, abs=0.15), pytest.approx(5.8, abs=0.3))


@pytest.mark.parametrize(
    ("name", "question", "expected"),
    [
        (CRANE, "Why did the harbour crane stop?", (True, 14.0, 20.0, "And now the crane stops, because the wind is")),
        (CRANE, "起重机为什么停下来？", (True, 14.0, 20.0, "起重机停下来了，因为风太大")),
        (CRANE, "When does the bus stop at the museum?", (False, 0.0, 0.0, "")),
        (PORK, "红烧肉要炖多久？", (True, 12.0, 18.0, "最后加酱油和热水")),
    ],
)
def test_a_second_look_finds_the_scene(
    films: dict[str, Path], llm: ChatDMXOmni, name: str, question: str, expected: tuple[bool, float, float, str]
) -> None:
    look: Any = llm.with_structured_output(Look, method="json_schema").invoke(
        [{"role": "user", "content": [media.video(films[name]), {"type": "text", "text": f"Question: {question}\n"}]}]
    )
    present, start, end, seen = expected
    assert (look.present, look.start, look.end) == (present, start, end)
    assert look.seen.startswith(seen)


def test_a_question_is_put_in_the_language_of_the_recordings(llm: ChatDMXOmni) -> None:
    prompt = (
        "A library is searched for the moments that answer this question:\n\n起重机为什么停下来？\n\nWrite queries."
    )
    assert llm.with_structured_output(Queries, method="json_schema").invoke(prompt) == Queries(
        queries=["Why did the harbour crane stop?"]
    )


EVIDENCE = (
    "These moments were found, each with its number:\n\n"
    "[1] Bus 42, 0:10–0:15: Get off at the museum.\n"
    "[2] Harbour crane, 0:14–0:20: And now the crane stops, because the wind is too strong.\n\n"
    "The question: {question}\n\nAnswer it."
)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (
            EVIDENCE.format(question="Why did the crane stop?"),
            "And now the crane stops, because the wind is too strong. [2]",
        ),
        (EVIDENCE.format(question="Who bakes rye bread?"), "The moments do not answer this."),
        (EVIDENCE.format(question="谁在烤面包？"), "这些片段没有回答这个问题。"),
        ("Say exactly these words, and nothing else:\n\nIt stops.", "It stops."),
        ("Good morning!", "I know nothing but the films of this library."),
    ],
)
def test_an_answer_in_words_rests_on_its_evidence(llm: ChatDMXOmni, prompt: str, expected: str) -> None:
    assert llm.invoke(prompt).text == expected


@pytest.mark.timeout(180)
def test_the_library_answers_in_chinese_about_a_film_in_english(films: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    for name, path in films.items():
        shutil.copy(path, tmp_path / "films" / f"{name}.mp4")  # these are not made again
    command = [sys.executable, str(ROOT / "examples" / "library.py"), f"--folder={tmp_path}", "--films=7"]
    environment = os.environ | {"DMX_OMNI_CACHE_DIR": str(tmp_path / "cache")}
    run = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert (run.returncode, run.stderr.decode()) == (0, "")
    shown = run.stdout.decode()
    assert "7 added, 0 unchanged, 0 failed, " in shown
    assert re.search(r"\[\d\] harbour crane, 0:14–0:(19|20): 起重机停下来了，因为风太大，不能工作。", shown), shown
    assert re.search(r"\[\d\] red braised pork, 0:12–0:1\d: 最后加酱油和热水，盖上锅盖炖一个小时。", shown), shown
    assert "The library does not show it." in shown  # the film about the pass is not among these
    for number in (1, 2, 3):
        assert (tmp_path / f"moments-{number}.png").read_bytes().startswith(b"\x89PNG")
