"""LanceDB's edge: a place that holds tables, and its errors as ours."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain_dmx_omni.errors import DMXOmniError, StorageError

if TYPE_CHECKING:
    import lancedb
    import pyarrow as pa

_INDEX_CACHE_BYTES: Final = 128 << 20
_METADATA_CACHE_BYTES: Final = 32 << 20

_COMMITS_A_ROUND: Final = 20
_ROWS_A_ROUND: Final = 500  # rows that are not indexed yet are read through by each search
_KEEP_VERSIONS: Final = timedelta(minutes=10)

_REMEDIES: Final = (
    # What the messages of Lance and of object stores hold, what the system calls it, and what to do about it.
    (("no space left", "disk quota"), errno.ENOSPC, "make room and do it again; nothing is half there"),
    (("permission denied", "read-only file system", "accessdenied", "403"), errno.EACCES, "let this user write there"),
    (("conflict", "concurrent"), errno.EAGAIN, "another process writes there; do it again when it is done"),
    (("not a directory", "file exists"), errno.ENOTDIR, "a library is a folder: name another place"),
    (("surrogates not allowed",), errno.EILSEQ, "LanceDB takes names in UTF-8 alone: name another place"),
    (("no object store provider",), errno.EINVAL, "name a folder, or a place such as s3://bucket/films.library"),
    (
        ("sufficient data", "magic", "corrupt", "not found", "notfound", "no such file", "decode", "parquet", "utf"),
        errno.EIO,
        "it is not a library, or it is damaged: restore it, or index into another place",
    ),
)


class Database:
    """A folder, or a place in object storage, that holds tables of LanceDB.

    Args:
        uri: The folder, or an address such as `s3://bucket/films.library`.
        storage_options: What the object storage needs, by LanceDB's names, such as `aws_access_key_id`.

    Raises:
        ImportError: LanceDB isn't installed.
        StorageError: The place can't be made or reached.
    """

    def __init__(self, uri: str | os.PathLike[str], storage_options: Mapping[str, str] | None = None) -> None:
        # Its warnings, of indices that begin small, mean nothing to users, and would stand in the middle of a bar.
        os.environ.setdefault("LANCEDB_LOG", "error")
        try:
            import lancedb  # noqa: PLC0415
        except ImportError as error:
            msg = 'a library needs LanceDB: pip install "langchain-dmx-omni[library]"'
            raise ImportError(msg) from error
        self.uri = _address(uri)
        with self.errors("open the library"):
            self._connection: lancedb.DBConnection = lancedb.connect(
                self.uri,
                storage_options=dict(storage_options or {}),
                # A reader sees what others have written since.
                read_consistency_interval=timedelta(0),
                session=lancedb.Session(
                    index_cache_size_bytes=_INDEX_CACHE_BYTES, metadata_cache_size_bytes=_METADATA_CACHE_BYTES
                ),
            )

    def open_table(self, name: str) -> Any | None:
        """Return LanceDB's table, or None when there is none of that name."""
        with self.errors("open the library"):
            try:
                return self._connection.open_table(name)
            except ValueError as error:
                if f"'{name}' was not found" in str(error):
                    return None
                raise

    def create_table(self, name: str, schema: pa.Schema) -> Any:
        """Return LanceDB's table, made with the schema if there is none of that name."""
        with self.errors("make a table"):
            return self._connection.create_table(name, schema=schema, exist_ok=True)

    def replace_table(self, name: str, batches: pa.RecordBatchReader) -> Any:
        """Return LanceDB's table, of which a new version holds these batches; if that fails, the old one stays."""
        with self.errors("rewrite a table"):
            return self._connection.create_table(name, batches, mode="overwrite")

    @contextmanager
    def errors(self, doing: str) -> Iterator[None]:
        """Raise what LanceDB raises as `StorageError`, with the place and a remedy."""
        try:
            yield
        except DMXOmniError:
            raise
        except (OSError, RuntimeError, ValueError) as error:
            raise self._storage_error(error, doing) from error

    def _storage_error(self, error: Exception, doing: str) -> StorageError:
        what = str(error).partition(", /")[0].splitlines()[0] if str(error) else type(error).__name__
        code, remedy = _remedy(str(error))
        if isinstance(error, OSError) and error.errno:
            return StorageError.of(error, doing, self.uri, remedy)
        storage = StorageError(f"can't {doing} in {self.uri}: {what}; {remedy}")
        storage.errno, storage.path = code, self.uri
        return storage


class Table:
    """A table of LanceDB that may not be there yet; until it is made, it is read as an empty one.

    Args:
        database: Where it is.
        name: What it is called there.
    """

    def __init__(self, database: Database, name: str) -> None:
        self.database = database
        self.name = name
        self._lance: Any = None
        self._commits = self._rows = 0

    @property
    def lance(self) -> Any:
        """LanceDB's own table, or None until somebody makes it."""
        if self._lance is None:
            self._lance = self.database.open_table(self.name)
        return self._lance

    def make(self, schema: pa.Schema) -> None:
        """Make the table, if it isn't there."""
        if self.lance is None:
            self._lance = self.database.create_table(self.name, schema)

    def replace(self, batches: pa.RecordBatchReader) -> None:
        """Write a new version that holds these batches alone; if one can't be made, the old version stays."""
        self._lance = self.database.replace_table(self.name, batches)

    def upsert(self, rows: pa.Table, key: Sequence[str], gone: str | None = None) -> None:
        """Write rows, each in the place of the one of its key: a new version, whole or nothing.

        A commit that meets another's is made again on top of it.

        Args:
            rows: The rows.
            key: The columns that tell rows apart.
            gone: The condition of rows that are deleted in the same version, unless they are among these.
        """
        with self.database.errors("write to the library"):
            merge = self.lance.merge_insert(list(key)).when_matched_update_all().when_not_matched_insert_all()
            (merge.when_not_matched_by_source_delete(gone) if gone else merge).execute(rows)
        self._commits += 1
        self._rows += rows.num_rows
        if self._commits >= _COMMITS_A_ROUND or self._rows >= _ROWS_A_ROUND:
            self.optimize()

    def delete(self, condition: str) -> None:
        """Delete the rows that fulfil a condition."""
        if self.lance is not None:
            with self.database.errors("delete from the library"):
                self.lance.delete(condition)

    def optimize(self) -> None:
        """Bring the indices up to date, merge small files, and remove versions that are older than ten minutes.

        When another process writes at the same time, it is left to the next time.
        """
        self._commits = self._rows = 0
        if self.lance is None:
            return
        try:
            with self.database.errors("tidy the library"):
                self.lance.optimize(cleanup_older_than=_KEEP_VERSIONS)
        except StorageError as error:
            if error.errno != errno.EAGAIN:
                raise

    def count(self, condition: str | None = None) -> int:
        """Return how many rows fulfil a condition."""
        if self.lance is None:
            return 0
        with self.database.errors("read the library"):
            return int(self.lance.count_rows(condition))

    def batches(
        self, columns: Sequence[str], condition: str | None = None, limit: int | None = None, rows: int | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield batches of the rows that fulfil a condition, in no order, all of one version."""
        if self.lance is None:
            return
        with self.database.errors("read the library"):
            query = self.lance.search().select(list(columns)).limit(limit)
            yield from (query.where(condition) if condition else query).to_batches(rows)


def _remedy(message: str) -> tuple[int, str]:
    lower = message.lower()
    for marks, code, remedy in _REMEDIES:
        if any(mark in lower for mark in marks):
            return code, remedy
    return errno.EIO, "see the cause"


def _address(uri: str | os.PathLike[str]) -> str:
    text = os.fspath(uri)
    return text if "://" in text else str(Path(text).expanduser().absolute())
