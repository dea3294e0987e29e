"""The commands over recordings of any length: their files, their bar, and what they ask."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import av
import pytest

from langchain_dmx_omni.cli._formats import clock
from langchain_dmx_omni.testing import LocalGateway, Script, scripts

from .cli_calls import Shell, environment, in_terminal

# What is said of each window, whatever is asked: each task takes its own keys.
SPOKEN = {
    "lines": [
        {"start": 0.2, "end": 0.9, "text": "Hello <you> & all.", "translation": "Hallo ihr alle."},
        {"start": 1.0, "end": 1.8, "text": "Bye.", "translation": "Tschüss."},
    ],
    "title": "A greeting",
    "summary": "They greet.",
    "chapters": [{"start": 0, "end": 2, "title": "Hello", "summary": "They greet."}],
    "speakers": [{"name": "Anna", "description": "chairs"}],
    "decisions": [{"start": 0.5, "end": 1, "text": "They meet again."}],
    "actions": [{"start": 1, "end": 2, "text": "Call Bob.", "owner": "Anna", "due": None}],
    "findings": [{"start": 0, "end": 1, "category": "privacy", "severity": "medium", "reason": "A name is said."}],
    "highlights": [{"start": 0, "end": 1, "title": "The hello", "reason": "It is warm.", "score": 0.75}],
    "relevant": True,
    "answer": "At the start.",
    "evidence": [{"start": 0, "end": 1, "what": "Anna speaks"}],
}


@pytest.fixture
def told(gateway: LocalGateway) -> LocalGateway:
    gateway.play(*[scripts.sse(scripts.answer(json.dumps(SPOKEN)))] * 4)
    return gateway


def has(path: str) -> str:
    return Path(path).read_bytes().decode("utf-8")


WRITTEN: dict[str, tuple[list[str], dict[str, str]]] = {
    "subtitles": (
        ["subtitles", "clip.mp4"],
        {
            "clip.srt": "1\n00:00:00,200 --> 00:00:01,000\nHello <\u2060you> & all.\n\n"
            "2\n00:00:01,000 --> 00:00:01,833\nBye.\n\n"
        },
    ),
    "subtitles as WebVTT": (
        ["subtitles", "clip.mp4", "-f", "vtt"],
        {
            "clip.vtt": "WEBVTT\n\n00:00:00.200 --> 00:00:01.000\nHello &lt;you&gt; &amp; all.\n\n"
            "00:00:01.000 --> 00:00:01.833\nBye.\n\n"
        },
    ),
    "subtitles, translated": (
        ["subtitles", "clip.mp4", "-f", "txt", "--translate", "German (Swiss)", "-o", "out"],
        {"out/clip.txt": "Hello <you> & all.\nBye.\n", "out/clip.German-Swiss.txt": "Hallo ihr alle.\nTschüss.\n"},
    ),
    "minutes": (
        ["minutes", "clip.mp4"],
        {
            "clip.md": "# clip.mp4\n\n## Summary\n\nThey greet.\n\n## Speakers\n\n- Anna: chairs\n\n## Decisions\n\n"
            "- They meet again. [0:00]\n\n## Actions\n\n- Call Bob. (Anna) [0:01]\n"
        },
    ),
    "chapters": (
        ["chapters", "clip.mp4"],
        {"clip.md": "# clip.mp4\n\n**A greeting**\n\nThey greet.\n\n## 0:00 Hello\n\nThey greet.\n"},
    ),
    "chapters for a video's description": (["chapters", "clip.mp4", "-f", "txt"], {"clip.txt": "0:00 Hello\n"}),
    "moderation": (
        ["moderate", "clip.mp4", "-f", "txt"],
        {"clip.txt": "verdict: review\n\n- 0:00-0:01 privacy (medium): A name is said.\n"},
    ),
    "highlights": (
        ["highlights", "clip.mp4", "-f", "all"],
        {
            "clip.txt": "- 0:00-0:01 (0.75) The hello: It is warm.\n",
            "clip.vtt": "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nThe hello\n\n",
        },
    ),
}


@pytest.mark.parametrize(("arguments", "files"), WRITTEN.values(), ids=WRITTEN)
def test_results_are_files(
    arguments: list[str],
    files: dict[str, str],
    shell: Shell,
    told: LocalGateway,
) -> None:
    outcome = shell(*arguments)
    assert outcome.status == 0, outcome.err
    assert {name: has(name) for name in files} == files
    assert set(files) <= set(outcome.out.replace("\\", "/").split())
    assert "clip.mp4: 1 call, tokens: 12 in, 6 out, 18 in all; about CNY 0.0001 (an estimate)" in outcome.err
    # Once more: everything is kept, and nothing is asked.
    again = shell(*arguments)
    assert (again.status, len(told.requests)) == (0, 1)
    assert "no calls" in again.err


def test_a_result_on_standard_output(shell: Shell, told: LocalGateway) -> None:
    outcome = shell("chapters", "clip.mp4", "-o", "-", "-f", "json")
    assert json.loads(outcome.out)["chapters"][0]["title"] == "Hello"


def test_a_free_question(shell: Shell, told: LocalGateway) -> None:
    outcome = shell("ask-long", "Where does Anna speak?", "clip.mp4")
    assert (outcome.status, outcome.out) == (0, "At the start.\n\n0:00-0:01  Anna speaks\n"), outcome.err
    assert "Where does Anna speak?" in json.dumps(told.requests[0].body)
    assert (
        json.loads(shell("ask-long", "Where does Anna speak?", "clip.mp4", "--json").out)["answer"] == "At the start."
    )


def test_subtitles_go_into_a_copy(shell: Shell, told: LocalGateway) -> None:
    outcome = shell("subtitles", "clip.mp4", "--mux", "--language", "English", "--translate", "German")
    assert outcome.status == 0, outcome.err
    assert outcome.out.split() == ["clip.srt", "clip.German.srt", "clip.subtitled.mp4"]
    with av.open("clip.mp4") as source, av.open("clip.subtitled.mp4") as copy:
        kinds = [(stream.type, stream.language) for stream in copy.streams]
        assert kinds == [("video", "und"), ("audio", "und"), ("subtitle", "eng"), ("subtitle", "deu")]
        for kind in ("video", "audio"):
            before = [bytes(packet) for packet in source.demux(getattr(source.streams, kind)[0])]
            source.seek(0)
            assert [bytes(packet) for packet in copy.demux(getattr(copy.streams, kind)[0])] == before
            copy.seek(0)
        texts = [
            (packet.pts * packet.time_base, bytes(packet)[2:].decode())
            for packet in copy.demux(copy.streams.subtitles[1])
            if packet.pts is not None and bytes(packet)[2:]
        ]
        assert [(float(time), text) for time, text in texts] == [(0.2, "Hallo ihr alle."), (1.0, "Tschüss.")]
    assert [path.name for path in Path().glob(".*")] == []


def test_several_recordings(shell: Shell, told: LocalGateway, film: Path) -> None:
    shutil.copy(film, "film.mp4")
    planned = shell("chapters", "clip.mp4", "film.mp4", "--window", "5", "--dry-run")
    assert told.requests == []
    assert [line.split()[:4] for line in planned.out.splitlines()[2:]] == [
        ["clip.mp4", "1", "0.0", "2.0"],
        ["film.mp4", "1", "0.0", "5.0"],
        ["film.mp4", "2", "3.0", "8.0"],
        ["film.mp4", "3", "6.0", "10.0"],
    ]
    assert re.fullmatch(
        r"4 windows to ask about, [\d,]+ tokens to send, about CNY [\d.]+ \(an estimate\); answers on top\n",
        planned.err,
    )
    outcome = shell("chapters", "clip.mp4", "no.mp4", "film.mp4", "notes.txt", "--window", "5", "-o", "out")
    assert outcome.status == 1
    assert sorted(path.name for path in Path("out").iterdir()) == ["clip.md", "film.md"]
    assert "error: no.mp4: it can't be read" in outcome.err
    assert "error: notes.txt" in outcome.err
    assert "film.mp4: 4 calls" in outcome.err  # three windows and the closing question


def test_a_window_that_is_refused(shell: Shell, gateway: LocalGateway) -> None:
    arguments = ["minutes", "clip.mp4", "--window", "1.2", "--by", "time", "-j", "1"]
    gateway.play(scripts.sse(scripts.answer(json.dumps(SPOKEN))), *[scripts.error(400, "inappropriate content")] * 2)
    outcome = shell(*arguments)
    assert outcome.status == 1
    assert "error: clip.mp4: the service answered 400: inappropriate content" in outcome.err
    assert "1 of 2 windows are answered and kept" in outcome.err
    outcome = shell(*arguments, "--skip-refused")
    assert outcome.status == 0, outcome.err
    assert has("clip.md").endswith("(nothing is known of 0:01-0:02)\n")


MISTAKES: dict[str, tuple[list[str], int, str]] = {
    "a format that it doesn't have": (["minutes", "clip.mp4", "-f", "srt"], 2, "md, txt, json or all"),
    "two results in one place": (["minutes", "clip.mp4", "other/clip.mp4"], 2, "would both become"),
    "a folder that is a file": (["minutes", "clip.mp4", "-o", "notes.txt"], 2, "notes.txt"),
    "a result that is a folder": (["minutes", "taken.mp4"], 2, "is a folder"),
    "a copy on standard output": (["subtitles", "clip.mp4", "--mux", "-o", "-"], 2, "--output-dir"),
    "a copy of sound": (["subtitles", "talk.wav", "--mux"], 1, "--mux copies MP4 and MOV"),
    "no question": (["ask-long", " ", "clip.mp4"], 1, "give a question"),
    "no recording": (["ask-long", "Who?"], 2, "FILE"),
    "no such recording": (["minutes", "no.mp4"], 1, "no.mp4"),
    "a URL": (["minutes", "https://example.com/a.mp4"], 1, "can't be read"),
    "a window of no length": (["minutes", "clip.mp4", "--window", "0.1"], 1, "give 1 or more"),
}


@pytest.mark.parametrize(("arguments", "status", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_said_before_anything_is_asked(
    arguments: list[str],
    status: int,
    said: str,
    shell: Shell,
    gateway: LocalGateway,
) -> None:
    Path("other").mkdir()
    shutil.copy("clip.mp4", "other/clip.mp4")
    shutil.copy("clip.mp4", "taken.mp4")
    Path("taken.md").mkdir()
    Path("talk.wav").write_bytes(scripts.wav(scripts.PCM))
    outcome = shell(*arguments)
    unwrapped = " ".join(re.sub("[│╭╰─╮╯]", " ", outcome.err).split())
    assert (outcome.status, outcome.out) == (status, ""), outcome
    assert said in unwrapped
    assert "Traceback" not in outcome.err
    assert gateway.requests == []


def test_without_a_key_nothing_is_encoded(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DMXAPI_API_KEY")
    assert shell("minutes", "clip.mp4", "--dry-run").status == 0
    outcome = shell("minutes", "clip.mp4")
    assert (outcome.status, outcome.err.splitlines()[0]) == (1, "error: there is no API key: set DMXAPI_API_KEY")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_the_bar_and_ctrl_c(gateway: LocalGateway, clip: Path, tmp_path: Path) -> None:
    shutil.copy(clip, tmp_path / "clip.mp4")
    whole = scripts.sse(scripts.answer(json.dumps(SPOKEN))).payload
    gateway.play(*[Script(body=(whole[:300], 0.5, whole[300:]))] * 4)
    env = environment(gateway, DMX_OMNI_CACHE_DIR=str(tmp_path / "cache"))
    arguments = [
        "chapters",
        str(tmp_path / "clip.mp4"),
        "-o",
        str(tmp_path),
        "--by",
        "time",
        "--window",
        "1.2",
        "-j",
        "1",
    ]
    status, screen = in_terminal(*arguments, env=env, interrupt_after="1/2 windows")
    assert status == 130
    assert "Traceback" not in screen
    assert "stopping: the calls in flight" in screen
    assert len(list((tmp_path / "cache").rglob("0000*.json"))) == len(gateway.requests) >= 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_what_is_written_stands_above_the_bar(gateway: LocalGateway, clip: Path, tmp_path: Path) -> None:
    shutil.copy(clip, tmp_path / "clip.mp4")
    gateway.play(scripts.sse(scripts.answer(json.dumps(SPOKEN))))
    env = environment(gateway, DMX_OMNI_CACHE_DIR=str(tmp_path / "cache"), COLUMNS="200")
    arguments = ["chapters", str(tmp_path / "clip.mp4"), "-o", str(tmp_path)]
    status, screen = in_terminal(*arguments, env=env, interrupt_after="\0")
    assert status == 0, screen
    assert f"\r\x1b[2K{tmp_path / 'clip.md'}\r\n" in screen  # the line of the bar is cleared for it
    assert "1/1 windows" in screen


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0:00"), (65.4, "1:05"), (3599.6, "1:00:00"), (36_061, "10:01:01")]
)
def test_a_time_as_people_write_it(seconds: float, expected: Any) -> None:
    assert clock(seconds) == expected
