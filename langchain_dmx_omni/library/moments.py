"""`Moment`: a span of a recording that a search gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._metadata import moment_uri

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from langchain_core.documents import Document


@dataclass(frozen=True)
class Moment:
    """A span of a recording.

    Attributes:
        source: The recording: a path, or what it was called when it was added.
        start: Seconds since the recording's beginning.
        end: Seconds since the recording's beginning.
        text: What is seen, said or written there.
        score: How well it answers, higher is better; comparable within one search only.
        kind: `"caption"`, `"speech"` or `"text"`; `""` where it was not said.
        id: Of the moment in the library.
        title: Of the recording, or `""`.
        speaker: Who speaks, or `""`.
        video_id: A hash of the recording's bytes, or `""`.
        thumbnail: The path of a small JPEG, or `""`.
    """

    source: str
    start: float
    end: float
    text: str
    score: float = 0.0
    kind: str = ""
    id: str = ""
    title: str = ""
    speaker: str = ""
    video_id: str = ""
    thumbnail: str = ""

    @property
    def uri(self) -> str:
        """The source with the media fragment `#t=start,end`."""
        return moment_uri(self.source, self.start, self.end)

    @classmethod
    def from_document(cls, document: Document, score: float = 0.0) -> Moment:
        """Return the moment that a document of the library tells of."""
        known: dict[str, Any] = document.metadata
        texts = {name: str(known.get(name) or "") for name in ("kind", "title", "speaker", "video_id", "thumbnail")}
        return cls(
            str(known["source"]),
            float(known["start_seconds"]),
            float(known["end_seconds"]),
            document.page_content,
            score,
            id=document.id or "",
            **texts,
        )

    def clip(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the span as an MP4 of its own, whole or not at all, and return its path.

        Args:
            path: Where it goes; what is there is replaced. Without it, a file in `video.cache_dir()`, written once.

        Raises:
            ConfigurationError: The span is empty or outside of the recording, or `path` is a folder, or the recording.
            ContentBlockError: The source is no local file that can be played.
            StorageError: The clip can't be written.
        """
        from ._clip import clip  # noqa: PLC0415  # an extra

        return clip(self.source, self.start, self.end, path)

    def show(self) -> None:
        """Show a player in a notebook, at the moment.

        Raises:
            ImportError: IPython is not installed.
        """
        from ._player import show  # noqa: PLC0415  # for notebooks alone

        show(self)

    def _repr_html_(self) -> str:
        from ._player import player  # noqa: PLC0415  # for notebooks alone

        return player(self)
