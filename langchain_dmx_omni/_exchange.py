"""One request and its answer: sending, reading, retrying. Sync and async differ in the lines that wait.

Retries never repeat what the user has seen. A collected answer may be tried again after it broke off midway;
a streamed one only until its first delta, and then it is a `StreamInterruptedError` with what had arrived.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._answer.chunks import partial_message
from ._answer.endings import settle
from ._answer.reader import AnswerReader
from ._sse import EventDecoder
from ._transport import http, retry
from .errors import DMXOmniError, StreamInterruptedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from ._answer.answer import Answer
    from ._answer.deltas import AnswerSpec, Delta
    from ._event_log import EventLog
    from ._request.body import Body
    from ._secrets import Secrets
    from ._sse import ServerSentEvent
    from ._transport.endpoint import Endpoint

Deltas = list["Delta"]
"""What a batch of events adds to the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that is ready to be sent, as often as need be."""

    endpoint: Endpoint
    body: Body
    spec: AnswerSpec
    max_retries: int
    secrets: Callable[[], Secrets] = field(repr=False)
    """What is kept out of every error and log."""
    log: EventLog | None = None

    def collect(self, on_retry: Callable[[Any], Any] | None = None) -> Answer:
        """Return the whole answer.

        Raises:
            DMXOmniError: There is none; `partial` holds what had arrived.
        """

        def attempt() -> Answer:
            stream = AnswerStream(self)
            while stream.read():
                pass
            return stream.answer

        return retry.call(attempt, self.max_retries, on_retry)

    def stream(self, on_retry: Callable[[Any], Any] | None = None) -> AnswerStream:
        """Wait for the first deltas of the answer, and return it from there on. Closing it early hangs up.

        Raises:
            StreamInterruptedError: While it is read: the answer broke off after deltas had been handed out.
            DMXOmniError: There was no answer, or an error that no second try mends.
        """

        def attempt() -> AnswerStream:
            stream = AnswerStream(self)
            stream.first = stream.read()
            return stream

        return retry.call(attempt, self.max_retries, on_retry)

    async def acollect(self, on_retry: Callable[[Any], Awaitable[Any]] | None = None) -> Answer:
        """Async version of `collect`."""

        async def attempt() -> Answer:
            stream = AsyncAnswerStream(self)
            while await stream.read():
                pass
            return stream.answer

        return await retry.acall(attempt, self.max_retries, on_retry)

    async def astream(self, on_retry: Callable[[Any], Awaitable[Any]] | None = None) -> AsyncAnswerStream:
        """Async version of `stream`."""

        async def attempt() -> AsyncAnswerStream:
            stream = AsyncAnswerStream(self)
            stream.first = await stream.read()
            return stream

        return await retry.acall(attempt, self.max_retries, on_retry)


# No async generators here: when an event loop ends, it closes all of them at once, the outer and the inner ones,
# and they get into each other's way.


class _Attempt:
    """One try, sync or async; knows nothing of waiting.

    Attributes:
        first: Deltas that have been read, and that iterating begins with.
    """

    _reader: AnswerReader | None = None

    def __init__(self, exchange: Exchange) -> None:
        self.first: Deltas | None = None
        self._exchange = exchange
        self._log = exchange.log
        self._over = False

    @property
    def answer(self) -> Answer:
        """The answer, once deltas have been read."""
        assert self._reader is not None
        return self._reader.answer

    def _read(self, reader: AnswerReader, events: list[ServerSentEvent]) -> Deltas:
        """Return what events add."""
        if self._log is not None:
            self._log.write(events)
        return reader.feed(events)

    def _end(self, reader: AnswerReader, decoder: EventDecoder) -> Deltas:
        """Return what the end of the stream completes.

        Raises:
            DMXOmniError: The answer is not whole, or an error ended it.
        """
        self._over = True
        rest = [] if reader.answer.ended else decoder.close()
        if self._log is not None:
            self._log.write(rest)
        deltas = settle(reader, rest, decoder.stray, decoder.before_stray)
        if reader.answer.failure is not None:
            raise reader.answer.failure
        return deltas

    def _complete(self, error: DMXOmniError) -> None:
        """Add what had arrived, and take out what is secret."""
        if self._reader is not None and self.answer.started:
            error.partial = partial_message(self.answer)
        self._exchange.secrets().clean(error)
        if self._log is not None:
            self._log.fail(error)


class AnswerStream(_Attempt):
    """The answer of one try, as deltas; the request is sent when the first are read."""

    _stream: http.EventStream[EventDecoder] | None = None

    def __iter__(self) -> Iterator[Deltas]:
        return self

    def __next__(self) -> Deltas:
        deltas, self.first = self.first, None
        try:
            deltas = deltas or self.read()
        except DMXOmniError as error:
            if interruption := as_interruption(error):
                raise interruption from error
            raise
        if deltas is None:
            raise StopIteration
        return deltas

    def read(self) -> Deltas | None:
        """Wait for the next deltas, at least one; None after the last. However it ends, the connection is let go."""
        if self._over:
            return None
        try:
            stream, reader = self._stream, self._reader
            if stream is None or reader is None:
                stream = self._stream = http.send(self._exchange.endpoint, self._exchange.body, EventDecoder())
                reader = self._reader = AnswerReader(self._exchange.spec, stream.headers)
            while not reader.answer.ended and (events := stream.read()) is not None:
                if deltas := self._read(reader, events):
                    return deltas
            deltas = self._end(reader, stream.decoder)
            # At once, as whoever has the last deltas may not come back.
            stream.drain(http.SECONDS_FOR_THE_REST)
            stream.close()
            return deltas
        except BaseException as error:
            if self._stream is not None:
                self._stream.close()
            if isinstance(error, DMXOmniError):
                self._complete(error)
            raise

    def close(self) -> None:
        """Hang up, unless the answer was read to its end."""
        if self._stream is not None:
            self._stream.hang_up()


class AsyncAnswerStream(_Attempt):
    """Async version of `AnswerStream`."""

    _stream: http.AsyncEventStream[EventDecoder] | None = None

    def __aiter__(self) -> AsyncIterator[Deltas]:
        return self

    async def __anext__(self) -> Deltas:
        deltas, self.first = self.first, None
        try:
            deltas = deltas or await self.read()
        except DMXOmniError as error:
            if interruption := as_interruption(error):
                raise interruption from error
            raise
        if deltas is None:
            raise StopAsyncIteration
        return deltas

    async def read(self) -> Deltas | None:
        """Wait for the next deltas, at least one; None after the last. However it ends, the connection is let go."""
        if self._over:
            return None
        try:
            stream, reader = self._stream, self._reader
            if stream is None or reader is None:
                stream = self._stream = await http.asend(self._exchange.endpoint, self._exchange.body, EventDecoder())
                reader = self._reader = AnswerReader(self._exchange.spec, stream.headers)
            while not reader.answer.ended and (events := await stream.read()) is not None:
                if deltas := self._read(reader, events):
                    return deltas
            deltas = self._end(reader, stream.decoder)
            # At once, as whoever has the last deltas may not come back.
            await stream.drain(http.SECONDS_FOR_THE_REST)
            await stream.aclose()
            return deltas
        except BaseException as error:
            await self.aclose()
            if isinstance(error, DMXOmniError):
                self._complete(error)
            raise

    async def aclose(self) -> None:
        """Hang up, unless the answer was read to its end."""
        if self._stream is not None:
            await self._stream.aclose()


def as_interruption(error: DMXOmniError) -> StreamInterruptedError | None:
    """Return what stands for an error once the user has seen a part of the answer: a second try would repeat that."""
    if isinstance(error, StreamInterruptedError) or not error.is_retryable:
        return None
    interruption = StreamInterruptedError(f"the answer broke off midway: {error}")
    interruption.partial = error.partial
    return interruption
