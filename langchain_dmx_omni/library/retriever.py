"""`VideoMomentRetriever`: moments of recordings as LangChain's retriever."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
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
_RERANKED: Final = 20
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
    """What puts the first 20 (or `k`, if that is more) into a better order, such as `DMXReranker`."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        call = self._for_call(kwargs)
        if isinstance(call.vectorstore, MomentStore):
            scored = call.vectorstore.search_moments(query, **call._options())
        else:
            scored = call._choose(call.vectorstore.similarity_search_with_score(query, k=call._pool()))
        documents = _with_scores(scored)
        if call.reranker is not None and documents:
            documents = list(call.reranker.compress_documents(documents, query, run_manager.get_child()))
        return documents[: call.k]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **kwargs: Any
    ) -> list[Document]:
        call = self._for_call(kwargs)
        if isinstance(call.vectorstore, MomentStore):
            scored = await call.vectorstore.asearch_moments(query, **call._options())
        else:
            scored = call._choose(await call.vectorstore.asimilarity_search_with_score(query, k=call._pool()))
        documents = _with_scores(scored)
        if call.reranker is not None and documents:
            documents = list(await call.reranker.acompress_documents(documents, query, run_manager.get_child()))
        return documents[: call.k]

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
        return max(1, _POOL_A_RESULT * self._wanted())

    def _options(self) -> dict[str, Any]:
        return {"k": self._wanted(), "mode": self.mode, "sources": self.source, "between": self.between}

    def _choose(self, scored: Scored) -> Scored:
        """Return the results of a store that doesn't know moments which fulfil the filters, without overlaps."""
        fitting = [pair for pair in scored if matches(pair[0].metadata, self.source, self.between)]
        distinct = drop_overlaps((index, place(pair[0].metadata)) for index, pair in enumerate(fitting))
        return [fitting[index] for index in islice(distinct, self._wanted())]


def _with_scores(scored: Scored) -> list[Document]:
    return [
        Document(page_content=document.page_content, metadata={**document.metadata, "score": score}, id=document.id)
        for document, score in scored
    ]
