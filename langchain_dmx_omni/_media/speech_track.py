"""The speech of one answer → samples in one format, whatever form its parts arrive in.

The service sends base64 of a WAV file, or of raw PCM, whole or in pieces. Everything here works on pieces and
copies each once.
"""

from __future__ import annotations

import binascii

from langchain_dmx_omni.errors import ProtocolError

from .base64_text import Base64Decoder, is_base64, without_head
from .wav import HEADER_SIZE, WavFormat, WavReader

_BASE64_OF_RIFF = "UklGR"
_HEAD = 100
"""Characters in which the head of a data URL ends."""

_MAGIC_SIZE = 12
"""Bytes by which a WAV is known: `RIFF`, its length, `WAVE`."""


class WavPart:
    """The samples of a whole WAV that came as base64, which is decoded only when its bytes are asked for.

    Args:
        text: The base64 text.
        size: Bytes of samples behind the header.
    """

    def __init__(self, text: str, size: int) -> None:
        self.text = text
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return binascii.a2b_base64(self.text)[HEADER_SIZE:]


class SpeechTrack:
    """The speech of one answer: parts in, samples out, in one format.

    Args:
        container: The `audio_format` that was asked for. `"wav"` and `"pcm"` become one WAV; anything else
            is handed on as it is.

    Attributes:
        format: Layout of the samples, from the first header.
        size: Bytes of samples given out.
    """

    def __init__(self, container: str = "wav") -> None:
        self.format = WavFormat()
        self.size = 0
        self._container = container
        self._plain = container in ("wav", "pcm")
        self._reader = WavReader()
        self._base64 = Base64Decoder()
        self._known = False  # whether a header has set the format
        self._open = False
        self._half = b""
        self._at_start = True  # of a part, which may begin with a header
        self._opening = b""  # bytes of a part's beginning that are too few to tell

    @property
    def mime_type(self) -> str:
        """MIME type of the block that holds the speech."""
        return "audio/wav" if self._plain else f"audio/{'mpeg' if self._container == 'mp3' else self._container}"

    def header(self, *, final: bool) -> bytes:
        """Return what goes before the samples; `final` when their length is known."""
        return self.format.header(self.size if final else None) if self._plain else b""

    def feed(self, text: str) -> bytes:
        """Return the samples that a piece of base64 completes, in whole frames.

        Raises:
            ProtocolError: It is not base64, or no speech that can be put behind the speech before it.
        """
        if self._plain and self._open and without_head(text[:_HEAD]).lstrip().startswith(_BASE64_OF_RIFF):
            return self.end_part() + self.samples(self._base64.feed(text))
        return self.samples(self._base64.feed(text))

    def whole(self, text: str) -> WavPart | None:
        """Return a part that came whole as it is, if it is the first and a WAV just as it would be written here."""
        size = len(text) // 4 * 3 - text[-2:].count("=") - HEADER_SIZE
        if self.size or self._open or not self._plain or size <= 0 or not is_base64(text):
            return None
        header = binascii.a2b_base64(text[:60])[:HEADER_SIZE]
        reader = WavReader()
        reader.feed(header)
        layout = reader.format
        if layout is None or header != layout.header(size) or size % layout.frame:
            return None
        self.format, self._known = layout, True
        self._count(size)
        return WavPart(text, size)

    def end_part(self) -> bytes:
        """Return what is left of a part, if one is open.

        What comes next continues it, as a slice of the same file, unless it has a header of its own.
        """
        if not self._open:
            return b""
        data = self.samples(self._base64.close())
        opening, self._opening = self._opening, b""
        if opening:
            data += self._read(opening)
        self._base64, self._open, self._at_start = Base64Decoder(), False, True
        return data

    def end(self) -> bytes:
        """Return what is left when nothing more comes: a sample that was cut is filled up."""
        data = self.end_part()
        return data + self._end_file() if self._plain else data

    def samples(self, data: bytes) -> bytes:
        """Return the samples that bytes complete, in whole frames."""
        self._open = True
        if not self._plain:
            self._count(len(data))
            return data
        before = b""
        if self._at_start and data:
            data, self._opening = self._opening + data, b""
            if len(data) < _MAGIC_SIZE and b"RIFF".startswith(data[:4]):
                self._opening = data
                return b""
            self._at_start = False
            if data[:4] == b"RIFF" and data[8:_MAGIC_SIZE] == b"WAVE":
                before = self._end_file()
        return before + self._read(data)

    def _read(self, data: bytes) -> bytes:
        try:
            data = self._reader.feed(data)
        except ValueError as error:
            raise ProtocolError(f"the speech can't be read: {error}") from None
        if self._reader.format is not None:
            if not self._known and self.size == 0:
                self.format, self._known = self._reader.format, True
            elif self._reader.format != self.format:
                raise ProtocolError(
                    f"the speech changes from {self.format} to {self._reader.format} midway; it can't be one WAV"
                )
        return self._frames(data)

    def _end_file(self) -> bytes:
        """Return the last samples of a file, and begin anew."""
        try:
            data = self._frames(self._reader.close())
        except ValueError as error:
            raise ProtocolError(f"the speech can't be read: {error}") from None
        if self._half:  # half a sample would shift, and so drown, everything behind it
            rest = self._half + bytes(self.format.frame - len(self._half))
            self._half = b""
            data += rest
            self._count(len(rest))
        self._reader = WavReader()
        return data

    def _frames(self, data: bytes) -> bytes:
        if self._half:
            data = self._half + data
        spare = len(data) % self.format.frame
        self._half = data[len(data) - spare :]
        whole = data[: len(data) - spare] if spare else data
        self._count(len(whole))
        return whole

    def _count(self, size: int) -> None:
        self.size += size
