"""The table of moments: its schema, its indices, and what is asked of it."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from langchain_dmx_omni.errors import ConfigurationError, StorageError

from ._database import Database
from ._metadata import FIELDS
from ._rows import COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]

_NAME: Final = "moments"
_EMBEDDING: Final = b"langchain_dmx_omni.embedding"

_ROWS_FOR_VECTOR_INDEX: Final = 20_000
_COMMITS_A_ROUND: Final = 20
_ROWS_A_ROUND: Final = 5_000
_KEEP_VERSIONS: Final = timedelta(minutes=10)
_TEXTS_A_BATCH: Final = 256


class MomentTable:
    """The table of moments in a database. It is made at the first write, when the size of a vector is known."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lance: Any = database.table(_NAME)
        self._commits = self._rows = 0
        if self._lance is not None:
            self._check_columns()
            self._index_words()

    @property
    def uri(self) -> str:
        """Where the database is."""
        return self._database.uri

    @property
    def embedding(self) -> str | None:
        """The name of the embeddings whose vectors it holds, or None."""
        metadata = self._lance.schema.metadata or {} if self._lance is not None else {}
        name: bytes | None = metadata.get(_EMBEDDING)
        return name.decode() if name else None

    @property
    def size(self) -> int:
        """The size of a vector, or 0."""
        if self._lance is None or "vector" not in self._lance.schema.names:
            return 0
        return int(self._lance.schema.field("vector").type.list_size)

    @property
    def is_empty(self) -> bool:
        """Whether it holds no moment."""
        return not self.count()

    # Writing

    def upsert(
        self,
        rows: Sequence[Row],
        vectors: Sequence[Sequence[float]] | None,
        embedding: str | None,
        replacing: str | None = None,
    ) -> None:
        """Write rows, each in the place of the one of its id: a new version, whole or nothing.

        Args:
            rows: The rows.
            vectors: The vector of each, or None where there are words alone.
            embedding: The name of what made them.
            replacing: The condition of rows that go if they are not among these.

        Raises:
            ConfigurationError: The table's vectors are of other embeddings, or of another size.
        """
        size = len(vectors[0]) if vectors else 0
        table = self._fitting(embedding, size)
        with self._database.errors("write moments"):
            arrow = _arrow(rows, vectors, table.schema)
            merge = table.merge_insert("id").when_matched_update_all().when_not_matched_insert_all()
            (merge.when_not_matched_by_source_delete(replacing) if replacing else merge).execute(arrow)
        self._commits += 1
        self._rows += len(rows)
        if self._commits >= _COMMITS_A_ROUND or self._rows >= _ROWS_A_ROUND:
            self.optimize()

    def delete(self, condition: str) -> None:
        """Delete the rows that fulfil a condition."""
        if self._lance is not None:
            with self._database.errors("delete moments"):
                self._lance.delete(condition)

    def rewrite(
        self, embedding: str | None, size: int, embed: Callable[[list[str]], Sequence[Sequence[float]] | None]
    ) -> None:
        """Write every row with other vectors: a new version, whole or nothing."""
        import pyarrow as pa  # noqa: PLC0415

        if self._lance is None:
            return
        old = self._lance
        schema = _schema(embedding, size)
        version = old.version

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in old.search().select([*COLUMNS, "words"]).to_batches(_TEXTS_A_BATCH):
                rows = batch.to_pylist()
                if rows:
                    arrow = _arrow(rows, embed([row["words"] for row in rows]), schema)
                    yield from arrow.to_batches()
            if old.version != version:
                msg = "there is a conflict: moments were written meanwhile"
                raise RuntimeError(msg)

        with self._database.errors("make the vectors anew"):
            reader = pa.RecordBatchReader.from_batches(schema, batches())
            self._lance = self._database.replace(_NAME, reader)
        self._index_words()
        self.optimize()

    def optimize(self) -> None:
        """Bring the indices up to date, merge small files, and remove versions that are older than ten minutes.

        When another process writes at the same time, it is left to the next time.
        """
        if self._lance is None:
            return
        self._commits = self._rows = 0
        try:
            with self._database.errors("tidy the library"):
                self._lance.optimize(cleanup_older_than=_KEEP_VERSIONS)
                self._index_vectors()
        except StorageError as error:
            if error.errno != errno.EAGAIN:
                raise

    # Reading

    def count(self, condition: str | None = None) -> int:
        """Return how many rows fulfil a condition."""
        if self._lance is None:
            return 0
        with self._database.errors("read the library"):
            return int(self._lance.count_rows(condition))

    def rows(self, condition: str | None = None, columns: Sequence[str] = COLUMNS) -> Iterator[Row]:
        """Yield the rows that fulfil a condition, in no order, of one version."""
        if self._lance is None:
            return
        with self._database.errors("read the library"):
            query = self._lance.search().select(list(columns))
            for batch in (query.where(condition) if condition else query).to_batches():
                yield from batch.to_pylist()

    def by_words(self, text: str, limit: int, condition: str | None) -> list[tuple[Row, float]]:
        """Return rows that share words with a text, and their BM25, best first; ties in the order of ids."""
        if self._lance is None or limit < 1:
            return []
        from lancedb.query import MatchQuery  # noqa: PLC0415

        # A `MatchQuery` is words only, whereas a string would be parsed.
        with self._database.errors("search the library"):
            query = self._lance.search(MatchQuery(text, "words"), query_type="fts").select([*COLUMNS, "_score"])
            rows = _limited(query, self._lance, limit, condition).to_list()
        return _ranked((row, row.pop("_score")) for row in rows)

    def by_meaning(
        self, vector: Sequence[float], limit: int, condition: str | None, *, vectors: bool = False
    ) -> list[tuple[Row, float]]:
        """Return the rows whose vectors are nearest, and the cosine, nearest first; ties in the order of ids.

        Raises:
            ConfigurationError: The vector is of another size than the table's.
        """
        if self._lance is None or limit < 1:
            return []
        self._check_size(len(vector))
        columns = [*COLUMNS, "_distance", *(["vector"] if vectors else [])]
        with self._database.errors("search the library"):
            query = self._lance.search(list(vector), vector_column_name="vector").distance_type("cosine")
            # More partitions than the usual twenty are looked through when a filter leaves too few rows of them.
            query = query.maximum_nprobes(0).select(columns)
            rows = _limited(query, self._lance, limit, condition).to_list()
        return _ranked((row, 1.0 - row.pop("_distance")) for row in rows)

    # Its make

    def _fitting(self, embedding: str | None, size: int) -> Any:
        """Return the table, made for these vectors where it holds none."""
        if self._lance is None:
            self._lance = self._database.create(_NAME, _schema(embedding, size))
            self._index_words()
        if self.embedding != embedding and self.is_empty:
            import pyarrow as pa  # noqa: PLC0415

            self._lance = self._database.replace(
                _NAME, pa.RecordBatchReader.from_batches(_schema(embedding, size), iter(()))
            )
            self._index_words()
        if self.embedding != embedding:
            msg = (
                f"the store in {self.uri} was made with {self.embedding or 'no embeddings'}, not with "
                f"{embedding or 'none'}: write to it with those, or make its vectors anew with reembed()"
            )
            raise ConfigurationError(msg)
        self._check_size(size)
        return self._lance

    def _check_size(self, size: int) -> None:
        if size != self.size:
            msg = (
                f"the vectors of the store in {self.uri} have {self.size} dimensions, these have {size}: "
                "open it with the embeddings it was made with, or make its vectors anew with reembed()"
            )
            raise ConfigurationError(msg)

    def _check_columns(self) -> None:
        if missing := {*COLUMNS, "words"} - set(self._lance.schema.names):
            msg = f"the table {_NAME} in {self.uri} lacks {', '.join(sorted(missing))}: it is not a library's"
            raise StorageError(msg)

    def _index_words(self) -> None:
        from lancedb.index import FTS  # noqa: PLC0415

        with self._database.errors("index words"):
            if any(index.columns == ["words"] for index in self._lance.list_indices()):
                return
            # Any other tokenizer, the default too, finds nothing in Chinese, and doesn't say so.
            self._lance.create_index("words", config=FTS(base_tokenizer="icu", language="English", stem=True))

    def _index_vectors(self) -> None:
        """Index vectors from so many on that looking at each is slower than it should be."""
        rows = self._lance.count_rows()
        if not self.size or rows < _ROWS_FOR_VECTOR_INDEX:
            return
        if any(index.columns == ["vector"] for index in self._lance.list_indices()):
            return
        from lancedb.index import IvfSq  # noqa: PLC0415

        self._lance.create_index("vector", config=IvfSq(distance_type="cosine", num_partitions=round(math.sqrt(rows))))


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


def _limited(query: Any, lance: Any, limit: int, condition: str | None) -> Any:
    # Lance makes room for as many as it may return.
    limited = query.limit(max(1, min(limit, lance.count_rows())))
    return limited.where(condition, prefilter=True) if condition else limited


def _ranked(scored: Any) -> list[tuple[Row, float]]:
    return sorted(scored, key=lambda pair: (-pair[1], pair[0]["id"]))
