"""Small media for the calls: made here, so that nothing of the user's is sent."""

from __future__ import annotations

import io
import math
import struct
import zlib
from array import array
from base64 import b64encode
from typing import Any

from langchain_dmx_omni._media.wav import WavFormat

_RATE = 16_000


def png(red: int, green: int, blue: int, size: int = 64, *, padding: int = 0) -> bytes:
    """Return a picture of one colour.

    Args:
        red: 0 to 255, like the others.
        green: As red.
        blue: As red.
        size: Pixels of each side.
        padding: Bytes that it is longer, in a chunk that no reader looks at.
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes((red, green, blue)) * size) * size
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0))
    filler = chunk(b"prVt", bytes(padding)) if padding else b""
    return b"\x89PNG\r\n\x1a\n" + header + filler + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tone(seconds: float) -> bytes:
    """Return a WAV of 440 Hz."""
    count = round(seconds * _RATE)
    samples = array("h", (round(6_000 * math.sin(2 * math.pi * 440 * at / _RATE)) for at in range(count)))
    return WavFormat(_RATE, 1, 2).header(2 * count) + samples.tobytes()


def clip() -> bytes | None:
    """Return two seconds of video, red and then blue; None without PyAV."""
    try:
        import av  # noqa: PLC0415  # an extra
    except ImportError:
        return None
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as output:
        stream: Any = output.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for at in range(20):
            frame = av.VideoFrame(64, 64, "rgb24")
            frame.planes[0].update((b"\xd0\x20\x20" if at < 10 else b"\x20\x20\xd0") * (64 * 64))
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()


def data_url(data: bytes, mime: str = "") -> str:
    """Return bytes as a data URL, as the service's samples have it."""
    return f"data:{mime};base64,{b64encode(data).decode()}"
