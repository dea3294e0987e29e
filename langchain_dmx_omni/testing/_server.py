"""The gateway's HTTP side: an ASGI application that records requests and plays scripts. Needs uvicorn."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from uvicorn.protocols.http.h11_impl import H11Protocol

from . import _rules
from ._record import RecordedRequest
from ._refusal import Refusal
from ._reply import Answer, AnswerFunction
from ._script import Abort, Script, error
from ._simulator.model import simulate
from ._turn import GatewaySettings, Turn, open_turn

_MOST_BODY = 256 << 20  # bytes of one request
_MOST_ANSWERING = 64  # answer functions that may run, and wait, at once
_POLL = 0.005  # seconds between two looks at a write buffer that has to drain

T = TypeVar("T")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Arrived = Callable[[RecordedRequest, str], Script | None]

_logger = logging.getLogger(__name__)


class Application:
    """The ASGI application of one gateway.

    Args:
        settings: The gateway's settings.
        arrived: Called on the event loop with each request, and its method, as soon as its head is there; gives the
            script to play, or None for an answer.
        failed: Called with what the answer function raises.
    """

    def __init__(self, settings: GatewaySettings, arrived: Arrived, failed: Callable[[BaseException], None]) -> None:
        self._closing = threading.Event()
        self._settings = settings
        self._arrived = arrived
        self._failed = failed
        self._transports: set[asyncio.Transport] = set()
        # Pools of its own: decoding and speech hold up neither the event loop nor, being cancellable, its end; and
        # answer functions that wait for each other don't hold up the decoding.
        self._workers = ThreadPoolExecutor(2, thread_name_prefix="local-gateway-work")
        self._answering = ThreadPoolExecutor(_MOST_ANSWERING, thread_name_prefix="local-gateway-answer")

    def hang_up(self) -> None:
        """Drop every connection that has an answer under way, and all that begin one. On the event loop only."""
        self._closing.set()
        for transport in self._transports:
            transport.abort()

    def close(self) -> None:
        """Wait for the workers to end; not for answer functions, which may play a service that never answers."""
        self._answering.shutdown(wait=False, cancel_futures=True)
        self._workers.shutdown(cancel_futures=True)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        transport: asyncio.Transport = scope["state"]["transport"]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        record = RecordedRequest(scope["path"], headers)
        script = self._arrived(record, scope["method"])
        self._transports.add(transport)
        try:
            if self._closing.is_set():
                transport.abort()
            try:
                body = await self._read(receive, record)
                script_to_be = self._take_turn(scope["method"], record, body) if script is None else _ready(script)
            except Refusal as refusal:
                script_to_be = _ready(refusal.script())
            await _Playback(record, transport).play(script_to_be, receive, send)
        except _ClientDisconnected:
            record.disconnected.set()
        finally:
            self._transports.discard(transport)
            record.finished.set()

    async def _read(self, receive: Receive, record: RecordedRequest) -> object:
        """The body's JSON, as `_rules.parse` gives it."""
        pieces: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _ClientDisconnected
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
            record.size += len(pieces[-1])
            if record.size > _MOST_BODY:
                raise Refusal(413, "Request body is too long")
        body = await self._run(self._workers, _rules.parse, b"".join(pieces))
        record.body = body if isinstance(body, dict) else None
        return body

    async def _take_turn(self, method: str, record: RecordedRequest, body: object) -> Script:
        def cancelled() -> bool:
            return self._closing.is_set() or record.disconnected.is_set()

        settings = self._settings
        try:
            turn = await self._run(self._workers, open_turn, method, record, body, settings, cancelled)
        except Refusal as refusal:
            return refusal.script()
        if isinstance(turn, Script):
            return turn
        try:
            if settings.answer is None:
                return await self._run(self._workers, _simulated, turn)
            return await self._run(self._workers, turn.script, await self._call(settings.answer, turn))
        except asyncio.CancelledError:
            raise
        except BaseException as failure:  # test frameworks fail tests by exceptions that are no Exception
            record.error = failure
            self._failed(failure)
            _logger.exception("LocalGateway's answer function failed")
            return _failure_script(settings.answer or simulate, failure)

    async def _call(self, function: AnswerFunction, turn: Turn) -> str | Answer | Script:
        """What the answer function gives: on the event loop if it is async, else on a thread, where it may wait."""
        is_async: bool = inspect.iscoroutinefunction(function)
        answer = function(turn.request) if is_async else await self._run(self._answering, function, turn.request)
        return await answer if inspect.isawaitable(answer) else answer

    async def _run(self, pool: ThreadPoolExecutor, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, function, *arguments)


class _ClientDisconnected(Exception):
    """The client has gone before its request was whole."""


class _Playback:
    """One answer to one client: sends a script and notices a client that leaves before its end."""

    def __init__(self, record: RecordedRequest, transport: asyncio.Transport) -> None:
        self._record = record
        self._transport = transport
        self._over = False

    async def play(self, script_to_be: Awaitable[Script], receive: Receive, send: Send) -> None:
        """Play to the end, or until the client has gone."""
        tasks = [asyncio.create_task(self._send(script_to_be, send)), asyncio.create_task(self._watch(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def _send(self, script_to_be: Awaitable[Script], send: Send) -> None:
        script = await script_to_be
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


class Protocol(H11Protocol):
    """uvicorn's HTTP/1.1, which also shows each request its transport: ASGI has no word for dropping a connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def _simulated(turn: Turn) -> Script:
    return turn.script(simulate(turn.request, lambda: turn.media_facts))


async def _ready(script: Script) -> Script:
    return script


def _chunk(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def _failure_script(function: Callable[..., object], failure: BaseException) -> Script:
    """An HTTP 500 that names what an answer function raised; final, since another try would raise it again."""
    name = getattr(function, "__name__", repr(function))
    message = f"LocalGateway's answer function {name} failed: {type(failure).__name__}: {failure}"
    return error(500, message, code="invalid_request", type="local_gateway_error")
