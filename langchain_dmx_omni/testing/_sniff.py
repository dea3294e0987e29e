"""What a file is, by its first bytes: a name for people, and the one demuxer that may open it.

Naming the demuxer is also a matter of safety: left to guess, FFmpeg would take bytes for a playlist and follow it to
other files and hosts.
"""

from __future__ import annotations

from typing import NamedTuple


class Format(NamedTuple):
    """A file format: its name, FFmpeg's demuxer, and whether it holds one still picture."""

    name: str
    demuxer: str
    still: bool = False


_BY_PREFIX: tuple[tuple[bytes, Format], ...] = (
    (b"\x89PNG\r\n\x1a\n", Format("PNG", "png_pipe", still=True)),
    (b"\xff\xd8\xff", Format("JPEG", "jpeg_pipe", still=True)),
    (b"BM", Format("BMP", "bmp_pipe", still=True)),
    (b"GIF8", Format("GIF", "gif")),
    (b"FLV\x01", Format("FLV", "flv")),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Format("WMV", "asf")),
    (b"OggS", Format("Ogg", "ogg")),
    (b"fLaC", Format("FLAC", "flac")),
    (b"#!AMR", Format("AMR", "amr")),
    (b"ID3", Format("MP3", "mp3")),
)

_BY_RIFF_FORM: dict[bytes, Format] = {
    b"WAVE": Format("WAV", "wav"),
    b"AVI ": Format("AVI", "avi"),
    b"WEBP": Format("WebP", "webp_pipe", still=True),
}

_BY_BRAND: tuple[tuple[bytes, str], ...] = ((b"qt", "MOV"), (b"M4A", "M4A"), (b"3g", "3GP"))


def sniff(data: bytes) -> Format | None:
    """The format of a file; None if its first bytes are of no format that the service takes."""
    for prefix, found in _BY_PREFIX:
        if data.startswith(prefix):
            return found
    if data[:4] == b"RIFF":
        return _BY_RIFF_FORM.get(data[8:12])
    if data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        brand = data[8:12] if data[4:8] == b"ftyp" else b"qt"
        name = next((name for start, name in _BY_BRAND if brand.startswith(start)), "MP4")
        return Format(name, "mp4")
    if data[:4] == b"\x1a\x45\xdf\xa3":
        return Format("WebM" if b"webm" in data[:64] else "MKV", "matroska")
    return _by_sync(data)


def _by_sync(data: bytes) -> Format | None:
    """Formats that begin with a frame rather than with a header."""
    if data[:1] == b"\x47" and data[188:189] == b"\x47":
        return Format("MPEG-TS", "mpegts")
    if len(data) > 1 and data[0] == 0xFF:
        if data[1] & 0xF6 == 0xF0:
            return Format("AAC", "aac")
        if data[1] & 0xE0 == 0xE0:
            return Format("MP3", "mp3")
    return None
