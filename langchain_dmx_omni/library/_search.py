"""What can be searched: a library's moments, by words, by meaning, or both."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.documents import Document

from langchain_dmx_omni._disk.names import is_url

from ._listing import StrPath
from ._searcher import Mode, check_search
from ._writing import Writer
from .moments import Moment
from .retriever import VideoMomentRetriever
from .store import MomentStore

if TYPE_CHECKING:
    from langchain_core.documents.compressor import BaseDocumentCompressor

Between = tuple[float | None, float | None]
Source = StrPath | Collection[StrPath]


class Searchable:
    """The part of a `Library` that reads.

    Attributes:
        place: The folder, or the URL.
        store: The moments, as a LangChain vector store.
    """

    place: str
    store: MomentStore
    _writer: Writer
    _reranker: BaseDocumentCompressor | None

    def search(
        self,
        query: str,
        *,
        k: int = 5,
        source: Source | None = None,
        between: Between | None = None,
        mode: Mode = "hybrid",
    ) -> list[Moment]:
        """Return the moments that answer best, best first.

        A moment that mostly overlaps a better one of the same recording is left out.

        Args:
            query: The question, in any language; nothing in it is syntax.
            k: How many moments, at most.
            source: Of this recording, or one of these, only.
            between: Only those that overlap this span of seconds; None leaves a side open.
            mode: `"words"`, `"meaning"`, or both, fused by reciprocal rank.

        Raises:
            ConfigurationError: `mode="meaning"` without embeddings.
            InvalidInputError: `k` or a filter that can't be.
            StorageError: The library can't be read.
        """
        check_search(k, mode)
        retriever = self.as_retriever(k=k, source=source, between=between, mode=mode)
        return [self._moment(each, each.metadata["score"]) for each in retriever.moments(query)]

    async def asearch(
        self,
        query: str,
        *,
        k: int = 5,
        source: Source | None = None,
        between: Between | None = None,
        mode: Mode = "hybrid",
    ) -> list[Moment]:
        """Async version of `search`."""
        check_search(k, mode)
        retriever = self.as_retriever(k=k, source=source, between=between, mode=mode)
        return [self._moment(each, each.metadata["score"]) for each in await retriever.amoments(query)]

    def moments(self, ids: Sequence[str]) -> list[Moment]:
        """Return the moments of these ids, in their order; those that are not there are left out."""
        return [self._moment(document) for document in self.store.get_by_ids(ids)]

    def _moment(self, document: Document, score: float = 0.0) -> Moment:
        moment = Moment.from_document(document, score)
        picture = f"{self.place}/{moment.thumbnail}" if moment.thumbnail and not is_url(self.place) else ""
        return replace(moment, thumbnail=picture)

    def __contains__(self, source: object) -> bool:
        """Whether a recording is in the library, by its path or by what it is called."""
        if not isinstance(source, str | os.PathLike):
            return False
        names = names_of(source)
        return bool(self._writer.recordings.of(names)) or self.store.count(sources=names) > 0

    def as_retriever(self, **search: Any) -> VideoMomentRetriever:
        """Return a LangChain retriever of moments.

        Args:
            **search: As of `search`: `k`, `source`, `between`, `mode`.
        """
        if search.get("source") is not None:
            search["source"] = names_of(search["source"])
        return VideoMomentRetriever(vectorstore=self.store, reranker=self._reranker, **search)


def names_of(source: Source) -> list[str]:
    """Return what recordings may be called in the library: as they are named, and by their whole path."""
    several = [source] if isinstance(source, str | os.PathLike) else list(source)
    names = [os.fspath(each) for each in several]
    paths = [os.path.abspath(os.path.expanduser(name)) for name in names if not is_url(name)]  # noqa: PTH100, PTH111
    return list(dict.fromkeys([*names, *paths]))
