"""Windows that are copied: they play by themselves, show what the source shows, and tile it; the rest is encoded."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
from array import array
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import av
import av.logging
import pytest

from langchain_dmx_omni import video
from langchain_dmx_omni.errors import MediaTooLargeError
from langchain_dmx_omni.jobs import Job
from langchain_dmx_omni.testing import LocalGateway
from langchain_dmx_omni.video.keyframes import Places
from tests import awkward_clips, clips
from tests.calls import COLLECTED, model
from tests.job_calls import SCENES, run, says

Make = Callable[[Path], Path]
Spans = list[tuple[float, float]]
X264 = {"g": "10", "keyint_min": "10", "bf": "0", "sc_threshold": "0"}
"""A keyframe a second, as clips have 10 frames in one."""
B_FRAMES = {**X264, "bf": "3", "b-pyramid": "normal", "b_strategy": "0"}


def make(path: Path, seconds: float = 8.0, **settings: Any) -> Path:
    return clips.make(path, seconds, **{"codec_options": X264, **settings})


class Decoded(NamedTuple):
    """What a player shows and plays of a file. Seconds from the file's start."""

    times: list[float]
    pictures: list[str]
    sound: array[float]
    """Samples of the first channel, the first of them at 0."""
    rate: int
    turned: int


def decoded(path: Path) -> Decoded:
    """Decode all of a file; an error of the decoders fails."""
    with av.logging.Capture() as complaints, av.open(str(path)) as container:
        start = (container.start_time or 0) / av.time_base
        pictures = list(container.decode(video=0)) if container.streams.video else []
    times = [frame.time - start for frame in pictures if frame.time is not None]
    looks = [hashlib.md5(b"".join(map(bytes, frame.planes))).hexdigest() for frame in pictures]
    sound, rate = array("f"), 1
    with av.logging.Capture() as more, av.open(str(path)) as container:
        for frame in container.decode(audio=0) if container.streams.audio else ():
            rate = frame.sample_rate
            missing = round(((frame.time or 0.0) - start) * rate) - len(sound)
            sound.extend([0.0] * (missing if missing > rate // 20 else 0))
            sound.frombytes(bytes(frame.planes[0])[: frame.samples * 4])
    assert [text for level, _, text in (*complaints, *more) if level <= av.logging.ERROR] == []
    return Decoded(times, looks, sound, rate, pictures[0].rotation if pictures else 0)


def remuxed(source: Path, target: Path, change: Callable[[Any], bool | None] = lambda _: None, **options: str) -> Path:
    """Write a file's packets into another container; those for which `change` returns False are left out."""
    with av.open(str(source)) as container, av.open(str(target), "w", options=options) as out:
        streams = {one.index: out.add_stream_from_template(one, opaque=True) for one in container.streams}
        for packet in container.demux():
            if packet.size and change(packet) is not False:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    source.unlink()
    return target


def moved(seconds: float) -> Callable[[Any], None]:
    """Move all times: what comes before 0 is there to be decoded, and isn't shown."""

    def move(packet: Any) -> None:
        ticks = round(seconds / packet.time_base)
        packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks

    return move


def keyframes_everywhere(packet: Any) -> None:
    packet.is_keyframe = True


def without_the_first_picture(packet: Any) -> bool:
    return packet.stream.type != "video" or packet.pts * packet.time_base >= Fraction(1, 20)


def without_sound_in_between(packet: Any) -> bool:
    return packet.stream.type != "audio" or not 4 < packet.pts * packet.time_base < 4.5


def damaged(path: Path, at: float) -> Path:
    """Zero 64 bytes in the middle of the picture that is shown at a time."""
    with av.open(str(path)) as container:
        packet = next(one for one in container.demux(video=0) if one.pts is not None and one.pts * one.time_base >= at)
        data = bytes(packet)
    whole = bytearray(path.read_bytes())
    middle = whole.index(data) + len(data) // 2
    whole[middle : middle + 64] = bytes(64)
    path.write_bytes(whole)
    return path


def hidden_end(path: Path, seconds: int) -> Path:
    """Let the edit list of an MP4 without sound end so many seconds after the beginning, and the movie too."""
    data = bytearray(path.read_bytes())
    for name, behind in ((b"elst", 12), (b"tkhd", 24), (b"mvhd", 20)):
        at = data.index(name) + behind
        data[at : at + 4] = (seconds * 1000).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def out_of_order(path: Path) -> Path:
    """Let the decoding time of one picture of an FLV be 0.2 s too early, and the time at which it is shown the same."""
    data = bytearray(path.read_bytes())
    at = data.index(bytes((9,)), 13)
    for _ in range(200):
        size, time = int.from_bytes(data[at + 1 : at + 4], "big"), int.from_bytes(data[at + 4 : at + 7], "big")
        if data[at] == 9 and data[at + 12] == 1 and 2300 <= time < 2400:
            shown = int.from_bytes(data[at + 13 : at + 16], "big") + 200
            data[at + 4 : at + 7] = (time - 200).to_bytes(3, "big")
            data[at + 13 : at + 16] = shown.to_bytes(3, "big")
        at += 11 + size + 4
        if at >= len(data):
            break
    path.write_bytes(data)
    return path


def opposed(path: Path, quiet: float = 0.0) -> Path:
    """Sound whose two channels cancel each other out, behind some seconds of silence."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=clips.RATE, layout="stereo")
        mono = [round(9000 * ((number * 330 // clips.RATE) % 2 - 0.5)) for number in range(clips.RATE * 8)]
        mono[: round(quiet * clips.RATE)] = [0] * round(quiet * clips.RATE)
        for first in range(0, len(mono) - 1023, 1024):
            frame = av.AudioFrame("s16", "stereo", 1024)
            both = array("h", [side for value in mono[first : first + 1024] for side in (value, -value)])
            frame.planes[0].update(both.tobytes())
            frame.sample_rate, frame.time_base, frame.pts = clips.RATE, Fraction(1, clips.RATE), first
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


TIMES = [0, 0.11, 0.5, 0.93, 1.3, 1.31, 1.9, 2.4, 2.45, 3.3, 3.9, 4.0, 4.02, 4.5, 5.55, 6.1, 6.2, 7.0, 7.9]
THIRDS: Spans = [(0, 3), (3, 6), (6, 8)]
SECONDS: Spans = [(0, 2), (2, 4), (4, 6), (6, 8)]
COPIED: dict[str, tuple[str, Make, Spans]] = {
    "MP4": ("a.mp4", make, THIRDS),
    "MOV": ("a.mov", make, THIRDS),
    "MKV": ("a.mkv", make, THIRDS),
    "FLV": ("a.flv", lambda path: make(path, audio="aac"), THIRDS),
    "MPEG-TS": ("a.ts", make, THIRDS),
    "3GP": ("a.3gp", make, THIRDS),
    "fragments": ("a.mp4", lambda path: make(path, options={"movflags": "frag_keyframe+empty_moov"}), THIRDS),
    "frames that refer to later ones": ("a.mp4", lambda path: make(path, codec_options=B_FRAMES), THIRDS),
    "the same in MKV": ("a.mkv", lambda path: make(path, codec_options=B_FRAMES), THIRDS),
    "the same in MPEG-TS": ("a.ts", lambda path: make(path, codec_options=B_FRAMES), THIRDS),
    "the same in FLV": ("a.flv", lambda path: make(path, codec_options=B_FRAMES), THIRDS),
    "a last picture that an edit list hides": (
        "a.mp4",
        lambda path: hidden_end(make(path, 8.1, audio=None), 8),
        THIRDS,
    ),
    "fields": ("a.mp4", lambda path: make(path, codec_options={**B_FRAMES, "flags": "+ildct+ilme"}), THIRDS),
    "turned": ("a.mp4", lambda path: awkward_clips.turned(make(path), 90), THIRDS),
    "mirrored": ("a.mp4", lambda path: awkward_clips.turned(make(path), (-1, 0, 0, 1)), THIRDS),
    "no sound": ("a.mp4", lambda path: make(path, audio=None), THIRDS),
    "a clock that begins at 5 s": ("a.mkv", lambda path: make(path, start=5.0), THIRDS),
    "a full range": ("a.mp4", lambda path: make(path, pixels="yuvj420p"), THIRDS),
    "variable frame rate": (
        "a.mp4",
        lambda path: make(path, times=TIMES, codec_options={**X264, "g": "4", "keyint_min": "4"}),
        [(0, 2.45), (2.45, 4.02), (4.02, 6.2), (6.2, 8)],
    ),
    "sound longer than the picture": ("a.mp4", lambda path: make(path, 6.0, sound=8.0), [(0, 3), (3, 5), (5, 8)]),
    "3 audio tracks": ("a.mp4", lambda path: make(path, tracks=3), THIRDS),
    "every frame flagged as a keyframe": (
        "a.flv",
        lambda path: remuxed(make(path.with_name("b.mp4")), path, keyframes_everywhere),
        THIRDS,
    ),
    "the same in MPEG-TS without flags": (
        "a.ts",
        lambda path: remuxed(make(path.with_name("b.mp4")), path, keyframes_everywhere),
        THIRDS,
    ),
    "decoding times out of order": ("a.flv", lambda path: out_of_order(make(path)), THIRDS),
    "M4A": ("a.m4a", lambda path: make(path, video=None), THIRDS),
    "raw AAC": ("a.aac", lambda path: make(path, video=None), THIRDS),
    "MP3": ("a.mp3", lambda path: make(path, video=None, audio="libmp3lame"), THIRDS),
    "MP3 in MKV": ("a.mka", lambda path: make(path, video=None, audio="libmp3lame"), THIRDS),
}


def expected(source: Decoded, start: float, end: float) -> tuple[list[float], list[str]]:
    """Return the pictures of a span, by the time from its start."""
    chosen = [
        (time - start, look)
        for time, look in zip(source.times, source.pictures, strict=True)
        if start - 1e-4 <= time < end - 1e-4
    ]
    return [time for time, _ in chosen], [look for _, look in chosen]


@pytest.mark.parametrize(("name", "make", "spans"), COPIED.values(), ids=COPIED)
def test_copied_windows_show_and_play_what_the_source_does(name: str, make: Make, spans: Spans, tmp_path: Path) -> None:
    path = make(tmp_path / name)
    segments = [*video.split(path, window=3.05, by="keyframes", out=tmp_path / "out")]
    whole = video.probe(path)
    assert [one.copied for one in segments] == [True] * len(spans)
    assert [one.start for one in segments] == pytest.approx([start for start, _ in spans], abs=0.09)
    assert [one.end for one in segments] == pytest.approx([end for _, end in spans], abs=0.09)
    assert [segments[0].start, *(one.end for one in segments)] == [*(one.start for one in segments), whole.duration]
    source = decoded(path)
    lags: list[int] = []
    for one in segments:
        info, copy = video.probe(one.path), decoded(one.path)
        # Of the last packet of MP3, FFmpeg 8 shows less than FFmpeg 7.
        assert info.duration == pytest.approx(one.duration, abs=0.025 if path.suffix in (".mp3", ".mka") else 0.001)
        assert (info.problem, info.rotation, info.mirrored) == (None, whole.rotation, whole.mirrored)
        assert info.width == whole.width
        assert info.container == ("mp4" if whole.has_video else "m4a")
        assert one.block()["type"] == whole.kind
        assert info.size_bytes <= video.INLINE_BYTES
        times, pictures = expected(source, one.start, one.end)
        assert copy.pictures == pictures
        assert copy.times == pytest.approx(times, abs=1e-3)
        if whole.has_audio:
            there = min(len(source.sound), round(one.end * source.rate)) - round(one.start * source.rate)
            assert (
                -60 < len(copy.sound) - there < 1200
            )  # all of the last packet, whose end its length in the file hides
            lags.append(lag(source, copy, one.start))
    # Containers that count in milliseconds round the time of the first packet; what follows is the same everywhere.
    assert max(map(abs, lags)) <= source.rate // 1000 if lags else True
    assert max(lags, default=0) - min(lags, default=0) <= 1


def lag(source: Decoded, copy: Decoded, start: float) -> int:
    """Return how many samples late the sound of a copy is, all of which must be that of the source."""
    first = round(start * source.rate)
    for late in sorted(range(-60, 61), key=abs):
        spots = range(60, min(len(copy.sound), len(source.sound) - first) - 60, 97)
        if all(abs(copy.sound[at + late] - source.sound[first + at]) < 0.005 for at in spots):
            return late
    raise AssertionError("it is other sound")


@pytest.mark.parametrize("overlap", [0.25, 1.0])
@pytest.mark.parametrize("name", ["MP4", "frames that refer to later ones", "the same in MPEG-TS", "M4A", "MP3"])
def test_windows_that_overlap(name: str, overlap: float, tmp_path: Path) -> None:
    file, make, _ = COPIED[name]
    path = make(tmp_path / file)
    segments = [*video.split(path, window=3.05, overlap=overlap, by="keyframes", out=tmp_path / "out")]
    assert all(one.copied and one.duration < 3.06 for one in segments)
    source = decoded(path)
    for one, following in pairwise(segments):
        assert overlap <= one.end - following.start + 1e-4 < overlap + 0.4
    for one in segments:
        copy = decoded(one.path)
        times, pictures = expected(source, one.start, one.end)
        assert copy.pictures == pictures
        assert copy.times == pytest.approx(times, abs=1e-3)


NOT_COPIED: dict[str, tuple[str, Make, list[bool]]] = {
    # name of the file, what makes it, which windows are copied all the same
    "open groups": (
        "a.mp4",
        lambda path: make(path, codec_options={**B_FRAMES, "x264-params": "open-gop=1"}),
        [False, False, False],
    ),
    "intra refresh": (
        "a.mp4",
        lambda path: make(path, codec_options={**X264, "x264-params": "intra-refresh=1"}),
        [False, False, False],
    ),
    "no keyframe at the start": (
        "a.ts",
        lambda path: remuxed(make(path.with_name("b.ts")), path, without_the_first_picture),
        [False, True, True],
    ),
    "an edit list": (
        "a.mp4",
        lambda path: remuxed(make(path.with_name("b.mp4"), 8.5), path, moved(-0.5)),
        [False, True, True],
    ),
    "sparse keyframes": ("a.mp4", lambda path: make(path, codec_options={"g": "250"}), [False, False, False]),
    "a damaged picture": ("a.mp4", lambda path: damaged(make(path), 4.4), [True, False, True]),
    "a damaged picture in MPEG-TS": ("a.ts", lambda path: damaged(make(path), 4.0), [True, False, True]),
    "a gap in the sound": (
        "a.mp4",
        lambda path: remuxed(make(path.with_name("b.mp4")), path, without_sound_in_between),
        [True, False, True],
    ),
    "a clock that starts anew": (
        "a.ts",
        lambda path: awkward_clips.twice(path, 4.0, codec_options=X264),
        [False, False, False],
    ),
    "the same in MKV": (
        "a.mkv",
        lambda path: awkward_clips.twice(path, 4.0, codec_options=X264),
        [False, False, False],
    ),
    "cut off": (
        "a.mp4",
        lambda path: awkward_clips.cut_off(make(path, options={"movflags": "+faststart"})),
        [True, False],
    ),
    "10 bits": ("a.mp4", lambda path: make(path, pixels="yuv420p10le"), [False, False, False]),
    "pixels that aren't square": ("a.mp4", lambda path: make(path, aspect=Fraction(2)), [False, False, False]),
    "WebM": ("a.webm", lambda path: make(path, video="libvpx", audio="libopus"), [False, False, False]),
    "AVI": ("a.avi", lambda path: make(path, audio="libmp3lame"), [False, False, False]),
    "MKV with Opus": ("a.mkv", lambda path: make(path, audio="libopus"), [False, False, False]),
    "opposite phases": ("a.m4a", opposed, [False, False, False]),
    "opposite phases behind silence": ("a.m4a", lambda path: opposed(path, 1.5), [False, False, False]),
    "WAV": ("a.wav", lambda path: make(path, video=None, audio="pcm_s16le"), [False, False, False]),
}


@pytest.mark.filterwarnings("ignore::langchain_dmx_omni.errors.DMXOmniWarning")
@pytest.mark.parametrize(("name", "make", "copied"), NOT_COPIED.values(), ids=NOT_COPIED)
def test_what_cannot_be_copied_is_encoded(name: str, make: Make, copied: list[bool], tmp_path: Path) -> None:
    path = make(tmp_path / name)
    segments = [*video.split(path, window=3.05, by="keyframes", out=tmp_path / "out")]
    assert [one.copied for one in segments] == copied
    assert [segments[0].start, *(one.end for one in segments)] == [
        *(one.start for one in segments),
        video.probe(path).duration,
    ]
    for one in segments:
        assert video.probe(one.path).duration == pytest.approx(one.duration, abs=0.002)
        decoded(one.path)
    assert video.copied_windows(path, window=3.05) is None or name == "a.m4a"  # that is heard only in the copy
    assert [*tmp_path.glob("**/*.part")] == []


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 seconds, a keyframe in each."""
    return make(tmp_path_factory.mktemp("plain") / "plain.mp4")


OPTIONS: dict[str, tuple[dict[str, Any], Spans, list[bool]]] = {
    "fps": ({"window": 3.05, "fps": 2}, THIRDS, [False] * 3),
    "max_bytes": ({"window": 3.05, "max_bytes": 48_000}, SECONDS, [True] * 4),
    "max_bytes that hold too little": ({"window": 3.05, "max_bytes": 35_000}, THIRDS, [False] * 3),
    "windows of one's own": (
        {"windows": [(1, 3), (3.55, 6), (6, 8)]},
        [(1, 3), (3.55, 6), (6, 8)],
        [True, False, True],
    ),
    "no window": ({}, [(0, 8)], [True]),
}


@pytest.mark.parametrize(("settings", "spans", "copied"), OPTIONS.values(), ids=OPTIONS)
def test_options(settings: dict[str, Any], spans: Spans, copied: list[bool], plain: Path, tmp_path: Path) -> None:
    segments = [*video.split(plain, by="keyframes", out=tmp_path, **settings)]
    assert [(one.start, one.end) for one in segments] == spans
    assert [one.copied for one in segments] == copied
    assert all(one.path.stat().st_size <= settings.get("max_bytes", video.INLINE_BYTES) for one in segments)


def test_what_is_skipped_and_what_is_kept(plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path))
    (last,) = video.split(plain, window=3.05, by="keyframes", skip=[0, 1])
    assert (last.index, last.copied, decoded(last.path).pictures) == (2, True, expected(decoded(plain), 6, 8)[1])
    inode = last.path.stat().st_ino
    again = [*video.split(plain, window=3.05, by="keyframes")]
    assert [one.copied for one in again] == [True, True, True]
    assert again[2].path.stat().st_ino == inode
    encoded = [*video.split(plain, windows=THIRDS)]
    assert [one.copied for one in encoded] == [False, False, False]
    assert {one.path for one in encoded}.isdisjoint(one.path for one in again)


def test_a_place_far_away_is_sought(tmp_path: Path) -> None:
    slides = clips.make(tmp_path / "slides.mp4", 40.0, fps=2, codec_options={"g": "10", "bf": "0"})
    read: list[float] = []
    (last,) = video.split(
        slides, window=5.05, by="keyframes", skip=range(7), out=tmp_path, progress=lambda done, _: read.append(done)
    )
    assert (last.copied, decoded(last.path).pictures) == (True, expected(decoded(slides), 35, 40)[1])
    assert [done for done in read if 0 < done < 25] == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_work_that_is_stopped_leaves_nothing(error: type[BaseException], plain: Path, tmp_path: Path) -> None:
    def stop(done: float, _: float) -> None:
        if done >= 5:
            raise error

    with pytest.raises(error):
        [*video.split(plain, window=3.05, by="keyframes", out=tmp_path, progress=stop)]
    assert [path.name for path in tmp_path.iterdir()] == ["plain-0000.mp4"]


class Rate(NamedTuple):
    """A recording of one bit rate, planned and not read."""

    seconds: float
    keyframes: float
    """Seconds between them."""
    rate: float
    """Bytes a second."""


PLANS: dict[str, tuple[Rate, float, float, Spans]] = {
    "a meeting": (Rate(200, 10, 100_000), 300, 0, [(0, 70), (70, 140), (140, 200)]),
    "a meeting, windows that overlap": (Rate(200, 10, 100_000), 300, 2, [(0, 72), (70, 142), (140, 200)]),
    "short windows": (Rate(60, 5, 100_000), 20, 0, [(0, 20), (20, 40), (40, 60)]),
    "a camera": (Rate(700, 1, 1_000_000), 300, 0, [(0, 300), (300, 600), (600, 700)]),
    "a keyframe in 4 minutes": (
        Rate(480, 240, 20_000),
        60,
        0,
        [(0, 60), (60, 120), (120, 180), (180, 240), (240, 300), (300, 360), (360, 420), (420, 480)],
    ),
    "the same, longer windows": (Rate(480, 240, 20_000), 300, 0, [(0, 240), (240, 480)]),
    "a last window that is none": (Rate(140.5, 10, 100_000), 75, 0, [(0, 70), (70, 140.5)]),
}


@pytest.mark.parametrize(("rate", "window", "overlap", "spans"), PLANS.values(), ids=PLANS)
def test_plans(rate: Rate, window: float, overlap: float, spans: Spans) -> None:
    times = [*range(int(rate.seconds) + 1)]
    times += [rate.seconds] if rate.seconds > times[-1] else []
    places = Places(
        times=array("d", times),
        sizes=array("q", [round(time * rate.rate) for time in times]),
        starts=tuple(float(time) for time in times[:-1] if time % rate.keyframes == 0),
        flaws=(),
    )
    assert places.windows(window, overlap, 7_400_000) == spans


JOBS: dict[str, tuple[dict[str, Any], Spans, bool]] = {
    "nothing speaks against it": ({}, THIRDS, True),
    "keyframes": ({"by": "keyframes"}, THIRDS, True),
    "time": ({"by": "time"}, [(0, 3.05), (3.05, 6.1), (6.1, 8)], False),
    "fps": ({"fps": 2}, [(0, 3.05), (3.05, 6.1), (6.1, 8)], False),
}


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(("settings", "spans", "copied"), JOBS.values(), ids=JOBS)
def test_jobs_copy_what_they_can(
    settings: dict[str, Any],
    spans: Spans,
    copied: bool,
    way: str,
    gateway: LocalGateway,
    plain: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "langchain_dmx_omni")
    job = Job(model(gateway), SCENES, window=3.05, overlap=0, folder=tmp_path / "kept", **settings)
    assert [(window.start, window.end) for window in job.missing(plain)] == spans
    said = "plain.mp4: 3 windows begin at keyframes, and are copied rather than encoded; by='time' cuts it by time"
    assert caplog.messages == ([] if settings else [said])
    gateway.play(*[says((0, 1, str(number))) for number in range(3)])
    run(job, way, plain, max_concurrency=1)
    source = decoded(plain)
    for number, (request, span) in enumerate(zip(gateway.requests, spans, strict=True)):
        (url,) = re.findall(r'base64,([^"]+)"', json.dumps(request.body))
        sent = tmp_path / f"{number}.mp4"
        sent.write_bytes(base64.b64decode(url))
        assert (decoded(sent).pictures == expected(source, *span)[1]) == copied


@pytest.mark.parametrize(("seconds", "ends"), [(8.0, [3.05, 6.1, 8.0]), (32.0, [*range(3, 31, 3), 32])])
def test_one_damaged_window_matters_where_there_are_few(seconds: float, ends: list[float], tmp_path: Path) -> None:
    path = damaged(make(tmp_path / "a.mp4", seconds), 4.4)
    with LocalGateway() as gateway:
        job = Job(model(gateway), SCENES, window=3.05, overlap=0, folder=tmp_path)
        assert [window.end for window in job.missing(path)] == ends


def test_what_is_too_long_to_be_encoded_may_be_copied(tmp_path: Path) -> None:
    slides = make(tmp_path / "a.mp4", 12.0, fps=2, audio=None, codec_options={**X264, "crf": "51"})
    assert slides.stat().st_size < 24_000
    (segment,) = video.split(slides, windows=[(0.0, 12.0)], by="keyframes", max_bytes=24_000, out=tmp_path / "out")
    assert (segment.copied, video.probe(segment.path).duration) == (True, 12.0)
    with pytest.raises(MediaTooLargeError, match=r"a\.mp4: 12\.0 s of video don't fit into 24,000 bytes"):
        video.split(slides, windows=[(0.0, 12.0)], max_bytes=24_000)
