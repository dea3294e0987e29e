"""How large an image is, and how long audio and video are, read from their bytes.

PyAV reads everything where it is installed (`pip install "langchain-dmx-omni[video]"`). Without it the formats
whose headers say it plainly are read here: PNG, GIF, BMP, JPEG, WebP, WAV, MP4 and MOV.
"""

from __future__ import annotations

import io
import struct
from typing import NamedTuple

from .wav import WavFormat, WavReader


class Measured(NamedTuple):
    """Pixels and seconds; None for what could not be read."""

    width: int | None = None
    height: int | None = None
    duration: float | None = None


def measure(data: bytes) -> Measured:
    """Return what the bytes of an image, audio or video say about themselves."""
    return by_header(data) or _by_av(data) or Measured()


def by_header(data: bytes) -> Measured | None:
    """Return what a header says plainly, or None."""
    try:
        if data.startswith(b"\x89PNG"):
            return Measured(*struct.unpack_from(">II", data, 16))
        if data.startswith(b"GIF8"):
            return Measured(*struct.unpack_from("<HH", data, 6))
        if data.startswith(b"BM"):
            width, height = struct.unpack_from("<ii", data, 18)
            return Measured(abs(width), abs(height))
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


def _jpeg(data: bytes) -> Measured | None:
    at = 2
    while data[at] == 0xFF:
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


def _wav(data: bytes) -> Measured:
    reader = WavReader()
    samples = len(reader.feed(data))
    layout = reader.format or WavFormat()
    return Measured(duration=samples / (layout.sample_rate * layout.frame))


def _mp4(data: bytes) -> Measured | None:
    """Read the movie's length, and the size of its first track that has one."""
    duration: float | None = None
    width = height = None
    for name, body in _boxes(data, 0, len(data)):
        if name != b"moov":
            continue
        for inner, span in _boxes(data, *body):
            if inner == b"mvhd":
                duration = _movie_seconds(data, span[0])
            elif inner == b"trak" and width is None:
                for box, (_, end) in _boxes(data, *span):
                    size = struct.unpack_from(">II", data, end - 8) if box == b"tkhd" else (0, 0)
                    if size[0]:
                        width, height = size[0] >> 16, size[1] >> 16
    return None if duration is None else Measured(width, height, duration)


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
    try:
        import av  # noqa: PLC0415  # an extra

        from .container import MOVING, STILL, open_container  # noqa: PLC0415
    except ImportError:
        return None
    try:
        with open_container(io.BytesIO(data), formats=f"{MOVING},{STILL}") as container:
            duration = container.duration / 1_000_000 if container.duration else None
            for picture in container.streams.video:
                return Measured(picture.width or None, picture.height or None, duration)
            return Measured(duration=duration)
    except (av.FFmpegError, EOFError, ValueError):
        return None
