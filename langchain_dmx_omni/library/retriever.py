"""`VideoMomentRetriever`: moments of recordings as LangChain's retriever."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun, Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore
from pydantic import ConfigDict, Field

from langchain_dmx_omni.errors import InvalidInputError

from ._filters import Span, matches
from ._fusion import drop_overlaps
from ._rows import place
from ._searcher import Mode
from .store import MomentStore

Scored = list[tuple[Document, float]]

_POOL_A_RESULT: Final = 4
_RERANKED: Final = 50
_OPTIONS: Final = ("vectorstore", "k", "mode", "source", "between", "reranker")


class VideoMomentRetriever(BaseRetriever):
    """Finds the moments that answer a question, in a `MomentStore` or any other `VectorStore`.

    Each document carries its `score` in its metadata. A moment that mostly overlaps a better one is left out.

    In a `MomentStore` moments are found by words and by meaning, and `source` and `between` choose before the search.
    Another store is searched by meaning; there `source` and `between` choose among four times `k` results, so that
    fewer than `k` may be left. Any field may be given for one call too: `retriever.invoke("…", k=3)`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    vectorstore: VectorStore
    """Where the moments are."""

    k: int = Field(default=5, ge=0)
    """The most moments."""

    mode: Mode = "hybrid"
    """How a `MomentStore` is searched."""

    source: str | Sequence[str] | None = None
    """The recording that is searched, or several; None for all."""

    between: Span | None = None
    """The span that moments overlap, in seconds; None leaves a side open."""

    reranker: BaseDocumentCompressor | None = None
    """What puts the first 50 (or `k`, if that is more) into a better order, such as `DMXReranker`."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        return self._for_call(kwargs).moments(query, run_manager.get_child())

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        return await self._for_call(kwargs).amoments(query, run_manager.get_child())

    def moments(self, query: str, callbacks: Callbacks = None) -> list[Document]:
        """Return the moments as `invoke` does, without a run of LangChain's around it.

        Args:
            query: The question.
            callbacks: What the reranker is called with.

        Raises:
            DMXOmniError: As of the store, and of the reranker.
        """
        if not self.k:
            return []
        if isinstance(self.vectorstore, MomentStore):
            scored = self.vectorstore.search_moments(query, **self._options())
        else:
            scored = self._choose(self.vectorstore.similarity_search_with_score(query, k=self._pool()))
        documents = [_with_score(*each) for each in scored]
        if self.reranker is not None and documents:
            documents = _reranked(self.reranker.compress_documents(documents, query, callbacks))
        return documents[: self.k]

    async def amoments(self, query: str, callbacks: Callbacks = None) -> list[Document]:
        """Async version of `moments`."""
        if not self.k:
            return []
        if isinstance(self.vectorstore, MomentStore):
            scored = await self.vectorstore.asearch_moments(query, **self._options())
        else:
            scored = self._choose(await self.vectorstore.asimilarity_search_with_score(query, k=self._pool()))
        documents = [_with_score(*each) for each in scored]
        if self.reranker is not None and documents:
            documents = _reranked(await self.reranker.acompress_documents(documents, query, callbacks))
        return documents[: self.k]

    def _for_call(self, options: dict[str, Any]) -> VideoMomentRetriever:
        """Return the retriever with the options of one call."""
        if not options:
            return self
        if unknown := options.keys() - set(_OPTIONS):
            msg = f"a retriever of moments takes {', '.join(_OPTIONS)}, not {', '.join(sorted(unknown))}"
            raise InvalidInputError(msg)
        return VideoMomentRetriever(**{name: getattr(self, name) for name in _OPTIONS} | options)

    def _wanted(self) -> int:
        return self.k if self.reranker is None else max(self.k, _RERANKED)

    def _pool(self) -> int:
        return _POOL_A_RESULT * self._wanted()

    def _options(self) -> dict[str, Any]:
        return {"k": self._wanted(), "mode": self.mode, "sources": self.source, "between": self.between}

    def _choose(self, scored: Scored) -> Scored:
        """Return the results of a store that doesn't know moments which fulfil the filters, without overlaps."""
        fitting = [pair for pair in scored if matches(pair[0].metadata, self.source, self.between)]
        distinct = drop_overlaps((index, place(pair[0].metadata)) for index, pair in enumerate(fitting))
        return [fitting[index] for index in islice(distinct, self._wanted())]


def _reranked(documents: Sequence[Document]) -> list[Document]:
    """Return documents as a reranker sorts them, with its scores; one that gives none leaves those of the search."""
    return [
        document if (score := document.metadata.get("relevance_score")) is None else _with_score(document, float(score))
        for document in documents
    ]


def _with_score(document: Document, score: float) -> Document:
    return Document(page_content=document.page_content, metadata={**document.metadata, "score": score}, id=document.id)
