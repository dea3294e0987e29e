"""What bytes are: real files of every format that the service takes, and bytes that only look like one."""

from __future__ import annotations

import random
from base64 import b64encode
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_dmx_omni._media import mime, taken
from langchain_dmx_omni._media.data import InlineData
from langchain_dmx_omni._media.mime import MediaType

from . import gateway_clips as clips

GIF = bytes.fromhex("47494638396101000100800000ff00000000002c00000000010001000002024401003b")
WEBP = bytes.fromhex("524946461e000000574542505650384c110000002f0000000007d0fffef7bfff8188e87f0000")
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n"
AMR = b"#!AMR\n" + b"\x3c" + bytes(31)

_video = partial(clips.clip, clips.RED, seconds=0.3, amplitude=None)
_sound = partial(clips.sound, 0.1, 0.5)

IMAGE, AUDIO, VIDEO, VIDEO_OR_AUDIO = ("image",), ("audio",), ("video",), ("video", "audio")

MADE = {
    "mp4": (partial(_video, container="mp4"), MediaType("video/mp4", VIDEO_OR_AUDIO)),
    "avi": (partial(_video, container="avi", codec="mpeg4"), MediaType("video/x-msvideo", VIDEO)),
    "mkv": (partial(_video, container="matroska"), MediaType("video/x-matroska", VIDEO_OR_AUDIO)),
    "webm": (partial(_video, container="webm", codec="libvpx"), MediaType("video/webm", VIDEO_OR_AUDIO)),
    "mov": (partial(_video, container="mov"), MediaType("video/quicktime", VIDEO_OR_AUDIO)),
    "flv": (partial(_video, container="flv", codec="flv"), MediaType("video/x-flv", VIDEO)),
    "wmv": (partial(_video, container="asf", codec="wmv2"), MediaType("video/x-ms-wmv", VIDEO_OR_AUDIO)),
    "3gp": (partial(_video, container="3gp", codec="mpeg4"), MediaType("video/3gpp", VIDEO_OR_AUDIO)),
    "mpeg": (partial(clips.clip, clips.RED, fps=25, amplitude=None, container="mpeg", codec="mpeg2video"),
             MediaType("video/mpeg", VIDEO)),
    "wav": (partial(_sound, container="wav"), MediaType("audio/wav", AUDIO)),
    "mp3": (partial(_sound, container="mp3", codec="libmp3lame"), MediaType("audio/mpeg", AUDIO)),
    "aac": (partial(_sound, container="adts", codec="aac"), MediaType("audio/aac", AUDIO)),
    "m4a": (partial(_sound, container="ipod", codec="aac"), MediaType("audio/mp4", ("audio", "video"))),
    "flac": (partial(_sound, container="flac", codec="flac"), MediaType("audio/flac", AUDIO)),
    "ogg": (partial(_sound, container="ogg", codec="flac"), MediaType("audio/ogg", ("audio", "video"))),
    "opus": (partial(_sound, container="opus", codec="libopus"), MediaType("audio/ogg", ("audio", "video"))),
    "jpg": (partial(clips.image, "mjpeg", clips.RED), MediaType("image/jpeg", IMAGE)),
    "png": (partial(clips.image, "png", clips.RED), MediaType("image/png", IMAGE)),
    "bmp": (partial(clips.image, "bmp", clips.RED), MediaType("image/bmp", IMAGE)),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_a_real_file_is_known_by_its_first_bytes(name: str) -> None:
    make, expected = MADE[name]
    assert mime.sniff(make()) == expected


def ftyp(brand: bytes) -> bytes:
    return (24).to_bytes(4, "big") + b"ftyp" + brand + bytes(4) + b"isom" + brand


def id3(size: int) -> bytes:
    """An ID3 tag with so many bytes in it."""
    return b"ID3\x04\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)


TEXT = MediaType("text/plain", ())

HEADS = [
    (GIF, MediaType("image/gif", ("image", "video"))),
    (GIF.replace(b"89a", b"87a"), MediaType("image/gif", ("image", "video"))),
    (WEBP, MediaType("image/webp", IMAGE)),
    (AMR, MediaType("audio/amr", AUDIO)),
    (b"#!AMR-WB\n" + bytes(20), MediaType("audio/amr", AUDIO)),
    (PDF, MediaType("application/pdf", ())),
    (b"RF64\xff\xff\xff\xffWAVEds64", MediaType("audio/wav", AUDIO)),
    # Raw MPEG audio frames: layer III of MPEG 1, 2 and 2.5, and layer II.
    (b"\xff\xfb\x90\x64" + bytes(20), MediaType("audio/mpeg", AUDIO)),
    (b"\xff\xf3\x40\xc4" + bytes(20), MediaType("audio/mpeg", AUDIO)),
    (b"\xff\xe3\x18\xc4" + bytes(20), MediaType("audio/mpeg", AUDIO)),
    (b"\xff\xfd\xa4\x04" + bytes(20), MediaType("audio/mpeg", AUDIO)),
    (b"ID3\x04\x00\x00\x00\x00\x00\x23", MediaType("audio/mpeg", AUDIO)),
    # ADTS of MPEG 4 and 2, with and without a checksum.
    (b"\xff\xf1\x50\x80" + bytes(20), MediaType("audio/aac", AUDIO)),
    (b"\xff\xf8\x50\x80" + bytes(20), MediaType("audio/aac", AUDIO)),
    (ftyp(b"M4A "), MediaType("audio/mp4", ("audio", "video"))),
    (ftyp(b"M4B "), MediaType("audio/mp4", ("audio", "video"))),
    (ftyp(b"M4V "), MediaType("video/mp4", VIDEO_OR_AUDIO)),
    (ftyp(b"isom"), MediaType("video/mp4", VIDEO_OR_AUDIO)),
    (ftyp(b"qt  "), MediaType("video/quicktime", VIDEO_OR_AUDIO)),
    (ftyp(b"3gp4"), MediaType("video/3gpp", VIDEO_OR_AUDIO)),
    (ftyp(b"3g2a"), MediaType("video/3gpp", VIDEO_OR_AUDIO)),
    (ftyp(b"heic"), MediaType("image/heic", IMAGE)),
    (ftyp(b"mif1"), MediaType("image/heif", IMAGE)),
    (ftyp(b"avif"), MediaType("image/avif", IMAGE)),
    (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", MediaType("video/quicktime", VIDEO_OR_AUDIO)),
    (b"\x00\x00\x10\x00moov\x00\x00\x00\x6cmvhd", MediaType("video/quicktime", VIDEO_OR_AUDIO)),
    (b"OggS\x00\x02" + bytes(22) + b"\x80theora\x03\x02", MediaType("video/ogg", VIDEO_OR_AUDIO)),
    (b"II*\x00\x08\x00\x00\x00", MediaType("image/tiff", IMAGE)),
    ((b"G\x40\x11\x10" + bytes(184)) * 3, MediaType("video/mp2t", VIDEO_OR_AUDIO)),
    (b"PK\x03\x04\x14\x00\x06\x00", MediaType("application/zip", ())),
    (b"<!DOCTYPE html>\n<html>", MediaType("text/html", ())),
    (b"\xef\xbb\xbf\n  <!doctype HTML>", MediaType("text/html", ())),
    (b"<html lang='en'>", MediaType("text/html", ())),
    # Text, in any encoding, whatever letters it begins with.
    (b"Once upon a time there was a video.", TEXT),
    (b"BMW builds cars; GIF8 is no picture, FLV no film", TEXT),
    (b"BM is a country code", TEXT),
    (b"MZ, MAC and wvpk are letters, FORM and RIFF too", TEXT),
    (b"Dutyfree, and the moovies", TEXT),
    ("\ufeffHello".encode("utf-16-le"), TEXT),
    ("\ufeffHello".encode("utf-16-be"), TEXT),
    ("视频和声音".encode() * 3 + b"\xe8", TEXT),  # cut off within a letter
    ("视频和声音".encode("gbk") * 30, TEXT),
    (b'{"type": "video"}', TEXT),
    (b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", TEXT),
    (b"<?xml version='1.0'?><MPD/>", MediaType("application/xml", ())),
    (b"#EXTM3U\n#EXTINF:1,\na.ts\n", MediaType("application/vnd.apple.mpegurl", ())),
    (b"{\\rtf1\\ansi", MediaType("application/rtf", ())),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", MediaType("image/svg+xml", IMAGE)),
    (b"<?xml version='1.0'?>\n<!--" + b" a comment " * 90 + b"-->\n<svg>", MediaType("image/svg+xml", IMAGE)),
    # Images that the service doesn't take.
    (ftyp(b"heix"), MediaType("image/heic", IMAGE)),
    (ftyp(b"hevc"), MediaType("image/heic", IMAGE)),
    (ftyp(b"msf1"), MediaType("image/heif", IMAGE)),
    (ftyp(b"mif1") + b"heic", MediaType("image/heif", IMAGE)),  # behind the end of its box
    (ftyp(b"mif1").replace(b"isommif1", b"miafheic"), MediaType("image/heic", IMAGE)),
    (ftyp(b"mif1").replace(b"isommif1", b"miafavif"), MediaType("image/avif", IMAGE)),
    (ftyp(b"avis"), MediaType("image/avif", IMAGE)),
    (ftyp(b"crx "), MediaType("image/x-canon-cr3", IMAGE)),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", MediaType("image/jp2", IMAGE)),
    (b"\xff\x0a\xfa\x1f", MediaType("image/jxl", IMAGE)),
    (b"8BPS\x00\x01", MediaType("image/vnd.adobe.photoshop", IMAGE)),
    (b"II*\x00\x10\x00\x00\x00CR\x02\x00", MediaType("image/x-raw", IMAGE)),
    (b"\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00" + bytes(8), MediaType("image/x-icon", IMAGE)),
    # Video and sound that it doesn't.
    (bytes(4) + (b"G\x40\x11\x10" + bytes(188)) * 3, MediaType("video/mp2t", VIDEO_OR_AUDIO)),
    (b"\x00\x00\x00\x01\x67\x64\x00\x1f", MediaType("video/h264", VIDEO)),
    (b"\x00\x00\x01\x09\xf0", MediaType("video/h264", VIDEO)),
    (b"\x00\x00\x00\x01\x40\x01\x0c\x01", MediaType("video/h265", VIDEO)),
    (b"\x00\x00\x01\xb3\x14\x00", MediaType("video/mpeg", VIDEO)),
    (b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02\x01\x01\x02\x04", MediaType("application/mxf", VIDEO_OR_AUDIO)),
    (b"\x00\x00\x00\x18stypmsdh", MediaType("video/iso.segment", VIDEO_OR_AUDIO)),
    (b"FORM\x00\x00\x10\x00AIFFCOMM", MediaType("audio/aiff", AUDIO)),
    (b"\x0bw\x12\x34\x10\x40", MediaType("audio/ac3", AUDIO)),
    (b"MAC \x96\x0f\x00\x00", MediaType("audio/x-ape", AUDIO)),
    (b"wvpk\x10\x00\x00\x00", MediaType("audio/x-wavpack", AUDIO)),
    (b"TTA1\x01\x00\x02\x00", MediaType("audio/x-tta", AUDIO)),
    (b"DSD \x1c\x00\x00\x00", MediaType("audio/dsd", AUDIO)),
    (b"FRM8\x00\x00\x00\x00\x00\x00\x10\x00DSD FVER", MediaType("audio/dsd", AUDIO)),
    (b"MThd\x00\x00\x00\x06\x00\x01", MediaType("audio/midi", ())),
    (b"RIFF\x04\x00\x00\x00RMIDdata", MediaType("audio/midi", ())),
    # What stands behind an ID3 tag, be it longer than what is looked at, and behind two of them.
    (id3(0) + b"\xff\xfb\x90\x64" + bytes(20), MediaType("audio/mpeg", AUDIO)),
    (id3(300) + b"\x0bw\x12\x34\x10\x40", MediaType("audio/ac3", AUDIO)),
    (id3(100_000) + b"fLaC\x00\x00\x00\x22", MediaType("audio/flac", AUDIO)),
    (id3(70_000) + id3(20) + b"MAC \x96\x0f\x00\x00", MediaType("audio/x-ape", AUDIO)),
    (id3(5) + b"\xff\xf1\x50\x80" + bytes(20), MediaType("audio/aac", AUDIO)),
    (id3(5) + bytes(20), MediaType("audio/mpeg", AUDIO)),
    (id3(5) + b"no sound at all", TEXT),
    (b"ID3 is a tag", TEXT),
    # None of them.
    (
        b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml",
        MediaType("application/vnd.openxmlformats-officedocument", ()),
    ),
    (
        b"PK\x03\x04" + bytes(26) + b"mimetypeapplication/vnd.oasis.opendocument.text",
        MediaType("application/vnd.oasis.opendocument", ()),
    ),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", MediaType("application/msword", ())),
    (b"\x1f\x8b\x08\x00", MediaType("application/gzip", ())),
    (b"name".ljust(257, b"\0") + b"ustar\x0000", MediaType("application/x-tar", ())),
    (b"7z\xbc\xaf'\x1c", MediaType("application/x-7z-compressed", ())),
    (b"\x7fELF\x02\x01", MediaType("application/x-elf", ())),
    (b"MZ\x90\x00\x03\x00", MediaType("application/vnd.microsoft.portable-executable", ())),
]


@pytest.mark.parametrize(
    ("head", "expected"), HEADS, ids=lambda value: value.hex()[:16] if isinstance(value, bytes) else ""
)
def test_a_header_tells_the_type(head: bytes, expected: MediaType) -> None:
    assert mime.sniff(head) == expected
    assert mime.sniff(InlineData(b64encode(head).decode()).head) == expected
    assert {expected.mime} <= mime.TAKEN or not expected.kinds or taken.refusal(expected, None)


UNKNOWN = {
    "empty": b"",
    "one byte": b"\xff",
    "sync and no more": b"\xff\xfb",
    "half a RIFF": b"RIFF\x00\x00",
    "another RIFF": b"RIFF\x04\x00\x00\x00QLCMdata",
    "half an ftyp": b"\x00\x00\x00\x18fty",
    "zeros": bytes(64),
    "ones": b"\xff" * 64,
    "reserved MPEG version": b"\xff\xeb\x90\x64",
    "reserved bit rate": b"\xff\xfb\xf0\x64",
    "reserved sample rate": b"\xff\xfb\x9c\x64",
    "reserved ADTS rate": b"\xff\xf1\x7c\x80",
    "random": random.Random(1).randbytes(64),  # the same bytes each time
    "many random": random.Random(2).randbytes(4096),
}


@pytest.mark.parametrize("head", UNKNOWN.values(), ids=UNKNOWN)
def test_other_bytes_say_nothing(head: bytes) -> None:
    assert mime.sniff(head) is None


@given(st.binary(max_size=64))
def test_any_bytes_are_some_type_or_none(head: bytes) -> None:
    found = mime.sniff(head)
    assert found is None or set(found.kinds) <= {"image", "audio", "video"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clip.mp4", "video/mp4"),
        ("CLIP.MOV", "video/quicktime"),
        ("https://example.com/a/talk.mp3?token=x.wav#t=1.ogg", "audio/mpeg"),
        ("https://example.com/picture.JPEG#top", "image/jpeg"),
        ("paper.pdf", "application/pdf"),
        ("https://example.com/", None),
        ("https://example.mp4/clip", None),
        ("mp4", None),
        ("clip.", None),
        ("", None),
        (None, None),
    ],
)
def test_a_name_suggests_a_type(name: str | None, expected: str | None) -> None:
    assert mime.from_name(name) == expected


@pytest.mark.parametrize(
    ("mime_type", "kind"),
    [
        ("image/png", "image"),
        ("Audio/WAV; rate=16000", "audio"),
        ("video/*", "video"),
        ("application/pdf", None),
        ("images/png", None),
        ("", None),
        (None, None),
    ],
)
def test_the_kind_of_a_type(mime_type: str | None, kind: str | None) -> None:
    assert mime.kind_of(mime_type) == kind


@pytest.mark.parametrize(
    ("mime_type", "expected"),
    [
        ("audio/wav", "wav"),
        ("audio/x-wav", "wav"),
        ("audio/wave", "wav"),
        ("audio/vnd.wave", "wav"),
        ("audio/mpeg", "mp3"),
        ("audio/mp3", "mp3"),
        ("audio/aac", "aac"),
        ("audio/amr", "amr"),
        ("audio/mp4", "m4a"),
        ("audio/x-m4a", "m4a"),
        ("video/mp4", "m4a"),
        ("audio/flac", "flac"),
        ("audio/x-flac", "flac"),
        ("audio/ogg", "ogg"),
        ("audio/ogg; codecs=opus", "ogg"),
        ("audio/opus", "opus"),
        ("video/webm", "webm"),
        ("video/3gpp", "3gp"),
        ("video/quicktime", "mov"),
        ("AUDIO/PCM16", "pcm16"),
        ("audio/*", None),
        ("audio/", None),
        ("image/png", None),
        ("wav", None),
        (None, None),
    ],
)
def test_the_format_that_names_audio(mime_type: str | None, expected: str | None) -> None:
    assert mime.audio_format(mime_type) == expected
