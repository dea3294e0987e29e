"""Short clips of every awkward kind, made with PyAV. Each picture carries its number, so that cuts can be checked."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

RATE = 48_000
BITS = 8
SHADES = (60, 200)
"""Brightness of the scenes, in turn."""


def make(
    path: Path,
    seconds: float = 2.0,
    *,
    fps: int = 10,
    size: tuple[int, int] = (160, 96),
    scene: float = math.inf,
    times: Sequence[float] | None = None,
    video: str | None = "libx264",
    pixels: str = "yuv420p",
    aspect: Fraction | None = None,
    audio: str | None = "aac",
    tracks: int = 1,
    sound: float | None = None,
    pauses: Sequence[tuple[float, float]] = (),
    start: float = 0.0,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> Path:
    """Write a clip and return its path.

    Args:
        path: Where it goes; the ending says the format.
        seconds: Length of the picture.
        fps: Frames a second.
        size: Width and height as stored.
        scene: Seconds from one change of scene to the next.
        times: When each picture is shown, for a rate that varies.
        video: The encoder; None for no picture.
        pixels: The pixel format.
        aspect: The shape of a pixel.
        audio: The encoder; None for no sound.
        tracks: How many tracks of sound.
        sound: Length of the sound; that of the picture if it is not given.
        pauses: Start and end of silence.
        start: Seconds at which the clock begins.
        options: Of the format.
        codec_options: Of the picture's encoder.
    """
    with av.open(str(path), "w", options=options or {}) as out:
        streams: list[tuple[Any, list[Any]]] = []
        if video is not None:
            stream: Any = out.add_stream(video, rate=fps, options=codec_options or {})
            stream.width, stream.height, stream.pix_fmt = *size, pixels
            if aspect is not None:
                stream.codec_context.sample_aspect_ratio = aspect
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            shown = times if times is not None else [number / fps for number in range(max(1, round(seconds * fps)))]
            streams.append((stream, [_picture(n, time, size, pixels, scene, start) for n, time in enumerate(shown)]))
        for track in range(tracks if audio else 0):
            stream = out.add_stream(audio, rate=RATE)
            streams.append((stream, _sound(stream, sound or seconds, pauses, start, 330 * (track + 1))))
        frames = [(frame.time, number, frame) for number, (_, own) in enumerate(streams) for frame in own]
        for _, number, frame in sorted(frames, key=lambda each: each[:2]):
            out.mux(streams[number][0].encode(frame))
        for stream, _ in streams:
            out.mux(stream.encode(None))
    return path


def _picture(number: int, time: float, size: tuple[int, int], pixels: str, scene: float, start: float) -> av.VideoFrame:
    width, height = size
    side = min(width // 16, height // 2)
    shade = SHADES[int(time / scene) % 2] if scene < math.inf else SHADES[0]
    row = bytes([shade]) * width
    marks = b"".join(bytes([235 if number >> bit & 1 else 16]) * side for bit in range(BITS))
    marked = marks + row[len(marks) :]
    # The top half is brighter than the bottom: that is how a turned picture shows.
    top = bytes([min(255, shade + 40)]) * width
    lines = [top] * (height // 2) + [row] * (height - height // 2 - side) + [marked] * side
    frame = av.VideoFrame(width, height, "gray")
    plane = frame.planes[0]
    rows = b"".join(line.ljust(plane.line_size, b"\0") for line in lines)
    plane.update(rows.ljust(plane.buffer_size, b"\0"))
    frame = frame.reformat(format=pixels)
    frame.pts, frame.time_base = round((start + time) * 1000), Fraction(1, 1000)
    return frame


def _sound(
    stream: Any, seconds: float, pauses: Sequence[tuple[float, float]], start: float, pitch: int
) -> list[av.AudioFrame]:
    samples = bytearray()
    for number in range(round(seconds * RATE)):
        at = number / RATE
        quiet = any(begin <= at < end for begin, end in pauses)
        samples += struct.pack("<h", 0 if quiet else round(9000 * math.sin(2 * math.pi * pitch * at)))
    resampler = av.AudioResampler(format=stream.format, layout=stream.layout, rate=RATE, frame_size=1024)
    frame = av.AudioFrame("s16", "mono", len(samples) // 2)
    frame.planes[0].update(bytes(samples).ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), round(start * RATE)
    return [*resampler.resample(frame), *resampler.resample(None)]


def turned(path: Path, degrees: int) -> Path:
    """Write into an MP4 that its picture is to be turned clockwise, as phones do."""
    a, b, c, d = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # behind version, times, track, length, layer and volume
    fixed = [value << 16 for value in (a, b, 0, c, d, 0, 0, 0)]
    data[at : at + 36] = struct.pack(">8iI", *fixed, 1 << 30)
    path.write_bytes(data)
    return path


def cut_off(path: Path, share: float = 0.6) -> Path:
    """Leave only the beginning of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def number_of(frame: av.VideoFrame) -> int:
    """The number that a picture carries, whatever its size is now."""
    gray = frame.reformat(format="gray")
    plane, line = bytes(gray.planes[0]), gray.planes[0].line_size
    side = frame.width / 16
    row = int(frame.height - side / 2)
    return sum((plane[row * line + int((bit + 0.5) * side)] > 127) << bit for bit in range(BITS))


def brightness(frame: av.VideoFrame) -> dict[str, float]:
    """Mean brightness of the four halves."""
    gray = frame.reformat(format="gray")
    plane, line = bytes(gray.planes[0]), gray.planes[0].line_size
    rows = [plane[y * line : y * line + frame.width] for y in range(frame.height)]
    mean = lambda part: sum(map(sum, part)) / max(1, sum(map(len, part)))  # noqa: E731
    half, middle = frame.height // 2, frame.width // 2
    return {
        "top": mean(rows[:half]),
        "bottom": mean(rows[half:]),
        "left": mean([row[:middle] for row in rows]),
        "right": mean([row[middle:] for row in rows]),
    }


Make = Callable[[Path], Path]

AWKWARD: dict[str, tuple[str, Make]] = {
    # name of the file, and what makes it
    "variable frame rate": (
        "a.mp4",
        lambda path: make(path, times=[0, 0.1, 0.2, 0.9, 1.0, 1.05, 1.1, 1.9]),
    ),
    "turned by 90 degrees": ("a.mp4", lambda path: turned(make(path), 90)),
    "turned by 180 degrees": ("a.mp4", lambda path: turned(make(path), 180)),
    "turned by 270 degrees": ("a.mp4", lambda path: turned(make(path), 270)),
    "pixels twice as wide": ("a.mp4", lambda path: make(path, aspect=Fraction(2))),
    "no sound": ("a.mp4", lambda path: make(path, audio=None)),
    "no picture": ("a.m4a", lambda path: make(path, video=None)),
    "sound longer than picture": ("a.mp4", lambda path: make(path, 1.0, sound=3.0)),
    "MKV": ("a.mkv", make),
    "AVI": ("a.avi", lambda path: make(path, video="mpeg4", audio="mp2")),
    "MOV": ("a.mov", make),
    "FLV": ("a.flv", lambda path: make(path, video="flv")),
    "WMV": ("a.wmv", lambda path: make(path, video="wmv2", audio="mp2")),
    "WebM": ("a.webm", lambda path: make(path, video="libvpx", audio="libopus")),
    "GIF": ("a.gif", lambda path: make(path, video="gif", pixels="rgb8", audio=None)),
    "truncated MP4": ("a.mp4", lambda path: cut_off(make(path, 8.0, options={"movflags": "+faststart"}))),
    "truncated MP4 without an index": ("a.mp4", lambda path: cut_off(make(path))),
    "truncated MKV": ("a.mkv", lambda path: cut_off(make(path, 8.0))),
    "zero bytes": ("a.mp4", lambda path: path.write_bytes(b"") * 0 or path),
    "text named .mp4": ("a.mp4", lambda path: path.write_text("no video") * 0 or path),
    "8 audio tracks": ("a.mp4", lambda path: make(path, tracks=8)),
    "10-bit HDR": (
        "a.mp4",
        lambda path: make(
            path,
            video="libx265",
            pixels="yuv420p10le",
            codec_options={"x265-params": "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"},
        ),
    ),
    "one frame": ("a.mp4", lambda path: make(path, 0.1, audio=None)),
    "240 frames a second": ("a.mp4", lambda path: make(path, 0.9, fps=240)),
    "a clock that begins at 5 s": ("a.mkv", lambda path: make(path, start=5.0)),
    "frames that refer to later ones": ("a.mp4", lambda path: make(path, codec_options={"bf": "3", "g": "100"})),
}
