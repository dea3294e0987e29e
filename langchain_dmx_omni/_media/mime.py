"""What bytes are, by the bytes themselves: file names and declared types are often wrong."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["image", "audio", "video"]

HEAD = 377
"""Bytes from the start that `sniff` needs: an MPEG transport stream is known by the first bytes of three packets."""


class MediaType(NamedTuple):
    """A MIME type and the kinds of content that a file of it may hold."""

    mime: str
    kinds: tuple[str, ...]
    """The likeliest first; empty for a type that is none of image, audio and video."""


_PREFIXES: tuple[tuple[bytes, MediaType], ...] = (
    (b"\x89PNG\r\n\x1a\n", MediaType("image/png", ("image",))),
    (b"\xff\xd8\xff", MediaType("image/jpeg", ("image",))),
    (b"GIF87a", MediaType("image/gif", ("image", "video"))),
    (b"GIF89a", MediaType("image/gif", ("image", "video"))),
    (b"II*\x00", MediaType("image/tiff", ("image",))),
    (b"MM\x00*", MediaType("image/tiff", ("image",))),
    (b"\x1aE\xdf\xa3", MediaType("video/x-matroska", ("video", "audio"))),
    (b"FLV\x01", MediaType("video/x-flv", ("video",))),
    (b"0&\xb2u\x8ef\xcf\x11", MediaType("video/x-ms-wmv", ("video", "audio"))),
    (b"\x00\x00\x01\xba", MediaType("video/mpeg", ("video",))),
    (b"ID3", MediaType("audio/mpeg", ("audio",))),
    (b"#!AMR", MediaType("audio/amr", ("audio",))),
    (b"fLaC", MediaType("audio/flac", ("audio",))),
    (b"OggS", MediaType("audio/ogg", ("audio", "video"))),
    (b"%PDF", MediaType("application/pdf", ())),
    (b"PK\x03\x04", MediaType("application/zip", ())),
)

TAKEN = frozenset(
    {
        *("video/mp4", "video/quicktime", "video/x-matroska", "video/x-msvideo", "video/x-flv", "video/x-ms-wmv"),
        *("audio/wav", "audio/mpeg", "audio/aac", "audio/mp4", "audio/amr", "audio/flac", "audio/ogg", "video/3gpp"),
    }
)
"""What DMXAPI's pages list for video and audio."""

_RIFF_FORMS = {
    b"WAVE": MediaType("audio/wav", ("audio",)),
    b"AVI ": MediaType("video/x-msvideo", ("video",)),
    b"WEBP": MediaType("image/webp", ("image",)),
}

# ISO base media files name a brand; it tells phone audio and QuickTime from plain MP4.
_BRANDS: tuple[tuple[bytes, MediaType], ...] = (
    (b"M4A", MediaType("audio/mp4", ("audio", "video"))),
    (b"M4B", MediaType("audio/mp4", ("audio", "video"))),
    (b"qt", MediaType("video/quicktime", ("video", "audio"))),
    (b"3g", MediaType("video/3gpp", ("video", "audio"))),
    (b"heic", MediaType("image/heic", ("image",))),
    (b"heix", MediaType("image/heic", ("image",))),
    (b"mif1", MediaType("image/heif", ("image",))),
    (b"avif", MediaType("image/avif", ("image",))),
)
_MP4 = MediaType("video/mp4", ("video", "audio"))

_BY_NAME = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "webp": "image/webp",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "aac": "audio/aac",
    "amr": "audio/amr",
    "m4a": "audio/mp4",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "oga": "audio/ogg",
    "opus": "audio/ogg",
    "mp4": "video/mp4",
    "m4v": "video/mp4",
    "mov": "video/quicktime",
    "avi": "video/x-msvideo",
    "mkv": "video/x-matroska",
    "webm": "video/webm",
    "flv": "video/x-flv",
    "wmv": "video/x-ms-wmv",
    "3gp": "video/3gpp",
    "mpg": "video/mpeg",
    "mpeg": "video/mpeg",
    "pdf": "application/pdf",
}

# The `format` that goes beside audio is the file's usual ending: here, where that is not the subtype.
_AUDIO_FORMATS = {
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/3gpp": "3gp",
    "audio/x-matroska": "mka",
    "audio/x-ms-wma": "wma",
    "video/mp4": "m4a",
    "video/3gpp": "3gp",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mka",
    "video/x-ms-wmv": "wma",
    "video/ogg": "ogg",
}


def sniff(head: bytes) -> MediaType | None:
    """Return what the first `HEAD` bytes of a file say it is, or None when they say nothing."""
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF_FORMS.get(head[8:12])
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return next((media_type for prefix, media_type in _BRANDS if brand.startswith(prefix)), _MP4)
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free"):
        return MediaType("video/quicktime", ("video", "audio"))  # old QuickTime has no ftyp box
    for prefix, media_type in _PREFIXES:
        if head.startswith(prefix):
            return _within(media_type, head)
    if head[:2] == b"BM" and head[6:10] == bytes(4):  # two letters alone would be a text as well
        return MediaType("image/bmp", ("image",))
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return MediaType("text/html", ())
    if head[:377:188] == b"GGG":
        return MediaType("video/mp2t", ("video", "audio"))
    return _frame(head)


def _within(container: MediaType, head: bytes) -> MediaType:
    """Return what a container of several types names itself."""
    if container.mime == "video/x-matroska" and b"webm" in head:
        return MediaType("video/webm", container.kinds)
    if container.mime == "audio/ogg" and b"theora" in head:
        return MediaType("video/ogg", ("video", "audio"))
    return container


def _frame(head: bytes) -> MediaType | None:
    """Return the type of audio that begins with a frame, without a file header.

    Reserved values are refused, so that other bytes (a UTF-16 byte order mark is FF FE) are not taken for it.
    """
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:  # 12 bits of sync, layer 0: ADTS
        return MediaType("audio/aac", ("audio",)) if (head[2] >> 2) & 0xF < 13 else None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if head[1] & 0xE0 == 0xE0 and version != 1 and layer in (1, 2) and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3:
        return MediaType("audio/mpeg", ("audio",))
    return None


def from_name(name: str | None) -> str | None:
    """Return the MIME type that a file name or a URL's path suggests, or None."""
    path = (name or "").split("?", 1)[0].split("#", 1)[0]
    return _BY_NAME.get(path.rsplit(".", 1)[-1].lower()) if "." in path else None


def kind_of(mime: str | None) -> str | None:
    """Return `"image"`, `"audio"` or `"video"` for a MIME type, or None."""
    kind = (mime or "").split("/", 1)[0].strip().lower()
    return kind if kind in ("image", "audio", "video") else None


def audio_format(mime: str | None) -> str | None:
    """Return the `format` that names audio of a MIME type on the wire, or None."""
    essence = (mime or "").split(";", 1)[0].strip().lower()
    kind, _, subtype = essence.partition("/")
    subtype = subtype.removeprefix("x-")
    return _AUDIO_FORMATS.get(essence) or (subtype if kind == "audio" and subtype.isalnum() else None)
