"""One pass over a file: its pictures and its sound, decoded, with times in seconds from the file's start.

What nobody will look at is not decoded where that is safe. The pictures that are wanted are known before they are
decoded, from the packets' timestamps; of the others, those that no further picture is built upon are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import av

from langchain_dmx_omni._media.container import exact, open_container

from ._open import picture_stream, sound_source, sound_stream, start_of

if TYPE_CHECKING:
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.packet import Packet
    from av.video.stream import VideoStream

    from .probe import MediaInfo

SAMPLE_WIDTH = 2
"""Bytes of a sample: sound is mono, 16 bits, native byte order."""
_PIECES = 8
"""Pieces of sound a second."""
_BEYOND = 30.0
"""Seconds before the start or after the end at which a timestamp can't be right any more."""
_THREADED_FPS = 5.0
"""Below this rate frame threads would hold pictures back for seconds."""


class Picture(NamedTuple):
    """A picture, and how long it is shown."""

    time: float
    until: float
    frame: av.VideoFrame


class Sound(NamedTuple):
    """A piece of mono sound."""

    time: float
    until: float
    samples: bytes


Wanted = Callable[[float, float], bool]
"""Whether a picture will be used that is shown at some time between two (seconds, the second excluded)."""


class Reader:
    """A file that is read once, from its start or from where it was sought to.

    Args:
        path: The file.
        info: What `probe` says of it.
        sample_rate: Hertz of the sound given out.
        wanted: Which pictures will be used.

    Attributes:
        errors: Packets that could not be decoded.
    """

    def __init__(self, path: Path, info: MediaInfo, sample_rate: int, wanted: Wanted) -> None:
        self.errors = 0
        self._info = info
        self._rate = sample_rate
        self._wanted = wanted
        self._path = path
        self._frame_time = 1 / info.fps if info.fps else 0.0
        self._open()
        self._shown: Picture | None = None
        """The picture whose end is not known yet."""
        self._fed = 0.0
        """Time of the last packet of pictures."""
        self._graph: _SoundGraph | None = None

    def _open(self) -> None:
        info = self._info
        self._container = open_container(self._path)
        self._start = start_of(self._container)
        self._picture = picture_stream(self._container) if info.has_video else None
        self._sound = sound_stream(self._container) if info.has_audio else None
        self._may_skip = False
        if self._picture is not None:
            threaded = (info.fps or 0) >= _THREADED_FPS
            self._picture.thread_type = "AUTO" if threaded else "SLICE"
            self._may_skip = threaded and _is_constant(self._picture)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def seek(self, time: float) -> None:
        """Go on from the last keyframe before a time; where that can't be done, from the start."""
        try:
            self._container.seek(round((self._start + time) * av.time_base))
        except av.FFmpegError:  # the place is lost as well
            self._container.close()
            self._open()
        self._shown = self._graph = None

    def read(self) -> Iterator[Picture | Sound]:
        """Return pictures and sound in the file's order, from where the file is."""
        streams = [stream for stream in (self._picture, self._sound) if stream is not None]
        packets = self._container.demux(*streams)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except (av.FFmpegError, EOFError):  # what is damaged beyond is lost; what was read is not
                self.errors += 1
                break
            if packet.size:  # the empty packets at the end flush the decoders: below, once for all
                yield from self._pictures(packet) if packet.stream is self._picture else self._sounds(packet)
        if self._picture is not None:
            yield from self._pictures(None)
            if self._shown is not None:  # the last one stays until the sound ends too
                yield self._shown._replace(until=max(self._shown.until, self._info.duration))
        if self._sound is not None:
            yield from self._sounds(None)
            yield from self._sound_graph().pull(None)

    def _decode(
        self, stream: VideoStream | AudioStream, packet: Packet[Any] | None
    ) -> list[av.VideoFrame | av.AudioFrame]:
        try:
            frames = cast("list[av.VideoFrame | av.AudioFrame]", stream.codec_context.decode(packet))
        except (av.FFmpegError, EOFError):
            self.errors += 1
            return []
        for frame in frames:
            if stream.time_base is not None:  # which those that come last, without a packet, don't know
                frame.time_base = stream.time_base
        return frames

    def _pictures(self, packet: Packet[Any] | None) -> Iterator[Picture]:
        stream = self._picture
        assert stream is not None
        if packet is not None:
            self._choose(stream, packet)
        for frame in self._decode(stream, packet):
            assert isinstance(frame, av.VideoFrame)
            time = self._time_of(frame)
            if time is None:
                continue
            shown = self._shown
            self._shown = Picture(time, time + self._frame_time, frame)
            if shown is not None and time > shown.time:
                yield shown._replace(until=time)

    def _choose(self, stream: VideoStream, packet: Packet[Any]) -> None:
        """Tell the decoder whether the picture of a packet may be left out."""
        context = stream.codec_context
        if packet.pts is None or packet.time_base is None:
            context.skip_frame = "DEFAULT"
            return
        time = float(packet.pts * packet.time_base) - self._start
        self._fed = max(self._fed, time)
        if self._may_skip:
            # Half a frame either way, for timestamps that were rounded.
            margin = self._frame_time / 2
            used = self._wanted(time - margin, time + self._frame_time + margin)
            context.skip_frame = "DEFAULT" if used else "NONREF"

    def _sounds(self, packet: Packet[Any] | None) -> Iterator[Picture | Sound]:
        stream = self._sound
        assert stream is not None
        for frame in self._decode(stream, packet):
            assert isinstance(frame, av.AudioFrame)
            if self._time_of(frame) is None:
                continue
            for sound in self._sound_graph().pull(frame):
                yield from self._still(sound.time)
                yield sound

    def _still(self, time: float) -> Iterator[Picture]:
        """Return the picture that stays on while the sound goes on, as in a recording of slides."""
        shown = self._shown
        if shown is not None and self._fed <= shown.time and time - 2.0 > shown.until:
            until = time - 1.0
            self._shown = shown._replace(time=until, until=until)
            yield shown._replace(until=until)

    def _time_of(self, frame: av.VideoFrame | av.AudioFrame) -> float | None:
        """Return a frame's time, or None for a timestamp that can't be right."""
        if frame.time is None:
            return None
        time = frame.time - self._start
        return time if -_BEYOND < time < self._info.duration + _BEYOND else None

    def _sound_graph(self) -> _SoundGraph:
        if self._graph is None:
            assert self._sound is not None
            self._graph = _SoundGraph(self._start, self._rate)
        return self._graph


class _SoundGraph:
    """Sound of any kind → pieces of mono sound at one sample rate, gaps filled with silence."""

    def __init__(self, start: float, rate: int) -> None:
        self._start = start
        self._rate = rate
        self._layout: tuple[object, ...] | None = None
        self._graph: av.filter.Graph | None = None

    def pull(self, frame: av.AudioFrame | None) -> Iterator[Sound]:
        """Feed a frame, or the end, and return the sound that is ready."""
        if frame is not None:
            layout = (frame.format.name, frame.layout.name, frame.sample_rate, frame.time_base)
            if layout != self._layout:  # the stream changes its mind: a graph can't
                yield from self._flush()
                self._layout, self._graph = layout, self._build(frame)
            assert self._graph is not None
            self._graph.push(frame)
            yield from self._ready()
        else:
            yield from self._flush()

    def _build(self, frame: av.AudioFrame) -> av.filter.Graph:
        graph = av.filter.Graph()
        graph.link_nodes(
            sound_source(graph, frame),
            graph.add("aresample", f"{self._rate}:async=1"),
            graph.add("aformat", "sample_fmts=s16:channel_layouts=mono"),
            graph.add("asetnsamples", f"n={self._rate // _PIECES}:p=0"),
            graph.add("abuffersink"),
        ).configure()
        return graph

    def _flush(self) -> Iterator[Sound]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready()
            self._graph = None

    def _ready(self) -> Iterator[Sound]:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(frame, av.AudioFrame)
            time = (frame.time or 0.0) - self._start
            samples = bytes(frame.planes[0])[: frame.samples * SAMPLE_WIDTH]
            yield Sound(time, time + frame.samples / self._rate, samples)


def _is_constant(stream: VideoStream) -> bool:
    """Whether pictures come at a constant rate, so that a packet's time tells how long its picture is shown."""
    average, base = exact(stream.average_rate), exact(stream.base_rate)
    return average is not None and base is not None and abs(average - base) < base / 200
