"""What happens to awkward inputs: `python -m benchmarks.awkward_inputs` makes each, and prints a table."""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from langchain_dmx_omni import DMXOmniError, video
from tests import clips

_BUDGET = 60_000


def main() -> int:
    """Print the table."""
    lines = ["| input | probe | fit (small files of a known kind stay as they are) | split |", "|---|---|---|---|"]
    for name, (file, make) in clips.AWKWARD.items():
        with tempfile.TemporaryDirectory() as folder:
            path, out = make(Path(folder) / file), Path(folder) / "out"
            info = video.probe(path)
            target = out / ("fit.mp4" if info.has_video else "fit.m4a")
            fitted = _told(lambda path=path, to=target: _said(video.probe(video.fit(path, max_bytes=_BUDGET, out=to))))
            parts = _told(lambda path=path, to=out: _parts(video.split(path, window=1.0, out=to)))
            lines.append(f"| {name} | {_said(info)} | {fitted} | {parts} |")
    lines += ["", "| sound | probe | decibels by tenths: decoded | fitted |", "|---|---|---|---|"]
    for name, (file, make) in clips.SOUNDS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = make(Path(folder) / file)
            info = video.probe(path)
            fitted = _told(lambda path=path, info=info: _levels(_whole(path), info.duration))
            lines.append(f"| {name} | {_said(info)} | {_levels(path, info.duration)} | {fitted} |")
    print("\n".join(lines))  # noqa: T201  it is a command
    return 0


def _said(info: video.MediaInfo) -> str:
    if info.kind is None:
        return str(info.problem)
    shown = f", {info.width}×{info.height} at {info.fps:.4g} fps" if info.has_video and info.fps else ""
    turned = f", turned by {info.rotation}°" if info.rotation else ""
    sound = ", sound" if info.has_audio else ""
    return f"{info.container}, {info.duration:.2f} s{shown}{turned}{sound}" + (f"; {info.problem}" * info.damaged)


def _whole(path: Path) -> Path:
    (segment,) = video.split(path, window=60.0, out=path.parent / "out")
    return segment.path


def _levels(path: Path, seconds: float) -> str:
    return " ".join(f"{level:.0f}" for level in clips.heard(path, seconds))


def _parts(segments: object) -> str:
    found = [*segments]  # type: ignore[call-overload]
    return f"{len(found)}: " + ", ".join(f"{each.start:.2f} to {each.end:.2f}" for each in found)


def _told(work: Callable[[], str]) -> str:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            return work() + (" (with a warning)" if warned else "")
        except DMXOmniError as error:
            return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    sys.exit(main())
