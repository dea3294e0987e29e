"""An ASGI application on a port of this machine, served by a thread of its own. Needs uvicorn."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from uvicorn import Config, Server

_START_SECONDS: Final = 10.0


class ServerThread:
    """A server and its daemon thread, from start to stop; once there is one, requests are answered.

    Args:
        application: The ASGI application.
        listener: A bound socket; see `listen`.
        name: The thread's.
        hang_up: Called on the event loop when it ends: drops the answers that are under way.
        close: Called on the thread, once the event loop has ended.
        **config: As of uvicorn's `Config`.

    Raises:
        RuntimeError: It did not start.
    """

    def __init__(
        self,
        application: Any,
        listener: socket.socket,
        name: str,
        *,
        hang_up: Callable[[], object],
        close: Callable[[], object] = lambda: None,
        **config: Any,
    ) -> None:
        self._server = _Server(application, **config)
        self._hang_up = hang_up
        self._close = close
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(listener,), name=name, daemon=True)
        self._thread.start()
        if not self._server.up.wait(_START_SECONDS) or not self._server.started:
            self.stop()
            raise RuntimeError(f"the server {name} did not start")

    def wait(self) -> None:
        """Wait for the thread to end, or for Ctrl-C; by turns, since some systems deliver none during one long wait."""
        with suppress(KeyboardInterrupt):
            while self._thread.is_alive():
                self._thread.join(0.5)

    def stop(self) -> None:
        """End the thread."""
        with suppress(RuntimeError):  # the loop is closed if the server ended by itself
            self._loop.call_soon_threadsafe(self._leave)
        self._thread.join()

    def _leave(self) -> None:
        self._server.leave.set()
        self._hang_up()

    def _run(self, listener: socket.socket) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._server.serve(sockets=[listener]))
        finally:
            self._close()
            self._server.up.set()


class _Server(Server):
    """uvicorn that leaves by an event, instead of looking for a flag ten times a second."""

    def __init__(self, application: Any, **config: Any) -> None:
        super().__init__(
            Config(
                application,
                interface="asgi3",
                ws="none",
                lifespan="off",
                log_config=None,  # the process's logging stays as it is
                date_header=False,  # uvicorn's clock ticks in the loop that is replaced here
                server_header=False,
                **config,
            )
        )
        self.up = threading.Event()
        self.leave = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for `leave`."""
        self.up.set()
        await self.leave.wait()


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket: taking the port before the server starts leaves nobody else a chance at it.

    Args:
        host: The address, or a name of this machine.
        port: 0 for any that is free.

    Raises:
        OSError: The port is taken, or there is no such address here.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        if os.name != "nt":  # there it would share the port with whoever has it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
