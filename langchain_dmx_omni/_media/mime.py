"""What bytes are, by the bytes themselves: file names and declared types are often wrong."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Literal

from . import magic
from .magic import CONVERTIBLE, TAKEN, MediaType, media_type

__all__ = [
    "CONVERTIBLE",
    "HEAD",
    "TAKEN",
    "Kind",
    "MediaType",
    "audio_format",
    "ending",
    "from_name",
    "kind_of",
    "sniff",
]

Kind = Literal["image", "audio", "video"]

HEAD = 2048
"""Bytes that are looked at: a comment may stand before an SVG, and a transport stream is known by three packets."""

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

_MOST_TAGS = 8
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b") | {0x7F}
_BYTE_ORDERS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LEAST_TEXT = 200
"""Bytes without a control character that are text even in an unknown encoding; of media there are never so many."""


def sniff(data: bytes | Callable[[int, int], bytes]) -> MediaType | None:
    """Return what media is by its first bytes, or None when they say nothing.

    Args:
        data: The bytes, of which those behind `HEAD` and a tag are not looked at; or what reads them, called with a
            size and an offset. A tag with a cover in it is larger than `HEAD`, and what it stands before is behind it.
    """
    read = data if callable(data) else lambda size, start: data[start : start + size]
    start = 0
    head = read(HEAD, 0)
    for _ in range(_MOST_TAGS):
        length = tag_length(head)
        if not length:
            break
        start += length
        head = read(HEAD, start)
    return _sniffed(head) or (media_type("audio/mpeg") if start else None)


def tag_length(head: bytes) -> int:
    """Return the length of the ID3 tag that bytes begin with; 0 without one."""
    if len(head) < 10 or head[:3] != b"ID3" or head[3] not in (2, 3, 4) or max(head[6:10]) > 0x7F:
        return 0
    size = 0
    for byte in head[6:10]:  # 7 bits each
        size = size << 7 | byte
    return 10 + size + (10 if head[5] & 0x10 else 0)  # a footer


def _sniffed(head: bytes) -> MediaType | None:
    mime = next((mime for prefix, mime in magic.PREFIXES if head.startswith(prefix)), None)
    text = _text(head)
    if text is not None:  # a text may begin with any letters
        return media_type(mime if mime in magic.TEXTUAL else _markup(text))
    form = magic.FORMS.get((head[:4], head[12:16] if head[:4] == b"FRM8" else head[8:12]))
    mime = form or _iso(head) or mime or magic.BOXES.get(head[4:8]) or _structured(head) or _frame(head)
    return media_type(_within(mime, head)) if mime else None


def _iso(head: bytes) -> str | None:
    """Return the type of an ISO base media file by its brands: phone audio, photos, QuickTime, and plain MP4."""
    if head[4:8] != b"ftyp":
        return None
    brand, size = head[8:12], int.from_bytes(head[:4], "big")
    mime = next((mime for prefix, mime in magic.BRANDS if brand.startswith(prefix)), "video/mp4")
    if mime == "image/heif":  # a family of formats; the brands that follow say which
        others = [head[at : at + 4] for at in range(16, min(size, len(head)), 4)]
        named = (mime for other in others for prefix, mime in magic.BRANDS if other.startswith(prefix))
        mime = next((each for each in named if each in ("image/avif", "image/heic")), mime)
    return mime


def _within(mime: str, head: bytes) -> str:
    """Return what a container of several types names itself."""
    if mime == "video/x-matroska" and b"webm" in head[:64]:
        return "video/webm"
    if mime == "application/zip":
        return next((document for name, document in magic.ZIPPED.items() if head.startswith(name, 30)), mime)
    return mime


def _text(head: bytes) -> str | None:
    """Return bytes as text, or None where they are none."""
    for mark, encoding in _BYTE_ORDERS:
        if head.startswith(mark) and (len(head) > len(mark) or encoding == "utf-8"):
            text = head[len(mark) :].decode(encoding, "replace")
            return None if "\0" in text or "\ufffd" in text[:-1] else text
    if not head or not _CONTROLS.isdisjoint(head):
        return None
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(head)  # a letter may be cut off at the end
    except UnicodeDecodeError:
        return head.decode("latin-1") if len(head) >= _LEAST_TEXT and head[0] != 0xFF else None


def _markup(text: str) -> str:
    start = text.lstrip().lower()
    if start.startswith(("<!doctype html", "<html")):
        return "text/html"
    if "<svg" in start and start.startswith("<"):
        return "image/svg+xml"
    return "application/xml" if start.startswith("<?xml") else "text/plain"


def _structured(head: bytes) -> str | None:
    """Return the type of a file that is known by more than its first bytes."""
    if head[:4] == b"OggS":
        return "video/ogg" if b"theora" in head[:512] else "audio/ogg"
    if head[257:262] == b"ustar":
        return "application/x-tar"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "image/bmp"
    if head[:3] == b"\x00\x00\x01" and head[4:6] != b"\x00\x00" and head[9:10] == b"\x00" and len(head) >= 22:
        return "image/x-icon"
    if any(head[at : at + 2 * step + 1 : step] == b"GGG" for at, step in ((0, 188), (4, 192), (0, 204))):
        return "video/mp2t"
    return None


def _frame(head: bytes) -> str | None:
    """Return the type of audio that begins with a frame, without a file header.

    Reserved values are refused, so that other bytes (a UTF-16 byte order mark is FF FE) are not taken for it.
    """
    if len(head) < 4 or head[0] != 0xFF:
        return None
    if head[1] & 0xF6 == 0xF0:  # 12 bits of sync, layer 0: ADTS
        return "audio/aac" if (head[2] >> 2) & 0xF < 13 else None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if head[1] & 0xE0 == 0xE0 and version != 1 and layer in (1, 2) and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3:
        return "audio/mpeg"
    return None


def from_name(name: str | None) -> str | None:
    """Return the MIME type that a file name or a URL's path suggests, or None."""
    path = (name or "").split("?", 1)[0].split("#", 1)[0]
    return magic.NAMES.get(path.rsplit(".", 1)[-1].lower()) if "." in path else None


def ending(mime: str) -> str | None:
    """Return the usual ending of a file of a MIME type, such as `.mp4`, or None."""
    return next((f".{name}" for name, named in magic.NAMES.items() if named == mime), None)


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
