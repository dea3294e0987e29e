"""Awkward clips, by kind: ordinary ones that are turned, joined, cut off or patched, and formats of old recorders."""

from __future__ import annotations

import random
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from .clips import Make, make, tone

ID3 = b"ID3\x04\0\0" + b"\0\0\0\x20" + bytes(32)
"""A tag of 32 bytes that says nothing."""

MKV_LENGTH = b"\x44\x89\x88"
"""What stands before the length of a Matroska file, in milliseconds."""


def amr(path: Path, seconds: float = 5.0) -> Path:
    """Write speech frames of AMR, noise and silence in turn: not every FFmpeg can encode it, but each can decode it."""
    noise, count = random.Random(7), round(seconds * 50)
    frames = [b"\x04" + (bytes(12) if at * 10 // count % 2 else noise.randbytes(12)) for at in range(count)]
    raw = path.with_suffix(".amr")
    raw.write_bytes(b"#!AMR\n" + b"".join(frames))
    if path == raw:
        return path
    with av.open(str(raw)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(audio=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    return path


def in_fives(path: Path) -> Path:
    """Say in a 3GP file of AMR that five frames are one sample of it, as phones do."""
    data = bytearray(path.read_bytes())
    sizes = data.index(b"stsz") + 8  # behind the name, version and flags
    size, count = struct.unpack_from(">II", data, sizes)
    struct.pack_into(">II", data, sizes, 5 * size, count // 5)
    struct.pack_into(">III", data, data.index(b"stsc") + 12, 1, count // 5, 1)
    times = data.index(b"stts") + 12
    for at in range(int.from_bytes(data[times - 4 : times], "big")):  # all of them in the first
        struct.pack_into(">II", data, times + 8 * at, 0 if at else count // 5, 800)
    path.write_bytes(data)
    return path


def joined(path: Path, *parts: Path) -> Path:
    """Write files one behind the other, byte for byte."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def tags_among(path: Path) -> Path:
    """Write the sound of a file twice, with a tag between that is longer than a packet."""
    sound, long = path.read_bytes(), b"ID3\x03\0\0\0\0\x27\x08" + bytes(5000)
    path.write_bytes(sound + long + sound)
    return path


def twice(path: Path, seconds: float = 2.0, **settings: Any) -> Path:
    """Write a clip and behind it the same again, whose clock starts anew."""
    return joined(path, *[make(path, seconds, **settings)] * 2)


def patched(path: Path, mark: bytes, value: bytes, after: int = 0) -> Path:
    """Write other bytes behind a mark."""
    data = bytearray(path.read_bytes())
    at = data.index(mark) + len(mark) + after
    data[at : at + len(value)] = value
    path.write_bytes(data)
    return path


def sound_ahead(path: Path, seconds: float) -> Path:
    """Put the sound of a Matroska file of one cluster so many seconds ahead of its picture; times stay."""
    data = path.read_bytes()
    at = data.index(b"\x1f\x43\xb6\x75") + 4
    size, at = _vint(data, at)
    blocks, head, tail, end = [], b"", b"", at + size
    while at < end:
        length, body = _vint(data, at + 1)
        element = data[at : body + length]
        if data[at] == 0xA3:  # SimpleBlock: track, time, flags
            track, time = data[body] & 0x7F, int.from_bytes(data[body + 1 : body + 3], "big", signed=True)
            blocks.append((time - 1000 * seconds * (track == 2), element))
        elif data[at] == 0xA0:  # BlockGroup: the last of the sound, with what is to be left out of it
            tail += element
        else:
            head += element
        at = body + length
    ordered = b"".join(element for _, element in sorted(blocks, key=lambda block: block[0]))
    path.write_bytes(data[: end - size] + head + ordered + tail + data[end:])
    return path


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """Read one of Matroska's numbers, and return it and where it ends."""
    length = 9 - data[at].bit_length()
    return int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1), at + length


MATRICES = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
"""Where the unit vectors to the right and downward go, by degrees clockwise."""


def turned(path: Path, matrix: int | tuple[int, int, int, int]) -> Path:
    """Write into an MP4 how its picture is to be turned: degrees clockwise, as phones do, or any matrix."""
    a, b, c, d = MATRICES[matrix] if isinstance(matrix, int) else matrix
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40  # behind version, times, track, length, layer and volume
    fixed = [value << 16 for value in (a, b, 0, c, d, 0, 0, 0)]
    data[at : at + 36] = struct.pack(">8iI", *fixed, 1 << 30)
    path.write_bytes(data)
    return path


def cut_off(path: Path, share: float = 0.6) -> Path:
    """Leave only the beginning of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def holding(path: Path, data: bytes) -> Path:
    """Write a file that is no clip."""
    path.write_bytes(data)
    return path


AWKWARD: dict[str, tuple[str, Make]] = {
    # name of the file, and what makes it
    "variable frame rate": (
        "a.mp4",
        lambda path: make(path, times=[0, 0.1, 0.2, 0.9, 1.0, 1.05, 1.1, 1.9]),
    ),
    "turned by 90 degrees": ("a.mp4", lambda path: turned(make(path), 90)),
    "turned by 180 degrees": ("a.mp4", lambda path: turned(make(path), 180)),
    "turned by 270 degrees": ("a.mp4", lambda path: turned(make(path), 270)),
    "pixels twice as wide": ("a.mp4", lambda path: make(path, aspect=Fraction(2))),
    "no sound": ("a.mp4", lambda path: make(path, audio=None)),
    "no picture": ("a.m4a", lambda path: make(path, video=None)),
    "sound longer than picture": ("a.mp4", lambda path: make(path, 1.0, sound=3.0)),
    "MKV": ("a.mkv", make),
    "AVI": ("a.avi", lambda path: make(path, video="mpeg4", audio="mp2")),
    "MOV": ("a.mov", make),
    "FLV": ("a.flv", lambda path: make(path, video="flv")),
    "FLV, twice": ("a.flv", lambda path: twice(path, video="flv")),
    "WMV": ("a.wmv", lambda path: make(path, video="wmv2", audio="mp2")),
    "WebM": ("a.webm", lambda path: make(path, video="libvpx", audio="libopus")),
    "GIF": ("a.gif", lambda path: make(path, video="gif", pixels="rgb8", audio=None)),
    "truncated MP4": ("a.mp4", lambda path: cut_off(make(path, 8.0, options={"movflags": "+faststart"}))),
    "truncated MP4 without an index": ("a.mp4", lambda path: cut_off(make(path))),
    "truncated MKV": ("a.mkv", lambda path: cut_off(make(path, 8.0))),
    "zero bytes": ("a.mp4", lambda path: holding(path, b"")),
    "text named .mp4": ("a.mp4", lambda path: holding(path, b"no video")),
    "8 audio tracks": ("a.mp4", lambda path: make(path, tracks=8)),
    "10-bit HDR": (
        "a.mp4",
        lambda path: make(
            path,
            video="libx265",
            pixels="yuv420p10le",
            codec_options={"x265-params": "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"},
        ),
    ),
    "one frame": ("a.mp4", lambda path: make(path, 0.1, audio=None)),
    "240 frames a second": ("a.mp4", lambda path: make(path, 0.9, fps=240)),
    "a clock that begins at 5 s": ("a.mkv", lambda path: make(path, start=5.0)),
    "frames that refer to later ones": ("a.mp4", lambda path: make(path, codec_options={"bf": "3", "g": "100"})),
    "a clock that starts anew, MPEG-TS": ("a.ts", twice),
    "MPEG-PS": ("a.mpg", lambda path: make(path, fps=25, video="mpeg2video", audio="mp2")),
    "FLV without a length": (
        "a.flv",
        lambda path: patched(make(path, video="flv"), b"duration\0", struct.pack(">d", 0.0)),
    ),
    "FLV with the length of another": (
        "a.flv",
        lambda path: patched(make(path, video="flv"), b"duration\0", struct.pack(">d", 0.5)),
    ),
    "MKV without a length": ("a.mkv", lambda path: make(path, options={"live": "1"})),
    "MKV with a negative length": ("a.mkv", lambda path: patched(make(path), MKV_LENGTH, struct.pack(">d", -9e3))),
    "MKV with half its length": ("a.mkv", lambda path: patched(make(path), MKV_LENGTH, struct.pack(">d", 1e3))),
    "MKV of 1000 frames a second": (
        "a.mkv",
        lambda path: patched(make(path), b"\x23\xe3\x83\x84", (1_000_000).to_bytes(4, "big")),
    ),
    "sound 2 s ahead": (
        "a.mkv",
        lambda path: sound_ahead(
            make(path, 4.0, options={"cluster_time_limit": "60000"}, codec_options={"bf": "0"}), 2.0
        ),
    ),
    "pictures at half the sound's pace": ("a.mp4", lambda path: make(path, fps=2)),
    "a slide that stays": ("a.mp4", lambda path: make(path, times=[0.0, 9.5], sound=10.0)),
    "a matrix of zeros": ("a.mp4", lambda path: turned(make(path), (0, 0, 0, 0))),
    "upside down": ("a.mp4", lambda path: turned(make(path), (1, 0, 0, -1))),
    "turned by 90 degrees and mirrored": ("a.mp4", lambda path: turned(make(path), (0, -1, -1, 0))),
    "full range": ("a.mp4", lambda path: make(path, scene=0.4, pixels="yuvj420p")),
    "full range, MJPEG": (
        "a.avi",
        lambda path: make(path, scene=0.4, video="mjpeg", pixels="yuvj420p", audio="pcm_s16le"),
    ),
    "raw H.264": ("a.h264", lambda path: make(path, fps=25, audio=None)),
    "sides under 16 pixels": ("a.mkv", lambda path: make(path, size=(96, 12), video="ffv1", pixels="gray")),
}

SOUNDS: dict[str, tuple[str, Make]] = {
    # name of the file, and what makes it
    "AMR, five frames in a packet": ("a.3gp", lambda path: in_fives(amr(path))),
    "AMR": ("a.amr", amr),
    "WMA": ("a.wma", lambda path: tone(path, audio="wmav2")),
    "ADPCM in WAV": ("a.wav", lambda path: tone(path, audio="adpcm_ima_wav", rate=22_050)),
    "WAV": ("a.wav", lambda path: tone(path, audio="pcm_s16le", layout="stereo")),
    "FLAC": ("a.flac", lambda path: tone(path, audio="flac")),
    "raw AAC": ("a.aac", lambda path: tone(path, audio="aac")),
    "raw AAC that grows louder in the middle": (
        "a.aac",
        lambda path: joined(
            path,
            make(path.with_name("b.aac"), 5.0, video=None, pauses=[(0.0, 5.0)]),
            tone(path, audio="aac", layout="stereo"),
        ),
    ),
    "MP3 without an index": ("a.mp3", lambda path: tone(path, audio="libmp3lame", options={"write_xing": "0"})),
    "MP3 with the index of its first part": ("a.mp3", lambda path: joined(path, *[tone(path, audio="libmp3lame")] * 2)),
    "AC-3": ("a.ac3", lambda path: tone(path, audio="ac3")),
    "AC-3 behind an ID3 tag": (
        "a.ac3",
        lambda path: joined(path, holding(path.with_name("tag"), ID3), tone(path, audio="ac3")),
    ),
    "AC-3 around a tag": ("a.ac3", lambda path: tags_among(tone(path, audio="ac3"))),
    "AIFF": ("a.aiff", lambda path: tone(path, audio="pcm_s16be")),
    "chained Ogg": (
        "a.ogg",
        lambda path: joined(
            path,
            tone(path.with_name("b.ogg"), audio="libopus"),
            tone(path.with_name("c.ogg"), audio="libopus", options={"serial_offset": "7"}),
        ),
    ),
    "sound in MPEG-TS, twice": ("a.ts", lambda path: joined(path, *[tone(path, audio="mp2")] * 2)),
    "opposite phases": ("a.wav", lambda path: tone(path, audio="pcm_s16le", layout="stereo", opposite=True)),
}
