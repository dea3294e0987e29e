"""What the system says of a disk that is full, or of a folder that can't be written, while media are written to it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from langchain_dmx_omni._disk import files

_REMEDY = "free some space, or name a folder that can be written (out=, or DMX_OMNI_CACHE_DIR for the cache)"


def storing(folder: Path) -> AbstractContextManager[None]:
    """Name the folder that is written to in what the system says of it; FFmpeg's errors of that kind are its own.

    Raises:
        StorageError: Something can't be written; in the block.
    """
    return files.storing("write media", folder, _REMEDY)
