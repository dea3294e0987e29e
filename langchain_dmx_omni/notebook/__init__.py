"""Messages, content blocks and streams in a notebook: players, pictures, a waveform and text.

    %load_ext langchain_dmx_omni.notebook

From then on a cell that ends in a message, a list of messages, an agent's state, a content block or a `Speech` shows
it. Media is linked to, never held in the cell: it goes into the folder `dmx_omni_media` beside the notebook, where the
same media is one file. Delete the folder when the notebook is done with; running its cells again fills it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, message_chunk_to_message

from langchain_dmx_omni._extras import installed_by
from langchain_dmx_omni._secrets import without_media
from langchain_dmx_omni.errors import InvalidInputError
from langchain_dmx_omni.speech import Speech

from ._html import Html, is_media

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable

__all__ = ["FOLDER", "ashow", "load_ipython_extension", "show", "unload_ipython_extension"]

FOLDER = Path("dmx_omni_media")
"""Where media goes, below the folder of the notebook."""

_BETWEEN_UPDATES = 0.1
"""Seconds between two updates of a cell while text streams."""


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(ipython: Any) -> None:
    """Show messages, blocks and speech from now on; `%load_ext` calls this."""
    html, plain = (ipython.display_formatter.formatters[mime] for mime in ("text/html", "text/plain"))
    for kind, formatter in _FORMATTERS.items():
        html.for_type(kind, formatter)
    plain.for_type(BaseMessage, _plain_message)
    plain.for_type(str, _plain_text)


def unload_ipython_extension(ipython: Any) -> None:
    """Show everything as before; `%unload_ext` calls this."""
    html, plain = (ipython.display_formatter.formatters[mime] for mime in ("text/html", "text/plain"))
    for kind in _FORMATTERS:
        html.pop(kind, None)
    plain.pop(BaseMessage, None)
    plain.pop(str, None)


def show(stream: Iterable[Any]) -> AIMessage:
    """Show an answer while it streams, and return it whole.

    Args:
        stream: What `llm.stream` gives, or LangGraph's `stream_mode="messages"`.

    Raises:
        InvalidInputError: There is no answer in the stream.
    """
    live = _Live()
    try:
        for item in stream:
            live.add(item)
    finally:
        live.end()
    return live.message()


async def ashow(stream: AsyncIterable[Any]) -> AIMessage:
    """Async version of `show`."""
    live = _Live()
    try:
        async for item in stream:
            live.add(item)
    finally:
        live.end()
    return live.message()


class _Live:
    """A cell that grows with an answer."""

    def __init__(self) -> None:
        # There in every notebook, and nowhere else needed.
        with installed_by("ipython", "langchain_dmx_omni.notebook", "IPython"):
            from IPython import get_ipython  # noqa: PLC0415
            from IPython.display import display  # noqa: PLC0415

        self._whole: AIMessageChunk | None = None
        self._shown = 0.0
        self._handle: Any = None
        if hasattr(get_ipython(), "kernel"):
            self._handle = display(_bundle(""), raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def add(self, item: Any) -> None:
        """Add a chunk, alone or with LangGraph's metadata."""
        chunk = item[0] if isinstance(item, tuple) else item
        if not isinstance(chunk, AIMessageChunk):
            return
        self._whole = chunk if self._whole is None else self._whole + chunk
        if self._handle is None:
            sys.stdout.write(chunk.text)  # a terminal has no cell
        elif time.monotonic() - self._shown > _BETWEEN_UPDATES:
            self._update(AIMessage(self._whole.text))
            self._shown = time.monotonic()

    def end(self) -> None:
        """Show all that has arrived, with its players."""
        if self._whole is not None and self._handle is not None:
            self._update(self._whole)

    def message(self) -> AIMessage:
        """Return the whole answer."""
        if self._whole is None:
            raise InvalidInputError("there is no answer in this stream: give what llm.stream(…) returns")
        message = message_chunk_to_message(self._whole)
        assert isinstance(message, AIMessage)
        return message

    def _update(self, message: BaseMessage) -> None:
        self._handle.update(_bundle(Html(FOLDER).message(message), message.text), raw=True)


def _bundle(html: str, text: str = "") -> dict[str, str]:
    return {"text/html": html, "text/plain": text}


# What IPython calls: an object → HTML, or None for what is shown as ever


def _message(message: BaseMessage) -> str:
    return Html(FOLDER).message(message)


def _speech(speech: Speech) -> str:
    return Html(FOLDER).speech(speech)


def _dict(value: dict[str, Any]) -> str | None:
    if type(value) is not dict:
        return _own(value)
    if is_media(value):
        return Html(FOLDER).block(value)
    messages = value.get("messages")
    return _list(messages) if type(messages) is list else None


def _list(value: list[Any]) -> str | None:
    if type(value) is not list:
        return _own(value)
    if value and all(isinstance(each, BaseMessage) for each in value):
        return Html(FOLDER).conversation(value)
    if value and all(map(is_media, value)):
        return "".join(map(Html(FOLDER).block, value))
    return None


def _own(value: Any) -> str | None:
    """Return the HTML that a subclass of dict or list has for itself."""
    method = getattr(value, "_repr_html_", None)
    return method() if callable(method) else None


_FORMATTERS: dict[type, Callable[[Any], str | None]] = {
    BaseMessage: _message,
    Speech: _speech,
    dict: _dict,
    list: _list,
}


# The text beside it, which every cell holds as well


def _plain_message(message: BaseMessage, printer: Any, cycle: bool) -> None:
    printer.text("…" if cycle else without_media(repr(message)))


def _plain_text(text: str, printer: Any, cycle: bool) -> None:
    printer.text(without_media(repr(text)))
