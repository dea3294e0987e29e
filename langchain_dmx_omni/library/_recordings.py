"""Which recordings are indexed, as what, and how far: a table beside the moments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from ._database import Database, Table
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
    """The table of what is indexed, beside the moments.

    Raises:
        StorageError: The place can't be read or written; so for all methods.
    """

    def __init__(self, database: Database) -> None:
        self._table = Table(database, _NAME)

    def all(self) -> list[Recorded]:
        """Return what is known of every recording, by name."""
        return sorted(self._read(None))

    def of(self, sources: Sequence[str]) -> dict[str, Recorded]:
        """Return what is known of some recordings."""
        return {each.source: each for each in self._with("source", sources)}

    def with_content(self, video_ids: Sequence[str]) -> list[Recorded]:
        """Return the recordings that hold the bytes of one of these."""
        return sorted(self._with("video_id", video_ids))

    def put(self, recorded: Iterable[Recorded]) -> None:
        """Take note of recordings, in place of what was known of them."""
        import pyarrow as pa  # noqa: PLC0415  # an extra

        rows = [each._replace(source=storable(each.source))._asdict() for each in recorded]
        if rows:
            kinds = {"duration": pa.float64(), "moments": pa.int64(), "missing": pa.int64()}
            schema = pa.schema([(name, kinds.get(name, pa.string())) for name in Recorded._fields])
            self._table.make(schema)
            self._table.upsert(pa.Table.from_pylist(rows, schema=schema), ["source"])

    def delete(self, sources: Collection[str]) -> None:
        """Forget recordings."""
        self._table.delete(one_of("source", sources))

    def optimize(self) -> None:
        """Gather what many small writes have left."""
        self._table.optimize()

    def _with(self, column: str, values: Sequence[str]) -> Iterator[Recorded]:
        for start in range(0, len(values), _BATCH):
            yield from self._read(one_of(column, values[start : start + _BATCH]))

    def _read(self, condition: str | None) -> Iterator[Recorded]:
        for batch in self._table.batches(Recorded._fields, condition):
            yield from (Recorded(**row) for row in batch.to_pylist())
