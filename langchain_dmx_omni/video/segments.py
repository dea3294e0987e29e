"""`split`: a long file → segments that each fit the service's inline limit, as they become ready."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from langchain_dmx_omni._media import blocks
from langchain_dmx_omni.errors import ConfigurationError, MediaTooLargeError

from . import _cache, keyframes
from ._checks import checked_settings, usable
from ._copy import Copy, Written, write
from ._cut import Clip
from ._plan import INLINE_BYTES, Plan, longest, plan
from ._storage import storing
from .progress import reporting
from .windows import TimeRange, planned

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from .probe import MediaInfo
    from .progress import ProgressCallback
    from .windows import By

__all__ = ["Segment", "split"]

_STEM_BYTES = 240
"""Of the 255 bytes that a file's name may have, those that are the source's."""

_SHARE = 0.99
"""Of the longest that can be encoded: how a window is encoded that is longer, and turns out not to be copied."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of a longer file, encoded or copied to fit the service's inline limit.

    Attributes:
        source: The file that it is a span of.
        index: Its place among all segments, from 0.
        start: Seconds of the source.
        end: Seconds of the source.
        path: Its own file, in MP4 or M4A.
        kind: Which content block it makes: `"video"` or `"audio"`.
        copied: Whether its pictures and its sound are the source's own, and not encoded again.
    """

    source: Path
    index: int
    start: float
    end: float
    path: Path
    kind: Literal["video", "audio"] = "video"
    copied: bool = False

    @property
    def duration(self) -> float:
        """Its length in seconds."""
        return self.end - self.start

    def block(self, *, inline: bool = True, **parameters: float | None) -> dict[str, Any]:
        """Return its content block for a message.

        Args:
            inline: As for `media.video`.
            **parameters: As for `media.video`, where there are pictures: `fps`, `max_pixels` and the like.
        """
        return blocks.block(self.kind, self.path, inline=inline, **parameters)


def split(
    path: str | os.PathLike[str],
    *,
    window: float | None = None,
    overlap: float = 0.0,
    by: By = "time",
    windows: Sequence[tuple[float, float]] | None = None,
    skip: Collection[int] = (),
    out: str | os.PathLike[str] | None = None,
    max_bytes: int = INLINE_BYTES,
    fps: float | None = None,
    progress: ProgressCallback | bool = False,
) -> Iterator[Segment]:
    """Cut a long video or audio file into segments, and return each as soon as it is ready.

    The source is read once, and no further than to the end of the segment that was asked for. Closing the iterator
    early, or an error, leaves no half file.

    Args:
        path: A local video or audio file.
        window: As for `windows`, like `overlap` and `by`.
        overlap: Seconds that a segment begins before the one before it ends.
        by: `"time"`, `"scenes"`, `"silence"` or `"keyframes"`; segments by keyframes are copied where the source fits,
            and encoded where it doesn't, or where `fps` is given.
        windows: Start and end of each segment in seconds, instead of `window`, `overlap` and `by`; in the order of
            time. With `by="keyframes"`, those that begin and end at keyframes are copied.
        skip: Indexes of segments that are not wanted, such as those that were answered before an interruption. They
            are neither encoded nor returned, and where there are many in a row the source isn't even read there.
        out: A folder for the segments, made if it is missing; `talk.mp4` becomes `talk-0000.mp4` and so on. Without
            it they go to the cache, and segments that are there already are not encoded again.
        max_bytes: Largest file; the default fits the service's inline limit as a data URL.
        fps: Frames a second of the segments; chosen by the budget if it is not given, 2 or more.
        progress: Called with the seconds of the source that are done and all seconds; True draws a bar.

    Raises:
        ConfigurationError: A setting is out of its range.
        ContentBlockError: There is no such file, or nothing in it can be played.
        MediaTooLargeError: A window is too long for `max_bytes`.
        StorageError: A segment can't be written: the disk is full, or the folder is not writable.
    """
    checked_settings(max_bytes, fps)
    info = usable(path)
    if windows is None:
        spans = planned(info, window, overlap, by, max_bytes)
    elif window is not None or overlap or by not in ("time", "keyframes"):
        raise ConfigurationError("windows says where to cut already; leave out window, overlap and by")
    else:
        spans = _checked(windows, info)

    @cache
    def copyable() -> set[int]:
        return _copyable(info, spans, max_bytes) if by == "keyframes" and fps is None else set()

    def plan_of(index: int) -> Plan:
        seconds = spans[index].end - spans[index].start
        try:
            return plan(info, seconds, max_bytes, fps)
        except MediaTooLargeError:  # as it is it may still fit
            if index not in copyable():
                raise
            return plan(info, _SHARE * longest(info, max_bytes), max_bytes)

    plans = [plan_of(index) for index in range(len(spans))]
    folder = None if out is None else Path(out).expanduser().absolute()

    def target(index: int, *, copied: bool) -> Path:
        if folder is None:
            return _cache.cached_path(content(), plans[index], *spans[index], copied=copied)
        return folder / f"{_shortened(info.path.stem)}-{index:04d}{'.mp4' if info.has_video else '.m4a'}"

    @cache
    def content() -> str:
        return _cache.content_hash(info.path)

    def segments() -> Iterator[Segment]:
        if folder is None:
            _cache.sweep()
        else:
            with storing(folder):
                folder.mkdir(parents=True, exist_ok=True)
        wanted = [index for index in range(len(spans)) if index not in skip]
        kept: dict[int, Written] = {}
        clips: list[Clip | Copy] = []
        for index in wanted:
            clip = Clip(*spans[index], plans[index], target(index, copied=False))
            copy = Copy(clip, target(index, copied=True)) if index in copyable() else None
            if folder is None and copy and _cache.is_kept(copy.target):
                kept[index] = Written(copy.target, copied=True)
            elif folder is None and _cache.is_kept(clip.target):
                kept[index] = Written(clip.target, copied=False)
            else:
                clips.append(copy or clip)
        with reporting(progress, info.duration, info.path.name) as report, closing(write(info, clips, report)) as files:
            for index in wanted:
                path, copied = kept[index] if index in kept else next(files)
                yield Segment(info.path, index, *spans[index], path, info.kind or "video", copied)
            for _ in files:  # nothing is left; what the end of the source has to say is said
                pass

    return segments()


def _shortened(stem: str) -> str:
    """Return a name that leaves room for a number and an ending: file systems count bytes, of which 汉 has three."""
    return os.fsencode(stem)[:_STEM_BYTES].decode(errors="ignore") if len(os.fsencode(stem)) > _STEM_BYTES else stem


def _copyable(info: MediaInfo, spans: Sequence[TimeRange], max_bytes: int) -> set[int]:
    """Return the indexes of the windows that can be copied."""
    places = keyframes.places(info)
    return {index for index, each in enumerate(spans) if places is not None and places.fits(*each, max_bytes)}


def _checked(windows: Sequence[tuple[float, float]], info: MediaInfo) -> list[TimeRange]:
    """Return the windows of the caller's own, the last one ending with the file.

    Raises:
        ConfigurationError: One of them is empty, outside the file, or out of order.
    """
    ranges: list[TimeRange] = []
    for index, (start, end) in enumerate(windows):
        if not 0 <= start < end or start >= info.duration or end > info.duration + 1:
            raise ConfigurationError(f"windows[{index}] is ({start:g}, {end:g}); the file has 0 to {info.duration:g} s")
        if ranges and (start < ranges[-1].start or end < ranges[-1].end):
            raise ConfigurationError(f"windows[{index}] is before windows[{index - 1}]; give them in the order of time")
        ranges.append(TimeRange(float(start), float(min(end, info.duration))))
    return ranges
