"""`MomentStore`: moments in a table of LanceDB, searched by words, by meaning, or by both."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Self

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.runnables import run_in_executor
from langchain_core.vectorstores import VectorStore
from langchain_core.vectorstores.utils import maximal_marginal_relevance

from langchain_dmx_omni.errors import ConfigurationError

from ._database import Database
from ._embedding import embedding_name
from ._filters import Span, one_of, where
from ._fusion import drop_overlaps, reciprocal_rank
from ._records import Records
from ._rows import (
    ROWS_A_COMMIT,
    TEXTS_A_REQUEST,
    document_ids,
    document_row,
    place,
    row_batches,
    row_document,
    slices,
    words,
)
from ._searcher import Mode, check_search
from ._table import MomentTable, Row, Scored

_POOL: Final = 40
"""The least moments of each ranking that are fused."""
_WEIGHTS: Final = (0.9, 1.0)
"""Of words and of meaning: where the first of both would tie, meaning goes first. See `benchmarks/retrieval.py`."""

_POOL_A_RESULT: Final = 4


class MomentStore(VectorStore):
    """A vector store for moments of recordings; `MomentStore.open` opens one.

    Documents are written by id: one of an id that is there already takes its place. All metadata is kept; the names of
    the library's own (`source`, `start_seconds`, …) are columns, and can be filtered by.

    One process should write at a time. Another one's reads see whole versions: all of a write, or nothing of it.
    """

    def __init__(self, table: MomentTable, embeddings: Embeddings | None) -> None:
        self._table = table
        self._embeddings = embeddings

    @classmethod
    def open(
        cls,
        uri: str | os.PathLike[str],
        *,
        embeddings: Embeddings | None = None,
        storage_options: Mapping[str, str] | None = None,
    ) -> Self:
        """Return the store at a place; an empty one where there is none.

        Args:
            uri: A folder, or an address of object storage such as `s3://bucket/films.library`.
            embeddings: What makes vectors of texts; None for a store that is searched by words alone.
            storage_options: What the object storage needs, by LanceDB's names, such as `aws_access_key_id`.

        Raises:
            ConfigurationError: The store was made with other embeddings.
            ImportError: LanceDB isn't installed.
            StorageError: There is something else, or it can't be reached.
        """
        table = MomentTable(Database(uri, storage_options))
        if embeddings is not None:
            table.check(embedding_name(embeddings))
        return cls(table, embeddings)

    @property
    def uri(self) -> str:
        """Where the store is."""
        return self._table.database.uri

    @property
    def embeddings(self) -> Embeddings | None:
        """What makes vectors of texts, or None."""
        return self._embeddings

    @property
    def embedding(self) -> tuple[str, int] | None:
        """The name of the embeddings that the store was made with, and the size of its vectors; None without any."""
        name = self._table.embedding
        return (name, self._table.size) if name else None

    def records(self, namespace: str = "moments") -> Records:
        """Return the record of what is indexed, beside the store: for `langchain_core.indexing.index`."""
        return Records(namespace, self._table.database)

    # Writing

    def add_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Write documents by id, and return their ids.

        Args:
            documents: A document without an id is called by a hash of its text and metadata.
            **kwargs: `ids`, which take the place of the documents' own; `batch_size`, texts embedded at once.

        Raises:
            ConfigurationError: The store's vectors are of other embeddings.
            InvalidInputError: Metadata that isn't JSON; not as many ids as documents.
            StorageError: The place can't be written.
        """
        ids = document_ids(documents, kwargs.get("ids"))
        for rows, requests in row_batches(documents, ids, kwargs.get("batch_size")):
            vectors: list[list[float]] | None = None
            if self._embeddings is not None:
                vectors = [vector for texts in requests for vector in self._embeddings.embed_documents(texts)]
            self._write(rows, vectors)
        return ids

    async def aadd_documents(self, documents: list[Document], **kwargs: Any) -> list[str]:
        """Async version of `add_documents`."""
        ids = document_ids(documents, kwargs.get("ids"))
        for rows, requests in row_batches(documents, ids, kwargs.get("batch_size")):
            vectors: list[list[float]] | None = None
            if self._embeddings is not None:
                vectors = [vector for texts in requests for vector in await self._embeddings.aembed_documents(texts)]
            await run_in_executor(None, self._write, rows, vectors)
        return ids

    def replace(self, documents: Sequence[Document], gone: Collection[str]) -> None:
        """Write documents by id and delete others, in one commit.

        Args:
            documents: The documents.
            gone: The ids of those that are deleted.

        Raises:
            ConfigurationError: The store's vectors are of other embeddings.
            InvalidInputError: Metadata that isn't JSON.
            StorageError: The place can't be written.
        """
        if not documents:
            if gone:
                self._table.delete(one_of("id", gone))
            return
        ids = document_ids(documents)
        rows = [document_row(document, id) for document, id in zip(documents, ids, strict=True)]
        vectors: list[list[float]] | None = None
        if self._embeddings is not None:
            batches = slices([row["words"] for row in rows], TEXTS_A_REQUEST)
            vectors = [vector for texts in batches for vector in self._embeddings.embed_documents(texts)]
        self._write(rows, vectors, one_of("id", gone) if gone else None)

    def _write(self, rows: list[Row], vectors: list[list[float]] | None, gone: str | None = None) -> None:
        name = embedding_name(self._embeddings) if self._embeddings is not None else None
        self._table.write(rows, vectors, name, gone)

    def delete(self, ids: list[str] | None = None, **kwargs: Any) -> bool | None:
        """Delete documents by id, or those that fulfil `filter`, or both; without either, all of them.

        Args:
            ids: The ids.
            **kwargs: `filter`, values of the metadata by name, each one value or a list of values.
        """
        equal = where(equal=kwargs.get("filter"))
        if ids is None:
            self._table.delete(equal or "true")
        for some in slices(ids or [], ROWS_A_COMMIT):
            condition = one_of("id", some)
            self._table.delete(f"{condition} AND ({equal})" if equal else condition)
        return True

    def reembed(self, embeddings: Embeddings | None) -> None:
        """Make every vector anew with other embeddings, or leave them out: a new version, whole or nothing.

        Raises:
            StorageError: The place can't be written, or another process wrote meanwhile.
        """
        if embeddings is None:
            self._table.rewrite(None, 0, lambda _texts: None)
        else:
            sample = embeddings.embed_query("size")
            self._table.rewrite(embedding_name(embeddings), len(sample), embeddings.embed_documents)
        self._embeddings = embeddings

    def optimize(self) -> None:
        """Index what was written since, merge small files, and remove old versions. Adding does it in batches."""
        self._table.optimize()

    # Reading

    def count(
        self,
        *,
        sources: Collection[str] | str | None = None,
        between: Span | None = None,
        kinds: Collection[str] | str | None = None,
    ) -> int:
        """Return how many moments there are."""
        return self._table.count(where(sources, between, kinds))

    def documents(
        self,
        *,
        sources: Collection[str] | str | None = None,
        between: Span | None = None,
        kinds: Collection[str] | str | None = None,
    ) -> Iterator[Document]:
        """Yield the documents, in no order."""
        return self._table.documents(where(sources, between, kinds))

    def ids(self, *, sources: Collection[str] | str | None = None) -> Iterator[tuple[str, str | None]]:
        """Yield the id of each moment and its recording, in no order."""
        for batch in self._table.batches(("id", "source"), where(sources)):
            yield from zip(batch["id"].to_pylist(), batch["source"].to_pylist(), strict=True)

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents of these ids, in their order; missing ones are left out."""
        conditions = (one_of("id", some) for some in slices(ids, ROWS_A_COMMIT))
        documents = {document.id: document for condition in conditions for document in self._table.documents(condition)}
        return [documents[id] for id in dict.fromkeys(ids) if id in documents]

    def search_moments(
        self,
        query: str,
        *,
        k: int = 5,
        mode: Mode = "hybrid",
        sources: Collection[str] | str | None = None,
        between: Span | None = None,
        kinds: Collection[str] | str | None = None,
    ) -> list[tuple[Document, float]]:
        """Return the moments that answer best, with their scores; higher is better, within one search.

        A moment that mostly overlaps a better one of the same recording is left out. Nothing in the query is syntax; a
        blank one finds nothing.

        Args:
            query: The question, in any language.
            k: The most moments.
            mode: How they are found; a store without embeddings finds by words in place of both.
            sources: Of these recordings only, or of this one.
            between: Only those that overlap this span of seconds; None leaves a side open.
            kinds: Of these grains only.

        Raises:
            ConfigurationError: `mode="meaning"` without embeddings.
            InvalidInputError: `k`, `mode` or a filter that can't be.
            StorageError: The store can't be read.
        """
        check_search(k, mode)
        condition = where(sources, between, kinds)
        embeddings = self._embeddings_for(k, mode)
        vector = embeddings.embed_query(words(query)) if embeddings and query.strip() else None
        return self._find(query, vector, k, mode, condition)

    async def asearch_moments(
        self,
        query: str,
        *,
        k: int = 5,
        mode: Mode = "hybrid",
        sources: Collection[str] | str | None = None,
        between: Span | None = None,
        kinds: Collection[str] | str | None = None,
    ) -> list[tuple[Document, float]]:
        """Async version of `search_moments`."""
        check_search(k, mode)
        condition = where(sources, between, kinds)
        embeddings = self._embeddings_for(k, mode)
        vector = await embeddings.aembed_query(words(query)) if embeddings and query.strip() else None
        return await run_in_executor(None, self._find, query, vector, k, mode, condition)

    def _embeddings_for(self, k: int, mode: Mode) -> Embeddings | None:
        """Return what makes the vector of a query, or None where the search does without."""
        if mode == "meaning" and self._embeddings is None:
            msg = f"the store in {self.uri} was opened without embeddings: pass those it was made with, or reembed()"
            raise ConfigurationError(msg)
        if k == 0 or mode == "words" or self._embeddings is None or self._table.is_empty:
            return None
        self._table.check(embedding_name(self._embeddings))
        return self._embeddings

    def _find(
        self, query: str, vector: list[float] | None, k: int, mode: Mode, condition: str | None
    ) -> list[tuple[Document, float]]:
        if k == 0 or not query.strip():
            return []
        pool = max(_POOL, _POOL_A_RESULT * k)
        rankings: list[list[Scored]] = []
        if vector is None or mode != "meaning":
            rankings.append(self._table.by_words(words(query), pool, condition))
        if vector is not None:
            rankings.append(self._table.by_meaning(vector, pool, condition))
        rows = {row["id"]: row for ranking in rankings for row, _score in ranking}
        if len(rankings) == 1:
            scores = {row["id"]: score for row, score in rankings[0]}
        else:
            ids = [[row["id"] for row, _score in ranking] for ranking in rankings]
            scores = dict(reciprocal_rank(ids, _WEIGHTS))
        distinct = drop_overlaps((id, place(rows[id])) for id in scores)
        return [(row_document(rows[id]), scores[id]) for id in islice(distinct, k)]

    # What LangChain calls a vector store

    def similarity_search(self, query: str, k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the `k` documents nearest in meaning; by words, where there are no embeddings.

        Args:
            query: The question.
            k: The most documents.
            **kwargs: `filter`, values of the metadata by name, each one value or a list of values.
        """
        return [document for document, _score in self.similarity_search_with_score(query, k, **kwargs)]

    def similarity_search_with_score(self, query: str, k: int = 4, **kwargs: Any) -> list[tuple[Document, float]]:
        """Return the `k` documents nearest in meaning and their cosine; by words and their BM25, without embeddings."""
        check_search(k)
        condition = where(equal=kwargs.get("filter"))
        if embeddings := self._embeddings_for(k, "hybrid"):
            scored = self._table.by_meaning(embeddings.embed_query(words(query)), k, condition)
        else:
            scored = self._table.by_words(words(query), k, condition)
        return [(row_document(row), score) for row, score in scored]

    def similarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        """Return the `k` documents whose vectors are nearest; `filter` as in `similarity_search`."""
        check_search(k)
        scored = self._table.by_meaning(embedding, k, where(equal=kwargs.get("filter")))
        return [row_document(row) for row, _score in scored]

    def max_marginal_relevance_search(
        self, query: str, k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return `k` documents of the `fetch_k` nearest, near to the query and far from one another.

        Args:
            query: The question.
            k: The most documents.
            fetch_k: How many are chosen from.
            lambda_mult: 1 for the nearest, 0 for the most unlike one another.
            **kwargs: `filter` as in `similarity_search`.

        Raises:
            ConfigurationError: There are no embeddings.
        """
        embeddings = self._embeddings_for(k, "meaning")
        if embeddings is None:
            return []
        vector = embeddings.embed_query(words(query))
        return self.max_marginal_relevance_search_by_vector(vector, k, fetch_k, lambda_mult, **kwargs)

    def max_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **kwargs: Any
    ) -> list[Document]:
        """Return `k` documents of the `fetch_k` nearest to a vector; else as `max_marginal_relevance_search`."""
        import numpy as np  # noqa: PLC0415

        check_search(k)
        condition = where(equal=kwargs.get("filter"))
        rows = [row for row, _score in self._table.by_meaning(embedding, fetch_k, condition, vectors=True)]
        chosen = maximal_marginal_relevance(np.array(embedding), [row["vector"] for row in rows], lambda_mult, k)
        return [row_document(rows[index]) for index in chosen]

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return lambda cosine: min(max(cosine, 0.0), 1.0)

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings | None,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return a store with these texts.

        Args:
            texts: The texts.
            embedding: What makes vectors of them, or None.
            metadatas: The metadata of each.
            ids: The id of each.
            **kwargs: `uri` and `storage_options` of `MomentStore.open`.
        """
        store = cls.open(kwargs.pop("uri"), embeddings=embedding, storage_options=kwargs.pop("storage_options", None))
        store.add_texts(texts, metadatas, ids=ids, **kwargs)
        return store
