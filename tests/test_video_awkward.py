"""Awkward inputs: each is right, or a clear error. `python -m benchmarks.awkward_inputs` prints what happens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from langchain_dmx_omni import video
from langchain_dmx_omni.errors import ContentBlockError, DMXOmniWarning
from tests import clips


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
    "sides under 16 pixels": Right("matroska", 2.021, (128, 12), firsts=None, encoded=(170, 16)),
}

DAMAGED = {
    "truncated MP4": ("it is cut off: it ends after 4.9 of 8.0 s", 4.9),
    "truncated MKV": ("it is cut off: it ends after 5.3 of 8.0 s", 5.3),
}

WRONG = {
    "truncated MP4 without an index": (
        "its index can't be read: it was cut off, or its recording was never finished (video/mp4)"
    ),
    "zero bytes": "it is empty",
    "text named .mp4": "it is no video or audio: its bytes are of no known format",
}


def write_clip(name: str, folder: Path) -> Path:
    file, make = clips.AWKWARD[name]
    return make(folder / file)


def test_the_tables_are_complete() -> None:
    assert {*RIGHT, *DAMAGED, *WRONG} == {*clips.AWKWARD}


@pytest.mark.parametrize(("name", "right"), RIGHT.items(), ids=RIGHT)
def test_what_is_right(name: str, right: Right, tmp_path: Path) -> None:
    path = write_clip(name, tmp_path)
    info = video.probe(path)
    assert (info.container, round(info.duration, 3), info.problem) == (right.container, right.seconds, None)
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
