"""The only module that knows HTTP: clients, and one streamed answer.

Clients are made when first needed and shared by everyone in the process: one for sync calls, one for each
running event loop. They live outside the model, which therefore pickles and copies; a client that the user
passes is used as it is and never closed.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import math
import os
import threading
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.request import getproxies

import httpx

from . import _failures
from ._deadlines import Deadline, watchdog, within
from ._sse import EventDecoder, ServerSentEvent
from .errors import (
    BadRequestError,
    ConfigurationError,
    ConnectError,
    ConnectTimeoutError,
    DMXOmniError,
    ProtocolError,
    RequestTimeoutError,
    StreamInterruptedError,
    WriteTimeoutError,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator, Mapping, MutableMapping

    from ._body import Body

Client = httpx.Client
AsyncClient = httpx.AsyncClient
Timeout = httpx.Timeout

_BODY = 65_536
"""Bytes that are read of what is no answer: an error's body, or what follows an answer's end."""

_ERROR_BODY = 5.0
"""Seconds that an error's body is given; the status alone is an error too."""

AFTERMATH = 1.0
"""Seconds that an ended answer's connection is given to end its body, so that it can serve the next call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go, and how long they may take."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    timeout: httpx.Timeout
    """`read` is not used: the two event timeouts stand for it."""
    first_event_timeout: float | None
    idle_timeout: float | None
    client: httpx.Client | None = None
    async_client: httpx.AsyncClient | None = None

    def request(self, client: httpx.Client | httpx.AsyncClient, content: Any, length: int) -> httpx.Request:
        """Return the HTTP request."""
        if client.is_closed:
            raise ConfigurationError(f"the {type(client).__name__} that was passed has been closed")
        limits = self.timeout
        timeout = httpx.Timeout(
            connect=limits.connect, write=limits.write, pool=limits.pool, read=self.first_event_timeout
        )
        headers = {**self.headers, "content-length": str(length)}
        try:
            request = client.build_request("POST", self.url, content=content, headers=headers, timeout=timeout)
            if (request.url.port or 0) > 65_535:  # the system would take it modulo 65,536
                raise httpx.InvalidURL("there is no such port")
            return request
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ConfigurationError(f"base_url={self.url!r} or a header can't be used: {error}") from None


class _Incoming:
    """What the sync and the async stream of an answer share."""

    def __init__(self, response: httpx.Response, deadline: Deadline) -> None:
        self.headers = response.headers
        self._response = response
        self._deadline = deadline
        self.decoder = EventDecoder()
        # Waiting for the body is left to the deadline, which alone knows whether an event is due.
        self._timeouts: MutableMapping[str, Any] = response.request.extensions["timeout"]
        self._timeouts["read"] = None

    def _take(self, data: bytes) -> list[ServerSentEvent]:
        events = self.decoder.feed(data)
        if events:
            self._deadline.event()
        elif self._deadline.passed:
            raise self._deadline.error()
        return events


class EventStream(_Incoming):
    """The events of one answer, as they arrive, in the batches in which they arrive. Closing it hangs up."""

    def __init__(self, response: httpx.Response, deadline: Deadline) -> None:
        super().__init__(response, deadline)
        network = response.extensions.get("network_stream")
        # HTTP/2, which only a client of the user's speaks, shares one socket among many answers.
        if network is None or response.http_version == "HTTP/2":
            self._socket = None
        else:
            self._socket = network.get_extra_info("socket")
        self._chunks = response.iter_bytes()

    def read(self) -> list[ServerSentEvent] | None:
        """Wait for the next events; None after the last."""
        while (data := self._read()) is not None:
            if events := self._take(data):
                return events
        return None

    def _read(self) -> bytes | None:
        self._deadline.waiting()
        try:
            with _mapped(self._response.request, self._deadline, begun=True), self._until(self._deadline.at):
                data = next(self._chunks, None)
        except DMXOmniError:
            if self._deadline.passed:  # the watchdog's doing
                raise self._deadline.error() from None
            raise
        if data is None and self._deadline.passed:
            raise self._deadline.error()
        return data

    def drain(self, seconds: float) -> bytes:
        """Return what else arrives within a time; reading to the end lets the connection be used again."""
        data, until = b"", time.monotonic() + seconds
        with contextlib.suppress(httpx.HTTPError), self._until(until):
            for chunk in self._chunks:
                data += chunk
                if len(data) >= _BODY or time.monotonic() >= until:
                    break
        return data

    def close(self) -> None:
        """Hang up, unless the answer was read to its end."""
        self._response.close()

    def hang_up(self) -> None:
        """Do so soon, from another thread.

        An abandoned stream is closed by the garbage collector, which may run while this very thread holds the
        connection pool's lock; waiting for that lock would then be forever.
        """
        if not self._response.is_closed:
            watchdog.later(self._response.close)

    @contextlib.contextmanager
    def _until(self, at: float) -> Iterator[None]:
        """End the wait for bytes at a time (of `time.monotonic`)."""
        if self._socket is None:  # then each single read is what can be limited
            self._timeouts["read"] = None if at == math.inf else max(0.001, at - time.monotonic())
        with watchdog.limit(self._socket, at, unless=lambda: self._response.is_closed):
            yield


class AsyncEventStream(_Incoming):
    """The same for async calls."""

    def __init__(self, response: httpx.Response, deadline: Deadline) -> None:
        super().__init__(response, deadline)
        self._chunks = response.aiter_bytes()

    async def read(self) -> list[ServerSentEvent] | None:
        """Wait for the next events; None after the last."""
        while (data := await self._read()) is not None:
            if events := self._take(data):
                return events
        return None

    async def _read(self) -> bytes | None:
        self._deadline.waiting()
        try:
            with _mapped(self._response.request, self._deadline, begun=True):
                async with asyncio.timeout(self._deadline.remaining):
                    return await anext(self._chunks, None)
        except TimeoutError:
            raise self._deadline.error() from None

    async def drain(self, seconds: float) -> bytes:
        """Return what else arrives within a time; reading to the end lets the connection be used again."""
        data = b""
        with contextlib.suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(seconds):
                async for chunk in self._chunks:
                    data += chunk
                    if len(data) >= _BODY:
                        break
        return data

    async def aclose(self) -> None:
        """Hang up, unless the answer was read to its end."""
        await self._response.aclose()


def send(endpoint: Endpoint, body: Body) -> EventStream:
    """Send a request and return the events of its answer.

    Raises:
        APIStatusError: The service answered with an error.
        ConnectError, RequestTimeoutError: There was no answer.
    """
    client = endpoint.client or _client()
    deadline = Deadline(endpoint.first_event_timeout, endpoint.idle_timeout)

    def content() -> Iterator[bytes]:
        yield from body
        deadline.sent()

    request = endpoint.request(client, content(), len(body))
    with _mapped(request, deadline, begun=False):
        response = client.send(request, stream=True, follow_redirects=False)
    stream = EventStream(response, deadline)
    if _is_error(response):
        with contextlib.closing(stream):
            raise _failure(response, stream.drain(_ERROR_BODY))
    return stream


async def asend(endpoint: Endpoint, body: Body) -> AsyncEventStream:
    """Do what `send` does, for async calls."""
    client = endpoint.async_client or await _async_client()
    deadline = Deadline(endpoint.first_event_timeout, endpoint.idle_timeout)

    async def content() -> AsyncIterator[bytes]:
        async for piece in body:
            yield piece
        deadline.sent()

    request = endpoint.request(client, content(), len(body))
    with _mapped(request, deadline, begun=False):
        response = await client.send(request, stream=True, follow_redirects=False)
    stream = AsyncEventStream(response, deadline)
    if _is_error(response):
        async with contextlib.aclosing(stream):
            raise _failure(response, await stream.drain(_ERROR_BODY))
    return stream


def _is_error(response: httpx.Response) -> bool:
    return not response.is_success or response.headers.get("content-type", "").lower().startswith("text/html")


def _failure(response: httpx.Response, body: bytes) -> DMXOmniError:
    if response.is_success:
        page = _failures.excerpt(body.decode("utf-8", "replace"))
        return ProtocolError(f"HTTP {response.status_code} with an HTML page instead of an answer: {page}")
    if response.has_redirect_location:
        # Following it would hand the key and the media to wherever it points.
        place = response.headers["location"].partition("?")[0]
        code = response.status_code
        told = f"the service answered {code}, a redirect to {place}, which is not followed: check base_url"
        return BadRequestError(told, status_code=code)
    return _failures.from_response(response.status_code, response.headers, body)


@contextlib.contextmanager
def _mapped(request: httpx.Request, deadline: Deadline, *, begun: bool) -> Iterator[None]:
    """Turn httpx's errors into ours; `begun` once an answer has begun."""
    host = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
    limits = request.extensions["timeout"]
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise ConnectTimeoutError(f"no connection to {host} {within(limits['connect'])} (timeout)") from error
    except httpx.PoolTimeout as error:
        raise ConnectTimeoutError(f"the client had no free connection {within(limits['pool'])} (timeout)") from error
    except httpx.WriteTimeout as error:
        raise WriteTimeoutError(f"{host} took no more of the request {within(limits['write'])} (timeout)") from error
    except httpx.ReadTimeout as error:
        raise deadline.error() from error
    except httpx.TimeoutException as error:
        raise RequestTimeoutError(f"a deadline passed: {error}") from error
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise ConfigurationError(f"the request can't be sent: {error}; check base_url and the headers") from error
    except httpx.DecodingError as error:
        raise ProtocolError(f"the answer's content encoding can't be read: {error}") from error
    except httpx.ProxyError as error:
        raise ConnectError(f"the proxy gave no way to {host}: {error}; check the proxy settings") from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        told = str(error) or type(error).__name__
        if begun:
            raise StreamInterruptedError(f"the connection broke off midway: {told}") from error
        raise ConnectError(f"can't reach {host}: {told}; check base_url, the network and the proxy, if any") from error


# Clients

_Kept = tuple[httpx.AsyncClient, "AsyncGenerator[None]"]
"""A client that belongs to one event loop, and what closes it when the loop ends."""


class _Clients:
    """The shared clients of this process. One set for each set of proxies that the environment names."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sync: dict[object, httpx.Client] = {}
        self.loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, _Kept]] = (
            weakref.WeakKeyDictionary()
        )


_clients = _Clients()


def _forget() -> None:
    """A forked child must not talk on its parent's connections, nor close them."""
    global _clients  # noqa: PLW0603
    _parents.append(_clients)
    _clients = _Clients()


@atexit.register
def _close() -> None:
    for client in _clients.sync.values():
        client.close()


_parents: list[_Clients] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    """Return the one context that all clients share: making it costs more than a call."""
    return httpx.create_ssl_context()


Made = TypeVar("Made", httpx.Client, httpx.AsyncClient)


def _make(kind: type[Made]) -> Made:
    """Return a new client. Made for the first time, it reads files and imports modules for a tenth of a second."""
    # No bound on connections: a thousand streams at once is a thousand connections, not a queue.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)
    try:
        return kind(verify=_ssl_context(), limits=limits)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # a SOCKS proxy without socksio, or no URL at all
        raise ConfigurationError(f"a proxy that the environment names can't be used: {error}") from error


def _client() -> httpx.Client:
    proxies, clients = tuple(sorted(getproxies().items())), _clients
    with clients.lock:
        if proxies not in clients.sync:
            clients.sync[proxies] = _make(httpx.Client)
        return clients.sync[proxies]


async def _async_client() -> httpx.AsyncClient:
    proxies, clients, loop = tuple(sorted(getproxies().items())), _clients, asyncio.get_running_loop()
    if kept := clients.loops.get(loop, {}).get(proxies):
        return kept[0]
    client = await asyncio.to_thread(_make, httpx.AsyncClient)
    with clients.lock:
        for ended in [one for one in clients.loops if one.is_closed()]:
            del clients.loops[ended]
        closing = _close_with_loop(client)
        kept = clients.loops.setdefault(loop, {}).setdefault(proxies, (client, closing))
    if kept[1] is closing:  # else another task was faster
        await anext(closing)
    return kept[0]


async def _close_with_loop(client: httpx.AsyncClient) -> AsyncGenerator[None]:
    """Close a client when its event loop ends.

    An event loop that shuts down, as at the end of `asyncio.run`, closes the async generators that have begun
    on it; being one of them is how a library gets told.
    """
    clients, loop = _clients, asyncio.get_running_loop()
    try:
        yield
    finally:
        with clients.lock:
            clients.loops.pop(loop, None)
        await client.aclose()
