"""Which recordings are indexed, as what, and how far: a table beside the moments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from ._database import Database
from ._filters import one_of, storable

Origin = Literal["file", "documents"]

_NAME = "recordings"
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
    """The table of what is indexed, in the same database as the moments.

    Raises:
        StorageError: The place can't be read or written; so for all methods.
    """

    def __init__(self, database: Database) -> None:
        import pyarrow as pa  # noqa: PLC0415  # an extra

        texts = [(name, pa.string()) for name in ("source", "origin", "video_id", "version", "recipe")]
        numbers = [("duration", pa.float64()), ("moments", pa.int64()), ("missing", pa.int64())]
        self._schema = pa.schema([*texts, *numbers])
        self._arrow = pa.Table
        self._database = database
        self._table: Any = database.table(_NAME)

    def all(self) -> list[Recorded]:
        """Return what is known of every recording, by name."""
        return sorted(self._read(None))

    def of(self, sources: Sequence[str]) -> dict[str, Recorded]:
        """Return what is known of some recordings."""
        return {each.source: each for batch in _batches(sources) for each in self._read(one_of("source", batch))}

    def with_content(self, video_ids: Sequence[str]) -> list[Recorded]:
        """Return the recordings that hold the bytes of one of these."""
        return sorted(each for batch in _batches(video_ids) for each in self._read(one_of("video_id", batch)))

    def put(self, recorded: Iterable[Recorded]) -> None:
        """Take note of recordings, in place of what was known of them."""
        rows = [each._replace(source=storable(each.source))._asdict() for each in recorded]
        if rows:
            if self._table is None:
                self._table = self._database.create(_NAME, self._schema)
            with self._database.errors("take note of recordings"):
                merge = self._table.merge_insert("source").when_matched_update_all().when_not_matched_insert_all()
                merge.execute(self._arrow.from_pylist(rows, schema=self._schema))

    def delete(self, sources: Collection[str]) -> None:
        """Forget recordings."""
        if self._table is not None and sources:
            with self._database.errors("forget recordings"):
                self._table.delete(one_of("source", sources))

    def optimize(self) -> None:
        """Gather what many small writes have left."""
        if self._table is not None:
            with self._database.errors("tidy the library"):
                self._table.optimize()

    def _read(self, condition: str | None) -> Iterator[Recorded]:
        if self._table is None:
            return
        with self._database.errors("read the library"):
            query = self._table.search()
            for batch in (query.where(condition) if condition else query).to_batches():
                yield from (Recorded(**row) for row in batch.to_pylist())


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))
