"""Short clips made with PyAV, and what is seen and heard in them: each picture carries its number."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
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
            assert audio is not None
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
    period = RATE // math.gcd(RATE, pitch)
    wave = array("h", [round(9000 * math.sin(2 * math.pi * pitch * number / RATE)) for number in range(period)])
    length = round(seconds * RATE)
    samples = (wave * (length // period + 1))[:length]
    for begin, end in pauses:
        first, last = (min(length, math.ceil(time * RATE)) for time in (begin, end))
        samples[first:last] = array("h", bytes(2 * (last - first)))
    resampler = av.AudioResampler(format=stream.format, layout=stream.layout, rate=RATE, frame_size=1024)
    frame = av.AudioFrame("s16", "mono", length)
    frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), round(start * RATE)
    return [*resampler.resample(frame), *resampler.resample(None)]


LOUD, QUIET = 12_000, 1_200
"""Amplitudes of `tone`: 20 dB apart."""


def tone(
    path: Path,
    seconds: float = 5.0,
    *,
    audio: str,
    rate: int = RATE,
    layout: str = "mono",
    opposite: bool = False,
    options: dict[str, str] | None = None,
) -> Path:
    """Write sound that is loud and quiet in turn, a tenth of its length each, and return its path.

    Args:
        path: Where it goes; the ending says the format.
        seconds: Its length.
        audio: The encoder.
        rate: Samples a second.
        layout: The channels, which are alike.
        opposite: Whether the second channel is the first one upside down.
        options: Of the format.
    """
    count = round(seconds * rate)
    channels = 2 if layout == "stereo" else 1
    samples = array("h")
    for number in range(count):
        value = round((QUIET if number * 10 // count % 2 else LOUD) * math.sin(2 * math.pi * 440 * number / rate))
        samples.extend([value, -value if opposite else value][:channels])
    frame = av.AudioFrame("s16", layout, count)
    frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
    with av.open(str(path), "w", options=options or {}) as out:
        stream: Any = out.add_stream(audio, rate=rate, layout=layout)
        stream.bit_rate = 64_000
        stream.codec_context.open()
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(format=stream.format, layout=stream.layout, rate=rate, frame_size=size)
        frames = [*resampler.resample(frame), *resampler.resample(None)]
        packets = [packet for each in [*frames, None] for packet in stream.encode(each)]
        out.mux(packets)
    return path


def heard(path: Path, seconds: float | None = None) -> list[float]:
    """Loudness by tenths of the length, in decibels of full scale: of all samples that the decoder gives, in a row.

    Args:
        path: The file.
        seconds: Its length: what an encoder has added behind it is left out, and what is missing is silence.
    """
    samples, rate = array("h"), 0
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16")
        for packet in container.demux(audio=0):
            with suppress(av.FFmpegError):
                for frame in packet.decode():
                    rate, frame.pts = frame.sample_rate, None
                    for each in resampler.resample(frame):
                        channels = each.layout.nb_channels
                        samples += array("h", bytes(each.planes[0])[: each.samples * 2 * channels])[::channels]
    if seconds is not None:
        del samples[round(seconds * rate) :]
        samples.extend([0] * (round(seconds * rate) - len(samples)))
    length = len(samples) / 10  # of which the edges are left out: encoders smear them
    tenths = [samples[int(length * (at + 0.2)) : int(length * (at + 0.8))] for at in range(10)]
    return [10 * math.log10(sum(x * x for x in tenth) / len(tenth) / 32768**2 + 1e-9) for tenth in tenths]


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

    def mean(part: list[bytes]) -> float:
        return sum(map(sum, part)) / max(1, sum(map(len, part)))

    half, middle = frame.height // 2, frame.width // 2
    return {
        "top": mean(rows[:half]),
        "bottom": mean(rows[half:]),
        "left": mean([row[:middle] for row in rows]),
        "right": mean([row[middle:] for row in rows]),
    }


Make = Callable[[Path], Path]
