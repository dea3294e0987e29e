"""Counting tokens offline: the service's rules, on media that is looked at, and estimates for what is not."""

from __future__ import annotations

import base64
import builtins
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage, trim_messages

from langchain_dmx_omni import ChatDMXOmni, _tokens, media
from langchain_dmx_omni._media import measure as measure_module
from langchain_dmx_omni._media import token_rules
from langchain_dmx_omni._media.measure import Measured, measure
from tests import gateway_clips


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("four", 1), ("fives", 2), ("你好吗", 2), ("你好吗 hello", 4), ("naïve", 2)]
)
def test_text(text: str, tokens: int) -> None:
    assert _tokens.count_text(text) == tokens
    assert ChatDMXOmni(api_key="sk-test").get_num_tokens(text) == tokens


@pytest.mark.parametrize(
    ("width", "height", "tokens"),
    [(32, 32, 26), (160, 160, 27), (320, 320, 102), (1024, 1024, 1026), (4000, 3000, 1282), (1, 1, 26)],
)
def test_images(width: int, height: int, tokens: int) -> None:
    assert token_rules.count_image(width, height) == tokens


@pytest.mark.parametrize(
    ("seconds", "tokens"), [(0.0, 0), (1.0, 7), (1.5, 11), (3_600.0, 25_200), (1e300, 75_600), (-1.0, 0)]
)
def test_audio(seconds: float, tokens: int) -> None:
    assert token_rules.count_audio(seconds) == tokens


@pytest.mark.parametrize(
    ("seconds", "width", "height", "fps", "tokens"),
    [
        (1.0, 320, 320, 2.0, 102),
        (6.2, 640, 480, 2.0, 2102),
        (10.0, 320, 320, 1.0, 502),
        # A frame is scaled to 64 × 1,024 pixels at least, and to 640 × 1,024 at most.
        (0.1, 32, 32, 2.0, 64 + 2),
        (0.1, 3840, 2160, 2.0, 640 + 2),
        # All frames together are 180,224 × 1,024 pixels at most: 160 each at 1,126 frames, 88 each at 2,048.
        (563.2, 640, 360, 2.0, 564 * 160 + 2),
        (3_600.0, 1920, 1080, 2.0, 1024 * 88 + 2),
        (1e300, 1920, 1080, 2.0, 1024 * 88 + 2),
        (math.inf, 2**40, 2**40, 2.0, 1024 * 88 + 2),
        (math.nan, 320, 320, math.nan, 102),
        (-5.0, 320, 320, 2.0, 102),
        (10.0, 320, 320, 1e9, 5002),
        (10.0, 320, 320, -1.0, 102),
    ],
)
def test_video(seconds: float, width: int, height: int, fps: float, tokens: int) -> None:
    assert token_rules.count_video(seconds, width, height, fps) == tokens


def jpeg(width: int, height: int) -> bytes:
    return b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x0b\x08" + struct.pack(">HH", height, width) + bytes(9)


def webp(form: bytes, body: bytes) -> bytes:
    return b"RIFF" + bytes(4) + b"WEBP" + form + bytes(4) + body


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, name) + body


LONG = box(b"mvhd", b"\x01" + bytes(19) + struct.pack(">IQ", 1_000, 9_500))
TRACK = box(b"trak", box(b"tkhd", bytes(76) + struct.pack(">II", 320 << 16, 240 << 16)))
SILENT_TRACK = box(b"trak", box(b"tkhd", bytes(84)))

GIF = gateway_clips.clip((1, 2, 3), (3, 2, 1), seconds=0.5, container="gif", codec="gif", pixels="rgb8", amplitude=None)
FRAGMENTED = gateway_clips.clip(
    (1, 2, 3), seconds=2.0, amplitude=None, options={"movflags": "frag_keyframe+empty_moov"}
)


def endless(data: bytes) -> bytes:
    """A WebM or MKV whose header says no length, as live recordings are."""
    at = data.index(b"\x44\x89\x88")  # its duration, of 8 bytes
    return data[:at] + b"\xec\x89" + data[at + 2 :]  # nothing that counts, of the same size


MEASURED: dict[str, tuple[bytes, Measured]] = {
    "PNG": (gateway_clips.image("png", (1, 2, 3), width=64, height=48), Measured(64, 48)),
    "JPEG": (gateway_clips.image("mjpeg", (1, 2, 3), width=64, height=48), Measured(64, 48)),
    "JPEG, progressive": (jpeg(64, 48), Measured(64, 48)),
    "JPEG with filling bytes": (jpeg(64, 48).replace(b"\xff\xc2", b"\xff\xff\xff\xc2"), Measured(64, 48)),
    "BMP": (gateway_clips.image("bmp", (1, 2, 3), width=64, height=48), Measured(64, 48)),
    "BMP of OS/2": (b"BM" + bytes(12) + struct.pack("<IHH", 12, 64, 48), Measured(64, 48)),
    "GIF": (GIF, Measured(320, 240, 1.0, False)),
    "WebP, extended": (webp(b"VP8X", bytes(4) + b"\x3f\0\0\x2f\0\0"), Measured(64, 48)),
    "WebP, lossy": (webp(b"VP8 ", bytes(6) + struct.pack("<HH", 64, 48)), Measured(64, 48)),
    "WebP, lossless": (webp(b"VP8L", b"\x2f" + (63 | 47 << 14).to_bytes(4, "little")), Measured(64, 48)),
    "WAV": (gateway_clips.sound(1.0, 0.5), Measured(duration=1.0, sound=True)),
    "WAV, µ-law": (gateway_clips.sound(1.0, 0.5, codec="pcm_mulaw"), Measured(duration=1.0, sound=True)),
    "WAV, ADPCM": (gateway_clips.sound(1.0, 0.5, codec="adpcm_ms"), Measured(duration=1.0, sound=True)),
    "MP4": (gateway_clips.clip((1, 2, 3), seconds=2.0), Measured(320, 240, 2.0, True)),
    "MP4, silent": (gateway_clips.clip((1, 2, 3), seconds=2.0, amplitude=None), Measured(320, 240, 2.0, False)),
    "MP4 in fragments": (FRAGMENTED, Measured(320, 240, 2.0, False)),
    "MKV": (gateway_clips.clip((1, 2, 3), container="matroska"), Measured(320, 240, 1.0, True)),
    "MKV without a length": (
        endless(gateway_clips.clip((1, 2, 3), container="matroska")),
        Measured(320, 240, 1.0, True),
    ),
    "raw AAC": (gateway_clips.sound(1.0, 0.5, container="adts", codec="aac"), Measured(duration=1.0, sound=True)),
    "FLAC": (gateway_clips.sound(1.0, 0.5, container="flac", codec="flac"), Measured(duration=1.0, sound=True)),
    "a codec that nothing decodes": (
        gateway_clips.clip((1, 2, 3), container="matroska", amplitude=None).replace(
            b"V_MPEG4/ISO/AVC", b"V_NOTHING/OF/IT"
        ),
        Measured(duration=1.0, sound=False),
    ),
    # AAC at 8 kHz: 9 packets of 0.128 s, the first of which is the encoder's own.
    "sound whose packets say no length": (
        gateway_clips.sound(1.0, 0.5, container="matroska", codec="aac", rate=8_000).replace(b"A_AAC", b"A_XYZ"),
        Measured(duration=1.152, sound=True),
    ),
    "MP4 with 64-bit times": (
        box(b"ftyp", b"isom") + box(b"moov", LONG + SILENT_TRACK + TRACK),
        Measured(320, 240, 9.5, False),
    ),
    "MP4 with a long box": (
        box(b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"free", 20) + bytes(4) + box(b"moov", LONG),
        Measured(duration=9.5, sound=False),
    ),
    "MP4 with a box to the end": (
        box(b"ftyp", b"isom") + struct.pack(">I4s", 0, b"moov") + LONG,
        Measured(duration=9.5, sound=False),
    ),
}


@pytest.mark.parametrize(("data", "expected"), MEASURED.values(), ids=MEASURED)
def test_media_is_measured_from_its_bytes(data: bytes, expected: Measured) -> None:
    measured = measure(data)
    assert (measured.width, measured.height, measured.sound) == (expected.width, expected.height, expected.sound)
    assert measured.duration == (None if expected.duration is None else pytest.approx(expected.duration, abs=0.1))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"#EXTM3U\n/etc/passwd\n",
        b"\x89PNG",
        b"\xff\xd8\xff",
        jpeg(1, 1)[:12],
        webp(b"ABCD", b""),
        box(b"ftyp", b"isom"),
        b"RIFF",
    ],
)
def test_what_can_not_be_read_is_not_known(data: bytes) -> None:
    assert measure(data) == Measured()


@given(
    kind=st.sampled_from(["image", "audio", "video"]),
    data=st.sampled_from([data for data, _ in MEASURED.values()]),
    at=st.floats(0, 1),
    noise=st.binary(max_size=16),
    kept=st.floats(0, 1),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_counted(kind: str, data: bytes, at: float, noise: bytes, kept: float) -> None:
    start = int(min(len(data), 400) * at)  # headers are where damage shows
    damaged = (data[:start] + noise + data[start + len(noise) :])[: max(1, int(len(data) * kept))]
    measured = measure(damaged)
    assert measured.duration is None or measured.duration >= 0
    block = {"type": kind, "base64": b64(damaged), "mime_type": f"{kind}/x-unknown"}
    assert 4 < _tokens.count_messages([HumanMessage([block])]) <= 1024 * 88 + 2 + 75_600 + 4


def test_without_pyav_they_are_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name == "av":
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    assert measure_module.measure(b"\x1aE\xdf\xa3 and so on") == Measured()


CLIP = gateway_clips.clip((1, 2, 3), (3, 2, 1), seconds=1.0)
PICTURES, SOUND = 4 // 2 * 8 * 10 + 2, 14  # 2 s of 320x240: 4 frames of 10 by 8 tiles; 7 a second of sound
BLOCKS: dict[str, tuple[Any, int]] = {
    "text": ("Hello you!", 3),
    "text block": ([{"type": "text", "text": "Hello you!"}], 3),
    "string in a list": (["Hello you!"], 3),
    "image": ([media.image(gateway_clips.image("png", (1, 2, 3)))], 82),
    "image by URL": ([{"type": "image", "url": "https://example.com/a.png"}], 1026),
    "audio": ([media.audio(gateway_clips.sound(2.0, 0.5))], 14),
    "audio by URL": ([{"type": "audio", "url": "https://example.com/a.mp3"}], 420),
    "video": ([media.video(CLIP)], PICTURES + SOUND),
    "video, one frame a second": ([media.video(CLIP, fps=1)], 82 + SOUND),
    "video, fragmented": ([media.video(FRAGMENTED)], PICTURES),
    "video, few pixels": ([media.video(CLIP, max_pixels=64 * 1024)], 2 * 64 + 2 + SOUND),
    "video, a rate that is none": ([{**media.video(CLIP), "extras": {"fps": "abc"}}], PICTURES + SOUND),
    "video, a rate without end": ([{**media.video(CLIP), "extras": {"fps": "inf"}}], PICTURES + SOUND),
    "video, a rate that is a list": ([{**media.video(CLIP), "extras": {"fps": [2]}}], PICTURES + SOUND),
    "video, sizes that are none": ([{**media.video(CLIP), "extras": {"max_pixels": {}}}], PICTURES + SOUND),
    "video by URL": ([{"type": "video", "url": "https://example.com/a.mp4"}], 60 * 11 * 20 + 2 + 420),
    "frames": ([{"type": "video", "video": ["https://example.com/a.png"] * 2}], 640 + 2),
    "a file": ([{"type": "file", "base64": b64(CLIP), "mime_type": "application/pdf"}], PICTURES + SOUND),
    "an image that can't be sent": ([{"type": "image_url", "image_url": {"url": "gs://a"}}], 1026),
    "audio that can't be sent": ([{"type": "audio", "url": "gs://a"}], 420),
    "a block of unknown kind": ([{"type": "smell"}], 60 * 11 * 20 + 2 + 420),
    "plain text of a file": ([{"type": "document", "source": {"type": "text", "data": "Hello you!"}}], 3),
}


@pytest.mark.parametrize(("content", "tokens"), BLOCKS.values(), ids=BLOCKS)
def test_messages(content: Any, tokens: int) -> None:
    assert abs(_tokens.count_messages([HumanMessage(content)]) - 4 - tokens) <= 2


def test_speech_and_reasoning_of_answers_are_not_sent_back() -> None:
    said: list[str | dict[Any, Any]] = [
        {"type": "audio", "base64": "AAAA"},
        {"type": "reasoning", "reasoning": "long"},
        {"type": "text", "text": "Hi"},
    ]
    assert _tokens.count_messages([AIMessage(said)]) == 4 + 1


def test_tool_calls_and_tools_count() -> None:
    model = ChatDMXOmni(api_key="sk-test")
    call = {"name": "clock", "args": {"city": "Paris"}, "id": "1", "type": "tool_call"}
    messages = [SystemMessage("Be brief"), AIMessage("", tool_calls=[call]), ToolMessage("12:00", tool_call_id="1")]
    assert model.get_num_tokens_from_messages(messages) == 4 + 2 + 4 + 6 + 4 + 4 + 2
    tool = {"name": "clock", "description": "Say the time", "parameters": {"type": "object", "properties": {}}}
    assert model.get_num_tokens_from_messages(messages, [tool]) > model.get_num_tokens_from_messages(messages) + 20


def test_files_are_looked_at_below_the_roots_only(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(CLIP)
    message = HumanMessage([media.video(path, inline=False)])
    counted = ChatDMXOmni(api_key="sk-test", media_roots=[tmp_path]).get_num_tokens_from_messages([message])
    assert abs(counted - 4 - PICTURES - SOUND) <= 2
    assert ChatDMXOmni(api_key="sk-test").get_num_tokens_from_messages([message]) == 4 + 60 * 11 * 20 + 2 + 420


def test_media_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    monkeypatch.setattr(_tokens, "measure", lambda data: looked.append(len(data)) or Measured(1, 1, 1.0))
    monkeypatch.setattr(_tokens, "_MOST_MEASUREMENTS", 1)
    _tokens._measurements.clear()
    one, two = (HumanMessage([media.audio(gateway_clips.sound(seconds, 0.5))]) for seconds in (0.1, 0.2))
    for message in (one, one, two, two, one):
        _tokens.count_messages([message])
    assert len(looked) == 3  # one is remembered, and only one
    _tokens._measurements.clear()


def test_trimming_keeps_a_video_that_fits() -> None:
    """LangChain's own counter takes base64 for text, once it is a plain string, and would trim it."""
    model = ChatDMXOmni(api_key="sk-test")
    restored = HumanMessage.model_validate_json(HumanMessage([media.video(CLIP)]).model_dump_json())
    messages = [restored, AIMessage("A clip."), HumanMessage("More?")]
    kept = trim_messages(messages, max_tokens=1_000, token_counter=model, strategy="last", start_on="human")
    assert kept == messages
    approximately = trim_messages(messages, max_tokens=1_000, token_counter="approximate", strategy="last")
    assert approximately != messages
