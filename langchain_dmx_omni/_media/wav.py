"""WAV: the layout of samples, the header before them, and taking them out of a stream cut anywhere.

Lengths in headers are often 0 or 0xFFFFFFFF (source: recorded streams of such gateways).
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

SAMPLE_RATE: Final = 24_000
"""Hertz of raw PCM, which is mono int16 (source: Alibaba Model Studio on the model's speech)."""

HEADER_SIZE: Final = 44
"""Bytes of the header that is written here."""

_UNKNOWN_LENGTH = 0xFFFFFFFF
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
        riff = _UNKNOWN_LENGTH if length is None else length + HEADER_SIZE - 8
        rate, channels, width, tag = self
        layout = struct.pack("<HHIIHH", tag, channels, rate, rate * self.frame, self.frame, width * 8)
        return struct.pack("<4sI4s4sI16s4sI", b"RIFF", riff, b"WAVE", b"fmt ", 16, layout, b"data", data)


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


def with_length(head: bytes, length: int) -> bytes:
    """Return the beginning of a WAV of ours, its header's unknown length set to `length` bytes of samples."""
    if head[:4] != b"RIFF" or not head[4:8] == head[40:44] == b"\xff\xff\xff\xff":
        return head
    riff = struct.pack("<I", length + HEADER_SIZE - 8)
    return head[:4] + riff + head[8:40] + struct.pack("<I", length) + head[HEADER_SIZE:]
