"""The wire's event shapes, and data → event.

Source: OpenAI's published Responses types, as this gateway sends them. `type` is the JSON's own; the name of
the `event:` line stands in where a bridge leaves it out. Events of unknown type are let through: whoever
reads events passes over those.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypedDict, cast

from pydantic_core import from_json

from langchain_dmx_omni.errors import ProtocolError

if TYPE_CHECKING:
    from langchain_dmx_omni._sse import ServerSentEvent


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

_NAMELESS = "without a name"


def decode(sent: ServerSentEvent) -> Event:
    """Return the event that a server-sent event carries.

    An error in any of the wire's shapes (an `error` event, `{"error": …}` bare or within an event) comes back
    with the type `"error"`.

    Raises:
        ProtocolError: The data is not a JSON object.
    """
    name, data = sent
    if data == b"[DONE]":
        return DONE
    try:
        event = from_json(data)  # the fastest parser at hand
    except ValueError:
        event = _parse(name, data)
    if not isinstance(event, dict):
        raise ProtocolError(f"the event {name or _NAMELESS} is a JSON {type(event).__name__}, not an object")
    if event.get("error"):
        event["type"] = ERROR
    elif not event.get("type"):
        if event.get("object") == "response":  # one that was not streamed
            return {"type": "response.completed", "response": cast("Response", event)}
        event["type"] = ERROR if not name and event.keys() & {"code", "message"} == {"code", "message"} else name
    return cast("Event", event)


def _parse(name: str, data: bytes) -> Any:
    """Parse what pydantic's parser won't take, such as lone surrogates.

    Raises:
        ProtocolError: It is no JSON.
    """
    try:
        return json.loads(data)
    except ValueError as error:
        beginning = data[:60].decode("utf-8", "replace")
        raise ProtocolError(
            f"the event {name or _NAMELESS} of {len(data)} bytes is not JSON ({error}); it begins with {beginning!r}"
        ) from None
