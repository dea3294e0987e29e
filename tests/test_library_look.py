"""The second look: what is shown and asked, which span comes out, and what can't be looked at."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest

from langchain_dmx_omni import errors
from langchain_dmx_omni.library import Moment
from langchain_dmx_omni.library._look import Looker, SecondLook
from langchain_dmx_omni.testing import LocalGateway, Request, Script, scripts
from tests import gateway_clips
from tests.calls import COLLECTED, body_of, model

QUESTION = "When does the crane stop?"


def look_at(looker: Looker, way: str, moments: list[Moment], **config: Any) -> list[SecondLook]:
    if way == "invoke":
        return looker.look_at_all(QUESTION, moments, config or None)  # type: ignore[arg-type]
    return asyncio.run(looker.alook_at_all(QUESTION, moments, config or None))  # type: ignore[arg-type]


def says(**look: Any) -> Script:
    return scripts.sse(scripts.answer(json.dumps(look)))


@pytest.mark.parametrize("way", COLLECTED)
def test_what_is_shown_and_asked(gateway: LocalGateway, film: Path, way: str) -> None:
    gateway.play(says(present=True, start=1.5, end=2.5, seen=" the hook is still "))
    moment = Moment(str(film), 4.0, 6.0, "a crane", 0.5, id="a")
    (look,) = look_at(Looker(model(gateway, voice="Tina")), way, [moment])
    assert look == SecondLook(Moment(str(film), 3.5, 4.5, "a crane", 0.5, id="a"), True, "the hook is still")
    body = body_of(gateway.requests[0])
    (schema, question) = body["input"]
    assert schema["content"].startswith("Answer with nothing but a JSON object that matches this JSON schema: {")
    assert body["modalities"] == ["text"]
    shown, asked = question["content"]
    assert shown["type"] == "video_url"
    assert asked["text"] == (
        "Question: When does the crane stop?\n\n"
        "Does this clip show or say what answers the question? It lasts 6.0 seconds. If it does, say from when to "
        "when, as closely as you can, in seconds since the beginning of the clip, as numbers from 0 to 6.0, and what "
        "is seen or said there, in the language of the question. If it does not, present is false. Say only what is "
        "seen or heard."
    )


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [((4.0, 6.0), 6.0), ((0.0, 1.0), 3.0), ((9.0, 10.0), 3.0), ((9.0, 99.0), 3.0), ((-5.0, 1.0), 3.0), ((5, 5), 4.0)],
)
def test_the_clip_is_a_little_longer_than_the_moment(film: Path, moment: tuple[float, float], seconds: float) -> None:
    lengths: list[float] = []

    def reply(request: Request) -> str:
        (shown,) = request.media
        with av.open(BytesIO(shown.data or b""), "r") as container:
            lengths.append((container.duration or 0) / av.time_base)
        return json.dumps({"present": False, "start": 0, "end": 0})

    with LocalGateway(answer=reply) as gateway:
        (look,) = Looker(model(gateway)).look_at_all(QUESTION, [Moment(str(film), *moment, "")])
    assert (look.present, look.problem) == (False, "")
    assert lengths == pytest.approx([seconds], abs=0.25)


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        (1.0, 2.0, (3.0, 4.0)),
        ("0:01", "0:02", (3.0, 4.0)),
        ("1秒", "2秒", (3.0, 4.0)),
        (2.0, 1.0, (3.0, 4.0)),
        (1.0, 99.0, (3.0, 8.0)),
        (-5.0, 2.0, (2.0, 4.0)),
        (6.5, 7.5, (6.5, 7.5)),  # counted from the recording's start
        (None, None, (4.0, 6.0)),
        ("somewhere", "", (4.0, 6.0)),
        (3.0, 3.0, (4.5, 5.5)),
        (0.0, 0.0, (2.0, 2.5)),
        (5.9, 5.9, (7.4, 8.0)),
    ],
)
def test_the_span_is_within_the_clip(
    gateway: LocalGateway, film: Path, start: Any, end: Any, span: tuple[float, float]
) -> None:
    gateway.play(says(present=True, start=start, end=end, seen="there"))
    look = Looker(model(gateway)).look(QUESTION, Moment(str(film), 4.0, 6.0, ""))
    assert (look.moment.start, look.moment.end) == pytest.approx(span)


def test_times_that_are_nowhere_near(gateway: LocalGateway, film: Path) -> None:
    gateway.play(says(present=True, start=500, end=600, seen="there"))
    with pytest.warns(errors.DMXOmniWarning, match="1 of 1 times are outside of it"):
        look = Looker(model(gateway)).look(QUESTION, Moment(str(film), 4.0, 6.0, ""))
    assert (look.moment.start, look.moment.end) == (2.0, 8.0)


def test_what_is_not_there_keeps_its_span(gateway: LocalGateway, film: Path) -> None:
    gateway.play(says(present=False, start=1, end=2, seen="only a gate"))
    moment = Moment(str(film), 4.0, 6.0, "a crane")
    assert Looker(model(gateway)).look(QUESTION, moment) == SecondLook(moment, False, "only a gate")


def test_sound_alone(gateway: LocalGateway, tmp_path: Path) -> None:
    talk = tmp_path / "talk.wav"
    talk.write_bytes(gateway_clips.sound(5.0, 0.5))
    gateway.play(says(present=True, start=1, end=2, seen="a word"))
    look = Looker(model(gateway)).look(QUESTION, Moment(str(talk), 3.0, 4.0, ""))
    assert (look.moment.start, look.moment.end, look.seen) == (2.0, 3.0, "a word")
    assert body_of(gateway.requests[0])["input"][-1]["content"][0]["type"] == "input_audio"


def gone(folder: Path) -> Path:
    return folder / "gone.mp4"


def text(folder: Path) -> Path:
    (folder / "notes.mp4").write_text("no film")
    return folder / "notes.mp4"


def empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (gone, "it can't be read: No such file or directory"),
        (text, "notes.mp4: "),
        (empty, "empty.mp4: "),
        (lambda folder: folder, "it is no regular file"),
        (lambda folder: "s3://films/crane.mp4", "it can't be read"),
    ],
)
def test_a_recording_that_cannot_be_shown(
    film: Path, tmp_path: Path, make: Callable[[Path], Any], problem: str, way: str
) -> None:
    broken, whole = Moment(str(make(tmp_path)), 4.0, 6.0, "a crane"), Moment(str(film), 4.0, 6.0, "a crane")
    with LocalGateway(answer=lambda _: json.dumps({"present": True, "start": 1, "end": 3, "seen": "it"})) as gateway:
        first, second = look_at(Looker(model(gateway)), way, [broken, whole])
    assert (first.moment, first.present, second.present) == (broken, None, True)
    assert problem in first.problem


def test_a_moment_behind_the_end(gateway: LocalGateway, film: Path) -> None:
    look = Looker(model(gateway)).look(QUESTION, Moment(str(film), 20.0, 30.0, ""))
    assert look.problem == f"{film}: there is nothing from 20 to 30 s; the recording has 0 to 10 s"


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (scripts.error(400, "data_inspection_failed"), "data_inspection_failed"),
        (scripts.error(413), "the service answered 413"),
        (scripts.error(503), "the service answered 503"),
        (scripts.sse(scripts.answer("I can't say.")), "the answer can't be read"),
        (scripts.sse(scripts.answer('{"start": 1}')), "the answer can't be read"),
    ],
    ids=repr,
)
def test_a_refusal_is_of_one_moment(film: Path, script: Script, problem: str, way: str) -> None:
    def reply(request: Request) -> str | Script:
        return script if "It lasts 5.0" in request.question else json.dumps({"present": False, "start": 0, "end": 0})

    moments = [Moment(str(film), 4.0, end, "a crane") for end in (6.0, 5.0, 6.0)]
    with LocalGateway(answer=reply) as gateway:
        looks = look_at(Looker(model(gateway)), way, moments)
    assert [look.present for look in looks] == [False, None, False]
    assert problem in looks[1].problem
    assert "\n" not in looks[1].problem


@pytest.mark.parametrize("way", COLLECTED)
def test_a_wrong_key_is_wrong_for_all(gateway: LocalGateway, film: Path, way: str) -> None:
    with pytest.raises(errors.AuthenticationError):
        look_at(Looker(model(gateway, api_key="sk-wrong")), way, [Moment(str(film), 4.0, 6.0, "")])


@pytest.mark.parametrize("way", COLLECTED)
def test_a_clip_that_cannot_be_written_is_wrong_for_all(
    gateway: LocalGateway, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    (tmp_path / "full").write_text("no folder")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "full"))
    with pytest.raises(errors.StorageError, match="full"):
        look_at(Looker(model(gateway)), way, [Moment(str(film), 4.0, 6.0, "")])
    assert gateway.requests == []


@pytest.mark.parametrize("way", COLLECTED)
def test_as_many_at_a_time_as_the_config_says(film: Path, way: str) -> None:
    meeting, lock, now, most = threading.Barrier(2, timeout=20), threading.Lock(), 0, 0

    def reply(request: Request) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        meeting.wait()
        with lock:
            now -= 1
        return json.dumps({"present": True, "start": 0, "end": 1, "seen": request.question.partition("lasts ")[2][:3]})

    moments = [Moment(str(film), 2.0, 3.0 + number, "") for number in range(4)]
    with LocalGateway(answer=reply) as gateway:
        looks = look_at(Looker(model(gateway)), way, moments, max_concurrency=2)
    assert [look.seen for look in looks] == ["5.0", "6.0", "7.0", "8.0"]
    assert most == 2
