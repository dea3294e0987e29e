"""LanceDB's edge: a place that holds tables, and its errors as ours."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
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

_REMEDIES: Final = (
    # What the messages of Lance and of object stores hold, what the system calls it, and what to do about it.
    (("no space left", "disk quota"), errno.ENOSPC, "make room and do it again; nothing is half there"),
    (("permission denied", "read-only file system", "accessdenied", "403"), errno.EACCES, "let this user write there"),
    (("conflict", "concurrent"), errno.EAGAIN, "another process writes there; do it again when it is done"),
    (("not a directory", "file exists"), errno.ENOTDIR, "a library is a folder: name another place"),
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

    def table(self, name: str) -> Any | None:
        """Return a table of LanceDB, or None when there is none of that name."""
        with self.errors("open the library"):
            try:
                return self._connection.open_table(name)
            except ValueError as error:
                if f"'{name}' was not found" in str(error):
                    return None
                raise

    def create(self, name: str, schema: pa.Schema) -> Any:
        """Return a table, made with the schema if there is none of that name."""
        with self.errors("make a table"):
            return self._connection.create_table(name, schema=schema, exist_ok=True)

    def replace(self, name: str, batches: pa.RecordBatchReader) -> Any:
        """Return a table whose new version holds these batches; when one can't be made, the old version stays."""
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


def _remedy(message: str) -> tuple[int, str]:
    lower = message.lower()
    for marks, code, remedy in _REMEDIES:
        if any(mark in lower for mark in marks):
            return code, remedy
    return errno.EIO, "see the cause"


def _address(uri: str | os.PathLike[str]) -> str:
    text = os.fspath(uri)
    return text if "://" in text else str(Path(text).expanduser().absolute())
