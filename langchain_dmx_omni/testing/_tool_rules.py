"""What the service refuses in a turn with tools or with a format for its answer. Pure.

Shapes and the pairing of calls with outputs are those of OpenAI's Responses API, whose wording is kept; what is refused
as the upstream's own (`required`, tools beside a search, `json_schema`, no word of JSON) is Alibaba Model Studio's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ._refusal import bad, upstream

TOOL_ITEMS: Final = frozenset({"function_call", "function_call_output"})
"""The types of `input` items that are no messages."""

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FLAT: Final = '{"type":"function","name":…,"description":…,"parameters":…}'
_NO_FLAT: Final = "this endpoint takes the flat shape {}, not the nested {} of chat completions"


@dataclass(frozen=True)
class Allowed:
    """What a gateway takes that the service refuses, to play other servers.

    Attributes:
        json_schema: The format `json_schema`.
        tool_choice_required: The tool choice `required`.
        system_with_audio: A system message together with speech.
    """

    json_schema: bool = False
    tool_choice_required: bool = False
    system_with_audio: bool = False


def check_tools(body: Mapping[str, Any], allowed: Allowed) -> None:
    """Refuse tools and tool choices that the service does not take."""
    tools = body.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise bad("tools must be a list", "tools")
    for index, tool in enumerate(tools or ()):
        _check_tool(tool, f"tools[{index}]")
    names = [tool["name"] for tool in tools or ()]
    _check_choice(body.get("tool_choice"), names, allowed, thinking=body.get("enable_thinking") is True)
    if names and body.get("enable_search") is True:
        raise upstream("tools and enable_search exclude each other", "enable_search")


def check_item(item: Mapping[str, Any], at: str) -> None:
    """Refuse a function call or a function call's output that is not of its shape."""
    fields = ("call_id", "name", "arguments") if item["type"] == "function_call" else ("call_id",)
    for field in fields:
        if not isinstance(item.get(field), str):
            raise bad(f"{at}.{field} must be a string", f"{at}.{field}")
    if item["type"] == "function_call_output" and not isinstance(item.get("output"), str):
        raise bad(f"{at}.output must be a string; a list of parts is not supported here", f"{at}.output")


def check_pairs(body: Mapping[str, Any]) -> None:
    """Refuse calls without an output after them, and outputs without a call before them."""
    called: set[str] = set()
    open_calls: dict[str, None] = {}
    for item in body["input"]:
        match item.get("type"):
            case "function_call":
                called.add(item["call_id"])
                open_calls[item["call_id"]] = None
            case "function_call_output" if item["call_id"] not in called:
                raise bad(f"No tool call found for function call output with call_id {item['call_id']}.", "input")
            case "function_call_output":
                open_calls.pop(item["call_id"], None)
    if open_calls:
        raise bad(f"No tool output found for function call {next(iter(open_calls))}.", "input")


def check_formats(body: Mapping[str, Any], allowed: Allowed) -> None:
    """Refuse formats that the service does not know, and JSON that no message asks for."""
    for param, format in _formats(body):
        kind = format.get("type") if isinstance(format, dict) else None
        if kind == "json_schema":
            if not allowed.json_schema:
                raise upstream("The format type json_schema is not supported by this model", param)
            schema = _schema(format)
            if not isinstance(schema, dict):
                raise bad(f"Missing required parameter: '{param}.schema'.", param)
            if wrong := _wrong_in(schema):
                raise bad(f"Invalid schema for response_format: {wrong}.", param)
        elif kind == "json_object":
            if not any("json" in text.lower() for text in _texts(body)):
                message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type"
                raise upstream(f"{message} 'json_object'.", param)
        elif kind != "text":
            raise bad(f"Invalid value: {kind!r}. Supported values are: 'text', 'json_object'.", f"{param}.type")


def format_of(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None]:
    """Return the format that a checked request asks for: `text`, `json_object` or `json_schema`, and the schema."""
    for _, format in _formats(body):
        if format["type"] != "text":
            return format["type"], _schema(format)
    return "text", None


def _check_tool(tool: object, at: str) -> None:
    if not isinstance(tool, dict):
        raise bad(f"{at} must be an object", at)
    if tool.get("type") != "function":
        raise bad(f"Invalid value: {tool.get('type')!r}. Supported values are: 'function'.", f"{at}.type")
    name = tool.get("name")
    if name is None and isinstance(tool.get("function"), dict):
        hint = _NO_FLAT.format(_FLAT, '{"type":"function","function":{…}}')
        raise bad(f"Missing required parameter: '{at}.name': {hint}", f"{at}.name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise bad(f"Invalid '{at}.name': expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.", f"{at}.name")
    schema = tool.get("parameters")
    if schema is None:
        return
    wrong = "schema must be a JSON Schema of 'type: \"object\"'"
    if isinstance(schema, dict) and schema.get("type", "object") == "object":
        wrong = _wrong_in(schema)
    if wrong:
        raise bad(f"Invalid schema for function '{name}': {wrong}.", f"{at}.parameters")


def _wrong_in(schema: Mapping[str, Any], depth: int = 0) -> str:
    """The keyword of a JSON schema, or of one within it, whose value is not of its kind; empty if there is none."""
    for name, value in schema.items():
        if name in _KEYWORDS and not _KEYWORDS[name](value):
            return f"{value!r:.60} is no value of '{name}'"
        inner = value if isinstance(value, list) else [value]
        if name in ("properties", "$defs", "definitions"):
            inner = list(value.values()) if isinstance(value, dict) else []
        elif name not in ("items", "prefixItems", "anyOf", "oneOf", "allOf"):
            continue
        for each in inner:
            if not isinstance(each, dict):
                continue
            wrong = "it is nested too deep" if depth == _DEEPEST else _wrong_in(each, depth + 1)
            if wrong:
                return wrong
    return ""


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and value >= 0


_DEEPEST: Final = 50
_KEYWORDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "type": lambda value: isinstance(value, str) or _is_list(value),
    "properties": lambda value: isinstance(value, dict),
    "required": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    **dict.fromkeys(("enum", "anyOf", "oneOf", "allOf"), _is_list),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _is_number),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _is_size),
}


def _check_choice(choice: object, names: list[str], allowed: Allowed, *, thinking: bool) -> None:
    match choice:
        case None | "auto" | "none":
            return
        case "required":
            if not allowed.tool_choice_required:
                raise upstream('tool_choice is one of the strings that should be ["none", "auto"]', "tool_choice")
            if not names:
                raise bad("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")
        case {"type": "function", "name": str(name)}:
            if name not in names:
                message = f'Invalid value for "tool_choice": no function named "{name}" was specified in the "tools"'
                raise upstream(f"{message} parameter.", "tool_choice")
        case {"type": "function", "function": dict()}:
            hint = _NO_FLAT.format('{"type":"function","name":…}', '{"type":"function","function":{"name":…}}')
            raise bad(f"Missing required parameter: 'tool_choice.name': {hint}", "tool_choice.name")
        case _:
            shapes = "'auto', 'none', 'required' or {\"type\":\"function\",\"name\":…}"
            raise bad(f"Invalid value: {choice!r}. tool_choice must be {shapes}.", "tool_choice")
    if thinking and not allowed.tool_choice_required:
        message = "The tool_choice parameter does not support being set to required or object in thinking mode"
        raise upstream(message, "tool_choice")


def _formats(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The formats of a request: the Responses field, and the one of chat completions that gateways pass on."""
    text = body.get("text")
    if text is not None and not isinstance(text, dict):
        raise bad("text must be an object", "text")
    if text and text.get("format") is not None:
        yield "text.format", text["format"]
    if body.get("response_format") is not None:
        yield "response_format", body["response_format"]


def _schema(format: Mapping[str, Any]) -> Any:
    inner = format.get("json_schema")
    return inner.get("schema") if isinstance(inner, dict) else format.get("schema")


def _texts(body: Mapping[str, Any]) -> Iterator[str]:
    for message in body["input"]:
        if message.get("type", "message") != "message":
            continue
        if isinstance(message["content"], str):
            yield message["content"]
        else:
            yield from (part["text"] for part in message["content"] if part["type"] == "text")
