"""One recording → its moments: the same for threads, the event loop and a cluster. Asking is left to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from langchain_core.documents import Document

from langchain_dmx_omni import jobs, video
from langchain_dmx_omni.errors import ConfigurationError, ContentBlockError

from ._documents import documents, title_of, window_documents
from ._listing import Listed, StrPath
from ._recordings import Recorded
from ._sidecar import read_sidecar
from ._thumbnails import Thumbnails

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

CaptionsFrom = Literal["model", "subtitles", "none"]
"""Where it is known from what a recording shows and says: the model, subtitles beside it, or nowhere."""

_OVERLAP = 2.0
"""Seconds that windows share, so that a sentence over an edge is heard whole by one of them."""
_LAYOUT = 1
"""Of the documents; another number indexes everything anew, from the answers that are kept."""


class Prepared(NamedTuple):
    """A recording before anything is asked about it."""

    listed: Listed
    path: Path
    video_id: str
    duration: float
    """Seconds."""
    lines: list[jobs.Line] | None
    """What is said, by the subtitles beside it; None where there are none."""


class Indexed(NamedTuple):
    """A recording's moments, and what is to be known of it."""

    recorded: Recorded
    documents: list[Document]
    missing: Sequence[jobs.Missing]


@dataclass(frozen=True)
class Recipe:
    """How recordings become moments.

    Args:
        captions: Where it is known from what a recording shows and says.
        llm: The model, where it is asked.
        language: What it describes in; None for the language that is spoken.
        window: Seconds of a window.
        by: Where windows end; see `jobs.Job`.
        folder: Where its answers are kept.
        folder_options: What fsspec needs for that.
        thumbnails: Where small pictures go; None for none.

    Raises:
        ConfigurationError: There is no such `captions`, or no model for them.
    """

    captions: CaptionsFrom
    llm: BaseChatModel | None
    language: str | None
    window: float
    by: video.By | None
    folder: StrPath | None
    folder_options: Mapping[str, Any] | None
    thumbnails: Thumbnails | None = None

    def __post_init__(self) -> None:
        if self.captions not in get_args(CaptionsFrom):
            raise ConfigurationError(f"captions={self.captions!r}: 'model', 'subtitles' or 'none'")
        if self.captions == "model" and self.llm is None:
            raise ConfigurationError(
                'captions="model" asks a model: open the library with llm=ChatDMXOmni(); '
                'or take captions="subtitles" or "none"'
            )

    @property
    def digest(self) -> str:
        """A short name: another one where recordings would become other moments."""
        about: list[Any] = [_LAYOUT, self.captions, self.window, self.by]
        if self.captions != "none":
            about.append(self.language)  # chooses among several files with subtitles, too
        if self.captions == "model":
            about += [self.model, self.task(transcript=True).version]
        return hashlib.blake2b(json.dumps(about).encode(), digest_size=8).hexdigest()

    @property
    def model(self) -> str:
        """The name of the model, or `""`."""
        return "" if self.llm is None else str(self.llm._get_ls_params().get("ls_model_name", ""))

    def task(self, *, transcript: bool) -> jobs.Task[Any, jobs.Captions]:
        """Return what is asked of each window."""
        return jobs.captions(language=self.language, transcript=transcript)

    def job(self, *, transcript: bool, on_error: Literal["raise", "skip"] = "skip") -> jobs.Job[jobs.Captions]:
        """Return the job that asks it; `on_error` says what becomes of windows that are refused."""
        assert self.llm is not None
        return jobs.Job(
            self.llm,
            self.task(transcript=transcript),
            window=self.window,
            overlap=min(_OVERLAP, self.window / 4),
            by=self.by,
            folder=self.folder,
            folder_options=self.folder_options,
            on_error=on_error,
        )

    def prepare(self, listed: Listed, path: Path) -> Prepared:
        """Look at a recording: what it is, and what lies beside it. Nothing is asked.

        Raises:
            ContentBlockError: It is no recording, or it can't be read.
        """
        info = video.probe(path)
        if info.kind is None or info.duration <= 0:
            raise ContentBlockError(f"{listed.source}: {info.problem or 'there is nothing to play in it'}")
        lines = None if self.captions == "none" else read_sidecar(path, self.language)
        if lines is None and self.captions == "subtitles":
            raise ContentBlockError(
                f"{listed.source}: there are no subtitles beside it (such as {path.stem}.srt or {path.stem}.vtt); "
                'captions="model" asks the model, captions="none" does without'
            )
        return Prepared(listed, path, video.content_hash(path), info.duration, lines)

    def indexed(self, prepared: Prepared, captions: jobs.Captions | None) -> Indexed:
        """Return a recording's moments, once the model has said what it has to.

        Args:
            prepared: The recording.
            captions: What the model has said; None where it wasn't asked.
        """
        source, video_id, duration = prepared.listed.source, prepared.video_id, prepared.duration
        known: dict[str, Any] = {
            "source": source,
            "video_id": video_id,
            "duration": duration,
            "title": title_of(source),
        }
        if self.captions == "none":
            ranges = video.windows(prepared.path, window=self.window)
            moments = window_documents([jobs.Window(index, *each) for index, each in enumerate(ranges)], **known)
        else:
            version = self.task(transcript=prepared.lines is None).version if captions is not None else ""
            moments = documents(
                captions,
                **known,
                model=self.model if captions is not None else "",
                prompt_version=version,
                transcript=prepared.lines,
            )
        if self.thumbnails is not None:
            self.thumbnails.add(moments, prepared.path, video_id)
        missing = captions.missing if captions is not None else []
        recorded = Recorded(
            source, "file", video_id, prepared.listed.version, self.digest, duration, len(moments), len(missing)
        )
        return Indexed(recorded, moments, missing)
