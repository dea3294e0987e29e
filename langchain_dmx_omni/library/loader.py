"""`VideoSegmentLoader`: recordings as documents, for anybody's vector store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document

from langchain_dmx_omni import jobs

from ._indexing import CaptionsFrom, Prepared, Recipe
from ._listing import Listed, StrPath, list_recordings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from langchain_dmx_omni import video

__all__ = ["VideoSegmentLoader"]

T = TypeVar("T")


class VideoSegmentLoader(BaseLoader):
    """Loads recordings as documents with times: what windows show, what is said, what can be read.

    It is lazy: a recording is asked about when its documents are wanted. What a model answers is kept, so that loading
    again, or going on after an interruption, asks only for what is missing.

    ```python
    from langchain_dmx_omni import ChatDMXOmni
    from langchain_dmx_omni.library import VideoSegmentLoader

    for document in VideoSegmentLoader("recordings/", ChatDMXOmni()).lazy_load():
        print(document.metadata["uri"], document.page_content)
    ```

    The metadata are flat: `source`, `uri` (with the media fragment `#t=start,end`), `video_id`, `kind` (`"caption"`,
    `"speech"`, `"text"`), `start_seconds`, `end_seconds`, `duration_seconds`, `title`, and where they are known
    `speaker`, `model`, `prompt_version`.

    Args:
        paths: One or several: files, folders, globs, or URLs of a place that `fsspec` knows.
        llm: The model that is asked.
        captions: `"model"` asks it (the default, if there is one); what is said is taken from subtitles beside a
            recording, where there are some. `"subtitles"` takes these alone. `"none"` (the default without a model)
            gives the windows alone, with the title and the time for a text.
        language: What to describe in; by default the language that is spoken, or English.
        window: Seconds of a window.
        by: Where windows end; see `jobs.Job`.
        folder: Where answers are kept: a path or a URL; by default the user's cache folder.
        folder_options: What it takes to get there, if it is a URL; see `jobs.Job`.
        source_options: The same for the recordings.

    Raises:
        ConfigurationError: There is no such `captions`, or no model for them.
    """

    def __init__(
        self,
        paths: StrPath | Iterable[StrPath],
        llm: BaseChatModel | None = None,
        *,
        captions: CaptionsFrom | None = None,
        language: str | None = None,
        window: float = jobs.CAPTION_WINDOW,
        by: video.By | None = None,
        folder: StrPath | None = None,
        folder_options: Mapping[str, Any] | None = None,
        source_options: Mapping[str, Any] | None = None,
    ) -> None:
        self._paths = paths
        self._source_options = source_options
        self._recipe = Recipe(
            captions=captions or ("none" if llm is None else "model"),
            llm=llm,
            language=language,
            window=window,
            by=by,
            folder=folder,
            folder_options=folder_options,
        )

    def lazy_load(self) -> Iterator[Document]:
        """Yield the documents, recording by recording.

        Raises:
            ConfigurationError: Nothing is there under one of the paths.
            ContentBlockError: A file is no recording, or has no subtitles and needs them; the message names it.
            DMXOmniError: A window has no answer; see `jobs.Job.invoke`.
        """
        for listed in list_recordings(self._paths, self._source_options):
            with self._prepared(listed) as prepared:
                job = self._job(prepared)
                captions = None if job is None else job.invoke(prepared.path)
                documents = self._recipe.indexed(prepared, captions).documents
            yield from documents

    async def alazy_load(self) -> AsyncIterator[Document]:
        """Async version of `lazy_load`."""
        for listed in await asyncio.to_thread(list_recordings, self._paths, self._source_options):
            async with _on_threads(self._prepared(listed)) as prepared:
                job = self._job(prepared)
                captions = None if job is None else await job.ainvoke(prepared.path)
                documents = (await asyncio.to_thread(self._recipe.indexed, prepared, captions)).documents
            for document in documents:
                yield document

    @contextmanager
    def _prepared(self, listed: Listed) -> Iterator[Prepared]:
        with listed.local() as path:
            yield self._recipe.prepare(listed, path)

    def _job(self, prepared: Prepared) -> jobs.Job[jobs.Captions] | None:
        """Return the job that asks about a recording; None where nobody is asked."""
        if self._recipe.captions != "model":
            return None
        return self._recipe.job(transcript=prepared.lines is None, on_error="raise")


@asynccontextmanager
async def _on_threads(manager: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave a context beside the event loop."""
    value = await asyncio.to_thread(manager.__enter__)
    try:
        yield value
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)
