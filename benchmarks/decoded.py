"""What a recording holds by its decoder alone: the truth that our own figures are put beside.

Nothing of the package is used here. Everything is decoded and counted; of headers and durations nothing is believed.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import av

from tests import clips

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        start: When it appears, in seconds from the beginning of the recording.
        number: The one that it carries. Where the numbers begin anew, they go on behind the largest that there can be.
        luma: Its mean, 0 to 255.
    """

    start: float
    number: int
    luma: float


@dataclass(frozen=True, slots=True)
class Recording:
    """What is decoded of a file.

    Attributes:
        seconds: To the end of the last sample or picture.
        levels: Of the sound by tenths, in decibels of full scale; empty without sound.
        pictures: All of them, in the order of time.
    """

    seconds: float
    levels: list[float]
    pictures: list[Picture]

    def by_tenth(self) -> list[Picture]:
        """Return the picture that is shown in the middle of each tenth; nothing without pictures."""
        middles = [(at + 0.5) / 10 * self.seconds for at in range(10)] if self.pictures else []
        return [
            next((each for each in reversed(self.pictures) if each.start <= middle), self.pictures[0])
            for middle in middles
        ]


def decoded(path: Path, *, seconds: float | None = None, legible: bool = True) -> Recording | None:
    """Decode a whole file; None where nothing of it can be.

    Args:
        path: The file.
        seconds: The length that the tenths of sound are of; its own if it is not given.
        legible: Whether pictures carry a number that can be read; else they are counted.
    """
    try:
        spans = {"audio": [*_spans(path, "audio")], "video": [*_spans(path, "video")]}
    except av.FFmpegError:
        return None
    every = [(start, end) for frames in spans.values() for start, end, _, _ in frames]
    if not every:
        return None
    begin, over = min(start for start, _ in every), max(end for _, end in every)
    pictures: list[Picture] = []
    last, base = -1, 0
    for order, (start, _, number, luma) in enumerate(spans["video"]):
        base += 2**clips.BITS * (number < last)
        last = number
        pictures.append(Picture(start - begin, base + number if legible else order, luma))
    levels = clips.heard(path, seconds or over - begin) if spans["audio"] else []
    return Recording(over - begin, levels, pictures)


def _spans(path: Path, kind: Literal["audio", "video"]) -> Iterator[tuple[float, float, int, float]]:
    """Yield start, end, number and luma of each frame, on a clock that goes on where the file's begins anew.

    Sound has only the count of its samples: what timestamps say of it is what awkward files get wrong.
    """
    with av.open(str(path)) as container:
        stream: Any = next((each for each in container.streams if each.type == kind), None)
        if stream is None:
            return
        end, shift, before = -math.inf, 0.0, -math.inf
        for packet in container.demux(stream):
            frames: list[Any] = []
            with suppress(av.FFmpegError):  # a damaged packet
                frames = [*packet.decode()]
            for frame in frames:
                if kind == "audio":
                    start = end if math.isfinite(end) else frame.time or 0.0
                    end = start + frame.samples / frame.sample_rate
                    yield start, end, 0, 0.0
                    continue
                rate = float(stream.guessed_rate or stream.average_rate or 1)
                time = frame.time if frame.time is not None else max(end, 0.0) - shift
                if time <= before:
                    shift = end - time
                before, start = time, time + shift
                end = start + (float(frame.duration * frame.time_base) if frame.duration else 1 / rate)
                yield start, end, clips.number_of(frame), _luma(frame)


def _luma(frame: av.VideoFrame) -> float:
    halves = clips.brightness(frame.reformat(format="rgb24"))  # by way of RGB, the range is not lost
    return (halves["top"] + halves["bottom"]) / 2
