"""Media of known content, made with PyAV, for the tests of the local gateway."""

from __future__ import annotations

import io
import math
from array import array
from base64 import b64encode
from fractions import Fraction
from typing import Any

import av

RED, BLUE = (255, 0, 0), (0, 0, 255)


def picture(colour: tuple[int, int, int], width: int, height: int) -> av.VideoFrame:
    """A frame of one colour."""
    frame = av.VideoFrame(width, height, "rgb24")
    plane = frame.planes[0]
    row = bytes(colour) * width
    plane.update(row.ljust(plane.line_size, b"\0") * height)
    return frame


def clip(
    *colours: tuple[int, int, int],
    seconds: float = 1.0,
    fps: float = 10,
    amplitude: float | None = 0.5,
    container: str = "mp4",
    codec: str = "libx264",
    audio_codec: str = "aac",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
) -> bytes:
    """320x240: each colour for some seconds; with a 440 Hz tone in mono at 44,100 Hz (0.0: silence; None: no track)."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as out:
        rate = Fraction(fps).limit_denominator(1000)
        video: Any = out.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = 320, 240, pixels
        audio = None if amplitude is None else out.add_stream(audio_codec, rate=44_100, layout="mono")
        for number in range(round(len(colours) * seconds * fps)):
            frame = picture(colours[int(number / fps / seconds)], 320, 240)
            frame.pts, frame.time_base = number, 1 / rate
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            _tone(out, audio, len(colours) * seconds, 44_100, amplitude or 0.0)
    return file.getvalue()


def sound(
    seconds: float, amplitude: float, *, container: str = "wav", codec: str = "pcm_s16le", rate: int = 16_000
) -> bytes:
    """A 440 Hz tone in mono."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        _tone(out, out.add_stream(codec, rate=rate, layout="mono"), seconds, rate, amplitude)
    return file.getvalue()


def image(codec: str, colour: tuple[int, int, int], *, width: int = 320, height: int = 240) -> bytes:
    """A still of one colour: ``png``, ``mjpeg`` or ``bmp``."""
    context: Any = av.CodecContext.create(codec, "w")
    context.width, context.height = width, height
    context.pix_fmt = {"png": "rgb24", "mjpeg": "yuvj420p", "bmp": "bgr24"}[codec]
    context.time_base = Fraction(1, 1)
    frame = picture(colour, width, height).reformat(format=context.pix_fmt)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def data_url(data: bytes, mime: str = "") -> str:
    """``data:;base64,…`` as the service's samples have it."""
    return f"data:{mime};base64,{b64encode(data).decode()}"


def image_part(data: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(data, "image/png")}}


def audio_part(data: bytes) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": data_url(data), "format": "wav"}}


def video_part(data: bytes) -> dict[str, Any]:
    return {"type": "video_url", "video_url": {"url": data_url(data)}}


def _tone(out: Any, stream: Any, seconds: float, rate: int, amplitude: float) -> None:
    count = round(seconds * rate)
    samples = array("h", (round(32767 * amplitude * math.sin(2 * math.pi * 440 * n / rate)) for n in range(count)))
    resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=rate)
    for start in range(0, count, 1024):
        piece = samples[start : start + 1024]
        frame = av.AudioFrame("s16", "mono", len(piece))
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        frame.planes[0].update(piece.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
        for converted in resampler.resample(frame):
            out.mux(stream.encode(converted))
    out.mux(stream.encode(None))
