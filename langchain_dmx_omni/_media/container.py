"""The one way into PyAV for reading: which formats are opened at all, and that nothing else is opened beside them.

A file is never trusted for its name or for what it calls itself. Formats that make FFmpeg open further files, sockets
or addresses (HLS, DASH, concat, SDP, numbered images) are not among those here, and no protocol may be used, so that
media can't reach beyond itself.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import av
import av.stream

if TYPE_CHECKING:
    from io import BytesIO
    from pathlib import Path

    from av.container import InputContainer

MOVING: Final = (
    "mov,matroska,avi,flv,live_flv,asf,gif,mpegts,mpeg,mpegvideo,m4v,h264,hevc,obu,ivf,mxf,dv,nut,rm,"
    "ogg,wav,w64,aiff,au,caf,mp3,aac,ac3,eac3,amr,amrnb,amrwb,flac,ape,wv,tta,dsf,"
    "iff,mpc,mpc8,dts,dtshd,tak,shn,voc"
)
"""FFmpeg's demuxers of video and audio that stand for themselves."""

MOST_PIXELS: Final = 64_000_000
"""Pixels of the largest picture that is decoded; 8K has 33 million. A kilobyte may claim to hold far more."""

_DECODING: Final = {"max_pixels": str(MOST_PIXELS)}

# Until PyAV 19 a tag in another encoding than UTF-8 failed the file, unless it was asked not to.
_LENIENT: Final[dict[str, Any]] = {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}


def open_container(source: Path | BytesIO, *, formats: str = MOVING, demuxer: str | None = None) -> InputContainer:
    """Open media for reading.

    Args:
        source: A local file, or bytes.
        formats: FFmpeg's demuxers that may be used, with commas between them.
        demuxer: The one that is used, whatever the bytes look like.

    Raises:
        av.FFmpegError: It is no media of these formats, or its header is damaged.
        EOFError: It ends in its header.
    """
    in_memory = hasattr(source, "read")
    options = {
        "format_whitelist": formats,
        # A file is reached through a protocol, bytes are not.
        "protocol_whitelist": "none" if in_memory else "file",
        **_DECODING,
    }
    container: InputContainer = av.open(
        source if in_memory else str(source), "r", format=demuxer, options=options, **_LENIENT
    )
    for stream in container.streams.video:  # FFmpeg has looked into them; what decodes them from now on is PyAV's
        if getattr(stream, "codec_context", None) is not None:
            stream.codec_context.options = dict(_DECODING)
    return container


def pass_over(stream: Any) -> None:
    """Let a stream that nobody reads cost nothing, where PyAV can."""
    if hasattr(av.stream, "Discard"):
        stream.discard = av.stream.Discard.all


def exact(number: Any) -> Fraction | None:
    """Return one of FFmpeg's fractions (PyAV has had two types for them), or None for none and for one by zero."""
    if number is None or not number.denominator:
        return None
    return Fraction(number.numerator, number.denominator)
