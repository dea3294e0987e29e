"""`DMXReranker`: documents in the order in which they answer a question, by the service's rerank models."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from langchain_core.callbacks import Callbacks
from langchain_core.documents import BaseDocumentCompressor, Document
from pydantic import Field

from ._json_route import JSONExchange, JSONRoute, check_texts, index_of, items_of
from .errors import InvalidInputError, ProtocolError

__all__ = ["DMXReranker"]

Scores = dict[int, float]
"""The place of a document → how well it answers."""


class DMXReranker(JSONRoute, BaseDocumentCompressor):
    """A reranker of DMXAPI: `POST /rerank`, by default of `bge-reranker-v2-m3-free`, which costs nothing.

    With the same key as the chat model, and its clients, retries and errors::

        from langchain_dmx_omni import DMXReranker

        reranker = DMXReranker(top_n=3)
        best = reranker.compress_documents(documents, "When did the crane stop?")
        best[0].metadata["relevance_score"]

    All arguments are keyword arguments. Works wherever LangChain takes a `BaseDocumentCompressor`.

    Raises:
        InvalidInputError: On a call with an empty question or document, or without an API key; nothing is sent.
        DMXOmniError: On a call that failed; see `langchain_dmx_omni.errors` for the tree.
    """

    model: str = "bge-reranker-v2-m3-free"
    """Name of the model; another one is `jina-reranker-m0`."""

    top_n: int | None = Field(default=None, ge=1)
    """The most documents that come back; None for all of them."""

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """Return the documents that answer best, the best first.

        Args:
            documents: The documents; they stay as they are. Without any, nothing is sent.
            query: The question.
            callbacks: LangChain's; not used.

        Returns:
            Copies, with the score as `relevance_score` in their metadata; its range is the model's.

        Raises:
            InvalidInputError: The question or a document is empty; the message has its place. Nothing was sent.
            DMXOmniError: The call failed.
        """
        if not documents:
            return []
        return _ranked(documents, self._scores(documents, query).collect())

    async def acompress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """Async version of `compress_documents`."""
        if not documents:
            return []
        return _ranked(documents, await self._scores(documents, query).acollect())

    def _scores(self, documents: Sequence[Document], query: str) -> JSONExchange[Scores]:
        texts = [document.page_content for document in documents]
        check_texts(texts, "documents")
        if not query.strip():
            raise InvalidInputError("the query is empty: ask something")
        count = min(self.top_n or len(texts), len(texts))
        payload = {"model": self.model, "query": query, "documents": texts, "top_n": count}
        return self._exchange("rerank", payload, partial(_read, sent=len(texts), count=count))


def _read(answer: Any, *, sent: int, count: int) -> Scores:
    """Return the scores of an answer.

    Args:
        answer: Its JSON.
        sent: How many documents were sent.
        count: How many were asked for.

    Raises:
        ProtocolError: They are not as many as were asked for, each of another document.
    """
    scores: Scores = {}
    for item in items_of(answer, "results"):
        index = index_of(item, sent, scores)
        score = item.get("relevance_score")
        if not isinstance(score, float | int) or isinstance(score, bool) or not math.isfinite(score):
            raise ProtocolError(f"the relevance_score of index {index} is no finite number")
        scores[index] = float(score)
    if len(scores) != count:
        raise ProtocolError(f"the answer has scores of {len(scores)} documents; {count} were asked for")
    return scores


def _ranked(documents: Sequence[Document], scores: Scores) -> list[Document]:
    best = sorted(scores, key=lambda index: (-scores[index], index))
    return [_scored(documents[index], scores[index]) for index in best]


def _scored(document: Document, score: float) -> Document:
    return document.model_copy(update={"metadata": {**document.metadata, "relevance_score": score}})
