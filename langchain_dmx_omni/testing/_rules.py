"""What the service refuses, and how it says so. Pure: a request goes in, a `Refusal` comes out or nothing does.

The rules are those of DMXAPI's pages on the model, and of Alibaba Model Studio's on the same model's own endpoint.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from langchain_dmx_omni import voices

from . import _tool_rules
from ._refusal import Refusal, bad, upstream
from ._tool_rules import Allowed

MAX_DATA_URI_BYTES: Final = 10_485_760
"""The longest data URI, in bytes of the whole string; the upstream's own number."""

ROLES: Final = frozenset({"user", "assistant", "system"})

MEDIA_PARTS: Final[Mapping[str, tuple[Literal["image", "audio", "video"], str]]] = {
    "image_url": ("image", "url"),
    "input_audio": ("audio", "data"),
    "video_url": ("video", "url"),
}
"""Part type → kind of media, and the field inside that holds its URL. Frame lists (`video`) are not among them."""


MOST_ITEMS: Final[Mapping[str, tuple[int, int]]] = {
    "image_url": (2_048, 250),
    "input_audio": (2_048, 250),
    "video_url": (512, 250),
}
"""Part type → how many of them one request may hold by URL, and inline."""
FRAMES: Final = (2, 2_048)
"""The fewest and the most images of a frame list."""
_PARAMETERS: Final[Mapping[str, tuple[float, float]]] = {
    "fps": (0.1, 10.0),
    **dict.fromkeys(("min_pixels", "max_pixels", "total_pixels"), (1, float("inf"))),
}
"""Parameters beside an image or a video → their range."""

INVALID_JSON: Final = object()
"""Stands for a request's body that is no JSON."""


def parse(raw: bytes) -> object:
    """Return the JSON value of a request's body, or `INVALID_JSON`."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return INVALID_JSON


def check_json(body: object) -> dict[str, Any]:
    """Refuse a body that is no JSON object.

    Args:
        body: What `parse` gave.
    """
    if body is INVALID_JSON:
        raise Refusal(400, "The request body is not valid JSON", code="invalid_request")
    if not isinstance(body, dict):
        raise Refusal(400, "The request body must be a JSON object", code="invalid_request")
    return body


def check_key(headers: Mapping[str, str], api_key: str) -> None:
    """Refuse a missing or wrong key. The key may stand bare or after `Bearer`.

    Args:
        headers: The request's headers, names in lower case.
        api_key: The key that is right.
    """
    key = headers.get("authorization", "").removeprefix("Bearer ").strip()
    if key != api_key:
        raise Refusal(401, "Invalid token" if key else "No token was given")


def check_body(body: object, allowed: Allowed) -> dict[str, Any]:
    """Refuse what the service refuses in a request's JSON.

    Args:
        body: What `parse` gave.
        allowed: What is taken nevertheless.

    Returns:
        The body: an object whose `input` is a list of messages with roles and parts that the service knows, of
        function calls, and of an output for each.
    """
    checked = check_json(body)
    for rule in _RULES:
        rule(checked)
    if not allowed.system_with_audio:
        _check_system(checked)
    _tool_rules.check_pairs(checked)
    _tool_rules.check_tools(checked, allowed)
    _tool_rules.check_formats(checked, allowed)
    return checked


def check_model(body: Mapping[str, Any], beginnings: tuple[str, ...]) -> str:
    """Refuse a request that names no model, or one that the service does not have.

    Args:
        body: The request's JSON.
        beginnings: How the names of the models begin that a route has.

    Returns:
        The model's name.
    """
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise bad("model is required", "model")
    if not model.startswith(beginnings):
        raise Refusal(503, f"No available channel for model {model} under group default", code="model_not_found")
    return model


def wants_audio(body: Mapping[str, Any]) -> bool:
    """Whether the request asks for speech."""
    modalities = body.get("modalities")
    return isinstance(modalities, list) and "audio" in modalities


def voice_of(body: Mapping[str, Any]) -> str:
    """Return the name of the voice that the request asks for; the service's default if it names none."""
    audio = body.get("audio")
    name = audio.get("voice") if isinstance(audio, dict) else None
    return name if isinstance(name, str) else voices.names()[0]


def knows_voice(name: str) -> bool:
    """Whether the service has this voice. It answers an unknown one with 200 and nothing at all."""
    return name in voices.names()


def _check_model(body: Mapping[str, Any]) -> None:
    check_model(body, ("qwen",))


def _check_stream(body: Mapping[str, Any]) -> None:
    if body.get("stream") is not True:
        raise bad("This model only supports stream mode: stream must be true", "stream")


def _check_options(body: Mapping[str, Any]) -> None:
    modalities = body.get("modalities")
    if modalities not in (None, ["text"], ["text", "audio"], ["audio", "text"]):
        raise bad('modalities must be ["text"] or ["text","audio"]', "modalities")
    limit = body.get("max_output_tokens")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise bad("max_output_tokens must be a positive integer", "max_output_tokens")
    thinking = body.get("enable_thinking")
    if thinking is not None and not isinstance(thinking, bool):
        raise bad("enable_thinking must be a boolean", "enable_thinking")
    if thinking and wants_audio(body):
        raise upstream("enable_thinking is not supported with audio output", "enable_thinking")


def _check_input(body: Mapping[str, Any]) -> None:
    items = body.get("input")
    if not isinstance(items, list) or not items:
        raise bad("input must be a list of messages", "input")
    for index, item in enumerate(items):
        _check_item(item, f"input[{index}]")


def _check_counts(body: Mapping[str, Any]) -> None:
    counts: Counter[tuple[str, bool]] = Counter()
    for item in body["input"]:
        content = item.get("content")
        for part in content if isinstance(content, list) else ():
            if (kind := part["type"]) in MEDIA_PARTS:
                counts[kind, part[kind][MEDIA_PARTS[kind][1]].startswith("data:")] += 1
    for (kind, inline), count in counts.items():
        most = MOST_ITEMS[kind][inline]
        if count > most:
            way = "inline" if inline else "by URL"
            raise upstream(f"Exceeded limit on max number of {kind} items {way} : {most}", "input")


def _check_system(body: Mapping[str, Any]) -> None:
    if wants_audio(body) and any(message.get("role") == "system" for message in body["input"]):
        raise bad("System messages are not supported with audio output", "input")


_RULES: Final[tuple[Callable[[Mapping[str, Any]], None], ...]] = (
    _check_model,
    _check_stream,
    _check_options,
    _check_input,
    _check_counts,
)


def _check_item(message: object, at: str) -> None:
    if not isinstance(message, dict):
        raise bad(f"{at} must be an object", at)
    kind = message.get("type", "message")
    if isinstance(kind, str) and kind in _tool_rules.TOOL_ITEMS:
        _tool_rules.check_item(message, at)
        return
    if kind != "message":
        raise bad(f"Invalid value: {kind!r} is no item type of this model", f"{at}.type")
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise bad(f"{at}.role must be one of user, assistant, system", f"{at}.role")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise bad(f"{at}.content must be a string or a list of parts", f"{at}.content")
    for index, part in enumerate(content):
        _check_part(part, role, f"{at}.content[{index}]")


def _check_part(part: object, role: str, at: str) -> None:
    if not isinstance(part, dict):
        raise bad(f"{at} must be an object", at)
    kind = part.get("type")
    if kind == "text":
        if not isinstance(part.get("text"), str):
            raise bad(f"{at}.text must be a string", f"{at}.text")
        return
    if not isinstance(kind, str) or (kind != "video" and kind not in MEDIA_PARTS):
        raise bad(f"Invalid value: {kind!r} is no part type of this model", f"{at}.type")
    if role != "user":
        raise bad(f"{kind} is only allowed in user messages, not in a {role} message", at)
    for url in _urls(part, kind, at):
        _check_url(url, at)
    for name, (least, most) in _PARAMETERS.items():
        value = part.get(name)
        if value is not None and not (_is_number(value) and least <= value <= most):
            wanted = f"between {least:g} and {most:g}" if most < float("inf") else "a positive number"
            raise upstream(f"{name} must be {wanted}", f"{at}.{name}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _urls(part: Mapping[str, Any], kind: str, at: str) -> list[str]:
    if kind == "video":
        frames = part.get("video")
        if not isinstance(frames, list) or not frames or not all(isinstance(frame, str) for frame in frames):
            raise bad(f"{at}.video must be a list of frame URLs", f"{at}.video")
        if not FRAMES[0] <= len(frames) <= FRAMES[1]:
            raise upstream(f"A video must hold {FRAMES[0]} to {FRAMES[1]} frames, got {len(frames)}", f"{at}.video")
        return frames
    field = MEDIA_PARTS[kind][1]
    holder = part.get(kind)
    url = holder.get(field) if isinstance(holder, dict) else None
    if isinstance(url, str):
        return [url]
    raise bad(f"{at}.{kind}.{field} must be a URL or a data URL", f"{at}.{kind}")


def _check_url(url: str, at: str) -> None:
    if url.startswith(("http://", "https://")):
        return
    if not url.startswith("data:"):
        raise upstream("The provided URL does not appear to be valid. Ensure it is correctly formatted.", at)
    if len(url) > MAX_DATA_URI_BYTES:
        raise upstream(f"Exceeded limit on max bytes per data-uri item : {MAX_DATA_URI_BYTES}", at)


def undecodable(at: str) -> Refusal:
    """Return the refusal of a data URL that holds no base64, or none at all."""
    return upstream("Failed to decode base64 data", at)
