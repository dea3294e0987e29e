"""The recording: its windows, and the content block of each; all that jobs know of `langchain_dmx_omni.video`."""

from __future__ import annotations

from collections.abc import Collection, Generator
from pathlib import Path
from typing import Any

from langchain_dmx_omni import video

from ._timeline import Window


def plan(path: Path, *, window: float, overlap: float) -> list[Window]:
    """Return the windows of a recording. Nothing is encoded."""
    return [Window(index, start, end) for index, (start, end) in enumerate(video.windows(path, window, overlap))]


def blocks(
    path: Path, *, window: float, overlap: float, skip: Collection[int]
) -> Generator[tuple[int, dict[str, Any]]]:
    """Yield the content block of each window, with its number, as it is encoded; those in `skip` are not."""
    for segment in video.split(path, window=window, overlap=overlap, skip=skip):
        block = segment.block()
        segment.path.unlink(missing_ok=True)  # the block holds its bytes
        yield segment.index, block
