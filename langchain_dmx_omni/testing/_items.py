"""Output items as events, `output_item.added` to `output_item.done`: reasoning, a message, a function call.

Each maker takes the item's place in the output and gives its events, the item as `output_item.done` carries it last.
The order and the field names are those of OpenAI's Responses stream.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ._script import Event

Maker = Callable[[int], list[Event]]
"""Place in the output → the item's events."""

_CUT: Final = 9  # characters of a delta of arguments


@dataclass(frozen=True)
class Call:
    """One function call of an answer.

    Attributes:
        name: The function's name.
        arguments: A mapping, or the JSON text itself.
        call_id: What the output goes back with; by default `call_1`, `call_2`…
    """

    name: str
    arguments: Mapping[str, Any] | str = "{}"
    call_id: str | None = None

    @property
    def text(self) -> str:
        r"""The arguments as JSON, without `\u` escapes."""
        if isinstance(self.arguments, str):
            return self.arguments
        return json.dumps(self.arguments, ensure_ascii=False, separators=(",", ":"))


def words(text: str) -> list[str]:
    """Cut text into deltas, a word and the space after it each; joined, they are the text."""
    return re.findall(r"\S+\s*|\s+", text)


def reasoning(text: str) -> Maker:
    """Return a reasoning item with one part of summary."""

    def make(index: int) -> list[Event]:
        item = {"id": f"rs_{index + 1}", "type": "reasoning", "summary": []}
        part = {"type": "summary_text", "text": text}
        place = {"item_id": item["id"], "output_index": index, "summary_index": 0}
        name = "response.reasoning_summary"
        return [
            {"type": "response.output_item.added", "output_index": index, "item": item},
            {"type": f"{name}_part.added", **place, "part": part | {"text": ""}},
            *({"type": f"{name}_text.delta", **place, "delta": piece} for piece in words(text)),
            {"type": f"{name}_text.done", **place, "text": text},
            {"type": f"{name}_part.done", **place, "part": part},
            {"type": "response.output_item.done", "output_index": index, "item": item | {"summary": [part]}},
        ]

    return make


def message(
    text: str,
    *,
    deltas: Sequence[str] | None = None,
    audio: Sequence[Mapping[str, str]] = (),
    between: Sequence[Event] = (),
) -> Maker:
    """Return a message with text, and with speech if there is some.

    Args:
        text: The whole text.
        deltas: The pieces it is streamed in; by default words.
        audio: `output_audio` parts.
        between: Events between the end of the text and the end of the item.
    """

    def make(index: int) -> list[Event]:
        item_id = f"msg_{index + 1}"
        part = {"type": "output_text", "text": text, "annotations": []}
        place = {"item_id": item_id, "output_index": index, "content_index": 0}
        pieces = words(text) if deltas is None else deltas
        begun = message_item([], item_id, status="in_progress")
        done = message_item([part, *map(audio_part, audio)], item_id)
        return [
            {"type": "response.output_item.added", "output_index": index, "item": begun},
            {"type": "response.content_part.added", **place, "part": part | {"text": ""}},
            *({"type": "response.output_text.delta", **place, "delta": piece} for piece in pieces),
            {"type": "response.output_text.done", **place, "text": text},
            {"type": "response.content_part.done", **place, "part": part},
            *between,
            {"type": "response.output_item.done", "output_index": index, "item": done},
        ]

    return make


def speech(audio: Mapping[str, str]) -> Maker:
    """Return a message with speech alone."""

    def make(index: int) -> list[Event]:
        item = message_item([audio_part(audio)], f"msg_{index + 1}")
        added = item | {"status": "in_progress", "content": []}
        return [
            {"type": "response.output_item.added", "output_index": index, "item": added},
            {"type": "response.output_item.done", "output_index": index, "item": item},
        ]

    return make


def function_call(call: Call, call_id: str, *, deltas: bool = True, done_arguments: bool = True) -> Maker:
    """Return a function call, its arguments streamed in pieces.

    Args:
        call: The call.
        call_id: Its id, unless it has one.
        deltas: Whether the arguments are streamed.
        done_arguments: Whether `function_call_arguments.done` repeats them.
    """

    def make(index: int) -> list[Event]:
        text = call.text
        item_id = f"fc_{index + 1}"
        place = {"item_id": item_id, "output_index": index}
        item: dict[str, Any] = {"id": item_id, "type": "function_call", "call_id": call.call_id or call_id}
        item |= {"name": call.name, "arguments": "", "status": "in_progress"}
        pieces = [text[start : start + _CUT] for start in range(0, len(text), _CUT)] if deltas else []
        done: Event = {"type": "response.function_call_arguments.done", **place}
        completed = item | {"arguments": text, "status": "completed"}
        return [
            {"type": "response.output_item.added", "output_index": index, "item": item},
            *({"type": "response.function_call_arguments.delta", **place, "delta": piece} for piece in pieces),
            done | ({"arguments": text} if done_arguments else {}),
            {"type": "response.output_item.done", "output_index": index, "item": completed},
        ]

    return make


def message_item(content: list[dict[str, Any]], item_id: str, *, status: str = "completed") -> dict[str, Any]:
    """Return a message item."""
    return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": content}


def audio_part(audio: Mapping[str, str]) -> dict[str, Any]:
    """Return a message's part that holds speech."""
    return {"type": "output_audio", "audio": dict(audio)}
