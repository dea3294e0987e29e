"""The recording: its windows, and the content block of each, by `langchain_dmx_omni.video`."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from langchain_dmx_omni import video
from langchain_dmx_omni._disk.files import storing
from langchain_dmx_omni._disk.scratch import scratch_folder
from langchain_dmx_omni.errors import ConfigurationError, ContentBlockError

from ._tasks.timeline import Window

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WindowOptions:
    """How a recording is cut into windows; see `langchain_dmx_omni.video.windows` and `split`."""

    window: float | None
    overlap: float
    by: video.By | None
    """None for keyframes if nearly all can be copied, else time."""
    fps: float | None


class Recording:
    """A local file, and the windows that it is asked about in.

    Attributes:
        path: The file.
        windows: Its windows, in order. Nothing is encoded for them.
        fps: Frames a second of what is sent; None leaves it to the budget.
        by: Where its windows end.

    Raises:
        DMXOmniError: The file can't be read, or not be cut like this; see `langchain_dmx_omni.video.windows`.
    """

    def __init__(self, path: Path, options: WindowOptions) -> None:
        self.path = path
        self.fps = options.fps
        ranges, self.by = _cut(path, options)
        self.windows = [Window(index, start, end) for index, (start, end) in enumerate(ranges)]

    def content_hash(self) -> str:
        """Return a hash of the file's bytes, which are read once for it.

        Raises:
            StorageError: The file can't be read.
        """
        with storing("read the recording", self.path, "try again"):
            return video.content_hash(self.path)

    def require_sound(self, remedy: str) -> None:
        """Make sure that there is something to hear.

        Raises:
            ContentBlockError: There is no sound in it; the message ends with the remedy.
        """
        if not video.probe(self.path).has_audio:
            raise ContentBlockError(f"{self.path.name}: there is no sound in it, and nothing was sent; {remedy}")

    def blocks(self, skip: Collection[int]) -> Generator[tuple[Window, dict[str, Any]]]:
        """Yield each window with its content block as it is encoded, but those whose index is in `skip`.

        One encoded window is on disk at a time; its block holds the bytes.

        Raises:
            ContentBlockError: A window can't be encoded.
            InvalidInputError: None can, like this.
            StorageError: There is no room for an encoded window.
        """
        ranges = [(window.start, window.end) for window in self.windows]
        by: video.By = "keyframes" if self.by == "keyframes" else "time"
        remedy = "free some space, or set TMPDIR to another folder"
        with scratch_folder() as folder, storing("encode a window", folder, remedy):
            segments = cast(
                "Generator[video.Segment]",
                video.split(self.path, by=by, windows=ranges, skip=skip, out=folder, fps=self.fps),
            )
            with closing(segments):
                for segment in segments:
                    block = segment.block()
                    segment.path.unlink()
                    yield self.windows[segment.index], block


def _cut(path: Path, options: WindowOptions) -> tuple[list[video.TimeRange], video.By]:
    """Return the windows of a file, and where they end."""
    if options.by is None and options.fps is None:
        copied = video.copied_windows(path, window=options.window, overlap=options.overlap)
        if copied is not None:
            _log.info(
                "%s: %d windows begin at keyframes, and are copied rather than encoded; by='time' cuts it by time",
                path.name,
                len(copied),
            )
            return copied, "keyframes"
    by = options.by or "time"
    return video.windows(path, window=options.window, overlap=options.overlap, by=by), by


_URL = re.compile(r"[a-z][a-z0-9+.-]+://|data:[a-z]+/", re.IGNORECASE)


def local_path(path: Any) -> Path:
    """Return the path of a recording.

    Raises:
        ConfigurationError: It is none, such as a URL.
    """
    if not isinstance(path, str | os.PathLike):
        raise ConfigurationError(f"a job takes the path of a file, not {type(path).__name__}")
    url = _URL.match(path) if isinstance(path, str) else None
    if url is not None:
        scheme = url[0].partition(":")[0].lower()
        remedy = "download it and give its path; or ask about it in one call, with media.video(url) or media.audio(url)"
        if scheme == "file":
            remedy = "give the path itself"
        raise ConfigurationError(f"a job cuts a local file, and this is a URL ({scheme}:): {remedy}")
    return Path(path).expanduser()
