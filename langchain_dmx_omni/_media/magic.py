"""The table of formats: what they are called, what they may hold, and the bytes that they begin with.

Sources: the formats' own specifications, and the signatures that `file` and FFmpeg go by.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_IMAGE, _AUDIO, _VIDEO, _VIDEO_AUDIO, _AUDIO_VIDEO, _NONE = (
    ("image",),
    ("audio",),
    ("video",),
    ("video", "audio"),
    ("audio", "video"),
    (),
)


class MediaType(NamedTuple):
    """A MIME type and the kinds of content that a file of it may hold."""

    mime: str
    kinds: tuple[str, ...]
    """The likeliest first; empty for a type that is none of image, audio and video."""

    @property
    def title(self) -> str:
        """Its MIME type, and its name where the type doesn't tell it."""
        name = _NAMES.get(self.mime)
        return f"{self.mime} ({name})" if name else self.mime


def media_type(mime: str) -> MediaType:
    """Return the type of a format in this table."""
    kind = mime.partition("/")[0]
    return MediaType(mime, _KINDS.get(mime, (kind,) if kind in ("image", "audio", "video") else _NONE))


TAKEN: Final = frozenset(
    {
        *("image/jpeg", "image/png", "image/bmp", "image/webp"),
        *("video/mp4", "video/quicktime", "video/x-matroska", "video/x-msvideo", "video/x-flv", "video/x-ms-wmv"),
        *("audio/wav", "audio/mpeg", "audio/aac", "audio/mp4", "audio/amr", "audio/flac", "audio/ogg", "video/3gpp"),
    }
)
"""What DMXAPI's pages list."""

CONVERTIBLE: Final = frozenset(
    {
        *("image/gif", "image/tiff", "image/heic", "image/heif", "image/avif", "image/jp2", "image/x-icon"),
        *("image/vnd.adobe.photoshop", "image/x-portable-anymap", "image/qoi"),
    }
)
"""Images that `media.image(path, fit=True)` turns into JPEG or PNG."""

_KINDS: Final[dict[str, tuple[str, ...]]] = {
    "image/gif": ("image", "video"),
    "audio/ogg": _AUDIO_VIDEO,
    "audio/mp4": _AUDIO_VIDEO,
    "audio/midi": _NONE,  # notes, no sound
    "image/svg+xml": _IMAGE,
    **dict.fromkeys(
        (
            *("video/mp4", "video/quicktime", "video/3gpp", "video/x-matroska", "video/webm", "video/x-ms-wmv"),
            *("video/mp2t", "video/ogg", "application/mxf", "video/x-nut", "video/iso.segment"),
            "application/vnd.rn-realmedia",
        ),
        _VIDEO_AUDIO,
    ),
}

_NAMES: Final = {
    "application/gzip": "a gzip archive",
    "application/msword": "an old Office document",
    "application/mxf": "MXF",
    "application/vnd.apple.mpegurl": "a playlist",
    "application/vnd.microsoft.portable-executable": "a Windows program",
    "application/vnd.oasis.opendocument": "an OpenDocument file",
    "application/vnd.openxmlformats-officedocument": "an Office document",
    "application/x-7z-compressed": "a 7z archive",
    "application/x-elf": "a program",
    "application/x-mach-binary": "a program",
    "application/zip": "a ZIP archive",
    "audio/dsd": "DSD",
    "audio/midi": "notes, not sound",
    "audio/x-ape": "Monkey's Audio",
    "audio/x-musepack": "Musepack",
    "audio/x-tta": "True Audio",
    "audio/x-wavpack": "WavPack",
    "font/sfnt": "a font",
    "image/x-canon-cr3": "a camera's raw photo",
    "image/x-raw": "a camera's raw photo",
    "video/h264": "raw H.264",
    "video/h265": "raw H.265",
    "video/iso.segment": "a piece of a fragmented MP4 without its beginning",
    "video/mp2t": "an MPEG transport stream",
    "video/mpeg": "an MPEG program stream",
}

PREFIXES: Final[tuple[tuple[bytes, str], ...]] = (
    # Images
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00\x10\x00\x00\x00CR", "image/x-raw"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"IIU\x00", "image/x-raw"),
    (b"IIRO", "image/x-raw"),
    (b"IIRS", "image/x-raw"),
    (b"FUJIFILMCCD-RAW", "image/x-raw"),
    (b"\x00MRM", "image/x-raw"),
    (b"FOVb", "image/x-raw"),
    (b"\x00\x00\x00\x0cjP  ", "image/jp2"),
    (b"\xffO\xffQ", "image/jp2"),
    (b"\x00\x00\x00\x0cJXL ", "image/jxl"),
    (b"\xff\x0a", "image/jxl"),
    (b"II\xbc\x01", "image/jxr"),
    (b"8BPS\x00", "image/vnd.adobe.photoshop"),
    (b"gimp xcf", "image/x-xcf"),
    (b"v/1\x01", "image/x-exr"),
    (b"#?RADIANCE", "image/vnd.radiance"),
    (b"DDS |\x00\x00\x00", "image/vnd-ms.dds"),
    (b"qoif", "image/qoi"),
    (b"\n\x05\x01", "image/x-pcx"),
    (b"P4\n", "image/x-portable-anymap"),
    (b"P5\n", "image/x-portable-anymap"),
    (b"P6\n", "image/x-portable-anymap"),
    (b"P7\n", "image/x-portable-anymap"),
    (b"AT&TFORM", "image/vnd.djvu"),
    (b"\xd7\xcd\xc6\x9a", "image/wmf"),
    # Containers of video and audio
    (b"\x1aE\xdf\xa3", "video/x-matroska"),
    (b"FLV\x01", "video/x-flv"),
    (b"0&\xb2u\x8ef\xcf\x11", "video/x-ms-wmv"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"\x00\x00\x01\xb3", "video/mpeg"),
    (b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02\x01\x01\x02", "application/mxf"),
    (b".RMF", "application/vnd.rn-realmedia"),
    (b"nut/multimedia container\x00", "video/x-nut"),
    (b"DKIF\x00\x00", "video/x-ivf"),
    (b"\x12\x00\n", "video/av1"),
    (b"YUV4MPEG2 ", "video/x-yuv4mpeg"),
    (b"\x1f\x07\x00", "video/x-dv"),
    (b"FWS", "application/x-shockwave-flash"),
    (b"CWS", "application/x-shockwave-flash"),
    # Raw streams of video, with start codes of three or four bytes: parameter sets and delimiters come first
    *(
        (start + first, mime)
        for start in (b"\x00\x00\x01", b"\x00\x00\x00\x01")
        for mime, firsts in {
            "video/h264": (b"\x67", b"\x47", b"\x27", b"\x09", b"\x06"),
            "video/h265": (b"\x40\x01", b"\x42\x01", b"\x46\x01"),
            "video/mp4v-es": (b"\xb0", b"\xb5"),
        }.items()
        for first in firsts
    ),
    # Audio
    (b"#!AMR", "audio/amr"),
    (b"fLaC", "audio/flac"),
    (b"\x0bw", "audio/ac3"),
    (b"\x7f\xfe\x80\x01", "audio/vnd.dts"),
    (b"DTSHDHDR", "audio/vnd.dts"),
    (b".snd\x00", "audio/basic"),
    (b"caff\x00", "audio/x-caf"),
    (b"riff.\x91\xcf\x11", "audio/x-w64"),
    (b".ra\xfd", "audio/x-realaudio"),
    (b"wvpk", "audio/x-wavpack"),
    (b"MAC ", "audio/x-ape"),
    (b"TTA1", "audio/x-tta"),
    (b"TTA2", "audio/x-tta"),
    (b"DSD \x1c", "audio/dsd"),
    (b"MPCK", "audio/x-musepack"),
    (b"MP+", "audio/x-musepack"),
    (b"OFR ", "audio/x-ofr"),
    (b"tBaK", "audio/x-tak"),
    (b"ajkg", "audio/x-shorten"),
    (b"Creative Voice File\x1a", "audio/x-voc"),
    (b"MThd\x00\x00\x00", "audio/midi"),
    # None of them
    (b"%PDF", "application/pdf"),
    (b"%!PS", "application/postscript"),
    (b"{\\rtf", "application/rtf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x1f\x9d", "application/x-compress"),
    (b"\xfd7zXZ\x00", "application/x-xz"),
    (b"7z\xbc\xaf'\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\x04\x22M\x18", "application/x-lz4"),
    (b"LZIP\x01", "application/x-lzip"),
    (b"MSCF\x00", "application/vnd.ms-cab-compressed"),
    (b"!<arch>\n", "application/x-archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x7fELF", "application/x-elf"),
    (b"\xca\xfe\xba\xbe", "application/x-mach-binary"),
    (b"\xfe\xed\xfa\xce", "application/x-mach-binary"),
    (b"\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    (b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\x00asm\x01", "application/wasm"),
    (b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"OTTO\x00", "font/sfnt"),
    (b"ttcf\x00", "font/sfnt"),
    (b"\x00\x01\x00\x00\x00", "font/sfnt"),
    (b"#EXTM3U", "application/vnd.apple.mpegurl"),
    (b"BZh", "application/x-bzip2"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
)
"""First bytes → MIME type; the first that fits counts."""

TEXTUAL: Final = frozenset(
    {
        *("application/pdf", "application/postscript", "application/rtf", "application/vnd.apple.mpegurl"),
        *("image/vnd.radiance", "video/x-yuv4mpeg"),
    }
)
"""Formats of `PREFIXES` that may be text to the last byte that is looked at."""

FORMS: Final = {
    (b"RIFF", b"WAVE"): "audio/wav",
    (b"RF64", b"WAVE"): "audio/wav",
    (b"BW64", b"WAVE"): "audio/wav",
    (b"RIFF", b"AVI "): "video/x-msvideo",
    (b"RIFF", b"WEBP"): "image/webp",
    (b"RIFF", b"RMID"): "audio/midi",
    (b"RIFF", b"ACON"): "image/x-icon",
    (b"FORM", b"AIFF"): "audio/aiff",
    (b"FORM", b"AIFC"): "audio/aiff",
    (b"FORM", b"8SVX"): "audio/x-8svx",
    (b"FRM8", b"DSD "): "audio/dsd",
}
"""The first four bytes and those that name the form → MIME type."""

BRANDS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"M4A", "audio/mp4"),
    (b"M4B", "audio/mp4"),
    (b"M4P", "audio/mp4"),
    (b"F4A", "audio/mp4"),
    (b"F4B", "audio/mp4"),
    (b"qt", "video/quicktime"),
    (b"3g", "video/3gpp"),
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    *((b"hei" + letter, "image/heic") for letter in (b"c", b"x", b"m", b"s")),
    *((b"hev" + letter, "image/heic") for letter in (b"c", b"x", b"m", b"s")),
    (b"mif", "image/heif"),
    (b"msf1", "image/heif"),
    (b"miaf", "image/heif"),
    (b"avci", "image/heif"),
    (b"avcs", "image/heif"),
    (b"jpeg", "image/heif"),
    (b"jpgs", "image/heif"),
    (b"j2ki", "image/heif"),
    (b"vvic", "image/heif"),
    (b"crx", "image/x-canon-cr3"),
    (b"jp2", "image/jp2"),
    (b"jpx", "image/jp2"),
    (b"jxl", "image/jxl"),
)
"""The brand that an ISO base media file names itself begins so → MIME type; other brands are MP4."""

BOXES: Final = {
    **dict.fromkeys((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"), "video/quicktime"),
    **dict.fromkeys((b"styp", b"moof", b"sidx"), "video/iso.segment"),
}
"""The first box of an ISO base media file without a brand → MIME type: old QuickTime, and pieces of a stream."""

ZIPPED: Final = {
    b"mimetypeapplication/vnd.oasis.opendocument": "application/vnd.oasis.opendocument",
    b"mimetypeapplication/epub+zip": "application/epub+zip",
    b"[Content_Types].xml": "application/vnd.openxmlformats-officedocument",
    b"_rels/.rels": "application/vnd.openxmlformats-officedocument",
}
"""What a ZIP archive holds first → the MIME type of the document that it is."""

NAMES: Final = {
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
"""The ending of a file's name → MIME type."""
