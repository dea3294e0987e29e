"""Make a short video with picture and sound, so that there is something to ask about.

Three coloured scenes, each with a pale square crossing it and a melody of its own; H.264 and AAC in MP4.

    python examples/make_clip.py clip.mp4 --seconds 6
"""

from __future__ import annotations

import argparse
import array
import heapq
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.codec import Codec

# Each scene: its colour as Y, U, V, and the notes of its melody in hertz.
SCENES = (
    ((82, 90, 240), (262, 330, 392, 523)),  # red, C major rising
    ((145, 54, 34), (523, 392, 330, 262)),  # green, C major falling
    ((41, 240, 110), (220, 262, 330, 440)),  # blue, A minor rising
)
NOTE_SECONDS = 0.25
SAMPLE_RATE = 48_000


def make_clip(
    path: str | Path,
    seconds: float = 6.0,
    *,
    width: int = 640,
    height: int = 360,
    fps: int = 25,
    sound: bool = True,
) -> Path:
    """Write an MP4 of `seconds` seconds to `path` and give the path back.

    Args:
        path: Where the clip goes; an existing file is replaced.
        seconds: Length of the clip.
        width: Width in pixels, even.
        height: Height in pixels, even.
        fps: Frames a second.
        sound: Whether the clip has an audio track.
    """
    path = Path(path)
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream(video_codec(), rate=fps)
        video.width, video.height, video.pix_fmt, video.bit_rate = width, height, "yuv420p", 300_000
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if sound else None
        tracks = [((frame, video) for frame in _pictures(seconds, width, height, fps))]
        if audio is not None:
            tracks.append((frame, audio) for frame in _tones(seconds))
        # The tracks are interleaved in time, as players and streamers expect it.
        for frame, stream in heapq.merge(*tracks, key=lambda piece: piece[0].time):
            container.mux(stream.encode(frame))
        for stream in container.streams:
            container.mux(stream.encode(None))
    return path


def video_codec() -> str:
    """Return the name of an encoder for MP4 that this build of PyAV has; which ones it has differs."""
    for name in ("libx264", "libopenh264", "mpeg4"):
        try:
            Codec(name, "w")
        except ValueError:
            continue
        return name
    raise RuntimeError("this build of PyAV has no encoder for MP4 video")


def _pictures(seconds: float, width: int, height: int, fps: int) -> Iterator[av.VideoFrame]:
    count = max(1, round(seconds * fps))
    side = max(2, height // 4)
    for index in range(count):
        (luma, *chroma), _ = SCENES[index * len(SCENES) // count]
        left = round((width - side) * index / count)
        top = round((height - side) * (0.5 + 0.4 * math.sin(2 * math.pi * index / fps)))
        row = bytes([luma]) * width
        crossed = row[:left] + bytes([235]) * side + row[left + side :]
        rows = [crossed if top <= y < top + side else row for y in range(height)]

        frame = av.VideoFrame(width, height, "yuv420p")
        for plane, lines in zip(
            frame.planes,
            (rows, *([bytes([value]) * (width // 2)] * (height // 2) for value in chroma)),
            strict=True,
        ):
            padding = bytes(plane.line_size - len(lines[0]))
            plane.update(b"".join(line + padding for line in lines))
        frame.pts, frame.time_base = index, Fraction(1, fps)
        yield frame


def _tones(seconds: float) -> Iterator[av.AudioFrame]:
    total = round(seconds * SAMPLE_RATE)
    size = 1024
    for start in range(0, total, size):
        samples = array.array("f", (_sample(n, total) for n in range(start, min(start + size, total))))
        frame = av.AudioFrame(format="flt", layout="mono", samples=len(samples))
        data = samples.tobytes()
        plane = frame.planes[0]
        plane.update(data + bytes(plane.buffer_size - len(data)))
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
        yield frame


def _sample(n: int, total: int) -> float:
    _, notes = SCENES[n * len(SCENES) // total]
    note, within = divmod(n / SAMPLE_RATE, NOTE_SECONDS)
    # Each note fades in and out: a jump between notes would click.
    loudness = 0.4 * math.sin(math.pi * within / NOTE_SECONDS)
    return loudness * math.sin(2 * math.pi * notes[int(note) % len(notes)] * n / SAMPLE_RATE)


def main() -> None:
    """Read the command line and make the clip."""
    parser = argparse.ArgumentParser(description="Make a short MP4 with picture and sound.")
    parser.add_argument("path", nargs="?", default="clip.mp4", type=Path)
    parser.add_argument("--seconds", type=float, default=6.0)
    args = parser.parse_args()
    path = make_clip(args.path, args.seconds)
    print(f"{path}: {args.seconds:g} s, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
