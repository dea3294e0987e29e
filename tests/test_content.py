"""Every block shape that LangChain users pass → the service's part, or an error that names block and place."""

# ruff: noqa: E501  # a table has one case a line

from __future__ import annotations

import json
import os
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models._utils import _normalize_messages
from langchain_core.messages import HumanMessage
from langchain_core.messages.content import (
    create_audio_block,
    create_file_block,
    create_image_block,
    create_video_block,
)

from langchain_dmx_omni import media
from langchain_dmx_omni._request import content
from langchain_dmx_omni._request.content import Place, Rules
from langchain_dmx_omni._request.options import Options
from langchain_dmx_omni._request.payload import build
from langchain_dmx_omni.errors import ContentBlockError, InvalidInputError, MediaTooLargeError

from . import gateway_clips as clips

LIMIT = 10_485_760

PNG = clips.image("png", clips.RED, width=16, height=16)
JPG = clips.image("mjpeg", clips.RED, width=16, height=16)
WAV = clips.sound(0.05, 0.5)
MP3 = clips.sound(0.1, 0.5, container="mp3", codec="libmp3lame")
MP4 = clips.clip(clips.RED, seconds=0.2, amplitude=None)
M4A = clips.sound(0.1, 0.5, container="ipod", codec="aac")
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n"
LONG = clips.image("png", clips.RED, width=11, height=2200)
WEBM = b"\x1aE\xdf\xa3\x42\x82\x84webm" + bytes(20)
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"
STRANGE = b"\x01\x02\x03\x04 of no format known here \xfe"

HTTP = "https://example.com/a"


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def url(data: bytes, mime: str = "") -> str:
    return f"data:{mime};base64,{b64(data)}"


def image(data: str, **beside: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data}, **beside}


def audio(data: str, format: str) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data, "format": format}}


def video(data: str, **beside: Any) -> dict[str, Any]:
    return {"type": "video_url", "video_url": {"url": data}, **beside}


def text(data: str) -> dict[str, Any]:
    return {"type": "text", "text": data}


def sent(blocks: list[Any], *, normalized: bool = False, roots: tuple[Path, ...] = ()) -> list[dict[str, Any]]:
    """The parts on the wire; `normalized` as BaseChatModel does it before our code sees a message."""
    messages = [HumanMessage(blocks)]
    body = build(_normalize_messages(messages) if normalized else messages, Options(media_roots=roots))
    return json.loads(b"".join(body))["input"][0]["content"]


PNG_PART, MP4_PART = image(url(PNG, "image/png")), video(url(MP4))
WAV_PART, MP3_PART = audio(url(WAV), "wav"), audio(url(MP3), "mp3")

TAKEN: dict[str, tuple[Any, dict[str, Any]]] = {
    # Text
    "text": (text("Hi"), text("Hi")),
    "text as a string": ("Hi", text("Hi")),
    "empty text": (text(""), text("")),
    "text with annotations": ({**text("Hi"), "annotations": [], "id": "lc_1", "index": 0}, text("Hi")),
    "input_text": ({"type": "input_text", "text": "Hi"}, text("Hi")),
    "output_text": ({"type": "output_text", "text": "Hi"}, text("Hi")),
    "v1 text-plain": ({"type": "text-plain", "text": "Hi", "mime_type": "text/plain"}, text("Hi")),
    "v1 text-plain in base64": ({"type": "text-plain", "base64": b64("Grüße".encode()), "mime_type": "text/plain"}, text("Grüße")),
    "v0 file as text": ({"type": "file", "source_type": "text", "url": "Hi", "mime_type": "text/plain"}, text("Hi")),
    "anthropic document of text": ({"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Hi"}}, text("Hi")),
    # LangChain v1
    "v1 image url": (create_image_block(url=f"{HTTP}.png"), image(f"{HTTP}.png")),
    "v1 image base64": (create_image_block(base64=b64(PNG), mime_type="image/png"), PNG_PART),
    "v1 image base64 of another type than said": (create_image_block(base64=b64(JPG), mime_type="image/png"), image(url(JPG, "image/jpeg"))),
    "v1 image base64 without a type": ({"type": "image", "base64": b64(PNG)}, PNG_PART),
    "v1 image of an unknown format": ({"type": "image", "base64": b64(STRANGE), "mime_type": "image/jxl"}, image(url(STRANGE, "image/jxl"))),
    "v1 image on the brink": ({"type": "image", "base64": b64(LONG)}, image(url(LONG, "image/png"))),
    "v1 video of a format that is meant": ({"type": "video", "base64": b64(WEBM), "mime_type": "video/webm"}, video(url(WEBM))),
    "v1 audio of a format that is meant": ({"type": "audio", "base64": b64(WEBM), "mime_type": "audio/webm; codecs=opus"}, audio(url(WEBM), "webm")),
    "v1 image whose type would break the data URL": ({"type": "image", "base64": b64(STRANGE), "mime_type": 'image/"é,'}, image(url(STRANGE))),
    "v1 image data url": ({"type": "image", "url": url(PNG, "image/jpeg")}, PNG_PART),
    "v1 image with null fields": ({"type": "image", "url": None, "base64": b64(PNG), "mime_type": None, "file_id": None}, PNG_PART),
    "v1 audio url": (create_audio_block(url=f"{HTTP}.mp3"), audio(f"{HTTP}.mp3", "mp3")),
    "v1 audio url of a known type": (create_audio_block(url=HTTP, mime_type="audio/flac"), audio(HTTP, "flac")),
    "v1 audio url of a video container": (create_audio_block(url=HTTP, mime_type="video/mp4"), audio(HTTP, "m4a")),
    "v1 audio url of an unknown type": (create_audio_block(url=HTTP), audio(HTTP, "wav")),
    "v1 audio base64": (create_audio_block(base64=b64(WAV), mime_type="audio/wav"), WAV_PART),
    "v1 audio base64 of another type than said": (create_audio_block(base64=b64(MP3), mime_type="audio/wav"), MP3_PART),
    "v1 audio in a video container": (create_audio_block(base64=b64(MP4), mime_type="audio/mp4"), audio(url(MP4), "m4a")),
    "v1 audio of an unknown format": (create_audio_block(base64=b64(STRANGE), mime_type="audio/pcm16"), audio(url(STRANGE), "pcm16")),
    "v1 video url": (create_video_block(url=f"{HTTP}.mp4"), video(f"{HTTP}.mp4")),
    "v1 video base64": (create_video_block(base64=b64(MP4), mime_type="video/mp4"), MP4_PART),
    "v1 video bytes": ({"type": "video", "base64": MP4}, MP4_PART),
    "v1 video bytearray": ({"type": "video", "data": bytearray(MP4)}, MP4_PART),
    "v1 video memoryview": ({"type": "video", "data": memoryview(MP4)}, MP4_PART),
    "v1 image bytes of base64": ({"type": "image", "base64": b64encode(PNG)}, PNG_PART),
    "v1 file image": (create_file_block(base64=b64(PNG), mime_type="application/octet-stream"), PNG_PART),
    "v1 file audio": (create_file_block(base64=b64(WAV), mime_type="application/octet-stream"), WAV_PART),
    "v1 file video": (create_file_block(base64=b64(MP4), mime_type="application/octet-stream"), MP4_PART),
    "v1 file of m4a is audio": (create_file_block(base64=b64(M4A), mime_type="video/mp4"), audio(url(M4A), "m4a")),
    "v1 file known by its type": (create_file_block(base64=b64(STRANGE), mime_type="video/mp2t"), video(url(STRANGE))),
    "v1 file known by its name": (create_file_block(base64=b64(STRANGE), mime_type="application/octet-stream", filename="a.mpg"), video(url(STRANGE))),
    "v1 file url known by its ending": (create_file_block(url=f"{HTTP}.mp4?key=1#t"), video(f"{HTTP}.mp4?key=1#t")),
    "v1 file url known by its type": (create_file_block(url=HTTP, mime_type="audio/mpeg"), audio(HTTP, "mp3")),
    "v1 file url known by its name": (create_file_block(url=HTTP, filename="a.png"), image(HTTP)),
    # LangChain v0
    "v0 image url": ({"type": "image", "source_type": "url", "url": HTTP}, image(HTTP)),
    "v0 image base64": ({"type": "image", "source_type": "base64", "data": b64(PNG), "mime_type": "image/png"}, PNG_PART),
    "v0 audio url": ({"type": "audio", "source_type": "url", "url": f"{HTTP}.wav"}, audio(f"{HTTP}.wav", "wav")),
    "v0 audio base64": ({"type": "audio", "source_type": "base64", "data": b64(WAV), "mime_type": "audio/wav"}, WAV_PART),
    "v0 video url": ({"type": "video", "source_type": "url", "url": HTTP}, video(HTTP)),
    "v0 video base64": ({"type": "video", "source_type": "base64", "data": b64(MP4), "mime_type": "video/mp4"}, MP4_PART),
    "v0 file base64": ({"type": "file", "source_type": "base64", "data": b64(MP4), "mime_type": "video/mp4"}, MP4_PART),
    "v0 file url": ({"type": "file", "source_type": "url", "url": f"{HTTP}.mov"}, video(f"{HTTP}.mov")),
    # OpenAI
    "openai image": (image(HTTP), image(HTTP)),
    "openai image data url": (image(url(PNG, "image/png")), PNG_PART),
    "openai image data url without a type": (image(url(PNG)), PNG_PART),
    "openai image as a string": ({"type": "image_url", "image_url": HTTP}, image(HTTP)),
    "openai image with detail": ({"type": "image_url", "image_url": {"url": HTTP, "detail": "low"}},
                                 {"type": "image_url", "image_url": {"url": HTTP, "detail": "low"}}),
    "openai image with no detail": ({"type": "image_url", "image_url": {"url": HTTP, "detail": None}}, image(HTTP)),
    "openai input_image": ({"type": "input_image", "image_url": HTTP}, image(HTTP)),
    "openai input_image with detail": ({"type": "input_image", "image_url": HTTP, "detail": "high"},
                                       {"type": "image_url", "image_url": {"url": HTTP, "detail": "high"}}),
    "openai input_audio": (audio(b64(WAV), "wav"), WAV_PART),
    "openai input_audio of another format than said": (audio(b64(MP3), "wav"), MP3_PART),
    "openai input_audio without a format": ({"type": "input_audio", "input_audio": {"data": b64(MP3)}}, MP3_PART),
    "openai file data url": ({"type": "file", "file": {"file_data": url(MP4, "video/mp4"), "filename": "a.mp4"}}, MP4_PART),
    "openai file data url of an image": ({"type": "file", "file": {"file_data": url(PNG, "image/png")}}, PNG_PART),
    "openai file bare base64": ({"type": "file", "file": {"file_data": b64(WAV), "filename": "a.wav"}}, WAV_PART),
    "openai file known by its name": ({"type": "file", "file": {"file_data": url(STRANGE, "video/mpeg"), "filename": "a.mpg"}}, video(url(STRANGE))),
    "openai input_file data": ({"type": "input_file", "file_data": url(MP4), "filename": "a.mp4"}, MP4_PART),
    "openai input_file url": ({"type": "input_file", "file_url": f"{HTTP}.mp4"}, video(f"{HTTP}.mp4")),
    # Anthropic
    "anthropic image base64": ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": b64(PNG)}}, PNG_PART),
    "anthropic image url": ({"type": "image", "source": {"type": "url", "url": HTTP}}, image(HTTP)),
    "anthropic document of a video": ({"type": "document", "source": {"type": "base64", "media_type": "video/mp4", "data": b64(MP4)}}, MP4_PART),
    "anthropic document url": ({"type": "document", "source": {"type": "url", "url": f"{HTTP}.png"}}, image(f"{HTTP}.png")),
    # Google
    "google media base64": ({"type": "media", "mime_type": "video/mp4", "data": b64(MP4)}, MP4_PART),
    "google media bytes": ({"type": "media", "mime_type": "audio/wav", "data": WAV}, WAV_PART),
    "google media uri": ({"type": "media", "mime_type": "video/mp4", "file_uri": HTTP}, video(HTTP)),
    "google media without a type": ({"type": "media", "data": PNG}, PNG_PART),
    # The service's own
    "own audio url": (audio(f"{HTTP}.mp3", "mp3"), audio(f"{HTTP}.mp3", "mp3")),
    "own audio data url": (audio(url(WAV), "wav"), WAV_PART),
    "own audio data url with a type": (audio(url(WAV, "audio/x-wav"), "wav"), WAV_PART),
    "own audio as a string": ({"type": "input_audio", "input_audio": url(MP3)}, MP3_PART),
    "own audio_url": ({"type": "audio_url", "audio_url": {"url": f"{HTTP}.aac"}}, audio(f"{HTTP}.aac", "aac")),
    "own video": (video(HTTP), video(HTTP)),
    "own video data url": (video(url(MP4, "video/mp4")), MP4_PART),
    "own video data url in capitals": (video(f"DATA:video/mp4;BASE64,{b64(MP4)}"), MP4_PART),
    "own video as a string": ({"type": "video_url", "video_url": HTTP}, video(HTTP)),
    "own frames": ({"type": "video", "video": [HTTP, url(JPG, "image/png")], "fps": 2, "id": "lc_1", "index": 0},
                   {"type": "video", "video": [HTTP, url(JPG, "image/jpeg")], "fps": 2}),
    "dashscope image": ({"type": "image", "image": HTTP}, image(HTTP)),
    "dashscope audio": ({"type": "audio", "audio": f"{HTTP}.wav"}, audio(f"{HTTP}.wav", "wav")),
    "dashscope video": ({"type": "video", "video": HTTP}, video(HTTP)),
    # Wrapped
    "non_standard": ({"type": "non_standard", "value": video(HTTP)}, video(HTTP)),
    "non_standard anthropic": ({"type": "non_standard", "value": {"type": "image", "source": {"type": "base64", "data": b64(PNG)}}}, PNG_PART),
    # Parameters
    "fps in extras": (create_video_block(url=HTTP, fps=0.5), video(HTTP, fps=0.5)),
    "fps beside": (video(HTTP, fps=4), video(HTTP, fps=4)),
    "the block itself wins": ({"type": "video", "url": HTTP, "fps": 1, "extras": {"fps": 2, "max_pixels": 9}}, video(HTTP, fps=1, max_pixels=9)),
    "every parameter": (video(HTTP, fps=1, min_pixels=2, max_pixels=3, total_pixels=4, id="lc_1", cache_control={}),
                        video(HTTP, fps=1, min_pixels=2, max_pixels=3, total_pixels=4)),
    "parameters of an image": ({"type": "image", "url": HTTP, "extras": {"min_pixels": 2, "max_pixels": 3, "other": 4}},
                               image(HTTP, min_pixels=2, max_pixels=3)),
    "a parameter that is None": (video(HTTP, fps=None), video(HTTP)),
    "parameters of a file": ({"type": "input_file", "file_data": b64(MP4), "fps": 1}, video(url(MP4), fps=1)),
    "parameters of an anthropic image": ({"type": "image", "source": {"type": "url", "url": HTTP}, "max_pixels": 3}, image(HTTP, max_pixels=3)),
    "extras that are no dict": ({"type": "image", "url": HTTP, "extras": [1]}, image(HTTP)),
    # Base64 and data URLs as they come
    "base64 with line breaks": ({"type": "image", "base64": encodebytes(PNG).decode()}, PNG_PART),
    "base64 with CR LF and tabs": ({"type": "image", "base64": encodebytes(PNG).decode().replace("\n", "\r\n\t")}, PNG_PART),
    "url-safe base64": ({"type": "audio", "base64": urlsafe_b64encode(WAV).decode()}, WAV_PART),
    "base64 without padding": ({"type": "image", "base64": b64(PNG + b"\0").rstrip("=")}, image(url(PNG + b"\0", "image/png"))),
    "data url with line breaks": (image("data:image/png;base64," + encodebytes(PNG).decode()), PNG_PART),
    "data url with parameters": (audio(f"data:audio/wav;codecs=1;base64,{b64(WAV)}", "wav"), WAV_PART),
    "data url in percent signs": (image("data:image/png," + "".join(f"%{byte:02x}" for byte in PNG)), PNG_PART),
    "http in capitals": (image("HTTPS://EXAMPLE.COM/A.PNG"), image("HTTPS://EXAMPLE.COM/A.PNG")),
    "http of every sign": (video("http://u:p@例え.jp:8/a b?x=\"'&y=[]#é"), video("http://u:p@例え.jp:8/a b?x=\"'&y=[]#é")),
}  # fmt: skip


@pytest.mark.parametrize("normalized", [False, True], ids=["as given", "through langchain-core"])
@pytest.mark.parametrize(("block", "part"), TAKEN.values(), ids=TAKEN)
def test_a_block_becomes_a_part(block: Any, part: dict[str, Any], normalized: bool) -> None:
    assert sent([block], normalized=normalized) == [part]


@pytest.mark.parametrize("block", [block for block, _ in TAKEN.values()], ids=TAKEN)
def test_of_a_block_that_is_sent_strip_leaves_text(block: Any) -> None:
    (stripped,) = media.strip([HumanMessage([block])])
    assert {part["type"] for part in sent(list(stripped.content))} == {"text"}


def test_every_kind_of_block_has_its_case() -> None:
    blocks = [block for block, _ in TAKEN.values() if isinstance(block, dict)]
    assert {block["type"] for block in blocks} == {*content.KINDS}


def test_any_mix_keeps_its_order() -> None:
    blocks = [create_video_block(url=HTTP), "What", image(HTTP), audio(b64(WAV), "wav"), text("is this?")]
    expected = [video(HTTP), text("What"), image(HTTP), WAV_PART, text("is this?")]
    assert sent(blocks) == sent(blocks, normalized=True) == expected


def test_the_message_is_not_changed() -> None:
    blocks = [block for block, _ in TAKEN.values()]
    before = repr(blocks)
    sent(blocks)
    assert repr(blocks) == before


READS = "; it takes text, image, audio and video"
UNKNOWN = 'its bytes are of no known format; if they are {} that the service takes, say which: mime_type="{}"'
A_PDF = "it is a PDF, which the model can't read; extract its text, or send its pages as images"
NO_ID = "a file id of another service can't be sent; give the bytes, a path or a URL"
NOTHING = "there is neither a url nor base64 data in it"
LOCAL = "; for a local file use media.{}(path), else an https:// URL"

REFUSED: dict[str, tuple[Any, str]] = {
    "unknown kind": ({"type": "smell"}, f"(smell): the service takes no block of type 'smell'{READS}"),
    "unknown kind with a long name": ({"type": "s" * 99}, f"({'s' * 40}): the service takes no block of type '{'s' * 40}'{READS}"),
    "no type": ({"text": "Hi"}, f": the block has no type{READS}"),
    "tool_use": ({"type": "tool_use"}, f"(tool_use): the service takes no block of type 'tool_use'{READS}"),
    "text without text": ({"type": "text"}, "(text): there is no text in it"),
    "text that is a number": ({"type": "text", "text": 5}, "(text): there is no text in it"),
    "text-plain by url": ({"type": "text-plain", "url": HTTP}, "(text-plain): there is no text in it"),
    "text-plain that is no UTF-8": ({"type": "text-plain", "base64": b64(b"\xff")}, "(text-plain): its data can't be read as text: it is not UTF-8"),
    "text-plain of bad base64": ({"type": "text-plain", "base64": "é"}, "(text-plain): its data can't be read as text: it is not base64 ('é' at character 1)"),
    # Nothing to send
    "image without a source": ({"type": "image"}, f"(image): {NOTHING}"),
    "audio without a source": ({"type": "audio", "mime_type": "audio/wav"}, f"(audio): {NOTHING}"),
    "video of null": ({"type": "video", "video": None}, f"(video): {NOTHING}"),
    "file without a source": ({"type": "file"}, f"(file): {NOTHING}"),
    "openai file that is a text": ({"type": "file", "file": "a.mp4"}, f"(file): {NOTHING}"),
    "image_url without a url": ({"type": "image_url"}, "(image_url): there is no url in its image_url"),
    "image_url of an empty object": (image(None), "(image_url): there is no url in its image_url"),  # type: ignore[arg-type]
    "video_url without a url": ({"type": "video_url", "video_url": {}}, "(video_url): there is no url in its video_url"),
    "audio_url without a url": ({"type": "audio_url", "url": HTTP}, "(audio_url): there is no url in its audio_url"),
    "input_audio without data": ({"type": "input_audio", "input_audio": {"format": "wav"}}, "(input_audio): there is no data in its input_audio"),
    "empty base64": ({"type": "image", "base64": ""}, "(image): its data can't be read: it is empty"),
    "empty bytes": ({"type": "video", "base64": b""}, "(video): its data can't be read: it is empty"),
    "spaces for base64": ({"type": "video", "base64": " \n"}, "(video): its data can't be read: it is empty"),
    "empty data url": (image("data:image/png;base64,"), "(image_url): its data can't be read: it is empty"),
    "empty data url in percent signs": (image("data:image/png,"), "(image_url): its data can't be read: it is empty"),
    "empty url": (video(""), f"(video_url): a text of 0 characters is no URL (before base64, write data:;base64,){LOCAL.format('video')}"),
    "no frames": ({"type": "video", "video": []}, "(video): the list of frames is empty"),
    "file id": ({"type": "image", "file_id": "file-1"}, f"(image): {NO_ID}"),
    "v0 file id": ({"type": "audio", "source_type": "id", "id": "file-1"}, f"(audio): {NO_ID}"),
    "openai file id": ({"type": "file", "file": {"file_id": "file-1"}}, f"(file): {NO_ID}"),
    "anthropic file id": ({"type": "image", "source": {"type": "file", "file_id": "file-1"}}, f"(image): {NO_ID}"),
    "empty wrapper": ({"type": "non_standard"}, "(non_standard): there is no block in it"),
    "wrapper of an unknown block": ({"type": "non_standard", "value": {"type": "smell"}}, f"(smell): the service takes no block of type 'smell'{READS}"),
    "wrapper in a wrapper": ({"type": "non_standard", "value": {"type": "non_standard", "value": text("Hi")}}, "(non_standard): there is a wrapper in the wrapper"),
    # Not what it says
    "PDF as image": ({"type": "image", "base64": b64(PDF)}, f"(image): {A_PDF}"),
    "PDF as video": ({"type": "video", "base64": b64(PDF)}, f"(video): {A_PDF}"),
    "PDF as file": (create_file_block(base64=b64(PDF), mime_type="application/pdf"), f"(file): {A_PDF}"),
    "PDF as openai file": ({"type": "file", "file": {"file_data": url(PDF, "application/pdf")}}, f"(file): {A_PDF}"),
    "PDF as v0 file": ({"type": "file", "source_type": "base64", "data": b64(PDF), "mime_type": "application/pdf"}, f"(file): {A_PDF}"),
    "PDF as document": ({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": b64(PDF)}}, f"(document): {A_PDF}"),
    "PDF as media": ({"type": "media", "mime_type": "application/pdf", "data": PDF}, f"(media): {A_PDF}"),
    "PDF as input_file": ({"type": "input_file", "file_data": b64(PDF)}, f"(input_file): {A_PDF}"),
    "PDF by its url's ending": (create_file_block(url=f"{HTTP}.pdf"), f"(file): {A_PDF}"),
    "PDF by its url's type": (create_image_block(url=HTTP, mime_type="application/pdf"), f"(image): {A_PDF}"),
    "PDF document by url": ({"type": "document", "source": {"type": "url", "url": f"{HTTP}.pdf"}}, f"(document): {A_PDF}"),
    "PDF by its type alone": (create_file_block(base64=b64(STRANGE), mime_type="application/pdf"), f"(file): {A_PDF}"),
    "video as image": ({"type": "image", "base64": b64(MP4)}, "(image): its bytes are video/mp4, which is no image; send it as video (media.video)"),
    "image as video": (video(url(PNG)), "(video_url): its bytes are image/png, which is no video; send it as image (media.image)"),
    "audio as image": (image(url(WAV)), "(image_url): its bytes are audio/wav, which is no image; send it as audio (media.audio)"),
    "image as audio": ({"type": "audio", "base64": b64(PNG)}, "(audio): its bytes are image/png, which is no audio; send it as image (media.image)"),
    "web page as image": ({"type": "image", "base64": b64(b"<!DOCTYPE html><p>404")}, "(image): its bytes are text/html, which is no image"),
    "archive as file": (create_file_block(base64=b64(b"PK\3\4 and more"), mime_type="video/mp4"), "(file): its bytes are application/zip (a ZIP archive), which is no image, audio or video; unpack it, and send the media in it"),
    "text as image": ({"type": "image", "base64": b64(b"No picture."), "mime_type": "image/png"}, "(image): its bytes are text/plain, which is no image; send it as text"),
    "photo of a phone": (create_image_block(base64=b64(HEIC), mime_type="image/heic"), "(image): its bytes are image/heic, which the service doesn't take; convert it to JPEG or PNG (media.image(path, fit=True) does)"),
    "photo of a phone as video": (create_video_block(base64=b64(HEIC), mime_type="video/mp4"), "(video): its bytes are image/heic, which is no video; send it as image, converted to JPEG or PNG (media.image(path, fit=True) does)"),
    "drawing": (image(url(b"<svg/>", "image/svg+xml")), "(image_url): its bytes are image/svg+xml, which the service doesn't take; convert it to JPEG or PNG"),
    "notes": (create_audio_block(base64=b64(b"MThd\0\0\0\6\0\1"), mime_type="audio/midi"), "(audio): its bytes are audio/midi (notes, not sound), which is no audio; render it to sound, such as WAV"),
    "transport stream": (video(url((b"G" + bytes(187)) * 3)), "(video_url): its bytes are video/mp2t (an MPEG transport stream), which the service doesn't take; let it be re-encoded: media.video(path, fit=True)"),
    "transport stream as image": (image(url((b"G" + bytes(187)) * 3)), "(image_url): its bytes are video/mp2t (an MPEG transport stream), which is no image; send it as video (media.video(path, fit=True))"),
    "image of an unknown format": ({"type": "image", "base64": b64(STRANGE)}, f"(image): {UNKNOWN.format('image', 'image/jpeg')}"),
    "image bytes of an unknown format": ({"type": "image", "base64": STRANGE}, f"(image): {UNKNOWN.format('image', 'image/jpeg')}"),
    "audio of any type": (create_audio_block(base64=b64(STRANGE), mime_type="audio/*"), f"(audio): {UNKNOWN.format('audio', 'audio/mpeg')}"),
    "audio of an unknown format and another type": (create_audio_block(base64=b64(STRANGE), mime_type="image/png"), f"(audio): {UNKNOWN.format('audio', 'audio/mpeg')}"),
    "image of few pixels": (image(url(clips.image("png", clips.RED, width=10, height=40))), "(image_url): it is 10×40 pixels; the service takes images with more than 10 a side"),
    "image far longer than wide": (image(url(clips.image("png", clips.RED, width=12, height=2401))), "(image_url): it is 12×2401 pixels; the service takes images whose longer side is at most 200 times the shorter: cut it into pieces"),
    "video url as image": (create_image_block(url=HTTP, mime_type="video/mp4"), "(image): its type is video/mp4, which is no image"),
    "image url as audio": (create_audio_block(url=HTTP, mime_type="image/png"), "(audio): its type is image/png, which is no audio"),
    "file of an unknown type": (create_file_block(base64=b64(STRANGE), mime_type="text/csv"), "(file): the service takes image, audio and video files; its type is text/csv"),
    "file url that tells nothing": (create_file_block(url=HTTP), "(file): the service takes image, audio and video files; nothing tells what it is: give it a mime_type"),
    "frame that is a video": ({"type": "video", "video": [HTTP, url(MP4)]}, "(video, frame 2): its bytes are video/mp4, which is no image; send it as video (media.video)"),
    "frame that is a number": ({"type": "video", "video": [5]}, "(video, frame 1): its URL is a int"),
    # No URL
    "bucket": (video("gs://bucket/a.mp4"), f"(video_url): gs: URLs can't be fetched by the service{LOCAL.format('video')}"),
    "S3": (create_image_block(url="s3://bucket/a.png"), f"(image): s3: URLs can't be fetched by the service{LOCAL.format('image')}"),
    "FTP": (create_audio_block(url="ftp://host/a.wav"), f"(audio): ftp: URLs can't be fetched by the service{LOCAL.format('audio')}"),
    "google bucket": ({"type": "media", "mime_type": "video/mp4", "file_uri": "gs://b/a.mp4"},
                      "(media): gs: URLs can't be fetched by the service; for a local file use media.image, media.audio or media.video, else an https:// URL"),
    "http without a host": (image("http:a.png"), f"(image_url): http: URLs can't be fetched by the service{LOCAL.format('image')}"),
    "bare path": (video("clips/a.mp4"), f"(video_url): 'clips/a.mp4' is no URL{LOCAL.format('video')}"),
    "path with a colon": (video("call-10:30.mp4"), f"(video_url): 'call-10:30.mp4' is no URL{LOCAL.format('video')}"),
    "Windows path": (video("C:\\clips\\a.mp4"), f"(video_url): 'C:\\\\clips\\\\a.mp4' is no URL{LOCAL.format('video')}"),
    "base64 for a URL": (image(b64(PNG)), f"(image_url): a text of {len(b64(PNG))} characters is no URL (before base64, write data:;base64,){LOCAL.format('image')}"),
    "URL that is a number": (image(5), "(image_url): its URL is a int"),  # type: ignore[arg-type]
    "URL that is a list": ({"type": "image", "url": [HTTP]}, "(image): its URL is a list"),
    "URL in bytes": ({"type": "video", "url": HTTP.encode()}, "(video): its URL is a bytes"),
    "data URL without a comma": (image("data:image/png;base64"), "(image_url): its data URL has no comma"),
    # No base64
    "bad base64": ({"type": "image", "base64": "iVBO*w0K"}, "(image): its data can't be read: it is not base64 ('*' at character 5)"),
    "bad base64 after line breaks": ({"type": "image", "base64": "iVBO\nRw0é"}, "(image): its data can't be read: it is not base64 ('é' at character 9)"),
    "bad base64 in a data url": (image("data:;base64,iVBO*w0K"), "(image_url): its data can't be read: it is not base64 ('*' at character 5)"),
    "base64 of a wrong length": ({"type": "image", "base64": "iVBOR"}, "(image): its data can't be read: it is not base64 (its length or its padding is wrong)"),
    "padding amid base64": ({"type": "image", "base64": "iVBORw==iVBORw=="}, "(image): its data can't be read: it is not base64 (its length or its padding is wrong)"),
    "base64 that is a number": ({"type": "image", "base64": 5}, "(image): its data is a int, not base64 text"),
    "data that is a dict": ({"type": "video", "data": {}}, "(video): its data is a dict, not base64 text"),
    "MIME type that is a number": ({"type": "video", "base64": b64(MP4), "mime_type": 5}, "(video): its MIME type is a int"),
    "format that is a list": ({"type": "input_audio", "input_audio": {"data": b64(WAV), "format": ["wav"]}}, "(input_audio): its format is a list"),
}  # fmt: skip


@pytest.mark.parametrize("normalized", [False, True], ids=["as given", "through langchain-core"])
@pytest.mark.parametrize(("block", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sent_is_an_error_that_names_the_place(block: Any, told: str, normalized: bool) -> None:
    with pytest.raises(ContentBlockError) as caught:
        sent(["Look:", block], normalized=normalized)
    place, _, _ = told.partition("(")
    assert str(caught.value) == f"message 1 (human), block 2{'' if place else ' '}{told}"


def test_a_pdf_as_audio_is_refused_under_either_name() -> None:
    # langchain-core turns `input_audio` into `audio` before this package sees it.
    for normalized, kind in [(False, "input_audio"), (True, "audio")]:
        with pytest.raises(ContentBlockError) as caught:
            sent([audio(b64(PDF), "wav")], normalized=normalized)
        assert str(caught.value) == f"message 1 (human), block 1 ({kind}): {A_PDF}"


@pytest.mark.parametrize(
    "block", [None, 5, 5.0, True, ["text"], ("text",), b"text", object()], ids=lambda block: type(block).__name__
)
def test_a_block_that_is_neither_text_nor_dict_is_refused(block: Any) -> None:
    with pytest.raises(ContentBlockError) as caught:
        content.parts(["Hi", block], Place(3, "human"), Rules())
    assert str(caught.value) == f"message 3 (human), block 2: a {type(block).__name__} is no content block"


def test_a_type_that_is_no_text_is_refused() -> None:  # langchain-core itself fails on it
    with pytest.raises(ContentBlockError) as caught:
        sent([{"type": ["text"]}])
    told = f"the service takes no block of type \"['text']\"{READS}"
    assert str(caught.value) == f"message 1 (human), block 1 (['text']): {told}"


def test_no_error_holds_media() -> None:
    secret = b64(os.urandom(60))
    blocks = [
        image(secret),
        image(f"data:image/png;base64,{secret}*"),
        image(f"data:image/png;base64{secret}"),
        {"type": "image", "base64": secret + "*"},
        {"type": "image", "base64": [secret]},
        {"type": "image", "source": {"data": {"a": secret}}},
        {"type": "video", "video": [secret]},
        {"type": "smell", "base64": secret},
        {"type": "text-plain", "base64": secret + "*"},
        {"type": secret + secret},
        create_file_block(base64=secret, mime_type="text/csv"),
    ]
    for block in blocks:
        with pytest.raises(ContentBlockError) as caught:
            sent([block])
        assert secret[:48] not in str(caught.value)


# Any JSON-like block, most of it near to a real one

KEYS = st.sampled_from(
    ["type", "text", "url", "base64", "data", "mime_type", "media_type", "source", "source_type", "file", "file_data",
     "file_id", "file_uri", "file_url", "filename", "image", "image_url", "input_audio", "audio", "audio_url", "video",
     "video_url", "format", "detail", "extras", "fps", "value", "id"]
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(
        [*content.KINDS, "url", "base64", "id", "data:,", "data:;base64,AAAA", "data:image/png;base64,%", "file:///etc",
         "file://h/a", "file://[", "file:///\ud800", "file:///%00", "http://[", "https://a/b", "image/png", "video/mp4",
         "application/pdf", b64(PNG), b64(PDF), url(MP4), "\x00", "\ud800", "a.mp4"]
    ),
    st.text(max_size=20),
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS, st.binary(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=8,
)
BLOCKS = st.builds(
    lambda kind, block: {**block, "type": kind},
    st.one_of(st.sampled_from([*content.KINDS]), VALUES),
    st.dictionaries(KEYS, VALUES, max_size=4),
)


@given(BLOCKS)
def test_any_block_converts_or_is_refused(block: dict[str, Any]) -> None:
    try:
        (part,) = sent([block], roots=(Path("/"),))
    except InvalidInputError as error:
        told = str(error)
    else:
        assert part["type"] in ("text", "image_url", "input_audio", "video_url", "video")
        return
    assert told.startswith(("message 1 (human), block 1", "the request can't be written as JSON: "))


# The inline limit


@cache
def sized(size: int, magic: bytes) -> str:
    """Base64 text of exactly `size` characters that begins as some format does."""
    assert size % 4 == 0
    return b64(magic + bytes(size // 4 * 3 - len(magic)))


# No data URL of these prefixes is 10,485,760 bytes long, so the boundary itself is tried at another limit.
@pytest.mark.parametrize(
    ("magic", "prefix", "block"),
    [
        (MP4[:64], "data:;base64,", lambda data: {"type": "video", "base64": data}),
        (WAV[:64], "data:;base64,", lambda data: audio(data, "wav")),
        (PNG[:64], "data:image/png;base64,", lambda data: {"type": "image", "base64": data}),
        (PNG[:64], "data:image/png;base64,", lambda data: image(f"data:;base64,{data}")),
        (PNG[:64], "data:image/png;base64,", lambda data: {"type": "video", "video": [HTTP, f"data:;base64,{data}"]}),
    ],
    ids=["video", "audio", "image", "image data url", "frame"],
)
def test_the_limit_counts_the_data_url_as_it_is_sent(magic: bytes, prefix: str, block: Callable[[str], Any]) -> None:
    size = len(prefix) + 4000
    blocks = [block(sized(4000, magic))]
    assert len(content.parts(blocks, Place(1, "human"), Rules((), size))) == 1
    with pytest.raises(MediaTooLargeError) as caught:
        content.parts(blocks, Place(1, "human"), Rules((), size - 1))
    assert (caught.value.size, caught.value.limit) == (size, size - 1)


@pytest.mark.parametrize(
    ("magic", "prefix", "kind"), [(MP4[:64], 13, "video"), (PNG[:64], 22, "image")], ids=["video", "image"]
)
def test_the_services_limit_is_10_485_760_bytes(magic: bytes, prefix: int, kind: str) -> None:
    largest = (LIMIT - prefix) // 4 * 4
    assert len(sent([{"type": kind, "base64": sized(largest, magic)}])) == 1
    with pytest.raises(MediaTooLargeError) as caught:
        sent([{"type": kind, "base64": sized(largest + 4, magic)}])
    assert (caught.value.size, caught.value.limit) == (prefix + largest + 4, LIMIT)


@pytest.mark.parametrize(
    ("magic", "kind", "told"),
    [
        (MP4[:64], "video",
         "message 1 (human), block 1 (video) is 12,000,013 bytes as a data URL; the service takes 10,485,760 "
         "(7.9 MB of file). Either let it be re-encoded: media.video(path, fit=True), or cut it into segments: "
         "video.split(path), or give a public https:// URL (up to 2 GB)"),
        (PNG[:64], "image",
         "message 1 (human), block 1 (image) is 12,000,022 bytes as a data URL; the service takes 10,485,760 "
         "(7.9 MB of file). Either scale it down, or give a public https:// URL (up to 2 GB)"),
    ],
    ids=["video", "image"],
)  # fmt: skip
def test_media_over_the_limit_is_told_with_the_ways_out(magic: bytes, kind: str, told: str) -> None:
    with pytest.raises(MediaTooLargeError) as caught:
        sent([{"type": kind, "base64": sized(12_000_000, magic)}])
    assert str(caught.value) == told


def test_frames_count_each_for_themselves() -> None:
    frame = f"data:image/png;base64,{sized(6_000_000, PNG[:64])}"
    assert sent([{"type": "video", "video": [frame, frame]}]) == [{"type": "video", "video": [frame, frame]}]


# Local files

FILE = "message 1 (human), block 1 ({kind}): the file '{path}' "


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    root.mkdir()
    (root / "clip.mp4").write_bytes(MP4)
    (tmp_path / "outside.mp4").write_bytes(MP4)
    return root


def by_url(path: Path | str, kind: str = "video") -> dict[str, Any]:
    return {"type": kind, "url": path if isinstance(path, str) else path.as_uri()}


def test_a_file_below_a_root_is_sent(root: Path) -> None:
    assert sent([by_url(root / "clip.mp4")], roots=(root,)) == [MP4_PART]


@pytest.mark.parametrize(
    ("block", "part"),
    [
        (lambda file: video(file, fps=1), video(url(MP4), fps=1)),
        (lambda file: create_file_block(url=file), MP4_PART),
        (lambda file: create_audio_block(url=file), audio(url(MP4), "m4a")),
        (lambda file: audio(file, "wav"), audio(url(MP4), "m4a")),
        (lambda file: {"type": "media", "file_uri": file}, MP4_PART),
    ],
    ids=["video_url", "file", "audio", "input_audio", "media"],
)
def test_a_file_is_sent_from_any_kind_of_block(root: Path, block: Callable[[str], Any], part: dict[str, Any]) -> None:
    for normalized in (False, True):
        assert sent([block((root / "clip.mp4").as_uri())], roots=(root,), normalized=normalized) == [part]


@pytest.mark.parametrize("name", ["a b.mp4", "100%.mp4", "é中.mp4", "a#1?x=2.mp4", "a%41.mp4"])
def test_a_file_of_any_name_is_found(root: Path, name: str) -> None:
    (root / name).write_bytes(MP4)
    assert sent([by_url(root / name)], roots=(root,)) == [MP4_PART]


def test_other_ways_to_write_the_url(root: Path) -> None:
    path = str(root / "clip.mp4")
    encoded = path.replace("clip", "%63lip")
    for written in (f"file://{path}", f"file:{path}", f"file://localhost{path}", f"FILE://LocalHost{path}",
                    f"file://{encoded}", f"file://{root}/../root/clip.mp4", f"file://{root}%2Fclip.mp4"):  # fmt: skip
        assert sent([by_url(written)], roots=(root,)) == [MP4_PART], written


def test_a_root_may_be_relative_a_link_below_home_or_one_of_several(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    monkeypatch.setenv("HOME", str(root.parent))
    (root.parent / "link").symlink_to(root)
    file = by_url(root / "clip.mp4")
    for roots in [("root",), (".",), ("link",), ("~/root",), ("/nowhere", "root")]:
        assert sent([file], roots=tuple(map(Path, roots))) == [MP4_PART], roots
    assert sent([by_url(root.parent / "link" / "clip.mp4")], roots=(root,)) == [MP4_PART]


def test_a_link_within_the_root_is_followed(root: Path) -> None:
    (root / "link.mp4").symlink_to("clip.mp4")
    assert sent([by_url(root / "link.mp4")], roots=(root,)) == [MP4_PART]


OUTSIDE = "is not below media_roots ({root}); to allow it, add its folder: media_roots=[…]"


@pytest.mark.parametrize(
    "path",
    ["{root}/../outside.mp4", "{root}/%2e%2e/outside.mp4", "{root}/..%2Foutside.mp4", "{root}/link.mp4",
     "{root}/folder/outside.mp4", "{parent}/outside.mp4", "{parent}/root-2/clip.mp4", "/etc/passwd", "/etc/no-such-file",
     "/dev/zero", "/", ""],
)  # fmt: skip
def test_a_file_outside_is_refused_whether_or_not_it_exists(root: Path, path: str) -> None:
    (root / "link.mp4").symlink_to(root.parent / "outside.mp4")
    (root / "folder").symlink_to(root.parent)
    (root.parent / "root-2").mkdir()
    (root.parent / "root-2" / "clip.mp4").write_bytes(MP4)
    with pytest.raises(ContentBlockError) as caught:
        sent([by_url("file://" + path.format(root=root, parent=root.parent))], roots=(root,))
    assert str(caught.value).endswith(OUTSIDE.format(root=root))


def test_no_file_is_read_without_roots(root: Path) -> None:
    with pytest.raises(ContentBlockError) as caught:
        sent([by_url(root / "clip.mp4")])
    told = FILE.format(kind="video", path=root / "clip.mp4") + OUTSIDE.format(root="none given")
    assert str(caught.value) == told


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_loop(path: Path) -> None:
    path.symlink_to(path)


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "can't be read: No such file or directory"),
    "dangling link": (lambda path: path.symlink_to(path.parent / "gone"), "can't be read: No such file or directory"),
    "directory": (Path.mkdir, "is no regular file"),
    "pipe": (make_pipe, "is no regular file"),
    "empty": (Path.touch, "is empty"),
}


@pytest.mark.timeout(10)
@pytest.mark.parametrize(("make", "told"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_cannot_be_sent_is_named(root: Path, make: Callable[[Path], object], told: str) -> None:
    make(root / "bad")
    with pytest.raises(ContentBlockError) as caught:
        sent([by_url(root / "bad")], roots=(root,))
    assert str(caught.value) == FILE.format(kind="video", path=root / "bad") + told


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("file://host/clip.mp4", "its file URL names the host 'host'; write file:///absolute/path"),
        ("file://clip.mp4", "its file URL names the host 'clip.mp4'; write file:///absolute/path"),
        ("file://..%2Fclip.mp4", "its file URL names the host '..%2Fclip.mp4'; write file:///absolute/path"),
        ("file://{root}/a%00b", "the file '{root}/a\\x00b' can't be read: no file can have such a name"),
        ("file://{root}/\ud800", "the file '{root}/\\ud800' can't be read: no file can have such a name"),
        ("file://{root}/" + "n" * 300, None),
        ("file://{root}/loop", None),
    ],
)  # fmt: skip
def test_an_impossible_file_url_is_refused(root: Path, written: str, told: str | None) -> None:
    make_loop(root / "loop")
    with pytest.raises(ContentBlockError) as caught:
        sent([by_url(written.format(root=root))], roots=(root,))
    if told is not None:
        assert str(caught.value) == "message 1 (human), block 1 (video): " + told.format(root=root)
    assert len(str(caught.value)) < 400


def test_a_file_that_may_not_be_read_is_named(root: Path) -> None:
    (root / "clip.mp4").chmod(0)
    as_root = os.geteuid() == 0
    if as_root:  # to whom everything is readable
        for folder in (root, *root.parents):
            if folder.stat().st_mode & 0o005 != 0o005 and folder.is_relative_to("/tmp"):
                folder.chmod(0o755)
        os.seteuid(65534)
    try:
        with pytest.raises(ContentBlockError) as caught:
            sent([by_url(root / "clip.mp4")], roots=(root,))
    finally:
        if as_root:
            os.seteuid(0)
    assert str(caught.value) == FILE.format(kind="video", path=root / "clip.mp4") + "can't be read: Permission denied"


def test_a_file_of_another_kind_is_refused(root: Path) -> None:
    (root / "page.mp4").write_bytes(PDF)
    with pytest.raises(ContentBlockError) as caught:
        sent([by_url(root / "page.mp4")], roots=(root,))
    assert str(caught.value) == f"message 1 (human), block 1 (video): {A_PDF}"


def sparse(path: Path, size: int, magic: bytes) -> Path:
    with path.open("wb") as file:
        file.write(magic)
        file.truncate(size)
    return path


@pytest.mark.parametrize(
    ("size", "sent_bytes"),
    [(7_864_307, None), (7_864_308, None), (7_864_309, 10_485_761), (3_000_000_000, 4_000_000_013)],
)
def test_a_files_size_is_checked_and_the_file_is_not_read(root: Path, size: int, sent_bytes: int | None) -> None:
    path = sparse(root / "big.mp4", size, MP4[:64])
    build_it = partial(content.parts, [by_url(path)], Place(1, "human"), Rules((root,), LIMIT))
    if sent_bytes is None:
        assert len(build_it()[0]["video_url"]["url"]) <= LIMIT
        return
    with pytest.raises(MediaTooLargeError) as caught:
        build_it()
    assert (caught.value.size, caught.value.limit) == (sent_bytes, LIMIT)
