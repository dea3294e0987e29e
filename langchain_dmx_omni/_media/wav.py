"""Speech on the wire → PCM → one WAV, whatever form the parts arrive in.

The service sends base64 of a WAV file, or of raw PCM, whole or in pieces; lengths in headers are often 0 or
0xFFFFFFFF (source: recorded streams of such gateways). Everything here works on pieces and copies each once.
"""

from __future__ import annotations

import binascii
import struct
from typing import Final, NamedTuple

from langchain_dmx_omni.errors import ProtocolError

SAMPLE_RATE: Final = 24_000
"""Hertz of raw PCM, which is mono int16 (source: Alibaba Model Studio on the model's speech)."""

_UNKNOWN_LENGTH = 0xFFFFFFFF
_HEADER = 44
# Chunks that writers put behind the samples. Anything else there means that the declared length was wrong.
_TRAILING_CHUNKS = frozenset({b"LIST", b"id3 ", b"ID3 ", b"JUNK", b"PEAK", b"bext", b"cue ", b"smpl", b"fact"})


class WavFormat(NamedTuple):
    """How samples are laid out: 16-bit mono at 24,000 Hz unless a header says otherwise."""

    sample_rate: int = SAMPLE_RATE
    channels: int = 1
    sample_width: int = 2
    """Bytes of one sample of one channel."""
    tag: int = 1
    """WAV's format tag: 1 is integer PCM, 3 is floating point."""

    @property
    def frame(self) -> int:
        """Bytes of one sample of all channels."""
        return max(1, self.channels * self.sample_width)

    def header(self, length: int | None) -> bytes:
        """Return the 44 bytes before `length` bytes of samples; None for a length not known yet."""
        data = _UNKNOWN_LENGTH if length is None else length
        riff = _UNKNOWN_LENGTH if length is None else length + _HEADER - 8
        rate, channels, width, tag = self
        layout = struct.pack("<HHIIHH", tag, channels, rate, rate * self.frame, self.frame, width * 8)
        return struct.pack("<4sI4s4sI16s4sI", b"RIFF", riff, b"WAVE", b"fmt ", 16, layout, b"data", data)


class Base64Decoder:
    """Decodes base64 that arrives in pieces: each padded by itself, or one text cut anywhere."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> bytes:
        """Return the bytes that `text` completes.

        Raises:
            ProtocolError: It is not base64.
        """
        if text.startswith("data:"):
            text = text[text.find(",") + 1 :]
        if "\n" in text:
            text = "".join(text.split())  # MIME's line breaks
        if self._held:
            text = self._held + text
        spare = len(text) % 4
        self._held = text[len(text) - spare :] if spare else ""
        try:
            return binascii.a2b_base64(text[: len(text) - spare] if spare else text, strict_mode=True)
        except ValueError as error:
            raise ProtocolError(f"the speech that arrived is not base64: {error}") from None

    def close(self) -> bytes:
        """Return what is left: the end of a text whose padding was left out."""
        held, self._held = self._held, ""
        try:
            return binascii.a2b_base64(held + "=" * (-len(held) % 4))
        except ValueError as error:
            raise ProtocolError(f"the speech that arrived ends in the middle of its base64: {error}") from None


class WavReader:
    """Takes the samples out of one part of speech, a WAV file or raw PCM, in pieces cut anywhere.

    Attributes:
        format: What the part's header says; None for raw PCM, or until the header has arrived.
    """

    def __init__(self) -> None:
        self.format: WavFormat | None = None
        self._head = b""  # bytes held back until what they are is known
        self._in_samples = False
        self._left: int | None = None  # bytes of samples that the header still promises; None: unknown
        self._padded = False  # whether a byte of padding follows them
        self._behind = False

    def feed(self, data: bytes) -> bytes:
        """Return the samples in `data`."""
        if not self._in_samples:
            data = self._head + data if self._head else data
            start = self._find_samples(data)
            if start is None:
                self._head = data
                return b""
            data = data[start:] if start else data
            self._head = b""
            self._in_samples = True
        elif self._head:
            data, self._head = self._head + data, b""
        if self._behind:
            return b""
        if self._left is None:
            return data
        if len(data) <= self._left:
            self._left -= len(data)
            return data
        return self._past_end(data, self._left)

    def close(self) -> bytes:
        """Return samples that were held back: a part too short to tell what it is."""
        head, self._head = self._head, b""
        return b"" if head[:4] == b"RIFF" else head

    def _find_samples(self, data: bytes) -> int | None:
        """Return where the samples begin, or None while the header is incomplete."""
        if not b"RIFF".startswith(data[:4]):
            return 0
        if len(data) < 12:
            return None
        at = 12
        while len(data) >= at + 8:
            name, size = struct.unpack_from("<4sI", data, at)
            if name == b"data":
                # A length of 0 before samples, or one that nothing fills, is a writer that did not know.
                self._left = None if size in (0, _UNKNOWN_LENGTH) else size
                self._padded = bool(size & 1)
                self.format = self.format or WavFormat()
                return at + 8
            if name == b"fmt " and len(data) >= at + 24:
                tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data, at + 8)
                if tag == 0xFFFE and len(data) >= at + 34:  # extensible: the true tag begins its sub-format
                    (tag,) = struct.unpack_from("<H", data, at + 32)
                self.format = WavFormat(rate, channels, bits // 8, tag)
            at += 8 + size + (size & 1)
        return None

    def _past_end(self, data: bytes, left: int) -> bytes:
        """Handle bytes behind the promised samples: further chunks, or samples of a wrong length."""
        behind = data[left:].removeprefix(b"\x00") if self._padded else data[left:]
        if len(behind) < 4:  # too short to tell
            self._left, self._head = 0, data[left:]
            return data[:left]
        if behind[:4] in _TRAILING_CHUNKS:
            self._left, self._behind = 0, True
            return data[:left]
        self._left = None
        return data


_PIECE = 1 << 16
"""Characters of base64 that are looked at at once: what a processor's cache holds."""

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Part:
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
        return binascii.a2b_base64(self.text)[_HEADER:]


class Track:
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

    @property
    def mime_type(self) -> str:
        """MIME type of the block that holds the speech."""
        return "audio/wav" if self._plain else f"audio/{'mpeg' if self._container == 'mp3' else self._container}"

    def header(self, *, final: bool) -> bytes:
        """Return what goes before the samples; `final` when their length is known."""
        return self.format.header(self.size if final else None) if self._plain else b""

    def feed(self, text: str) -> bytes:
        """Return the samples that a piece of base64 completes, in whole frames."""
        return self.samples(self._base64.feed(text))

    def whole(self, text: str) -> Part | None:
        """Return a part that came whole as it is, if it is the first and a WAV just as it would be written here."""
        size = len(text) // 4 * 3 - text[-2:].count("=") - _HEADER
        if self.size or self._open or not self._plain or size <= 0 or not _is_base64(text):
            return None
        header = binascii.a2b_base64(text[:60])[:_HEADER]
        reader = WavReader()
        reader.feed(header)
        found = reader.format
        if found is None or header != found.header(size) or size % found.frame:
            return None
        self.format, self._known = found, True
        self._count(size)
        return Part(text, size)

    def end_part(self) -> bytes:
        """Return what is left of a part, if one is open. What comes next is a part of its own."""
        if not self._open:
            return b""
        data = self.samples(self._base64.close())
        if self._plain:
            data += self._frames(self._reader.close())
            if self._half:  # half a sample would shift, and so drown, everything behind it
                rest = self._half + bytes(self.format.frame - len(self._half))
                self._half = b""
                data += rest
                self._count(len(rest))
        self._reader, self._base64, self._open = WavReader(), Base64Decoder(), False
        return data

    def samples(self, data: bytes) -> bytes:
        """Return the samples that bytes complete, in whole frames."""
        self._open = True
        if not self._plain:
            self._count(len(data))
            return data
        data = self._reader.feed(data)
        if self._reader.format is not None:
            if not self._known and self.size == 0:
                self.format, self._known = self._reader.format, True
            elif self._reader.format != self.format:
                raise ProtocolError(
                    f"the speech changes from {self.format} to {self._reader.format} midway; it can't be one WAV"
                )
        return self._frames(data)

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


def _is_base64(text: str) -> bool:
    """Whether text is base64 and nothing else; five times as fast as decoding it."""
    if len(text) % 4 or not text.isascii():
        return False
    last = len(text) - 4
    pieces = (text[at : min(at + _PIECE, last)].encode() for at in range(0, last, _PIECE))
    return not any(piece.translate(None, _ALPHABET) for piece in pieces) and _is_end(text[last:])


def _is_end(quantum: str) -> bool:
    try:
        return bool(binascii.a2b_base64(quantum, strict_mode=True))
    except ValueError:
        return False


class Base64Piece(str):
    """A piece of a WAV's base64, for message chunks: adding the last one writes the length into the header.

    The header goes out first, when nobody knows the length yet, so it says "unknown" (0xFFFFFFFF), which
    players take. LangChain adds equal-index strings of one type with `+`; hooking into that is what lets the sum
    of all chunks be the very bytes that `invoke` gives. Where a chunk passes through JSON the hook is lost and the
    header stays "unknown": still a WAV, and `Speech` repairs it.
    """

    last = False

    def __add__(self, other: str) -> str:
        return joined([self, other])

    @classmethod
    def final(cls, text: str) -> Base64Piece:
        """Return the piece that completes the WAV."""
        piece = cls(text)
        piece.last = True
        return piece


def joined(pieces: list[str]) -> str:
    """Return pieces of a WAV's base64 as one; where the last is there, the lengths in the header are set."""
    if not getattr(pieces[-1], "last", False):
        return Base64Piece("".join(pieces))
    first = pieces[0]
    head = first[:60]  # 45 bytes: the header and one byte of the samples
    raw = binascii.a2b_base64(head[: len(head) // 4 * 4])
    if raw[:4] == b"RIFF" and raw[4:8] == raw[40:44] == b"\xff\xff\xff\xff":
        length = sum(map(len, pieces)) // 4 * 3 - "".join(pieces[-2:])[-2:].count("=") - _HEADER
        fixed = raw[:4] + struct.pack("<I", length + _HEADER - 8) + raw[8:40] + struct.pack("<I", length) + raw[44:]
        pieces = [binascii.b2a_base64(fixed, newline=False).decode(), first[60:], *pieces[1:]]
    return "".join(pieces)
