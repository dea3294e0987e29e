"""`probe`: what a local media file is, and whether it is whole."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import av

from langchain_dmx_omni._media.container import MOST_PIXELS, exact, open_container
from langchain_dmx_omni._media.measure import Measured, by_header

from ._length import frame_rate, measure_length, seconds_of
from ._open import picture_stream, regular_file, sniff_file, sound_stream
from ._orientation import orientation

if TYPE_CHECKING:
    import os

    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

__all__ = ["MediaInfo", "StreamInfo", "probe"]

_HEADER = 4096
"""Bytes at the start that say how large a GIF is."""
_TRIES = 200
"""Packets that may be damaged before the first that is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamInfo:
    """One stream of a file.

    Attributes:
        kind: `"video"`, `"audio"`, `"subtitle"`, `"data"` or `"attachment"`.
        codec: FFmpeg's name, such as `h264`; None for one that it doesn't know.
        duration: Seconds, or None where the file doesn't say.
        bit_rate: Bits a second, or None where the file doesn't say.
        language: As the file says it, such as `eng`, or None.
        sample_rate: Hertz; None unless it is sound, as is `channels`.
        channels: How many there are.
    """

    kind: str
    codec: str | None
    duration: float | None = None
    bit_rate: int | None = None
    language: str | None = None
    sample_rate: int | None = None
    channels: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """What a file is.

    Attributes:
        path: The file, absolute.
        container: FFmpeg's name for the format, such as `mp4` or `matroska`; None where it is no media.
        duration: Seconds that can be read, from the file's own first timestamp; 0.0 where nothing can.
        width: Pixels as shown: upright, and square. None without moving pictures, as are `height` and `fps`.
        height: Pixels as shown.
        fps: Frames a second, on average.
        rotation: Degrees clockwise that a player turns the stored pictures: 0, 90, 180 or 270.
        mirrored: Whether a player swaps left and right of the stored pictures, before it turns them.
        has_video: Whether there are moving pictures; the cover of a music file is none.
        has_audio: Whether there is sound.
        size_bytes: Size of the file.
        clock_restarts: How often the timestamps begin anew inside the file; times go on there, as in a player.
        streams: All streams, in the file's order.
        problem: What is wrong with a damaged file, or None.
    """

    path: Path
    size_bytes: int
    container: str | None = None
    duration: float = 0.0
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    rotation: int = 0
    mirrored: bool = False
    has_video: bool = False
    has_audio: bool = False
    clock_restarts: int = 0
    streams: tuple[StreamInfo, ...] = ()
    problem: str | None = None

    @property
    def damaged(self) -> bool:
        """Whether something is wrong with the file: `problem` says what."""
        return self.problem is not None

    @property
    def kind(self) -> Literal["video", "audio"] | None:
        """Which content block the file makes; None for a file without picture and sound."""
        return "video" if self.has_video else "audio" if self.has_audio else None


def probe(path: str | os.PathLike[str]) -> MediaInfo:
    """Return what a local file is, without decoding more than a frame of each stream.

    A broken file is no error: `damaged` and `problem` say what is wrong with it. `duration` is what can be read.

    Raises:
        ContentBlockError: There is no such file, it can't be read, or it is no regular file.
    """
    file, status = regular_file(path)
    size = status.st_size
    if not size:
        return MediaInfo(path=file, size_bytes=0, problem="it is empty")
    media_type = sniff_file(file)
    if media_type is not None and media_type.kinds == ("image",):  # FFmpeg would play a tile of a phone's photo
        return MediaInfo(
            path=file, size_bytes=size, problem=f"it is a picture, no video: its bytes are {media_type.title}"
        )
    try:
        with closing(open_container(file)) as container:
            return _read(container, file, size)
    except (av.FFmpegError, EOFError, ValueError) as error:
        return MediaInfo(path=file, size_bytes=size, problem=_reason(file, error))


def _read(container: InputContainer, file: Path, size: int) -> MediaInfo:
    picture, sound = picture_stream(container), sound_stream(container)
    header: dict[str, Any] = {
        "path": file,
        "size_bytes": size,
        "container": _container_name(container, file),
        "streams": tuple(map(_stream_info, container.streams)),
    }
    if picture is None and sound is None:
        return MediaInfo(**header, problem="there is neither picture nor sound in it")
    problems = []
    display: dict[str, Any] = {}
    if picture is not None:
        if too_large := _too_large(file, picture):
            problems.append(too_large)
        elif (frame := _first_frame(file, picture)) is None:
            problems.append(f"none of its pictures can be decoded ({_codec(picture) or 'unknown codec'})")
        else:
            display = _display(picture, frame)
            display["fps"] = frame_rate(file, container, picture)
    if sound is not None and _first_frame(file, sound) is None:
        problems.append(f"none of its sound can be decoded ({_codec(sound) or 'unknown codec'})")
        sound = None
    streams = [stream for stream in (picture if display else None, sound) if stream is not None]
    length = measure_length(file, container, streams, display.get("fps"))
    problems += [length.problem] if length.problem else []
    return MediaInfo(
        **header,
        **display,
        duration=length.seconds,
        clock_restarts=length.restarts,
        has_video=bool(display),
        has_audio=sound is not None,
        problem="; ".join(problems) or None,
    )


def _container_name(container: InputContainer, file: Path) -> str:
    names = container.format.name.split(",")
    suffix = file.suffix.lower().lstrip(".")
    if "mov" in names:  # one demuxer for the whole family
        return suffix if suffix in ("mov", "m4a", "3gp") else "mp4"
    if "matroska" in names:
        media_type = sniff_file(file)
        return "webm" if media_type and media_type.mime == "video/webm" else "matroska"
    return names[0]


def _codec(stream: Stream) -> str | None:
    # PyAV has no codec context for a stream without a decoder.
    context = getattr(stream, "codec_context", None)
    return context.name if context is not None else None


def _stream_info(stream: Stream) -> StreamInfo:
    context = getattr(stream, "codec_context", None)
    seconds = seconds_of(stream)
    is_sound = stream.type == "audio" and context is not None
    return StreamInfo(
        kind=stream.type,
        codec=_codec(stream),
        duration=seconds,
        bit_rate=getattr(context, "bit_rate", None) or None,
        language=stream.language,
        sample_rate=context.sample_rate if context and is_sound else None,
        channels=context.layout.nb_channels if context and is_sound else None,
    )


def _first_frame(file: Path, stream: Stream) -> Any:
    """Return the first frame of a stream that can be decoded, or None; damaged packets before it are passed over."""
    if getattr(stream, "codec_context", None) is None:
        return None
    tries = 0
    with (
        suppress(av.FFmpegError, EOFError),
        closing(open_container(file)) as container,
    ):  # at its start, whatever was read
        for packet in container.demux(container.streams[stream.index]):
            try:
                for frame in packet.decode():
                    return frame
            except (av.FFmpegError, EOFError):
                tries += 1
            if tries > _TRIES:
                break
    return None


def _too_large(file: Path, stream: VideoStream) -> str | None:
    """Return what is wrong with pictures that would take gigabytes to decode."""
    context = getattr(stream, "codec_context", None)
    width, height = (context.width, context.height) if context is not None else (0, 0)
    if not width:  # FFmpeg doesn't say a size that it may not decode; the header of a still picture does
        with file.open("rb") as opened:
            size = by_header(opened.read(_HEADER)) or Measured()
        width, height = size.width or 0, size.height or 0
    if width * height <= MOST_PIXELS:
        return None
    return f"its pictures are {width}×{height} pixels; more than {MOST_PIXELS:,} are not decoded"


def _display(stream: VideoStream, frame: av.VideoFrame) -> dict[str, Any]:
    rotation, mirrored = orientation(frame)
    aspect = exact(stream.sample_aspect_ratio) or Fraction(1)
    width, height = frame.width, frame.height
    # As players do: the wider side is made wider, none is made smaller.
    width, height = (round(width * aspect), height) if aspect >= 1 else (width, round(height / aspect))
    if rotation in (90, 270):
        width, height = height, width
    return {"width": width, "height": height, "rotation": rotation, "mirrored": mirrored}


def _reason(file: Path, error: Exception) -> str:
    """Return what is wrong with a file that FFmpeg can't open."""
    media_type = sniff_file(file)
    if media_type is None or not {"audio", "video"} & {*media_type.kinds}:
        return f"it is no video or audio: its bytes are {media_type.title if media_type else 'of no known format'}"
    if media_type.mime in ("video/mp4", "video/quicktime", "audio/mp4", "video/3gpp"):
        return f"its index can't be read: it was cut off, or its recording was never finished ({media_type.mime})"
    return f"its header can't be read ({media_type.mime}): {getattr(error, 'strerror', None) or error}"
