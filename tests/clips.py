"""Short clips of every awkward kind, made with PyAV. Each picture carries its number, so that cuts can be checked."""

from __future__ import annotations

import math
import random
import struct
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

RATE = 48_000
BITS = 8
SHADES = (60, 200)
"""Brightness of the scenes, in turn."""


def make(
    path: Path,
    seconds: float = 2.0,
    *,
    fps: int = 10,
    size: tuple[int, int] = (160, 96),
    scene: float = math.inf,
    times: Sequence[float] | None = None,
    video: str | None = "libx264",
    pixels: str = "yuv420p",
    aspect: Fraction | None = None,
    audio: str | None = "aac",
    tracks: int = 1,
    sound: float | None = None,
    pauses: Sequence[tuple[float, float]] = (),
    start: float = 0.0,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> Path:
    """Write a clip and return its path.

    Args:
        path: Where it goes; the ending says the format.
        seconds: Length of the picture.
        fps: Frames a second.
        size: Width and height as stored.
        scene: Seconds from one change of scene to the next.
        times: When each picture is shown, for a rate that varies.
        video: The encoder; None for no picture.
        pixels: The pixel format.
        aspect: The shape of a pixel.
        audio: The encoder; None for no sound.
        tracks: How many tracks of sound.
        sound: Length of the sound; that of the picture if it is not given.
        pauses: Start and end of silence.
        start: Seconds at which the clock begins.
        options: Of the format.
        codec_options: Of the picture's encoder.
    """
    with av.open(str(path), "w", options=options or {}) as out:
        streams: list[tuple[Any, list[Any]]] = []
        if video is not None:
            stream: Any = out.add_stream(video, rate=fps, options=codec_options or {})
            stream.width, stream.height, stream.pix_fmt = *size, pixels
            if aspect is not None:
                stream.codec_context.sample_aspect_ratio = aspect
            if times is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            shown = times if times is not None else [number / fps for number in range(max(1, round(seconds * fps)))]
            streams.append((stream, [_picture(n, time, size, pixels, scene, start) for n, time in enumerate(shown)]))
        for track in range(tracks if audio else 0):
            assert audio is not None
            stream = out.add_stream(audio, rate=RATE)
            streams.append((stream, _sound(stream, sound or seconds, pauses, start, 330 * (track + 1))))
        frames = [(frame.time, number, frame) for number, (_, own) in enumerate(streams) for frame in own]
        for _, number, frame in sorted(frames, key=lambda each: each[:2]):
            out.mux(streams[number][0].encode(frame))
        for stream, _ in streams:
            out.mux(stream.encode(None))
    return path


def _picture(number: int, time: float, size: tuple[int, int], pixels: str, scene: float, start: float) -> av.VideoFrame:
    width, height = size
    side = min(width // 16, height // 2)
    shade = SHADES[int(time / scene) % 2] if scene < math.inf else SHADES[0]
    row = bytes([shade]) * width
    marks = b"".join(bytes([235 if number >> bit & 1 else 16]) * side for bit in range(BITS))
    marked = marks + row[len(marks) :]
    # The top half is brighter than the bottom: that is how a turned picture shows.
    top = bytes([min(255, shade + 40)]) * width
    lines = [top] * (height // 2) + [row] * (height - height // 2 - side) + [marked] * side
    frame = av.VideoFrame(width, height, "gray")
    plane = frame.planes[0]
    rows = b"".join(line.ljust(plane.line_size, b"\0") for line in lines)
    plane.update(rows.ljust(plane.buffer_size, b"\0"))
    frame = frame.reformat(format=pixels)
    frame.pts, frame.time_base = round((start + time) * 1000), Fraction(1, 1000)
    return frame


def _sound(
    stream: Any, seconds: float, pauses: Sequence[tuple[float, float]], start: float, pitch: int
) -> list[av.AudioFrame]:
    period = RATE // math.gcd(RATE, pitch)
    wave = array("h", [round(9000 * math.sin(2 * math.pi * pitch * number / RATE)) for number in range(period)])
    length = round(seconds * RATE)
    samples = (wave * (length // period + 1))[:length]
    for begin, end in pauses:
        first, last = (min(length, math.ceil(time * RATE)) for time in (begin, end))
        samples[first:last] = array("h", bytes(2 * (last - first)))
    resampler = av.AudioResampler(format=stream.format, layout=stream.layout, rate=RATE, frame_size=1024)
    frame = av.AudioFrame("s16", "mono", length)
    frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), round(start * RATE)
    return [*resampler.resample(frame), *resampler.resample(None)]


LOUD, QUIET = 12_000, 1_200
"""Amplitudes of `tone`: 20 dB apart."""


def tone(
    path: Path,
    seconds: float = 5.0,
    *,
    audio: str,
    rate: int = RATE,
    layout: str = "mono",
    opposite: bool = False,
    options: dict[str, str] | None = None,
) -> Path:
    """Write sound that is loud and quiet in turn, a tenth of its length each, and return its path.

    Args:
        path: Where it goes; the ending says the format.
        seconds: Its length.
        audio: The encoder.
        rate: Samples a second.
        layout: The channels, which are alike.
        opposite: Whether the second channel is the first one upside down.
        options: Of the format.
    """
    count = round(seconds * rate)
    channels = 2 if layout == "stereo" else 1
    samples = array("h")
    for number in range(count):
        value = round((QUIET if number * 10 // count % 2 else LOUD) * math.sin(2 * math.pi * 440 * number / rate))
        samples.extend([value, -value if opposite else value][:channels])
    frame = av.AudioFrame("s16", layout, count)
    frame.planes[0].update(samples.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
    with av.open(str(path), "w", options=options or {}) as out:
        stream: Any = out.add_stream(audio, rate=rate, layout=layout)
        stream.bit_rate = 64_000
        stream.codec_context.open()
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(format=stream.format, layout=stream.layout, rate=rate, frame_size=size)
        frames = [*resampler.resample(frame), *resampler.resample(None)]
        packets = [packet for each in [*frames, None] for packet in stream.encode(each)]
        out.mux(packets)
    return path


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


def heard(path: Path, seconds: float | None = None) -> list[float]:
    """Loudness by tenths of the length, in decibels of full scale: of all samples that the decoder gives, in a row.

    Args:
        path: The file.
        seconds: Its length, to leave out what an encoder has added behind it.
    """
    samples, rate = array("h"), 0
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16")
        for packet in container.demux(audio=0):
            with suppress(av.FFmpegError):
                for frame in packet.decode():
                    rate, frame.pts = frame.sample_rate, None
                    for each in resampler.resample(frame):
                        channels = each.layout.nb_channels
                        samples += array("h", bytes(each.planes[0])[: each.samples * 2 * channels])[::channels]
    if seconds is not None:
        del samples[round(seconds * rate) :]
    length = len(samples) / 10  # of which the edges are left out: encoders smear them
    tenths = [samples[int(length * (at + 0.2)) : int(length * (at + 0.8))] for at in range(10)]
    return [10 * math.log10(sum(x * x for x in tenth) / len(tenth) / 32768**2 + 1e-9) for tenth in tenths]


def joined(path: Path, *parts: Path) -> Path:
    """Write files one behind the other, byte for byte."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
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


def number_of(frame: av.VideoFrame) -> int:
    """The number that a picture carries, whatever its size is now."""
    gray = frame.reformat(format="gray")
    plane, line = bytes(gray.planes[0]), gray.planes[0].line_size
    side = frame.width / 16
    row = int(frame.height - side / 2)
    return sum((plane[row * line + int((bit + 0.5) * side)] > 127) << bit for bit in range(BITS))


def brightness(frame: av.VideoFrame) -> dict[str, float]:
    """Mean brightness of the four halves."""
    gray = frame.reformat(format="gray")
    plane, line = bytes(gray.planes[0]), gray.planes[0].line_size
    rows = [plane[y * line : y * line + frame.width] for y in range(frame.height)]

    def mean(part: list[bytes]) -> float:
        return sum(map(sum, part)) / max(1, sum(map(len, part)))

    half, middle = frame.height // 2, frame.width // 2
    return {
        "top": mean(rows[:half]),
        "bottom": mean(rows[half:]),
        "left": mean([row[:middle] for row in rows]),
        "right": mean([row[middle:] for row in rows]),
    }


Make = Callable[[Path], Path]

MKV_LENGTH = b"\x44\x89\x88"
"""What stands before the length of a Matroska file, in milliseconds."""

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
    "full range": ("a.mp4", lambda path: make(path, pixels="yuvj420p")),
    "sides under 16 pixels": ("a.mkv", lambda path: make(path, size=(128, 12), video="ffv1", pixels="gray")),
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
