"""`Speech`: the spoken answer of a message, as WAV and as samples."""

from __future__ import annotations

import binascii
from contextlib import aclosing, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ._media.speech_track import SpeechTrack
from ._media.wav import SAMPLE_RATE, WavFormat
from .errors import InvalidInputError, NoSpeechError, ProtocolError

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Mapping
    from typing import Self

    from langchain_core.messages import BaseMessage

__all__ = ["Speech", "apcm_chunks", "pcm_chunks"]

_WAV = ("audio/wav", "audio/x-wav", "audio/wave")
_NO_SPEECH = "the {} no speech: give the model a voice, such as ChatDMXOmni(voice='Tina')"


def __dir__() -> list[str]:
    return __all__


class Speech:
    """A spoken answer. In a notebook it shows as an audio player.

    Attributes:
        pcm: The samples: little-endian, interleaved where there are several channels.
        sample_rate: Hertz; the service speaks at 24,000.
        channels: 1 for the service's speech.
        sample_width: Bytes of one sample; 2 for the service's speech.

    Raises:
        InvalidInputError: The rate, the channels or the width are none that a WAV can have.
    """

    def __init__(self, pcm: bytes, *, sample_rate: int = 24_000, channels: int = 1, sample_width: int = 2) -> None:
        layout = WavFormat(sample_rate, channels, sample_width)
        if not layout.is_possible:
            raise InvalidInputError(
                f"there is no sound with sample_rate={sample_rate}, channels={channels}, sample_width={sample_width}"
            )
        self.pcm = pcm
        self.sample_rate = sample_rate
        self.channels = channels
        self.sample_width = sample_width

    @classmethod
    def from_message(cls, message: BaseMessage) -> Self:
        """Return the speech of an answer.

        Raises:
            NoSpeechError: The message holds none, or holds it in a format that is not WAV.
        """
        return cls.from_chunks([message])

    @classmethod
    def from_chunks(cls, chunks: Iterable[BaseMessage]) -> Self:
        """Return the speech of a streamed answer from its chunks, without adding them.

        Raises:
            NoSpeechError: The chunks hold none, or hold it in a format that is not WAV.
        """
        track, has_speech = SpeechTrack(), False
        parts: list[bytes] = []
        try:
            for chunk in chunks:
                for block in _audio_blocks(chunk):
                    _check_is_wav(block)
                    has_speech = True
                    parts.append(track.feed(block["base64"]))
            parts.append(track.end())
        except ProtocolError as error:
            raise NoSpeechError(f"the message's audio block can't be read: {error}") from None
        if not has_speech:
            raise NoSpeechError(_NO_SPEECH.format("message holds"))
        layout: WavFormat = track.format
        return cls(
            b"".join(parts),
            sample_rate=layout.sample_rate,
            channels=layout.channels,
            sample_width=layout.sample_width,
        )

    @property
    def wav(self) -> bytes:
        """The speech as a WAV file."""
        layout = WavFormat(self.sample_rate, self.channels, self.sample_width)
        return layout.header(len(self.pcm)) + self.pcm

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.pcm) / (self.sample_rate * self.channels * self.sample_width)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the WAV file and return its path."""
        target = Path(path)
        target.write_bytes(self.wav)
        return target

    def __repr__(self) -> str:
        return f"Speech({self.duration:.2f} s, {self.sample_rate} Hz)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Speech) and (other.pcm, other.sample_rate, other.channels, other.sample_width) == (
            self.pcm,
            self.sample_rate,
            self.channels,
            self.sample_width,
        )

    __hash__ = None  # type: ignore[assignment]  # bytes of any length: compare, don't hash

    def _repr_html_(self) -> str:
        data = binascii.b2a_base64(self.wav, newline=False).decode("ascii")
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio>'


def _audio_blocks(message: BaseMessage) -> list[dict[str, Any]]:
    content = message.content if isinstance(message.content, list) else []
    return [
        block
        for block in content
        if isinstance(block, dict) and block.get("type") == "audio" and isinstance(block.get("base64"), str)
    ]


def _check_is_wav(block: Mapping[str, Any]) -> None:
    mime = block.get("mime_type", "audio/wav")
    if mime not in _WAV:
        raise NoSpeechError(
            f"the speech is {mime}, which can't be read as WAV: use audio_format='wav', "
            "or decode the block's base64 yourself"
        )


# While it streams


def pcm_chunks(stream: Iterable[Any], *, sample_rate: int = SAMPLE_RATE) -> Generator[bytes]:
    """Yield the samples of speech as they arrive, for a player: little-endian int16 of one channel.

    Leaving the loop early hangs up.

    Args:
        stream: What `llm.stream` gives, protocol events (`stream_events(version="v3")`), or what LangGraph gives for
            `stream_mode="messages"`.
        sample_rate: Hertz that the player plays; the service speaks at 24,000.

    Raises:
        NoSpeechError: The stream ends without speech, or the speech is no WAV.
        ProtocolError: The speech can't be read, or has another rate or layout than the player.
    """
    samples = _Samples(sample_rate)
    with closing(cast("Any", stream)) if hasattr(stream, "close") else nullcontext():
        for item in stream:
            if pcm := samples.feed(item):
                yield pcm
    if pcm := samples.end():
        yield pcm


async def apcm_chunks(stream: AsyncIterable[Any], *, sample_rate: int = SAMPLE_RATE) -> AsyncGenerator[bytes]:
    """Async version of `pcm_chunks`."""
    samples = _Samples(sample_rate)
    async with aclosing(cast("Any", stream)) if hasattr(stream, "aclose") else nullcontext():
        async for item in stream:
            if pcm := samples.feed(item):
                yield pcm
    if pcm := samples.end():
        yield pcm


class _Samples:
    """What streams hold → samples of the one layout that a player plays."""

    def __init__(self, sample_rate: int) -> None:
        self._layout = WavFormat(sample_rate)
        self._track = SpeechTrack()
        self._begun = False

    def feed(self, item: Any) -> bytes:
        """Return the samples that a chunk or an event completes."""
        return b"".join(map(self._read, _speech_in(item)))

    def end(self) -> bytes:
        """Return what is left."""
        if not self._begun:
            raise NoSpeechError(_NO_SPEECH.format("stream held"))
        return self._checked(self._track.end())

    def _read(self, block: Mapping[str, Any]) -> bytes:
        _check_is_wav(block)
        self._begun = True
        return self._checked(self._track.feed(block["base64"]))

    def _checked(self, pcm: bytes) -> bytes:
        layout = self._track.format
        if pcm and layout[:3] != self._layout[:3]:
            raise ProtocolError(f"the speech is {_described(layout)}, and the player is for {_described(self._layout)}")
        return pcm


def _described(layout: WavFormat) -> str:
    return f"{layout.sample_width * 8}-bit at {layout.sample_rate} Hz with {layout.channels} channel(s)"


def _speech_in(item: Any) -> list[dict[str, Any]]:
    """Return the pieces of speech in a message chunk, alone or with LangGraph's metadata, or in a protocol event."""
    match item:
        case (message, _):
            return _speech_in(message)
        case {"event": "content-block-delta", "delta": {"type": "data-delta", "data": str(data)}}:
            return [{"base64": data}]
        case {"event": "content-block-start", "content": {"type": "audio"} as block}:
            return [{**block, "base64": ""}]
        case {}:
            return []
    return _audio_blocks(item)
