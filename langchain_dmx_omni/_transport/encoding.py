"""Bodies that are compressed although none was asked for, unpacked in pieces: 1 MB may stand for gigabytes."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

_PIECE = 65_536
"""Bytes that are unpacked at once."""

_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS


def unpacker(headers: Mapping[str, str]) -> Callable[[bytes], Iterator[bytes]] | None:
    """Return what unpacks a body piece by piece, or None for one that is sent as it is.

    Raises:
        httpx.DecodingError: It is packed in a way that was not asked for and that nothing here unpacks; or, while
            it is unpacked, it is not what its headers say.
    """
    encodings = [name for each in headers.get("content-encoding", "").lower().split(",") if (name := each.strip())]
    match [name for name in encodings if name != "identity"]:
        case []:
            return None
        case ["gzip" | "x-gzip" | "deflate" as name]:
            return _Inflater(name).pieces
        case others:
            raise httpx.DecodingError(f"{', '.join(others)!r} was not asked for")


class _Inflater:
    def __init__(self, name: str) -> None:
        self._raw_may_be = name == "deflate"  # some leave out the header that the standard asks for
        self._zlib = zlib.decompressobj(_ZLIB_OR_GZIP)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while data and not self._zlib.eof:
            try:
                piece = self._zlib.decompress(data, _PIECE)
            except zlib.error as error:
                if not self._raw_may_be:
                    raise httpx.DecodingError(str(error)) from error
                self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
                piece = self._decompress_raw(data)
            self._raw_may_be = False
            data = self._zlib.unconsumed_tail
            if piece:
                yield piece

    def _decompress_raw(self, data: bytes) -> bytes:
        try:
            return self._zlib.decompress(data, _PIECE)
        except zlib.error as error:
            raise httpx.DecodingError(str(error)) from error


def unpacked(body: Iterator[bytes], unpack: Callable[[bytes], Iterator[bytes]]) -> Iterator[bytes]:
    """Return a body's bytes, unpacked."""
    for data in body:
        yield from unpack(data)


async def aunpacked(body: AsyncIterator[bytes], unpack: Callable[[bytes], Iterator[bytes]]) -> AsyncIterator[bytes]:
    """Async version of `unpacked`."""
    async for data in body:
        for piece in unpack(data):
            yield piece
