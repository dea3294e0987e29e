"""`LocalGateway`: the service on loopback, for demos, tests and continuous integration."""

from __future__ import annotations

import os
from collections import deque
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from . import _espeak
from ._record import RecordedRequest
from ._replay import Replay
from ._reply import AnswerFunction
from ._script import Script
from ._tool_rules import Allowed
from ._voice import Speaker

if TYPE_CHECKING:
    from langchain_dmx_omni._serving import ServerThread

_MISSING: Final = 'LocalGateway needs: pip install "langchain-dmx-omni[local]"'
_KEPT_BYTES: Final = 512 << 20  # of recorded request bodies, so that a gateway left running stays bounded
_KEPT_REQUESTS: Final = 10_000


class LocalGateway:
    """The service `POST /v1/responses` on loopback, and beside it `/v1/embeddings`, `/v1/rerank` and `/v1/models`.

    It refuses what the service refuses, and answers the rest in the service's stream of events, in text and in speech.
    What it says is up to `answer`, a function of yours. Scripts (`play`) replace its answers one by one.

    Without `answer` it simulates a model, by rules that give the same request the same answer. It says what it measured
    of the media it was sent. It calls a tool that the last question names (`magic function` is `magic_function`), else
    the one that shares most telling words with it, else, for "use the tool", the first. Arguments fit the tool's schema
    and are made of what the question offers. Once every requested tool has answered, the answer repeats what they said;
    a forced choice then takes a tool that was not called yet, the last one bound first. "Think aloud" in the question
    says a word before the call. Formats are filled like arguments: with `json_object`, the keys that the prompt names;
    what asks for a `start` and an `end`, with the parts of the clip, from cut to cut. Texts that share words have
    vectors that are near, and a document's score is its share of the query's words.

    >>> with LocalGateway() as gateway:
    ...     llm = ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key)  # doctest: +SKIP

    Args:
        answer: Answers requests, sync or async: a function from a `Request` to a text, an `Answer` or a `Script`. What
            it raises goes out as an HTTP 500 that names it, into `RecordedRequest.error`, and, unless the `with` block
            itself raises, out of that block. A function that isn't async runs on a thread, where it may wait.
        host: Where to listen; loopback, unless you mean otherwise.
        port: 0 lets the system pick one.
        api_key: The key that is right.
        pace: Seconds between the events of a default answer.
        speak: Who speaks: `espeak` (espeak-ng), `tones` (a melody as long as the text), or `auto`: espeak-ng
            if it is installed, else tones.
        json_schema: Take the format `json_schema`, which the service refuses; to play other servers.
        tool_choice_required: Take the tool choice `required`, and any forced one beside reasoning, which the
            service refuses; to play other servers.
        system_with_audio: Take a system message together with speech, which DMXAPI says is refused.
        replay: A folder of `dmx-omni doctor --wire`: requests get the answers that the service gave to others of their
            kind, errors too. What is not recorded gets the likeliest answer; `answer` is not asked.

    Raises:
        ImportError: The extra `local` is not installed.
        ValueError: There are no records in `replay`.
    """

    def __init__(
        self,
        *,
        answer: AnswerFunction | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "sk-local",
        pace: float = 0.0,
        speak: Speaker = "auto",
        json_schema: bool = False,
        tool_choice_required: bool = False,
        system_with_audio: bool = False,
        replay: str | os.PathLike[str] | None = None,
    ) -> None:
        _require(speak)
        self._replay = None if replay is None else Replay(replay)
        self._answer = answer
        self.api_key = api_key
        self.requests: list[RecordedRequest] = []
        """The requests in order of arrival, finished or not; the oldest go when they fill half a gigabyte."""
        self._address = (host, port)
        self._pace = pace
        self._speaker: Speaker = speak
        self._allowed = Allowed(json_schema, tool_choice_required, system_with_audio)
        self._scripts: deque[Script] = deque()
        self._failures: list[BaseException] = []
        self._running: ServerThread | None = None
        self._base_url: str | None = None

    @property
    def base_url(self) -> str:
        """`http://HOST:PORT/v1`. Known from the first start on, and kept after a stop."""
        if self._base_url is None:
            raise RuntimeError("LocalGateway has no address before start()")
        return self._base_url

    def start(self) -> Self:
        """Listen, in a daemon thread; returns once requests are answered. Does nothing if already started."""
        from langchain_dmx_omni._serving import ServerThread, listen  # noqa: PLC0415 - needs the extra

        from ._server import Application, Protocol  # noqa: PLC0415
        from ._turn import GatewaySettings  # noqa: PLC0415 - loads PyAV

        if self._running is None:
            settings = GatewaySettings(
                self.api_key, self._pace, self._speaker, self._allowed, self._answer, self._replay
            )
            application = Application(settings, self._arrived, self._failures.append)
            listener = listen(*self._address)
            host, port = listener.getsockname()[:2]
            self._base_url = f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"
            self._running = ServerThread(
                application,
                listener,
                "local-gateway",
                hang_up=application.hang_up,
                close=application.close,
                http=Protocol,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            )
        return self

    def stop(self) -> None:
        """Drop what is open and end the thread, in well under a second. Does nothing if not started."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        failures = self._failures.copy()
        self._failures.clear()
        if failures and error is None:
            raise failures[0]

    def play(self, *scripts: Script) -> None:
        """Queue scripts: each next POST, whatever it holds, plays the next one. Then the default behaviour is back."""
        self._scripts.extend(scripts)

    def reset(self) -> None:
        """Forget the queue, the requests, and what the answer function raised."""
        self._scripts.clear()
        self._failures.clear()
        self.requests.clear()

    def serve_forever(self) -> None:
        """Serve until Ctrl-C."""
        self.start()
        assert self._running is not None
        try:
            self._running.wait()
        finally:
            self.stop()

    def _arrived(self, record: RecordedRequest, method: str) -> Script | None:
        self.requests.append(record)
        while len(self.requests) > _KEPT_REQUESTS or sum(kept.size for kept in self.requests) > _KEPT_BYTES:
            del self.requests[0]
        if method != "POST":
            return None
        try:
            return self._scripts.popleft()
        except IndexError:
            return None


def _require(speak: Speaker) -> None:
    """Say in one line what is not installed."""
    try:
        from . import _server  # noqa: F401, PLC0415 - needs the extra
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "uvicorn":
            raise ImportError(_MISSING) from None
        raise
    if speak == "espeak" and _espeak.load() is None:
        raise ImportError(_MISSING)
