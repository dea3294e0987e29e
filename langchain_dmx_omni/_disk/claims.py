"""Claims: which process is at work on something. A claim ends with its process, however that ends."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import Protocol

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_HELD = frozenset({errno.EAGAIN, errno.EACCES, errno.EDEADLK})
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Claim(Protocol):
    """The right to work on something, as long as others respect it."""

    def release(self) -> None:
        """Let others have it."""


class FileClaim:
    """A lock on a small file; the file is there as long as the claim, or until the next one after a process was killed.

    Where a file system knows no locks, everybody gets a claim.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def take(cls, path: Path) -> FileClaim | None:
        """Return the claim, or None while somebody else has it.

        Raises:
            OSError: The file can't be made.
        """
        while True:
            descriptor = os.open(path, _FLAGS, 0o600)
            try:
                _lock(descriptor)
            except OSError as error:
                if error.errno in _HELD:
                    os.close(descriptor)
                    return None
            if _is_at(descriptor, path):
                return cls(path, descriptor)
            os.close(descriptor)  # the one before us has just deleted it

    def release(self) -> None:
        """Let others have it."""
        with contextlib.suppress(OSError):
            self._path.unlink()  # first, so that nobody takes a file that is about to go
        os.close(self._descriptor)
        with contextlib.suppress(OSError):  # Windows deletes no open file
            if sys.platform == "win32":
                self._path.unlink()


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
