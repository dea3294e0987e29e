"""Subtitles beside recordings, and recordings as documents."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langchain_core.documents import Document

from langchain_dmx_omni import errors, jobs, video
from langchain_dmx_omni.library import VideoSegmentLoader
from langchain_dmx_omni.library._metadata import FIELDS
from langchain_dmx_omni.library._sidecar import read_sidecar, read_subtitles, sidecars
from langchain_dmx_omni.testing import LocalGateway, scripts
from tests.calls import model
from tests.job_calls import topics_of

ROOT = Path(__file__).resolve().parent.parent

SRT = "1\n00:00:01,000 --> 00:00:02,500\nStop it.\n\n2\n00:00:03,000 --> 00:00:04,000\n起重机停了。\n"
VTT = """WEBVTT - a talk

NOTE not
said

STYLE
::cue { color: red }

1
00:01.000 --> 00:02.500 line:0
<v Ada>Stop <b>it</b> &amp; &lt;go&gt;
now.

00:03.000 --> 00:04.000
<v.loud Bo Li>起重机停了。</v>
"""
ASS = """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,起重机停了。
Dialogue: 0,0:00:01.00,0:00:02.50,Default,Ada,0,0,0,,{\\b1}Stop\\Nit.
Comment: 0,0:00:01.00,0:00:02.00,Default,Ada,0,0,0,,not said
"""

# --- subtitles --------------------------------------------------------------------------------------------------------

READ: dict[str, tuple[str, bytes, list[tuple[float, float, str, str]]]] = {
    **{
        f"srt in {encoding}": (
            "talk.srt",
            SRT.encode(encoding),
            [(1, 2.5, "Stop it.", ""), (3, 4, "起重机停了。", "")],
        )
        for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030")
    },
    "srt with the ends of lines of Windows": (
        "talk.srt",
        SRT.replace("\n", "\r\n").encode(),
        [(1, 2.5, "Stop it.", ""), (3, 4, "起重机停了。", "")],
    ),
    "srt in French of Windows": (
        "talk.srt",
        "1\n00:00:01,000 --> 00:00:02,000\nL’été à la café était là\n".encode("cp1252"),
        [(1, 2, "L’été à la café était là", "")],
    ),
    "srt with markup, unsorted and swapped": (
        "talk.srt",
        b"1\n00:00:09,000 --> 00:00:08,000\n<i>Then</i>\n\n2\n00:00:01,000 --> 00:00:02,000\n{\\an8}First\n",
        [(1, 2, "First", ""), (8, 9, "Then", "")],
    ),
    "vtt": (
        "talk.vtt",
        VTT.encode(),
        [(1, 2.5, "Stop it & <go>\nnow.", "Ada"), (3, 4, "起重机停了。", "Bo Li")],
    ),
    "vtt in which nobody speaks": ("talk.vtt", b"WEBVTT\n", []),
    "ass": ("talk.ass", ASS.encode(), [(1, 2.5, "Stop\nit.", "Ada"), (3, 4, "起重机停了。", "")]),
}


@pytest.mark.parametrize(("name", "data", "expected"), READ.values(), ids=READ)
def test_subtitles_are_read(
    tmp_path: Path, name: str, data: bytes, expected: list[tuple[float, float, str, str]]
) -> None:
    (tmp_path / name).write_bytes(data)
    lines = read_sidecar(tmp_path / "talk.mp4")
    assert lines is not None
    assert [(line.start, line.end, line.text, line.speaker) for line in lines] == expected


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it can't be read as subtitles"),
    "prose": (b"Once upon a time", "it can't be read as subtitles"),
    "no lines": (b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\n\n[Events]\n", "there is no line in it"),
    "a video": (bytes(range(256)) * 4, "it can't be read as subtitles"),
    "half a character": (SRT.encode("utf-16")[:-1], "save it as UTF-8"),
}


@pytest.mark.parametrize(("data", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_subtitles_are_named(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "talk.srt").write_bytes(data)
    with pytest.raises(errors.ContentBlockError, match=rf"talk\.srt: .*{message}"):
        read_sidecar(tmp_path / "talk.mp4")


def test_subtitles_that_can_t_be_read(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").mkdir()
    with pytest.raises(errors.ContentBlockError, match=r"talk\.srt: it can't be read: "):
        read_subtitles(tmp_path / "talk.srt")


BESIDE: dict[str, tuple[list[str], str | None, list[str]]] = {
    "none": (["talk.txt", "other.srt", "talker.srt", "talk", ".talk.srt", "talk.mp3"], None, []),
    "one": (["talk.vtt"], None, ["talk.vtt"]),
    "capitals": (["talk.SRT"], None, ["talk.SRT"]),
    "with the whole name": (["talk.mp4.srt"], None, ["talk.mp4.srt"]),
    "by its language": (["talk.en.srt"], None, ["talk.en.srt"]),
    "without a language first": (["talk.en.srt", "talk.vtt"], None, ["talk.vtt", "talk.en.srt"]),
    "srt before vtt before ass": (
        ["talk.ass", "talk.vtt", "talk.srt"],
        None,
        ["talk.srt", "talk.vtt", "talk.ass"],
    ),
    "the first language by name": (["talk.zh.srt", "talk.de.srt"], None, ["talk.de.srt", "talk.zh.srt"]),
    "the language that is asked for": (["talk.zh-Hans.srt", "talk.de.srt"], "zh", ["talk.zh-Hans.srt", "talk.de.srt"]),
    "forced ones last": (["talk.forced.srt", "talk.zh.srt"], None, ["talk.zh.srt", "talk.forced.srt"]),
    "those of another recording": (["talk.part2.mp4", "talk.part2.srt", "talk.srt"], None, ["talk.srt"]),
    "notes are no other recording": (["talk.en.txt", "talk.en.srt"], None, ["talk.en.srt"]),
    "a folder of that name": (["talk.d"], None, []),
}


@pytest.mark.parametrize(("names", "language", "expected"), BESIDE.values(), ids=BESIDE)
def test_which_subtitles_are_taken(tmp_path: Path, names: list[str], language: str | None, expected: list[str]) -> None:
    for name in [*names, "talk.mp4"]:
        (tmp_path / name).touch()
    assert [file.name for file in sidecars(tmp_path / "talk.mp4", language)] == expected


def test_the_part_s_own_subtitles(tmp_path: Path) -> None:
    for name in ("talk.mp4", "talk.part2.mp4", "talk.part2.srt", "talk.srt"):
        (tmp_path / name).touch()
    assert [file.name for file in sidecars(tmp_path / "talk.part2.mp4")] == ["talk.part2.srt"]


def test_the_log_says_which_of_several(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("talk.en.srt", "talk.de.srt"):
        (tmp_path / name).write_text(SRT, "utf-8")
    with caplog.at_level(logging.INFO):
        assert read_sidecar(tmp_path / "talk.mp4")
    assert caplog.messages == ["talk.mp4: of 2 files with subtitles, talk.de.srt is taken"]


def test_without_the_package_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "talk.srt").write_text(SRT, "utf-8")
    code = (
        "import sys; from pathlib import Path; sys.modules['pysubs2'] = None\n"
        "from langchain_dmx_omni.library._sidecar import read_sidecar\n"
        f"read_sidecar(Path({str(tmp_path / 'talk.mp4')!r}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.stderr.splitlines()[-1].endswith('need: pip install "langchain-dmx-omni[library]"')


# --- the loader -------------------------------------------------------------------------------------------------------

WAYS = ["lazy_load", "alazy_load"]


def load(loader: VideoSegmentLoader, way: str) -> list[Document]:
    if way == "lazy_load":
        return list(loader.lazy_load())

    async def collect() -> list[Document]:
        return [document async for document in loader.alazy_load()]

    return asyncio.run(collect())


def spans(documents: list[Document]) -> list[tuple[Any, ...]]:
    names = ("kind", "start_seconds", "end_seconds")
    return [(*(each.metadata[name] for name in names), each.page_content) for each in documents]


@pytest.fixture
def films(film: Path, tmp_path: Path) -> Path:
    """A folder with two recordings of ten seconds; one has subtitles."""
    folder = tmp_path / "films"
    folder.mkdir()
    shutil.copy(film, folder / "the_yard.mp4")
    (folder / "the_yard.srt").write_text(SRT, "utf-8")
    (folder / "walk.mp4").write_bytes(film.read_bytes() + bytes.fromhex("0000000866726565"))  # an empty `free` box
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_windows_alone(films: Path, way: str) -> None:
    documents = load(VideoSegmentLoader(films, window=5), way)
    assert spans(documents) == [
        ("caption", 0, 5, "the yard 0:00–0:05"),
        ("caption", 5, 10, "the yard 0:05–0:10"),
        ("caption", 0, 5, "walk 0:00–0:05"),
        ("caption", 5, 10, "walk 0:05–0:10"),
    ]
    assert documents[0].metadata == {
        "source": str(films / "the_yard.mp4"),
        "video_id": video.content_hash(films / "the_yard.mp4"),
        "kind": "caption",
        "start_seconds": 0.0,
        "end_seconds": 5.0,
        "duration_seconds": 10.0,
        "uri": f"{films}/the_yard.mp4#t=0.000,5.000",
        "title": "the yard",
    }


@pytest.mark.parametrize("way", WAYS)
def test_subtitles_alone(films: Path, way: str) -> None:
    documents = load(VideoSegmentLoader(films / "the_yard.mp4", captions="subtitles"), way)
    assert spans(documents) == [("speech", 1, 4, "Stop it. 起重机停了。")]
    with pytest.raises(errors.ContentBlockError, match=r"walk\.mp4: there are no subtitles .*walk\.srt.*captions="):
        load(VideoSegmentLoader(films / "walk.mp4", captions="subtitles"), way)


@pytest.mark.parametrize("way", WAYS)
def test_what_a_model_says(gateway: LocalGateway, films: Path, tmp_path: Path, way: str) -> None:
    options: dict[str, Any] = {"window": 5, "by": "time", "folder": tmp_path / "kept"}
    documents = load(VideoSegmentLoader(films, model(gateway), **options), way)
    assert len(gateway.requests) == 6  # windows share two seconds
    by_film = {
        name: [each for each in documents if each.metadata["title"] == name and each.metadata["kind"] == "speech"]
        for name in ("the yard", "walk")
    }
    # What a side file says is not asked of the model.
    assert spans(by_film["the yard"]) == [("speech", 1, 4, "Stop it. 起重机停了。")]
    assert by_film["walk"][0].metadata["speaker"] == "Speaker 1"
    assert by_film["walk"][0].metadata["model"] == "qwen3.5-omni-plus-all"
    assert by_film["walk"][0].metadata["prompt_version"] == jobs.captions().version
    for document in documents:
        assert document.page_content
        assert {name: type(value) for name, value in document.metadata.items()}.items() <= FIELDS.items()
        assert 0 <= document.metadata["start_seconds"] < document.metadata["end_seconds"] <= 10
    assert len({document.id for document in documents}) == len(documents)
    assert load(VideoSegmentLoader(films, model(gateway), **options), way) == documents
    assert len(gateway.requests) == 6


def test_it_is_lazy(gateway: LocalGateway, films: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"folder": tmp_path / "kept"}
    loader = VideoSegmentLoader([films / "walk.mp4", films / "the_yard.mp4"], model(gateway), **options)
    assert next(loader.lazy_load()).metadata["title"] == "walk"
    assert topics_of(gateway) == ["whole"]

    async def first() -> Document:
        stream = loader.alazy_load()
        async for document in stream:
            return document
        raise AssertionError

    assert asyncio.run(first()).metadata["title"] == "walk"
    assert len(gateway.requests) == 1
    assert len(loader.load()) > 2
    assert len(gateway.requests) == 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("captions", ["none", "subtitles", "model"])
def test_no_recordings(gateway: LocalGateway, tmp_path: Path, way: str, captions: Any) -> None:
    assert load(VideoSegmentLoader(tmp_path, model(gateway), captions=captions), way) == []
    assert load(VideoSegmentLoader([], model(gateway), captions=captions), way) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("captions", ["none", "subtitles", "model"])
@pytest.mark.parametrize("data", [b"", b"no video", b"\0\0\0\x20ftypisom" + bytes(100)], ids=["empty", "text", "box"])
def test_a_broken_file_is_named(gateway: LocalGateway, tmp_path: Path, way: str, captions: Any, data: bytes) -> None:
    (tmp_path / "broken.mp4").write_bytes(data)
    (tmp_path / "broken.srt").write_text(SRT, "utf-8")
    with pytest.raises(errors.ContentBlockError, match=r"broken\.mp4: "):
        load(VideoSegmentLoader(tmp_path, model(gateway), captions=captions), way)
    assert gateway.requests == []


@pytest.mark.parametrize("way", WAYS)
def test_a_window_that_is_refused_is_no_shorter_list(
    gateway: LocalGateway, films: Path, tmp_path: Path, way: str
) -> None:
    gateway.play(scripts.error(400, "inappropriate content"))
    loader = VideoSegmentLoader(films / "walk.mp4", model(gateway), folder=tmp_path / "kept")
    with pytest.raises(errors.BadRequestError, match="inappropriate content") as caught:
        load(loader, way)
    assert "walk.mp4" in caught.value.__notes__[0]


@pytest.mark.parametrize("way", WAYS)
def test_recordings_elsewhere(films: Path, tmp_path: Path, way: str, upload: Callable[[Path, str], str]) -> None:
    url = upload(films / "walk.mp4", f"{tmp_path.name}/walk.mp4")
    documents = load(VideoSegmentLoader(url, window=5), way)
    assert [document.metadata["source"] for document in documents] == [url, url]


@pytest.fixture
def upload() -> Callable[[Path, str], str]:
    import fsspec

    def put(path: Path, name: str) -> str:
        fsspec.filesystem("memory").pipe_file(f"/{name}", path.read_bytes())
        return f"memory:///{name}"

    return put


UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "no such captions": ({"captions": "whisper"}, "captions='whisper': "),
    "no model": ({"captions": "model"}, "llm=ChatDMXOmni"),
}


@pytest.mark.parametrize(("options", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_what_no_loader_is_made_of(options: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=message):
        VideoSegmentLoader("films", **options)


def test_nothing_is_there(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigurationError, match=r"nowhere\.mp4: there is no such file"):
        VideoSegmentLoader(os.fspath(tmp_path / "nowhere.mp4")).load()
