"""Where fitted files are kept: by what the source holds and how it was encoded, not by its name.

A file appears under its final name whole, by `os.replace`, so that several processes may work in the folder at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from langchain_dmx_omni._media.sources import unreadable
from langchain_dmx_omni.errors import ContentBlockError

from ._storage import storing

if TYPE_CHECKING:
    from ._plan import Plan

__all__ = ["cache_dir", "clear_cache", "content_hash"]

_LAYOUT = 2
"""Changes with the encoder's settings, so that older files are not taken for today's."""
_ABANDONED = 24 * 3600.0
"""Seconds after which a partial file belongs to nobody: its process was killed."""


def cache_dir() -> Path:
    """Return the folder of the files that `fit` and `split` write without `out`; it may not exist yet.

    `DMX_OMNI_CACHE_DIR` names another one; else it is the user's cache folder, such as
    `~/.cache/langchain-dmx-omni/video` (`$XDG_CACHE_HOME` is honoured).
    """
    if override := os.environ.get("DMX_OMNI_CACHE_DIR"):
        return Path(override).expanduser()
    return platformdirs.user_cache_path("langchain-dmx-omni", False) / "video"


def clear_cache(*, older_than: float = 0.0) -> int:
    """Delete cached files and return how many bytes that freed; what is being written just now stays.

    Args:
        older_than: Days since a file was last used; 0 deletes all.
    """
    freed = 0
    now = time.time()
    for path in cache_dir().glob("*"):
        with suppress(OSError):  # another process may be clearing too
            status = path.stat()
            age = _ABANDONED if path.suffix == ".part" else older_than * 24 * 3600
            if path.suffix in (".mp4", ".m4a", ".part") and status.st_mtime <= now - age:
                path.unlink()
                freed += status.st_size
    return freed


_SETTLED = 2_000_000_000
"""Nanoseconds after which a file's times tell a change: clocks of file systems tick as slowly as that."""
_HASHES = 100_000
"""Files that are remembered."""
_hashes: dict[tuple[int, ...], str] = {}


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal: what a source is known by, whatever its name.

    A file that has not changed since it was read, by its size and times, is not read again by this process.

    Raises:
        ContentBlockError: The file can't be read.
    """
    try:
        with path.open("rb") as file:
            state = _state(os.fstat(file.fileno()))
            known = _hashes.get(state)
            if known is not None:
                return known
            began = time.time_ns()
            content = hashlib.file_digest(file, "sha256").hexdigest()
            unchanged = _state(os.fstat(file.fileno())) == state
    except OSError as error:
        raise ContentBlockError(f"{path}: it can't be read: {unreadable(error)}") from None
    if unchanged and began - max(state[-2:]) > _SETTLED:
        if len(_hashes) >= _HASHES:
            _hashes.clear()
        _hashes[state] = content
    return content


def _state(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def cached_path(content: str, plan: Plan, start: float, end: float, *, copied: bool = False) -> Path:
    """Return where a span of a source is kept once it is encoded, or copied.

    Raises:
        StorageError: The cache can't be written.
    """
    how = ["copied"] if copied else [str(value) for value in plan]
    settings = json.dumps([_LAYOUT, content, how, round(start, 6), round(end, 6)])
    folder = cache_dir()
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder / (hashlib.sha256(settings.encode()).hexdigest()[:32] + (".mp4" if plan.width else ".m4a"))


def is_kept(path: Path) -> bool:
    """Whether a file is there, and one of ours (a crash of the system may leave it empty); marks it as used."""
    try:
        with path.open("rb") as file:
            whole = file.read(8)[4:] == b"ftyp"
        os.utime(path)
    except OSError:
        return False
    return whole


def sweep() -> None:
    """Delete partial files that killed processes left."""
    before = time.time() - _ABANDONED
    for path in cache_dir().glob(".*.part"):
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()
