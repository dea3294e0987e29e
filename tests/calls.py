"""What the tests of the transport share: every way to call the model, and a server of raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

from langchain_core.messages import AIMessage, BaseMessage

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni.errors import DMXOmniError
from langchain_dmx_omni.testing import RecordedRequest, Script, scripts

from . import ways

KEY = "sk-local"
WAYS = tuple(ways.WAYS)
COLLECTED = ("invoke", "ainvoke")
STREAMED = ("stream", "astream")


class Server(Protocol):
    """Whatever a model talks to."""

    @property
    def base_url(self) -> str:
        """The URL up to `/v1`."""


def model(server: Server, kind: type[ChatDMXOmni] = ChatDMXOmni, /, **fields: Any) -> ChatDMXOmni:
    """A model that talks to a server of the tests."""
    return kind(**{"base_url": server.base_url, "api_key": KEY, "max_retries": 0} | fields)


def call(llm: Any, way: str, asked: Any = "Hi", **options: Any) -> list[BaseMessage]:
    """Make one call; what arrived: chunks, or one message."""
    return [*call_into([], llm, way, asked, **options)]


def call_into(got: list[BaseMessage], llm: Any, way: str, asked: Any = "Hi", **options: Any) -> list[BaseMessage]:
    """Make one call; what arrived stays in `got` when it fails."""

    async def stream() -> None:
        async for chunk in llm.astream(asked, **options):
            got.append(chunk)  # noqa: PERF401 - it must stay when the stream fails

    async def invoke() -> None:
        got.append(await llm.ainvoke(asked, **options))

    match way:
        case "invoke":
            got.append(llm.invoke(asked, **options))
        case "stream":
            for chunk in llm.stream(asked, **options):
                got.append(chunk)  # noqa: PERF402
        case "ainvoke":
            asyncio.run(invoke())
        case "astream":
            asyncio.run(stream())
    return got


def body_of(request: RecordedRequest) -> dict[str, Any]:
    """The JSON of a request that has arrived whole."""
    assert request.body is not None
    return request.body


def partial_of(error: DMXOmniError) -> AIMessage:
    """What had arrived before an error."""
    assert error.partial is not None
    return error.partial


def blocks(message: BaseMessage) -> list[dict[str, Any]]:
    """The content of a message that is blocks, and no text."""
    assert all(isinstance(block, dict) for block in message.content)
    return cast("list[dict[str, Any]]", message.content)


def text(got: list[BaseMessage]) -> str:
    return "".join(message.text for message in got)


def plain(say: str = scripts.TEXT, **options: Any) -> Script:
    return scripts.sse(scripts.answer(say), **options)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


END = b"0\r\n\r\n"
ANSWER = plain().payload


class RawServer:
    """A server that plays a function on every connection, each in a thread of its own.

    Args:
        play: Gets the connection once a request's head and body have been read, and the request; called again for
            the next request of the same connection as long as it returns True.
        wrap: Applied to each connection first, such as TLS.
    """

    def __init__(
        self,
        play: Callable[[socket.socket, bytes], object],
        wrap: Callable[[socket.socket], socket.socket] = lambda connection: connection,
    ) -> None:
        self._play = play
        self._wrap = wrap
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._listener.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *_: object) -> None:
        for one in [self._listener, *self.connections]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, self._wrap(connection) as connection:
            while (request := read_request(connection)) and self._remember(request):
                if not self._play(connection, request):
                    return

    def _remember(self, request: bytes) -> bool:
        self.requests.append(request)
        return True


def read_request(connection: socket.socket) -> bytes:
    """Read one request, head and body; empty when the client has gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65_536)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        if not (piece := connection.recv(65_536)):
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


def gone(connection: socket.socket) -> bool:
    """Wait until the client hangs up."""
    with contextlib.suppress(OSError):
        while connection.recv(65_536):
            pass
    return False


def answering(connection: socket.socket, _request: bytes) -> bool:
    """Play the plain answer."""
    connection.sendall(HEAD + chunked(ANSWER) + END)
    return True


@contextlib.contextmanager
def took() -> Iterator[list[float]]:
    """Measure a block, in seconds."""
    seconds: list[float] = []
    start = time.monotonic()
    try:
        yield seconds
    finally:
        seconds.append(time.monotonic() - start)


def until(condition: Callable[[], object]) -> None:
    """Wait for something that another thread does."""
    patience = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < patience
        time.sleep(0.01)


async def auntil(condition: Callable[[], object]) -> None:
    """Async version of `until`."""
    await asyncio.to_thread(until, condition)
