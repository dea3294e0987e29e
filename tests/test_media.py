"""Media from a path, bytes or a URL → standard content blocks; and history without them."""

# ruff: noqa: E501  # a table has one case a line

from __future__ import annotations

import json
import os
import tracemalloc
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from langchain_dmx_omni import media
from langchain_dmx_omni._media.data import FileData
from langchain_dmx_omni._request.options import Options
from langchain_dmx_omni._request.payload import build
from langchain_dmx_omni.errors import ContentBlockError, MediaTooLargeError

from . import gateway_clips as clips

PNG = clips.image("png", clips.RED, width=16, height=16)
WAV = clips.sound(0.05, 0.5)
MP4 = clips.clip(clips.RED, seconds=0.2, amplitude=None)
M4A = clips.sound(0.1, 0.5, container="ipod", codec="aac")
GIF = bytes.fromhex("47494638396101000100800000ff00000000002c00000000010001000002024401003b")
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n"
WEBM = b"\x1aE\xdf\xa3\x42\x82\x84webm" + bytes(20)
STRANGE = b"\x01\x02\x03\x04 of no format known here \xfe"
HTTP = "https://example.com/a"


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def inline(kind: str, data: bytes, mime: str, **beside: Any) -> dict[str, Any]:
    return {"type": kind, "base64": b64(data), "mime_type": mime, **beside}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, data in {"a.png": PNG, "a.wav": WAV, "a.mp4": MP4, "a.m4a": M4A, "a.pdf": PDF, "empty.mp4": b"",
                       "wrong.jpg": PNG, "a.mpg": STRANGE, "strange": STRANGE, "é b#%.mp4": MP4, "call-10:30.mp4": MP4}.items():  # fmt: skip
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


class Named:
    """A path-like object that is no Path."""

    def __fspath__(self) -> str:
        return "a.mp4"


BLOCKS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    # Paths
    "image, path": (lambda: media.image("a.png"), inline("image", PNG, "image/png")),
    "audio, path": (lambda: media.audio("a.wav"), inline("audio", WAV, "audio/wav")),
    "video, path": (lambda: media.video("a.mp4"), inline("video", MP4, "video/mp4")),
    "Path": (lambda: media.video(Path("a.mp4")), inline("video", MP4, "video/mp4")),
    "PathLike": (lambda: media.video(Named()), inline("video", MP4, "video/mp4")),
    "home": (lambda: media.video("~/a.mp4"), inline("video", MP4, "video/mp4")),
    "home in a Path": (lambda: media.video(PurePath("~/a.mp4")), inline("video", MP4, "video/mp4")),
    "absolute": (lambda: media.video(str(Path("a.mp4").absolute())), inline("video", MP4, "video/mp4")),
    "name of every sign": (lambda: media.video("é b#%.mp4"), inline("video", MP4, "video/mp4")),
    "name with a colon": (lambda: media.video("call-10:30.mp4"), inline("video", MP4, "video/mp4")),
    "type from the bytes": (lambda: media.image("wrong.jpg"), inline("image", PNG, "image/png")),
    "MP4 as audio": (lambda: media.audio("a.mp4"), inline("audio", MP4, "audio/mp4")),
    "M4A as audio": (lambda: media.audio("a.m4a"), inline("audio", M4A, "audio/mp4")),
    "type from the name": (lambda: media.video("a.mpg"), inline("video", STRANGE, "video/mpeg")),
    "type that is said": (lambda: media.audio("strange", mime_type="audio/mpeg"), inline("audio", STRANGE, "audio/mpeg")),
    "type that is said over the name's": (lambda: media.video("a.mpg", mime_type="video/mp4"), inline("video", STRANGE, "video/mp4")),
    "type that is said of a known file": (lambda: media.video("a.mp4", mime_type="video/x-flv"), inline("video", MP4, "video/mp4")),
    "format that is meant": (lambda: media.video(WEBM, mime_type="video/webm"), inline("video", WEBM, "video/webm")),
    # Bytes
    "bytes": (lambda: media.image(PNG), inline("image", PNG, "image/png")),
    "bytearray": (lambda: media.audio(bytearray(WAV)), inline("audio", WAV, "audio/wav")),
    "memoryview": (lambda: media.video(memoryview(MP4)), inline("video", MP4, "video/mp4")),
    "bytes of MP4 as audio": (lambda: media.audio(MP4), inline("audio", MP4, "audio/mp4")),
    "bytes of base64": (lambda: media.image(b64encode(PNG)), inline("image", PNG, "image/png")),
    "bytes of a type that is said": (lambda: media.video(STRANGE, mime_type="video/mp4"), inline("video", STRANGE, "video/mp4")),
    # URLs
    "url of a type that is said": (lambda: media.audio(HTTP, mime_type="audio/flac"), {"type": "audio", "url": HTTP, "mime_type": "audio/flac"}),
    "url": (lambda: media.image(HTTP), {"type": "image", "url": HTTP}),
    "url with an ending": (lambda: media.video(f"{HTTP}.mov?k=1"), {"type": "video", "url": f"{HTTP}.mov?k=1", "mime_type": "video/quicktime"}),
    "url of MP4 as audio": (lambda: media.audio(f"{HTTP}.mp4"), {"type": "audio", "url": f"{HTTP}.mp4", "mime_type": "audio/mp4"}),
    "url whose ending is of another kind": (lambda: media.image(f"{HTTP}.mp4"), {"type": "image", "url": f"{HTTP}.mp4"}),
    "url in capitals": (lambda: media.image("HTTPS://EXAMPLE.COM/A"), {"type": "image", "url": "HTTPS://EXAMPLE.COM/A"}),
    "data url": (lambda: media.image(f"data:image/jpeg;base64,{b64(PNG)}"), inline("image", PNG, "image/png")),
    "data url of an unknown type": (lambda: media.video(f"data:video/mp2t;base64,{b64(STRANGE)}"), inline("video", STRANGE, "video/mp2t")),
    "file url": (lambda: media.video("file:///srv/a.mp4"), {"type": "video", "url": "file:///srv/a.mp4", "mime_type": "video/mp4"}),
    "url, not inline": (lambda: media.image(HTTP, inline=False), {"type": "image", "url": HTTP}),
    # Parameters
    "parameters of an image": (lambda: media.image(HTTP, min_pixels=1, max_pixels=2),
                               {"type": "image", "url": HTTP, "extras": {"min_pixels": 1, "max_pixels": 2}}),
    "parameters of a video": (lambda: media.video(HTTP, fps=0.5, min_pixels=1, max_pixels=2, total_pixels=3),
                              {"type": "video", "url": HTTP,
                               "extras": {"fps": 0.5, "min_pixels": 1, "max_pixels": 2, "total_pixels": 3}}),
    "one parameter": (lambda: media.video(MP4, fps=1), inline("video", MP4, "video/mp4", extras={"fps": 1})),
}  # fmt: skip


@pytest.mark.parametrize(("make", "expected"), BLOCKS.values(), ids=BLOCKS)
def test_a_source_becomes_the_same_block_each_time(make: Callable[[], Any], expected: dict[str, Any]) -> None:
    assert make() == make() == expected


@pytest.mark.parametrize(
    ("make", "mime"),
    [
        (lambda: media.video("a.mp4", inline=False, fps=1), "video/mp4"),
        (lambda: media.video("~/a.mp4", inline=False, fps=1), "video/mp4"),
        (lambda: media.video(Path("a.mp4"), inline=False, fps=1), "video/mp4"),
    ],
)
def test_a_reference_is_an_absolute_file_url(folder: Path, make: Callable[[], Any], mime: str) -> None:
    url = (folder / "a.mp4").as_uri()
    assert make() == {"type": "video", "url": url, "mime_type": mime, "extras": {"fps": 1}}


@pytest.mark.parametrize("name", ["a.mp4", "é b#%.mp4", "call-10:30.mp4"])
def test_a_reference_is_sent_below_the_models_roots(folder: Path, name: str) -> None:
    body = build([HumanMessage([media.video(name, inline=False)])], Options(media_roots=[folder]))
    part = {"type": "video_url", "video_url": {"url": f"data:;base64,{b64(MP4)}"}}
    assert json.loads(b"".join(body))["input"] == [{"role": "user", "content": [part]}]


def test_a_reference_may_be_large_and_is_refused_when_it_is_sent(folder: Path) -> None:
    with (folder / "big.mp4").open("wb") as file:
        file.write(MP4[:64])
        file.truncate(1_000_000_000)
    block = media.video("big.mp4", inline=False)
    with pytest.raises(MediaTooLargeError, match=r"^message 1 \(human\), block 1 \(video\) is 1,333,333,349 bytes"):
        build([HumanMessage([block])], Options(media_roots=[folder]))


UNKNOWN = 'its bytes are of no known format; if they are {} that the service takes, say which: mime_type="{}"'
A_PDF = "it is a PDF, which the model can't read; extract its text, or send its pages as images"
READ = "it can't be read: {}; give a path, bytes or an https:// URL"

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "missing": (lambda: media.video("none.mp4"), f"none.mp4: {READ.format('No such file or directory')}"),
    "missing, not inline": (lambda: media.video("none.mp4", inline=False), f"none.mp4: {READ.format('No such file or directory')}"),
    "missing, with a colon": (lambda: media.audio("re: call.wav"), f"re: call.wav: {READ.format('No such file or directory')}"),
    "unknown home": (lambda: media.video("~nobody-here/a.mp4"), f"~nobody-here/a.mp4: {READ.format('No such file or directory')}"),
    "empty path": (lambda: media.video(""), ".: it is no regular file"),
    "empty file": (lambda: media.video("empty.mp4"), "empty.mp4: it is empty"),
    "empty bytes": (lambda: media.video(b""), "the media given: its data can't be read: it is empty"),
    "empty data url": (lambda: media.video("data:;base64,"), "the media given: its data can't be read: it is empty"),
    "directory": (lambda: media.image("."), ".: it is no regular file"),
    "device": (lambda: media.audio("/dev/zero"), "/dev/zero: it is no regular file"),
    "PDF": (lambda: media.image("a.pdf"), f"a.pdf: {A_PDF}"),
    "PDF bytes": (lambda: media.video(PDF), f"the media given: {A_PDF}"),
    "video as image": (lambda: media.image("a.mp4"),
                       "a.mp4: its bytes are video/mp4, which is no image; send it as video (media.video)"),
    "image as video": (lambda: media.video("a.png", inline=False),
                       "a.png: its bytes are image/png, which is no video; send it as image (media.image)"),
    "image as audio": (lambda: media.audio(PNG),
                       "the media given: its bytes are image/png, which is no audio; send it as image (media.image)"),
    "GIF as image": (lambda: media.image(GIF),
                     "the media given: its bytes are image/gif, which the service doesn't take; convert it to JPEG or PNG "
                     "(media.image(path, fit=True) does), or send its motion as video (media.video(path, fit=True))"),
    "GIF as video": (lambda: media.video(GIF),
                     "the media given: its bytes are image/gif, which the service doesn't take; "
                     "let it be re-encoded: media.video(path, fit=True)"),
    "WebM": (lambda: media.video(WEBM),
             "the media given: its bytes are video/webm, which the service doesn't take; "
             "let it be re-encoded: media.video(path, fit=True)"),
    "name of another kind": (lambda: media.image("a.mpg"), f"a.mpg: {UNKNOWN.format('image', 'image/jpeg')}"),
    "name of no kind": (lambda: media.audio("strange", inline=False), f"strange: {UNKNOWN.format('audio', 'audio/mpeg')}"),
    "type that is said of another kind": (lambda: media.audio("strange", mime_type="image/png"), f"strange: {UNKNOWN.format('audio', 'audio/mpeg')}"),
    "unknown bytes": (lambda: media.video(STRANGE), f"the media given: {UNKNOWN.format('video', 'video/mp4')}"),
    "image of few pixels": (lambda: media.image(clips.image("bmp", clips.RED, width=40, height=10)),
                            "the media given: it is 40×10 pixels; the service takes images with more than 10 a side"),
    "image far wider than high": (lambda: media.image(clips.image("mjpeg", clips.RED, width=2432, height=12)),
                                  "the media given: it is 2432×12 pixels; the service takes images whose longer side is at most "
                                  "200 times the shorter: cut it into pieces"),
    "web page": (lambda: media.image(b"<!DOCTYPE html><p>404"), "the media given: its bytes are text/html, which is no image"),
    "bucket": (lambda: media.video("gs://bucket/a.mp4"),
               "the media given: gs: URLs can't be fetched by the service; for a local file use media.video(path), "
               "else an https:// URL"),
    "bytes, not inline": (lambda: media.video(MP4, inline=False), "the media given: inline=False refers to a file: give its path"),
    "None": (lambda: media.video(None), "the media given: it is a NoneType; give a path, bytes or a URL"),  # type: ignore[arg-type]
    "a number": (lambda: media.video(5), "the media given: it is a int; give a path, bytes or a URL"),  # type: ignore[arg-type]
    "a name that no file can have": (lambda: media.video("a\0.mp4"), f"a\0.mp4: {READ.format('no file can have such a name')}"),
    "base64 for a path": (lambda: media.image(b64(PNG)),
                          f"a path of {len(b64(PNG))} characters: {READ.format('No such file or directory')}"),
    "much base64 for a path": (lambda: media.image("A" * 5000), f"a path of 5000 characters: {READ.format('File name too long')}"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_media_is_an_error_that_names_it_and_the_remedy(make: Callable[[], Any], told: str) -> None:
    with pytest.raises(ContentBlockError) as caught:
        make()
    assert str(caught.value) == told


@pytest.mark.timeout(10)
@pytest.mark.parametrize("is_inline", [True, False])
def test_a_pipe_is_not_waited_for(folder: Path, is_inline: bool) -> None:
    os.mkfifo(folder / "pipe.mp4")
    with pytest.raises(ContentBlockError) as caught:
        media.video("pipe.mp4", inline=is_inline)
    assert str(caught.value) == "pipe.mp4: it is no regular file"


REPLACED: list[tuple[Callable[[Path], object], str]] = [
    (os.mkfifo, "it is no regular file"),
    (Path.mkdir, "Is a directory"),
    (lambda path: path.symlink_to("pipe"), "it is no regular file"),
    (lambda path: path.symlink_to("a.wav"), "it changed while it was being read"),
    (lambda path: path.write_bytes(MP4[:-1]), "it changed while it was being read"),
]


@pytest.mark.timeout(10)
@pytest.mark.parametrize(("put", "told"), REPLACED)
def test_what_takes_a_files_place_before_it_is_read_is_told(
    folder: Path, put: Callable[[Path], object], told: str
) -> None:
    path = folder / "a.mp4"
    data = FileData(path, path.stat())
    os.mkfifo(folder / "pipe")
    path.unlink()
    put(path)
    with pytest.raises(OSError, match=told):
        data.head(16)


def test_a_misspelt_parameter_is_an_error() -> None:
    with pytest.raises(TypeError, match="fsp"):
        media.video(HTTP, fsp=1)  # type: ignore[call-arg]


# 13 characters of prefix for video, 22 for a PNG: the largest files that fit.
@pytest.mark.parametrize(
    ("kind", "magic", "largest"),
    [("video", MP4[:64], 7_864_308), ("image", PNG[:64], 7_864_302)],
    ids=["video", "image"],
)
def test_the_limit_is_that_of_the_service(folder: Path, kind: str, magic: bytes, largest: int) -> None:
    make = getattr(media, kind)
    data = magic + bytes(largest - len(magic))
    (folder / "big").write_bytes(data)
    for src, named in [("big", "big"), (data, "the media given")]:
        block = make(src)
        assert len(block["base64"]) == largest // 3 * 4
        build([HumanMessage([block])], Options())
        more = src + b"\0" if isinstance(src, bytes) else src
        (folder / "big").write_bytes(data + b"\0")
        with pytest.raises(MediaTooLargeError) as caught:
            make(more)
        assert (caught.value.size, caught.value.limit) == (
            (22 if kind == "image" else 13) + largest // 3 * 4 + 4,
            10_485_760,
        )
        assert str(caught.value).startswith(f"{named} is 10,485,76")


def test_a_file_that_is_too_large_is_not_read(folder: Path) -> None:
    with (folder / "big.mp4").open("wb") as file:
        file.write(MP4[:64])
        file.truncate(3_000_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(MediaTooLargeError) as caught:
            media.video("big.mp4")
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()
    assert str(caught.value) == (
        "big.mp4 is 4,000,000,013 bytes as a data URL; the service takes 10,485,760 (7.9 MB of file). "
        "Either let it be re-encoded: media.video(path, fit=True), or cut it into segments: video.split(path), "
        "or give a public https:// URL (up to 2 GB)"
    )


# History

TEXT = {"type": "text", "text": "What is this?"}
VIDEO, IMAGE = inline("video", MP4, "video/mp4"), inline("image", PNG, "image/png")
SPEECH = inline("audio", WAV, "audio/wav", id="lc_1", index=1)
CALL = {"type": "tool_call", "id": "call_1", "name": "clock", "args": {}}

STRIPPED: dict[str, tuple[BaseMessage, Any]] = {
    "text": (HumanMessage("Hi"), "Hi"),
    "text in a list": (HumanMessage([TEXT, "Hi"]), [TEXT, "Hi"]),
    "human": (HumanMessage([VIDEO, TEXT]), [TEXT]),
    "human, a string in the list": (HumanMessage(["Hi", VIDEO]), ["Hi"]),
    "human, media only": (HumanMessage([VIDEO]), [{"type": "text", "text": "[video]"}]),
    "human, much media only": (HumanMessage([VIDEO, IMAGE, SPEECH]), [{"type": "text", "text": "[video] [image] [audio]"}]),
    "human, every form of media": (
        HumanMessage([TEXT, *({"type": kind} for kind in ("image", "image_url", "input_image", "audio", "audio_url",
                                                          "input_audio", "video", "video_url", "file", "input_file",
                                                          "document", "media"))]),
        [TEXT],
    ),
    "human, wrapped": (HumanMessage([{"type": "non_standard", "value": {"type": "video_url", "video_url": HTTP}}]),
                       [{"type": "text", "text": "[video]"}]),
    "human, own names": (HumanMessage([{"type": "video_url"}, {"type": "input_file"}]),
                         [{"type": "text", "text": "[video] [file]"}]),
    "human, not media": (HumanMessage([{"type": "smell"}, {"a": 1}]), [{"type": "smell"}, {"a": 1}]),
    "ai": (AIMessage("Hello"), "Hello"),
    "ai, spoken": (AIMessage([{"type": "text", "text": "Hello", "index": 0}, SPEECH]), "Hello"),
    "ai, spoken, a chunk": (AIMessageChunk(content=[{"type": "text", "text": "Hello"}, SPEECH]), "Hello"),
    "ai, texts and speech": (AIMessage(["Hel", {"type": "text", "text": "lo"}, SPEECH]), "Hello"),
    "ai, speech only": (AIMessage([SPEECH]), "[audio]"),
    "ai, speech and a tool call": (AIMessage([TEXT, SPEECH, CALL], tool_calls=[CALL]), [TEXT, CALL]),
    "ai, text blocks": (AIMessage([TEXT]), [TEXT]),
    "tool": (ToolMessage([TEXT, IMAGE], tool_call_id="1"), [TEXT]),
    "tool, media only": (ToolMessage([IMAGE], tool_call_id="1"), [{"type": "text", "text": "[image]"}]),
    "system": (SystemMessage([TEXT, IMAGE]), [TEXT]),
}  # fmt: skip


@pytest.mark.parametrize(("message", "content"), STRIPPED.values(), ids=STRIPPED)
def test_strip_leaves_the_text_and_the_message_given(message: BaseMessage, content: Any) -> None:
    before = message.model_dump_json()
    (stripped,) = media.strip([message])
    assert type(stripped) is type(message)
    assert stripped == message.model_copy(update={"content": content})
    assert message.model_dump_json() == before


def test_a_stripped_history_can_be_sent() -> None:
    history = [message for name, (message, _) in STRIPPED.items() if name != "human, not media"]
    stripped = media.strip(iter(history))
    assert len(stripped) == len(history)
    assert b"base64" not in b"".join(build(stripped, Options()))
