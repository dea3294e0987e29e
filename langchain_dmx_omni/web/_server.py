"""`WebPage`: the page on loopback. Needs uvicorn."""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni._disk.scratch import scratch_folder
from langchain_dmx_omni._serving import ServerThread, listen
from langchain_dmx_omni.errors import ConfigurationError

from ._application import Application, Settings
from ._guard import Guard
from ._uploads import MOST, Uploads

_HOST = "127.0.0.1"


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
        self._running: ServerThread | None = None
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
            self._running = ServerThread(
                application,
                listener,
                "dmx-omni-web",
                hang_up=application.hang_up,
                http="h11",
                access_log=False,
                proxy_headers=False,
                timeout_graceful_shutdown=10,
            )
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
        finally:
            self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _listen(port: int) -> socket.socket:
    try:
        return listen(_HOST, port)
    except OSError as error:
        raise ConfigurationError(
            f"can't listen on {_HOST}:{port}: {error.strerror or error}; take another port, or 0 for any"
        ) from None
