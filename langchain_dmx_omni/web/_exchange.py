"""One HTTP exchange over ASGI: a body that comes in pieces, and a response that is whole or comes in lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from typing import Any

from ._guard import HEADERS

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_MOST_BODY = 4 << 20  # bytes of a body that is no file


class Disconnected(Exception):
    """The browser has gone before its request was whole."""


class TooLarge(Exception):
    """A body that is no file is over its bound."""


class Exchange:
    """A request, and its response.

    Attributes:
        method: In capitals.
        path: Without the query.
        query: As it was sent.
        headers: By their names in small letters; the last one of a name.
        fields: All headers.
    """

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: str = scope["query_string"].decode("latin-1")
        self.fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        self.headers = dict(self.fields)
        self._receive = receive
        self._send = send

    @property
    def length(self) -> int:
        """Bytes of the body, as far as the request tells."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() else 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body.

        Raises:
            Disconnected: It is cut off.
        """
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            if body := message.get("body"):
                yield body
            more = message.get("more_body", False)

    async def body(self) -> bytes:
        """Return the body.

        Raises:
            Disconnected: It is cut off.
            TooLarge: It has no bounds.
        """
        pieces, size = list[bytes](), 0
        async for piece in self.pieces():
            pieces.append(piece)
            size += len(piece)
            if size > _MOST_BODY:
                raise TooLarge
        return b"".join(pieces)

    async def respond(self, status: int, body: bytes, mime: str, *headers: tuple[str, str]) -> None:
        """Send a whole response."""
        length = ("content-length", str(len(body)))
        await self._begin(status, ("content-type", mime), length, *headers)
        await self._send({"type": "http.response.body", "body": b"" if self.method == "HEAD" else body})

    async def respond_text(self, status: int, text: str) -> None:
        """Send a sentence."""
        await self.respond(status, f"{text}\n".encode(), "text/plain; charset=utf-8")

    async def respond_json(self, status: int, value: object) -> None:
        """Send a JSON value."""
        await self.respond(status, _json(value), "application/json")

    async def stream(self, events: AsyncGenerator[dict[str, Any]]) -> None:
        """Send events as lines of JSON, as they come; close them when the browser goes."""
        sending = asyncio.ensure_future(self._send_lines(events))
        watching = asyncio.ensure_future(self._watch())
        try:
            await asyncio.wait([sending, watching], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, watching):
                task.cancel()
            await asyncio.gather(sending, watching, return_exceptions=True)
        if not sending.cancelled() and (failure := sending.exception()) is not None:
            raise failure

    async def _send_lines(self, events: AsyncGenerator[dict[str, Any]]) -> None:
        async with aclosing(events):
            await self._begin(200, ("content-type", "application/x-ndjson"))
            async for event in events:
                await self._send({"type": "http.response.body", "body": _json(event) + b"\n", "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _begin(self, status: int, *headers: tuple[str, str]) -> None:
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*HEADERS, *headers)]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
