"""One request and its answer: sending, reading, retrying. Sync and async differ in the lines that wait.

Retries never repeat what the user has seen. A collected answer may be tried again after it broke off midway;
a streamed one only until its first delta, and then it is a `StreamInterruptedError` with what had arrived.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ._answer.chunks import message
from ._answer.reader import Answer
from ._transport import http, retry
from .errors import DMXOmniError, StreamInterruptedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from ._answer.deltas import Asked, Delta
    from ._event_log import EventLog
    from ._media.data import Body
    from ._sse import EventDecoder, ServerSentEvent

Step = list["Delta"]
"""What a batch of events added to the answer; never empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that is ready to be sent, as often as need be."""

    endpoint: http.Endpoint
    body: Body
    asked: Asked
    max_retries: int
    secret: str = field(repr=False)
    """The API key, kept out of every error and log."""
    log: EventLog | None = None

    def collect(self, on_retry: Callable[[Any], Any] | None = None) -> Answer:
        """Return the whole answer.

        Raises:
            DMXOmniError: There is none; `partial` holds what had arrived.
        """

        def attempt() -> Answer:
            steps = Steps(self)
            while steps.read():
                pass
            return steps.answer

        return retry.call(attempt, self.max_retries, on_retry)

    def stream(self, on_retry: Callable[[Any], Any] | None = None) -> Steps:
        """Wait for the first deltas of the answer, and return it from there on. Closing it early hangs up.

        Raises:
            StreamInterruptedError: While it is read: the answer broke off after deltas had been handed out.
            DMXOmniError: There was no answer, or an error that no second try mends.
        """

        def attempt() -> Steps:
            steps = Steps(self)
            steps.first = steps.read()
            return steps

        return retry.call(attempt, self.max_retries, on_retry)

    async def acollect(self, on_retry: Callable[[Any], Awaitable[Any]] | None = None) -> Answer:
        """Do what `collect` does, for async calls."""

        async def attempt() -> Answer:
            steps = AsyncSteps(self)
            while await steps.read():
                pass
            return steps.answer

        return await retry.acall(attempt, self.max_retries, on_retry)

    async def astream(self, on_retry: Callable[[Any], Awaitable[Any]] | None = None) -> AsyncSteps:
        """Do what `stream` does, for async calls."""

        async def attempt() -> AsyncSteps:
            steps = AsyncSteps(self)
            steps.first = await steps.read()
            return steps

        return await retry.acall(attempt, self.max_retries, on_retry)


# No async generators here: when an event loop ends, it closes all of them at once, the outer and the inner ones,
# and they get into each other's way.


class _Try:
    """What a sync and an async try share; knows nothing of waiting.

    Attributes:
        answer: The answer, once a step has been read.
        first: A step that has been read, and that iterating begins with.
    """

    answer: Answer

    def __init__(self, exchange: Exchange) -> None:
        self.first: Step | None = None
        self._exchange = exchange
        self._log = exchange.log
        self._over = False

    def _take(self, events: list[ServerSentEvent]) -> Step:
        """Return what events add."""
        if self._log is not None:
            self._log.write(events)
        return self.answer.feed(events)

    def _end(self, decoder: EventDecoder) -> Step:
        """Return what the end of the stream completes.

        Raises:
            DMXOmniError: The answer is not whole, or an error ended it.
        """
        self._over = True
        rest = [] if self.answer.ended else decoder.close()
        if self._log is not None:
            self._log.write(rest)
        step = self.answer.close(rest, decoder.stray)
        if self.answer.failure is not None:
            raise self.answer.failure
        return step

    def _complete(self, error: DMXOmniError) -> None:
        """Add what had arrived, and take out the key."""
        if hasattr(self, "answer") and self.answer.started:
            error.partial = message(self.answer)
        secret = self._exchange.secret
        error.args = tuple(_without(secret, each) if isinstance(each, str) else each for each in error.args)
        for name, value in vars(error).items():
            if isinstance(value, str):  # the service's code, param and so on
                setattr(error, name, _without(secret, value))
        if error.__cause__ is not None and secret in str(error.__cause__):
            # It would be printed with the traceback.
            error.__cause__ = error.__context__ = None
        if self._log is not None:
            self._log.fail(error)


class Steps(_Try):
    """One try: its request is sent when the first step is read."""

    _stream: http.EventStream | None = None

    def __iter__(self) -> Iterator[Step]:
        return self

    def __next__(self) -> Step:
        step, self.first = self.first, None
        try:
            step = step or self.read()
        except DMXOmniError as error:
            if seen := _seen(error):
                raise seen from error
            raise
        if step is None:
            raise StopIteration
        return step

    def read(self) -> Step | None:
        """Wait for the next step; None after the last. However it ends, the connection is let go."""
        if self._over:
            return None
        try:
            stream = self._stream
            if stream is None:
                stream = self._stream = http.send(self._exchange.endpoint, self._exchange.body)
                self.answer = Answer(self._exchange.asked, stream.headers)
            while not self.answer.ended and (events := stream.read()) is not None:
                if step := self._take(events):
                    return step
            step = self._end(stream.decoder)
            # At once, as whoever has the last step may not come back.
            stream.drain(http.AFTERMATH)
            stream.close()
            return step
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


class AsyncSteps(_Try):
    """The same for async calls."""

    _stream: http.AsyncEventStream | None = None

    def __aiter__(self) -> AsyncIterator[Step]:
        return self

    async def __anext__(self) -> Step:
        step, self.first = self.first, None
        try:
            step = step or await self.read()
        except DMXOmniError as error:
            if seen := _seen(error):
                raise seen from error
            raise
        if step is None:
            raise StopAsyncIteration
        return step

    async def read(self) -> Step | None:
        """Wait for the next step; None after the last. However it ends, the connection is let go."""
        if self._over:
            return None
        try:
            stream = self._stream
            if stream is None:
                stream = self._stream = await http.asend(self._exchange.endpoint, self._exchange.body)
                self.answer = Answer(self._exchange.asked, stream.headers)
            while not self.answer.ended and (events := await stream.read()) is not None:
                if step := self._take(events):
                    return step
            step = self._end(stream.decoder)
            # At once, as whoever has the last step may not come back.
            await stream.drain(http.AFTERMATH)
            await stream.aclose()
            return step
        except BaseException as error:
            await self.aclose()
            if isinstance(error, DMXOmniError):
                self._complete(error)
            raise

    async def aclose(self) -> None:
        """Hang up, unless the answer was read to its end."""
        if self._stream is not None:
            await self._stream.aclose()


def _seen(error: DMXOmniError) -> StreamInterruptedError | None:
    """Return what stands for an error once the user has seen a part of the answer: a second try would repeat that."""
    if isinstance(error, StreamInterruptedError) or not error.is_retryable:
        return None
    seen = StreamInterruptedError(f"the answer broke off midway: {error}")
    seen.partial = error.partial
    return seen


_RECOGNIZABLE = 8
"""Characters of the key that give it away: an excerpt may end in the middle of it."""


def _without(secret: str, text: str) -> str:
    if secret[:_RECOGNIZABLE] in text:
        for end in range(len(secret), min(len(secret), _RECOGNIZABLE) - 1, -1):
            text = text.replace(secret[:end], "[key]")
    return text
