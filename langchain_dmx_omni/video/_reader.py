"""One pass over a file: its pictures and its sound, decoded, with times in seconds from the file's start.

Each of the two is read by itself, and what comes first is given out first: a container may hold one of them seconds
ahead of the other, and a picture may stay for an hour.

What nobody will look at is not decoded where that is safe. The pictures that are wanted are known before they are
decoded, from the packets' timestamps; of the others, those that no further picture is built upon are left out.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import av

from langchain_dmx_omni._media.container import exact, open_container, pass_over

from ._bare import Bare
from ._clock import Clock, Ticks, has_header, has_index, is_raw
from ._open import picture_stream, sound_stream, start_of
from ._sound import Mixer, Sound

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

    from .probe import MediaInfo

_BEYOND: Final = 30.0
"""Seconds before the start or after the end at which a timestamp can't be right any more."""
_THREADED_FPS: Final = 5.0
"""Below this rate frame threads would hold pictures back for seconds."""
_LONGEST: Final = 1.0
"""Seconds of a picture that are given out at once, so that sound keeps up with one that stays."""


class Picture(NamedTuple):
    """A picture, and how long it is shown; one that stays comes again."""

    time: float
    until: float
    frame: av.VideoFrame


Wanted = Callable[[float, float], bool]
"""Whether a picture will be used that is shown at some time between two (seconds, the second excluded)."""


class Reader:
    """A file that is read once, from its start or from where it was sought to.

    Args:
        info: What `probe` says of the file.
        sample_rate: Hertz of the sound given out; 0 for none.
        wanted: Which pictures will be used; None for none of them.
    """

    def __init__(self, info: MediaInfo, sample_rate: int, wanted: Wanted | None) -> None:
        self._tracks: list[_Pictures | _Sounds] = []
        try:
            if info.has_video and wanted is not None:
                self._tracks.append(_Pictures(info, wanted))
            if info.has_audio and sample_rate:
                self._tracks.append(_Sounds(info, sample_rate))
        except BaseException:
            self.close()
            raise

    @property
    def left_out(self) -> int:
        """Packets that could not be decoded, and pictures whose time can't be right."""
        return sum(track.left_out for track in self._tracks)

    @property
    def cancelled(self) -> float:
        """Seconds for which the channels of stereo cancelled each other out, and one was taken."""
        return sum(track.mixer.cancelled for track in self._tracks if isinstance(track, _Sounds))

    def close(self) -> None:
        """Close the file."""
        for track in self._tracks:
            track.close()

    @property
    def can_seek(self) -> bool:
        """Whether a place can be found by its time."""
        return all(track.can_seek for track in self._tracks)

    def seek(self, time: float) -> None:
        """Go on from the last keyframe before a time, or from the file's start; `read` is to be called again."""
        for track in self._tracks:
            track.seek(time)

    def read(self) -> Iterator[Picture | Sound]:
        """Return pictures and sound in the order of their times, from where the file is."""
        return heapq.merge(*(track.read() for track in self._tracks), key=lambda piece: piece.time)


class _Track:
    """One stream of a file, opened for itself."""

    def __init__(self, info: MediaInfo) -> None:
        self.left_out = 0
        self._info = info
        self._container = open_container(info.path)
        self._open()

    def _open(self) -> None:
        container, info = self._container, self._info
        self._clock = Clock(container)
        picture = picture_stream(container) if info.has_video else None
        sound = sound_stream(container) if info.has_audio else None
        both = [stream for stream in (picture, sound) if stream is not None]
        stream = self._chosen(picture, sound)
        assert stream is not None
        self._stream: Any = stream
        self._index = stream.index
        self._bare = Bare(container, stream)
        self._ticks = Ticks(container, stream) if stream.time_base else None
        # Where the clock may start anew, all of its streams say when.
        self._read: list[Any] = both if not has_index(container) or info.clock_restarts else [stream]
        for other in container.streams:
            if other not in self._read:
                pass_over(other)

    def _chosen(self, picture: Stream | None, sound: Stream | None) -> Stream | None:
        raise NotImplementedError

    def close(self) -> None:
        self._container.close()

    @property
    def can_seek(self) -> bool:
        # Without an index a place is a guess, and behind a clock that starts anew it means nothing.
        return not self._info.clock_restarts and (has_header(self._container) or not is_raw(self._container))

    def seek(self, time: float) -> None:
        try:
            self._container.seek(round((start_of(self._container) + time) * av.time_base))
        except av.FFmpegError:  # the place is lost as well
            self._container.close()
            self._container = open_container(self._info.path)
            self._open()
        self._clock = Clock(self._container)
        self._bare = Bare(self._container, self._stream)

    def _packets(self) -> Iterator[Packet[Any] | None]:
        """Return the packets of the stream, and None for its end."""
        packets = self._container.demux(*self._read)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except (av.FFmpegError, EOFError):  # what is damaged beyond is lost; what was read is not
                self.left_out += 1
                break
            if packet.size:  # the empty packets at the end flush the decoders: below, once for all
                self._clock.set(packet)
                if packet.stream_index == self._index and (packet := self._bare.sound(packet)) is not None:
                    yield packet
        yield None

    def _decoded(self, packet: Packet[Any] | None) -> list[Any]:
        try:
            return list(self._stream.codec_context.decode(packet))
        except (av.FFmpegError, EOFError):
            self.left_out += 1
            return []

    def _time_of(self, frame: av.VideoFrame | av.AudioFrame | Packet[Any]) -> float | None:
        """Return the time of a frame or a packet, or None where it says none that can be right."""
        stamp = frame.pts if frame.pts is not None else frame.dts
        if stamp is None or self._ticks is None:
            return None
        time = self._ticks.seconds(stamp)
        return time if -_BEYOND < time < self._info.duration + _BEYOND else None


class _Pictures(_Track):
    def __init__(self, info: MediaInfo, wanted: Wanted) -> None:
        self._wanted = wanted
        self._frame_time = 1 / info.fps if info.fps else 0.0
        super().__init__(info)

    def _open(self) -> None:
        super()._open()
        fps = self._info.fps or 0.0
        threaded = fps >= _THREADED_FPS
        self._stream.thread_type = "AUTO" if threaded else "SLICE"
        self._counted = is_raw(self._container)
        self._may_skip = threaded and not self._counted and _is_constant(self._stream, fps)

    def _chosen(self, picture: Stream | None, sound: Stream | None) -> Stream | None:
        return picture

    def read(self) -> Iterator[Picture]:
        shown: Picture | None = None
        for packet in self._packets():
            if packet is not None:
                self._choose(packet)
            for frame in self._decoded(packet):
                after = 0.0 if shown is None else shown.time + self._frame_time
                time = after if self._counted else self._time_of(frame)
                if time is None:
                    if frame.pts is not None:
                        self.left_out += 1
                        continue
                    time = after
                if shown is not None and time > shown.time:
                    yield from _again(shown._replace(until=time))
                shown = Picture(time, time + self._frame_time, frame)
        if shown is not None:  # the last one stays until the sound ends too
            yield from _again(shown._replace(until=max(shown.until, self._info.duration)))

    def _choose(self, packet: Packet[Any]) -> None:
        """Tell the decoder whether the picture of a packet may be left out."""
        if not self._may_skip:
            return
        used = True
        if packet.pts is not None and self._ticks is not None:
            time = self._ticks.seconds(packet.pts)
            # Half a frame either way, for timestamps that were rounded.
            margin = self._frame_time / 2
            used = self._wanted(time - margin, time + self._frame_time + margin)
        self._stream.codec_context.skip_frame = "DEFAULT" if used else "NONREF"


class _Sounds(_Track):
    def __init__(self, info: MediaInfo, rate: int) -> None:
        self._rate = rate
        super().__init__(info)
        self.mixer = Mixer(rate, raw=is_raw(self._container))

    def _chosen(self, picture: Stream | None, sound: Stream | None) -> Stream | None:
        return sound

    def seek(self, time: float) -> None:
        super().seek(time)
        cancelled = self.mixer.cancelled
        self.mixer = Mixer(self._rate, raw=is_raw(self._container))
        self.mixer.cancelled = cancelled

    def read(self) -> Iterator[Sound]:
        began = False
        for packet in self._packets():
            for frame in self._decoded(packet):
                time = self._time_of(frame)
                if time is None and not began and packet is not None:  # some decoders give no times at all
                    time = self._time_of(packet)
                began = True
                yield from self.mixer.mix(frame, time)
        yield from self.mixer.mix(None)


def _again(picture: Picture) -> Iterator[Picture]:
    """Return a picture as pieces of at most the longest."""
    time = picture.time
    while picture.until - time > 2 * _LONGEST:
        yield picture._replace(time=time, until=time + _LONGEST)
        time += _LONGEST
    yield picture._replace(time=time)


def _is_constant(stream: VideoStream, fps: float) -> bool:
    """Whether pictures come at a constant rate, so that a packet's time tells how long its picture is shown."""
    average, base = exact(stream.average_rate), exact(stream.base_rate)
    return bool(average and base and abs(average - base) < base / 200 and abs(average - fps) < average / 200)
