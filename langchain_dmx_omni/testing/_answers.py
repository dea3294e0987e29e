"""Whole answers as lists of events, in the service's order, with speech in every shape it is known to arrive in.

The order and the field names are those of the Responses stream: `response.created` → `in_progress` →
`output_item.added` → `content_part.added` → `output_text.delta`… → `output_text.done` → `content_part.done` →
`output_item.done` → `response.completed`. Speech is 24 kHz mono 16-bit PCM.
"""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Final

from . import _items
from ._items import Call
from ._script import Event

SAMPLE_RATE: Final = 24_000
"""Hertz, of all speech."""

MODEL: Final = "qwen3.5-omni-plus-all"
TEXT: Final = "Hello from the gateway."

DEFAULT_USAGE: Final[Mapping[str, Any]] = {
    "input_tokens": 12,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 6,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 18,
}

_MESSAGE_ID: Final = "msg_1"
_AUDIO_ID: Final = "audio_1"
_UNKNOWN_LENGTH: Final = 0xFFFFFFFF  # what an encoder writes into a WAV header when it can't seek back to fill it in


def wav(pcm: bytes, *, length: int | None = None) -> bytes:
    """Wrap 24 kHz mono 16-bit PCM in a RIFF/WAVE header.

    Args:
        pcm: Samples, little-endian.
        length: Write this into both length fields in place of the true lengths (0 or 0xFFFFFFFF, as streams do).
    """
    riff, data = (36 + len(pcm), len(pcm)) if length is None else (length, length)
    form = struct.pack("<IHHIIHH", 16, 1, 1, SAMPLE_RATE, SAMPLE_RATE * 2, 2, 16)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + form + b"data" + struct.pack("<I", data) + pcm


def answer(
    text: str = TEXT,
    *,
    deltas: Sequence[str] | None = None,
    audio: Sequence[Mapping[str, str]] = (),
    usage: Mapping[str, Any] | None = DEFAULT_USAGE,
    response_id: str = "resp_1",
    model: str = MODEL,
    finish: str = "completed",
    thought: str = "",
) -> list[Event]:
    """Return one answer's events.

    Args:
        text: The whole text.
        deltas: The pieces it is streamed in; by default words. An empty sequence streams none: only the whole text.
        audio: `{"id", "data"}` objects (base64), each an `output_audio` part of the message.
        usage: Token counts on the last event; None leaves them out.
        response_id: The response's id.
        model: The response's model.
        finish: `completed`, `failed`, or the reason of an incomplete answer: `max_output_tokens`,
            `content_filter`. `none` leaves the last event out.
        thought: A reasoning summary before the text.
    """
    sound = _Sound(parts=[dict(part) for part in audio])
    return _assemble(
        text,
        sound,
        deltas=deltas,
        usage=usage,
        response_id=response_id,
        model=model,
        finish=finish,
        thought=thought,
    )


def spoken(text: str, pcm: bytes, shape: str = "one_item", **options: Any) -> list[Event]:
    """Return one spoken answer's events.

    Args:
        text: The whole text.
        pcm: 24 kHz mono 16-bit PCM, little-endian.
        shape: How the speech arrives: one of `SPEECH_SHAPES`.
        options: As for `answer`, without `audio`.
    """
    return _assemble(text, _SHAPES[shape](pcm), **options)


def numbered(events: Sequence[Event]) -> list[Event]:
    """Return the events with `sequence_number` counted anew from 0."""
    return [
        {"type": event["type"], "sequence_number": number} | _unnumbered(event) for number, event in enumerate(events)
    ]


def called(
    *calls: Call,
    text: str = "",
    thought: str = "",
    deltas: bool = True,
    done_arguments: bool = True,
    usage: Mapping[str, Any] | None = DEFAULT_USAGE,
    response_id: str = "resp_1",
    model: str = MODEL,
    finish: str = "completed",
) -> list[Event]:
    """Return the events of an answer that calls functions.

    Args:
        calls: The calls, in order.
        text: What is said before them.
        thought: A reasoning summary before it all.
        deltas: Whether arguments are streamed in pieces.
        done_arguments: Whether `function_call_arguments.done` repeats them; bridges leave that out.
        usage: Token counts on the last event; None leaves them out.
        response_id: The response's id.
        model: The response's model.
        finish: As for `answer`.
    """
    makers = [
        *_thinking(thought),
        *([_items.message(text)] if text else []),
        *(
            _items.function_call(call, f"call_{number}", deltas=deltas, done_arguments=done_arguments)
            for number, call in enumerate(calls, start=1)
        ),
    ]
    return _framed(_item_events(makers), finish, {"id": response_id, "model": model}, usage)


@dataclass(frozen=True)
class _Sound:
    """Where the speech of an answer goes: into the message item, between its text and its end, or into more items."""

    parts: Sequence[dict[str, str]] = ()
    between: Sequence[Event] = ()
    items: Sequence[dict[str, str]] = ()
    repeated: bool = False


def _assemble(
    text: str,
    sound: _Sound,
    *,
    deltas: Sequence[str] | None = None,
    usage: Mapping[str, Any] | None = DEFAULT_USAGE,
    response_id: str = "resp_1",
    model: str = MODEL,
    finish: str = "completed",
    thought: str = "",
) -> list[Event]:
    message = _items.message(text, deltas=deltas, audio=sound.parts, between=sound.between)
    items = _item_events([*_thinking(thought), message, *map(_items.speech, sound.items)])
    output = [events[-1]["item"] for events in items] if sound.repeated else [_silent(events) for events in items]
    return _framed(items, finish, {"id": response_id, "model": model}, usage, [item for item in output if item])


def _thinking(thought: str) -> list[_items.Maker]:
    return [_items.reasoning(thought)] if thought else []


def _item_events(makers: Sequence[_items.Maker]) -> list[list[Event]]:
    return [make(index) for index, make in enumerate(makers)]


def _silent(events: Sequence[Event]) -> dict[str, Any] | None:
    """An item without its speech; None if it is nothing else."""
    item: dict[str, Any] = events[-1]["item"]
    if item["type"] != "message":
        return item
    content = [part for part in item["content"] if part["type"] != "output_audio"]
    return item | {"content": content} if content else None


def _framed(
    items: Sequence[Sequence[Event]],
    finish: str,
    head: Mapping[str, Any],
    usage: Mapping[str, Any] | None,
    output: Sequence[dict[str, Any]] | None = None,
) -> list[Event]:
    """Items between the events that open and end an answer.

    Args:
        items: Each item's events.
        finish: As for `answer`.
        head: The response's `id` and `model`.
        usage: Token counts.
        output: What the last event repeats of the items; by default all of it.
    """
    response = {"id": head["id"], "object": "response", "created_at": 1_767_225_600, "model": head["model"]}
    begun = response | {"status": "in_progress", "output": [], "usage": None}
    whole = [events[-1]["item"] for events in items] if output is None else list(output)
    events: list[Event] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        *(event for item in items for event in item),
        *_terminal(finish, response | {"output": whole, "usage": usage}),
    ]
    return numbered(events)


def _terminal(finish: str, response: dict[str, Any]) -> list[Event]:
    if response["usage"] is None:
        response = {name: value for name, value in response.items() if name != "usage"}
    match finish:
        case "none":
            return []
        case "completed":
            return [{"type": "response.completed", "response": response | {"status": "completed"}}]
        case "failed":
            error = {"code": "server_error", "message": "The model failed while it answered."}
            return [{"type": "response.failed", "response": response | {"status": "failed", "error": error}}]
        case reason:
            state = {"status": "incomplete", "incomplete_details": {"reason": reason}}
            return [{"type": "response.incomplete", "response": response | state}]


def _unnumbered(event: Event) -> Event:
    return {name: value for name, value in event.items() if name != "sequence_number"}


# --- the shapes of speech ---------------------------------------------------------------------------------------------


def _encoded(data: bytes, audio_id: str = _AUDIO_ID) -> dict[str, str]:
    return {"id": audio_id, "data": b64encode(data).decode()}


def _thirds(pcm: bytes) -> list[bytes]:
    """Three runs of whole samples whose lengths, with a 44-byte header or without, are no multiples of 3.

    So the base64 of each ends in its own padding, and joining the texts would lose all but the first.
    """
    size = len(pcm) // 3 // 6 * 6 + 2
    return [piece for piece in (pcm[:size], pcm[size : 2 * size], pcm[2 * size :]) if piece]


def _slices(data: bytes) -> list[bytes]:
    """One file in slices, cut in the middle of samples."""
    size = (len(data) // 3) | 1
    return [data[at : at + size] for at in range(0, len(data), size)]


def _wav_each(pcm: bytes) -> list[Event]:
    """Audio deltas that are a WAV file each."""
    place = {"item_id": _MESSAGE_ID, "output_index": 0, "content_index": 1}
    pieces = [b64encode(wav(piece)).decode() for piece in _thirds(pcm)]
    deltas = [{"type": "response.output_audio.delta", **place, "delta": piece} for piece in pieces]
    return [*deltas, {"type": "response.output_audio.done", **place}]


def _deltas(data: bytes, name: str = "response.output_audio") -> list[Event]:
    """Audio deltas of odd and even lengths, so that samples and base64 groups are cut anywhere."""
    place = {"item_id": _MESSAGE_ID, "output_index": 0, "content_index": 1}
    events: list[Event] = []
    start, sizes = 0, cycle((1001, 4000, 7, 9600, 1, 24_001))
    while start < len(data):
        size = next(sizes)
        piece = b64encode(data[start : start + size]).decode()
        events.append({"type": f"{name}.delta", **place, "delta": piece})
        start += size
    return [*events, {"type": f"{name}.done", **place}]


def _in_items(pieces: Sequence[bytes], *, own_parts: bool = False) -> _Sound:
    audio = [_encoded(piece, f"audio_{number}") for number, piece in enumerate(pieces, start=1)]
    return _Sound(parts=audio) if own_parts else _Sound(items=audio)


def _streamed(pcm: bytes) -> bytes:
    return wav(pcm, length=_UNKNOWN_LENGTH)


_SHAPES: Final[dict[str, Callable[[bytes], _Sound]]] = {
    "one_item": lambda pcm: _Sound(parts=[_encoded(wav(pcm))]),
    "own_item": lambda pcm: _Sound(items=[_encoded(wav(pcm))]),
    "several_items": lambda pcm: _in_items([wav(piece) for piece in _thirds(pcm)]),
    "several_items_raw": lambda pcm: _in_items(_thirds(pcm)),
    "several_parts": lambda pcm: _in_items([wav(piece) for piece in _thirds(pcm)], own_parts=True),
    "several_items_sliced": lambda pcm: _in_items(_slices(wav(pcm))),
    "several_parts_sliced_raw": lambda pcm: _in_items(_slices(pcm), own_parts=True),
    "raw_pcm": lambda pcm: _Sound(parts=[_encoded(pcm)]),
    "broken_lengths": lambda pcm: _Sound(parts=[_encoded(wav(pcm, length=0))]),
    "broken_lengths_ff": lambda pcm: _Sound(parts=[_encoded(_streamed(pcm))]),
    "deltas": lambda pcm: _Sound(between=_deltas(_streamed(pcm))),
    "deltas_legacy": lambda pcm: _Sound(between=_deltas(_streamed(pcm), "response.audio")),
    "deltas_raw": lambda pcm: _Sound(between=_deltas(pcm)),
    "deltas_wav_each": lambda pcm: _Sound(between=_wav_each(pcm)),
    "deltas_then_item": lambda pcm: _Sound(between=_deltas(_streamed(pcm)), parts=[_encoded(wav(pcm))]),
    "repeated_in_completed": lambda pcm: _Sound(parts=[_encoded(wav(pcm))], repeated=True),
    "several_items_repeated_in_completed": lambda pcm: _Sound(
        items=_in_items([wav(piece) for piece in _thirds(pcm)]).items, repeated=True
    ),
}

SPEECH_SHAPES: Final = tuple(_SHAPES)
"""The names of the shapes that `spoken` can give speech."""
