"""Windows that are copied: the packets of the source in files of their own, with times that begin at 0.

Pictures and sound are read each by itself, and a window at a time is in memory. What a reader of the file shows is
exact: pictures from the window's first keyframe on, each for as long as in the source; sound to the sample, the packets
that a decoder needs before its first one hidden by an edit list.
"""

from __future__ import annotations

import logging
from array import array
from collections import deque
from contextlib import ExitStack, closing
from fractions import Fraction
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import av

from langchain_dmx_omni._media.container import open_container, pass_over

from ._clock import Ticks, has_header, is_raw
from ._cut import Clip, cut
from ._framing import H264
from ._open import start_of
from ._sound import Mixer, Sound
from ._storage import storing
from ._writer import partial
from .keyframes import EPSILON, GAP, SoundClock, SoundPacket, codec_of, copyable, packets

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

    from .probe import MediaInfo
    from .progress import Report

_log = logging.getLogger(__name__)

_SEEK, _MARGIN = 20.0, 2.0
"""Seconds that are rather skipped by seeking than by reading; how much earlier the place is that is sought."""
_PREROLL = {"aac": 3, "mp3": 10}
"""Packets of sound before the first one that is heard: AAC's frames overlap, MP3's borrow up to 511 bytes before."""
_LISTENED, _RATE = 1.0, 16_000
"""Seconds of sound that are to be heard in a copy, with its channels joined; hertz."""
_AUDIBLE = 10
"""What a sample of 16 bits is above where there is something to hear: −70 dB."""


class Copy(NamedTuple):
    """A part of the source that is copied if that turns out right. Seconds of the source."""

    clip: Clip
    """How and where it is encoded else."""
    target: Path


class Written(NamedTuple):
    """A file that is there."""

    path: Path
    copied: bool


def write(info: MediaInfo, clips: Sequence[Clip | Copy], report: Report) -> Generator[Written]:
    """Write clips to their targets, copied or encoded, and give each back when its file is there.

    Args:
        info: The source.
        clips: In the order of their starts and their ends.
        report: Told how far the source has been read, in seconds.

    Raises:
        MediaTooLargeError: A file stays over its budget, whatever is tried.
    """
    copies = copy(info, [clip for clip in clips if isinstance(clip, Copy)], report)
    encoded = cut(info, [clip for clip in clips if isinstance(clip, Clip)], report)
    with closing(copies), closing(encoded):
        for clip in clips:
            if isinstance(clip, Clip):
                yield Written(next(encoded), False)
            elif (path := next(copies)) is not None:
                yield Written(path, True)
            else:
                _log.debug(
                    "%s: %.3f to %.3f s can't be copied as it is", info.path.name, clip.clip.start, clip.clip.end
                )
                with closing(cut(info, [clip.clip], report)) as alone:
                    path = next(alone)
                    for _ in alone:  # what the source has to say is said
                        pass
                yield Written(path, False)
        for _ in encoded:
            pass


def copy(info: MediaInfo, copies: Sequence[Copy], report: Report) -> Generator[Path | None]:
    """Copy parts of a file to their targets, and give each path back when its file is there; None where none is."""
    if not copies:
        return
    with ExitStack() as stack:
        containers = [stack.enter_context(closing(open_container(info.path))) for _ in range(2)]
        streams = [copyable(container, info) for container in containers]
        assert streams[0] is not None
        assert streams[1] is not None
        picture, sound = streams[0].picture, streams[1].sound
        pictures = None if picture is None else _Pictures(containers[0], picture, report)
        sounds = None if sound is None else _Sounds(containers[1], sound, report)
        for each in copies:
            part = partial(each.target)
            try:
                yield _published(each, part, info, pictures, sounds)
            finally:
                part.unlink(missing_ok=True)


def _published(
    each: Copy, part: Path, info: MediaInfo, pictures: _Pictures | None, sounds: _Sounds | None
) -> Path | None:
    """Write a file and put it in its place, if it is what it should be."""
    start, end, budget = each.clip.start, each.clip.end, each.clip.plan.max_bytes
    tracks = [
        None if pictures is None else pictures.track(start, end),
        None if sounds is None else sounds.track(start, end),
    ]
    there = [track for track in tracks if track is not None]
    if len(there) < (pictures is not None) + (sounds is not None):
        return None
    try:
        with storing(part.parent):
            _mux(part, there)
            small = part.stat().st_size <= budget
        if not small or not _plays(part, info, pictures):
            return None
    except (av.FFmpegError, EOFError, ValueError):  # a packet that MP4 can't hold, or a decoder can't read
        return None
    with storing(part.parent):
        part.replace(each.target)
    return each.target


class _Stamped(NamedTuple):
    """A packet with its times in a file of its own."""

    packet: Packet[Any]
    pts: int
    dts: int
    duration: int
    keyframe: bool


class _Track(NamedTuple):
    """A stream of a file to be written."""

    stream: VideoStream | AudioStream
    time_base: Fraction
    packets: Sequence[_Stamped]


class _Stream:
    """A stream of the source, read forward. Packets that the next window needs as well are kept."""

    def __init__(self, container: InputContainer, stream: Any, report: Report) -> None:
        for other in container.streams:
            if other is not stream:
                pass_over(other)
        self._container, self._stream, self._report = container, stream, report
        self._start = start_of(container)
        self._packets = packets(container, stream)
        self._position = 0.0

    def _skip_to(self, time: float) -> bool:
        """Go to a place shortly before a time, if it is far away, and say whether that was done."""
        container = self._container
        can_seek = has_header(container) or not is_raw(container)
        if time - _MARGIN <= self._position + _SEEK or not can_seek:
            return False
        try:
            container.seek(round((self._start + time - _MARGIN) * av.time_base))
        except av.FFmpegError:  # read on; a window that isn't found is encoded
            return False
        self._packets = packets(container, self._stream)
        return True


class _Picture(NamedTuple):
    """A coded picture. The packet's own times change as soon as it is written somewhere."""

    time: float
    pts: int
    keyframe: bool
    hidden: bool
    packet: Packet[Any]


class _Pictures(_Stream):
    """The pictures, in the order in which they are decoded."""

    def __init__(self, container: InputContainer, stream: VideoStream, report: Report) -> None:
        super().__init__(container, stream, report)
        self.stream = stream
        self.color_range = stream.codec_context.color_range
        self._time_base = Fraction(stream.time_base or 1)
        self._ticks = Ticks(container, stream)
        self._h264 = H264(bytes(stream.codec_context.extradata or b""))
        self._kept: deque[_Picture] = deque()

    def track(self, start: float, end: float) -> _Track | None:
        """Return the pictures of a window, or None where they aren't there as they should be."""
        while self._kept and self._kept[0].time < start - EPSILON:
            self._kept.popleft()
        if not self._kept and self._skip_to(start):
            self._position = start
        chosen = [*takewhile(lambda each: each.time < end - EPSILON, self._from(start))]
        while chosen and chosen[-1].hidden:  # by an edit list at the file's end
            chosen.pop()
        # A window begins with the keyframe at its start, or with the file.
        if not chosen or chosen[0].time > start + (GAP if start == 0 else EPSILON):
            return None
        zero = chosen[0].pts if start else round(Fraction(self._start) / self._time_base)
        stamped = _restamped(chosen, zero, round(Fraction(end - start) / self._time_base))
        return _Track(self.stream, self._time_base, stamped)

    def _from(self, start: float) -> Iterator[_Picture]:
        """Return pictures from a time on; all of them are kept."""
        yield from [*self._kept]
        for packet in self._packets:
            pts = packet.pts or 0
            time = self._ticks.seconds(pts)
            self._position = max(self._position, time)
            self._report(self._position)
            if self._kept or time >= start - EPSILON:
                keyframe = packet.is_keyframe and self._h264.read(bytes(packet)).idr
                self._kept.append(_Picture(time, pts, keyframe, packet.is_discard, packet))
                yield self._kept[-1]


def _restamped(chosen: Sequence[_Picture], zero: int, end: int) -> list[_Stamped]:
    """Return pictures with the times at which they are shown, from 0 to an end, and with decoding times that rise.

    The source's own decoding times don't matter: the first picture that is decoded takes the place of the first that is
    shown, the second of the second, and all of them come so much earlier that none is shown before it is decoded.
    """
    shown = [each.pts - zero for each in chosen]
    ordered = sorted(shown)
    delay = max(early - late for early, late in zip(ordered, shown, strict=True))
    durations = {one: max(1, following - one) for one, following in pairwise([*ordered, end])}
    return [
        _Stamped(each.packet, pts, dts - delay, durations[pts], each.keyframe)
        for each, pts, dts in zip(chosen, shown, ordered, strict=True)
    ]


class _Sounds(_Stream):
    """The sound, packet by packet."""

    def __init__(self, container: InputContainer, stream: AudioStream, report: Report) -> None:
        super().__init__(container, stream, report)
        self._sound = stream
        self._rate, self._samples = stream.codec_context.sample_rate, stream.codec_context.frame_size
        self._preroll = _PREROLL[codec_of(stream) or ""]
        self._clock = SoundClock(container, stream)
        self._kept: deque[SoundPacket] = deque()

    def track(self, start: float, end: float) -> _Track | None:
        """Return the sound of a window, or None where it isn't there as it should be."""
        if (not self._kept or self._kept[-1].end <= start) and self._skip_to(start):
            self._clock = SoundClock(self._container, self._sound)
            self._kept.clear()
        self._drop(start)
        while (not self._kept or self._kept[-1].time < end) and self._read():
            self._drop(start)
        chosen = [each for each in self._kept if each.time < end]
        heard = next((each.time for each in chosen if each.end > start), end)
        if heard > start + GAP:
            return None
        total = round((end - start) * self._rate)
        at = round((chosen[0].time - start) * self._rate)
        stamped = []
        for each in chosen:
            samples = min(self._samples, total - at)
            if samples > 0:
                stamped.append(_Stamped(each.packet, at, at, samples, True))
            at += self._samples
        if stamped and 0 < total - at < GAP * self._rate:  # the file's length is rounded
            stamped[-1] = stamped[-1]._replace(duration=stamped[-1].duration + total - at)
        return _Track(self._sound, Fraction(1, self._rate), stamped)

    def _drop(self, start: float) -> None:
        """Forget packets that a window from a time on doesn't need."""
        while len(self._kept) > self._preroll and self._kept[self._preroll].end <= start:
            self._kept.popleft()

    def _read(self) -> bool:
        packet = next(self._packets, None)
        if packet is None:
            return False
        sound = self._clock.placed(packet)
        self._kept.append(sound)
        self._position = max(self._position, sound.end)
        self._report(self._position)
        return True


def _mux(path: Path, tracks: Sequence[_Track]) -> None:
    """Write a file of packets."""
    with closing(av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})) as container:
        outputs = []
        for track in tracks:
            output = container.add_stream_from_template(track.stream, opaque=True)
            output.time_base = track.time_base
            outputs.append(output)
        order = [
            (one.dts * track.time_base.numerator / track.time_base.denominator, number, one)
            for number, track in enumerate(tracks)
            for one in track.packets
        ]
        for _, number, one in sorted(order, key=lambda each: each[:2]):
            packet, output = one.packet, outputs[number]
            packet.stream, packet.time_base = output, tracks[number].time_base
            packet.pts, packet.dts, packet.duration, packet.is_keyframe = one.pts, one.dts, one.duration, one.keyframe
            container.mux_one(packet)


def _plays(path: Path, info: MediaInfo, pictures: _Pictures | None) -> bool:
    """Whether the beginning of a copy can be decoded, looks as the source does, and is heard."""
    mixer = Mixer(_RATE, raw=False)
    seen, heard = not info.has_video, 0.0 if info.has_audio else _LISTENED
    with closing(open_container(path)) as container:
        for packet in container.demux():
            if seen and packet.stream.type == "video":
                continue
            for frame in packet.decode():
                seen = seen or isinstance(frame, av.VideoFrame)
                if isinstance(frame, av.AudioFrame):
                    heard += sum(one.until - one.time for one in mixer.mix(frame, frame.time) if _is_audible(one))
            if mixer.cancelled or (seen and heard >= _LISTENED):
                break
        if pictures is not None:
            seen = seen and container.streams.video[0].codec_context.color_range == pictures.color_range
    return seen and not mixer.cancelled


def _is_audible(sound: Sound) -> bool:
    return max(map(abs, array("h", sound.samples)), default=0) > _AUDIBLE
