"""Routes whose answer is one JSON text: sending, reading, retrying, over the transport that streams go over."""

from __future__ import annotations

import json
import math
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import Field

from . import _failures
from ._connection import Connection, connection_of
from ._request.body import Body
from ._transport import http, retry
from ._transport.deadlines import within
from ._transport.endpoint import Bounds, Endpoint, Timeout
from .errors import DMXOmniError, FirstEventTimeoutError, InvalidInputError, ProtocolError, RequestTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self

    from ._secrets import Secrets

T = TypeVar("T")


class JSONRoute(Connection):
    """What asks a route of the service that answers with one JSON text.

    `timeout` is here also the time that the answer has to be there whole, counted from the end of sending.
    """

    extra_body: dict[str, Any] | None = None
    """Further parameters for the request's body, sent as they are, over everything else."""

    max_answer_bytes: int | None = Field(default=256 << 20, ge=1)
    """Bytes that an answer may have, 256 MiB by default; None for no limit."""

    @classmethod
    def from_llm(cls, llm: Connection, **fields: Any) -> Self:
        """Return one that reaches the service as a model does: its key, host, headers, timeout, retries and clients.

        Args:
            llm: A `ChatDMXOmni`, or anything else of this package that calls the service.
            **fields: Further fields, which win.
        """
        return cls(**(connection_of(llm) | fields))

    def _exchange(self, route: str, payload: Mapping[str, Any], read: Callable[[Any], T]) -> JSONExchange[T]:
        """Return a request that is ready to be sent.

        Args:
            route: Where it goes, below `base_url`.
            payload: The body; values that are None are left out.
            read: Turns the answer's JSON into what the caller wants, or raises a `ProtocolError`.

        Raises:
            InvalidInputError: It can't be sent.
        """
        key = self._key()
        body = {name: value for name, value in payload.items() if value is not None}
        return JSONExchange(
            endpoint=self._endpoint_of(
                route,
                key,
                first_event_timeout=self.timeout.read if isinstance(self.timeout, Timeout) else self.timeout,
                idle_timeout=None,
                bounds=Bounds(answer=self.max_answer_bytes or math.inf),
                accept="application/json",
            ),
            body=Body(body | (self.extra_body or {})),
            read=read,
            max_retries=self.max_retries,
            secrets=partial(self._secrets, key),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JSONExchange(Generic[T]):
    """A request that is ready to be sent, as often as need be."""

    endpoint: Endpoint
    body: Body
    read: Callable[[Any], T]
    max_retries: int
    secrets: Callable[[], Secrets] = field(repr=False)

    def collect(self) -> T:
        """Return what the answer says.

        Raises:
            DMXOmniError: There is none, or it is not what the protocol says.
        """
        return retry.call(self._attempt, self.max_retries)

    async def acollect(self) -> T:
        """Async version of `collect`."""
        return await retry.acall(self._aattempt, self.max_retries)

    def _attempt(self) -> T:
        with self._errors(), closing(http.send(self.endpoint, self.body, http.WholeDecoder())) as stream:
            while stream.read() is not None:
                pass
            return self._parse(stream)

    async def _aattempt(self) -> T:
        with self._errors():
            async with aclosing(await http.asend(self.endpoint, self.body, http.WholeDecoder())) as stream:
                while await stream.read() is not None:
                    pass
                return self._parse(stream)

    def _parse(self, stream: http.EventStream[http.WholeDecoder] | http.AsyncEventStream[http.WholeDecoder]) -> T:
        (whole,) = stream.decoder.close()
        try:
            answer = json.loads(whole.data)
        except (ValueError, RecursionError):
            text = _failures.excerpt(_failures.text(stream.headers, whole.data))
            raise ProtocolError(f"the answer is no JSON: {text or 'it is empty'}") from None
        if isinstance(answer, dict) and answer.get("error"):
            raise _failures.from_event(answer, stream.headers)
        try:
            return self.read(answer)
        except ProtocolError:
            if isinstance(answer, dict) and answer.get("message"):  # an error without its outer key
                raise _failures.from_event(answer, stream.headers) from None
            raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Name deadlines as the fields here are named, and take out what is secret."""
        try:
            yield
        except FirstEventTimeoutError as error:
            limit = within(self.endpoint.first_event_timeout)
            raise RequestTimeoutError(f"no whole answer {limit} of sending (timeout)") from error
        except DMXOmniError as error:
            self.secrets().clean(error)
            raise


def check_texts(texts: list[str], name: str) -> None:
    """Refuse what is no text, and texts without content, of which the service makes an error or nothing of use.

    Args:
        texts: The texts.
        name: What errors call them; each has its place after it.

    Raises:
        InvalidInputError: One of them can't be sent. The message has its place.
    """
    for at, text in enumerate(texts):
        if not isinstance(text, str):
            raise InvalidInputError(f"{name}[{at}] is a {type(text).__name__}, not a text")
        if not text.strip():
            raise InvalidInputError(f"{name}[{at}] is empty, which the service does not take: leave it out")


def items_of(answer: Any, name: str) -> list[dict[str, Any]]:
    """Return the list of objects that an answer holds under a name.

    Raises:
        ProtocolError: There is none.
    """
    items = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ProtocolError(f"the answer holds no list of objects {name!r}")
    return items


def index_of(item: Mapping[str, Any], count: int, seen: Mapping[int, Any]) -> int:
    """Return the place among the texts that were sent which an item of the answer is about.

    Raises:
        ProtocolError: There is no such place, or an earlier item was about it.
    """
    index = item.get("index")
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
        raise ProtocolError(f"the answer has index {str(index)[:40]}, and {count} texts were sent")
    if index in seen:
        raise ProtocolError(f"the answer has index {index} twice")
    return index
