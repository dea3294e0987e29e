"""The recording: its windows, and the content block of each; all that jobs know of `langchain_dmx_omni.video`."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from langchain_dmx_omni import video

from ._timeline import Window

if TYPE_CHECKING:
    from langchain_dmx_omni.video.windows import By


@dataclass(frozen=True)
class Cut:
    """How a recording is cut into windows; see `langchain_dmx_omni.video.windows` and `split`."""

    window: float | None
    overlap: float
    by: By
    fps: float | None


def plan(path: Path, cut: Cut) -> list[Window]:
    """Return the windows of a recording. Nothing is encoded."""
    found = video.windows(path, window=cut.window, overlap=cut.overlap, by=cut.by)
    return [Window(index, start, end) for index, (start, end) in enumerate(found)]


def blocks(
    path: Path, windows: Sequence[Window], cut: Cut, skip: Collection[int]
) -> Generator[tuple[Window, dict[str, Any]]]:
    """Yield each window with its content block as it is encoded; those in `skip` are not.

    One encoded window is on disk at a time; its block holds the bytes.
    """
    spans = [(window.start, window.end) for window in windows]
    with tempfile.TemporaryDirectory(prefix="dmx-omni-") as folder:
        segments = cast(
            "Generator[video.Segment]", video.split(path, windows=spans, skip=skip, out=folder, fps=cut.fps)
        )
        with closing(segments):
            for segment in segments:
                block = cast("dict[str, Any]", segment.block())
                segment.path.unlink()
                yield windows[segment.index], block
