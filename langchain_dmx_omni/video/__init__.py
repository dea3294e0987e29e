"""Long local video and audio: look at it, fit it under the service's inline limit, cut it into segments.

Needs the extra ``video``.
"""

try:
    from ._cache import cache_dir, clear_cache
    from ._plan import INLINE_BYTES
    from .cuts import scenes, silences
    from .fit import fit
    from .probe import MediaInfo, StreamInfo, probe
    from .segments import Segment, split
    from .windows import Window, windows
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("av", "platformdirs"):
        raise
    raise ImportError('langchain_dmx_omni.video needs: pip install "langchain-dmx-omni[video]"') from None

__all__ = [
    "INLINE_BYTES",
    "MediaInfo",
    "Segment",
    "StreamInfo",
    "Window",
    "cache_dir",
    "clear_cache",
    "fit",
    "probe",
    "scenes",
    "silences",
    "split",
    "windows",
]
