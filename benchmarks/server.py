"""A server in a process of its own that plays bytes made beforehand, so that it costs the measured side nothing.

The path says what to play; what follows it is the client's own (`/responses`, `/chat/completions`, …):

- `/text/responses/10000/…`: so many text deltas, as fast as they are taken
- `/speech/item/600/…`, `/speech/deltas/60/…`: so many seconds of speech, in one event or in pieces
- `/paced/20/0.05/…`: that many text deltas with a pause of so many seconds before each but the first
- `/held/20/…`: all but the last text delta; the rest once `/release/…` has been asked for
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection

from . import wire

_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"
_EMPTY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_READ = 1 << 20


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Run the server; gives its URL, without a path."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_main, args=(theirs,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        ours.close()
        process.join()


def _main(parent: Connection) -> None:
    asyncio.run(_serve(parent))


async def _serve(parent: Connection) -> None:
    released = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while path := await _request(reader):
                await _play(path, writer, released)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=4096, limit=_READ)
    parent.send(server.sockets[0].getsockname()[1])
    serving = asyncio.create_task(server.serve_forever())
    # However the parent ends, its end of the pipe closes, and nobody is left behind.
    asyncio.get_running_loop().add_reader(parent.fileno(), serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _request(reader: asyncio.StreamReader) -> str:
    """Read one request and forget its body; gives its path."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return ""
    lines = head.split(b"\r\n")
    left = next((int(line[15:]) for line in lines if line.lower().startswith(b"content-length:")), 0)
    while left:
        left -= len(await reader.readexactly(min(left, _READ)))
    return lines[0].split(b" ")[1].decode()


async def _play(path: str, writer: asyncio.StreamWriter, released: asyncio.Event) -> None:
    match path.strip("/").split("/"):
        case ["text", protocol, count, *_]:
            await _send(writer, _HEAD, wire.text(protocol, int(count)), _END)
        case ["speech", shape, seconds, *_]:
            await _send(writer, _HEAD, wire.speech(shape, int(seconds)), _END)
        case ["paced", count, pause, *_]:
            await _send(writer, _HEAD, *map(wire.chunk, [*wire.beginning(), wire.delta(0)]))
            for number in range(1, int(count)):
                await asyncio.sleep(float(pause))
                await _send(writer, wire.chunk(wire.delta(number)))
            await _send(writer, *map(wire.chunk, wire.ending(int(count))), _END)
        case ["held", count, *_]:
            deltas = [wire.delta(number) for number in range(int(count))]
            await _send(writer, _HEAD, *map(wire.chunk, [*wire.beginning(), *deltas[:-1]]))
            await released.wait()
            await _send(writer, *map(wire.chunk, [deltas[-1], *wire.ending(int(count))]), _END)
        case ["release", *_]:
            released.set()
            released.clear()
            await _send(writer, _EMPTY)
        case _:
            await _send(writer, _EMPTY.replace(b"200 OK", b"404 Not Found"))


async def _send(writer: asyncio.StreamWriter, *pieces: bytes) -> None:
    writer.writelines(pieces)
    await writer.drain()
