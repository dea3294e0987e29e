"""What bytes are: real files of every format that the service takes, and bytes that only look like one."""

from __future__ import annotations

import random
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_dmx_omni._media import mime
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
    assert mime.sniff(make()[: mime.HEAD]) == expected


def ftyp(brand: bytes) -> bytes:
    return (24).to_bytes(4, "big") + b"ftyp" + brand + bytes(4) + b"isom" + brand


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
]


@pytest.mark.parametrize(
    ("head", "expected"), HEADS, ids=lambda value: value.hex()[:16] if isinstance(value, bytes) else ""
)
def test_a_header_tells_the_type(head: bytes, expected: MediaType) -> None:
    assert mime.sniff(head[: mime.HEAD]) == expected


UNKNOWN = {
    "empty": b"",
    "one byte": b"\xff",
    "sync and no more": b"\xff\xfb",
    "half a RIFF": b"RIFF\x00\x00",
    "another RIFF": b"RIFF\x04\x00\x00\x00RMIDdata",
    "half an ftyp": b"\x00\x00\x00\x18fty",
    "plain text": b"Once upon a time there was a video.",
    "text in capitals": b"BMW builds cars; GIF8 is no picture, FLV no film",
    "text that begins BM": b"BM is a country code",
    "text that begins GIF8": b"GIF8 is no picture",
    "text that begins FLV": b"FLV is no film here",
    "UTF-16 text": "\ufeffHello".encode("utf-16-le"),
    "UTF-16 text, big end first": "\ufeffHello".encode("utf-16-be"),
    "JSON": b'{"type": "video"}',
    "zeros": bytes(64),
    "ones": b"\xff" * 64,
    "reserved MPEG version": b"\xff\xeb\x90\x64",
    "reserved bit rate": b"\xff\xfb\xf0\x64",
    "reserved sample rate": b"\xff\xfb\x9c\x64",
    "reserved ADTS rate": b"\xff\xf1\x7c\x80",
    "random": random.Random(1).randbytes(64),  # the same bytes each time
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
