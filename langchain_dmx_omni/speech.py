"""`Speech`: the spoken answer of a message, as WAV and as samples."""

from __future__ import annotations

import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._media.speech_track import SpeechTrack
from ._media.wav import WavFormat
from .errors import InvalidInputError, NoSpeechError, ProtocolError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import Self

    from langchain_core.messages import BaseMessage

__all__ = ["Speech"]


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
                    mime = block.get("mime_type", "audio/wav")
                    if mime not in ("audio/wav", "audio/x-wav", "audio/wave"):
                        raise NoSpeechError(
                            f"the speech is {mime}, which can't be read as WAV: use audio_format='wav', "
                            "or decode the block's base64 yourself"
                        )
                    has_speech = True
                    parts.append(track.feed(block["base64"]))
            parts.append(track.end())
        except ProtocolError as error:
            raise NoSpeechError(f"the message's audio block can't be read: {error}") from None
        if not has_speech:
            raise NoSpeechError(
                "the message holds no speech: give the model a voice, such as ChatDMXOmni(voice='Tina')"
            )
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
