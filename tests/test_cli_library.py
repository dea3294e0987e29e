"""`dmx-omni library`: recordings are added, found, asked about and removed from a shell."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from langchain_dmx_omni.cli import _storage
from langchain_dmx_omni.cli._library import seconds
from langchain_dmx_omni.testing import LocalGateway, Request

from .cli_calls import Outcome, Shell, environment, in_terminal
from .s3 import S3, s3

__all__ = ["s3"]

LOOK = {"present": True, "start": 0.5, "end": 1.0, "seen": "The hook stops."}
CAPTION = {
    "title": "The yard",
    "seen": "A crane turns.",
    "entities": ["crane"],
    "written": [{"start": 0, "end": 1, "text": "GATE 4"}],
    "said": [{"start": 0, "end": 1.5, "text": "Stop it.", "speaker": "Ada"}],
}


def reply(request: Request) -> str:
    """What the model of these tests says."""
    if "Write the search queries" in request.question:
        return json.dumps({"queries": []})
    if "Does this clip show" in request.question:
        return json.dumps(LOOK)
    if "Say exactly these words" in request.question:
        return request.question.partition("\n\n")[2]
    return "It stopped [1]." if "[1]" in request.question else json.dumps(CAPTION)


@pytest.fixture
def gateway() -> Iterator[LocalGateway]:
    with LocalGateway(answer=reply) as gateway:
        yield gateway


@pytest.fixture
def library(shell: Shell) -> Shell:
    """The command, in a folder where the library `films` holds `clip.mp4`."""
    outcome = shell("library", "add", "films", "clip.mp4")
    assert outcome.status == 0, outcome
    return shell


def plain(outcome: Outcome) -> str:
    """What was said on standard error, without the frames of a terminal."""
    return " ".join(re.sub("[│╭╰─╮╯]", " ", outcome.err).split())


def test_recordings_are_added_once(shell: Shell, gateway: LocalGateway) -> None:
    first = shell("library", "add", "films", "clip.mp4")
    assert (first.status, first.out) == (0, "1 added, 0 unchanged, 0 failed\n"), first
    assert re.fullmatch(r"tokens: [\d,]+ in, [\d,]+ out, [\d,]+ in all; about CNY [\d.]+ \(an estimate\)\n", first.err)
    asked = len(gateway.requests)
    again = shell("library", "add", "films", "clip.mp4", "notes.txt")
    assert (again.status, again.out) == (1, "0 added, 1 unchanged, 1 failed\n")
    assert again.err == "error: notes.txt: it is no video or audio: its bytes are text/plain\n"
    assert len(gateway.requests) == asked


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_one_bar_over_all_recordings(gateway: LocalGateway, clip: Path, silent_film: Path, tmp_path: Path) -> None:
    for source in (clip, silent_film):
        shutil.copy(source, tmp_path)
    status, screen = in_terminal(
        *("library", "add", str(tmp_path / "films"), str(tmp_path / "*.mp4")),
        env=environment(gateway, DMX_OMNI_CACHE_DIR=str(tmp_path / "cache"), COLUMNS="200"),
        interrupt_after="\0",
    )
    assert status == 0, screen
    assert "2/2 recordings" in screen
    assert "2 added, 0 unchanged, 0 failed" in screen


def test_subtitles_need_no_key(shell: Shell, gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DMXAPI_API_KEY")
    Path("clip.srt").write_text("1\n00:00:00,200 --> 00:00:01,000\nHello, crane.\n", "utf-8")
    refused = shell("library", "add", "films", "clip.mp4")
    assert (refused.status, refused.out) == (1, "")
    assert "set DMXAPI_API_KEY, or take --captions subtitles" in refused.err
    words = ("--embeddings", "none")
    assert shell("library", "add", "films", "clip.mp4", "--captions", "subtitles", *words).status == 0
    outcome = shell("library", "search", "films", "crane", *words, "--json")
    assert [each["text"] for each in json.loads(outcome.out)] == ["Hello, crane."]
    assert "vectors: none, words alone" in shell("library", "stats", "films").out
    assert gateway.requests == []


def test_moments_are_found(library: Shell) -> None:
    outcome = library("library", "search", "films", "who stops it?", "-k", "1", "--mode", "words")
    assert [line.split() for line in outcome.out.splitlines()[2:]] == [
        ["clip.mp4", "0:00–0:01", "speech", "Ada:", "Stop", "it."]
    ], outcome
    (moment,) = json.loads(library("library", "search", "films", "gate", "-k", "1", "--mode", "words", "--json").out)
    assert {name: moment[name] for name in ("kind", "text", "start", "end")} == {
        "kind": "text",
        "text": "GATE 4",
        "start": 0.0,
        "end": 1.0,
    }
    assert moment["uri"] == f"{Path('clip.mp4').absolute()}#t=0.000,1.000"


FILTERS: dict[str, bool] = {
    "--source clip.mp4": True,
    "--source other.mp4": False,
    "--source other.mp4 --source clip.mp4": True,
    "--to 0:01.2": True,
    "--from 1.2": True,
    "--from 2": False,
    "--from 1:00:00 --to 2:00:00": False,
    "--mode meaning": True,
}


def test_moments_are_filtered(library: Shell) -> None:
    outcomes = {each: library("library", "search", "films", "a crane", *each.split()) for each in FILTERS}
    assert {each: bool(outcome.out) for each, outcome in outcomes.items()} == FILTERS
    assert {each: outcome.err for each, outcome in outcomes.items() if not outcome.out} == {
        each: "nothing found\n" for each, found in FILTERS.items() if not found
    }
    assert json.loads(library("library", "search", "films", "a crane", "--from", "2", "--json").out) == []


def test_an_answer_with_its_evidence(library: Shell, gateway: LocalGateway) -> None:
    outcome = library(
        *("library", "ask", "films", "When did it stop?", "-k", "1"),
        *("--voice", "Tina", "--save", "answer.wav", "--sheet", "moments.png"),
    )
    assert outcome.status == 0, outcome
    text, empty, citation = outcome.out.splitlines()
    assert (text, empty) == ("It stopped [1].", "")
    assert citation == "[1] clip, 0:00–0:01: The hook stops."
    assert re.search(r"answer\.wav: [\d.]+ s of speech\nmoments\.png\ntokens: .*\(an estimate\)", outcome.err)
    assert Path("answer.wav").read_bytes()[:4] == b"RIFF"
    with Image.open("moments.png") as picture:
        assert picture.format == "PNG"


def test_an_answer_as_json_without_a_look(library: Shell, gateway: LocalGateway) -> None:
    asked = len(gateway.requests)
    outcome = library("library", "ask", "films", "When did it stop?", "--no-look", "--json")
    answer = json.loads(outcome.out)
    assert (answer["text"], answer["speech"], answer["sheet"], answer["notes"]) == ("It stopped [1].", None, None, [])
    assert answer["citations"][0]["source"] == str(Path("clip.mp4").absolute())
    assert answer["usage"]["total_tokens"] > 0
    assert "Does this clip show" not in str([each.body for each in gateway.requests[asked:]])


def test_what_is_out_of_step(library: Shell) -> None:
    well = library("library", "verify", "films")
    assert (well.status, well.out, well.err) == (0, "all is well\n", "")
    Path("clip.mp4").unlink()
    outcome = library("library", "verify", "films")
    assert (outcome.status, outcome.out.splitlines()) == (
        1,
        [
            "clip.mp4: the file is gone: it can be neither looked at nor cut; "
            "put it back, or dmx-omni library remove films clip.mp4"
        ],
    )
    assert library("library", "remove", "films", "clip.mp4").err == "clip.mp4: removed\n"
    assert library("library", "verify", "films").status == 0


def test_how_much_there_is(library: Shell) -> None:
    outcome = library("library", "stats", "films")
    assert outcome.out.splitlines()[:3] == ["recordings: 1", "moments: 3", "hours: 0.00"], outcome
    assert json.loads(library("library", "stats", "films", "--json").out)["moments"] == 3


STORED: dict[str, tuple[dict[str, str], str, dict[str, str], dict[str, Any]]] = {
    "fsspec's names": (
        {"key": "k", "secret": "s", "endpoint_url": "http://127.0.0.1:9"},
        "s3://films/library",
        {
            "aws_access_key_id": "k",
            "aws_secret_access_key": "s",
            "aws_endpoint": "http://127.0.0.1:9",
            "allow_http": "true",
        },
        {"key": "k", "secret": "s", "endpoint_url": "http://127.0.0.1:9"},
    ),
    "LanceDB's names": (
        {"aws_session_token": "t", "aws_region": "eu-west-1", "timeout": "60s"},
        "s3://films/library",
        {"aws_session_token": "t", "aws_region": "eu-west-1", "timeout": "60s"},
        {"token": "t", "client_kwargs": {"region_name": "eu-west-1"}},
    ),
    "another place": ({"project": "p"}, "gs://films/library", {"project": "p"}, {"project": "p"}),
}


@pytest.mark.parametrize(("options", "place", "lance", "fsspec"), STORED.values(), ids=STORED)
def test_options_of_storage_are_called_by_both_names(
    options: dict[str, str], place: str, lance: dict[str, str], fsspec: dict[str, Any]
) -> None:
    parsed = _storage.parsed([f"{name}={value}" for name, value in options.items()])
    assert _storage.for_lance(parsed, place) == lance
    assert _storage.for_fsspec(parsed, place) == fsspec


def test_a_library_in_object_storage(shell: Shell, gateway: LocalGateway, s3: S3) -> None:
    s3.files().put("clip.mp4", s3.url("recordings/clip.mp4"))
    options = [f"--storage-option={name}={s3.options[name]}" for name in ("key", "secret", "endpoint_url")]
    options += ["--storage-option=region=us-east-1"]
    place = s3.url("films.library")
    outcome = shell("library", "add", place, s3.url("recordings/"), *options)
    assert (outcome.status, outcome.out) == (0, "1 added, 0 unchanged, 0 failed\n"), outcome
    found = shell("library", "search", place, "gate", "--mode", "words", "-k", "1", "--json", *options)
    (moment,) = json.loads(found.out)
    assert (moment["source"], moment["text"]) == (s3.url("recordings/clip.mp4"), "GATE 4")
    again = shell("library", "add", place, s3.url(""), *options)  # the library is in there as well
    assert (again.status, again.out) == (0, "0 added, 1 unchanged, 0 failed\n"), again
    assert shell("library", "verify", place, *options).out == "all is well\n"
    assert "recordings: 1" in shell("library", "stats", place, *options).out
    assert shell("library", "remove", place, moment["source"], *options).status == 0
    assert {name.split("/")[2] for name in s3.names() if "films.library" in name} == {
        "moments",
        "answers",
        "thumbnails",
    }


MISTAKES: dict[str, tuple[list[str], int, str]] = {
    "no library": (["search", "nowhere", "crane"], 2, "there is no nowhere: dmx-omni library add"),
    "no such file": (["add", "films", "no.mp4"], 1, "no.mp4: there is no such file or folder"),
    "a file in its place": (["search", "notes.txt", "crane"], 2, "there is no notes.txt"),
    "no such recording": (["remove", "films", "no.mp4"], 1, "no such recording"),
    "no time": (["search", "films", "crane", "--from", "noon"], 2, "noon"),
    "a voice without a place": (["ask", "films", "Who?", "--voice", "Tina"], 2, "--save answer.wav"),
    "a sheet that is no picture": (["ask", "films", "Who?", "--sheet", "a.txt"], 2, "end in .png"),
    "a place for the sheet that is none": (["ask", "films", "Who?", "--sheet", "no/a.png"], 2, "there is no folder no"),
    "an option without a value": (["stats", "films", "--storage-option", "key"], 2, "write KEY=VALUE"),
    "an option of two kinds of places": (
        ["add", "films", "s3://a/b.mp4", "https://c/d.mp4", "--storage-option", "key=x", "--captions", "none"],
        2,
        "https and s3 at once",
    ),
    "no moments": (["search", "films", "crane", "-k", "0"], 2, "-k"),
}


@pytest.mark.parametrize(("arguments", "status", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line(
    arguments: list[str], status: int, said: str, shell: Shell, gateway: LocalGateway
) -> None:
    Path("films").mkdir()
    outcome = shell("library", *arguments)
    assert (outcome.status, outcome.out) == (status, ""), outcome
    assert said in plain(outcome)
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("text", "expected"), [("65", 65.0), ("1:05", 65.0), ("1:02:05", 3725.0), ("0.5", 0.5), (" 2 ", 2.0)]
)
def test_a_time_as_people_write_it(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "-1", "1:2:3:4", "noon", "1e9", "nan"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        seconds(text)
