"""Answers as `dmx-omni doctor --wire` has recorded them: the service as it really was. Pure, but for reading files."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final, NamedTuple

from langchain_dmx_omni import voices

from ._script import Script

_MEDIA: Final = ("image_url", "input_audio", "video_url", "video")


class _Features(NamedTuple):
    """What decides how the service answers a request; the first weigh most."""

    speaks: bool
    known_voice: bool
    system_with_speech: bool
    answers_tool: bool
    tools: bool
    tool_choice: str
    format: str
    audio_format: str
    media: tuple[str, ...]


class _Kept(NamedTuple):
    """A recorded answer and what it was given to."""

    name: str
    features: _Features
    script: Script
    whole: bool
    """Whether it is an answer, and no error and no silence."""


class Replay:
    """Recorded answers, each for requests of its kind.

    A request gets the answer to one that agrees with it in all that matters (speech, voice, system message, tools and
    their results, format, media), be it an error; else the whole answer to the one that agrees most. Speech is silence
    of the recorded length and header.

    Args:
        folder: What `dmx-omni doctor --wire` has written.

    Raises:
        ValueError: There are no records in it.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self._kept: list[_Kept] = []
        for path in sorted(Path(folder).glob("*.json")):
            record = json.loads(path.read_text("utf-8"))
            if record.get("replayed") and record.get("status"):
                script = _script(record)
                whole = record["status"] == 200 and b".delta" in script.payload
                self._kept.append(_Kept(path.stem, _features(record["request"]), script, whole))
        if not any(kept.whole for kept in self._kept):
            raise ValueError(f"{folder}: no answers are recorded in it; dmx-omni doctor --wire FOLDER records some")

    def script(self, body: Mapping[str, Any]) -> Script:
        """Return the answer to a request."""
        features = _features(body)
        exact = next((kept for kept in self._kept if kept.features == features), None)
        if exact is not None:
            return exact.script
        answers = [kept for kept in self._kept if kept.whole]
        return max(answers, key=lambda kept: _agreement(kept.features, features)).script


def _agreement(one: _Features, other: _Features) -> tuple[bool, ...]:
    return tuple(first == second for first, second in zip(one, other, strict=True))


def _features(body: Mapping[str, Any]) -> _Features:
    modalities, audio = body.get("modalities"), body.get("audio")
    speaks = isinstance(modalities, list) and "audio" in modalities
    spoken: Mapping[str, Any] = audio if speaks and isinstance(audio, dict) else {}
    messages = [item for item in body.get("input") or () if isinstance(item, dict)]
    parts = [part for item in messages if isinstance(item.get("content"), list) for part in item["content"]]
    choice, form = body.get("tool_choice"), body.get("response_format")
    return _Features(
        speaks=speaks,
        known_voice=not speaks or spoken.get("voice") in voices.names(),
        system_with_speech=speaks and any(item.get("role") == "system" for item in messages),
        answers_tool=bool(messages) and messages[-1].get("type") == "function_call_output",
        tools=bool(body.get("tools")),
        tool_choice="named" if isinstance(choice, dict) else str(choice or "auto"),
        format=str(form.get("type")) if isinstance(form, dict) else "text",
        audio_format=str(spoken.get("format", "")),
        media=tuple(sorted({str(part.get("type")) for part in parts if isinstance(part, dict)} & {*_MEDIA})),
    )


def _script(record: Mapping[str, Any]) -> Script:
    newline = record["newline"].encode()
    lines = [_line(line) for line in record["lines"]]
    headers = {name: value for name, value in record["headers"].items() if name in ("content-type", "retry-after")}
    return Script(record["status"], headers, _events(lines, newline))


def _events(lines: Sequence[bytes], newline: bytes) -> list[bytes]:
    """Return the lines in chunks of an event each, as a service flushes them."""
    chunks, held = [], b""
    for number, line in enumerate(lines):
        held += line + (newline if number < len(lines) - 1 else b"")
        if not line and held.strip():
            chunks.append(held)
            held = b""
    return [*chunks, held] if held else chunks


def _line(line: Any) -> bytes:
    if isinstance(line, str):
        return line.encode("utf-8", "backslashreplace")
    ((prefix, value),) = line.items()
    text = json.dumps(_with_sound(value), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    return b"data: " + text if prefix == "data" else text


def _with_sound(value: Any) -> Any:
    match value:
        case {"$sound": int(length), "head": str(head)}:
            header = bytes.fromhex(head)
            return b64encode(header + bytes(length - len(header))).decode()
        case dict():
            return {name: _with_sound(inner) for name, inner in value.items()}
        case list():
            return [_with_sound(inner) for inner in value]
    return value
