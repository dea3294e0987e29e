"""The network under httpx: connections that know where a request and its answer stand.

Their bytes pass through a `ChunkMerger`. Beyond that, they mend what httpcore leaves open:

- The head of an answer has one deadline, however many bytes and interim responses it trickles in.
- A connection on which anything has come behind the end of an answer does not serve another.
- An answer that comes before the request has gone out ends the sending, and is read, on an event loop too.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import time
from typing import Any

import httpcore

from .http_chunks import ChunkMerger

_READ = 65_536
_INSTANT = 0.001
"""Seconds for reading what is there already: within TLS, that may be something else than an answer."""

_TURNS = 4
"""Turns of the event loop after which what is there already has been read."""

_INTERIM = re.compile(rb"(?:HTTP/1\.[01] 1\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n)*")
"""Responses that come before the true one, such as `102 Processing`."""

_SHORT = 2
"""Writes of a request that is gone before anyone can answer it: its head, and a body of one piece."""


def merge_chunks(transport: Any) -> None:
    """Let a transport of httpx read fewer HTTP chunks.

    httpcore takes other backends, and httpx hands none on. Should either come to keep them elsewhere, chunks are
    read one by one again, which is slower and nothing else.
    """
    pool: Any = getattr(transport, "_pool", None)
    match getattr(pool, "_network_backend", None):
        case httpcore.NetworkBackend() as backend:
            pool._network_backend = _Backend(backend)
        case httpcore.AsyncNetworkBackend() as backend:
            pool._network_backend = _AsyncBackend(backend)


class _Wire:
    """What the sync and the async stream share: where the request and its answer stand."""

    def __init__(self, stream: httpcore.NetworkStream | httpcore.AsyncNetworkStream) -> None:
        self._inner = stream
        self._merger = ChunkMerger()
        self._early = b""  # of the answer, read while the request went out
        self._writes = 0
        self._sent_at = 0.0

    def _writing(self) -> bool:
        """A piece of the request goes out; return whether there may be an answer by now."""
        self._merger.sent()
        self._writes += 1
        self._sent_at = time.monotonic()
        return self._writes > _SHORT

    def _limit(self, timeout: float | None) -> float | None:
        """Return how long the next read of a head may take: its timeout counts from the end of sending."""
        self._writes = 0
        if timeout is None:
            return None
        left = self._sent_at + timeout - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("the head of the answer took too long")
        return left

    def _take_early(self) -> bytes:
        data, self._early = self._early, b""
        return data

    def _is_answered(self) -> bool:
        """Whether the answer has begun, and not only an interim one."""
        interim = _INTERIM.match(self._early)
        rest = self._early[interim.end() if interim else 0 :]
        return bool(rest) and rest[9:10] != b"1"

    def get_extra_info(self, info: str) -> Any:
        """Return what is known of the connection; one that is readable while it is idle is closed by httpcore."""
        if info == "is_readable" and (self._merger.behind or self._holds_more()):
            return True
        return self._inner.get_extra_info(info)

    def _holds_more(self) -> bool:
        """Whether the TLS layer holds bytes that the socket no longer has."""
        tls = self._inner.get_extra_info("ssl_object")
        if not isinstance(tls, ssl.SSLObject):
            return tls is not None and tls.pending() > 0
        try:  # in memory, so this never waits
            tls.read(1)
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError:
            pass
        return True


def _early_answer() -> httpcore.WriteError:
    """Return what makes httpcore read the answer, and close the connection after it."""
    return httpcore.WriteError("the answer came before all of the request was sent")


class _Backend(httpcore.NetworkBackend):
    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._backend.connect_tcp(*args, **kwargs))

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._backend.connect_unix_socket(*args, **kwargs))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _Stream(_Wire, httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        super().__init__(stream)
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            if self._merger.in_head:
                limit = self._limit(timeout)
                data = self._take_early() or self._stream.read(max_bytes, limit)
            else:
                data = self._stream.read(max_bytes, timeout)
            merged = self._merger.feed(data)
            if merged or not data:
                return merged

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return
        if self._writing() and self._look():
            raise _early_answer()
        try:
            self._stream.write(buffer, timeout)
        except httpcore.WriteTimeout as error:
            if self._look():
                raise _early_answer() from error
            raise

    def _look(self) -> bool:
        """Whether the answer has begun."""
        if self._stream.get_extra_info("is_readable"):
            with contextlib.suppress(httpcore.ReadTimeout, httpcore.ReadError):
                self._early += self._stream.read(_READ, _INSTANT)
        return self._is_answered()

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(*args, **kwargs))


class _AsyncBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await self._backend.connect_tcp(*args, **kwargs))

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await self._backend.connect_unix_socket(*args, **kwargs))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _AsyncStream(_Wire, httpcore.AsyncNetworkStream):
    """Reads while it writes: an event loop drops what has arrived on a connection as soon as writing to it fails."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        super().__init__(stream)
        self._stream = stream
        self._reading: asyncio.Task[bytes] | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  httpcore's own
        while True:
            if self._merger.in_head:
                data = await self._read_head(max_bytes, self._limit(timeout))
            else:
                data = await self._stream.read(max_bytes, timeout)
            merged = self._merger.feed(data)
            if merged or not data:
                return merged

    async def _read_head(self, max_bytes: int, limit: float | None) -> bytes:
        if early := self._take_early():
            return early
        reading, self._reading = self._reading, None
        if reading is None:
            return await self._stream.read(max_bytes, limit)
        try:
            async with asyncio.timeout(limit):
                return await reading
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:
            return
        if self._writing() and await self._look():
            raise _early_answer()
        try:
            await self._stream.write(buffer, timeout)
        except (httpcore.WriteTimeout, httpcore.WriteError) as error:
            if self._reading is not None and self._reading.done() and await self._look():
                raise _early_answer() from error
            raise

    async def _look(self) -> bool:
        """Whether the answer has begun."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._stream.read(_READ, None))
        if self._reading is not None:
            if self._stream.get_extra_info("is_readable"):
                for _ in range(_TURNS):
                    await asyncio.sleep(0)
            if self._reading.done():
                reading, self._reading = self._reading, None
                with contextlib.suppress(httpcore.ReadError):
                    self._early += reading.result()
        return self._is_answered()

    async def aclose(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait({reading})
            _ = reading.cancelled() or reading.exception()  # or asyncio would say that nobody had looked
        await self._stream.aclose()

    async def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        return _AsyncStream(await self._stream.start_tls(*args, **kwargs))
