"""Watch a clip: which part of which film its pictures show, and when there is something to hear; by its bytes alone."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import av
import numpy as np

from . import strip, table
from .table import Film, Scene

_SHORTEST = 1.0
"""Seconds that a scene must be shown to be noticed."""
_READABLE = 0.8
"""The share of pictures whose strip must be readable."""
_HOP = 0.05
"""Seconds of sound whose loudness is taken together."""
_LOUD = 0.01
"""Root mean square of what is heard, of full scale."""
_SAMPLE_RATE = 16_000


@dataclass(frozen=True)
class Shown:
    """A scene, or a part of it, in a clip. Times are seconds of the clip.

    Attributes:
        scene: The scene.
        start: When it begins.
        end: When it ends.
        speech: From when to when somebody speaks; None if nobody is heard.
    """

    scene: Scene
    start: float
    end: float
    speech: tuple[float, float] | None


@dataclass(frozen=True)
class Footage:
    """What a clip shows.

    Attributes:
        film: The film that it is of.
        scenes: Its scenes, in order.
    """

    film: Film
    scenes: tuple[Shown, ...]


def watch(data: bytes) -> Footage | None:
    """Return what a clip shows; None for a clip of no film of ours."""
    pictures = _pictures(data)
    codes = [(time, code) for time, code in pictures if code is not None]
    if not codes or len(codes) < _READABLE * len(pictures):
        return None
    number, count = Counter(film for _, (film, _) in codes).most_common(1)[0]
    film = table.load().films.get(number)
    if film is None or count < _READABLE * len(pictures):
        return None
    times = [(time, of_film) for time, (each, of_film) in codes if each == number]
    # The film's time at the clip's beginning, by all pictures: a clip of fewer pictures shows some a little late.
    zero = round(median(of_film - time for time, of_film in times), 1)
    step = times[-1][0] / max(1, len(times) - 1)
    end = min(film.seconds, round(zero + times[-1][0] + step, 1))
    loud = _loud(data)
    scenes = (_shown(scene, max(scene.start, zero), min(scene.end, end), zero, loud) for scene in film.scenes)
    return Footage(film, tuple(shown for shown in scenes if shown.end - shown.start >= _SHORTEST))


def _shown(scene: Scene, start: float, end: float, zero: float, loud: Sequence[float]) -> Shown:
    first, last = round(start - zero, 1), round(end - zero, 1)
    heard = [time for time in loud if first <= time < last]
    speech = (round(heard[0], 2), round(heard[-1] + _HOP, 2)) if heard else None
    return Shown(scene, first, last, speech)


def _pictures(data: bytes) -> list[tuple[float, tuple[int, float] | None]]:
    """Return the time of each picture, and what its strip says."""
    with av.open(io.BytesIO(data)) as container:
        if not container.streams.video:
            return []
        return [(frame.time or 0.0, strip.read(frame.to_ndarray(format="gray"))) for frame in container.decode(video=0)]


def _loud(data: bytes) -> list[float]:
    """Return the times at which something is heard, every `_HOP` seconds."""
    with av.open(io.BytesIO(data)) as container:
        if not container.streams.audio:
            return []
        resampler = av.AudioResampler(format="flt", layout="mono", rate=_SAMPLE_RATE)
        frames = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    if not frames:
        return []
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    hop = round(_HOP * _SAMPLE_RATE)
    hops = samples[: len(samples) // hop * hop].reshape(-1, hop)
    start = frames[0].time or 0.0
    return [float(start + index * _HOP) for index in np.flatnonzero((hops**2).mean(axis=1) > _LOUD**2)]
