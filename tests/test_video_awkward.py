"""Awkward inputs: each is right, or a clear error. `python -m benchmarks.awkward_inputs` shows how near each comes."""

from __future__ import annotations

import io
import math
import struct
import warnings
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import pytest

from langchain_dmx_omni import video
from langchain_dmx_omni._media.container import open_container
from langchain_dmx_omni._media.measure import Measured, measure
from langchain_dmx_omni.errors import ConfigurationError, ContentBlockError, DMXOmniWarning
from tests import awkward_clips, clips


class Right(NamedTuple):
    """What a clip is, and what its segments begin with."""

    container: str
    seconds: float
    size: tuple[int, int] | None = (160, 96)
    sound: bool = True
    firsts: tuple[int, ...] | None = (0, 10)
    """The numbers of the pictures that segments of a second begin with."""
    brighter: str = "top"
    encoded: tuple[int, int] | None = None
    """The size of what is written, where it is not that of the clip."""


RIGHT: dict[str, Right] = {
    "variable frame rate": Right("mp4", 2.0, firsts=(0, 4)),
    "turned by 90 degrees": Right("mp4", 2.0, (96, 160), firsts=None, brighter="right"),
    "turned by 180 degrees": Right("mp4", 2.0, firsts=None, brighter="bottom"),
    "turned by 270 degrees": Right("mp4", 2.0, (96, 160), firsts=None, brighter="left"),
    "pixels twice as wide": Right("mp4", 2.0, (320, 96)),
    "no sound": Right("mp4", 2.0, sound=False),
    "no picture": Right("m4a", 2.0, None, firsts=None),
    "sound longer than picture": Right("mp4", 3.0, firsts=(0, 9, 9)),  # the last picture stays
    "MKV": Right("matroska", 2.021),
    "AVI": Right("avi", 2.016),
    "MOV": Right("mov", 2.0),
    "FLV": Right("flv", 2.026, firsts=(0, 9)),  # its picture begins 21 ms after its sound
    "WMV": Right("asf", 2.026, firsts=(0, 9)),
    "WebM": Right("webm", 2.008),
    "GIF": Right("gif", 2.0, sound=False),
    "8 audio tracks": Right("mp4", 2.0),
    "10-bit HDR": Right("mp4", 2.0),
    "one frame": Right("mp4", 0.1, sound=False, firsts=None),
    "240 frames a second": Right("mp4", 0.9, firsts=None),
    "a clock that begins at 5 s": Right("matroska", 2.021),
    "frames that refer to later ones": Right("mp4", 2.0),
    "a clock that starts anew, MPEG-TS": Right("mpegts", 4.053, firsts=(0, 9, 19, 9)),
    "MPEG-PS": Right("mpeg", 2.016, firsts=(0, 24)),
    "FLV without a length": Right("flv", 2.026, firsts=(0, 9)),
    "FLV with the length of another": Right("flv", 2.026, firsts=(0, 9)),
    "MKV without a length": Right("matroska", 2.005),
    "MKV with a negative length": Right("matroska", 2.005),
    "MKV with half its length": Right("matroska", 2.005),
    "MKV of 1000 frames a second": Right("matroska", 2.021),
    "sound 2 s ahead": Right("matroska", 4.021, firsts=(0, 10, 20, 30)),
    "pictures at half the sound's pace": Right("mp4", 2.0, firsts=(0, 2)),
    "a slide that stays": Right("mp4", 10.0, firsts=(0,) * 10),
    "a matrix of zeros": Right("mp4", 2.0),
    "upside down": Right("mp4", 2.0, firsts=None, brighter="bottom"),
    "turned by 90 degrees and mirrored": Right("mp4", 2.0, (96, 160), firsts=None, brighter="right"),
    "full range": Right("mp4", 2.0),
    "full range, MJPEG": Right("avi", 2.0),
    "raw H.264": Right("h264", 2.0, sound=False, firsts=(0, 25)),
    "sides under 16 pixels": Right("matroska", 2.021, (96, 12), encoded=(128, 16)),
}

DAMAGED = {
    "truncated MP4": ("it is cut off: it ends after 4.9 of 8.0 s", 4.9),
    "truncated MKV": ("it is cut off: it ends after 5.3 of 8.0 s", 5.3),
    "FLV, twice": (
        "only its first 2.0 s can be read: another FLV is joined to it; join them anew (ffmpeg -f concat)",
        2.0,
    ),
}

WRONG = {
    "truncated MP4 without an index": (
        "its index can't be read: it was cut off, or its recording was never finished (video/mp4)"
    ),
    "zero bytes": "it is empty",
    "text named .mp4": "it is no video or audio: its bytes are text/plain",
}


def write_clip(name: str, folder: Path) -> Path:
    file, make = awkward_clips.AWKWARD[name]
    return make(folder / file)


def test_the_tables_are_complete() -> None:
    assert {*RIGHT, *DAMAGED, *WRONG} == {*awkward_clips.AWKWARD}
    assert {*HEARD} == {*awkward_clips.SOUNDS}


@pytest.mark.parametrize(("name", "right"), RIGHT.items(), ids=RIGHT)
def test_what_is_right(name: str, right: Right, tmp_path: Path) -> None:
    path = write_clip(name, tmp_path)
    info = video.probe(path)
    assert (info.container, info.problem) == (right.container, None)
    assert info.duration == pytest.approx(right.seconds, abs=0.025)  # encoders differ in the last frame of sound
    assert ((info.width, info.height) if info.has_video else None, info.has_audio) == (right.size, right.sound)

    segments = [*video.split(path, window=1.0, out=tmp_path / "out")]
    assert segments[0].start == 0.0
    assert segments[-1].end == info.duration
    for segment in segments:
        part = video.probe(segment.path)
        assert part.container == ("mp4" if right.size else "m4a")
        size = right.encoded or right.size
        assert ((part.width, part.height) if part.has_video else None, part.has_audio) == (size, right.sound)
        assert (part.rotation, part.problem) == (0, None)
        assert part.duration == pytest.approx(segment.duration, abs=0.001)
        sound = [stream for stream in part.streams if stream.kind == "audio"]
        assert [stream.channels for stream in sound] == [1] * right.sound
        assert all((stream.sample_rate or 0) >= 16_000 for stream in sound)
        if right.size:
            with av.open(str(segment.path)) as container:
                first = next(container.decode(video=0))
            assert first.format.name == "yuv420p"
            halves = clips.brightness(first)
            assert max(halves, key=halves.__getitem__) == right.brighter
            if right.firsts is not None:
                assert clips.number_of(first) == right.firsts[segment.index]
        if right.sound:
            assert not video.silences(segment.path)


@pytest.mark.parametrize(("name", "damage"), DAMAGED.items(), ids=DAMAGED)
def test_what_can_be_read_of_a_damaged_file_is_used(name: str, damage: tuple[str, float], tmp_path: Path) -> None:
    problem, seconds = damage
    path = write_clip(name, tmp_path)
    info = video.probe(path)
    assert info.damaged
    assert info.problem == problem
    with pytest.warns(DMXOmniWarning) as warned:
        fitted = video.fit(path, out=tmp_path / "out.mp4")
    assert str(warned[0].message) == f"{path.name}: {problem}; what can be read is used"
    assert video.probe(fitted).duration == pytest.approx(seconds, abs=0.15)


@pytest.mark.parametrize(("name", "problem"), WRONG.items(), ids=WRONG)
@pytest.mark.parametrize("work", [video.fit, video.split, video.windows], ids=["fit", "split", "windows"])
def test_what_is_wrong(name: str, problem: str, work: Callable[[Path], object], tmp_path: Path) -> None:
    path = write_clip(name, tmp_path)
    assert video.probe(path).problem == problem
    with pytest.raises(ContentBlockError) as caught:
        work(path)
    assert str(caught.value) == f"{path.name}: {problem}"
    assert [*tmp_path.iterdir()] == [path]


class Sounds(NamedTuple):
    """How long a recording is, in seconds, and what is said of it."""

    seconds: float
    warning: str | None = None
    problem: str | None = None
    restarts: int = 0


HEARD: dict[str, Sounds] = {
    "AMR, five frames in a packet": Sounds(5.0),
    "AMR": Sounds(5.0),
    "WMA": Sounds(5.035),
    "ADPCM in WAV": Sounds(5.091),
    "WAV": Sounds(5.0),
    "FLAC": Sounds(5.0),
    "raw AAC": Sounds(5.035),
    "raw AAC that grows louder in the middle": Sounds(10.069),
    "MP3 without an index": Sounds(5.04),
    "MP3 with the index of its first part": Sounds(10.057),  # that of the second is no sound
    "AC-3": Sounds(5.024),
    "AC-3 behind an ID3 tag": Sounds(5.024),  # FFmpeg reads the tag as the first packet
    "AC-3 around a tag": Sounds(10.048),
    "AIFF": Sounds(5.0),
    "chained Ogg": Sounds(10.007, restarts=1),
    "sound in MPEG-TS, twice": Sounds(10.032, restarts=1),
    "opposite phases": Sounds(
        5.0, "its two channels cancel each other out (opposite phases) for 5.0 s; one of them was taken there"
    ),
}


@pytest.mark.parametrize(("name", "sounds"), HEARD.items(), ids=HEARD)
def test_what_is_heard(name: str, sounds: Sounds, tmp_path: Path) -> None:
    file, make = awkward_clips.SOUNDS[name]
    path = make(tmp_path / file)
    info = video.probe(path)
    assert (info.problem, info.clock_restarts) == (sounds.problem, sounds.restarts)
    assert info.duration == pytest.approx(sounds.seconds, abs=0.025)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        (segment,) = video.split(path, window=30.0, out=tmp_path / "out")
    assert [str(each.message) for each in warned] == [f"{file}: {sounds.warning}"] * bool(sounds.warning)
    assert clips.heard(segment.path, info.duration) == pytest.approx(clips.heard(path, info.duration), abs=2.0)


@pytest.mark.parametrize("encoder", ["libx264", "mjpeg"])
@pytest.mark.parametrize("pixels", ["yuv420p", "yuvj420p"])
def test_levels_are_those_of_the_source(encoder: str, pixels: str, tmp_path: Path) -> None:
    """Full range, as of phones and webcams, comes out neither brighter nor with more contrast."""
    settings: dict[str, Any] = {"codec_options": {"strict": "unofficial"}} if encoder == "mjpeg" else {}
    path = clips.make(tmp_path / "a.mkv", scene=0.5, video=encoder, pixels=pixels, audio=None, **settings)
    (segment,) = video.split(path, out=tmp_path / "out", fps=10)
    with av.open(str(path)) as source, av.open(str(segment.path)) as target:
        frames = [
            [clips.brightness(frame.reformat(format="rgb24")) for frame in container.decode(video=0)]
            for container in (source, target)
        ]
        assert target.streams.video[0].codec_context.color_range != 2  # that of JPEG
    assert len(frames[0]) == len(frames[1]) == 20
    for before, after in zip(*frames, strict=True):
        assert after == pytest.approx(before, abs=2.5)


def test_the_last_picture_ends_with_its_segment(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mp4", 7.3, audio=None)
    spans = [(0.0, 2.3), (2.3, 4.0), (4.0, 7.3), (7.0, 7.3)]
    for segment in video.split(path, windows=spans, fps=2, out=tmp_path / "out"):
        with av.open(str(segment.path)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
            ends = sorted(float(((packet.pts or 0) + (packet.duration or 0)) * packet.time_base) for packet in packets)
        ticks = [at / 2 for at in range(1, len(ends))]
        assert ends == pytest.approx([*ticks, segment.duration], abs=0.001)


def _wav(samples: int) -> bytes:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(bytes(2 * samples))
    return data.getvalue()


def big_gif(path: Path) -> Path:
    """A file of 100 bytes whose pictures have 256 million pixels."""
    picture = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    path.write_bytes(b"GIF89a" + struct.pack("<HHBBB", 16_000, 16_000, 0x80, 0, 0) + bytes(6) + picture * 3 + b";")
    return path


CRAFTED: dict[str, tuple[str, clips.Make, str]] = {
    "24 samples of 48,000 a second": (
        "a.wav",
        lambda path: awkward_clips.holding(path, _wav(24)),
        "a.wav: it is 0.0005 s long, too short for a single sample",
    ),
    "a gap of 10⁹ s": (
        "a.mkv",
        lambda path: clips.make(path, times=[0, 0.1, 1e9], audio=None),
        "a.mkv: by its timestamps it is 11,574 days long, which can't be; write it anew with a clock that is right "
        "(ffmpeg -i in -c copy out)",
    ),
    "pixels a million times as wide as high": (
        "a.mp4",
        lambda path: awkward_clips.patched(
            clips.make(path, aspect=Fraction(2)), b"pasp", struct.pack(">II", 1_000_000, 1)
        ),
        "a.mp4: it is shown at 160,000,000×96 pixels; sides of 1 to 200 are the most that the service takes",
    ),
    "a GIF of 16,000²": (
        "a.gif",
        big_gif,
        "a.gif: its pictures are 16000×16000 pixels; more than 64,000,000 are not decoded",
    ),
}


@pytest.mark.parametrize(("file", "make", "message"), CRAFTED.values(), ids=CRAFTED)
@pytest.mark.parametrize("work", [video.fit, video.split, video.windows, video.scenes, video.silences])
def test_what_can_t_be(file: str, make: clips.Make, message: str, work: Any, tmp_path: Path) -> None:
    path = make(tmp_path / file)
    with pytest.raises(ContentBlockError) as caught:
        work(path)
    assert str(caught.value) == message
    assert [*tmp_path.iterdir()] == [path]


def test_windows_have_a_bound(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mkv", times=[0, 0.1, 5e5], audio=None)
    assert len(video.windows(path)) == 1667
    with pytest.raises(ConfigurationError, match=r"500,000 s make 500,000 windows of 1 s, more than 50,000; give a"):
        video.windows(path, window=1.0)


@pytest.mark.parametrize("length", [1e12, 8e3], ids=["absurd", "too long"])
def test_a_header_that_promises_too_much(length: float, tmp_path: Path) -> None:
    path = awkward_clips.patched(clips.make(tmp_path / "a.mkv"), awkward_clips.MKV_LENGTH, struct.pack(">d", length))
    info = video.probe(path)
    assert info.problem == f"it is cut off: it ends after 2.0 of {length / 1000:.1f} s"
    assert info.duration == pytest.approx(2.005, abs=0.025)


@pytest.mark.parametrize("channels", [3, 5, 9, 17, 32])
def test_any_number_of_channels(channels: int, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"".join(struct.pack("<h", round(9000 * math.sin(at / 3))) * channels for at in range(8000)))
    fitted = video.fit(path, max_bytes=17_000, out=tmp_path / "out.m4a")
    assert clips.heard(fitted, 1.0) == pytest.approx(clips.heard(path, 1.0), abs=2.0)


def test_a_slide_that_stays_for_seventy_minutes(tmp_path: Path) -> None:
    path = clips.make(tmp_path / "a.mkv", times=[0.0, 1.0, 4201.0], audio=None)
    segments = [*video.split(path, out=tmp_path / "out")]
    assert [(one.start, one.end) for one in segments[-2:]] == [(3900.0, 4200.0), (4200.0, 4201.1)]
    for segment, number in zip(segments, [0, *[1] * 14], strict=True):
        with av.open(str(segment.path)) as container:
            frames = [*container.decode(video=0)]
        assert clips.number_of(frames[0]) == number
        assert len(frames) == pytest.approx(segment.duration, abs=2)
        assert video.probe(segment.path).duration == pytest.approx(segment.duration, abs=0.001)


OUTSIDE = {
    "SDP": (
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n"
        b"a=rtpmap:96 H264/90000\r\n",
        "text/plain",
    ),
    "ffconcat": (b"ffconcat version 1.0\nfile 'beside.mp4'\n", "text/plain"),
    "HLS": (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nbeside.mp4\n#EXT-X-ENDLIST\n",
        "application/vnd.apple.mpegurl (a playlist)",
    ),
}


@pytest.mark.parametrize(("data", "title"), OUTSIDE.values(), ids=OUTSIDE)
def test_media_opens_nothing_beside_itself(
    data: bytes, title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips.make(tmp_path / "beside.mp4")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    assert measure(data) == Measured()
    assert video.probe(path).problem == f"it is no video or audio: its bytes are {title}"
    for source in (path, io.BytesIO(data)):
        with pytest.raises(av.FFmpegError):
            open_container(source)
