"""What can be searched: a library's moments, by words, by meaning, or both."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from langchain_core.documents import Document

from ._listing import StrPath, is_url
from ._searcher import Mode
from ._writing import Writer
from .moments import Moment
from .retriever import VideoMomentRetriever
from .store import MomentStore

if TYPE_CHECKING:
    from langchain_core.documents.compressor import BaseDocumentCompressor

Between = tuple[float | None, float | None]
Source = StrPath | Collection[StrPath]

_MOST_RERANKED: Final = 50


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
        names = None if source is None else names_of(source)
        scored = self.store.search_moments(query, k=self._pool(k), sources=names, between=between, mode=mode)
        if self._reranker is not None and scored:
            scored = _reranked(self._reranker.compress_documents([each for each, _ in scored], query), k)
        return [self._moment(*each) for each in scored]

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
        names = None if source is None else names_of(source)
        scored = await self.store.asearch_moments(query, k=self._pool(k), sources=names, between=between, mode=mode)
        if self._reranker is not None and scored:
            scored = _reranked(await self._reranker.acompress_documents([each for each, _ in scored], query), k)
        return [self._moment(*each) for each in scored]

    def _pool(self, k: int) -> int:
        """Return how many moments are searched for: more than are wanted, where they are sorted once more."""
        return k if self._reranker is None or k < 1 else max(k, _MOST_RERANKED)

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


def _reranked(documents: Sequence[Document], k: int) -> list[tuple[Document, float]]:
    return [(document, float(document.metadata.get("relevance_score") or 0.0)) for document in documents[:k]]
