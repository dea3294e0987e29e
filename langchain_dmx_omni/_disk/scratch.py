"""A temporary folder that does not outlive its process for good, even a killed one."""

from __future__ import annotations

import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .claims import FileClaim
from .files import storing

_PREFIX = "dmx-omni-"
_LOCK = ".lock"
_ABANDONED = 24 * 3600.0
"""Seconds after which a folder without a claim is nobody's."""


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield an empty folder that is deleted at the end; first those are deleted whose processes were killed.

    Raises:
        StorageError: There is no place for temporary files.
    """
    with storing("make a temporary folder", None, "set TMPDIR to a folder that can be written"):
        root = Path(tempfile.gettempdir())
        _sweep(root)
        folder = root / f"{_PREFIX}{uuid.uuid4().hex}"
        claim = FileClaim.take(folder.with_suffix(_LOCK))
        folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if claim is not None:
            claim.release()


def _sweep(root: Path) -> None:
    """Delete folders whose claim has ended with its process, and old ones that never had any."""
    for lock in root.glob(f"{_PREFIX}*{_LOCK}"):
        with suppress(OSError):
            if (claim := FileClaim.take(lock)) is not None:
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                claim.release()
    before = time.time() - _ABANDONED
    for folder in root.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if not folder.with_suffix(_LOCK).exists() and folder.is_dir() and folder.stat().st_mtime < before:
                shutil.rmtree(folder, ignore_errors=True)
