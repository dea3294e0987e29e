"""The gateway's HTTP side: an ASGI application that records requests and plays scripts. Needs starlette and uvicorn."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from ._record import RecordedRequest
from ._refusal import Refusal
from ._script import Abort, Script
from ._turn import GatewaySettings, take_turn

_MOST_BODY = 256 << 20  # bytes of one request
_POLL = 0.005  # seconds between two looks at a write buffer that has to drain

Arrived = Callable[[RecordedRequest, str], Script | None]


class Application:
    """The ASGI application of one gateway.

    Args:
        settings: The gateway's settings.
        arrived: Called on the event loop with each request, and its method, as soon as its head is there; gives the
            script to play, or None for the default behaviour.
    """

    def __init__(self, settings: GatewaySettings, arrived: Arrived) -> None:
        self._closing = threading.Event()
        self._settings = settings
        self._arrived = arrived
        self._transports: set[asyncio.Transport] = set()
        # A pool of its own: decoding and speech hold up neither the event loop nor, being cancellable, its end.
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="local-gateway-work")
        self.asgi = Starlette(routes=[Mount("/", app=self._handle)])

    def hang_up(self) -> None:
        """Drop every connection that has an answer under way, and all that begin one. On the event loop only."""
        self._closing.set()
        for transport in self._transports:
            transport.abort()

    def close(self) -> None:
        """Wait for the workers to end."""
        self._workers.shutdown(cancel_futures=True)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport: asyncio.Transport = scope["state"]["transport"]
        request = Request(scope, receive)
        record = RecordedRequest(scope["path"], dict(request.headers))
        script = self._arrived(record, scope["method"])
        self._transports.add(transport)
        try:
            if self._closing.is_set():
                transport.abort()
            try:
                raw = await self._read(request, record)
                making = self._take_turn(scope, record, raw) if script is None else _ready(script)
            except Refusal as refusal:
                making = _ready(refusal.script())
            await _Playback(record, transport).play(making, receive, send)
        except ClientDisconnect:
            record.disconnected.set()
        finally:
            self._transports.discard(transport)
            record.finished.set()

    async def _read(self, request: Request, record: RecordedRequest) -> bytes:
        pieces: list[bytes] = []
        async for piece in request.stream():
            pieces.append(piece)
            record.size += len(piece)
            if record.size > _MOST_BODY:
                raise Refusal(413, "Request body is too long")
        raw = b"".join(pieces)
        record.body = await asyncio.get_running_loop().run_in_executor(self._workers, _object, raw)
        return raw

    async def _take_turn(self, scope: Scope, record: RecordedRequest, raw: bytes) -> Script:
        def cancelled() -> bool:
            return self._closing.is_set() or record.disconnected.is_set()

        settings = replace(self._settings, cancelled=cancelled)
        loop, method, path = asyncio.get_running_loop(), scope["method"], record.path
        return await loop.run_in_executor(self._workers, take_turn, method, path, record.headers, raw, settings)


class GatewayServer(Server):
    """uvicorn, told to leave by an event instead of looking for a flag ten times a second.

    Attributes:
        up: Set once it listens.
        leave: Ends it. On the event loop only.
    """

    def __init__(self, application: Application) -> None:
        super().__init__(
            Config(
                application.asgi,
                http=_Protocol,
                ws="none",
                lifespan="off",
                log_config=None,  # the process's logging stays as it is
                date_header=False,  # uvicorn's clock ticks in the loop that is replaced here
                server_header=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
        )
        self.up = threading.Event()
        self.leave = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for `leave`."""
        self.up.set()
        await self.leave.wait()


class _Playback:
    """One answer to one client: sends a script and notices a client that leaves before its end."""

    def __init__(self, record: RecordedRequest, transport: asyncio.Transport) -> None:
        self._record = record
        self._transport = transport
        self._over = False

    async def play(self, making: Awaitable[Script], receive: Receive, send: Send) -> None:
        """Play to the end, or until the client has gone."""
        tasks = [asyncio.create_task(self._send(making, send)), asyncio.create_task(self._watch(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _send(self, making: Awaitable[Script], send: Send) -> None:
        script = await making
        headers = [(name.lower().encode(), value.encode()) for name, value in script.headers.items()]
        await send({"type": "http.response.start", "status": script.status, "headers": headers})
        for step in script.body:
            match step:
                case bytes():
                    await send(_chunk(step))
                case Abort():
                    await self._abort(send)
                    return
                case seconds:
                    await asyncio.sleep(seconds)
        if self._transport.is_closing():  # then the last chunks went nowhere
            self._record.disconnected.set()
        else:
            self._over = True
            await send(_chunk(b"", more=False))

    async def _abort(self, send: Send) -> None:
        await send(_chunk(b""))  # uvicorn holds the head back until the first chunk
        # What is unsent would be lost with the connection, and transports tell nobody when they have drained.
        while self._transport.get_write_buffer_size() and not self._transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(_POLL)
        self._over = True
        self._transport.abort()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not self._over:
            self._record.disconnected.set()


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, which also shows each request its transport: ASGI has no word for dropping a connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def _ready(script: Script) -> Script:
    return script


def _chunk(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def _object(raw: bytes) -> dict[str, Any] | None:
    """The JSON object in a body; None if it holds anything else."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
