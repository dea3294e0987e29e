"""Media that goes into a data URL, sent in small pieces of a known length.

It is turned into bytes only when its turn comes. So memory does not grow with a file, an inline base64 text is
not copied, and a retry sends the very same bytes again.
"""

from __future__ import annotations

import asyncio
import binascii
import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from langchain_dmx_omni.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

_PIECE = 3 * 16_384
"""Bytes of a file, or characters of base64, in one piece; a multiple of 3 leaves no padding between pieces."""


class InlineData:
    """Base64 text that goes into a data URL.

    Args:
        text: The base64 text, or a data URL that holds it.
        start: Where in `text` the base64 begins.
        prefix: What goes before it in the data URL.
    """

    def __init__(self, text: str, start: int = 0, prefix: str = "data:;base64,") -> None:
        self._text = text
        self._start = start
        self.prefix = prefix

    @property
    def fingerprint(self) -> tuple[int, int]:
        """What identifies this media, without reading it."""
        return len(self), hash(self._text)

    @property
    def base64(self) -> str:
        """The base64 text alone."""
        return self._text[self._start :]

    def __len__(self) -> int:
        """Bytes of the data URL."""
        return len(self.prefix) + len(self._text) - self._start

    def head(self, size: int, start: int = 0) -> bytes:
        """Return the first bytes of the media, or those from `start` on."""
        first = self._start + start // 3 * 4
        characters = self._text[first : first + (size + 2) // 3 * 4 + 4]
        return binascii.a2b_base64(characters[: len(characters) // 4 * 4])[start % 3 :][:size]

    def pieces(self) -> Iterator[bytes]:
        """Return the data URL's bytes."""
        yield self.prefix.encode("ascii")
        for at in range(self._start, len(self._text), _PIECE):
            yield self._text[at : at + _PIECE].encode("ascii")

    async def apieces(self) -> AsyncIterator[bytes]:
        """Async version of `pieces`; nothing here waits."""
        for piece in self.pieces():
            yield piece


class FileData:
    """A local file that goes into a data URL, read when it is sent.

    Args:
        path: The file, symbolic links resolved.
        status: What `stat` said of it. Its size is promised to the service before it is read, and another file in
            its place would not have been checked.
        prefix: What goes before it in the data URL.
    """

    def __init__(self, path: Path, status: os.stat_result, prefix: str = "data:;base64,") -> None:
        self._path = path
        self._identity = _identity(status)
        self._size = status.st_size
        self.prefix = prefix

    def __len__(self) -> int:
        """Bytes of the data URL."""
        return len(self.prefix) + (self._size + 2) // 3 * 4

    @property
    def fingerprint(self) -> tuple[int, int]:
        """What identifies this media, without reading it."""
        return len(self), hash((self._path, self._identity))

    def head(self, size: int, start: int = 0) -> bytes:
        """Return the first bytes of the file, or those from `start` on.

        Raises:
            OSError: It can't be read, or is not the one that `stat` saw.
        """
        with _open_regular(self._path) as file:
            file.seek(start)
            data = file.read(size)
            if _identity(os.fstat(file.fileno())) != self._identity:
                raise OSError(errno.ESTALE, "it changed while it was being read")
            return data

    def pieces(self) -> Iterator[bytes]:
        """Return the data URL's bytes.

        Raises:
            InvalidInputError: The file can't be read any more, or is not the one that the request was built with.
        """
        yield self.prefix.encode("ascii")
        left = self._size
        with self._open() as file:
            while left:
                data = self._read(file, left)
                left -= len(data)
                yield binascii.b2a_base64(data, newline=False)

    async def apieces(self) -> AsyncIterator[bytes]:
        """Async version of `pieces`: reads and encodes outside the event loop."""
        pieces = self.pieces()
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    def _open(self) -> BinaryIO:
        try:
            return _open_regular(self._path)
        except OSError as error:
            raise self._lost(error) from None

    def _read(self, file: BinaryIO, left: int) -> bytes:
        try:
            data = file.read(min(_PIECE, left))
            status = os.fstat(file.fileno())
        except OSError as error:
            raise self._lost(error) from None
        if not data or _identity(status) != self._identity:
            raise InvalidInputError(f"the file {self._path.name} changed while it was being sent; send it again")
        return data

    def _lost(self, error: OSError) -> InvalidInputError:
        return InvalidInputError(f"the file {self._path.name} can't be read any more: {error.strerror}")


def _open_regular(path: Path) -> BinaryIO:
    """Open a file for reading, without waiting for anything: a pipe in its place would wait for its other end.

    Raises:
        OSError: It can't be read, or is no regular file.
    """
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115  # Path.open takes no opener
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no regular file")
    return file


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no such flag, and no such files


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size


MediaData = InlineData | FileData
