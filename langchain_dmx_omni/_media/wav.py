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


_LONGEST_HEADER = 1 << 20
"""Bytes before the samples, pictures and comments included."""

_EXTENSIBLE = 0xFFFE
_FORMAT_SIZE = 26
"""Bytes of an extensible format chunk that are looked at."""

_HIGHEST_RATE = 1_000_000
_MOST_CHANNELS = 64
_WIDTHS = frozenset({1, 2, 3, 4, 8})


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
        return self.channels * self.sample_width

    @property
    def is_possible(self) -> bool:
        """Whether there is sound of this kind, and a header can say so."""
        return (
            0 < self.sample_rate <= _HIGHEST_RATE
            and 0 < self.channels <= _MOST_CHANNELS
            and self.sample_width in _WIDTHS
        )

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
        self._in_header = True
        self._begun = False  # whether the header's first 12 bytes have been read
        self._skip = 0  # bytes of a chunk that are not read
        self._header = 0  # bytes of the header so far
        self._left: int | None = None  # bytes of samples that the header still promises; None: unknown
        self._padded = False  # whether a byte of padding follows them

    def feed(self, data: bytes) -> bytes:
        """Return the samples in `data`.

        Raises:
            ValueError: The header says what can't be, or it does not end.
        """
        if self._skip >= len(data) and not self._head:
            self._skip -= len(data)
            return b""
        if self._head:
            data, self._head = self._head + data, b""
        if self._in_header:
            start = self._find_samples(data)
            if start is None:
                return b""
            data = data[start:] if start else data
        elif self._skip:
            data, self._skip = data[self._skip :], 0
        if self._left is None:
            return data
        if len(data) <= self._left:
            self._left -= len(data)
            return data
        return self._past_end(data, self._left)

    def close(self) -> bytes:
        """Return samples that were held back: a part too short to tell what it is.

        Raises:
            ValueError: The header has not ended.
        """
        head, self._head = self._head, b""
        if self._begun and self._in_header:
            raise ValueError("its WAV header does not end")
        if self._left == 0:  # behind the samples
            head = head.removeprefix(b"\x00") if self._padded else head
        return b"" if head[:4] == b"RIFF" or head[:4] in _TRAILING_CHUNKS else head

    def _find_samples(self, data: bytes) -> int | None:
        """Return where the samples begin, or None while the header is incomplete; what is not read yet is kept."""
        at = 0
        if not self._begun:
            if not b"RIFF".startswith(data[:4]):
                self._in_header = False
                return 0
            if len(data) < 12:
                self._head = data
                return None
            self._begun, at = True, 12
        while True:
            skipped = min(self._skip, len(data) - at)
            self._skip -= skipped
            at += skipped
            if self._skip or len(data) < at + 8:
                break
            name, size = struct.unpack_from("<4sI", data, at)
            if name == b"data":
                # A length of 0 before samples, or one that nothing fills, is a writer that did not know.
                self._left = None if size in (0, _UNKNOWN_LENGTH) else size
                self._padded = bool(size & 1)
                self.format = self.format or WavFormat()
                self._in_header = False
                return at + 8
            if name == b"fmt ":
                if len(data) < at + 8 + min(size, _FORMAT_SIZE):
                    break
                self.format = _read_format(data, at + 8, size)
            self._header += 8 + size
            if self._header > _LONGEST_HEADER:
                raise ValueError(f"its WAV header is longer than {_LONGEST_HEADER:,} bytes")
            at += 8
            self._skip = size + (size & 1)
        self._head = data[at:]
        return None

    def _past_end(self, data: bytes, left: int) -> bytes:
        """Handle bytes behind the promised samples: further chunks, or samples of a wrong length."""
        at = left + (self._padded and data[left : left + 1] == b"\x00")
        if data[at : at + 4] not in _TRAILING_CHUNKS:
            if not any(name.startswith(data[at : at + 4]) for name in _TRAILING_CHUNKS):
                self._left = None
                return data
            self._left, self._head = 0, data[left:]  # too short to tell
            return data[:left]
        while data[at : at + 4] in _TRAILING_CHUNKS and len(data) >= at + 8:
            (size,) = struct.unpack_from("<I", data, at + 4)
            at += 8 + size + (size & 1)
            self._padded = False
        self._left, self._skip, self._head = 0, max(0, at - len(data)), data[at:]
        return data[:left]


def _read_format(data: bytes, at: int, size: int) -> WavFormat:
    """Return the format that a chunk says.

    Raises:
        ValueError: It can't be.
    """
    if size < 16:
        raise ValueError(f"its WAV header's format has {size} bytes, and needs 16")
    tag, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data, at)
    if tag == _EXTENSIBLE and size >= _FORMAT_SIZE:  # the true tag begins its sub-format
        (tag,) = struct.unpack_from("<H", data, at + 24)
    layout = WavFormat(rate, channels, bits // 8, tag)
    if bits % 8 or not layout.is_possible:
        raise ValueError(f"its WAV header says {rate} Hz, {channels} channels and {bits} bits a sample")
    return layout


def with_length(head: bytes, length: int) -> bytes:
    """Return the beginning of a WAV of ours, its header's unknown length set to `length` bytes of samples."""
    if head[:4] != b"RIFF" or not head[4:8] == head[40:44] == b"\xff\xff\xff\xff":
        return head
    riff = struct.pack("<I", length + HEADER_SIZE - 8)
    return head[:4] + riff + head[8:40] + struct.pack("<I", length) + head[HEADER_SIZE:]
