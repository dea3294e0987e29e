"""Media bytes → facts, measured with PyAV; bounded in work, and careful with damaged files.

Without PyAV only the format is known, by the first bytes. Nothing here raises on bad media: what could not be measured
is None, and `Facts.damaged` says that decoding broke.
"""

from __future__ import annotations

import hashlib
import io
import math
import threading
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ._demuxers import Format, sniff
from ._pictures import Picture, cuts, main_colours

try:
    import av

    from langchain_dmx_omni._media.container import open_container
except ImportError:  # the gateway then tells formats and sizes in bytes
    av = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

Cancelled = Callable[[], bool]
"""Asked between two frames: whether the work is to stop."""

_SAMPLED_FRAMES: Final = 300
_DECODED_PIXELS: Final = 1_500_000_000  # about 30 s of 1080p at 25 fps; beyond it only key frames are decoded
_PICTURE_PIXELS: Final = 64_000_000  # larger pictures are named, not decoded
_HEARD_SECONDS: Final = 600.0
_LEVEL_SAMPLES: Final = 2_000_000  # samples that the level is taken from
_BROKEN_PACKETS: Final = 50  # before the first frame
_MOST_MEASURED: Final = 256
_SIDE: Final = 16  # pixels of the thumbnails that colours and cuts are taken from


@dataclass(frozen=True)
class Sound:
    """One sound track: FFmpeg's codec name, channels, sample rate (hertz), level (RMS, dBFS; None if unknown)."""

    codec: str
    channels: int
    rate: int
    level: float | None


@dataclass(frozen=True)
class Vision:
    """One picture track.

    `codec` is FFmpeg's name, `fps` frames a second (None for stills), `colours` the main ones by name, most
    frequent first, `cuts` seconds from the start.
    """

    codec: str
    width: int
    height: int
    fps: float | None
    colours: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What is known of one media file.

    Attributes:
        size: Bytes.
        format: By the first bytes; None if they tell nothing.
        seconds: Duration; None for stills and where it is unknown.
        vision: The pictures.
        sound: The first sound track.
        damaged: Whether opening or decoding failed at some point.
        measured: Whether the file was looked into at all, which takes PyAV.
    """

    size: int
    format: Format | None
    seconds: float | None = None
    vision: Vision | None = None
    sound: Sound | None = None
    damaged: bool = False
    measured: bool = True


_MEASURED: Final[dict[bytes, Facts]] = {}
"""Facts by the hash of the bytes: a conversation sends what was said before with every turn."""
_MEASURING: Final = threading.Lock()


@dataclass(frozen=True)
class Look:
    """A first look at a file.

    Attributes:
        opened: Whether there is a stream of the kind that was looked for, which something decodes.
        decoded: Whether there is a frame in it.
        whole: Whether nothing broke before the first frame, or before the end.
        seconds: Duration as the container says it; None for stills and where it is unknown.
    """

    opened: bool
    decoded: bool = False
    whole: bool = False
    seconds: float | None = None


def look_at(data: bytes, format: Format, kind: str) -> Look | None:
    """Open a file and decode one frame of its sound (`kind` is `"audio"`) or of its pictures; None without PyAV."""
    if av is None:
        return None  # type: ignore[unreachable]
    try:
        with _opened(data, format) as container:
            streams = container.streams.audio if kind == "audio" else _pictures_of(container)
            stream: Any = next(filter(_has_decoder, streams), None)
            if stream is None:
                return Look(opened=False)
            seconds = container.duration / av.time_base if container.duration and not format.still else None
            context = stream.codec_context
            if kind != "audio" and context.width * context.height > _PICTURE_PIXELS:
                return Look(opened=True, decoded=True, seconds=seconds)
            return Look(True, *_first_frame(container, stream), seconds)
    except (av.error.FFmpegError, IndexError, ValueError, OverflowError):
        return Look(opened=False)


def _first_frame(container: InputContainer, stream: Any) -> tuple[bool, bool]:
    """Whether there is a frame, and whether nothing broke before it."""
    broken = 0
    for packet in container.demux(stream):
        try:
            if packet.decode():
                return True, not broken
        except av.error.FFmpegError:
            broken += 1
        if broken > _BROKEN_PACKETS:
            break
    return False, not broken


def measure(data: bytes, cancelled: Cancelled = lambda: False) -> Facts:
    """Measure one media file; one that was measured not long ago is not decoded again.

    Args:
        data: The whole file.
        cancelled: Stops the work early; the facts are then those so far.
    """
    name = hashlib.sha256(data).digest()
    if (known := _MEASURED.get(name)) is not None:
        return known
    facts = _facts_of(data, cancelled)
    if not cancelled():
        with _MEASURING:
            while len(_MEASURED) >= _MOST_MEASURED:
                del _MEASURED[next(iter(_MEASURED))]
            _MEASURED[name] = facts
    return facts


def _facts_of(data: bytes, cancelled: Cancelled) -> Facts:
    format = sniff(data)
    if format is None or av is None:
        return Facts(len(data), format, measured=av is not None, damaged=av is not None)
    try:
        return _measured(data, format, cancelled)
    except (av.error.FFmpegError, IndexError, ValueError, OverflowError):
        return Facts(len(data), format, damaged=True)


def _measured(data: bytes, format: Format, cancelled: Cancelled) -> Facts:
    with _opened(data, format) as container:
        seen, vision, unseen = _look(container, format, cancelled)
    with _opened(data, format) as container:
        heard, sound, unheard = _listen(container, cancelled)
        stated = container.duration / av.time_base if container.duration and not format.still else None
    seconds = stated or max(seen, heard) or None
    nothing = vision is None and sound is None
    return Facts(len(data), format, None if format.still else seconds, vision, sound, unseen or unheard or nothing)


def _opened(data: bytes, format: Format) -> InputContainer:
    return open_container(io.BytesIO(data), formats=format.demuxer, demuxer=format.demuxer)


# --- pictures ---------------------------------------------------------------------------------------------------------


def _look(container: InputContainer, format: Format, cancelled: Cancelled) -> tuple[float, Vision | None, bool]:
    """The seconds that were seen, the facts, and whether decoding broke."""
    stream = next(iter(_pictures_of(container)), None)
    if stream is None:
        return 0.0, None, False
    width, height = stream.codec_context.width, stream.codec_context.height
    pictures: list[Picture] = []
    broken = not width * height
    if 0 < width * height <= _PICTURE_PIXELS:
        try:
            pictures.extend(_thumbnails(container, stream, cancelled))
        except (av.error.FFmpegError, ValueError):
            broken = True
        broken |= not pictures and not cancelled()
    fps = float(stream.average_rate) if stream.average_rate and not format.still else None
    name = stream.codec_context.name
    vision = Vision(name, width, height, fps, main_colours(pictures), cuts(pictures))
    return (pictures[-1].second if pictures else 0.0), vision, broken


def _pictures_of(container: InputContainer) -> list[VideoStream]:
    """The streams of pictures that something decodes; the cover of an audio file is a video stream, but no video."""
    covers = av.stream.Disposition.attached_pic
    return [one for one in container.streams.video if not one.disposition & covers and _has_decoder(one)]


def _has_decoder(stream: Any) -> bool:
    return stream.codec_context is not None  # which PyAV's types don't know


def _thumbnails(container: InputContainer, stream: VideoStream, cancelled: Cancelled) -> Iterator[Picture]:
    """Small pictures, evenly over the stream: a few hundred at the most."""
    context = stream.codec_context
    frames = stream.frames or _expected_frames(container, stream)
    if frames * context.width * context.height > _DECODED_PIXELS:
        context.skip_frame = "NONKEY"
        frames = 0
    stream.thread_type = "AUTO"
    step = max(1, math.ceil(frames / _SAMPLED_FRAMES))
    taken = 0
    for number, frame in enumerate(container.decode(stream)):
        if cancelled() or taken == 4 * _SAMPLED_FRAMES:
            return
        if number % step:
            continue
        taken += 1
        small = frame.reformat(width=_SIDE, height=_SIDE, format="rgb24", interpolation="AREA")
        plane = small.planes[0]
        rows, pitch = bytes(plane), plane.line_size
        pixels = b"".join(rows[row * pitch : row * pitch + 3 * _SIDE] for row in range(_SIDE))
        yield Picture(frame.time or 0.0, pixels)


def _expected_frames(container: InputContainer, stream: VideoStream) -> int:
    """For containers that don't count their frames."""
    if not container.duration or not stream.average_rate:
        return 0
    return int(container.duration / av.time_base * stream.average_rate)


# --- sound ------------------------------------------------------------------------------------------------------------


def _listen(container: InputContainer, cancelled: Cancelled) -> tuple[float, Sound | None, bool]:
    """The seconds that were heard, the facts, and whether decoding broke."""
    stream = next(filter(_has_decoder, container.streams.audio), None)
    if stream is None:
        return 0.0, None, False
    rate, channels = stream.codec_context.sample_rate, stream.codec_context.channels
    resampler = av.AudioResampler(format="s16")
    stated = container.duration / av.time_base if container.duration else _HEARD_SECONDS
    # An odd stride visits every channel of interleaved samples. It aliases, which moves energy and keeps its sum.
    stride = int(min(stated, _HEARD_SECONDS) * rate * channels / _LEVEL_SAMPLES) | 1
    total, count, length = 0, 0, 0
    broken = False
    try:
        for frame in container.decode(stream):
            if cancelled() or length > _HEARD_SECONDS * rate:
                break
            length += frame.samples
            for packed in resampler.resample(frame):
                samples = array("h", bytes(packed.planes[0])[: packed.samples * channels * 2])[::stride]
                total += sum(sample * sample for sample in samples)
                count += len(samples)
    except (av.error.FFmpegError, ValueError):
        broken = True
    level = 10 * math.log10(max(total / count, 1e-2) / 32768**2) if count else None
    seconds = length / rate if rate else 0.0
    return seconds, Sound(stream.codec_context.name, channels, rate, level), broken or not count
