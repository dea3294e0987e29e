"""The table of moments: its schema, its indices, and what is asked of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from langchain_core.documents import Document

from langchain_dmx_omni.errors import ConfigurationError, StorageError

from ._database import Database, Table
from ._metadata import FIELDS
from ._rows import COLUMNS, row_document

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
Scored = tuple[Row, float]

_NAME: Final = "moments"
_EMBEDDING: Final = b"langchain_dmx_omni.embedding"

_ROWS_FOR_INDICES: Final = 20_000
"""Fewer are looked through as fast without."""
_GROWTH: Final = 2
"""How many times as many rows the vectors are indexed anew for."""
_ROOM: Final = 10_000
"""Results that Lance may always make room for."""
_TEXTS_A_BATCH: Final = 256


class MomentTable(Table):
    """The table of moments in a database. It is made at the first write, when the size of a vector is known."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, _NAME)
        if self.lance is not None:
            self._check_columns()
            self._index_words()

    @property
    def embedding(self) -> str | None:
        """The name of the embeddings whose vectors it holds, or None."""
        metadata = self.lance.schema.metadata or {} if self.lance is not None else {}
        name: bytes | None = metadata.get(_EMBEDDING)
        return name.decode() if name else None

    @property
    def size(self) -> int:
        """The size of a vector, or 0."""
        if self.lance is None or "vector" not in self.lance.schema.names:
            return 0
        return int(self.lance.schema.field("vector").type.list_size)

    @property
    def is_empty(self) -> bool:
        """Whether it holds no moment."""
        return not self.count()

    def check(self, embedding: str | None) -> None:
        """Check that its vectors are of these embeddings, if there are any moments.

        Raises:
            ConfigurationError: They are of others.
        """
        if self.embedding != embedding and not self.is_empty:
            msg = (
                f"the store in {self.database.uri} was made with {self.embedding or 'no embeddings'}, not with "
                f"{embedding or 'none'}: open it with those, or open it without any and make its vectors anew with "
                "reembed()"
            )
            raise ConfigurationError(msg)

    # Writing

    def write(
        self,
        rows: Sequence[Row],
        vectors: Sequence[Sequence[float]] | None,
        embedding: str | None,
        gone: str | None = None,
    ) -> None:
        """Write rows, each in the place of the one of its id: a new version, whole or nothing.

        Args:
            rows: The rows.
            vectors: The vector of each; None where there are words alone.
            embedding: The name of what made them.
            gone: The condition of rows that are deleted in the same version.

        Raises:
            ConfigurationError: The table's vectors are of other embeddings, or of another size.
        """
        self._fit(embedding, len(vectors[0]) if vectors else 0)
        self.upsert(_arrow(rows, vectors, self.lance.schema), ["id"], gone)

    def rewrite(
        self, embedding: str | None, size: int, embed: Callable[[list[str]], Sequence[Sequence[float]] | None]
    ) -> None:
        """Write every row with other vectors: a new version, whole or nothing.

        Raises:
            StorageError: Moments were written meanwhile, or the place can't be written.
        """
        import pyarrow as pa  # noqa: PLC0415

        if self.lance is None:
            return
        old, version = self.lance, self.lance.version
        schema = _schema(embedding, size)

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in self.batches((*COLUMNS, "words"), rows=_TEXTS_A_BATCH):
                if rows := batch.to_pylist():
                    yield from _arrow(rows, embed([row["words"] for row in rows]), schema).to_batches()
            if old.version != version:
                msg = "there is a conflict: moments were written meanwhile"
                raise RuntimeError(msg)

        self.replace(pa.RecordBatchReader.from_batches(schema, batches()))
        self._index_words()
        self.optimize()

    def optimize(self) -> None:
        """Do what every table's `optimize` does, and index sources and vectors when they have become many."""
        super().optimize()
        rows = self.count()
        if rows >= _ROWS_FOR_INDICES:
            with self.database.errors("index the library"):
                self._index_sources()
                if self.size:
                    self._index_vectors(rows)

    # Reading

    def documents(self, condition: str | None = None) -> Iterator[Document]:
        """Yield the documents that fulfil a condition, in no order."""
        for batch in self.batches(COLUMNS, condition):
            yield from map(row_document, batch.to_pylist())

    def by_words(self, text: str, limit: int, condition: str | None) -> list[Scored]:
        """Return rows that share words with a text, and their BM25, best first; ties in the order of ids."""
        if self.lance is None:
            return []
        from lancedb.query import MatchQuery  # noqa: PLC0415

        # A `MatchQuery` is words only, whereas a string would be parsed.
        with self.database.errors("search the library"):
            query = self.lance.search(MatchQuery(text, "words"), query_type="fts").select([*COLUMNS, "_score"])
            rows = self._first(query, limit, condition)
        return _ranked((row, row.pop("_score")) for row in rows)

    def by_meaning(
        self, vector: Sequence[float], limit: int, condition: str | None, *, vectors: bool = False
    ) -> list[Scored]:
        """Return the rows whose vectors are nearest, and the cosine, nearest first; ties in the order of ids.

        Raises:
            ConfigurationError: The vector is of another size than the table's.
        """
        if self.lance is None:
            return []
        self._check_size(len(vector))
        columns = [*COLUMNS, "_distance", *(["vector"] if vectors else [])]
        with self.database.errors("search the library"):
            query = self.lance.search(list(vector), vector_column_name="vector").distance_type("cosine")
            # More partitions than the usual twenty are looked through when a filter leaves too few rows of them.
            rows = self._first(query.maximum_nprobes(0).select(columns), limit, condition)
        return _ranked((row, 1.0 - row.pop("_distance")) for row in rows)

    def _first(self, query: Any, limit: int, condition: str | None) -> list[Row]:
        """Return the first rows of a query; the condition chooses before the search."""
        # Lance makes room for as many as it may return, and takes 0 for no limit.
        most = limit if limit <= _ROOM else min(limit, self.lance.count_rows())
        if most < 1:
            return []
        limited = query.limit(most)
        first: list[Row] = (limited.where(condition, prefilter=True) if condition else limited).to_list()
        return first

    # Its make

    def _fit(self, embedding: str | None, size: int) -> None:
        """Make the table for these vectors, unless it holds some."""
        if self.lance is None:
            self.make(_schema(embedding, size))
        elif (self.embedding, self.size) != (embedding, size) and self.is_empty:
            import pyarrow as pa  # noqa: PLC0415

            self.replace(pa.RecordBatchReader.from_batches(_schema(embedding, size), iter(())))
        self._index_words()
        self.check(embedding)
        self._check_size(size)

    def _check_size(self, size: int) -> None:
        if size != self.size:
            msg = (
                f"the vectors of the store in {self.database.uri} have {self.size} dimensions, these have {size}: "
                "open it with the embeddings it was made with, or make its vectors anew with reembed()"
            )
            raise ConfigurationError(msg)

    def _check_columns(self) -> None:
        if missing := {*COLUMNS, "words"} - set(self.lance.schema.names):
            msg = f"the table {_NAME} in {self.database.uri} lacks {', '.join(sorted(missing))}: it is not a library's"
            raise StorageError(msg)

    def _index_words(self) -> None:
        from lancedb.index import FTS  # noqa: PLC0415

        with self.database.errors("index words"):
            if not self._indices("words"):
                # Any other tokenizer, the default too, finds nothing in Chinese, and doesn't say so.
                self.lance.create_index("words", config=FTS(base_tokenizer="icu", language="English", stem=True))

    def _index_sources(self) -> None:
        from lancedb.index import BTree  # noqa: PLC0415

        if not self._indices("source"):
            self.lance.create_index("source", config=BTree())

    def _index_vectors(self, rows: int) -> None:
        """Index vectors, and anew when there are so many more: their partitions are those of the day of the index.

        The index's name says how many rows that was for.
        """
        from lancedb.index import IvfSq  # noqa: PLC0415

        before = self._indices("vector")
        if any(rows < _GROWTH * int(name.rpartition("_")[2]) for name in before):
            return
        # Fewer rounds over fewer samples than Lance's own choice take a third of the time, and find as much.
        partitions = IvfSq(
            distance_type="cosine", num_partitions=round(math.sqrt(rows)), max_iterations=10, sample_rate=64
        )
        self.lance.create_index("vector", config=partitions, name=f"vector_{rows}")
        for name in before:
            self.lance.drop_index(name)

    def _indices(self, column: str) -> list[str]:
        """Return the names of the indices over a column."""
        return [index.name for index in self.lance.list_indices() if index.columns == [column]]


def _schema(embedding: str | None, size: int) -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415

    types = {str: pa.string(), float: pa.float64()}
    fields = [
        pa.field("id", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("words", pa.string(), nullable=False),
        *(pa.field(name, types[type_]) for name, type_ in FIELDS.items()),
        pa.field("extra", pa.string()),
    ]
    if embedding is None:
        return pa.schema(fields)
    vector = pa.field("vector", pa.list_(pa.float32(), size))
    return pa.schema([*fields, vector], metadata={_EMBEDDING: embedding.encode()})


def _arrow(rows: Sequence[Row], vectors: Sequence[Sequence[float]] | None, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415

    columns = {name: [row.get(name) for row in rows] for name in schema.names}
    if vectors is not None:
        columns["vector"] = list(vectors)
    return pa.table(columns, schema=schema)


def _ranked(scored: Iterable[Scored]) -> list[Scored]:
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]["id"]))
