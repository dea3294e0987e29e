"""Which recordings are indexed, as what, and how far: a table beside the moments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

Origin = Literal["file", "documents"]

_TABLE = "recordings"
_BATCH = 500
"""Names in one question to the table."""


class Recorded(NamedTuple):
    """What is known of a recording that is indexed."""

    source: str
    origin: Origin
    """Whether the library has read the recording itself, or was given its moments."""
    video_id: str
    version: str
    """Changes with the file; see `Listed`."""
    recipe: str
    """How it was indexed: captions, model, question, windows. Another recipe indexes it anew."""
    duration: float
    """Seconds."""
    moments: int
    missing: int
    """Windows that have no answer, such as one that the service refuses."""


class Recordings:
    """The table of what is indexed.

    Args:
        database: LanceDB's connection.
    """

    def __init__(self, database: Any) -> None:
        import pyarrow as pa  # noqa: PLC0415  # an extra

        texts = [(name, pa.string()) for name in ("source", "origin", "video_id", "version", "recipe")]
        counts = [("duration", pa.float64()), ("moments", pa.int64()), ("missing", pa.int64())]
        self._schema = pa.schema([*texts, *counts])
        self._pyarrow = pa
        self._table = database.create_table(_TABLE, schema=self._schema, exist_ok=True)

    def __len__(self) -> int:
        return int(self._table.count_rows())

    def all(self) -> list[Recorded]:
        """Return what is known of every recording, by name."""
        return sorted(self._read(self._table.search()))

    def of(self, sources: Sequence[str]) -> dict[str, Recorded]:
        """Return what is known of some recordings."""
        return {each.source: each for each in self._where("source", sources)}

    def with_content(self, video_ids: Sequence[str]) -> list[Recorded]:
        """Return the recordings that hold the same bytes as one of these."""
        return self._where("video_id", video_ids)

    def put(self, recorded: Iterable[Recorded]) -> None:
        """Take note of recordings, in place of what was known of them."""
        rows = [each._asdict() for each in recorded]
        if rows:
            table = self._pyarrow.Table.from_pylist(rows, schema=self._schema)
            merge = self._table.merge_insert("source").when_matched_update_all().when_not_matched_insert_all()
            merge.execute(table)

    def delete(self, sources: Sequence[str]) -> None:
        """Forget recordings."""
        for batch in _batches(sources):
            self._table.delete(is_one_of("source", batch))

    def optimize(self) -> None:
        """Gather what many small writes have left."""
        self._table.optimize()

    def _where(self, column: str, values: Sequence[str]) -> list[Recorded]:
        conditions = (is_one_of(column, batch) for batch in _batches(values))
        return [each for condition in conditions for each in self._read(self._table.search().where(condition))]

    def _read(self, query: Any) -> list[Recorded]:
        return [Recorded(**row) for row in query.limit(max(len(self), 1)).to_list()]


def is_one_of(column: str, values: Iterable[str]) -> str:
    """Return the SQL condition that a text column has one of these values, whatever they hold."""
    return f"{column} IN ({', '.join(quoted(value) for value in values)})"


def quoted(text: str) -> str:
    """Return a text as SQL's literal."""
    return "'" + text.replace("'", "''") + "'"


def _batches(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))
