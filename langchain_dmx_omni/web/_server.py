"""`WebPage`: the page on loopback. Needs uvicorn."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import threading
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from uvicorn import Config, Server

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni._disk.scratch import scratch_folder
from langchain_dmx_omni.errors import ConfigurationError

from ._application import Application, Settings
from ._guard import Guard
from ._uploads import MOST, Uploads

_HOST = "127.0.0.1"
_START_SECONDS = 10.0


class WebPage:
    """A page in a browser for one person on this machine: drop a video, ask, read and hear the answer.

    It listens on loopback, and takes only who has the token in its address. Files go to a scratch folder, which is
    deleted at the end with what they were converted to and what was answered about them.

    ```python
    from langchain_dmx_omni import ChatDMXOmni
    from langchain_dmx_omni.web import WebPage

    with WebPage(ChatDMXOmni(), voice="Tina") as page:
        print(page.url)
    ```

    Args:
        llm: The model that is asked.
        port: 0 lets the system pick one.
        voice: Who speaks, unless the user chooses another; None for text alone.
        window: Seconds over which a recording is asked about part by part, as those over the inline limit always are.
        demo: Whether the page says that answers are simulated.
        most_bytes: Of all files that the page holds at a time.

    Raises:
        ConfigurationError: The window is no length.
        ImportError: The extra `web` is not installed.
    """

    def __init__(
        self,
        llm: ChatDMXOmni,
        *,
        port: int = 0,
        voice: str | None = None,
        window: float | None = None,
        demo: bool = False,
        most_bytes: int = MOST,
    ) -> None:
        if window is not None and not window > 0:
            raise ConfigurationError(f"window={window}: give seconds, more than 0")
        self._llm = llm
        self._port = port
        self._settings = Settings(voice, window, demo)
        self._most_bytes = most_bytes
        self._url: str | None = None
        self._running: _Running | None = None
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """The address with its token, `http://127.0.0.1:PORT/?token=…`. Known from the first start on."""
        if self._url is None:
            raise RuntimeError("WebPage has no address before start()")
        return self._url

    def start(self) -> Self:
        """Listen, in a daemon thread; returns once requests are answered. Does nothing if already started.

        Raises:
            ConfigurationError: The port is taken.
            StorageError: There is no place for temporary files.
        """
        if self._running is not None:
            return self
        with ExitStack() as stack:
            listener = _listen(self._port)
            stack.callback(listener.close)
            token, port = secrets.token_urlsafe(32), listener.getsockname()[1]
            uploads = Uploads(stack.enter_context(scratch_folder()), self._most_bytes)
            application = Application(self._llm, self._settings, uploads, Guard(token, port))
            self._running = _Running(application, listener)
            self._url = f"http://{_HOST}:{port}/?token={token}"
            self._stack = stack.pop_all()
        return self

    def stop(self) -> None:
        """End answers that are under way, and delete the files. Does nothing if not started."""
        if self._running is not None:
            self._running.stop()
            self._running = None
            self._stack.close()

    def serve_forever(self) -> None:
        """Serve until Ctrl-C."""
        self.start()
        assert self._running is not None
        try:
            self._running.wait()
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(Server):
    """uvicorn that leaves by an event, instead of looking for a flag ten times a second."""

    def __init__(self, application: Application) -> None:
        super().__init__(
            Config(
                application,
                interface="asgi3",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,  # the process's logging stays as it is
                access_log=False,
                date_header=False,  # uvicorn's clock ticks in the loop that is replaced here
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=10,
            )
        )
        self.up = threading.Event()
        self.leave = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait for `leave`."""
        self.up.set()
        await self.leave.wait()


class _Running:
    """A server and its thread, from start to stop."""

    def __init__(self, application: Application, listener: socket.socket) -> None:
        self._application = application
        self._server = _Server(application)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(listener,), name="dmx-omni-web", daemon=True)
        self._thread.start()
        if not self._server.up.wait(_START_SECONDS) or not self._server.started:
            self.stop()
            raise RuntimeError("the page did not start")

    def wait(self) -> None:
        """Wait for the thread to end; by turns, since some systems deliver no Ctrl-C during one long wait."""
        while self._thread.is_alive():
            self._thread.join(0.5)

    def stop(self) -> None:
        """End the thread."""
        with suppress(RuntimeError):  # the loop is closed if the server ended by itself
            self._loop.call_soon_threadsafe(self._leave)
        self._thread.join()

    def _leave(self) -> None:
        self._application.hang_up()
        self._server.leave.set()

    def _run(self, listener: socket.socket) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._server.serve(sockets=[listener]))
        finally:
            self._server.up.set()


def _listen(port: int) -> socket.socket:
    """Return a bound socket.

    Raises:
        ConfigurationError: The port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there it would share the port with whoever has it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"can't listen on {_HOST}:{port}: {error.strerror or error}; take another port, or 0 for any"
        ) from None
    return listener
