"""Places where a file may well be cut: changes of scene and pauses, as FFmpeg's own filters see them."""

from __future__ import annotations

from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from ._checks import named, usable
from ._reader import Picture, Reader
from ._sound import SAMPLE_WIDTH, Sound, sound_frame

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["scenes", "silences"]

_WIDTH = 160
"""Pixels across at which scenes are compared: enough to tell a cut, little enough to cost nothing."""
_RATE = 16_000
"""Hertz at which pauses are looked for."""
_TICKS = 90_000


def scenes(path: str | os.PathLike[str], *, threshold: float = 10.0) -> list[float]:
    """Return the times in seconds at which another scene begins: the first frame after each cut.

    Args:
        path: A local video.
        threshold: How different two frames are where there is a cut, 0 to 100, as FFmpeg's `scdet` counts it.

    Raises:
        ContentBlockError: There is no such file, or nothing in it can be played.
    """
    info = usable(path)
    if not info.has_video:
        return []
    with named(info.path), closing(Reader(info, 0, lambda _, __: True)) as reader:
        graph: av.filter.Graph | None = None
        changes = []
        height = max(2, round(_WIDTH * (info.height or 1) / (info.width or 1) / 2) * 2)
        latest: av.VideoFrame | None = None
        for piece in reader.read():
            assert isinstance(piece, Picture)
            if piece.frame is latest:  # it stays
                continue
            latest = piece.frame
            small = latest.reformat(_WIDTH, height, "gray", interpolation="FAST_BILINEAR")
            small.pts, small.time_base = round(piece.time * _TICKS), Fraction(1, _TICKS)
            if graph is None:
                graph = av.filter.Graph()
                graph.link_nodes(
                    graph.add_buffer(width=_WIDTH, height=height, format=small.format, time_base=small.time_base),
                    graph.add("scdet", f"threshold={threshold}"),
                    graph.add("buffersink"),
                ).configure()
            graph.push(small)
            if "lavfi.scd.time" in graph.pull().metadata:
                changes.append(piece.time)
    return changes


def silences(path: str | os.PathLike[str], *, noise: float = -35.0, shortest: float = 0.4) -> list[tuple[float, float]]:
    """Return the start and the end of each pause, in seconds.

    Args:
        path: A local video or audio file.
        noise: Decibels of full scale below which sound is silence.
        shortest: Seconds that a pause lasts at least.

    Raises:
        ContentBlockError: There is no such file, or nothing in it can be played.
    """
    info = usable(path)
    if not info.has_audio:
        return []
    with named(info.path), closing(Reader(info, _RATE, None)) as reader:
        graph = _silence_graph(noise, shortest)
        marks: list[tuple[str, float]] = []
        fed = 0
        for piece in reader.read():
            assert isinstance(piece, Sound)
            missing = round(piece.time * _RATE) - fed
            for samples in (bytes(max(0, missing) * SAMPLE_WIDTH), piece.samples):
                if samples:
                    graph.push(sound_frame(samples, _RATE, fed))
                    fed += len(samples) // SAMPLE_WIDTH
            marks += _marks(graph)
        graph.push(None)
        marks += _marks(graph)
    return _paired(marks, info.duration)


def _silence_graph(noise: float, shortest: float) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_abuffer(sample_rate=_RATE, format="s16", layout="mono", time_base=Fraction(1, _RATE)),
        graph.add("silencedetect", f"noise={noise}dB:d={shortest}"),
        graph.add("abuffersink"),
    ).configure()
    return graph


def _marks(graph: av.filter.Graph) -> Iterator[tuple[str, float]]:
    """Return what the filter says of the frames that are ready."""
    while True:
        try:
            metadata = graph.pull().metadata
        except (av.BlockingIOError, av.EOFError):
            return
        for name in ("silence_end", "silence_start"):
            if value := metadata.get(f"lavfi.{name}"):
                yield name, float(value)


def _paired(marks: list[tuple[str, float]], duration: float) -> list[tuple[float, float]]:
    pauses = []
    since: float | None = None
    for name, time in marks:
        if name == "silence_start":
            since = min(max(0.0, time), duration)
        elif since is not None:
            pauses.append((since, min(time, duration)))
            since = None
    return [*pauses, (since, duration)] if since is not None else pauses
