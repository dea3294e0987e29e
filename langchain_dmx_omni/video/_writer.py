"""One file being written: H.264 and AAC in MP4, or AAC alone in M4A, whole or not there at all."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av

from langchain_dmx_omni.errors import ContentBlockError

from ._reader import Picture
from ._sound import SAMPLE_WIDTH, Sound, sound_frame
from ._storage import storing

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet
    from av.video.stream import VideoStream

    from ._plan import Plan
    from .probe import MediaInfo

_PRESET = "veryfast"
_QUALITY = "20"
"""x264's constant rate factor: better than this can't be seen, so an easy picture leaves budget unused."""
_BUFFER = 20.0
"""Seconds of its bit rate that the encoder may spend early; less at the end of a short file."""
_KEYFRAME = 30.0
"""Seconds between keyframes at the most; scene changes get their own."""
_FINER = 10_000
_ANY, _FORWARD = 0, 2
"""FFmpeg's numbers for a picture of which the encoder decides (the source's choice is not its own), and for one that is
built on earlier ones only."""
_VIDEO_RANGE = 1
"""FFmpeg's number for levels from 16 to 235."""
MOMENT = 1e-3
"""Seconds for which no picture is shown: the end of a span rarely falls on a tick to the last digit."""
_JITTER = 0.02
"""Seconds that timestamps of sound may be off (Matroska rounds them) without a gap or an overlap being meant."""


def partial(target: Path) -> Path:
    """Return a name beside a target, to write to before it takes the target's place; no longer than a short one."""
    return target.with_name(f".{os.getpid()}-{secrets.token_hex(8)}.part")


class Writer:
    """A span of a source on its way into a file.

    Args:
        target: Where the file goes.
        start: Seconds of the source.
        end: Seconds of the source.
        plan: How it is encoded.
        info: What is known of the source.
    """

    def __init__(self, target: Path, start: float, end: float, plan: Plan, info: MediaInfo) -> None:
        self.start, self.end, self.plan = start, end, plan
        self.path = partial(target)
        self._target = target
        self._name = info.path.name
        self._turn = _Turn(info.rotation, info.mirrored) if info.rotation or info.mirrored else None
        self._scaled: tuple[av.VideoFrame, av.VideoFrame] | None = None
        """The last picture, and what is encoded of it."""
        with storing(self.path.parent):
            self._container = av.open(str(self.path), "w", format="mp4", options={"movflags": "+faststart"})
        try:
            self._video = self._add_video() if plan.width else None
            self._audio = self._add_audio() if plan.audio_rate else None
        except BaseException:
            self.discard()
            raise
        self._pictures = 0
        self._samples = 0

    def _add_video(self) -> VideoStream:
        plan = self.plan
        assert plan.width is not None
        assert plan.height is not None
        stream = self._container.add_stream("libx264", rate=plan.fps)
        stream.width, stream.height, stream.pix_fmt = plan.width, plan.height, "yuv420p"
        seconds = self.end - self.start
        # Rate and buffer together are what can be spent at the most: (seconds + buffer) · rate.
        buffer = min(_BUFFER, seconds / 4)
        rate = int(plan.video_rate * seconds / (seconds + buffer)) if seconds else plan.video_rate
        stream.thread_type = "AUTO"  # PyAV's own is a slice of each picture for each thread, which costs quality
        stream.codec_context.time_base = 1 / plan.fps
        stream.options = {
            "preset": _PRESET,
            "crf": _QUALITY,
            "maxrate": str(rate),
            "bufsize": str(max(1000, int(rate * max(buffer, 1.0)))),
            "g": str(max(1, round(_KEYFRAME * plan.fps))),
        }
        return stream

    def _add_audio(self) -> AudioStream:
        stream = self._container.add_stream("aac", rate=self.plan.sample_rate, layout="mono", format="fltp")
        stream.bit_rate = self.plan.audio_rate
        return stream

    def take(self, piece: Picture | Sound) -> None:
        """Encode what of a piece falls within the span."""
        if isinstance(piece, Picture):
            self._show(piece)
        else:
            self._play(piece)

    @property
    def video_end(self) -> float:
        """Time up to which there are pictures; the end where none are wanted."""
        if self._video is None:
            return self.end
        fps = self.plan.fps
        return self.start + self._pictures * fps.denominator / fps.numerator

    @property
    def audio_end(self) -> float:
        """Time up to which there is sound; the end where none is wanted."""
        return self.end if self._audio is None else self.start + self._samples / self.plan.sample_rate

    def _show(self, piece: Picture) -> None:
        """Encode a picture at each tick of the output's clock at which it is shown."""
        until = min(piece.until, self.end) - MOMENT
        while self._video is not None and self.video_end <= until:
            if self._scaled is None or self._scaled[0] is not piece.frame:
                self._scaled = piece.frame, self._fitted(piece.frame)
            scaled = self._scaled[1]
            if not self._pictures:
                _tag(self._video, scaled)
            scaled.pts, scaled.time_base = self._pictures, 1 / self.plan.fps
            # The last one is to be written last, since its length alone is not that of a tick: it and the one before it
            # are not referred to by pictures between them.
            last = int((self.end - self.start - MOMENT) * self.plan.fps)
            scaled.pict_type = _FORWARD if 0 < self._pictures >= last - 1 else _ANY
            self._mux(self._video.encode(scaled))
            self._pictures += 1

    def _fitted(self, frame: av.VideoFrame) -> av.VideoFrame:
        width, height = self.plan.width, self.plan.height
        if self._turn is not None and self._turn.swaps:
            width, height = height, width
        # Levels of a full range, as phones and webcams have them, are squeezed into those of video, 16 to 235; the
        # matrix stays the source's, and is written into the file.
        scaled = frame.reformat(width, height, "yuv420p", interpolation="AREA", dst_color_range="MPEG")
        if self._turn is not None:
            scaled = self._turn.turned(scaled)
        scaled.color_range = _VIDEO_RANGE
        return scaled

    def _play(self, piece: Sound) -> None:
        if self._audio is None:
            return
        rate = self.plan.sample_rate
        total = round((self.end - self.start) * rate)
        at = round((piece.time - self.start) * rate)
        samples = piece.samples
        if at > self._samples + _JITTER * rate:
            self._silence(min(at, total) - self._samples)
        elif at < self._samples - _JITTER * rate or at < 0:
            samples = samples[(self._samples - at) * SAMPLE_WIDTH :]
        self._encode(samples[: max(0, total - self._samples) * SAMPLE_WIDTH])

    def _silence(self, count: int) -> None:
        rate = self.plan.sample_rate
        while count > 0:
            self._encode(bytes(min(count, rate) * SAMPLE_WIDTH))
            count -= rate

    def _encode(self, samples: bytes) -> None:
        count = len(samples) // SAMPLE_WIDTH
        if not count or self._audio is None:
            return
        frame = sound_frame(samples, self.plan.sample_rate, self._samples)
        self._samples += count
        self._mux(self._audio.encode(frame))

    def _mux(self, packets: list[Packet[Any]]) -> None:
        with storing(self.path.parent):
            self._container.mux(packets)

    def close(self) -> int:
        """Finish the file, still under its partial name, and return its size in bytes.

        Raises:
            ContentBlockError: There is nothing in it.
            StorageError: It can't be written.
        """
        self._silence(round((self.end - self.start) * self.plan.sample_rate) - self._samples)
        if not (self._pictures or self._samples):
            raise ContentBlockError(
                f"{self._name}: nothing of it can be decoded from {self.start:.3f} to {self.end:.3f} s"
            )
        if self._video is not None and self._pictures:
            self._mux(self._trimmed(self._video.encode(None)))
        if self._audio is not None:
            self._mux(self._audio.encode(None))
        with storing(self.path.parent):
            self._container.close()
            return self.path.stat().st_size

    def _trimmed(self, packets: list[Packet[Any]]) -> list[Packet[Any]]:
        """Return the last packets, the very last no longer than the span: ends are finer than the clock's ticks."""
        if packets and (beyond := Fraction(self.video_end - self.end)) > 0:
            last = packets[-1]
            assert last.time_base is not None
            assert last.pts is not None
            assert last.dts is not None
            left = 1 / self.plan.fps - beyond
            fine = last.time_base / _FINER
            last.pts, last.dts, last.time_base = last.pts * _FINER, last.dts * _FINER, fine
            last.duration = max(1, round(left / fine))
        return packets

    def publish(self) -> Path:
        """Put the closed file in its target's place, at once."""
        with storing(self.path.parent):
            self.path.replace(self._target)
        return self._target

    def discard(self) -> None:
        """Leave nothing behind; harmless after `publish`."""
        with suppress(av.FFmpegError, ValueError, OSError):
            self._container.close()
        with suppress(OSError):
            self.path.unlink()


def _tag(stream: VideoStream, frame: av.VideoFrame) -> None:
    """Say in the file what its levels and colours mean, before the first picture is encoded."""
    context = stream.codec_context
    context.color_range = _VIDEO_RANGE
    context.colorspace = frame.colorspace
    context.color_primaries = frame.color_primaries
    context.color_trc = frame.color_trc


_TURNS = {0: (), 90: ("transpose=clock",), 180: ("hflip", "vflip"), 270: ("transpose=cclock",)}


class _Turn:
    """Turns small pictures, and mirrors them, as a display matrix says."""

    def __init__(self, degrees: int, mirrored: bool) -> None:
        self.swaps = degrees in (90, 270)
        self._names = ("hflip",) * mirrored + _TURNS[degrees]
        self._graph: av.filter.Graph | None = None

    def turned(self, frame: av.VideoFrame) -> av.VideoFrame:
        if self._graph is None:
            self._graph = av.filter.Graph()
            nodes = [
                self._graph.add_buffer(
                    width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, 1000)
                )
            ]
            nodes += [self._graph.add(*name.split("=")) for name in self._names]
            self._graph.link_nodes(*nodes, self._graph.add("buffersink")).configure()
        self._graph.push(frame)
        turned = self._graph.pull()
        assert isinstance(turned, av.VideoFrame)
        return turned
