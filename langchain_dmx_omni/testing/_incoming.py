"""A request's messages, read: what is asked, and the media that came along, decoded."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ._rules import MEDIA_PARTS, undecodable

Kind = Literal["image", "audio", "video", "frames"]


@dataclass(frozen=True)
class Media:
    """One media part.

    Attributes:
        kind: What the part says it is. `frames` is a video as a list of pictures.
        data: The decoded bytes of each item: one, or one a frame. None stands for a URL, which is never fetched.
    """

    kind: Kind
    data: tuple[bytes | None, ...]


@dataclass(frozen=True)
class Result:
    """What a tool has answered: the name it was called by, and its output."""

    name: str
    output: str


@dataclass(frozen=True)
class Prompt:
    """One conversation.

    Attributes:
        question: The text of the last user message that asks something: one with media right after a tool's output
            belongs to that output, which itself can hold text only.
        told: The text of all system and user messages.
        text: The text of all messages, of calls and of outputs.
        media: The media of all messages, in order.
        messages: The number of messages.
        results: What tools have answered since the question.
    """

    question: str
    told: str
    text: str
    media: tuple[Media, ...]
    messages: int
    results: tuple[Result, ...] = ()


def read_prompt(body: Mapping[str, Any]) -> Prompt:
    """Read the messages of a request that `_rules.check_body` let pass.

    Raises:
        Refusal: A data URL can't be decoded.
    """
    items = body["input"]
    messages = [item for item in items if _is_message(item)]
    asked, results = _asked(items)
    return Prompt(
        question=asked,
        told="\n".join(_text(message) for message in messages if message["role"] != "assistant"),
        text="\n".join(map(_text, items)),
        media=tuple(_media(items)),
        messages=len(messages),
        results=tuple(results),
    )


def _asked(items: Sequence[Mapping[str, Any]]) -> tuple[str, list[Result]]:
    """The last question, and what tools have answered since."""
    asked = ""
    names: dict[str, str] = {}
    results: list[Result] = []
    shown = False  # whether what comes next may still be a tool's pictures
    for item in items:
        match item.get("type"):
            case "function_call":
                names[item["call_id"]] = item["name"]
            case "function_call_output":
                results.append(Result(names[item["call_id"]], item["output"]))
                shown = True
            case _ if item["role"] == "user":
                shown = shown and any(part["type"] != "text" for part in _parts(item))
                if not shown:
                    asked, results = _text(item), []
            case _:
                shown = False
    return asked, results


def _is_message(item: Mapping[str, Any]) -> bool:
    return bool(item.get("type", "message") == "message")


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


def _media(items: Sequence[Mapping[str, Any]]) -> Iterator[Media]:
    for index, item in enumerate(items):
        for number, part in enumerate(_parts(item) if _is_message(item) else ()):
            at = f"input[{index}].content[{number}]"
            match part["type"]:
                case "image_url":
                    yield Media("image", (_load(_url(part), at),))
                case "input_audio":
                    yield Media("audio", (_load(_url(part), at),))
                case "video_url":
                    yield Media("video", (_load(_url(part), at),))
                case "video":
                    yield Media("frames", tuple(_load(frame, at) for frame in part["video"]))


def _url(part: Mapping[str, Any]) -> str:
    _, field = MEDIA_PARTS[part["type"]]
    url: str = part[part["type"]][field]
    return url


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
