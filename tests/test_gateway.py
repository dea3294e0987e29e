"""The local gateway, over real sockets: what it refuses, what it tells of media, what scripts put on the wire."""

from __future__ import annotations

import json
import math
import signal
import socket
import subprocess
import sys
import threading
import time
from array import array
from base64 import b64decode, b64encode
from contextlib import ExitStack, suppress
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langchain_dmx_omni._media import mime
from langchain_dmx_omni.testing import LocalGateway, RecordedRequest, Script, scripts
from langchain_dmx_omni.testing import _espeak as espeak_module
from langchain_dmx_omni.testing import _media_facts as measure_module
from langchain_dmx_omni.testing import _server as server_module
from langchain_dmx_omni.testing import gateway as gateway_module
from langchain_dmx_omni.testing._demuxers import FORMATS, sniff
from langchain_dmx_omni.testing._media_rules import check_media
from langchain_dmx_omni.testing._pictures import Picture, cuts
from langchain_dmx_omni.testing._refusal import Refusal
from langchain_dmx_omni.testing._token_counts import count_text
from langchain_dmx_omni.testing._voice import speak
from tests import gateway_clips as clips
from tests.calls import until
from tests.gateway_calls import HTTP, MODEL, events_of, post, request, saying, text_of

ASKED = "This is a simulated answer by the local gateway. You asked: 'What happens here?'"


def speech_of(response: httpx.Response) -> bytes:
    done = next(event for event in events_of(response) if event["type"] == "response.output_item.done")
    (part,) = [part for part in done["item"]["content"] if part["type"] == "output_audio"]
    assert part["audio"]["id"]
    return b64decode(part["audio"]["data"])


def level_of(pcm: bytes) -> float:
    samples = array("h", pcm)
    return 10 * math.log10(sum(sample * sample for sample in samples) / len(samples) / 32768**2)


# --- what it refuses --------------------------------------------------------------------------------------------------

SYSTEM = {"role": "system", "content": "Be brief."}
SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "Tina", "format": "wav"}}


REFUSED: dict[str, tuple[Any, int, str | None, str]] = {
    "not_json": (b"{", 400, "invalid_request", "not valid JSON"),
    "nested_too_deep": (b"[" * 200_000, 400, "invalid_request", "not valid JSON"),
    "not_an_object": ([], 400, "invalid_request", "must be a JSON object"),
    "no_model": ({"stream": True}, 400, "invalid_parameter", "model is required"),
    "unknown_model": (request(model="gpt-0"), 503, "model_not_found", "No available channel for model gpt-0"),
    "stream_false": (request(stream=False), 400, "invalid_parameter", "stream must be true"),
    "no_stream": ({"model": MODEL}, 400, "invalid_parameter", "stream must be true"),
    "modalities": (request(modalities=["audio"]), 400, "invalid_parameter", "modalities must be"),
    "max_output_tokens": (request(max_output_tokens=0), 400, "invalid_parameter", "max_output_tokens must be"),
    "input_text": (request(input="Hi"), 400, "invalid_parameter", "input must be a list"),
    "no_messages": (request(input=[]), 400, "invalid_parameter", "input must be a list"),
    "message_kind": (saying(["Hi"]), 400, "invalid_parameter", "input[0] must be an object"),
    "role": (saying({"role": "tool", "content": "x"}), 400, "invalid_parameter", "input[0].role must be"),
    "content": (saying({"role": "user", "content": 1}), 400, "invalid_parameter", "input[0].content must be"),
    "part_kind": (saying({"role": "user", "content": ["x"]}), 400, "invalid_parameter", "content[0] must be an object"),
    "part_type": (
        request({"type": "input_text", "text": "x"}),
        400,
        "invalid_parameter",
        "'input_text' is no part type",
    ),
    "text_kind": (request({"type": "text", "text": 1}), 400, "invalid_parameter", "text must be a string"),
    "no_url": (request({"type": "video_url"}), 400, "invalid_parameter", "video_url.url must be a URL"),
    "no_frames": (request({"type": "video", "video": []}), 400, "invalid_parameter", "must be a list of frame URLs"),
    "media_of_assistant": (
        saying({"role": "assistant", "content": [clips.image_part(b"x")]}),
        400,
        "invalid_parameter",
        "only allowed in user messages",
    ),
    "media_of_system": (
        saying({"role": "system", "content": [clips.video_part(b"x")]}),
        400,
        "invalid_parameter",
        "only allowed in user messages",
    ),
    "system_and_audio": (
        saying(SYSTEM, {"role": "user", "content": "Hi"}, **SPOKEN),
        400,
        "invalid_parameter",
        "not supported with audio output",
    ),
    "bare_base64": (
        request({"type": "input_audio", "input_audio": {"data": "UklGRg=="}}),
        400,
        "bad_response_status_code",
        "URL does not appear to be valid",
    ),
    "no_base64": (
        request({"type": "video_url", "video_url": {"url": "data:;base64,*"}}),
        400,
        "bad_response_status_code",
        "Failed to decode",
    ),
    "no_marker": (
        request({"type": "video_url", "video_url": {"url": "data:video/mp4,AAAA"}}),
        400,
        "bad_response_status_code",
        "Failed to decode",
    ),
    "one_frame": (
        request({"type": "video", "video": ["https://example.org/1.png"]}),
        400,
        "bad_response_status_code",
        "A video must hold 2 to 2048 frames, got 1",
    ),
    "frame_rate": (
        request({"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}, "fps": 11}),
        400,
        "bad_response_status_code",
        "fps must be between 0.1 and 10",
    ),
    "frame_rate_in_words": (
        request({"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}, "fps": "abc"}),
        400,
        "bad_response_status_code",
        "fps must be between 0.1 and 10",
    ),
    "pixels": (
        request({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}, "max_pixels": 0}),
        400,
        "bad_response_status_code",
        "max_pixels must be a positive number",
    ),
    "513_videos": (
        request(*[{"type": "video_url", "video_url": {"url": "https://example.org/a.mp4"}}] * 513),
        400,
        "bad_response_status_code",
        "Exceeded limit on max number of video_url items by URL : 512",
    ),
    "251_images": (
        request(*[clips.image_part(clips.image("png", clips.RED, width=16, height=16))] * 251),
        400,
        "bad_response_status_code",
        "Exceeded limit on max number of image_url items inline : 250",
    ),
    "empty_media": (request(clips.audio_part(b"")), 400, "bad_response_status_code", "Failed to decode"),
}


NO_IMAGE, NO_AUDIO, NO_VIDEO = (
    f"The {kind} format is illegal and cannot be opened" for kind in ("image", "audio", "video")
)
SHAPE = "The image length and width do not meet the model restrictions. "
_clip = partial(clips.clip, clips.RED, seconds=0.3)
_gif = partial(_clip, container="gif", codec="gif", pixels="rgb8", amplitude=None)


def _undecodable() -> bytes:
    """A codec of a name that nothing knows."""
    return _clip(container="matroska", amplitude=None).replace(b"V_MPEG4/ISO/AVC", b"V_NOTHING/OF/IT")


REFUSED_MEDIA: dict[str, tuple[Any, str]] = {
    "image of no format": (lambda: clips.image_part(b"not a picture"), NO_IMAGE),
    "playlist": (lambda: clips.image_part(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n"), NO_IMAGE),
    "GIF": (lambda: clips.image_part(_gif()), NO_IMAGE),
    "SVG": (lambda: clips.image_part(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), NO_IMAGE),
    "HEIC": (lambda: clips.image_part(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), NO_IMAGE),
    "video as image": (lambda: clips.image_part(_clip()), NO_IMAGE),
    "image cut off in its header": (lambda: clips.image_part(clips.image("png", clips.RED)[:20]), NO_IMAGE),
    "image cut off": (lambda: clips.image_part(clips.image("png", clips.RED)[:60]), NO_IMAGE),
    "image of 10 pixels": (
        lambda: clips.image_part(clips.image("png", clips.RED, width=10, height=40)),
        f"{SHAPE}[height:40 or width:10 must be larger than 10]",
    ),
    "image of 201 to 1": (
        lambda: clips.image_part(clips.image("png", clips.RED, width=2211, height=11)),
        f"{SHAPE}[absolute aspect ratio must be smaller than 200, got 2211 / 11]",
    ),
    "frame of no format": (
        lambda: {"type": "video", "video": [clips.data_url(clips.image("png", clips.RED)), clips.data_url(b"x")]},
        NO_IMAGE,
    ),
    "audio of no format": (lambda: clips.audio_part(b"not a sound"), NO_AUDIO),
    "AIFF": (lambda: clips.audio_part(clips.sound(0.1, 0.5, container="aiff", codec="pcm_s16be")), NO_AUDIO),
    "AC-3 behind an ID3 tag": (
        lambda: clips.audio_part(
            b"ID3\4\0\0\0\0\0\0" + clips.sound(0.1, 0.5, container="ac3", codec="ac3", rate=48_000)
        ),
        NO_AUDIO,
    ),
    "image as audio": (lambda: clips.audio_part(clips.image("png", clips.RED)), NO_AUDIO),
    "video without sound as audio": (lambda: clips.audio_part(_clip(amplitude=None)), NO_AUDIO),
    "sound without samples": (lambda: clips.audio_part(clips.sound(0.1, 0.5)[:78]), "The audio is empty"),
    "video cut off": (lambda: clips.video_part(_clip()[:400]), NO_VIDEO),
    "video that nothing decodes": (lambda: clips.video_part(_undecodable()), NO_VIDEO),
    "sound as video": (lambda: clips.video_part(clips.sound(0.1, 0.5)), NO_VIDEO),
    "M4A as video": (lambda: clips.video_part(clips.sound(0.1, 0.5, container="ipod", codec="aac")), NO_VIDEO),
    "MPEG-TS": (lambda: clips.video_part(_clip(container="mpegts")), NO_VIDEO),
    "WebM": (lambda: clips.video_part(_clip(container="webm", codec="libvpx", amplitude=None)), NO_VIDEO),
    "video of more than an hour": (
        lambda: clips.video_part(clips.clip(clips.RED, seconds=3_640.0, fps=0.05, amplitude=None)),
        "The video file is too long",
    ),
}


@pytest.mark.parametrize("name", REFUSED_MEDIA)
def test_refuses_media_as_the_service_does(gateway: LocalGateway, name: str) -> None:
    make, message = REFUSED_MEDIA[name]
    response = post(gateway, request(make()))
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["code"], error["param"]) == ("bad_response_status_code", "input[0].content[0]")
    assert error["message"].startswith(f"<400> InternalError.Algo.InvalidParameter: {message} (request id: ")


@given(
    kind=st.sampled_from(["image", "audio", "video"]),
    number=st.integers(0, 5),
    at=st.floats(0, 1),
    noise=st.binary(max_size=16),
    kept=st.floats(0, 1),
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_measured_or_refused(
    kind: Literal["image", "audio", "video"], number: int, at: float, noise: bytes, kept: float
) -> None:
    data = _samples()[number]
    start = int(min(len(data), 600) * at)  # headers are where damage shows
    damaged = (data[:start] + noise + data[start + len(noise) :])[: int(len(data) * kept)]
    measure_module.measure(damaged)
    with suppress(Refusal):  # nothing else
        check_media(kind, damaged, "input[0]")


@cache
def _samples() -> list[bytes]:
    containers = ("mp4", "matroska", "mpegts")
    pictures = [clips.image(codec, clips.RED) for codec in ("png", "mjpeg", "bmp")]
    return [*pictures, *(_clip(container=container) for container in containers)]


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_in_the_services_words(gateway: LocalGateway, name: str) -> None:
    body, status, code, said = REFUSED[name]
    response = post(gateway, body)
    assert response.status_code == status
    error = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == ("rix_api_error", code)
    assert said in error["message"]
    assert error["message"].endswith(f"(request id: {response.headers['x-request-id']})")


@pytest.mark.parametrize(
    ("key", "status"),
    [("sk-local", 200), ("Bearer sk-local", 200), ("sk-other", 401), ("Bearer sk-other", 401), ("", 401)],
)
def test_takes_the_key_bare_or_as_bearer(gateway: LocalGateway, key: str, status: int) -> None:
    assert post(gateway, request(), key=key).status_code == status


def test_knows_one_address(gateway: LocalGateway) -> None:
    assert post(gateway, request(), path="/chat/completions").status_code == 404
    assert HTTP.get(gateway.base_url + "/responses").status_code == 404


@pytest.mark.parametrize(("surplus", "status"), [(0, 200), (1, 400)])
def test_data_uri_limit_is_exact(gateway: LocalGateway, surplus: int, status: int) -> None:
    head, picture = "data:image/png;base64,", clips.image("png", clips.RED)
    padded = picture + bytes((10_485_760 - len(head)) // 4 * 3 - len(picture))
    url = head + b64encode(padded).decode()
    url = url.replace("png", "png" + "x" * (10_485_760 - len(url) + surplus), 1)
    assert len(url) == 10_485_760 + surplus
    response = post(gateway, request({"type": "image_url", "image_url": {"url": url}}))
    assert response.status_code == status
    if status == 400:
        assert "max bytes per data-uri item : 10485760" in response.json()["error"]["message"]


def test_answers_an_unknown_voice_with_nothing(gateway: LocalGateway) -> None:
    response = post(gateway, request(modalities=["text", "audio"], audio={"voice": "Cherry", "format": "wav"}))
    assert (response.status_code, response.content) == (200, b"")


# --- what it tells ----------------------------------------------------------------------------------------------------

VIDEO_TAIL = "Main colours: red, blue. 1 cut, at 1.0 s."
TONE = "1 channel, 44100 Hz, loudness −9 dBFS"


def test_answers_text_in_the_services_order(gateway: LocalGateway) -> None:
    events = events_of(post(gateway, request()))
    kinds = [event["type"].removeprefix("response.") for event in events]
    assert list(dict.fromkeys(kinds)) == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert deltas == [f"{word} " for word in ASKED.split(" ")[:-1]] + ["here?'"]
    assert events[-3]["part"]["text"] == ASKED
    assert "usage" not in events[-1]["response"]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(
            lambda: [clips.video_part(clips.clip(clips.RED, clips.BLUE))],
            f"I received a video: MP4, 2.0 s, 320×240 at 10 fps, H.264; with sound (AAC, {TONE}). {VIDEO_TAIL}",
            id="mp4",
        ),
        pytest.param(
            lambda: [clips.video_part(clips.clip(clips.RED, clips.BLUE, amplitude=None))],
            f"I received a video: MP4, 2.0 s, 320×240 at 10 fps, H.264; without sound. {VIDEO_TAIL}",
            id="without_sound",
        ),
        pytest.param(
            lambda: [clips.video_part(clips.clip(clips.RED, amplitude=0.0))],
            "I received a video: MP4, 1.0 s, 320×240 at 10 fps, H.264; with a silent sound track "
            "(AAC, 1 channel, 44100 Hz). Main colours: red. No cuts.",
            id="silent",
        ),
        pytest.param(
            lambda: [clips.video_part(clips.clip(clips.BLUE, container="avi", codec="mpeg4", amplitude=None))],
            "I received a video: AVI, 1.0 s, 320×240 at 10 fps, MPEG-4; without sound. Main colours: blue. No cuts.",
            id="avi",
        ),
        pytest.param(
            lambda: [clips.audio_part(clips.sound(2.0, 0.5))],
            "I received audio: WAV, 2.0 s, PCM, 1 channel, 16000 Hz, loudness −9 dBFS.",
            id="wav",
        ),
        pytest.param(
            lambda: [clips.audio_part(clips.sound(1.5, 0.0, container="flac", codec="flac"))],
            "I received audio: FLAC, 1.5 s, 1 channel, 16000 Hz, silent.",
            id="silent_flac",
        ),
        pytest.param(
            lambda: [clips.image_part(clips.image("png", clips.RED))],
            "I received an image: PNG, 320×240. Main colours: red.",
            id="png",
        ),
        pytest.param(
            lambda: [clips.image_part(clips.image("mjpeg", (255, 255, 255), width=64, height=48))],
            "I received an image: JPEG, 64×48. Main colours: white.",
            id="jpeg",
        ),
        pytest.param(
            lambda: [clips.image_part(clips.image("bmp", clips.BLUE)), clips.audio_part(clips.sound(1.0, 0.5))],
            "I received an image: BMP, 320×240. Main colours: blue. "
            "I received audio: WAV, 1.0 s, PCM, 1 channel, 16000 Hz, loudness −9 dBFS.",
            id="two_parts",
        ),
        pytest.param(
            lambda: [{"type": "video", "video": [clips.data_url(clips.image("png", clips.RED))] * 4}],
            "I received a video as a list of 4 frames, the first of 320×240. Main colours: red.",
            id="frames",
        ),
        pytest.param(
            lambda: [{"type": "video", "video": ["https://example.org/1.png"] * 2}],
            "I received a video as a list of 2 frames.",
            id="frames_by_url",
        ),
        pytest.param(
            lambda: [clips.audio_part(clips.clip(clips.RED))],
            f"I received audio: MP4, 1.0 s, 320×240 at 10 fps, H.264; with sound (AAC, {TONE}). "
            "Main colours: red. No cuts.",
            id="the_sound_of_a_video",
        ),
        pytest.param(
            lambda: [{"type": "video_url", "video_url": {"url": "https://example.org/clip.mp4"}}],
            "I received a video by URL, which is not fetched here.",
            id="url",
        ),
    ],
)
def test_tells_what_it_measured(gateway: LocalGateway, make: Any, expected: str) -> None:
    assert text_of(post(gateway, request(*make()))) == f"{ASKED} {expected}"


def test_tells_of_damage_midway(gateway: LocalGateway) -> None:
    whole = clips.sound(2.0, 0.5, container="flac", codec="flac")
    damaged = whole[: len(whole) // 2] + bytes(len(whole) // 4)
    text = text_of(post(gateway, request(clips.audio_part(damaged))))
    assert text.startswith(f"{ASKED} I received audio: FLAC, ")


def test_looks_at_sixteen_media_and_counts_the_rest(gateway: LocalGateway) -> None:
    parts = [clips.image_part(clips.image("png", clips.RED, width=16, height=16))] * 18
    text = text_of(post(gateway, request(*parts)))
    assert text.count("I received an image: PNG, 16×16.") == 16
    assert text.endswith("I did not look at 2 more.")


PICTURE = clips.image_part(clips.image("png", clips.RED))


def test_knows_the_conversation_and_asks_for_words(gateway: LocalGateway) -> None:
    messages = [SYSTEM, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."}]
    text = text_of(post(gateway, saying(*messages, {"role": "user", "content": [PICTURE]})))
    assert "You asked nothing in words. The conversation holds 4 messages." in text


def test_quotes_only_the_beginning_of_a_long_question(gateway: LocalGateway) -> None:
    text = text_of(post(gateway, saying({"role": "user", "content": "a " * 5000})))
    assert f"'{'a ' * 150}…'" in text


@pytest.fixture(autouse=True)
def _nothing_measured_yet() -> None:
    measure_module._MEASURED.clear()


def test_without_pyav_it_tells_format_and_size(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    data = clips.image("png", clips.RED)
    monkeypatch.setattr(measure_module, "av", None)
    text = text_of(post(gateway, request(clips.image_part(data))))
    assert f"an image: PNG, {len(data)} bytes, not measured, since PyAV is not installed." in text


@pytest.mark.parametrize(
    ("options", "text", "finish"),
    [
        ({"max_output_tokens": 3}, "This is a ", "max_output_tokens"),
        ({"max_output_tokens": 500}, ASKED, None),
        ({"stop": " answer"}, "This is a simulated", None),
        ({"stop": ["local", "simulated", "", "zebra"]}, "This is a ", None),
    ],
)
def test_stops_where_the_request_says(
    gateway: LocalGateway, options: dict[str, Any], text: str, finish: str | None
) -> None:
    response = post(gateway, request(**options))
    last = events_of(response)[-1]
    assert text_of(response) == text
    assert last["type"] == ("response.incomplete" if finish else "response.completed")
    assert last["response"].get("incomplete_details") == ({"reason": finish} if finish else None)


def test_a_moving_picture_has_no_cuts_but_a_jump_is_one() -> None:
    def seen(*values: int) -> list[Picture]:
        return [Picture(number / 10, bytes([value] * 12)) for number, value in enumerate(values)]

    assert cuts(seen(0, 10, 20, 30, 40)) == ()
    assert cuts(seen(0, 0, 0, 30, 60, 90, 90, 90, 90)) == ()
    assert cuts(seen(9, 9, 9, 90, 90, 90)) == (0.3,)
    assert cuts([]) == ()


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x00\x00\x00\x18ftypisom", "MP4"),
        (b"\x00\x00\x00\x18ftypM4A ", "M4A"),
        (b"\x00\x00\x00\x18ftyp3gp5", "3GP"),
        (b"\x00\x00\x00\x18ftypqt  ", "MOV"),
        (b"\x00\x00\x00\x08wide\x00\x00", "MOV"),
        (b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska", "MKV"),
        (b"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm", None),
        (b"RIFF\x00\x00\x00\x00WEBP", "WebP"),
        (b"RIFF\x00\x00\x00\x00ACON", None),
        ((b"\x47" + bytes(187)) * 3, None),
        (b"\x47" + bytes(187) + b"\x47", None),
        (b"\x00\x00\x00\x18ftypavif", None),
        (b"II*\x00\x08\x00\x00\x00", None),
        (b"\xff\xf1\x50\x80", "AAC"),
        (b"\xff\xfb\x90\x64", "MP3"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x00", "MP3"),
        (b"\xff\x00", None),
        (b"#!AMR\n\x3c" + bytes(31), "AMR"),
        (b"", None),
    ],
)
def test_names_formats_by_their_first_bytes(head: bytes, name: str | None) -> None:
    format = sniff(head)
    assert (format and format.name) == name


def test_the_gateway_opens_what_the_client_sends() -> None:
    assert FORMATS.keys() >= mime.TAKEN


def test_long_video_is_seen_by_its_key_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure_module, "_DECODED_PIXELS", 1)
    facts = measure_module.measure(clips.clip(clips.RED, clips.BLUE, amplitude=None))
    assert facts.vision is not None
    assert facts.vision.colours[0] == "red"
    assert not facts.damaged


def test_huge_pictures_are_named_and_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure_module, "_PICTURE_PIXELS", 1)
    facts = measure_module.measure(clips.image("png", clips.RED))
    assert facts.vision == measure_module.Vision("png", 320, 240, None)
    assert not facts.damaged


def test_measuring_stops_when_cancelled() -> None:
    facts = measure_module.measure(clips.clip(clips.RED), cancelled=lambda: True)
    assert facts.vision is not None
    assert facts.vision.colours == ()


# --- what it counts ---------------------------------------------------------------------------------------------------

QUESTION_TOKENS = 5  # "What happens here?", 18 letters


@pytest.mark.parametrize(
    ("make", "tokens", "audio"),
    [
        pytest.param(list, 0, 0, id="text"),
        pytest.param(lambda: [clips.audio_part(clips.sound(2.0, 0.5))], 14, 14, id="audio_7_a_second"),
        pytest.param(
            lambda: [clips.audio_part(clips.sound(2.0, 0.5)), clips.audio_part(clips.sound(1.0, 0.5))],
            21,
            21,
            id="audio_twice",
        ),
        pytest.param(lambda: [clips.image_part(clips.image("png", clips.RED))], 10 * 8 + 2, 0, id="image_32x32"),
        pytest.param(
            lambda: [clips.image_part(clips.image("png", clips.RED, width=16, height=16))],
            24 + 2,
            0,
            id="image_at_least",
        ),
        pytest.param(
            lambda: [clips.image_part(clips.image("png", clips.RED, width=2048, height=2048))],
            1280 + 2,
            0,
            id="image_at_most",
        ),
        pytest.param(
            lambda: [clips.video_part(clips.clip(clips.RED, clips.BLUE, amplitude=None))], 2 * 80 + 2, 0, id="video"
        ),
        pytest.param(
            lambda: [clips.video_part(clips.clip(clips.RED, amplitude=None)) | {"fps": 10, "max_pixels": 65_536}],
            5 * 64 + 2,
            0,
            id="video_looked_at_closely",
        ),
        pytest.param(
            lambda: [clips.video_part(clips.clip(clips.RED, clips.BLUE))], 14 + 2 * 80 + 2, 14, id="video_with_sound"
        ),
        pytest.param(
            lambda: [{"type": "video", "video": [clips.data_url(clips.image("png", clips.RED))] * 4}],
            2 * 80 + 2,
            0,
            id="frames",
        ),
        pytest.param(
            lambda: [{"type": "video", "video": [clips.data_url(clips.image("png", clips.RED, width=2560))] * 4}],
            2 * 640 + 2,
            0,
            id="frames_at_most",
        ),
        pytest.param(
            lambda: [{"type": "video_url", "video_url": {"url": "https://example.org/clip.mp4"}}], 0, 0, id="by_url"
        ),
    ],
)
def test_counts_input_tokens(gateway: LocalGateway, make: Any, tokens: int, audio: int) -> None:
    response = post(gateway, request(*make(), stream_options={"include_usage": True}))
    usage = events_of(response)[-1]["response"]["usage"]
    output = count_text(text_of(response))
    assert usage == {
        "input_tokens": QUESTION_TOKENS + tokens,
        "input_tokens_details": {"cached_tokens": 0} | ({"audio_tokens": audio} if audio else {}),
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": QUESTION_TOKENS + tokens + output,
    }


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("abcd", 1), ("abcde", 2), ("你好", 2), ("你好 ok", 3)])
def test_counts_text(text: str, tokens: int) -> None:
    assert count_text(text) == tokens


# --- how it speaks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("speaker", "shortest", "longest"), [("espeak", 3.0, 12.0), ("tones", 4.7, 4.9)])
def test_speaks(speaker: Any, shortest: float, longest: float) -> None:
    with LocalGateway(speak=speaker) as gateway:
        response = post(gateway, request(**SPOKEN, stream_options={"include_usage": True}))
    wav = speech_of(response)
    assert wav == scripts.wav(wav[44:])
    seconds = (len(wav) - 44) / 48_000
    assert shortest < seconds < longest
    assert -30 < level_of(wav[44:]) < -10
    usage = events_of(response)[-1]["response"]["usage"]
    assert usage["output_tokens"] == count_text(ASKED) + math.ceil(seconds * 12.5)
    assert usage["output_tokens_details"] == {"reasoning_tokens": 0, "audio_tokens": math.ceil(seconds * 12.5)}


def test_a_voice_is_always_the_same_and_never_another() -> None:
    assert speak("Good morning.", "Tina", "tones") == speak("Good morning.", "Tina", "tones")
    assert speak("Good morning.", "Tina", "tones") != speak("Good morning.", "Ethan", "tones")
    # espeak-ng lets its voices flutter, by a few samples: no two utterances of it are equal
    again, first, other = (len(speak("Good morning.", voice, "espeak")) for voice in ("Tina", "Tina", "Li"))
    assert abs(again - first) < 1000 < abs(other - first)


def test_chinese_is_spoken_in_chinese() -> None:
    # an English voice reads out what each sign is called
    assert len(speak("起重机停下来了，因为风太大。", "Tina", "espeak")) / 48_000 < 5


def test_many_threads_start_one_espeak() -> None:
    code = (
        "import threading\n"
        "from langchain_dmx_omni.testing import _espeak\n"
        "meet, libraries = threading.Barrier(8), []\n"
        "def load():\n"
        "    meet.wait()\n"
        "    libraries.append(_espeak.load())\n"
        "threads = [threading.Thread(target=load) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(len(set(map(id, libraries))))\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.strip() == b"1"


@pytest.mark.parametrize("speaker", ["espeak", "tones"])
def test_speech_ends_after_a_minute(speaker: Any) -> None:
    assert 59 < len(speak("one two three " * 200, "Tina", speaker)) / 48_000 <= 60


def test_tones_do_not_click() -> None:
    samples = array("h", speak("abc def ghi jkl", "Tina", "tones"))
    assert max(abs(after - before) for before, after in pairwise(samples)) < 2000


# --- scripts ----------------------------------------------------------------------------------------------------------


def test_plays_scripts_in_turn_and_then_is_itself_again(gateway: LocalGateway) -> None:
    gateway.play(scripts.sse(scripts.answer("One.")), scripts.error(429, "busy", headers={"Retry-After": "2"}))
    assert text_of(post(gateway, b"anything", key="none")) == "One."
    response = post(gateway, {})
    assert (response.status_code, response.headers["retry-after"]) == (429, "2")
    assert response.json() == {
        "error": {"message": "busy", "type": "rix_api_error", "param": None, "code": None},
    }
    assert text_of(post(gateway, request())) == ASKED


def test_reset_forgets(gateway: LocalGateway) -> None:
    gateway.play(scripts.error(500))
    post(gateway, request(), path="/elsewhere")
    gateway.play(scripts.error(500))
    gateway.reset()
    assert gateway.requests == []
    assert post(gateway, request()).status_code == 200


@pytest.mark.parametrize("name", [name for name in scripts.ARRIVALS if not name.startswith("aborts")])
def test_arrivals_reach_the_client_byte_for_byte(gateway: LocalGateway, name: str) -> None:
    script = scripts.ARRIVALS[name]()
    gateway.play(script)
    response = post(gateway, request())
    assert response.status_code == script.status
    assert response.content == script.payload
    assert response.headers["content-type"] == script.headers["content-type"]


@pytest.mark.parametrize("name", scripts.ERRORS)
def test_errors_reach_the_client(gateway: LocalGateway, name: str) -> None:
    script = scripts.ERRORS[name]()
    gateway.play(script)
    response = post(gateway, request())
    assert (response.status_code, response.content) == (script.status, script.payload)
    assert script.headers.items() >= {"content-type": response.headers["content-type"]}.items()
    assert response.status_code == int(name[:3]) if name[:3].isdigit() else response.is_error


@pytest.mark.parametrize("name", ["aborts", "aborts_at_once"])
def test_an_abort_breaks_the_body(gateway: LocalGateway, name: str) -> None:
    script = scripts.ARRIVALS[name]()
    gateway.play(script)
    received: list[bytes] = []
    with HTTP.stream("POST", gateway.base_url + "/responses", json=request()) as response:
        assert response.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            received.extend(response.iter_raw())
    assert b"".join(received) == script.payload
    assert gateway.requests[0].finished.wait(5)
    assert not gateway.requests[0].disconnected.is_set()


def test_chunks_are_flushed_and_pauses_kept(gateway: LocalGateway) -> None:
    gateway.play(Script(body=(b"one", 0.2, b"two")))
    moments: list[tuple[bytes, float]] = []
    with HTTP.stream("POST", gateway.base_url + "/responses", json={}) as response:
        moments = [(chunk, time.monotonic()) for chunk in response.iter_raw()]
    assert [chunk for chunk, _ in moments] == [b"one", b"two"]
    assert 0.15 < moments[1][1] - moments[0][1] < 2


def test_pace_spreads_a_default_answer() -> None:
    with LocalGateway(pace=0.01) as gateway:
        begun = time.monotonic()
        assert text_of(post(gateway, request())) == ASKED
        assert time.monotonic() - begun > 0.15


@pytest.mark.parametrize("shape", scripts.SPEECH_SHAPES)
def test_every_shape_carries_the_same_speech(shape: str) -> None:
    events = scripts.spoken("Hi.", scripts.PCM, shape)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    deltas = b"".join(
        data[44:] if shape == "deltas_wav_each" else data
        for data in (b64decode(event["delta"]) for event in events if event["type"].endswith("audio.delta"))
    )
    items = [
        b64decode(part["audio"]["data"])
        for event in events
        if event["type"] == "response.output_item.done"
        for part in event["item"]["content"]
        if part["type"] == "output_audio"
    ]
    if deltas and items:
        assert items == [scripts.wav(scripts.PCM)]
        items = []
    pieces = [piece[44:] if piece.startswith(b"RIFF") else piece for piece in [deltas, *items]]
    assert b"".join(pieces) == scripts.PCM
    if shape.startswith("several") and "sliced" not in shape:
        assert [len(item) % 3 for item in items[:2]].count(0) == 0


def test_sse_layouts() -> None:
    event = {"type": "ping", "text": "\u2028é"}
    data = 'data: {"type":"ping","text":"\u2028é"}'.encode()
    assert scripts.sse([event]).body == (b"event: ping\n" + data + b"\n\n", b"data: [DONE]\n\n")
    assert scripts.sse([event], event_lines=False, newline=b"\r\n", done=False).body == (data + b"\r\n\r\n",)
    assert scripts.sse([event], blank_lines=False, done=False, pings=2).body == (
        b": PING\n", b": PING\n", b"event: ping\n" + data + b"\n",
    )  # fmt: skip
    assert scripts.sse([], cut=5, pause=0.5).body == (b"data:", 0.5, b" [DON", 0.5, b"E]\n\n")


# --- what it remembers ------------------------------------------------------------------------------------------------


def test_records_requests(gateway: LocalGateway) -> None:
    body = request(temperature=0.5)
    post(gateway, body)
    post(gateway, b"[1]", path="/elsewhere")
    first, second = gateway.requests
    assert (first.path, first.body, first.size) == ("/v1/responses", body, len(json.dumps(body)))
    assert first.headers["authorization"] == "sk-local"
    assert (second.path, second.body, second.size) == ("/v1/elsewhere", None, 3)
    assert first.finished.wait(5)
    assert not first.disconnected.is_set()
    assert "sk-local" not in repr(first)


def finished(record: RecordedRequest) -> bool:
    return record.disconnected.wait(5) and record.finished.wait(5)


@pytest.mark.parametrize("script", [Script(body=(b"x", 60.0)), Script(body=(bytes(20_000_000),) * 20)])
def test_notices_a_client_that_leaves(gateway: LocalGateway, script: Script) -> None:
    gateway.play(script)
    with HTTP.stream("POST", gateway.base_url + "/responses", json={}) as response:
        chunks = response.iter_raw()  # held: dropping it would end the response
        next(chunks)
        assert not gateway.requests[0].disconnected.is_set()
    assert finished(gateway.requests[0])


def test_notices_a_client_that_leaves_before_its_request_is_whole(gateway: LocalGateway) -> None:
    url = httpx.URL(gateway.base_url)
    with socket.create_connection((url.host, url.port)) as client:
        client.sendall(b"POST /v1/responses HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{")
        until(lambda: gateway.requests and gateway.requests[0].size)
    assert finished(gateway.requests[0])
    assert (gateway.requests[0].body, gateway.requests[0].size) == (None, 1)


# --- start and stop ---------------------------------------------------------------------------------------------------


def test_starts_again_and_leaves_nothing_behind() -> None:
    before = threading.active_count()
    gateway = LocalGateway()
    with pytest.raises(RuntimeError, match="before start"):
        _ = gateway.base_url
    for _ in range(2):
        with gateway:
            assert gateway.start() is gateway
            post(gateway, request(clips.image_part(clips.image("png", clips.RED))))
        with pytest.raises(httpx.ConnectError):
            post(gateway, request())
    gateway.stop()
    assert threading.active_count() == before


def test_stops_at_once_with_streams_open() -> None:
    gateway = LocalGateway().start()
    gateway.play(*[Script(body=(b"x", 60.0))] * 3)
    with ExitStack() as stack:
        streams = [stack.enter_context(HTTP.stream("POST", gateway.base_url + "/responses")) for _ in range(3)]
        chunks = [stream.iter_raw() for stream in streams]
        assert [next(each) for each in chunks] == [b"x"] * 3
        assert not any(record.finished.is_set() for record in gateway.requests)
        begun = time.monotonic()
        gateway.stop()
        assert time.monotonic() - begun < 1
        assert all(record.finished.is_set() for record in gateway.requests)
        for each in chunks:
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
                next(each)


def test_stops_at_once_while_it_speaks() -> None:
    gateway = LocalGateway().start()
    long = request(**SPOKEN) | {"input": [{"role": "user", "content": "word " * 90}] * 2}

    def call() -> None:
        with pytest.raises(httpx.HTTPError):
            post(gateway, long)

    caller = threading.Thread(target=call)
    caller.start()
    until(lambda: gateway.requests and gateway.requests[0].body is not None)
    begun = time.monotonic()
    gateway.stop()
    assert time.monotonic() - begun < 1
    caller.join()


def test_several_at_once() -> None:
    with LocalGateway() as one, LocalGateway(api_key="sk-two") as two:
        assert one.base_url != two.base_url
        assert post(one, request()).status_code == 200
        assert post(two, request()).status_code == 401
        assert post(two, request(), key="sk-two").status_code == 200


def test_a_port_in_use_is_an_error_at_once(gateway: LocalGateway) -> None:
    with pytest.raises(OSError, match="in use"):
        LocalGateway(port=httpx.URL(gateway.base_url).port or 0).start()


def test_serves_until_it_is_stopped() -> None:
    gateway = LocalGateway().start()
    serving = threading.Thread(target=gateway.serve_forever)
    serving.start()
    assert post(gateway, request()).status_code == 200
    gateway.stop()
    serving.join(5)
    assert not serving.is_alive()


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_serves_until_control_c() -> None:
    # A shell starts what runs in the background with this signal ignored.
    code = """
import signal, sys, threading, traceback
signal.signal(signal.SIGINT, signal.default_int_handler)
from langchain_dmx_omni.testing import LocalGateway
gateway, main = LocalGateway().start(), threading.main_thread()
def report():
    names = []
    while ("serve_forever", "wait") not in zip(names, names[1:]):
        names = [frame.name for frame in traceback.extract_stack(sys._current_frames()[main.ident])]
    print(gateway.base_url, flush=True)
threading.Thread(target=report).start()
gateway.serve_forever()
print("bye")
"""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    ) as served:
        assert served.stdout is not None
        assert served.stdout.readline().startswith("http://127.0.0.1:")
        served.send_signal(signal.SIGINT)
        assert served.communicate(timeout=5) == ("bye\n", "")


def test_listens_on_ipv6() -> None:
    try:
        gateway = LocalGateway(host="::1").start()
    except OSError:
        pytest.skip("no IPv6 here")
    with gateway:
        assert gateway.base_url.startswith("http://[::1]:")
        assert post(gateway, request()).status_code == 200


def test_forgets_the_oldest_requests(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway_module, "_KEPT_REQUESTS", 2)
    for number in range(3):
        post(gateway, {"number": number})
    assert [record.body for record in gateway.requests] == [{"number": 1}, {"number": 2}]


def test_refuses_what_is_too_long_to_hold(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_MOST_BODY", 10)
    assert post(gateway, request()).status_code == 413


def test_without_espeak_it_speaks_in_tones_or_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    tones = speak("Hello.", "Tina", "tones")
    monkeypatch.setattr(espeak_module, "load", lambda: None)
    assert speak("Hello.", "Tina") == tones
    with pytest.raises(ImportError, match=r"pip install \"langchain-dmx-omni\[local\]\""):
        LocalGateway(speak="espeak")


def test_says_in_one_line_what_is_missing() -> None:
    code = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from langchain_dmx_omni.testing import LocalGateway, scripts\n"
        "try: LocalGateway()\n"
        "except ImportError as error: print(error)"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    assert process.stdout == 'LocalGateway needs: pip install "langchain-dmx-omni[local]"\n'
