"""How large an image is, and how long audio and video are, read from their bytes.

PyAV reads everything where it is installed (`pip install "langchain-dmx-omni[video]"`). Without it the formats
whose headers say it plainly are read here: PNG, GIF, BMP, JPEG, WebP, WAV, MP4 and MOV.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, NamedTuple

from .mime import sniff
from .wav import WavFormat, WavReader

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


class Measured(NamedTuple):
    """Pixels, seconds, and whether there is sound; None for what could not be read."""

    width: int | None = None
    height: int | None = None
    duration: float | None = None
    sound: bool | None = None


def measure(data: bytes) -> Measured:
    """Return what the bytes of an image, audio or video say about themselves. Nothing is raised, whatever they are."""
    header = by_header(data) or Measured()
    if header.duration is not None or (header.width is not None and not _may_move(data)):
        return header
    packets = _by_av(data) or Measured()
    width, height = (header if header.width else packets)[:2]
    duration = _compressed_wav_seconds(data) if packets.duration is None else packets.duration
    return Measured(width, height, duration, header.sound if packets.sound is None else packets.sound)


def image_size(head: bytes) -> tuple[int | None, int | None]:
    """Return the width and height that the header of an image says, in pixels."""
    return (by_header(head) or Measured())[:2]


def _may_move(data: bytes) -> bool:
    return data[:4] == b"GIF8" or data[4:8] == b"ftyp"


def by_header(data: bytes) -> Measured | None:
    """Return what a header says plainly, or None."""
    try:
        if data.startswith(b"\x89PNG") and data[12:16] == b"IHDR":
            return Measured(*struct.unpack_from(">II", data, 16))
        if data.startswith(b"GIF8"):
            return Measured(*struct.unpack_from("<HH", data, 6))
        if data.startswith(b"BM"):
            return _bmp(data)
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
            return _wav(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data[4:8] == b"ftyp":
            return _mp4(data)
    except (struct.error, IndexError, ZeroDivisionError, ValueError):
        pass
    return None


def _bmp(data: bytes) -> Measured:
    old = data[14:18] == b"\x0c\0\0\0"  # OS/2's header has 16 bits for each
    width, height = struct.unpack_from("<HH" if old else "<ii", data, 18)
    return Measured(abs(width), abs(height))


def _jpeg(data: bytes) -> Measured | None:
    at = 2
    while data[at] == 0xFF:
        if data[at + 1] == 0xFF:  # a byte that fills
            at += 1
            continue
        marker, size = struct.unpack_from(">BH", data, at + 1)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # a start of frame
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Measured(width, height)
        at += 2 + size
    return None


def _webp(data: bytes) -> Measured | None:
    match data[12:16]:
        case b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
            return Measured(width, height)
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return Measured(width & 0x3FFF, height & 0x3FFF)
        case b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            return Measured((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    return None


_PLAIN_WAV = frozenset({1, 3, 6, 7})
"""Format tags whose samples have a fixed size: integers, floats, A-law and µ-law."""


def _wav(data: bytes) -> Measured | None:
    reader = WavReader()
    samples = len(reader.feed(data))
    layout = reader.format or WavFormat()
    if layout.tag not in _PLAIN_WAV:
        return None
    return Measured(duration=samples / (layout.sample_rate * layout.frame), sound=True)


def _compressed_wav_seconds(data: bytes) -> float | None:
    """Return the length of a WAV by the bytes a second that its header says."""
    at = data.find(b"fmt ", 12, 4096) if data[:4] == b"RIFF" and data[8:12] == b"WAVE" else -1
    rate = int.from_bytes(data[at + 16 : at + 20], "little")
    return len(data) / rate if at > 0 and rate else None


def _mp4(data: bytes) -> Measured | None:
    """Read the movie's length, the size of its first track that has one, and whether one is of sound."""
    duration: float | None = None
    width = height = None
    sound = fragmented = False
    for name, body in _boxes(data, 0, len(data)):
        if name != b"moov":
            continue
        for inner, span in _boxes(data, *body):
            if inner == b"mvhd":
                duration = _movie_seconds(data, span[0])
            elif inner == b"mvex":  # what follows in fragments is not counted in the header
                fragmented = True
            elif inner == b"trak":
                sound = sound or data.find(b"soun", *span) >= 0
                for box, (_, end) in _boxes(data, *span):
                    size = struct.unpack_from(">II", data, end - 8) if box == b"tkhd" and width is None else (0, 0)
                    if size[0]:
                        width, height = size[0] >> 16, size[1] >> 16
    return None if duration is None else Measured(width, height, None if fragmented else duration or None, sound)


def _movie_seconds(data: bytes, start: int) -> float:
    if data[start]:  # version 1: 64-bit times
        scale, length = struct.unpack_from(">IQ", data, start + 20)
    else:
        scale, length = struct.unpack_from(">II", data, start + 12)
    return float(length / scale)


def _boxes(data: bytes, start: int, end: int) -> list[tuple[bytes, tuple[int, int]]]:
    boxes = []
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        elif size == 0:
            size = end - start
        if size < 8:
            break
        boxes.append((name, (body, min(start + size, end))))
        start += size
    return boxes


def _by_av(data: bytes) -> Measured | None:
    media_type = sniff(data)
    if media_type is not None and not {"audio", "video"} & {*media_type.kinds}:
        return None  # FFmpeg would take a still picture for a video, and follow what a playlist names
    try:
        import av.stream  # noqa: PLC0415  # an extra

        from .container import open_container  # noqa: PLC0415
    except ImportError:
        return None
    try:
        with open_container(io.BytesIO(data)) as container:
            cover = av.stream.Disposition.attached_pic
            moving = [stream for stream in container.streams.video if not stream.disposition & cover]
            size = _size(moving[0]) if moving else (None, None)
            sound = bool(container.streams.audio)
            stated = container.duration / av.time_base if container.duration else None
            seconds = _packet_seconds(container) or stated
            return Measured(*size, seconds, sound) if moving or sound else None
    except (av.FFmpegError, ValueError, EOFError, OverflowError):
        return None


def _size(stream: VideoStream) -> tuple[int | None, int | None]:
    context = getattr(stream, "codec_context", None)  # PyAV has none for a stream that nothing decodes
    return (context.width or None, context.height or None) if context else (None, None)


def _packet_seconds(container: InputContainer) -> float:
    """Return the length by the packets of the longest stream: headers are often wrong, or say nothing."""
    first: dict[int, float] = {}
    last: dict[int, float] = {}
    total: dict[int, float] = {}
    count: dict[int, int] = {}
    for packet in container.demux(*container.streams.video, *container.streams.audio):
        if not packet.size or packet.time_base is None:
            continue
        index, length = packet.stream_index, float((packet.duration or 0) * packet.time_base)
        total[index] = total.get(index, 0.0) + length
        count[index] = count.get(index, 0) + 1
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None:
            time = float(stamp * packet.time_base)
            first[index] = min(first.get(index, time), time)
            last[index] = max(last.get(index, time), time + length)
    spans = {index: last[index] - first[index] for index in last}
    for index, span in spans.items():
        if not total[index] and count[index] > 1:  # no packet says its length: the last is as long as the others
            spans[index] = span * count[index] / (count[index] - 1)
    return max([0.0, *spans.values(), *total.values()])
