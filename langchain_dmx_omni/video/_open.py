"""A local media file: that it is one, and which of its streams are meant."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import av
import av.stream

from langchain_dmx_omni._media.data import FileData
from langchain_dmx_omni._media.mime import MediaType, sniff
from langchain_dmx_omni._media.sources import unreadable
from langchain_dmx_omni.errors import ContentBlockError

if TYPE_CHECKING:
    import os

    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream


def regular_file(path: str | os.PathLike[str]) -> tuple[Path, os.stat_result]:
    """Return an absolute path and what `stat` says of it.

    Raises:
        ContentBlockError: There is no such file, it can't be read, or it is no regular file.
    """
    try:
        file = Path(path).expanduser().absolute()
        status = file.stat()
        if stat.S_ISREG(status.st_mode):  # opening a pipe would wait for its other end
            with file.open("rb"):
                return file, status
    except TypeError:
        raise ContentBlockError(f"a {type(path).__name__} is no path; give the path of a local file") from None
    except (OSError, ValueError, RuntimeError) as error:  # ValueError, RuntimeError: a name that no file can have
        raise ContentBlockError(
            f"{path}: it can't be read: {unreadable(error)}; give the path of a local file"
        ) from None
    raise ContentBlockError(f"{path}: it is no regular file; give the path of a local file")


def sniff_file(path: Path) -> MediaType | None:
    """Return the format that a file's first bytes say, or None for no known one."""
    return sniff(FileData(path, path.stat()).head)


def picture_stream(container: InputContainer) -> VideoStream | None:
    """Return the stream of moving pictures; the cover of a music file is none."""
    best = container.streams.best("video")
    moving = [stream for stream in container.streams.video if not stream.disposition & _COVER]
    return next((stream for stream in moving if best and stream.index == best.index), moving[0] if moving else None)


def sound_stream(container: InputContainer) -> AudioStream | None:
    """Return the sound stream that a player would choose."""
    best = container.streams.best("audio")
    return next((stream for stream in container.streams.audio if best and stream.index == best.index), None)


def start_of(container: InputContainer) -> float:
    """Return the file's own first timestamp in seconds: what players show as 0."""
    # None for a file that doesn't say, which PyAV's types don't know.
    return (container.start_time or 0) / av.time_base


_COVER = av.stream.Disposition.attached_pic
