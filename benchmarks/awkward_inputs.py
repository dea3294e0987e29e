"""Awkward inputs beside their decoder's truth: `python -m benchmarks.awkward_inputs` makes each, and prints a table.

Each is probed and split into one segment; the segment and the source are decoded and compared. The status is 1 when
something is off by more than its bound.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import tempfile
import warnings
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from langchain_dmx_omni import DMXOmniError, video
from tests import awkward_clips

from .decoded import Recording, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SECONDS, DECIBELS, LUMA, MILLISECONDS = 0.06, 2.0, 3.0, 60.0
"""By how much a length, a level, a mean of pictures (0 to 255) and the time of a picture may be off."""

_FPS = 10.0
_FLOOR = -60.0
"""Decibels below which all is silence."""

_ILLEGIBLE = {
    "turned by 90 degrees",
    "turned by 180 degrees",
    "turned by 270 degrees",
    "turned by 90 degrees and mirrored",
    "upside down",
}
"""Clips whose numbers can't be read before or after they are turned."""


class Difference(NamedTuple):
    """One thing that was measured on both sides, where they differ most."""

    ours: float
    truth: float
    bound: float
    digits: int
    scale: float = 1.0

    @property
    def size(self) -> float:
        """How much they differ, in the unit of the bound."""
        return abs(self.ours - self.truth) * self.scale

    def __str__(self) -> str:
        return f"{self.ours:.{self.digits}f} / {self.truth:.{self.digits}f} / {self.size:.{self.digits}f}"


def main() -> int:
    """Print the table."""
    ffmpeg = shutil.which("ffmpeg")
    print(  # noqa: T201  it is a command
        "ours / truth / difference, where it is largest; truth is what PyAV decodes"
        + ("" if ffmpeg else "; ffmpeg is not installed and left out")
        + f"\n\n| kind | seconds (±{SECONDS}) |"
        + " ffmpeg, seconds |" * bool(ffmpeg)
        + f" sound by tenth, dB (±{DECIBELS}) | luma by tenth (±{LUMA})"
        + f" | pictures' times, s, s, ms (±{MILLISECONDS:.0f}) | right |\n|{'---|' * (6 + bool(ffmpeg))}"
    )
    wrong = 0
    for name, (file, make) in (awkward_clips.AWKWARD | awkward_clips.SOUNDS).items():
        with tempfile.TemporaryDirectory() as folder:
            path = make(Path(folder) / file)
            cells, right = _row(path, legible=name not in _ILLEGIBLE)
            if ffmpeg:
                cells.insert(1, _played(ffmpeg, path))
        wrong += not right
        print(f"| {name} | {' | '.join(cells)} | {'yes' if right else 'NO'} |", flush=True)  # noqa: T201
    return min(wrong, 1)


def _row(path: Path, *, legible: bool) -> tuple[list[str], bool]:
    info, truth = video.probe(path), decoded(path, legible=legible)
    length = f"{truth.seconds:.2f}" if truth else "nothing"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is damaged; the figures say how much
            (segment,) = video.split(path, window=60.0, fps=_FPS, out=path.parent / "out")
    except DMXOmniError as error:
        return [f"{info.problem or error} / {length}", *"–––"], truth is None
    ours = decoded(segment.path, seconds=truth.seconds if truth else None, legible=legible)
    if ours is None or truth is None:
        return [f"{ours.seconds if ours else 'nothing'} / {length}", *"–––"], False
    lengths = [info.duration, min(info.duration, ours.seconds)]  # what AAC adds behind the end doesn't count
    measured = [
        _largest(lengths, [truth.seconds] * 2, SECONDS, 2),
        _largest(_audible(ours), _audible(truth), DECIBELS, 1),
        _lumas(ours, truth),
        _times(ours, truth),
    ]
    return [str(each or "–") for each in measured], all(each is None or each.size <= each.bound for each in measured)


def _audible(recording: Recording) -> list[float]:
    return [max(level, _FLOOR) for level in recording.levels]


def _largest(ours: Sequence[float], truth: Sequence[float], bound: float, digits: int) -> Difference | None:
    """The pair that differs most. What only one side has is off without bound."""
    if not ours and not truth:
        return None
    if not ours or not truth:
        return Difference(math.inf, 0.0, bound, digits)
    pairs = [Difference(*pair, bound, digits) for pair in zip(ours, truth, strict=True)]
    return max(pairs, key=lambda pair: pair.size)


def _lumas(ours: Recording, truth: Recording) -> Difference | None:
    """Of the pictures that we show in each tenth, and of the same ones in the source."""
    lumas = {each.number: each.luma for each in truth.pictures}
    shown = ours.by_tenth()
    return _largest([each.luma for each in shown], [lumas.get(each.number, math.inf) for each in shown], LUMA, 1)


def _times(ours: Recording, truth: Recording) -> Difference | None:
    """The picture that is shown furthest from when the source shows it."""
    if not ours.pictures and not truth.pictures:
        return None
    return max(_late(ours, truth), key=lambda each: each.size, default=Difference(math.inf, 0.0, MILLISECONDS, 2))


def _late(ours: Recording, truth: Recording) -> Iterator[Difference]:
    starts = {each.number: each.start for each in truth.pictures}
    ends = {each.number: later.start for each, later in zip(truth.pictures, truth.pictures[1:], strict=False)}
    for each, later in zip_longest(ours.pictures, ours.pictures[1:]):
        last = later.start - 1 / _FPS if later else each.start  # that one takes over a tick late at most
        begin = starts.get(each.number, math.inf)
        for at in (each.start, max(each.start, last)):
            nearest = min(max(at, begin), max(begin, ends.get(each.number, math.inf)))
            yield Difference(at, nearest, MILLISECONDS, 2, 1000)


def _played(ffmpeg: str, path: Path) -> str:
    """How long the program plays a file."""
    command = [ffmpeg, "-nostdin", "-v", "error", "-threads", "1", "-i", str(path), "-map", "0:v:0?", "-map", "0:a:0?"]
    command += ["-progress", "-", "-f", "null", "-"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    times = [line.partition("=")[2] for line in run.stdout.splitlines() if line.startswith("out_time_us=")]
    return f"{int(times[-1]) / 1e6:.2f}" if times and times[-1].lstrip("-").isdigit() else "–"


if __name__ == "__main__":
    sys.exit(main())
