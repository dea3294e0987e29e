"""What the system says of a disk that is full, or of a folder that can't be written → our own error, with the place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from langchain_dmx_omni.errors import StorageError

_REMEDY = "free some space, or name a folder that can be written (out=, or DMX_OMNI_CACHE_DIR for the cache)"


@contextmanager
def storing(folder: Path) -> Iterator[None]:
    """Name the folder that is written to in what the system says of it; FFmpeg's errors of that kind are its own.

    Raises:
        StorageError: Something can't be written.
    """
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError.of(error, "write media", folder, _REMEDY) from None
