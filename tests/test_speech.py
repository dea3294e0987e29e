"""`Speech`: from messages and chunks, to samples, WAV files and a player."""

from __future__ import annotations

import asyncio
import base64
import io
import wave
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.formatters import DisplayFormatter
from langchain_core.messages import AIMessage, AIMessageChunk

from langchain_dmx_omni import Speech
from langchain_dmx_omni._media.wav import WavFormat
from langchain_dmx_omni.errors import InvalidInputError, NoSpeechError, ProtocolError
from langchain_dmx_omni.speech import apcm_chunks, pcm_chunks
from langchain_dmx_omni.testing import LocalGateway, scripts

from .calls import model, until

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


# While it streams


def played(stream: Any, way: str, **options: Any) -> list[bytes]:
    """The samples of a stream, as a player gets them."""

    async def collect() -> list[bytes]:
        async def again() -> Any:
            for item in stream:
                yield item

        return [pcm async for pcm in apcm_chunks(again(), **options)]

    return asyncio.run(collect()) if way == "async" else list(pcm_chunks(stream, **options))


@pytest.mark.filterwarnings("ignore:The method `BaseChatModel._a?chat_model_stream_v3` is in beta")
@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("shape", scripts.SPEECH_SHAPES)
def test_samples_while_they_stream(gateway: LocalGateway, shape: str, way: str) -> None:
    llm = model(gateway, voice="Tina")
    for _ in range(3):
        gateway.play(scripts.sse(scripts.spoken(scripts.TEXT, scripts.PCM, shape)))
    chunks = list(llm.stream("Hello?"))
    events = list(llm.stream_events("Hello?", version="v3"))
    for stream in (chunks, [(chunk, {"langgraph_node": "x"}) for chunk in chunks], events, [llm.invoke("Hello?")]):
        pcm = played(stream, way)
        assert b"".join(pcm) == scripts.PCM
        assert all(len(piece) % 2 == 0 for piece in pcm)


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize(
    ("message", "options", "error", "said"),
    [
        (AIMessage("Hi."), {}, NoSpeechError, "the stream held no speech: give the model a voice"),
        (spoken(b"ID3", "audio/mpeg"), {}, NoSpeechError, "the speech is audio/mpeg, which can't be read as WAV"),
        (
            spoken(WavFormat(16_000, 2).header(4) + b"1234"),
            {"sample_rate": 48_000},
            ProtocolError,
            "the speech is 16-bit at 16000 Hz with 2 channel(s), and the player is for 16-bit at 48000 Hz with 1",
        ),
    ],
)
def test_what_no_player_plays(
    message: AIMessage, options: dict[str, int], error: type[Exception], said: str, way: str
) -> None:
    with pytest.raises(error) as caught:
        played([message], way, **options)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_sound_is_played_while_it_comes_and_leaving_hangs_up(gateway: LocalGateway, way: str) -> None:
    gateway.play(scripts.sse(scripts.spoken(scripts.TEXT, scripts.PCM, "deltas"), pause=0.01))
    llm = model(gateway, voice="Tina")

    async def first() -> bytes:
        async for pcm in (pieces := apcm_chunks(llm.astream("Hello?"))):
            await pieces.aclose()
            return pcm
        return b""

    if way == "async":
        pcm = asyncio.run(first())
    else:
        pieces = pcm_chunks(llm.stream("Hello?"))
        pcm = next(pieces)
        pieces.close()
    assert scripts.PCM.startswith(pcm)
    assert 0 < len(pcm) < len(scripts.PCM)
    until(gateway.requests[0].disconnected.is_set)
