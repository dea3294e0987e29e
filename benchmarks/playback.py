"""A server on loopback that gives every request the same reply, and keeps what was sent to it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STREAM, JSON = "text/event-stream", "application/json"


@dataclass(frozen=True)
class Reply:
    """What every request is answered with."""

    pieces: Sequence[bytes]
    """The body; the length of all of them is announced, so that it ends cleanly."""
    status: int = 200
    content_type: str = STREAM
    pause: float = 0.0
    """Seconds after each piece."""


@dataclass(frozen=True)
class Playback:
    """A server that is running."""

    url: str
    bodies: list[bytes]
    """The body of each request, in the order of their coming."""


@contextlib.contextmanager
def playing(reply: Reply) -> Iterator[Playback]:
    """Run a server for the length of the block."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(reply.status)
            self.send_header("content-type", reply.content_type)
            self.send_header("content-length", str(sum(map(len, reply.pieces))))
            self.end_headers()
            with contextlib.suppress(ConnectionError):  # who has heard enough hangs up
                for piece in reply.pieces:
                    self.wfile.write(piece)
                    time.sleep(reply.pause)

        def log_message(self, *_args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_args: Any) -> None:
            """Say nothing of clients that hang up."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Playback(f"http://127.0.0.1:{server.server_port}/v1", bodies)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
