"""Draw and speak the films.

    python examples/library_demo/films.py library-demo/films

H.264 and AAC in MP4, 320x180, ten pictures a second: simple drawings under a title, and a voice of espeak-ng's.
"""

from __future__ import annotations

import argparse
import heapq
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from PIL import Image, ImageDraw

from langchain_dmx_omni.library._fonts import FontStack
from langchain_dmx_omni.testing._voice import speak

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from make_clip import video_codec

from library_demo import strip, table
from library_demo.table import Film, Scene

WIDTH, HEIGHT, FPS = 320, 180, 10
RATE = 24_000
"""Samples a second, as the voice speaks."""
PAUSE = 0.3
"""Seconds from a scene's start to its first word."""

_HORIZON = 118
_FOOT = 150
_PROP = 62
"""The side of a prop's unit square."""
_SOUND_FRAME = 1024
_INK, _PAPER = "#101418", "#fdfdfd"


def make_films(folder: Path, *, count: int | None = None, workers: int = 2) -> list[Path]:
    """Make the films, or the first few of them, that are not there yet, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    films = list(table.load().films.values())[:count]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda film: make_film(folder / f"{film.name}.mp4", film), films))


def make_film(path: Path, film: Film) -> Path:
    """Make a film, if it is not there, and return its path. A file of that name is always whole."""
    if path.exists():
        return path
    part = path.with_suffix(".part")
    with av.open(str(part), "w", format="mp4") as container:
        video = container.add_stream(video_codec(), rate=FPS)
        video.width, video.height, video.pix_fmt, video.bit_rate = WIDTH, HEIGHT, "yuv420p", 120_000
        video.thread_count = 1
        video.options = {"preset": "ultrafast"}
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        tracks = ((frame, video) for frame in _pictures(film)), ((frame, audio) for frame in _sound(film))
        for frame, stream in heapq.merge(*tracks, key=lambda piece: piece[0].time):
            container.mux(stream.encode(frame))
        for stream in (video, audio):
            container.mux(stream.encode(None))
    return part.replace(path)


def _pictures(film: Film) -> Iterator[av.VideoFrame]:
    reformatter, fonts = VideoReformatter(), (FontStack(13), FontStack(17))
    number = 0
    for scene in film.scenes:
        backdrop, still = _backdrop(film, scene, *fonts), None
        while number / FPS < scene.end:
            time = number / FPS
            if still is None or not scene.still:
                still = _with_props(backdrop, scene, time)
            picture = np.array(still)
            strip.draw(picture, film.number, time)
            frame = reformatter.reformat(av.VideoFrame.from_ndarray(picture, format="rgb24"), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            yield frame
            number += 1


def _backdrop(film: Film, scene: Scene, small: FontStack, large: FontStack) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), film.sky)
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, _HORIZON, WIDTH, HEIGHT], fill=film.ground)
    draw.rectangle([0, 0, WIDTH, 22], fill=_INK)
    small.draw(draw, 6, 3, film.title, _PAPER)
    if scene.written:
        draw.rectangle([0, 24, WIDTH, 48], fill=_PAPER)
        large.draw(draw, (WIDTH - large.width(scene.written)) / 2, 25, scene.written, _INK)
    return image


def _with_props(backdrop: Image.Image, scene: Scene, time: float) -> Image.Image:
    image = backdrop.copy()
    draw = ImageDraw.Draw(image)
    place = WIDTH / len(scene.props)
    for number, prop in reversed(list(enumerate(scene.props))):
        moved = 0.0 if scene.still or number else _PROP * ((time - scene.start) / (scene.end - scene.start) - 0.5)
        _draw_prop(draw, prop, place * (number + 0.5) - _PROP / 2 + moved)
    return image


def _draw_prop(draw: ImageDraw.ImageDraw, name: str, left: float) -> None:
    for shape, colour, at in table.load().props[name]:
        xs, ys = [left + x * _PROP for x in at[::2]], [_FOOT - y * _PROP for y in at[1::2]]
        corners, box = list(zip(xs, ys, strict=True)), (min(xs), min(ys), max(xs), max(ys))
        match shape:
            case "rectangle":
                draw.rectangle(box, fill=colour)
            case "ellipse":
                draw.ellipse(box, fill=colour)
            case "ring":
                draw.ellipse(box, outline=colour, width=3)
            case "polygon":
                draw.polygon(corners, fill=colour)
            case "line":
                draw.line(corners, fill=colour, width=2)
            case _:
                raise ValueError(f"{name}: no shape is called {shape!r}")


def _sound(film: Film) -> Iterator[av.AudioFrame]:
    samples = np.zeros(round(film.seconds * RATE), np.int16)
    for scene in film.scenes:
        spoken = np.frombuffer(speak(scene.said, film.voice), "<i2")
        start, end = (round(time * RATE) for time in (scene.start + PAUSE, scene.end))
        samples[start:end][: len(spoken)] = spoken[: end - start]
    for start in range(0, len(samples), _SOUND_FRAME):
        piece = samples[start : start + _SOUND_FRAME].astype(np.float32) / 32768
        frame = av.AudioFrame.from_ndarray(piece.reshape(1, -1), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
        yield frame


def main() -> None:
    """Read the command line and make the films."""
    parser = argparse.ArgumentParser(description="Make thirty short films.")
    parser.add_argument("folder", nargs="?", default="library-demo/films", type=Path)
    paths = make_films(parser.parse_args().folder)
    print(f"{paths[0].parent}: {len(paths)} films, {sum(path.stat().st_size for path in paths):,} bytes")


if __name__ == "__main__":
    main()
