"""The JSON that a prompt asks for: a schema, an example, or the names of its keys. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_KEY: Final = re.compile(r"""["'](?P<name>[\w-]+)["']\s*:\s*(?P<value>[^,\n}]*)""")
_HINTS: Final = (
    (re.compile(r"\bint(?:eger)?\b|^-?\d+$"), "integer"),
    (re.compile(r"\b(?:number|float)\b|^-?\d+\.\d+$"), "number"),
    (re.compile(r"\bbool(?:ean)?\b|^true$|^false$"), "boolean"),
    (re.compile(r"\b(?:list|array)\b|^\["), "array"),
)
_KEYS: Final = re.compile(r"\b(?:keys?|fields?|properties)\b", re.IGNORECASE)
_NAME: Final = r"[A-Za-z_][\w-]*"
_QUOTED_NAME: Final = re.compile(rf"""["'`“‘](?P<name>{_NAME})["'`”’]""")
_LISTED: Final = re.compile(
    rf"\b(?:keys|fields|properties)\b\s*(?:named|called|are)?\s*:?\s*(?P<list>{_NAME}(?:\s*(?:,\s*and|,|\band\b)\s*{_NAME})*)"
)
_SENTENCE_END: Final = re.compile(r"[.!?](?=\s|$)|\n")
_DECODER: Final = json.JSONDecoder()


def requested_schema(text: str) -> dict[str, Any] | None:
    """Return the schema of the JSON object that a text asks for, or None if it names no keys.

    Of several, the last counts: instructions show examples first.

    1. a JSON schema, as format instructions embed it;
    2. an object to go by, `{"name": "…", "age": 3}`, which need not be valid JSON;
    3. names: `'setup' and 'punchline' keys`, `the keys name, age and city`.
    """
    spans = list(_objects(text))
    for value in reversed([value for _, _, value in spans]):
        if isinstance(value, Mapping) and isinstance(value.get("properties"), Mapping):
            return {"type": "object", **value}
    for start, end, value in reversed(spans):
        if isinstance(value, dict) and value:
            return _like(value)
        fields = {match["name"]: _hinted(match["value"]) for match in _KEY.finditer(text[start:end])}
        if fields:
            return {"type": "object", "properties": fields, "required": list(fields)}
    names = _names(text)
    return (
        {"type": "object", "properties": {name: {"type": "string"} for name in names}, "required": names}
        if names
        else None
    )


def without_objects(text: str) -> str:
    """Return the text without the JSON objects in it."""
    for start, end, _ in reversed(list(_objects(text))):
        text = f"{text[:start]} {text[end:]}"
    return text


def _objects(text: str) -> Iterator[tuple[int, int, Any]]:
    """Begin, end and value of each braced span; the value is None where it is no JSON."""
    end, closing = 0, _closing(text)
    for match in re.finditer(r"\{", text):
        start = match.start()
        if start < end:
            continue
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            value, end = None, closing.get(start, 0)
        if end > start:
            yield start, end, value


def _closing(text: str) -> dict[int, int]:
    """Where each brace opens that is closed → where it ends."""
    opened: list[int] = []
    ends = {}
    for match in re.finditer(r"[{}]", text):
        if match.group() == "{":
            opened.append(match.start())
        elif opened:
            ends[opened.pop()] = match.end()
    return ends


def _like(value: object) -> dict[str, Any]:
    """The schema that an example goes by."""
    match value:
        case dict():
            return {"type": "object", "properties": {k: _like(v) for k, v in value.items()}, "required": list(value)}
        case [first, *_]:
            return {"type": "array", "items": _like(first)}
        case list():
            return {"type": "array", "items": {"type": "string"}}
        case bool():
            return {"type": "boolean"}
        case int():
            return {"type": "integer"}
        case float():
            return {"type": "number"}
    return _hinted(str(value))


def _hinted(value: str) -> dict[str, Any]:
    hints = (kind for pattern, kind in _HINTS if pattern.search(value.strip().lower()))
    kind = next(hints, "string")
    return {"type": kind, "items": {"type": "string"}} if kind == "array" else {"type": kind}


def _names(text: str) -> list[str]:
    """The quoted names of a sentence that speaks of keys, else the names listed after that word."""
    start = 0
    names: list[str] = []
    for end in [*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)]:
        sentence, start = text[start:end], end
        if _KEYS.search(sentence):
            listed = _LISTED.search(sentence)
            quoted = [match["name"] for match in _QUOTED_NAME.finditer(sentence)]
            names = quoted or (re.split(r"\s*(?:,\s*and\b|,|\band\b)\s*", listed["list"]) if listed else []) or names
    return list(dict.fromkeys(names))
