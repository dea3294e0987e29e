"""What a file is, by its first bytes: a name for people, and the one demuxer that may open it.

The bytes are told apart by the table that the client uses. Naming the demuxer is also a matter of safety: left to
guess, FFmpeg would take bytes for a playlist and follow it to other files and hosts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from langchain_dmx_omni._media import mime


class Format(NamedTuple):
    """A file format: its name, FFmpeg's demuxer, and whether it holds one still picture."""

    name: str
    demuxer: str
    still: bool = False


FORMATS: Final[Mapping[str, Format]] = {
    "image/png": Format("PNG", "png_pipe", still=True),
    "image/jpeg": Format("JPEG", "jpeg_pipe", still=True),
    "image/bmp": Format("BMP", "bmp_pipe", still=True),
    "image/webp": Format("WebP", "webp_pipe", still=True),
    "audio/wav": Format("WAV", "wav"),
    "audio/mpeg": Format("MP3", "mp3"),
    "audio/aac": Format("AAC", "aac"),
    "audio/amr": Format("AMR", "amr"),
    "audio/flac": Format("FLAC", "flac"),
    "audio/ogg": Format("Ogg", "ogg"),
    "audio/mp4": Format("M4A", "mp4"),
    "video/mp4": Format("MP4", "mp4"),
    "video/quicktime": Format("MOV", "mp4"),
    "video/3gpp": Format("3GP", "mp4"),
    "video/x-matroska": Format("MKV", "matroska"),
    "video/x-msvideo": Format("AVI", "avi"),
    "video/x-flv": Format("FLV", "flv"),
    "video/x-ms-wmv": Format("WMV", "asf"),
}
"""MIME type → format, for every type that the service takes."""


def sniff(data: bytes) -> Format | None:
    """Return the format of a file, or None if its first bytes are of no format that the gateway opens."""
    media_type = mime.sniff(data)
    return FORMATS.get(media_type.mime) if media_type else None
