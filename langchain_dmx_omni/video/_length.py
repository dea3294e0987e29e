"""How long a file is, and how many pictures a second it has: by its packets, wherever its header can't be trusted.

A header that says the length is believed once the packets at its end confirm it; a length that FFmpeg has only
guessed, from a bit rate or from the last timestamp, is not, and every packet is read. That costs no decoding.
"""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import av

from langchain_dmx_omni._media.container import exact, open_container

from ._bare import Bare
from ._clock import Clock, Succession, has_header, has_index, is_raw
from ._open import start_of

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

_TAIL = 5.0
"""Seconds before the end that are looked at, to know whether the end is there."""
_SLACK = 1.0
"""Seconds that a file may end before its header says so and still be whole."""
_ROUNDING = 0.1
"""Seconds that a header and the packets may differ by: a header says it to the sample, packets to their own length."""
_PACKETS, _FAR_OFF = 60, 2.5
"""Packets that the rate is measured with; how many times too high a header's rate is no rounding any more."""

_FLV, _NEAR = b"FLV\x01", 64
"""What an FLV begins with; bytes behind the last packet that are looked at for it."""


class Length(NamedTuple):
    """What the packets say."""

    seconds: float = 0.0
    problem: str | None = None
    """What is wrong where the header promises more."""
    restarts: int = 0
    """How often the clock begins anew."""


def seconds_of(stream: Stream) -> float | None:
    """Return the length that a stream's header says, or None for none that can be."""
    if not stream.duration or stream.duration < 0 or not stream.time_base:
        return None
    return float(stream.duration * stream.time_base)


def measure_length(file: Path, container: InputContainer, streams: list[Any], fps: float | None) -> Length:
    """Return how long streams of a file are.

    Args:
        file: The file.
        container: The same, opened, at any place.
        streams: Those that will be used.
        fps: Pictures a second, for formats that don't say how long one is shown.
    """
    if not streams:
        return Length()
    indexes = [stream.index for stream in streams]
    frame_time = 1 / fps if fps else 0.0
    promised = _promised(container, streams) if has_header(container) else 0.0
    indexed = has_index(container)
    seconds, restarts = 0.0, 0
    if promised and indexed:
        seconds, restarts = _read_on(file, indexes, max(0.0, promised - _TAIL), frame_time)
    if restarts or not seconds or seconds < promised - _SLACK:
        seconds, restarts = _read_on(file, indexes, 0.0, frame_time)
    start = start_of(container)
    if abs(promised - start - seconds) < abs(promised - seconds):
        promised -= start  # some formats count from 0 and not from their own first timestamp
    if container.format.name == "flv" and _is_joined(file):
        where = f"only its first {seconds:.1f} s can be read"
        return Length(seconds, f"{where}: another FLV is joined to it; join them anew (ffmpeg -f concat)", restarts)
    if seconds < promised - max(_SLACK, promised / 50):
        return Length(seconds, f"it is cut off: it ends after {seconds:.1f} of {promised:.1f} s", restarts)
    if indexed and abs(seconds - promised) <= min(_ROUNDING, promised / 10):
        return Length(promised, None, restarts)
    return Length(seconds, None, restarts)


def _is_joined(file: Path) -> bool:
    """Whether another FLV begins where the tags of an FLV end: there FFmpeg stops, without a word."""
    last = 0
    with suppress(av.FFmpegError, EOFError), closing(open_container(file)) as container:
        for packet in container.demux():
            last = max(last, packet.pos + packet.size if packet.pos is not None else 0)
    with file.open("rb") as data:
        data.seek(last)
        return _FLV in data.read(_NEAR)


def _promised(container: InputContainer, streams: list[Any]) -> float:
    """Return the seconds that a header says, or 0.0."""
    start = start_of(container)
    declared = [
        seconds + float((stream.start_time or 0) * stream.time_base) - start
        for stream in streams
        if (seconds := seconds_of(stream)) is not None
    ]
    if len(declared) == len(streams):
        return max(0.0, *declared)
    return max(0.0, (container.duration or 0) / av.time_base)


def _read_on(file: Path, indexes: list[int], since: float, frame_time: float) -> tuple[float, int]:
    """Return where the last packet of some streams ends, and the restarts of the clock, reading from a time on.

    Seconds; 0.0 where nothing can be read.
    """
    end = 0.0
    with suppress(av.FFmpegError, EOFError), closing(open_container(file)) as container:
        start, clock, raw = start_of(container), Clock(container), is_raw(container)
        if since:
            container.seek(round((start + since) * av.time_base))
        ends = {index: _End(container.streams[index], start, raw, frame_time) for index in indexes}
        bare = {index: Bare(container, container.streams[index]) for index in indexes}
        with suppress(av.FFmpegError, EOFError):
            for packet in container.demux(*(container.streams[index] for index in indexes)):
                if packet.size and not packet.is_corrupt and not packet.is_discard:
                    clock.set(packet)
                    sound = bare[packet.stream_index].sound(packet)
                    if sound is not None:
                        end = max(end, ends[packet.stream_index].after(sound))
        return end, clock.restarts
    return end, 0


class _End:
    """Where a stream ends, packet by packet."""

    def __init__(self, stream: Any, start: float, raw: bool, frame_time: float) -> None:
        self._stream = stream
        self._is_sound = stream.type == "audio"
        self._start = start
        self._numerator: int = stream.time_base.numerator if stream.time_base else 0
        self._denominator: int = stream.time_base.denominator if stream.time_base else 1
        self._raw = raw
        self._frame_time = frame_time
        self._latest = -1.0
        self._end = 0.0
        self._succession = Succession(raw)

    def after(self, packet: Packet[Any]) -> float:
        """Return where the stream ends after one more packet."""
        stamp = packet.pts if packet.pts is not None and not self._raw else packet.dts
        stamp = packet.pts if stamp is None else stamp
        time = None
        if stamp is not None and self._numerator:  # fractions would take most of the time
            time = stamp * self._numerator / self._denominator - self._start
        seconds = (packet.duration or 0) * self._numerator / self._denominator
        if seconds <= 0 and self._is_sound:
            return self._decoded(packet, time)
        if seconds <= 0:
            seconds = self._frame_time
        if time is None or (time <= self._latest and self._is_sound):
            time = self._end  # a clock that stands still
        else:
            self._latest = time
        self._end = max(self._end, time + seconds)
        return self._end

    def _decoded(self, packet: Packet[Any], time: float | None) -> float:
        """Count samples, where packets don't say how long they are."""
        with suppress(av.FFmpegError, EOFError):
            for frame in self._stream.codec_context.decode(packet):
                if frame.sample_rate:
                    self._succession.place(time, frame.samples / frame.sample_rate)
                time = None
        self._end = max(self._end, self._succession.end or 0.0)
        return self._end


def frame_rate(file: Path, container: InputContainer, stream: VideoStream) -> float | None:
    """Return the pictures a second: the header's, unless the first packets show that it can't be."""
    header = exact(stream.average_rate) or exact(stream.guessed_rate)
    measured = _measured_rate(file, stream.index)
    if measured and (not header or is_raw(container) or header > measured * _FAR_OFF):
        return measured
    return float(header) if header else None


def _measured_rate(file: Path, index: int) -> float | None:
    stamps = []
    with suppress(av.FFmpegError, EOFError), closing(open_container(file)) as container:
        for packet in container.demux(container.streams[index]):
            stamp = packet.dts if packet.dts is not None else packet.pts
            if stamp is not None and packet.time_base:
                stamps.append(float(stamp * packet.time_base))
            if len(stamps) == _PACKETS:
                break
    span = max(stamps) - min(stamps) if stamps else 0.0
    return (len(stamps) - 1) / span if span > 0 else None
