"""`SmallHistory`: what keeps the state of an agent small, which a checkpointer writes anew at every step.

Needs the package `langchain`.
"""

from __future__ import annotations

import asyncio
from binascii import b2a_base64
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from ._media.base64_text import without_head
from ._media.kept import decoded, keep
from ._request.content import KINDS
from .chat_models import ChatDMXOmni
from .errors import ConfigurationError, NoSpeechError, StorageError
from .media import strip
from .speech import Speech

try:
    from langchain.agents.middleware import AgentMiddleware, ExtendedModelResponse
    from langgraph.types import Command
except ImportError as error:
    raise ImportError("middleware is for create_agent, which is part of langchain: pip install -U langchain") from error

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Iterable

    from langchain.agents.middleware import ModelRequest, ModelResponse, ToolCallRequest

__all__ = ["SmallHistory"]

Message = TypeVar("Message", bound=BaseMessage)


def __dir__() -> list[str]:
    return __all__


class SmallHistory(AgentMiddleware[Any, Any, Any]):
    """Keeps media out of an agent's state: in its place stand references to files, some hundred bytes each.

    Speech goes to a file before the answer enters the state, so no checkpoint ever holds it, and so does media that
    tools return. The model is sent the media of the last turns only; of earlier ones it is sent the text.

    What is asked enters the state before any middleware runs, and leaves it with the first answer: give it as a
    reference in the first place, with `media.video(path, inline=False)` for a file, or with `refer` for bytes.

    Only `ChatDMXOmni` reads the references; it may read those of this folder whatever its `media_roots` are.

    Args:
        folder: Where media goes. It is as private as the conversation; delete it with the conversation.
        keep_speech: Whether speech goes to a file; if not, it is dropped, and the text says the same. `stream_mode=
            "messages"` hears it live either way.
        media_turns: Of how many turns the model is sent the media; None for all.

    Raises:
        ConfigurationError: `media_turns` is less than 1.
        StorageError: While the agent runs: the folder can't be written.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, keep_speech: bool = True, media_turns: int | None = 1
    ) -> None:
        super().__init__()
        if media_turns is not None and media_turns < 1:
            raise ConfigurationError(f"media_turns={media_turns}: give 1 or more, or None for all turns")
        self.folder = Path(folder).absolute()
        self._keep_speech = keep_speech
        self._media_turns = media_turns

    def refer(self, messages: Iterable[BaseMessage]) -> list[Any]:
        """Return messages with references in the place of inline media, which goes to files.

        Typed loosely, since an agent's input takes no list of `BaseMessage`.
        """
        return [self._referring(message) for message in messages]

    def speech(self, message: BaseMessage) -> Speech:
        """Return the speech of an answer in the state, from its file.

        Raises:
            NoSpeechError: The message refers to none, or to a file elsewhere.
            StorageError: The file is gone.
        """
        for block in message.content if isinstance(message.content, list) else []:
            match block:
                case {"type": "audio", "url": str(url)}:
                    return self._read(url)
        return Speech.from_message(message)

    # What LangChain calls

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """Ask with the media of the last turns, and take the speech out of the answer."""
        return self._answered(request, handler(self._asked(request)))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """Async version of `wrap_model_call`."""
        return await asyncio.to_thread(self._answered, request, await handler(self._asked(request)))

    def wrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]]
    ) -> ToolMessage | Command[Any]:
        """Take the media out of a tool's result."""
        return self._returned(handler(request))

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]]
    ) -> ToolMessage | Command[Any]:
        """Async version of `wrap_tool_call`."""
        return await asyncio.to_thread(self._returned, await handler(request))

    # What both do

    def _asked(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        messages: list[Any] = [*request.messages]
        turns = [number for number, message in enumerate(messages) if isinstance(message, HumanMessage)]
        if self._media_turns is not None and len(turns) > self._media_turns:
            begin = turns[-self._media_turns]
            messages[:begin] = strip(messages[:begin])
        settings = request.model_settings
        if isinstance(request.model, ChatDMXOmni):
            roots = settings.get("media_roots", request.model.media_roots)
            settings = {**settings, "media_roots": [*roots, self.folder]}
        return request.override(messages=messages, model_settings=settings)

    def _answered(
        self, request: ModelRequest[Any], response: ModelResponse[Any]
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        response = replace(response, result=[self._remembered(message) for message in response.result])
        before = request.state["messages"]
        changed = [after for message, after in zip(before, self.refer(before), strict=True) if after is not message]
        # Not in a step of its own before the agent: each step is one more checkpoint with all messages.
        return ExtendedModelResponse(response, Command(update={"messages": changed})) if changed else response

    def _remembered(self, message: BaseMessage) -> BaseMessage:
        if isinstance(message, AIMessage) and not self._keep_speech:
            return strip([message])[0]
        return self._referring(message)

    def _returned(self, result: ToolMessage | Command[Any]) -> ToolMessage | Command[Any]:
        if isinstance(result, ToolMessage):
            return self._referring(result)
        match result.update:
            case {"messages": list(messages), **others}:
                after = [self._referring(each) if isinstance(each, BaseMessage) else each for each in messages]
                return replace(result, update={**others, "messages": after})
        return result

    def _referring(self, message: Message) -> Message:
        if isinstance(message.content, str):
            return message
        content = [self._reference(block) for block in message.content]
        if all(after is block for after, block in zip(content, message.content, strict=True)):
            return message
        return message.model_copy(update={"content": content})

    def _reference(self, block: Any) -> Any:
        """Return the reference for a block with inline media, whatever shape it has; any other block as it is."""
        kind = KINDS.get(str(block.get("type"))) if isinstance(block, dict) else None
        if kind is None or kind.media is None:
            return block
        standard: dict[str, Any] = {**HumanMessage([block]).content_blocks[0]}
        name = block["type"]
        if name in ("video_url", "audio_url"):  # which LangChain doesn't know
            inner = block.get(name)
            beside = {key: value for key, value in block.items() if key not in ("type", name)}
            standard = {"type": kind.media, **beside, "url": inner.get("url") if isinstance(inner, dict) else inner}
        data = _inline_data(standard)
        if data is None:
            return block
        url = keep(data, standard.get("mime_type"), self.folder).as_uri()
        # Ids are random, or the service's own; nobody asks for them again.
        return {key: value for key, value in standard.items() if key not in ("base64", "id")} | {"url": url}

    def _read(self, url: str) -> Speech:
        path = Path(url2pathname(unquote(urlsplit(url).path))).resolve()
        if urlsplit(url).scheme != "file" or not path.is_relative_to(self.folder.resolve()):
            raise NoSpeechError(f"the speech is elsewhere, not in {self.folder}: {url[:200]}")
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StorageError.of(error, "read speech", path, "it was kept there when it was answered") from error
        return Speech.from_message(AIMessage([{"type": "audio", "base64": b2a_base64(data, newline=False).decode()}]))


def _inline_data(block: dict[str, Any]) -> bytes | None:
    """Return the bytes that a block holds; None where it refers to them, or where the model will say that it can't."""
    text = block.get("base64", block.get("url"))
    if not isinstance(text, str) or ("base64" not in block and text[:5].lower() != "data:"):
        return None
    try:
        return decoded(without_head(text))
    except ValueError:
        return None
