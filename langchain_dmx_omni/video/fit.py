"""`fit`: one file under a byte budget, as good as the budget allows."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_dmx_omni._media.mime import TAKEN, from_name
from langchain_dmx_omni.errors import ConfigurationError

from . import _cache
from ._checks import checked_settings, usable
from ._cut import Clip, cut
from ._open import sniff_file
from ._plan import INLINE_BYTES, plan
from ._storage import storing
from ._writer import partial
from .progress import reporting

if TYPE_CHECKING:
    import os

    from .probe import MediaInfo
    from .progress import ProgressCallback

__all__ = ["fit"]

_MP4 = {"video/mp4", "audio/mp4"}


def fit(
    path: str | os.PathLike[str],
    *,
    max_bytes: int = INLINE_BYTES,
    out: str | os.PathLike[str] | None = None,
    fps: float | None = None,
    progress: ProgressCallback | bool = False,
) -> Path:
    """Return a file that holds the same and is under a number of bytes, encoded as well as that allows.

    Pictures become H.264, upright and with square pixels, with the frame size and rate that the budget affords; sound
    becomes mono AAC. A file that is small enough, in a format that the service takes, is used as it is.

    Args:
        path: A local video or audio file.
        max_bytes: Largest file; the default fits the service's inline limit as a data URL.
        out: Where the result goes: a name that ends in .mp4 (.m4a for sound). One that ends as the source's own format
            does will do for a source that needs no encoding. Without it the result goes to the cache, or is the file
            itself where that fits.
        fps: Frames a second; chosen by the budget if it is not given, 2 (what the model looks at) or more.
        progress: Called with the seconds of the source that are done and all seconds; True draws a bar. What it
            raises stops the work.

    Raises:
        ConfigurationError: A setting is out of its range.
        ContentBlockError: There is no such file, or nothing in it can be played.
        MediaTooLargeError: It is too long for the budget; `split` cuts it into segments.
        StorageError: The result can't be written: the disk is full, or the folder is not writable.
    """
    checked_settings(max_bytes, fps)
    info = usable(path)
    fits = info.size_bytes <= max_bytes and not info.damaged and is_taken(info.path)
    target = None if out is None else _checked_target(Path(out).expanduser().absolute(), info, fits=fits)
    if fits and (target is None or _is_named(target, info)):
        return info.path if target is None else _copied(info.path, target)
    how = plan(info, info.duration, max_bytes, fps)
    if target is None:
        _cache.sweep()
        target = _cache.cached_path(_cache.content_hash(info.path), how, 0.0, info.duration)
        if _cache.is_kept(target):
            return target
    with reporting(progress, info.duration, info.path.name) as report:
        for _ in cut(info, [Clip(0.0, info.duration, how, target)], report):
            pass
    return target


def is_taken(path: Path) -> bool:
    """Whether the service takes a file's format as it is."""
    media_type = sniff_file(path)
    return media_type is not None and media_type.mime in TAKEN


def _checked_target(target: Path, info: MediaInfo, *, fits: bool) -> Path:
    suffixes = _endings(info)
    if target.is_dir():
        raise ConfigurationError(f"out is a folder; name a file, such as {target / (info.path.stem + suffixes[0])}")
    if info.path.samefile(target) if target.exists() else False:
        raise ConfigurationError("out is the source itself, which would be lost; give another name")
    if target.suffix.lower() not in suffixes and not (fits and _is_named(target, info)):
        raise ConfigurationError(
            f"out ends in {target.suffix or 'nothing'}; the result is MP4: let it end in {suffixes[0]}"
        )
    with storing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _endings(info: MediaInfo) -> tuple[str, str]:
    """Return how the name of an MP4 may end, the usual one first."""
    return (".mp4", ".m4v") if info.has_video else (".m4a", ".mp4")


def _is_named(target: Path, info: MediaInfo) -> bool:
    """Whether a name is one of the format that a file has already."""
    suffix, media_type = target.suffix.lower(), sniff_file(info.path)
    mime = media_type.mime if media_type else None
    if mime in _MP4:
        return suffix in _endings(info)
    # An ending that isn't known says as much of a copy as of its source.
    return (from_name(target.name) or suffix) in (mime, info.path.suffix.lower())


def _copied(source: Path, target: Path) -> Path:
    part = partial(target)
    try:
        with storing(target.parent):
            shutil.copyfile(source, part)
            part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink()
    return target
