"""Where a file may be cut without encoding it, by its packets; and windows that make the most of it.

What is copied are the codecs that every reader of MP4 knows: H.264 in 8 bits and 4:2:0 with AAC, and sound alone in AAC
or MP3. The service lists containers, and says nothing of codecs. A window begins with an IDR picture, which needs
nothing before it, and ends where all that was decoded is all that is shown; so it plays by itself, and its neighbours
tile.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import av

from langchain_dmx_omni._media.container import exact, open_container

from ._clock import Succession, Ticks, is_raw
from ._framing import H264, sound_header
from ._open import picture_stream, sound_stream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

    from .probe import MediaInfo

__all__ = ["Places", "may_fit", "places"]

EPSILON: Final = 1e-4
"""Seconds by which two times may differ and still be the same: less than any two pictures do."""
GAP: Final = 0.1
"""Seconds without sound that are no rounding; encoded, they become silence."""

_PIXELS = {"yuv420p", "yuvj420p"}
_AAC_PROFILES = {"LC", "HE-AAC", "HE-AACv2"}
_SHORTEST = 30.0
"""Seconds of a copied window at the least, or half of the longest: shorter ones would only be more questions."""
_LAST = 1.0
"""Seconds below which a last window joins the one before it."""
_FINENESS = 0.1
"""Seconds between two places that are remembered."""
_PER_PICTURE, _PER_SOUND_FRAME, _INDEX = 20, 12, 8192
"""Bytes that MP4 adds for each, and for itself."""


class Copyable(NamedTuple):
    """The streams of an open file that can be copied into MP4."""

    picture: VideoStream | None
    sound: AudioStream | None


def copyable(container: InputContainer, info: MediaInfo) -> Copyable | None:
    """Return the streams that make up a copy, or None for a file that has to be encoded."""
    picture = picture_stream(container) if info.has_video else None
    sound = sound_stream(container) if info.has_audio else None
    if info.clock_restarts:  # the times of packets are not those that are shown
        return None
    if picture is not None and (is_raw(container) or not _is_plain_h264(picture)):
        return None
    if sound is not None and codec_of(sound) not in (("aac",) if picture else ("aac", "mp3")):
        return None
    if sound is not None and not _has_frames(sound):
        return None
    return Copyable(picture, sound)


def codec_of(stream: Stream) -> str | None:
    """Return the name of a stream's codec, whichever decoder FFmpeg has for it."""
    context: Any = getattr(stream, "codec_context", None)
    return None if context is None else context.codec.canonical_name


def _is_plain_h264(stream: VideoStream) -> bool:
    context = stream.codec_context
    # Whether the service makes pixels square that are not isn't known; those of an encoded window are.
    square = exact(stream.sample_aspect_ratio) in (None, 0, 1)
    return codec_of(stream) == "h264" and context.pix_fmt in _PIXELS and bool(context.extradata) and square


def _has_frames(stream: AudioStream) -> bool:
    context = stream.codec_context
    known = codec_of(stream) != "aac" or context.profile in _AAC_PROFILES
    return known and bool(context.frame_size and context.sample_rate)


class SoundPacket(NamedTuple):
    """A packet of sound. Seconds from the file's start."""

    time: float
    end: float
    packet: Packet[Any]


class SoundClock:
    """Says where packets of sound stand: by the count of their samples, as for decoded sound."""

    def __init__(self, container: InputContainer, stream: AudioStream) -> None:
        self._ticks = Ticks(container, stream)
        # What packets say of their length has gaps in it.
        self._seconds = stream.codec_context.frame_size / stream.codec_context.sample_rate
        self._succession = Succession(is_raw(container))

    def placed(self, packet: Packet[Any]) -> SoundPacket:
        """Return a packet with its time."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        start = self._succession.place(None if stamp is None else self._ticks.seconds(stamp), self._seconds)
        return SoundPacket(start, start + self._seconds, packet)


def packets(container: InputContainer, *streams: Any) -> Iterator[Packet[Any]]:
    """Return what can be read of some streams."""
    try:
        for packet in container.demux(*streams):
            if packet.size:
                yield packet
    except (av.FFmpegError, EOFError):  # what is damaged beyond is lost, for an encoder too
        return


@dataclass(frozen=True, slots=True)
class Places:
    """Where a file may be cut.

    Attributes:
        times: Seconds at which a copied window may end, in order; the last is the file's end.
        sizes: Bytes that a copy up to there has.
        starts: Which of them a copied window may begin at.
        flaws: Seconds of what can't be copied: damaged packets, gaps in the sound, pictures that are not shown.
    """

    times: array[float]
    sizes: array[int]
    starts: tuple[float, ...]
    flaws: tuple[float, ...]

    def fits(self, start: float, end: float, max_bytes: int) -> bool:
        """Whether a window can be copied."""
        at = bisect_left(self.starts, start - EPSILON)
        if at == len(self.starts) or self.starts[at] > start + EPSILON:
            return False
        first, last = self._index(start), self._index(end)
        if first is None or last is None or self.sizes[last] - self.sizes[first] + _INDEX > max_bytes:
            return False
        flaw = bisect_left(self.flaws, start - EPSILON)
        return flaw == len(self.flaws) or self.flaws[flaw] >= end - EPSILON

    def end_from(self, time: float) -> float:
        """Return the first end that is not before a time."""
        return self.times[min(bisect_left(self.times, time - EPSILON), len(self.times) - 1)]

    def _index(self, time: float) -> int | None:
        at = bisect_left(self.times, time - EPSILON)
        return at if at < len(self.times) and self.times[at] <= time + EPSILON else None

    def windows(self, window: float, overlap: float, max_bytes: int) -> list[tuple[float, float]]:
        """Return windows that begin at keyframes where they can, as long as can be copied.

        Args:
            window: Seconds of a window at the most.
            overlap: Seconds that a window at least goes on after the next one has begun.
            max_bytes: Largest file.
        """
        ranges: list[tuple[float, float]] = []
        start: float | None = 0.0
        while start is not None:
            end, following = self._copied(start, window, overlap, max_bytes) or self._encoded(start, window, overlap)
            ranges.append((start, end))
            start = following
        return ranges

    def _copied(self, start: float, window: float, overlap: float, max_bytes: int) -> tuple[float, float | None] | None:
        """Return the end of the longest window that can be copied, and the start of the next one."""
        duration = self.times[-1]
        if duration - start <= window + EPSILON and self.fits(start, duration, max_bytes):
            return duration, None
        for following in self._starts(start + EPSILON, start + window - overlap):
            end = self.end_from(following + overlap)
            if end - start < min(_SHORTEST, window / 2):
                return None
            if end - start <= window + EPSILON and duration - following >= _LAST and self.fits(start, end, max_bytes):
                return end, following
        return None

    def _encoded(self, start: float, window: float, overlap: float) -> tuple[float, float | None]:
        duration = self.times[-1]
        if start + window >= duration - min(_LAST, window / 10):
            return duration, None
        for following in self._starts(start + window / 2, start + window - overlap):
            end = self.end_from(following + overlap)
            if end <= start + window + EPSILON:
                return end, following
        return start + window, start + window - overlap

    def _starts(self, since: float, until: float) -> Iterator[float]:
        """Return the starts between two times, the last one first."""
        at = bisect_right(self.starts, until + EPSILON)
        while at and self.starts[at - 1] > since:
            at -= 1
            yield self.starts[at]


def may_fit(info: MediaInfo, window: float, max_bytes: int) -> bool:
    """Whether a file's own bit rate lets windows be copied that are long enough; nothing is read."""
    return info.size_bytes / info.duration * min(_SHORTEST, window / 2, info.duration) <= max_bytes


def places(info: MediaInfo) -> Places | None:
    """Return where a file may be cut, or None for one that has to be encoded. Every packet is read, none decoded.

    To be encoded are other codecs, pixels that aren't square, and a clock that starts anew: what is copied is found by
    the file's own times. Damaged packets, and the end of a file that is cut off, only spoil the windows that they are
    in. Stereo whose channels cancel each other out is heard only in a copy, which is then encoded after all. A phone's
    turn, a mirror and a full range of levels stay as they are.
    """
    return _places(info, info.path.stat().st_mtime_ns)


@lru_cache(maxsize=1)  # first to plan, then to cut
def _places(info: MediaInfo, _modified: int) -> Places | None:
    with closing(open_container(info.path)) as container:
        streams = copyable(container, info)
        if streams is None:
            return None
        scan = _Scan(container, streams)
        for packet in packets(container, *(stream for stream in streams if stream is not None)):
            if not scan.take(packet):
                return None
        return scan.places(info.duration)


class _Tally:
    """Bytes by time, of one stream."""

    def __init__(self) -> None:
        self.times, self.sizes = array("d"), array("q")
        self.total = 0

    def mark(self, time: float, total: int | None = None) -> None:
        """Remember what came before a time."""
        if not self.times or time > self.times[-1]:
            self.times.append(time)
            self.sizes.append(self.total if total is None else total)

    def is_due(self, time: float) -> bool:
        return not self.times or time >= self.times[-1] + _FINENESS

    def before(self, time: float) -> int:
        """Return the bytes before a time, rather more than fewer."""
        at = bisect_left(self.times, time)
        return self.sizes[at] if at < len(self.times) else self.total


class _Scan:
    """Takes the packets of a file, in its order."""

    def __init__(self, container: InputContainer, streams: Copyable) -> None:
        self._streams = streams
        self._pictures, self._sounds = _Tally(), _Tally()
        self._starts: list[float] = []
        self._flaws: list[float] = []
        self._group: list[tuple[float, int]] = []
        """Pictures since the last keyframe, as they are decoded: their times, and the bytes before them."""
        self._latest = float("-inf")
        """Time of the last picture by now, as they are shown."""
        self._hidden: list[float] = []
        """Times of pictures that an edit list hides, as long as none has come after them that may need them."""
        self._foreign = False
        """Whether parameters are in force that the file's header doesn't say."""
        self._picture_index = -1
        if streams.picture is not None:
            self._picture_index, self._ticks = streams.picture.index, Ticks(container, streams.picture)
            self._extradata = bytes(streams.picture.codec_context.extradata or b"")
            self._h264 = H264(self._extradata)
        if streams.sound is not None:
            self._clock = SoundClock(container, streams.sound)
            self._codec = codec_of(streams.sound) or ""
            self._header: bytes | None = None
            self._sound_end: float | None = None

    def take(self, packet: Packet[Any]) -> bool:
        """Take a packet; False for one that says that nothing can be copied."""
        if packet.stream_index != self._picture_index:
            self._take_sound(packet)
        elif packet.pts is None:
            return False
        else:
            self._take_picture(packet, self._ticks.seconds(packet.pts))
        return True

    def _take_picture(self, packet: Packet[Any], time: float) -> None:
        coded = self._h264.read(bytes(packet))
        if coded.parameters:
            self._foreign = any(one not in self._extradata for one in coded.parameters)
        for side_data in packet.iter_sidedata():
            if side_data.data_type == "new_extradata":
                self._foreign = bytes(side_data) != self._extradata
        if packet.is_discard:
            self._hidden.append(max(0.0, time))
            return
        self._flaws += self._hidden
        self._hidden.clear()
        if not coded.intact or packet.is_corrupt or self._foreign:
            self._flaws.append(max(0.0, time))
        if coded.idr and time > self._latest:
            self._close_group()
            if time >= 0:
                # The pictures of a file may begin a little later than its sound.
                at = 0.0 if self._latest < 0 and time < GAP else time
                self._pictures.mark(at)
                self._starts.append(at)
        self._group.append((time, self._pictures.total))
        self._latest = max(self._latest, time)
        self._pictures.total += packet.size + _PER_PICTURE

    def _close_group(self) -> None:
        """Find the ends within a group: where no picture is to come that is shown before one that came."""
        group, self._group = self._group, []
        if len({time for time, _ in group}) < len(group) or any(time < group[0][0] for time, _ in group):
            self._flaws += [max(0.0, time) for time, _ in group]
            return
        ends = []
        earliest = float("inf")
        latest = list(_running_max(time for time, _ in group))
        for at in range(len(group) - 1, 0, -1):
            earliest = min(earliest, group[at][0])
            if latest[at - 1] < earliest:
                ends.append((earliest, group[at][1]))
        for time, total in reversed(ends):
            if self._pictures.is_due(time):
                self._pictures.mark(time, total)

    def _take_sound(self, packet: Packet[Any]) -> None:
        sound = self._clock.placed(packet)
        header = sound_header(self._codec, bytes(packet))
        if self._header is None:
            self._header = header
        anew = any(one.data_type == "new_extradata" for one in packet.iter_sidedata())
        if header is None or header != self._header or packet.is_corrupt or anew:
            self._flaws.append(max(0.0, sound.time))
        end = 0.0 if self._sound_end is None else self._sound_end
        if sound.time > end + GAP:
            self._flaws += [end, sound.time]
        # Any packet will do, where there is no picture; one a second, which holds its first sample, is enough.
        if self._streams.picture is None and (not self._starts or int(sound.end) > int(end)):
            self._sounds.mark(max(0.0, sound.time))
            self._starts.append(max(0.0, sound.time))
        if self._sounds.is_due(sound.time):
            self._sounds.mark(max(0.0, sound.time))
        self._sounds.total += packet.size + _PER_SOUND_FRAME
        self._sound_end = sound.end

    def places(self, duration: float) -> Places | None:
        """Return what all packets say."""
        if self._group:
            self._close_group()
        ends = self._pictures if self._streams.picture is not None else self._sounds
        last = bisect_left(ends.times, duration - EPSILON)
        times, sizes = ends.times[:last], ends.sizes[:last]
        times.append(duration)
        sizes.append(ends.total)
        if self._streams.picture is not None:
            sizes = array("q", [size + self._sounds.before(time) for time, size in zip(times, sizes, strict=True)])
        starts = tuple(time for time in self._starts if time < duration - EPSILON)
        return Places(times, sizes, starts, tuple(sorted(self._flaws)))


def _running_max(values: Iterator[float]) -> Iterator[float]:
    latest = float("-inf")
    for value in values:
        latest = max(latest, value)
        yield latest
