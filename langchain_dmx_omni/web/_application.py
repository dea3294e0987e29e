"""The page's ASGI application: its files, uploads, questions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar
from urllib.parse import parse_qs

from langchain_dmx_omni import ChatDMXOmni, voices
from langchain_dmx_omni.errors import DMXOmniError

from ._answers import Answering, Asked, Event
from ._exchange import Disconnected, Exchange, Message, Receive, Send, TooLarge
from ._failures import PageError, described
from ._guard import Guard
from ._uploads import Uploads

T = TypeVar("T")

_MIMES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_ASSETS = {f"/{each.name}": each for each in files(__package__).joinpath("assets").iterdir()}
_PAGE = "/page.html"
_NOT_WHOLE = "The address is not whole: open the one that dmx-omni web printed, with its token."


@dataclass(frozen=True)
class Settings:
    """What the page is told.

    Attributes:
        voice: Who speaks, unless the user chooses another; None for text alone.
        window: Seconds over which a recording is asked about part by part.
        demo: Whether answers are simulated.
    """

    voice: str | None = None
    window: float | None = None
    demo: bool = False


class Application:
    """The ASGI application of one page.

    Args:
        llm: The model.
        settings: What the page is told.
        uploads: Its files.
        guard: Who may ask.
    """

    def __init__(self, llm: ChatDMXOmni, settings: Settings, uploads: Uploads, guard: Guard) -> None:
        self._model_name = llm.model
        self._settings = settings
        self._uploads = uploads
        self._guard = guard
        self._answering = Answering(llm, uploads, settings.window)
        self._closing = asyncio.Event()

    def hang_up(self) -> None:
        """End the answers that are under way. On the event loop only."""
        self._closing.set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        exchange = Exchange(scope, receive, send)
        if (refused := self._guard.refusal(exchange.method, exchange.fields)) is not None:
            await exchange.respond_text(*refused)
        elif exchange.path == "/" and self._guard.holds_token(exchange.query):
            # The token leaves the address bar, and with it the history.
            await exchange.respond(303, b"", "text/plain", ("location", "/"), ("set-cookie", self._guard.cookie()))
        elif not self._guard.knows(exchange.headers):
            await exchange.respond_text(403, _NOT_WHOLE)
        else:
            await self._route(exchange)

    async def _route(self, exchange: Exchange) -> None:
        try:
            match exchange.method, exchange.path:
                case "GET" | "HEAD", "/":
                    await self._asset(exchange, _PAGE)
                case "GET" | "HEAD", path if path in _ASSETS:
                    await self._asset(exchange, path)
                case "GET", "/settings":
                    await exchange.respond_json(200, self._facts())
                case "POST", "/uploads":
                    await self._upload(exchange)
                case "DELETE", path if path.startswith("/uploads/"):
                    await self._uploads.remove(path.rpartition("/")[2])
                    await exchange.respond(204, b"", "text/plain")
                case "POST", "/ask":
                    asked = Asked.read(await exchange.body())
                    await exchange.stream(self._until_closing(self._answered(asked)))
                case _:
                    await exchange.respond_text(404, "There is nothing here.")
        except Disconnected:
            pass
        except TooLarge:
            await exchange.respond_text(413, "That is too long.")
        except DMXOmniError as failure:
            status = failure.status if isinstance(failure, PageError) else 422
            await exchange.respond_json(status, described(failure, self._uploads.folder))

    async def _asset(self, exchange: Exchange, path: str) -> None:
        await exchange.respond(200, _ASSETS[path].read_bytes(), _MIMES[path.rpartition(".")[2]])

    def _facts(self) -> dict[str, Any]:
        return {
            "model": self._model_name,
            "voice": self._settings.voice,
            "demo": self._settings.demo,
            "most": self._uploads.most,
            "voices": [
                {"name": each.name, "language": each.language, "zh": [each.chinese_name, each.chinese_language]}
                for each in voices.of(self._model_name)
            ],
        }

    async def _upload(self, exchange: Exchange) -> None:
        self._uploads.check_room(exchange.length)
        name = parse_qs(exchange.query).get("name", [""])[0]
        upload = await self._unless_closing(self._uploads.add(name, exchange.pieces()))
        await exchange.respond_json(201, upload.facts(self._settings.window))

    async def _answered(self, asked: Asked) -> AsyncGenerator[Event]:
        """Yield the events of an answer; its error is one of them."""
        try:
            async for event in self._answering.events(asked):
                yield event
        except Exception as failure:  # noqa: BLE001  # what is no mistake of the user's is logged with its traceback
            yield described(failure, self._uploads.folder)
        else:
            yield {"type": "end"}

    async def _until_closing(self, events: AsyncGenerator[Event]) -> AsyncGenerator[Event]:
        """Yield events until the page is closed, and say so."""
        async with aclosing(events):
            try:
                while (event := await self._unless_closing(anext(events, None))) is not None:
                    yield event
            except PageError as ended:
                yield described(ended)

    async def _unless_closing(self, work: Awaitable[T]) -> T:
        """Return what work gives.

        Raises:
            PageError: The page is closed first; the work is cancelled.
        """
        tasks = asyncio.ensure_future(work), asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not tasks[0].done():
                raise PageError("ended", "dmx-omni web was ended: start it again", 503)
            return tasks[0].result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
