"""`Records`: what is indexed, and since when, in a table beside the moments."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Self

from langchain_core.indexing import RecordManager
from langchain_core.runnables import run_in_executor

from langchain_dmx_omni.errors import InvalidInputError

from ._database import Database, Table
from ._filters import literal, one_of, storable

if TYPE_CHECKING:
    import pyarrow as pa

_NAME: Final = "records"
_KEYS_A_CONDITION: Final = 10_000


class Records(RecordManager):
    """LangChain's record manager over LanceDB, so that `langchain_core.indexing.index` skips what it has indexed.

    Its time never goes back, even if the machine's clock does: it is later than that of every record.

    Args:
        namespace: Whose records these are; those of other namespaces are not seen.
        database: Where the table is.
    """

    def __init__(self, namespace: str, database: Database) -> None:
        super().__init__(namespace)
        self._table = Table(database, _NAME)
        self._lock = threading.Lock()
        self._latest = -math.inf

    @classmethod
    def open(
        cls,
        uri: str | os.PathLike[str],
        *,
        namespace: str = "moments",
        storage_options: Mapping[str, str] | None = None,
    ) -> Self:
        """Return the records at a place; arguments as of `MomentStore.open`."""
        return cls(namespace, Database(uri, storage_options))

    def create_schema(self) -> None:
        """Make the table, if it isn't there. The first record makes it too."""
        self._table.make(_schema())

    def get_time(self) -> float:
        """Return seconds since 1970, later than every record and every time returned before."""
        batches = self._batches(("updated_at",))
        latest = max((time for batch in batches for time in batch["updated_at"].to_pylist()), default=0.0)
        return self._later_than(latest)

    def update(
        self,
        keys: Sequence[str],
        *,
        group_ids: Sequence[str | None] | None = None,
        time_at_least: float | None = None,
    ) -> None:
        """Write records, as of now.

        Args:
            keys: What is indexed.
            group_ids: The source of each; left out, those that are known stay.
            time_at_least: A time that the records are no earlier than.

        Raises:
            InvalidInputError: Not as many `group_ids` as keys.
            StorageError: The place can't be written.
        """
        if group_ids is not None and len(group_ids) != len(keys):
            msg = f"{len(group_ids)} group ids for {len(keys)} keys"
            raise InvalidInputError(msg)
        if not keys:
            return
        import pyarrow as pa  # noqa: PLC0415

        self.create_schema()
        groups = dict(zip(keys, group_ids, strict=True)) if group_ids is not None else self._groups(keys)
        names = list(dict.fromkeys(keys))
        columns = {
            "namespace": [self.namespace] * len(names),
            "key": [storable(name) for name in names],
            "group_id": [None if (group := groups.get(name)) is None else storable(group) for name in names],
            "updated_at": [self._later_than(time_at_least or 0.0)] * len(names),
        }
        self._table.upsert(pa.table(columns, schema=_schema()), key=["namespace", "key"])

    def exists(self, keys: Sequence[str]) -> list[bool]:
        """Return for each key whether there is a record."""
        known = self._groups(keys)
        return [key in known for key in keys]

    def list_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Return the keys of records, in no order.

        Args:
            before: Only those written before this time.
            after: Only those written after it.
            group_ids: Only those of these sources.
            limit: The most keys.
        """
        conditions = [
            "true" if before is None else f"updated_at < {before!r}",
            "true" if after is None else f"updated_at > {after!r}",
            "true" if group_ids is None else one_of("group_id", group_ids),
        ]
        if limit == 0:
            return []
        return [key for batch in self._batches(("key",), conditions, limit) for key in batch["key"].to_pylist()]

    def delete_keys(self, keys: Sequence[str]) -> None:
        """Delete records; missing ones are no error."""
        for some in _slices(keys):
            self._table.delete(self._condition([one_of("key", some)]))

    async def acreate_schema(self) -> None:
        """Async version of `create_schema`."""
        await run_in_executor(None, self.create_schema)

    async def aget_time(self) -> float:
        """Async version of `get_time`."""
        return await run_in_executor(None, self.get_time)

    async def aupdate(
        self,
        keys: Sequence[str],
        *,
        group_ids: Sequence[str | None] | None = None,
        time_at_least: float | None = None,
    ) -> None:
        """Async version of `update`."""
        await run_in_executor(None, self.update, keys, group_ids=group_ids, time_at_least=time_at_least)

    async def aexists(self, keys: Sequence[str]) -> list[bool]:
        """Async version of `exists`."""
        return await run_in_executor(None, self.exists, keys)

    async def alist_keys(
        self,
        *,
        before: float | None = None,
        after: float | None = None,
        group_ids: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> list[str]:
        """Async version of `list_keys`."""
        return await run_in_executor(None, self.list_keys, before=before, after=after, group_ids=group_ids, limit=limit)

    async def adelete_keys(self, keys: Sequence[str]) -> None:
        """Async version of `delete_keys`."""
        await run_in_executor(None, self.delete_keys, keys)

    def _later_than(self, latest: float) -> float:
        with self._lock:
            self._latest = max(time.time(), *(math.nextafter(past, math.inf) for past in (latest, self._latest)))
            return self._latest

    def _groups(self, keys: Sequence[str]) -> dict[str, str | None]:
        """Return the source of each key that there is a record of."""
        batches = (
            batch for some in _slices(keys) for batch in self._batches(("key", "group_id"), [one_of("key", some)])
        )
        return {key: group for batch in batches for key, group in zip(*batch.to_pydict().values(), strict=True)}

    def _batches(
        self, columns: Sequence[str], conditions: Collection[str] = (), limit: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        return self._table.batches(columns, self._condition(conditions), limit)

    def _condition(self, conditions: Collection[str]) -> str:
        return " AND ".join([f"namespace = {literal(self.namespace)}", *conditions])


def _slices(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), _KEYS_A_CONDITION):
        yield keys[start : start + _KEYS_A_CONDITION]


def _schema() -> pa.Schema:
    import pyarrow as pa  # noqa: PLC0415

    return pa.schema(
        [
            pa.field("namespace", pa.string(), nullable=False),
            pa.field("key", pa.string(), nullable=False),
            pa.field("group_id", pa.string()),
            pa.field("updated_at", pa.float64(), nullable=False),
        ]
    )
