"""`Speech`: from messages and chunks, to samples, WAV files and a player."""

from __future__ import annotations

import base64
import io
import wave
from typing import TYPE_CHECKING

import pytest
from IPython.core.formatters import DisplayFormatter
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_dmx_omni import Speech
from langchain_dmx_omni._media.wav import WavFormat
from langchain_dmx_omni.errors import InvalidInputError, NoSpeechError

if TYPE_CHECKING:
    from pathlib import Path

PCM = bytes(range(200)) * 240  # one second


def spoken(data: bytes, mime: str | None = "audio/wav") -> AIMessage:
    block = {"type": "audio", "base64": base64.b64encode(data).decode()}
    return AIMessage([{"type": "text", "text": "Hi."}, block | ({"mime_type": mime} if mime else {})])


@pytest.mark.parametrize(
    "data",
    [WavFormat().header(len(PCM)) + PCM, WavFormat().header(None) + PCM, PCM],
    ids=["WAV", "WAV of unknown length", "raw PCM"],
)
def test_speech_of_a_message(data: bytes) -> None:
    speech = Speech.from_message(spoken(data))
    assert (speech.pcm, speech.sample_rate, speech.channels, speech.sample_width) == (PCM, 24_000, 1, 2)
    assert speech.duration == 1.0
    assert speech.wav == WavFormat().header(len(PCM)) + PCM
    assert repr(speech) == "Speech(1.00 s, 24000 Hz)"


def test_other_rates_are_kept() -> None:
    speech = Speech.from_message(spoken(WavFormat(16_000, 2).header(64_000) + bytes(64_000)))
    assert (speech.sample_rate, speech.channels, speech.duration) == (16_000, 2, 1.0)


def test_saving(tmp_path: Path) -> None:
    path = Speech(PCM).save(tmp_path / "answer.wav")
    assert path == tmp_path / "answer.wav"
    with wave.open(str(path)) as reader:
        assert reader.getparams() == (1, 2, 24_000, 24_000, "NONE", "not compressed")
        assert reader.readframes(24_000) == PCM


def test_speech_of_chunks_that_were_not_added() -> None:
    whole = WavFormat().header(None) + PCM
    chunks = [
        AIMessageChunk(
            content=[{"type": "audio", "base64": base64.b64encode(whole[at : at + 3_000]).decode(), "index": 1}]
        )
        for at in range(0, len(whole), 3_000)
    ]
    assert Speech.from_chunks([AIMessageChunk(content="text"), *chunks]) == Speech(PCM)
    assert Speech.from_chunks(iter(chunks)) == Speech(PCM)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (AIMessage("Hi."), "the message holds no speech: give the model a voice, such as ChatDMXOmni(voice='Tina')"),
        (AIMessage([{"type": "text", "text": "Hi."}]), "the message holds no speech"),
        (spoken(b"ID3", "audio/mpeg"), "the speech is audio/mpeg, which can't be read as WAV: use audio_format='wav'"),
        (
            spoken(WavFormat(0).header(4) + b"1234"),
            "the message's audio block can't be read: the speech can't be read: ",
        ),
        (
            AIMessage([{"type": "audio", "base64": "https://example.com/a.wav"}]),
            "the message's audio block can't be read: the speech that arrived is not base64 but a URL: https://example",
        ),
        (AIMessage([{"type": "audio", "base64": "AQ!!"}]), "the message's audio block can't be read: "),
    ],
)
def test_no_speech(message: AIMessage, told: str) -> None:
    with pytest.raises(NoSpeechError) as caught:
        Speech.from_message(message)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    "layout", [{"sample_rate": 0}, {"sample_rate": 2**32}, {"channels": 0}, {"sample_width": 0}, {"sample_width": 9}]
)
def test_sound_that_can_not_be(layout: dict[str, int]) -> None:
    with pytest.raises(InvalidInputError, match=f"there is no sound with .*{next(iter(layout))}="):
        Speech(PCM, **layout)


def test_equality_is_of_sound() -> None:
    assert Speech(PCM) == Speech(PCM)
    assert Speech(PCM) != Speech(PCM, sample_rate=16_000)
    assert Speech(PCM) != PCM


def test_in_a_notebook_it_is_a_player() -> None:
    data, _ = DisplayFormatter().format(Speech(PCM))  # type: ignore[no-untyped-call]
    html = data["text/html"]
    prefix, suffix = '<audio controls src="data:audio/wav;base64,', '"></audio>'
    assert html.startswith(prefix)
    assert html.endswith(suffix)
    with wave.open(io.BytesIO(base64.b64decode(html[len(prefix) : -len(suffix)]))) as reader:
        assert reader.getnframes() == 24_000
