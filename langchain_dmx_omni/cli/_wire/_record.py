"""What is kept of a call: its request and its answer, line by line, without the key and without media. Pure."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from langchain_dmx_omni._secrets import Secrets, size

from ._heard import Heard
from ._probes import Probe

_KEPT_HEADERS = ("content-type", "retry-after", "server", "x-request-id", "x-oneapi-request-id", "x-new-api-version")
_HEADER_BYTES = 44
_AUDIO_DELTAS = ("response.output_audio.delta", "response.audio.delta")
_MEDIA_KEYS = ("data", "base64")


def record(probe: Probe, request: Mapping[str, Any], heard: Heard, secrets: Secrets) -> dict[str, Any]:
    """Return the record of a call, as JSON.

    Speech is described by its number of bytes and its header, if it has one: with these the gateway can play it back.
    """
    answer = heard.answer
    return {
        "probe": probe.name,
        "replayed": probe.replayed,
        "request": _without_media(request, secrets),
        "status": heard.status,
        "headers": {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers} if answer else {},
        "seconds": answer.seconds if answer else 0.0,
        "failure": secrets.redact(str(heard.failure or "")),
        "newline": heard.layout["newline"] or "\n",
        "lines": [_line(line, secrets) for line in re.split(rb"\r\n|\n|\r", heard.body)],
    }


def _line(line: bytes, secrets: Secrets) -> Any:
    """Return a line of the body: text, or `{"data": JSON}` where it is an event's data, or `{"json": JSON}`."""
    prefix, text = ("data", line[5:].strip()) if line.startswith(b"data:") else ("json", line)
    if text.startswith(b"{"):
        try:
            return {prefix: _without_media(json.loads(text), secrets)}
        except (ValueError, RecursionError):
            pass
    return secrets.redact(line.decode("utf-8", "replace"))


def _without_media(value: Any, secrets: Secrets) -> Any:
    match value:
        case str() if value.startswith("data:") and ";base64," in value[:100]:
            return f"{value.partition(',')[0]},{size(value)}"
        case str():
            return secrets.redact(value)
        case dict():
            media = (*_MEDIA_KEYS, "delta") if value.get("type") in _AUDIO_DELTAS else _MEDIA_KEYS
            return {
                secrets.redact(key): _sound(inner, secrets) if key in media else _without_media(inner, secrets)
                for key, inner in value.items()
            }
        case list() | tuple():
            return [_without_media(inner, secrets) for inner in value]
    return value


def _sound(value: Any, secrets: Secrets) -> Any:
    if not isinstance(value, str) or value.startswith(("http", "data:")):
        return _without_media(value, secrets)
    try:
        data = b64decode(value, validate=True)
    except ValueError:
        return secrets.redact(value)
    head = data[:_HEADER_BYTES].hex() if data.startswith(b"RIFF") else ""
    return {"$sound": len(data), "head": head}
