"""Long local video and audio: look at it, fit it under the service's inline limit, cut it into segments.

Needs the extra `video`.
"""

from typing import TYPE_CHECKING

from langchain_dmx_omni._extras import extra
from langchain_dmx_omni._warnings import warn_user

with extra("video", "langchain_dmx_omni.video", "av", "platformdirs"):
    from ._cache import cache_dir, clear_cache, content_hash
    from ._plan import INLINE_BYTES
    from .cuts import scenes, silences
    from .fit import fit
    from .probe import MediaInfo, StreamInfo, probe
    from .segments import Segment, split
    from .windows import By, TimeRange, copied_windows, windows

__all__ = [
    "INLINE_BYTES",
    "By",
    "MediaInfo",
    "Segment",
    "StreamInfo",
    "TimeRange",
    "cache_dir",
    "clear_cache",
    "content_hash",
    "copied_windows",
    "fit",
    "probe",
    "scenes",
    "silences",
    "split",
    "windows",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # for type checkers every name would be there

    def __getattr__(name: str) -> object:
        if name == "Window":
            warn_user("video.Window is called video.TimeRange now", DeprecationWarning)
            return TimeRange
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
