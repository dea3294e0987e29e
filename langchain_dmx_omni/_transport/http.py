"""HTTP: one request, and the events of its streamed answer. Of this room alone is httpx known."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

import httpx

from langchain_dmx_omni import _failures
from langchain_dmx_omni._sse import ServerSentEvent
from langchain_dmx_omni.errors import (
    AnswerTooLargeError,
    BadRequestError,
    CertificateError,
    ConfigurationError,
    ConnectError,
    ConnectTimeoutError,
    DMXOmniError,
    ProtocolError,
    RequestTimeoutError,
    StreamInterruptedError,
    WriteTimeoutError,
)

from . import clients
from .deadlines import Alarm, Deadline, watchdog, within
from .encoding import aunpacked, unpacked, unpacker

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from .endpoint import Endpoint, RequestBody

_HTTPX_ERRORS = (httpx.HTTPError, httpx.StreamError)
"""Every error that httpx raises while it sends and reads."""

_MOST_READ = 65_536
"""Bytes that are read of what is no answer: an error's body, or what follows an answer's end."""

_SECONDS_FOR_ERROR_BODY = 5.0
"""Seconds that an error's body is given; the status alone is an error too."""

SECONDS_FOR_THE_REST = 1.0
"""Seconds that an ended answer's connection is given to end its body, so that it can serve the next call."""

_LINE_FRAMING = len(b"data: \r\n")
"""Bytes around the data of an event that has not ended, which the decoder may hold as well."""


class Decoder(Protocol):
    """Turns the bytes of an answer, cut anywhere, into events."""

    @property
    def held(self) -> int:
        """Bytes that are held of an event that has not ended."""

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that a chunk completes."""

    def close(self) -> list[ServerSentEvent]:
        """Return what the end of the answer completes."""


DecoderT = TypeVar("DecoderT", bound=Decoder)


class WholeDecoder:
    """Takes an answer that is no stream for one event, which ends with it.

    So it has the deadlines and the bounds of an event, and everything else that a stream has.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.held = 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Keep a piece."""
        self._pieces.append(chunk)
        self.held += len(chunk)
        return []

    def close(self) -> list[ServerSentEvent]:
        """Return the whole."""
        return [ServerSentEvent("", b"".join(self._pieces))]


class _Incoming(Generic[DecoderT]):
    """What the sync and the async stream of an answer share."""

    def __init__(self, response: httpx.Response, deadline: Deadline, endpoint: Endpoint, decoder: DecoderT) -> None:
        self.headers = response.headers
        self.decoder = decoder
        self._response = response
        self._deadline = deadline
        self._bounds = endpoint.bounds
        self._read = 0
        # Waiting for the body is left to the deadline, which alone knows whether an event is due.
        self._timeouts: MutableMapping[str, Any] = response.request.extensions["timeout"]
        self._timeouts["read"] = None

    def _take(self, data: bytes) -> list[ServerSentEvent]:
        decoder, bounds, size = self.decoder, self._bounds, len(data)
        self._read += size
        longest = decoder.held + size
        events = decoder.feed(data)
        unfinished = decoder.held - _LINE_FRAMING
        if longest > bounds.event and max(unfinished, *(len(event.data) for event in events), 0) > bounds.event:
            raise AnswerTooLargeError(f"an event of the answer is longer than {bounds.event:,} bytes (max_event_bytes)")
        if self._read > bounds.answer:
            raise AnswerTooLargeError(f"the answer is longer than {bounds.answer:,} bytes (max_answer_bytes)")
        if events:
            self._deadline.event()
        elif self._deadline.passed:
            raise self._deadline.error()
        return events

    def _broken(self, error: Exception) -> DMXOmniError:
        if self._deadline.passed:  # then it is what ended the connection
            return self._deadline.error()
        return _map_error(error, self._response.request, self._deadline, begun=True)


class EventStream(_Incoming[DecoderT]):
    """The events of one answer, as they arrive, in the batches in which they arrive. Closing it hangs up.

    Attributes:
        leaving: What closing it does about the response and the client.
    """

    def __init__(self, response: httpx.Response, deadline: Deadline, endpoint: Endpoint, decoder: DecoderT) -> None:
        super().__init__(response, deadline, endpoint, decoder)
        self.leaving = contextlib.ExitStack()
        self._pieces = iter(cast("httpx.SyncByteStream", response.stream))
        if (unpack := unpacker(response.headers)) is not None:
            self._pieces = unpacked(self._pieces, unpack)
        network = response.extensions.get("network_stream")
        # HTTP/2, which only a client of the user's speaks, shares one socket among many answers.
        if network is None or response.http_version == "HTTP/2":
            self._socket = None
        else:
            self._socket = network.get_extra_info("socket")
        self._watch(deadline)

    def read(self) -> list[ServerSentEvent] | None:
        """Wait for the next events; None after the last."""
        deadline = self._deadline
        while True:
            deadline.waiting()
            if self._socket is None:  # then each single read is what can be limited
                self._timeouts["read"] = deadline.remaining
            try:
                data = next(self._pieces, None)
            except _HTTPX_ERRORS as error:
                raise self._broken(error) from error
            if data is None:
                if deadline.passed:
                    raise deadline.error()
                return None
            if events := self._take(data):
                return events

    def drain(self, seconds: float) -> bytes:
        """Return what else arrives within a time; reading to the end lets the connection be used again."""
        data, deadline = bytearray(), Deadline(seconds, None)
        deadline.waiting()
        self._timeouts["read"] = None if self._socket else seconds
        self._watch(deadline)
        try:
            with contextlib.suppress(*_HTTPX_ERRORS):
                for piece in self._pieces:
                    data += piece
                    if len(data) >= _MOST_READ or deadline.passed:
                        break
        finally:
            watchdog.forget(deadline)
        return bytes(data)

    def close(self) -> None:
        """Hang up, unless the answer was read to its end."""
        watchdog.forget(self._deadline)
        self.leaving.close()

    def hang_up(self) -> None:
        """Hang up soon, from another thread.

        An abandoned stream is closed by the garbage collector, which may run while this very thread holds the
        connection pool's lock; waiting for that lock would then be forever.
        """
        if not self._response.is_closed:
            watchdog.later(self.close)

    def _watch(self, deadline: Deadline) -> None:
        if self._socket is not None and not watchdog.watch(deadline, self._socket):
            self._socket = None


class AsyncEventStream(_Incoming[DecoderT]):
    """Async version of `EventStream`."""

    def __init__(self, response: httpx.Response, deadline: Deadline, endpoint: Endpoint, decoder: DecoderT) -> None:
        super().__init__(response, deadline, endpoint, decoder)
        self.leaving = contextlib.AsyncExitStack()
        self._pieces = aiter(cast("httpx.AsyncByteStream", response.stream))
        if (unpack := unpacker(response.headers)) is not None:
            self._pieces = aunpacked(self._pieces, unpack)
        self._alarm = Alarm(deadline)

    async def read(self) -> list[ServerSentEvent] | None:
        """Wait for the next events; None after the last."""
        while True:
            self._deadline.waiting()
            self._alarm.set()
            try:
                data = await anext(self._pieces)
            except StopAsyncIteration:
                return None
            except _HTTPX_ERRORS as error:
                raise self._broken(error) from error
            except asyncio.CancelledError:
                if self._alarm.rang():
                    raise self._deadline.error() from None
                raise
            if events := self._take(data):
                return events

    async def drain(self, seconds: float) -> bytes:
        """Return what else arrives within a time; reading to the end lets the connection be used again."""
        data = bytearray()
        with contextlib.suppress(*_HTTPX_ERRORS, TimeoutError):
            async with asyncio.timeout(seconds):
                async for piece in self._pieces:
                    data += piece
                    if len(data) >= _MOST_READ:
                        break
        return bytes(data)

    async def aclose(self) -> None:
        """Hang up, unless the answer was read to its end."""
        self._alarm.off()
        await self.leaving.aclose()


def send(endpoint: Endpoint, body: RequestBody, decoder: DecoderT) -> EventStream[DecoderT]:
    """Send a request and return the events of its answer.

    Args:
        endpoint: Where it goes.
        body: What is sent.
        decoder: What reads the answer.

    Raises:
        APIStatusError: The service answered with an error.
        ConnectError, RequestTimeoutError: There was no answer.
    """
    deadline = Deadline(endpoint.first_event_timeout, endpoint.idle_timeout)

    def content() -> Iterator[bytes]:
        yield from body
        deadline.sent()
        request.extensions["timeout"]["read"] = endpoint.first_event_timeout

    with contextlib.ExitStack() as leaving:
        client = endpoint.client
        if client is None:
            shared = clients.client()
            leaving.callback(clients.leave, shared)
            client = shared.client
        request = endpoint.request(client, content(), len(body))
        try:
            response = client.send(request, stream=True, follow_redirects=False)
        except _HTTPX_ERRORS as error:
            raise _map_error(error, request, deadline, begun=False) from error
        leaving.callback(response.close)
        try:
            stream = EventStream(response, deadline, endpoint, decoder)
        except httpx.DecodingError as error:
            raise _map_error(error, request, deadline, begun=True) from error
        stream.leaving = leaving.pop_all()
    if _is_error(response):
        with contextlib.closing(stream):
            raise _failure(response, stream.drain(_SECONDS_FOR_ERROR_BODY), endpoint.base_url)
    return stream


async def asend(endpoint: Endpoint, body: RequestBody, decoder: DecoderT) -> AsyncEventStream[DecoderT]:
    """Async version of `send`."""
    deadline = Deadline(endpoint.first_event_timeout, endpoint.idle_timeout)
    alarm = Alarm(deadline)

    async def content() -> AsyncIterator[bytes]:
        async for piece in body:
            yield piece
        deadline.sent()
        request.extensions["timeout"]["read"] = endpoint.first_event_timeout
        alarm.set()  # for clients of the user's, whose connections know no deadline of a head

    async with contextlib.AsyncExitStack() as leaving:
        client = endpoint.async_client
        if client is None:
            shared = await clients.async_client()
            leaving.push_async_callback(clients.aleave, shared)
            client = shared.client
        request = endpoint.request(client, content(), len(body))
        try:
            response = await client.send(request, stream=True, follow_redirects=False)
        except _HTTPX_ERRORS as error:
            raise _map_error(error, request, deadline, begun=False) from error
        except asyncio.CancelledError:
            if alarm.rang():
                raise deadline.error() from None
            raise
        finally:
            alarm.off()
        leaving.push_async_callback(response.aclose)
        try:
            stream = AsyncEventStream(response, deadline, endpoint, decoder)
        except httpx.DecodingError as error:
            raise _map_error(error, request, deadline, begun=True) from error
        stream.leaving = leaving.pop_all()
    if _is_error(response):
        async with contextlib.aclosing(stream):
            raise _failure(response, await stream.drain(_SECONDS_FOR_ERROR_BODY), endpoint.base_url)
    return stream


def _is_error(response: httpx.Response) -> bool:
    return not response.is_success or response.headers.get("content-type", "").lower().startswith("text/html")


def _failure(response: httpx.Response, body: bytes, base_url: str) -> DMXOmniError:
    if response.is_success:
        page = _failures.excerpt(_failures.text(response.headers, body))
        remedy = "" if "/v1" in base_url else ", which ends in /v1 as a rule"
        return ProtocolError(
            f"HTTP {response.status_code} with an HTML page instead of an answer: {page}; "
            f"check base_url={base_url!r}{remedy}"
        )
    if response.has_redirect_location:
        # Following it would hand the key and the media to wherever it points.
        place = response.headers["location"].partition("?")[0]
        code = response.status_code
        message = f"the service answered {code}, a redirect to {place}, which is not followed: check base_url"
        return BadRequestError(message, status_code=code)
    return _failures.from_response(response.status_code, response.headers, body)


def _map_error(error: Exception, request: httpx.Request, deadline: Deadline, *, begun: bool) -> DMXOmniError:
    """Return our error for one of httpx's; `begun` once an answer has begun."""
    host = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
    limits = request.extensions["timeout"]
    reason = str(error) or type(error).__name__
    match error:
        case httpx.ConnectTimeout():
            return ConnectTimeoutError(f"no connection to {host} {within(limits['connect'])} (timeout)")
        case httpx.PoolTimeout():
            return ConnectTimeoutError(f"the client had no free connection {within(limits['pool'])} (timeout)")
        case httpx.WriteTimeout():
            return WriteTimeoutError(f"{host} took no more of the request {within(limits['write'])} (timeout)")
        case httpx.ReadTimeout() if not (begun or deadline.running):
            return ConnectTimeoutError(f"the proxy gave no way to {host} {within(limits['connect'])} (timeout)")
        case httpx.ReadTimeout():
            return deadline.error()
        case httpx.TimeoutException():
            return RequestTimeoutError(f"a deadline passed: {reason}")
        case httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return ConfigurationError(f"the request can't be sent: {reason}; check base_url and the headers")
        case httpx.DecodingError():
            return ProtocolError(f"the answer's content encoding can't be read: {reason}")
        case httpx.ProxyError():
            return ConnectError(f"the proxy gave no way to {host}: {reason}; check the proxy settings")
    if begun:
        return StreamInterruptedError(f"the connection broke off midway: {reason}")
    if _is_about_certificate(error):
        remedy = "check base_url, the clock, and the certificates (SSL_CERT_FILE, SSL_CERT_DIR)"
        return CertificateError(f"{host} can't be trusted: {reason}; {remedy}")
    return ConnectError(f"can't reach {host}: {reason}; check base_url, the network and the proxy, if any")


def _is_about_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
