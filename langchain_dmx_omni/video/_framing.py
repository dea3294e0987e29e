"""Packets of the codecs that are copied, looked at from outside: where one may begin, and whether it is whole. Pure.

Nothing is decoded. A keyframe is what its bytes say, and not the container's flag: recorders of FLV and MPEG-TS flag
pictures that only come near to one, and a stream without any (intra refresh) flags those at which a player recovers.
"""

from __future__ import annotations

from typing import NamedTuple

_SLICE, _IDR, _SPS, _PPS = 1, 5, 7, 8
"""NAL unit types of H.264 (ITU-T H.264, table 7-1)."""
_LOST = bytes(5)
_ADTS_HEADER, _MPEG_HEADER = 7, 4


class Picture(NamedTuple):
    """What the bytes of a coded picture say."""

    intact: bool
    """Whether its units fill it, one after the other, and hold no bytes that none can hold."""
    idr: bool
    """Whether it needs nothing before it, and neither does any picture that follows it."""
    parameters: tuple[bytes, ...] = ()
    """Parameter sets that it carries."""


_DAMAGED = Picture(False, False)


class H264:
    """Reads the packets of one H.264 stream.

    Args:
        extradata: What the container says of the whole stream.
    """

    def __init__(self, extradata: bytes) -> None:
        self._length_size = (extradata[4] & 3) + 1 if len(extradata) > 6 and extradata[0] == 1 else 0
        """Bytes of the length before each unit; 0 where start codes divide them (Annex B)."""

    def read(self, data: bytes) -> Picture:
        """Return what a packet is."""
        spans = self._by_length(data) if self._length_size else _by_start_code(data)
        if spans is None:
            return _DAMAGED
        kinds = set()
        parameters = []
        for start, end in spans:
            kind = data[start] & 0x1F
            if data[start] & 0x80:
                return _DAMAGED
            if _SLICE <= kind <= _IDR:
                kinds.add(kind)
            elif kind in (_SPS, _PPS):
                parameters.append(data[start:end].rstrip(b"\0"))
        return Picture(kinds in ({_SLICE}, {_IDR}), kinds == {_IDR}, tuple(parameters))

    def _by_length(self, data: bytes) -> list[tuple[int, int]] | None:
        spans = []
        at, size = 0, len(data)
        while at < size:
            start = at + self._length_size
            at = start + int.from_bytes(data[at:start], "big")
            # An encoder never writes so many zeros in a row; a disk that lost a block does.
            if not start < at <= size or data.find(_LOST, start, at) >= 0:
                return None
            spans.append((start, at))
        return spans


def _by_start_code(data: bytes) -> list[tuple[int, int]] | None:
    if not data.startswith((b"\0\0\1", b"\0\0\0\1")) or _LOST in data:
        return None
    spans = []
    at = data.find(b"\0\0\1")
    while at >= 0:
        following = data.find(b"\0\0\1", at + 3)
        end = len(data) if following < 0 else following
        if at + 3 >= end:
            return None
        spans.append((at + 3, end))
        at = following
    return spans


def sound_header(codec: str, data: bytes) -> bytes | None:
    """Return what must stay the same from packet to packet of a stream of sound, or None for a damaged packet.

    Args:
        codec: `"aac"` or `"mp3"`.
        data: A packet of it.
    """
    if codec == "mp3":
        if len(data) < _MPEG_HEADER or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
            return None
        mono = data[3] >> 6 == 3
        return bytes((data[1] & 0xFE, data[2] & 0x0C, mono))  # version, layer, sample rate, channels
    if data[:1] == b"\xff" and len(data) >= _ADTS_HEADER and data[1] & 0xF6 == 0xF0:
        length = (data[3] & 3) << 11 | data[4] << 3 | data[5] >> 5
        return bytes((data[2] & 0xFD, data[3] & 0xC0)) if length == len(data) else None  # profile, rate, channels
    return b"" if data else None
