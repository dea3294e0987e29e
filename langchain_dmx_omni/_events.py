"""The wire's event shapes, and data → event.

Source: OpenAI's published Responses types, as this gateway sends them. `type` is the JSON's own; the name of
the `event:` line stands in where a bridge leaves it out. Events of unknown type are let through: whoever
reads events passes over those.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict, cast

from pydantic_core import from_json

from .errors import ProtocolError

if TYPE_CHECKING:
    from ._sse import ServerSentEvent


class Usage(TypedDict, total=False):
    """Token counts as the service gives them. They are billing units: never derive a duration from them."""

    input_tokens: int
    input_tokens_details: dict[str, int | None] | None
    output_tokens: int
    output_tokens_details: dict[str, int | None] | None
    total_tokens: int


class Audio(TypedDict, total=False):
    """Spoken audio: base64 of a WAV file, or of raw 24 kHz mono int16 PCM."""

    id: str
    data: str


class ContentPart(TypedDict, total=False):
    """A part of a message item: `output_text`, `refusal` or `output_audio`."""

    type: str
    text: str
    refusal: str
    audio: Audio
    transcript: str


class Item(TypedDict, total=False):
    """An output item: `message`, `function_call` or `reasoning`."""

    type: str
    id: str
    content: list[ContentPart]
    summary: list[ContentPart]
    call_id: str
    name: str
    arguments: str


class Response(TypedDict, total=False):
    """The response object of the events that open and end an answer."""

    id: str
    model: str
    status: str
    output: list[Item]
    usage: Usage | None
    incomplete_details: dict[str, str] | None
    error: dict[str, Any] | str | None


class Event(TypedDict, total=False):
    """Any event; which keys there are depends on `type`."""

    type: str
    delta: str
    text: str
    refusal: str
    arguments: str
    item_id: str
    output_index: int
    content_index: int
    summary_index: int
    item: Item
    part: ContentPart
    response: Response
    error: dict[str, Any] | str


DONE: Event = {"type": "[DONE]"}
ERROR = "error"


def decode(sent: ServerSentEvent) -> Event:
    """Return the event that a server-sent event carries.

    An error in any of the wire's shapes (an `error` event, `{"error": …}` bare or within an event) comes back
    with the type `"error"`.

    Raises:
        ProtocolError: The data is not a JSON object.
    """
    if sent.data == b"[DONE]":
        return DONE
    name = sent.name or "without a name"
    try:
        event = _parse(sent.data)
    except ValueError as error:
        beginning = sent.data[:60].decode("utf-8", "replace")
        raise ProtocolError(
            f"the event {name} of {len(sent.data)} bytes is not JSON ({error}); it begins with {beginning!r}"
        ) from None
    if not isinstance(event, dict):
        raise ProtocolError(f"the event {name} is a JSON {type(event).__name__}, not an object")
    if event.get("error"):
        event["type"] = ERROR
    elif event.get("object") == "response":
        return {"type": "response.completed", "response": cast("Response", event)}  # one that was not streamed
    elif not event.get("type"):
        event["type"] = sent.name
    return cast("Event", event)


def _parse(data: bytes) -> Any:
    """Parse with pydantic's parser, the fastest at hand; json takes what it won't, such as lone surrogates."""
    try:
        return from_json(data)
    except ValueError:
        return json.loads(data)
