"""A request as the model sees it: its messages with their media, decoded, and what it asks for."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from langchain_dmx_omni._media import mime

from ._media_rules import check_media
from ._rules import MEDIA_PARTS, undecodable, voice_of, wants_audio
from ._tool_rules import format_of

Kind = Literal["image", "audio", "video", "frames"]

_PARAMETERS = ("fps", "min_pixels", "max_pixels", "total_pixels")
_MOST_DECODED = 8
"""Frames of a list that are decoded; of the others the header is looked at."""


@dataclass(frozen=True)
class Media:
    """One media part of a message.

    Attributes:
        kind: What the part says it is. `frames` is a video as a list of pictures.
        items: The decoded bytes of each item: one, or one a frame. None stands for a URL, which is never fetched.
        urls: The URL of each item; None for an item that came inline.
        parameters: Numbers beside it that say how closely it is looked at: `fps`, `max_pixels` and the like.
    """

    kind: Kind
    items: tuple[bytes | None, ...] = field(repr=False)
    urls: tuple[str | None, ...] = ()
    parameters: Mapping[str, float] = field(default_factory=dict)

    @property
    def data(self) -> bytes | None:
        """The bytes of the first item, or None if it is a URL."""
        return self.items[0]

    @property
    def mime(self) -> str | None:
        """The MIME type that the first item's bytes tell, or None."""
        media_type = mime.sniff(self.items[0]) if self.items[0] else None
        return media_type.mime if media_type else None


@dataclass(frozen=True)
class Message:
    """One message: `role` is `system`, `user` or `assistant`, `text` joins its text parts with line ends."""

    role: str
    text: str
    media: tuple[Media, ...] = ()


@dataclass(frozen=True)
class Tool:
    """A function that a request offers; `parameters` is a JSON Schema of an object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class ToolResult:
    """What a tool has answered: the name it was called by, and its output."""

    name: str
    output: str


@dataclass(frozen=True)
class Request:
    """One request that the service would take.

    Attributes:
        messages: All messages, in order; calls and outputs of tools are not among them.
        question: The text of the last user message that asks something: one with media right after a tool's output
            belongs to that output, which itself can hold text only.
        tool_results: What tools have answered since the question.
        tools: The tools that may be called.
        format: The format of the answer: `text`, `json_object` or `json_schema`.
        schema: The JSON Schema that comes with the format `json_schema`.
        voice: The voice to speak with, or None if no speech is asked for.
        body: The request's JSON.
        headers: The request's headers, names in lower case.
    """

    messages: tuple[Message, ...]
    question: str
    tool_results: tuple[ToolResult, ...] = ()
    tools: tuple[Tool, ...] = ()
    format: str = "text"
    schema: Mapping[str, Any] | None = None
    voice: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def system(self) -> str:
        """The text of all system messages."""
        return "\n".join(message.text for message in self.messages if message.role == "system")

    @property
    def prompt(self) -> str:
        """The text of all system and user messages."""
        return "\n".join(message.text for message in self.messages if message.role != "assistant")

    @property
    def media(self) -> tuple[Media, ...]:
        """The media of all messages, in order."""
        return tuple(media for message in self.messages for media in message.media)


def read_request(body: Mapping[str, Any], headers: Mapping[str, str]) -> Request:
    """Read a request.

    Args:
        body: The request's JSON, which `_rules.check_body` let pass.
        headers: The request's headers, names in lower case.

    Raises:
        Refusal: A data URL can't be decoded, or the service doesn't take what it holds.
    """
    items = body["input"]
    question, results = _question_and_results(items)
    format, schema = format_of(body)
    return Request(
        messages=tuple(_messages(items)),
        question=question,
        tool_results=tuple(results),
        tools=tuple(_tool(tool) for tool in body.get("tools") or ()),
        format=format,
        schema=schema,
        voice=voice_of(body) if wants_audio(body) else None,
        body=body,
        headers=headers,
    )


def text_of_items(items: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of all messages, of calls and of outputs."""
    return "\n".join(map(_text, items))


def _tool(tool: Mapping[str, Any]) -> Tool:
    parameters = {**(tool.get("parameters") or {}), "type": "object"}
    return Tool(tool["name"], str(tool.get("description") or ""), parameters)


def _question_and_results(items: Sequence[Mapping[str, Any]]) -> tuple[str, list[ToolResult]]:
    """The last question, and what tools have answered since."""
    question = ""
    names: dict[str, str] = {}
    results: list[ToolResult] = []
    after_output = False  # whether what comes next may still be a tool's pictures
    for item in items:
        match item.get("type"):
            case "function_call":
                names[item["call_id"]] = item["name"]
            case "function_call_output":
                results.append(ToolResult(names[item["call_id"]], item["output"]))
                after_output = True
            case _ if item["role"] == "user":
                after_output = after_output and any(part["type"] != "text" for part in _parts(item))
                if not after_output:
                    question, results = _text(item), []
            case _:
                after_output = False
    return question, results


def _messages(items: Sequence[Mapping[str, Any]]) -> Iterator[Message]:
    for index, item in enumerate(items):
        if item.get("type", "message") == "message":
            yield Message(item["role"], _text(item), tuple(_media(item, f"input[{index}]")))


def _parts(message: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    parts: str | list[Mapping[str, Any]] = message["content"]
    return parts if isinstance(parts, list) else [{"type": "text", "text": parts}]


def _text(item: Mapping[str, Any]) -> str:
    match item.get("type"):
        case "function_call":
            return f"{item['name']}({item['arguments']})"
        case "function_call_output":
            output: str = item["output"]
            return output
    return "\n".join(part["text"] for part in _parts(item) if part["type"] == "text")


def _media(message: Mapping[str, Any], at: str) -> Iterator[Media]:
    for number, part in enumerate(_parts(message)):
        kind = part["type"]
        if kind == "video":
            yield _loaded("frames", part["video"], f"{at}.content[{number}]", part)
        elif kind in MEDIA_PARTS:
            name, field = MEDIA_PARTS[kind]
            yield _loaded(name, [part[kind][field]], f"{at}.content[{number}]", part)


def _loaded(kind: Kind, urls: Sequence[str], at: str, part: Mapping[str, Any]) -> Media:
    items = tuple(_load(url, at) for url in urls)
    for number, data in enumerate(items):
        if data is not None:
            check_media("image" if kind == "frames" else kind, data, at, decode=number < _MOST_DECODED)
    remote = tuple(url if item is None else None for url, item in zip(urls, items, strict=True))
    return Media(kind, items, remote, {name: part[name] for name in _PARAMETERS if name in part})


def _load(url: str, at: str) -> bytes | None:
    """The bytes of a data URL (`data:image/png;base64,…` or the bare `data:;base64,…`); None for any other URL."""
    if not url.startswith("data:"):
        return None
    head, comma, encoded = url.partition(",")
    if not comma or not head.endswith(";base64"):
        raise undecodable(at)
    try:
        data = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise undecodable(at) from error
    if not data:
        raise undecodable(at)
    return data
