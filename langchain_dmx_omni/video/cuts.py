"""Places where a file may well be cut: changes of scene and pauses, as FFmpeg's own filters see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

from langchain_dmx_omni._media.container import open_container

from ._checks import usable
from ._open import picture_stream, sound_source, sound_stream, start_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from av.container import InputContainer

__all__ = ["scenes", "silences"]

_WIDTH = 160
"""Pixels across at which scenes are compared: enough to tell a cut, little enough to cost nothing."""


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
    container = open_container(info.path)
    with container:
        stream = picture_stream(container)
        assert stream is not None
        stream.thread_type = "AUTO"
        start = start_of(container)
        graph: av.filter.Graph | None = None
        changes = []
        for frame in _frames(container, stream):
            assert isinstance(frame, av.VideoFrame)
            height = max(2, round(_WIDTH * frame.height / frame.width / 2) * 2)
            small = frame.reformat(_WIDTH, height, "gray", interpolation="FAST_BILINEAR")
            if graph is None:
                graph = av.filter.Graph()
                graph.link_nodes(
                    graph.add_buffer(width=_WIDTH, height=height, format=small.format, time_base=frame.time_base),
                    graph.add("scdet", f"threshold={threshold}"),
                    graph.add("buffersink"),
                ).configure()
            if (small.width, small.height) != (_WIDTH, height):
                continue
            graph.push(small)
            if "lavfi.scd.time" in graph.pull().metadata:
                changes.append(frame.time - start)
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
    container = open_container(info.path)
    with container:
        stream = sound_stream(container)
        assert stream is not None
        start = start_of(container)
        marks: list[tuple[str, float]] = []
        graph: av.filter.Graph | None = None
        layout = None
        for frame in _frames(container, stream):
            assert isinstance(frame, av.AudioFrame)
            if (kind := (frame.format.name, frame.layout.name, frame.sample_rate)) != layout:
                layout, graph = kind, _silence_graph(frame, noise, shortest)
            assert graph is not None
            graph.push(frame)
            marks += _marks(graph, start)
        if graph is not None:
            graph.push(None)
            marks += _marks(graph, start)
    return _paired(marks, info.duration)


def _frames(container: InputContainer, stream: av.VideoStream | av.AudioStream) -> Iterator[object]:
    """Return what can be decoded of a stream."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        try:
            yield from packet.decode()
        except (av.FFmpegError, EOFError):
            continue


def _silence_graph(frame: av.AudioFrame, noise: float, shortest: float) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.link_nodes(
        sound_source(graph, frame),
        graph.add("aformat", "channel_layouts=mono"),
        graph.add("silencedetect", f"noise={noise}dB:d={shortest}"),
        graph.add("abuffersink"),
    ).configure()
    return graph


def _marks(graph: av.filter.Graph, start: float) -> Iterator[tuple[str, float]]:
    """Return what the filter says of the frames that are ready."""
    while True:
        try:
            metadata = graph.pull().metadata
        except (av.BlockingIOError, av.EOFError):
            return
        for name in ("silence_end", "silence_start"):
            if value := metadata.get(f"lavfi.{name}"):
                yield name, float(value) - start


def _paired(marks: list[tuple[str, float]], duration: float) -> list[tuple[float, float]]:
    pauses = []
    since: float | None = None
    for name, time in marks:
        if name == "silence_start":
            since = max(0.0, time)
        elif since is not None:
            pauses.append((since, time))
            since = None
    return [*pauses, (since, duration)] if since is not None else pauses
