"""The recording: its windows, and the content block of each, by `langchain_dmx_omni.video`."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from langchain_dmx_omni import video
from langchain_dmx_omni.errors import ContentBlockError

from ._files import storing
from ._scratch import scratch_folder
from ._tasks.timeline import Window


@dataclass(frozen=True)
class WindowOptions:
    """How a recording is cut into windows; see `langchain_dmx_omni.video.windows` and `split`."""

    window: float | None
    overlap: float
    by: video.By
    fps: float | None


class Recording:
    """A local file, and the windows that it is asked about in.

    Attributes:
        path: The file.
        windows: Its windows, in order. Nothing is encoded for them.
        fps: Frames a second of what is sent; None leaves it to the budget.

    Raises:
        DMXOmniError: The file can't be read, or not be cut like this; see `langchain_dmx_omni.video.windows`.
    """

    def __init__(self, path: Path, options: WindowOptions) -> None:
        self.path = path
        self.fps = options.fps
        ranges = video.windows(path, window=options.window, overlap=options.overlap, by=options.by)
        self.windows = [Window(index, start, end) for index, (start, end) in enumerate(ranges)]

    def content_hash(self) -> str:
        """Return a hash of the file's bytes, which are read once for it.

        Raises:
            StorageError: The file can't be read.
        """
        with storing("read the recording", self.path, "try again"):
            return video.content_hash(self.path)

    def require_sound(self, remedy: str) -> None:
        """Make sure that there is something to hear.

        Raises:
            ContentBlockError: There is no sound in it; the message ends with the remedy.
        """
        if not video.probe(self.path).has_audio:
            raise ContentBlockError(f"{self.path.name}: there is no sound in it, and nothing was sent; {remedy}")

    def blocks(self, skip: Collection[int]) -> Generator[tuple[Window, dict[str, Any]]]:
        """Yield each window with its content block as it is encoded, but those whose index is in `skip`.

        One encoded window is on disk at a time; its block holds the bytes.

        Raises:
            ContentBlockError: A window can't be encoded.
            InvalidInputError: None can, like this.
            StorageError: There is no room for an encoded window.
        """
        ranges = [(window.start, window.end) for window in self.windows]
        remedy = "free some space, or set TMPDIR to another folder"
        with scratch_folder() as folder, storing("encode a window", folder, remedy):
            segments = cast(
                "Generator[video.Segment]",
                video.split(self.path, windows=ranges, skip=skip, out=folder, fps=self.fps),
            )
            with closing(segments):
                for segment in segments:
                    block = segment.block()
                    segment.path.unlink()
                    yield self.windows[segment.index], block
