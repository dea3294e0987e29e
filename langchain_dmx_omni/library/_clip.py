"""A span of a recording as a file of its own."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from langchain_dmx_omni import video
from langchain_dmx_omni._disk.files import PART, storing
from langchain_dmx_omni._disk.scratch import scratch_folder
from langchain_dmx_omni.errors import ConfigurationError, ContentBlockError

_MOST_FPS = 30.0


class Extent(NamedTuple):
    """A span within a recording, in seconds of it."""

    start: float
    end: float


def extent(info: video.MediaInfo, start: float, end: float, *, margin: float = 0.0) -> Extent:
    """Return a span clamped to its recording, with a margin on both sides as far as there is one.

    Raises:
        ConfigurationError: The span is empty, or outside of the recording.
        ContentBlockError: There is nothing to play in the recording.
    """
    if info.kind is None or info.duration <= 0:
        raise ContentBlockError(f"{info.path.name}: {info.problem or 'there is nothing to play in it'}")
    clamped = Extent(max(start - margin, 0.0), min(end + margin, info.duration))
    if not clamped.start < clamped.end:
        raise ConfigurationError(
            f"{info.path}: there is nothing from {start:g} to {end:g} s; the recording has 0 to {info.duration:g} s"
        )
    return clamped


@contextmanager
def segment(info: video.MediaInfo, span: Extent) -> Iterator[video.Segment]:
    """Yield a span as a segment that can be sent; its file is deleted afterwards.

    Raises:
        ContentBlockError: The recording is no local file that can be played.
        MediaTooLargeError: The span is too long to be sent.
        StorageError: There is no room for it.
    """
    with scratch_folder() as folder:
        (only,) = video.split(info.path, windows=[(span.start, span.end)], out=folder)
        yield only


def clip(source: str, start: float, end: float, path: str | os.PathLike[str] | None = None) -> Path:
    """Write a span as an MP4 of its own, whole or not at all, and return its path.

    Args:
        source: A local recording.
        start: Seconds since its beginning.
        end: Seconds since its beginning.
        path: Where it goes; what is there is replaced. Without it, a file in `video.cache_dir()`, written once.

    Raises:
        ConfigurationError: The span is empty or outside of the recording, or `path` is a folder, or the recording.
        ContentBlockError: The recording is no local file that can be played.
        StorageError: The clip can't be written.
    """
    info = video.probe(source)
    span = extent(info, start, end)
    target = _cached(info, span) if path is None else _checked(Path(path).expanduser().absolute(), info.path)
    if path is None and target.exists():
        with suppress(OSError):  # `video.clear_cache` goes by when it was last used
            target.touch()
        return target
    # As large as it needs to be: nothing is sent, and what a span needs is less than what the whole needs.
    max_bytes = max(video.INLINE_BYTES, info.size_bytes)
    fps = min(info.fps, _MOST_FPS) if info.fps else None
    with storing("write a clip", target, "free some space, or name another place"):
        target.parent.mkdir(parents=True, exist_ok=True)
        # In the clip's own folder, so that it takes its name in one step.
        with tempfile.TemporaryDirectory(prefix=".", suffix=PART, dir=target.parent) as folder:
            windows = [(span.start, span.end)]
            (only,) = video.split(info.path, windows=windows, out=folder, max_bytes=max_bytes, fps=fps)
            only.path.replace(target)
    return target


def _cached(info: video.MediaInfo, span: Extent) -> Path:
    """Return the name of a clip in the cache; another file under the source's name is another clip."""
    status = info.path.stat()
    about = f"{info.path}\0{status.st_mtime_ns}\0{status.st_size}\0{span.start:.3f}\0{span.end:.3f}"
    digest = hashlib.blake2b(about.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return video.cache_dir() / f"{digest}{'.mp4' if info.has_video else '.m4a'}"


def _checked(target: Path, source: Path) -> Path:
    if target.is_dir():
        raise ConfigurationError(f"{target} is a folder; name a file, such as {target / (source.stem + '-clip.mp4')}")
    if target.exists() and target.samefile(source):
        raise ConfigurationError(f"{target} is the recording itself, which would be lost; give another name")
    return target
