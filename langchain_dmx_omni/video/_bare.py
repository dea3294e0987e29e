"""Sound without a container: what stands among its packets and is no sound, tags and frames that are an index.

FFmpeg leaves them out at the start of formats that usually have them. Elsewhere it takes them for sound: in front of
AC-3, and where files were joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from av.packet import Packet

from langchain_dmx_omni._media.mime import tag_length

from ._clock import has_header, is_raw

if TYPE_CHECKING:
    from av.container import InputContainer

_ID3V1, _APE = 128, 32
"""Bytes of the tag at the end of MP3, and of the header of APE's."""
_MARKS: Final = (b"ID3", b"TAG", b"APETAGEX")
_INDEXES: Final = (b"Xing", b"Info", b"VBRI")
_INDEX_BYTES: Final = 4 + 32 + 4
"""Within which an index frame of MP3 says so: behind its header, and the side information of a frame without sound."""


class Bare:
    """Hands on the packets of a stream, without what is none of its sound, for which no time goes by.

    It is to see every packet of the stream, in the file's order.

    Args:
        container: The file.
        stream: Its stream.
    """

    def __init__(self, container: InputContainer, stream: Any) -> None:
        self._looks = stream.type == "audio" and is_raw(container) and not has_header(container)
        self._is_mp3 = container.format.name == "mp3"
        self._tag_left = 0
        """Bytes of a tag that are still to come."""
        self._passed = 0
        """Ticks of packets that were no sound."""

    def sound(self, packet: Packet[Any]) -> Packet[Any] | None:
        """Return what of a packet is sound, or None for nothing."""
        if not self._looks:
            return packet
        data = bytes(packet)
        start, end = self._behind_tags(data), len(data)
        if start == end or (self._is_mp3 and _is_index(data, start)):
            self._passed += packet.duration or 0
            return None
        for mark in _MARKS:  # a parser leaves them at the end of what stands before
            at = data.rfind(mark, start, end)
            if at > start and at + _length(data, at) == end:
                end = at
        if end - start < len(data):
            packet = _part(packet, data[start:end])
        if self._passed:
            packet.pts = None if packet.pts is None else packet.pts - self._passed
            packet.dts = None if packet.dts is None else packet.dts - self._passed
        return packet

    def _behind_tags(self, data: bytes) -> int:
        start = min(self._tag_left, len(data))
        self._tag_left -= start
        while length := _length(data, start):
            self._tag_left = max(0, start + length - len(data))
            start = min(start + length, len(data))
        return start


def _length(data: bytes, at: int) -> int:
    """Return the length of the tag at a place; 0 for none."""
    if data.startswith(b"TAG", at):
        return _ID3V1
    if data.startswith(b"APETAGEX", at):
        is_header = data[at + 23 : at + 24] >= b"\x80"
        return int.from_bytes(data[at + 12 : at + 16], "little") + (_APE if is_header else 0)
    return tag_length(data[at : at + 10])


def _is_index(data: bytes, start: int) -> bool:
    """Whether a frame of MP3 only says how long a file is, and where its seconds are."""
    body = data[start + 4 : start + _INDEX_BYTES]
    return data[start] == 0xFF and any(mark in body and not any(body[: body.index(mark)]) for mark in _INDEXES)


def _part(packet: Packet[Any], data: bytes) -> Packet[Any]:
    part: Packet[Any] = Packet(data)
    part.stream, part.time_base = packet.stream, packet.time_base
    part.pts, part.dts, part.duration = packet.pts, packet.dts, packet.duration
    return part
