"""One recorded answer, as facts that can be read. Pure."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from langchain_dmx_omni._failures import from_event, from_response
from langchain_dmx_omni._sse import EventDecoder
from langchain_dmx_omni._transport.raw import RawAnswer
from langchain_dmx_omni.errors import DMXOmniError

_AUDIO_DELTAS = ("response.output_audio.delta", "response.audio.delta")
_ENDS = ("response.completed", "response.incomplete", "response.failed", "error")
SPEECH_RATE = 24_000
"""Hertz of the service's speech, where no header says another rate."""


@dataclass(frozen=True)
class Heard:
    """What came back.

    Attributes:
        answer: The HTTP answer, or None where there was none.
        failure: Why there was none.
    """

    answer: RawAnswer | None
    failure: DMXOmniError | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    """What else the call has found out."""

    @property
    def status(self) -> int:
        """The HTTP status; 0 without an answer."""
        return self.answer.status if self.answer else 0

    @property
    def body(self) -> bytes:
        """The answer's body."""
        return self.answer.body if self.answer else b""

    @cached_property
    def events(self) -> list[dict[str, Any]]:
        """The events' JSON, in order."""
        decoder = EventDecoder()
        events = []
        for each in [*decoder.feed(self.body), *decoder.close()]:
            try:
                value = json.loads(each.data)
            except ValueError:
                continue
            if isinstance(value, dict):
                events.append({"type": each.name, **value})
        return events

    @property
    def names(self) -> list[str]:
        """The events' types, each once, in order of their first."""
        return list(dict.fromkeys(str(event.get("type", "")) for event in self.events))

    @property
    def error(self) -> str | None:
        """What the service says is wrong, with its status; None for an answer."""
        if self.answer is None:
            return str(self.failure)
        if self._event_of_error is not None:
            error = _error_in(self._event_of_error)
            said = error.get("message") if isinstance(error, dict) else error
            return f"{self.status}: {said}"
        if self.status != 200:
            said = self._json.get("message") or self.body[:200].decode("utf-8", "replace")
            return f"{self.status}: {said}"
        return None

    @cached_property
    def trouble(self) -> DMXOmniError | None:
        """What the client would raise; None for an answer, even for one with nothing in it."""
        if self.answer is None:
            return self.failure
        if self.status != 200:
            return from_response(self.status, self.answer.headers, self.body)
        if self._event_of_error is not None:
            return from_event(self._event_of_error, self.answer.headers)
        return None

    @property
    def settled(self) -> bool:
        """Whether the service has decided; when it is busy or broken it hasn't."""
        return self.trouble is None or not self.trouble.is_retryable

    @property
    def _event_of_error(self) -> dict[str, Any] | None:
        return next((event for event in [self._json, *self.events] if _error_in(event)), None)

    @cached_property
    def _json(self) -> dict[str, Any]:
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def accepted(self) -> bool:
        """Whether there is an answer with something in it."""
        return self.error is None and bool(self.text or self.audio or self.calls)

    @property
    def text(self) -> str:
        """The text of the answer."""
        deltas = [str(event.get("delta", "")) for event in self.events if event["type"] == "response.output_text.delta"]
        if deltas:
            return "".join(deltas)
        return "".join(str(part.get("text", "")) for part in self._parts("output_text"))

    @property
    def usage(self) -> dict[str, Any]:
        """The usage of the last event that has one."""
        usages = [(event.get("response") or {}).get("usage") for event in self.events]
        return next((usage for usage in reversed(usages) if usage), {})

    @property
    def end(self) -> str:
        """The type of the event that ends the answer; empty without one."""
        return next((event["type"] for event in reversed(self.events) if event["type"] in _ENDS), "")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """The functions that are called."""
        items = [event.get("item") or {} for event in self.events if event["type"] == "response.output_item.done"]
        return [item for item in items if item.get("type") == "function_call"]

    # Speech

    @property
    def deltas(self) -> list[bytes]:
        """The pieces of speech that came as deltas, decoded."""
        return [_decoded(event.get("delta")) for event in self.events if event["type"] in _AUDIO_DELTAS]

    @property
    def items(self) -> list[bytes]:
        """The pieces of speech that came in items, decoded."""
        return [_sound(part) for part in self._parts("output_audio")]

    @property
    def repeated(self) -> bool:
        """Whether the last event has the speech again."""
        last = self.events[-1].get("response") if self.events else None
        return any(True for item in (last or {}).get("output") or () for _ in _of(item, "output_audio"))

    @property
    def audio(self) -> list[bytes]:
        """The pieces of speech, once."""
        return self.items or self.deltas

    @property
    def speech_seconds(self) -> float:
        """How long the speech is."""
        first = next(iter(self.audio), b"")
        rate = int.from_bytes(first[24:28], "little") if first.startswith(b"RIFF") else SPEECH_RATE
        size = sum(len(each) - (44 if each.startswith(b"RIFF") else 0) for each in self.audio)
        return size / 2 / (rate or SPEECH_RATE)

    def _parts(self, kind: str) -> Iterator[dict[str, Any]]:
        for event in self.events:
            if event["type"] == "response.output_item.done":
                yield from _of(event.get("item"), kind)

    # Layout

    @property
    def layout(self) -> dict[str, Any]:
        """How the bytes of the stream are laid out."""
        lines = re.split(rb"\r\n|\n|\r", self.body)
        return {
            "newline": next((end for end in ("\r\n", "\n", "\r") if end.encode() in self.body), ""),
            "event_lines": any(line.startswith(b"event:") for line in lines),
            "blank_lines": b"" in lines[:-1],
            "comments": sum(line.startswith(b":") for line in lines),
            "done": any(line.startswith(b"data:") and line[5:].strip() == b"[DONE]" for line in lines),
        }


def _error_in(event: dict[str, Any]) -> Any:
    response = event.get("response")
    inner = event.get("error") or (response.get("error") if isinstance(response, dict) else None)
    return inner or (event if event.get("type") == "error" else None)


def _of(item: Any, kind: str) -> Iterator[dict[str, Any]]:
    content = item.get("content") if isinstance(item, dict) else None
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict) and part.get("type") == kind:
            yield part


def _sound(part: dict[str, Any]) -> bytes:
    audio = part.get("audio")
    return _decoded(audio.get("data") if isinstance(audio, dict) else audio)


def _decoded(text: Any) -> bytes:
    try:
        return b64decode(text) if isinstance(text, str) else b""
    except ValueError:
        return b""
