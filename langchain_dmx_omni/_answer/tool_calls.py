"""The text of a tool call's arguments → a call that may be run, or an invalid one that says why it may not.

LangChain parses the arguments of message chunks leniently: it closes what is open and cuts off what does not parse,
which makes a whole call of half a one. While an answer streams that is a preview; at its end it is wrong.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from langchain_core.messages.tool import invalid_tool_call, tool_call
from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langchain_core.messages import InvalidToolCall, ToolCall, ToolCallChunk

    Parsed = tuple[list[ToolCall], list[InvalidToolCall]]

_WHOLE = frozenset({"stop", "tool_calls"})
"""Finish reasons of an answer that was not cut off."""

_CUT_OFF = {
    None: "the answer broke off",
    "length": "the answer reached its greatest length, see max_tokens",
    "content_filter": "the service's content filter stopped the answer",
}


def parse_arguments(text: str) -> dict[str, Any]:
    """Return arguments, which are one complete JSON object.

    Raises:
        ValueError: They are not.
    """
    try:
        value = json.loads(
            text,
            strict=False,  # models write line breaks into strings
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise ValueError("too deeply nested") from None
    if not isinstance(value, dict):
        raise ValueError(f"a JSON {type(value).__name__}, not an object")
    return value


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text:.40} is too large")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise ValueError(f"{name[:80]!r} stands in it twice")
        members[name] = value
    return members


def finished(name: str | None, id: str | None, arguments: str, finish_reason: str | None) -> ToolCall | InvalidToolCall:
    """Return a call of an answer that has ended: valid only if it has a name and its arguments are complete.

    Servers write no arguments at all for `{}`; in an answer that was cut off, they may have been on the way.

    Args:
        name: The tool's name.
        id: The call's id.
        arguments: The text of its arguments.
        finish_reason: Why the answer ended; None if it broke off.
    """
    whole = finish_reason in _WHOLE
    why = _CUT_OFF.get(finish_reason, f"finish_reason is {finish_reason!r}")
    if not name:
        error = "the call has no name"
    elif not arguments.strip():
        if whole:
            return tool_call(name=name, args={}, id=id)
        error = f"its arguments are missing: {why}"
    else:
        try:
            return tool_call(name=name, args=parse_arguments(arguments), id=id)
        except json.JSONDecodeError as problem:
            error = f"its arguments are not JSON ({problem})" if whole else f"its arguments are cut off: {why}"
        except ValueError as problem:
            error = f"its arguments are not one JSON object: {problem}"
    return invalid_tool_call(name=name, args=arguments, id=id, error=error)


def all_finished(chunks: Iterable[ToolCallChunk], finish_reason: str | None) -> Parsed:
    """Return the valid and the invalid calls of an answer that has ended."""
    calls = [finished(each["name"], each["id"], each["args"] or "", finish_reason) for each in chunks]
    return _by_type(calls)


def all_unfinished(chunks: Iterable[ToolCallChunk]) -> Parsed:
    """Return calls as far as they can be read while they arrive, much as LangChain shows them, in linear time."""
    return _by_type([_unfinished(each) for each in chunks])


def _unfinished(chunk: ToolCallChunk) -> ToolCall | InvalidToolCall:
    name, id_, text = chunk["name"], chunk["id"], chunk["args"]
    try:
        arguments = from_json(text, allow_partial="trailing-strings") if text else {}
    except ValueError:
        arguments = None
    if isinstance(arguments, dict):
        return tool_call(name=name or "", args=arguments, id=id_)
    return invalid_tool_call(name=name, args=text, id=id_, error=None)


def _by_type(calls: Iterable[ToolCall | InvalidToolCall]) -> Parsed:
    valid: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in calls:
        if call["type"] == "tool_call":
            valid.append(call)
        else:
            invalid.append(call)
    return valid, invalid
