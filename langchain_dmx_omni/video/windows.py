"""`windows`: where a file is cut, before anything is encoded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from langchain_dmx_omni.errors import ConfigurationError

from . import keyframes
from ._checks import usable
from ._plan import INLINE_BYTES, longest
from .cuts import scenes, silences

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from .probe import MediaInfo

__all__ = ["By", "TimeRange", "copied_windows", "windows"]

By = Literal["time", "scenes", "silence", "keyframes"]

_VIDEO_WINDOW, _AUDIO_WINDOW = 300.0, 1200.0
"""Seconds of a window unless another is asked for: a size at which speech and print stay clear."""
_SHORTEST = 1.0
"""Seconds below which a last window joins the one before it."""
_ENCODED = 0.1
"""Share of a file's seconds that may have to be encoded where the others are copied: a damaged place is no reason."""
_MOST = 50_000
"""Windows of a file; each becomes a file and a request."""


class TimeRange(NamedTuple):
    """A span of a file, in seconds from its start."""

    start: float
    end: float


def windows(
    path: str | os.PathLike[str], *, window: float | None = None, overlap: float = 0.0, by: By = "time"
) -> list[TimeRange]:
    """Return the windows that `split` makes segments of, in order; nothing is encoded.

    `by="time"` only reads the file's length. The others look for places to cut: `keyframes` reads the file once and
    decodes nothing, `scenes` decodes the picture once, `silence` the sound.

    Args:
        path: A local video or audio file.
        window: Seconds of a window; the longest there may be where cuts are sought. 300 for video and 1,200
            for audio if it is not given.
        overlap: Seconds that a window begins before the one before it ends.
        by: `"time"`: all windows are equally long. `"scenes"` and `"silence"`: each ends at the last change of
            scene, or in the middle of the last pause, in its second half, if there is one. `"keyframes"`: each
            begins at a keyframe and is as long as can be copied under the service's inline limit, rather than
            encoded; where nothing of 30 s (or half of `window`) can, it is as long as by time.

    Raises:
        ConfigurationError: `window` or `overlap` is out of range.
        ContentBlockError: There is no such file, or nothing in it can be played.
    """
    return planned(usable(path), window, overlap, by)


def copied_windows(
    path: str | os.PathLike[str], *, window: float | None = None, overlap: float = 0.0
) -> list[TimeRange] | None:
    """Return the windows of `by="keyframes"` if nine tenths of the file or more can be copied, or None.

    Args:
        path: A local video or audio file.
        window: As for `windows`, like `overlap`.
        overlap: Seconds that a window begins before the one before it ends.

    Raises:
        ConfigurationError: `window` or `overlap` is out of range.
        ContentBlockError: There is no such file, or nothing in it can be played.
    """
    info = usable(path, warn=False)
    window = _checked(info, window, overlap)
    if not keyframes.may_fit(info, window, INLINE_BYTES) or (places := keyframes.places(info)) is None:
        return None
    ranges = places.windows(window, overlap, INLINE_BYTES)
    encoded = sum(end - start for start, end in ranges if not places.fits(start, end, INLINE_BYTES))
    return [TimeRange(*each) for each in ranges] if encoded <= _ENCODED * info.duration else None


def planned(
    info: MediaInfo, window: float | None, overlap: float, by: By, max_bytes: int = INLINE_BYTES
) -> list[TimeRange]:
    """Return the windows of a file that is known already; `max_bytes` is what a copied one may have."""
    window = _checked(info, window, overlap)
    places: Sequence[float]
    match by:
        case "time":
            places = ()
        case "keyframes":
            cuts = keyframes.places(info)
            if cuts is not None:
                return [TimeRange(*each) for each in cuts.windows(window, overlap, max_bytes)]
            places = ()
        case "scenes":
            _require(info.has_video, "scenes", "no picture")
            places = scenes(info.path)
        case "silence":
            _require(info.has_audio, "silence", "no sound")
            places = [(start + end) / 2 for start, end in silences(info.path)]
        case _:
            raise ConfigurationError(f"by is {by!r}; give 'time', 'scenes', 'silence' or 'keyframes'")
    return _laid_out(info.duration, window, overlap, places)


def _checked(info: MediaInfo, window: float | None, overlap: float) -> float:
    """Return the seconds of a window."""
    if window is None:
        window = min(_VIDEO_WINDOW if info.has_video else _AUDIO_WINDOW, longest(info, INLINE_BYTES))
    if not (math.isfinite(window) and window >= _SHORTEST):
        raise ConfigurationError(f"window is {window:g} seconds; give {_SHORTEST:g} or more")
    if not 0 <= overlap <= window / 2:
        raise ConfigurationError(f"overlap is {overlap:g} seconds; give 0 to {window / 2:g}, half of the window")
    if (count := info.duration / (window - overlap)) > _MOST:
        raise ConfigurationError(
            f"{info.path.name}: {info.duration:,.0f} s make {count:,.0f} windows of {window:g} s, more than {_MOST:,}; "
            "give a longer window"
        )
    return window


def _require(there: bool, by: str, missing: str) -> None:
    if not there:
        raise ConfigurationError(f"by={by!r}: there is {missing} in the file; cut it by='time'")


def _laid_out(duration: float, window: float, overlap: float, places: Iterable[float]) -> list[TimeRange]:
    """Return windows of at most a length, which end at the places where they can."""
    ranges: list[TimeRange] = []
    places = sorted(places)
    start, count = 0.0, 0
    while True:
        end = start + window
        if end >= duration - min(_SHORTEST, window / 10):
            return [*ranges, TimeRange(start, duration)]
        ends = [place for place in places if start + window / 2 <= place <= end]
        if ends:
            end = ends[-1]
        elif not places:  # by multiplication: sums of fractions drift
            end = count * (window - overlap) + window
        ranges.append(TimeRange(start, end))
        count += 1
        start = end - overlap if places else count * (window - overlap)
