"""What may be fitted and split: checks that come before any work, the same for both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import av

from langchain_dmx_omni._media.taken import elsewhere
from langchain_dmx_omni._warnings import warn_user
from langchain_dmx_omni.errors import ConfigurationError, ContentBlockError

from ._open import sniff_file
from .probe import MediaInfo, probe

if TYPE_CHECKING:
    import os

_LEAST_BYTES = 16 * 1024
_SHORTEST, _LONGEST = 0.001, 7 * 24 * 3600.0
"""Seconds of a recording; no camera runs on for longer, but a damaged clock does."""
_NARROWEST = 200
"""Width to height, or height to width, that the service takes at the most."""


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Name the file in what FFmpeg says of it in the midst of work.

    Raises:
        ContentBlockError: It can't be decoded, or not be encoded as planned.
    """
    try:
        yield
    except av.FFmpegError as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        raise ContentBlockError(f"{path.name}: it can't be converted: {said}; another program may repair it") from None


def usable(path: str | os.PathLike[str], *, warn: bool = True) -> MediaInfo:
    """Return what a file is, if there is something in it to encode; what is lost of a damaged one is a warning.

    Args:
        path: The file.
        warn: False where the warning is still to come, from what is called next.

    Raises:
        ContentBlockError: There is no such file, or neither picture nor sound can be read.
    """
    info = probe(path)
    if info.kind is None or info.duration <= 0:
        media_type = sniff_file(info.path)
        remedy = f"; {elsewhere(media_type)}" if media_type and media_type.kinds == ("image",) else ""
        raise ContentBlockError(f"{info.path.name}: {info.problem or 'there is nothing to play in it'}{remedy}")
    if info.duration < _SHORTEST:
        raise ContentBlockError(f"{info.path.name}: it is {info.duration:g} s long, too short for a single sample")
    if info.duration > _LONGEST:
        days = info.duration / 24 / 3600
        raise ContentBlockError(
            f"{info.path.name}: by its timestamps it is {days:,.0f} days long, which can't be; "
            "write it anew with a clock that is right (ffmpeg -i in -c copy out)"
        )
    if info.width and info.height and max(info.width, info.height) > _NARROWEST * min(info.width, info.height):
        raise ContentBlockError(
            f"{info.path.name}: it is shown at {info.width:,}×{info.height:,} pixels; "
            f"sides of 1 to {_NARROWEST} are the most that the service takes"
        )
    if info.problem and warn:
        warn_user(f"{info.path.name}: {info.problem}; what can be read is used")
    return info


def checked_settings(max_bytes: int, fps: float | None) -> None:
    """Check what `fit` and `split` have in common.

    Raises:
        ConfigurationError: A number is out of its range.
    """
    if max_bytes < _LEAST_BYTES:
        raise ConfigurationError(f"max_bytes is {max_bytes:,}; nothing fits into less than {_LEAST_BYTES:,}")
    if fps is not None and not 0.1 <= fps <= 60:
        raise ConfigurationError(f"fps is {fps:g}; give 0.1 to 60, or leave it out (the model looks at 2 a second)")
