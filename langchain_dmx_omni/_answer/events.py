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
    url: str


class ContentPart(TypedDict, total=False):
    """A part of a message item: `output_text`, `refusal` or `output_audio`."""

    type: str
    text: str
    refusal: str
    audio: Audio | str
    annotations: list[dict[str, Any]]
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
    annotation: dict[str, Any]
    response: Response
    error: dict[str, Any] | str


DONE: Event = {"type": "[DONE]"}
ERROR = "error"

_NAMELESS = "without a name"
_SAYS = ("message", "msg", "detail", "error_msg", "errors")
"""Keys that flat errors have, in the bodies of gateways and their upstreams."""

_OTHER_PROTOCOLS = {
    "chat.completion": "Chat Completions",
    "chat.completion.chunk": "Chat Completions",
    "text_completion": "Completions",
    "message_start": "Anthropic Messages",
    "content_block_start": "Anthropic Messages",
    "content_block_delta": "Anthropic Messages",
}
"""Other protocols, by what their events have as `object` or `type`."""


def decode(sent: ServerSentEvent, halves: Halves) -> Event:
    """Return the event that a server-sent event carries.

    An error in any of the wire's shapes (an `error` event, `{"error": …}` bare or within an event, a flat
    `{"code", "message"}`) comes back with the type `"error"`.

    Args:
        sent: The event as it came.
        halves: The halves of characters that earlier events of the answer ended with.

    Raises:
        ProtocolError: The data is not a JSON object.
    """
    name, data = sent
    if data == b"[DONE]":
        return DONE
    try:
        event = from_json(data)  # the fastest parser at hand
        may_have_halves = bool(halves.held)
    except ValueError:
        event = _parse(name, data)
        may_have_halves = True
    if not isinstance(event, dict):
        raise ProtocolError(f"the event {name or _NAMELESS} is a JSON {type(event).__name__}, not an object")
    if may_have_halves:
        event = halves.join(event)
    if event.get("error"):
        event["type"] = ERROR
    elif not event.get("type"):
        if event.get("object") == "response":  # one that was not streamed
            return {"type": "response.completed", "response": cast("Response", event)}
        event["type"] = name or (ERROR if any(event.get(key) for key in _SAYS) else "")
    return cast("Event", event)


def check_unknown(event: Event) -> None:
    """Look at an event whose type is not known: most say nothing that matters.

    Raises:
        ProtocolError: It is of another protocol.
    """
    kind = event.get("object") or event["type"]
    protocol = _OTHER_PROTOCOLS.get(kind) if isinstance(kind, str) else None
    if protocol is None and ("choices" in event or "candidates" in event):
        protocol, kind = "another protocol", "choices" if "choices" in event else "candidates"
    if protocol is not None:
        raise ProtocolError(
            f"the server answers in {protocol} ({kind!r}), not in the Responses protocol: check base_url, and what "
            "the gateway's route for this model speaks"
        )


def is_flat_error(event: Event) -> bool:
    """Whether an event of unknown type is an error's body, whose `type` says what kind of error."""
    return "code" in event and "message" in event


def text_of(value: object, what: str) -> str:
    """Return a text that an event holds; `""` where there is none.

    Raises:
        TypeError: It is something else.
    """
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{what} is a {type(value).__name__}, not text")
    return value or ""


def name_of(value: object, what: str) -> str | None:
    """Return an id or a name that an event holds, which some servers write as a number.

    Raises:
        TypeError: It is something else.
    """
    return text_of(str(value) if type(value) in (int, float) else value, what) or None


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


class Halves:
    """Joins characters that a bridge cut apart: the first half ends one delta, the second begins the next.

    JSON writes an emoji as two surrogates. One whose other half is not there becomes U+FFFD.
    """

    def __init__(self) -> None:
        self.held: dict[tuple[Any, ...], str] = {}

    def join(self, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event without halves; what ends its delta is held back for the next."""
        delta = event.get("delta")
        if isinstance(delta, str):
            key = tuple(str(event.get(name)) for name in ("type", "item_id", "output_index", "content_index"))
            delta = self.held.pop(key, "") + delta
            if "\ud800" <= delta[-1:] <= "\udbff":
                self.held[key], delta = delta[-1], delta[:-1]
        return {**_joined(event), "delta": _joined(delta)} if delta is not None else _joined(event)


def _joined(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        case dict():
            return {_joined(key): _joined(each) for key, each in value.items()}
        case list():
            return [_joined(each) for each in value]
    return value
