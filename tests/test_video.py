"""Long local files: probed, fitted under a budget, split exactly, cached."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import av
import pytest

from langchain_dmx_omni import media, video
from langchain_dmx_omni._media import blocks
from langchain_dmx_omni._media.mime import sniff
from langchain_dmx_omni._profiles import LIMITS
from langchain_dmx_omni.errors import ConfigurationError, ContentBlockError, MediaTooLargeError, StorageError
from tests import clips


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(folder))
    return folder


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """12 seconds, a scene every 3, pauses around 3.5 and 8.5."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return clips.make(path, 12.0, scene=3.0, pauses=[(3.0, 4.0), (8.0, 9.0)])


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 seconds in which every picture is noise: nothing is harder to encode."""
    path = tmp_path_factory.mktemp("noisy") / "noisy.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        graph = av.filter.Graph()
        nodes = [("color", "s=320x240:r=10"), ("noise", "alls=90:allf=t"), ("format", "yuv420p"), ("buffersink",)]
        graph.link_nodes(*(graph.add(*node) for node in nodes)).configure(auto_buffer=False)
        for _ in range(40):
            frame = graph.pull()
            assert isinstance(frame, av.VideoFrame)
            frame.pict_type = 0
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def first_number(path: Path) -> int:
    with av.open(str(path)) as container:
        return clips.number_of(next(container.decode(video=0)))


# probe


def test_probe(long: Path) -> None:
    info = video.probe(long)
    assert info == video.MediaInfo(
        path=long,
        size_bytes=long.stat().st_size,
        container="mp4",
        duration=12.0,
        width=160,
        height=96,
        fps=10.0,
        has_video=True,
        has_audio=True,
        streams=info.streams,
    )
    assert [(one.kind, one.codec, one.channels, one.sample_rate) for one in info.streams] == [
        ("video", "h264", None, None),
        ("audio", "aac", 2, 48_000),
    ]
    assert (info.damaged, info.kind) == (False, "video")


@pytest.mark.parametrize("work", [video.probe, video.fit, video.split, video.windows, video.scenes, video.silences])
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no.mp4", "no.mp4: it can't be read: No such file or directory; give the path of a local file"),
        (".", ".: it is no regular file; give the path of a local file"),
        (7.5, "a float is no path; give the path of a local file"),
    ],
)
def test_what_is_no_file(work: Any, path: Any, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContentBlockError) as caught:
        work(path)
    assert str(caught.value) == message


# fit


@pytest.mark.parametrize("budget", [40_000, 80_000, 150_000])
def test_the_hardest_picture_lands_under_its_budget(noisy: Path, budget: int, tmp_path: Path) -> None:
    fitted = video.fit(noisy, max_bytes=budget, out=tmp_path / "out.mp4")
    info = video.probe(fitted)
    assert noisy.stat().st_size > 400_000
    assert budget * 0.5 < info.size_bytes <= budget
    assert info.duration == pytest.approx(4.0, abs=0.001)
    assert info.fps is not None
    assert info.fps >= 2
    assert [*tmp_path.glob("**/*.part")] == []


def test_a_file_that_fits_is_used_as_it_is(long: Path, tmp_path: Path, cache: Path) -> None:
    assert video.fit(long) == long
    copied = video.fit(long, out=tmp_path / "copy.mp4")
    assert copied.read_bytes() == long.read_bytes()
    assert not cache.exists()


OUTS: dict[str, tuple[str, dict[str, Any], dict[str, str | None]]] = {
    # the source, how it is made, and by the ending of `out` what is written there: None for an error
    "WAV": (
        "a.wav",
        {"video": None, "audio": "pcm_s16le"},
        {"wav": "audio/wav", "m4a": "audio/mp4", "mp4": "audio/mp4", "mp3": None, "aac": None, "": None},
    ),
    "MP3": ("a.mp3", {"video": None, "audio": "libmp3lame"}, {"mp3": "audio/mpeg", "m4a": "audio/mp4", "wav": None}),
    "M4A": ("a.m4a", {"video": None}, {"m4a": "audio/mp4", "mp4": "audio/mp4", "m4v": None, "mov": None}),
    "MP4": ("a.mp4", {}, {"mp4": "video/mp4", "M4V": "video/mp4", "m4a": None, "mov": None, "mkv": None}),
    "MKV": ("a.mkv", {}, {"mkv": "video/x-matroska", "mp4": "video/mp4", "avi": None, "webm": None}),
    "MOV": ("a.mov", {}, {"mov": "video/quicktime", "mp4": "video/mp4", "mkv": None}),
    "WebM": ("a.webm", {"video": "libvpx", "audio": "libopus"}, {"webm": None, "mp4": "video/mp4"}),
}


@pytest.mark.parametrize("name", ["a.bin", None], ids=["misnamed", "named"])
@pytest.mark.parametrize(("file", "settings", "outs"), OUTS.values(), ids=OUTS)
def test_a_result_is_what_its_name_says(
    file: str, settings: dict[str, Any], outs: dict[str, str | None], name: str | None, tmp_path: Path
) -> None:
    source = clips.make(tmp_path / file, **settings).rename(tmp_path / (name or file))  # its bytes decide
    for ending, mime in outs.items():
        out = tmp_path / f"out.{ending}".rstrip(".")
        if mime is None:
            with pytest.raises(ConfigurationError, match=r"the result is MP4: let it end in \.m"):
                video.fit(source, out=out)
            assert not out.exists()
        else:
            written = sniff(video.fit(source, out=out).read_bytes())
            assert written is not None
            assert written.mime in ({"audio/mp4", "video/mp4"} if mime == "audio/mp4" else {mime})


def test_what_has_to_be_encoded_is_mp4_whatever_the_source_is_named(tmp_path: Path) -> None:
    source = clips.make(tmp_path / "a.wav", video=None, audio="pcm_s16le")
    with pytest.raises(ConfigurationError, match=r"out ends in \.wav; the result is MP4: let it end in \.m4a"):
        video.fit(source, out=tmp_path / "out.wav", max_bytes=20_000)


def test_a_format_that_the_service_does_not_take_is_encoded(tmp_path: Path) -> None:
    webm = clips.make(tmp_path / "a.webm", video="libvpx", audio="libopus")
    fitted = video.fit(webm)
    info = video.probe(fitted)
    assert (info.container, [stream.codec for stream in info.streams]) == ("mp4", ["h264", "aac"])


def test_what_was_fitted_is_cached_by_content_and_settings(noisy: Path, tmp_path: Path, cache: Path) -> None:
    first = video.fit(noisy, max_bytes=80_000)
    before = first.stat().st_mtime_ns
    again = tmp_path / "another name.mp4"
    again.write_bytes(noisy.read_bytes())
    reports: list[float] = []
    assert video.fit(again, max_bytes=80_000, progress=lambda done, _: reports.append(done)) == first
    assert reports == []  # there was nothing to do
    assert video.fit(noisy, max_bytes=90_000) != first
    assert first.parent == video.cache_dir() == cache
    assert first.stat().st_mtime_ns >= before  # it counts as used
    assert video.clear_cache(older_than=1) == 0
    assert video.clear_cache() > 0
    assert [*cache.iterdir()] == []


def test_a_kept_file_that_is_none_is_made_anew(noisy: Path) -> None:
    fitted = video.fit(noisy, max_bytes=80_000)
    size = fitted.stat().st_size
    fitted.write_bytes(b"")
    assert video.fit(noisy, max_bytes=80_000) == fitted
    assert fitted.stat().st_size == pytest.approx(size, rel=0.1)


def test_clearing_leaves_what_is_being_written(long: Path, cache: Path) -> None:
    segments = video.split(long, window=6.0)
    next(segments)
    part = cache / ".1-0123456789abcdef.part"
    part.write_bytes(b"another process's")
    assert video.clear_cache() > 0
    assert [*cache.iterdir()] == [part]
    os.utime(part, (0, 0))
    assert video.clear_cache() == len(b"another process's")
    assert next(segments).index == 1


@pytest.mark.parametrize("length", [78, 84])
def test_a_long_name(length: int, long: Path, tmp_path: Path) -> None:
    path = tmp_path / ("汉" * length)[:83]
    path = path.with_name(path.name + ".mp4" * (length <= 83))
    path.write_bytes(long.read_bytes())
    names = [one.path.name for one in video.split(path, window=6.0, out=tmp_path / "out")]
    assert names == [f"{'汉' * min(length, 80)}-{index:04d}.mp4" for index in range(2)]
    target = tmp_path / f"{'语' * 83}.mp4"
    assert video.fit(path, out=target) == target


@pytest.mark.parametrize("work", ["fit to the cache", "fit", "copy", "split to the cache", "split"])
@pytest.mark.parametrize("trouble", ["a file where the folder should be", "a disk that is full"])
def test_what_can_t_be_written(trouble: str, work: str, noisy: Path, tmp_path: Path) -> None:
    code = """
import os, resource, sys, warnings
from langchain_dmx_omni import errors, video
work, trouble, source, folder = sys.argv[1:]
os.environ["DMX_OMNI_CACHE_DIR"] = folder
if trouble == "a disk that is full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
try:
    match work:
        case "fit to the cache":
            video.fit(source, max_bytes=80_000)
        case "fit":
            video.fit(source, max_bytes=80_000, out=folder + "/a.mp4")
        case "copy":
            video.fit(source, out=folder + "/a.mp4")
        case "split to the cache":
            [*video.split(source, window=1.0)]
        case "split":
            [*video.split(source, window=1.0, out=folder)]
except errors.StorageError as error:
    print(error.path, error.errno)
"""
    folder = tmp_path / "out"
    if trouble == "a file where the folder should be":
        folder.write_bytes(b"")
    command = [sys.executable, "-c", code, work, trouble, str(noisy), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    expected = errno.EFBIG if trouble == "a disk that is full" else errno.EEXIST
    assert (done.stdout, done.stderr) == (f"{folder} {expected}\n", "")
    assert folder.is_file() or [*folder.iterdir()] == []


def test_progress_is_told_in_seconds(noisy: Path, tmp_path: Path) -> None:
    reports: list[tuple[float, float]] = []
    video.fit(noisy, max_bytes=80_000, out=tmp_path / "out.mp4", progress=lambda *each: reports.append(each))
    assert reports[0] == (0.0, 4.0)
    assert reports[-1] == (4.0, 4.0)
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)


def test_a_bar(noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video.fit(noisy, max_bytes=80_000, out=tmp_path / "out.mp4", progress=True)
    drawn = capsys.readouterr()
    assert drawn.out == ""
    assert "noisy.mp4: 100%" in drawn.err


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_work_that_is_stopped_leaves_nothing(error: type[BaseException], noisy: Path, tmp_path: Path) -> None:
    def stop(done: float, _: float) -> None:
        if done >= 2:
            raise error

    out = tmp_path / "out"
    with pytest.raises(error):
        video.fit(noisy, max_bytes=80_000, out=out / "fit.mp4", progress=stop)
    with pytest.raises(error):
        [*video.split(noisy, window=1.0, out=out, progress=stop)]
    # Those that were whole by then.
    assert sorted(path.name for path in out.iterdir()) == ["noisy-0000.mp4", "noisy-0001.mp4"]


def test_what_the_budget_cannot_hold_points_to_split(long: Path, tmp_path: Path) -> None:
    with pytest.raises(
        MediaTooLargeError, match=r"long\.mp4: 12\.0 s of video don't fit into 20,000 bytes, which"
    ) as error:
        video.fit(long, max_bytes=20_000, out=tmp_path / "out.mp4")
    assert "video.split(path)" in str(error.value)
    assert error.value.limit == 20_000
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_bytes": 100}, "max_bytes is 100; nothing fits into less than 16,384"),
        ({"fps": 99}, "fps is 99; give 0.1 to 60, or leave it out (the model looks at 2 a second)"),
        ({"out": "out.avi"}, "out ends in .avi; the result is MP4: let it end in .mp4"),
    ],
    ids=str,
)
def test_settings_that_cannot_be(
    settings: dict[str, Any], message: str, long: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as caught:
        video.fit(long, **settings)
    assert str(caught.value) == message


def test_the_source_is_never_the_target(long: Path) -> None:
    with pytest.raises(ConfigurationError, match="out is the source itself"):
        video.fit(long, out=long)


# split


SPLITS: dict[str, tuple[dict[str, Any], list[tuple[float, float]]]] = {
    "by time": ({"window": 5.0}, [(0, 5), (5, 10), (10, 12)]),
    "with an overlap": ({"window": 5.0, "overlap": 2.0}, [(0, 5), (3, 8), (6, 11), (9, 12)]),
    "a last window that is no window": ({"window": 5.8}, [(0, 5.8), (5.8, 12)]),
    "by scenes": ({"window": 4.0, "by": "scenes"}, [(0, 3), (3, 6), (6, 9), (9, 12)]),
    "by pauses": ({"window": 6.0, "by": "silence"}, [(0, 3.5), (3.5, 8.5), (8.5, 12)]),
    "by windows of one's own": ({"windows": [(0.5, 2.0), (7.3, 11.9)]}, [(0.5, 2.0), (7.3, 11.9)]),
}


@pytest.mark.parametrize(("settings", "spans"), SPLITS.values(), ids=SPLITS)
def test_segments_are_exact(
    settings: dict[str, Any], spans: list[tuple[float, float]], long: Path, tmp_path: Path
) -> None:
    segments = [*video.split(long, out=tmp_path / "out", **settings)]
    ends = [(one.start, one.end) for one in segments]
    assert [time for span in ends for time in span] == pytest.approx(
        [time for span in spans for time in span], abs=0.05
    )
    for index, one in enumerate(segments):
        assert (one.source, one.index, one.path.name) == (long, index, f"long-{index:04d}.mp4")
        assert abs(first_number(one.path) - one.start * 10) <= 1
        info = video.probe(one.path)
        assert info.duration == pytest.approx(one.duration, abs=0.002)
        assert info.size_bytes <= video.INLINE_BYTES
        assert one.block()["type"] == "video"
    if "windows" not in settings and "overlap" not in settings:
        assert sum(video.probe(one.path).duration for one in segments) == pytest.approx(12.0, abs=0.01)
        assert [tuple(each) for each in video.windows(long, **settings)] == [(one.start, one.end) for one in segments]


def test_the_first_segment_comes_before_the_last_is_read(long: Path, tmp_path: Path) -> None:
    read: list[float] = []
    segments = cast(
        "Generator[video.Segment]",
        video.split(long, window=2.0, out=tmp_path / "out", progress=lambda done, _: read.append(done)),
    )
    next(segments)
    assert read[-1] < 6
    segments.close()
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["long-0000.mp4"]


def test_what_is_skipped_is_neither_encoded_nor_read(long: Path, tmp_path: Path) -> None:
    hour = clips.make(tmp_path / "slides.mp4", 60.0, fps=2, audio=None, codec_options={"g": "10"})
    read: list[float] = []
    wanted = video.split(
        hour, window=5.0, skip=range(10), out=tmp_path / "out", progress=lambda done, _: read.append(done)
    )
    assert [(one.index, first_number(one.path)) for one in wanted] == [(10, 100), (11, 110)]
    assert [done for done in read if 0 < done < 40] == []


def test_segments_in_the_cache_are_not_encoded_again(long: Path, cache: Path) -> None:
    first = [*video.split(long, window=6.0)]
    inodes = {one.path: one.path.stat().st_ino for one in first}
    again = [*video.split(long, window=6.0)]
    assert {one.path: one.path.stat().st_ino for one in again} == inodes
    assert {one.path.parent for one in first} == {cache}


def test_long_sound_is_split_as_well(tmp_path: Path) -> None:
    talk = clips.make(tmp_path / "talk.wav", 6.0, video=None, audio="pcm_s16le", pauses=[(2.5, 3.5)])
    segments = [*video.split(talk, window=4.0, by="silence", out=tmp_path / "out")]
    assert [(round(one.start, 1), round(one.end, 1)) for one in segments] == [(0.0, 3.0), (3.0, 6.0)]
    for one in segments:
        assert one.path.suffix == ".m4a"
        assert one.block()["type"] == "audio"
        assert video.probe(one.path).duration == pytest.approx(one.duration, abs=0.002)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0.5}, "window is 0.5 seconds; give 1 or more"),
        ({"window": 4.0, "overlap": 3.0}, "overlap is 3 seconds; give 0 to 2, half of the window"),
        ({"by": "luck"}, "by is 'luck'; give 'time', 'scenes', 'silence' or 'keyframes'"),
        ({"window": 4.0, "windows": [(0, 1)]}, "windows says where to cut already; leave out window, overlap and by"),
        ({"windows": [(3, 2)]}, "windows[0] is (3, 2); the file has 0 to 12 s"),
        ({"windows": [(3, 4), (1, 2)]}, "windows[1] is before windows[0]; give them in the order of time"),
    ],
    ids=str,
)
def test_splits_that_cannot_be(settings: dict[str, Any], message: str, long: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        video.split(long, out=tmp_path / "out", **settings)
    assert str(caught.value) == message
    assert not (tmp_path / "out").exists()


def test_scenes_and_pauses(long: Path) -> None:
    assert video.scenes(long) == [3.0, 6.0, 9.0]
    times = [time for silence in video.silences(long) for time in silence]
    assert times == pytest.approx([3.0, 4.0, 8.0, 9.0], abs=0.05)


# media


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service takes 100 kB."""
    monkeypatch.setattr(blocks, "LIMITS", LIMITS._replace(data_url=100_000))
    monkeypatch.setitem(cast("dict[str, Any]", video.fit.__kwdefaults__), "max_bytes", 70_000)


@pytest.mark.usefixtures("small_limit")
def test_media_that_is_made_to_fit(noisy: Path) -> None:
    with pytest.raises(MediaTooLargeError) as caught:
        media.video(noisy)
    assert "let it be re-encoded: media.video(path, fit=True), or cut it into segments: video.split(path)" in str(
        caught.value
    )
    block = media.video(noisy, fit=True)
    assert block["mime_type"] == "video/mp4"
    assert len(block["base64"]) < 100_000
    assert media.video(noisy, fit=True, inline=False)["url"].startswith("file://")


def test_media_that_fits_needs_no_fitting(long: Path, cache: Path) -> None:
    assert media.video(long, fit=True) == media.video(long)
    assert media.video("https://example.com/a.mp4", fit=True) == media.video("https://example.com/a.mp4")
    assert not cache.exists()
    for held in (long.read_bytes(), bytearray(long.read_bytes()), data_url(long)):
        assert media.video(held, fit=True) == media.video(long)
        assert media.audio(held, fit=True) == media.audio(long)
    assert not cache.exists()


@pytest.mark.usefixtures("small_limit")
def test_bytes_are_made_to_fit(noisy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert media.video(noisy.read_bytes(), fit=True) == media.video(noisy, fit=True)
    assert media.video(data_url(noisy), fit=True) == media.video(noisy, fit=True)
    with pytest.raises(ContentBlockError, match="the audio given: there is no sound in it; send it as video"):
        media.audio(noisy.read_bytes(), fit=True)
    with pytest.raises(ContentBlockError, match=r"the media given: .*empty"):
        media.video(b"", fit=True)
    with pytest.raises(ContentBlockError, match="its bytes are image/png"):
        media.video(b"\x89PNG\r\n\x1a\n and so on", fit=True)
    (tmp_path / "full").write_text("no folder")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "full"))
    with pytest.raises(StorageError, match=r"can't write media in .*full: "):
        media.video(noisy.read_bytes(), fit=True)


def data_url(path: Path) -> str:
    return f"data:video/mp4;base64,{b64encode(path.read_bytes()).decode()}"


def test_a_name_that_has_changed_still_works() -> None:
    with pytest.warns(DeprecationWarning, match=r"video\.TimeRange") as warned:
        assert video.Window is video.TimeRange  # type: ignore[attr-defined]
    assert warned[0].filename == __file__
    with pytest.raises(AttributeError, match=r"module 'langchain_dmx_omni\.video' has no attribute 'Windows'"):
        _ = video.Windows  # type: ignore[attr-defined]
