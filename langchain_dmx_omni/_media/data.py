"""The request body, sent in small pieces with a known length.

Media is never copied into one big JSON text: the body is a list of JSON snippets with the media between them,
each turned into bytes only when its turn comes. So memory does not grow with a file, an inline base64 text is
not copied, and a retry sends the very same bytes again.
"""

from __future__ import annotations

import asyncio
import binascii
import json
import math
import os
import re
import secrets
from typing import TYPE_CHECKING, Any, BinaryIO

from langchain_dmx_omni.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

_PIECE = 3 * 16_384
"""Bytes of a file, or characters of base64, in one piece; a multiple of 3 leaves no padding between pieces."""

_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/=_\s-]", re.ASCII)
_CLEANED = str.maketrans("-_", "+/", " \t\n\r\f\v")


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
        """What tells this media from other, without reading it."""
        return len(self), hash(self._text)

    @property
    def base64(self) -> str:
        """The base64 text alone."""
        return self._text[self._start :]

    def __len__(self) -> int:
        """Bytes of the data URL."""
        return len(self.prefix) + len(self._text) - self._start

    def head(self, size: int) -> bytes:
        """Return the first bytes of the media."""
        characters = self._text[self._start : self._start + (size + 2) // 3 * 4]
        return binascii.a2b_base64(characters[: len(characters) // 4 * 4])[:size]

    def pieces(self) -> Iterator[bytes]:
        """Return the data URL's bytes."""
        yield self.prefix.encode("ascii")
        for at in range(self._start, len(self._text), _PIECE):
            yield self._text[at : at + _PIECE].encode("ascii")

    async def apieces(self) -> AsyncIterator[bytes]:
        """Return the same; nothing here waits."""
        for piece in self.pieces():
            yield piece


class FileData:
    """A local file that goes into a data URL, read when it is sent.

    Args:
        path: The file, symbolic links resolved.
        found: What `stat` said of it. Its size is promised to the service before it is read, and another file in
            its place would not have been checked.
        prefix: What goes before it in the data URL.
    """

    def __init__(self, path: Path, found: os.stat_result, prefix: str = "data:;base64,") -> None:
        self._path = path
        self._found = _identity(found)
        self._size = found.st_size
        self.prefix = prefix

    def __len__(self) -> int:
        """Bytes of the data URL."""
        return len(self.prefix) + (self._size + 2) // 3 * 4

    @property
    def fingerprint(self) -> tuple[int, int]:
        """What tells this media from other, without reading it."""
        return len(self), hash((self._path, self._found))

    def head(self, size: int) -> bytes:
        """Return the first bytes of the file.

        Raises:
            OSError: It can't be read.
        """
        with self._path.open("rb") as file:
            return file.read(size)

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
        """Return the same, reading and encoding outside the event loop."""
        pieces = self.pieces()
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    def _open(self) -> BinaryIO:
        try:
            return self._path.open("rb")
        except OSError as error:
            raise self._lost(error) from None

    def _read(self, file: BinaryIO, left: int) -> bytes:
        try:
            data = file.read(min(_PIECE, left))
            found = os.fstat(file.fileno())
        except OSError as error:
            raise self._lost(error) from None
        if not data or _identity(found) != self._found:
            raise InvalidInputError(f"the file {self._path.name} changed while it was being sent; send it again")
        return data

    def _lost(self, error: OSError) -> InvalidInputError:
        return InvalidInputError(f"the file {self._path.name} can't be read any more: {error.strerror}")


def _identity(found: os.stat_result) -> tuple[int, ...]:
    return found.st_dev, found.st_ino, found.st_size


MediaData = InlineData | FileData


class Body:
    """A JSON body with media in it.

    Args:
        payload: The JSON value; media stands in it as `InlineData` and `FileData`.

    Raises:
        InvalidInputError: Something in it can't be written as JSON.
    """

    def __init__(self, payload: dict[str, Any]) -> None:
        media: list[MediaData] = []
        mark = secrets.token_hex(16)  # no text can hold what nobody can guess

        def place(value: object) -> str:
            if not isinstance(value, MediaData):
                raise TypeError
            media.append(value)
            return mark

        try:
            text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=place)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInputError(f"the request can't be written as JSON: {_reason(payload) or error}") from None
        # A lone surrogate has no UTF-8 form; Python's escape for it happens to be JSON's.
        snippets = [snippet.encode("utf-8", "backslashreplace") for snippet in text.split(mark)]
        self._parts: list[bytes | MediaData] = [snippets[0]]
        for one, snippet in zip(media, snippets[1:], strict=True):
            self._parts += [one, snippet]

    def __len__(self) -> int:
        """Bytes of the whole body: its `Content-Length`."""
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            else:
                yield from part.pieces()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            else:
                async for piece in part.apieces():
                    yield piece


def clean_base64(text: str, start: int = 0) -> tuple[str, int]:
    """Check base64 and return it as the service takes it, with where it begins.

    Line breaks go, the URL-safe alphabet becomes the standard one, and missing padding is added; text that
    needs none of this is not copied.

    Raises:
        ValueError: It is not base64, or there is nothing in it.
    """
    if len(text) > start and _is_base64(text, start):
        return text, start
    wrong = _NOT_BASE64.search(text, start)
    if wrong:
        raise ValueError(f"it is not base64 ({wrong[0]!r} at character {wrong.start() - start + 1})")
    cleaned = text[start:].translate(_CLEANED)
    if not cleaned:
        raise ValueError("it is empty")
    cleaned += "=" * (-len(cleaned) % 4)
    if not _is_base64(cleaned, 0):
        raise ValueError("it is not base64 (its length or its padding is wrong)")
    return cleaned, 0


def _is_base64(text: str, start: int) -> bool:
    if (len(text) - start) % 4:
        return False
    try:
        # In pieces: decoding all at once would double the memory.
        for at in range(start, len(text), _PIECE):
            piece = text[at : at + _PIECE]
            if piece.endswith("=") and at + _PIECE < len(text):
                return False
            binascii.a2b_base64(piece, strict_mode=True)
    except ValueError:
        return False
    return True


def _reason(payload: object) -> str | None:
    try:
        return _culprit(payload)
    except RecursionError:
        return "it is nested too deeply, or holds itself"


def _culprit(value: object, path: str = "") -> str | None:
    """Return what in a value JSON can't hold, by its path; its content may be secret, or long."""
    where = path[:200] or "it"
    match value:
        case dict():
            for key, inner in value.items():
                if not isinstance(key, str | int | float | None):
                    return f"{where} has a key that is a {type(key).__name__}"
                if found := _culprit(inner, f"{path}.{key}" if path else str(key)):
                    return found
        case list() | tuple():
            return next(filter(None, (_culprit(inner, f"{path}[{at}]") for at, inner in enumerate(value))), None)
        case float() if not math.isfinite(value):
            return f"{where} is {value}"
        case None | str() | int() | float() | InlineData() | FileData():
            return None
        case _:
            return f"{where} is a {type(value).__name__}"
    return None
