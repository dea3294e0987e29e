"""Tools and tool choice: what LangChain users give, what goes over the wire, what comes back."""

from __future__ import annotations

from typing import Any, TypedDict

import pytest
from langchain_core.tools import tool
from pydantic import BaseModel, Field

from langchain_dmx_omni import errors
from langchain_dmx_omni._request import tools


@tool
def multiply(a: int, b: int) -> int:
    """Multiply two numbers."""
    return a * b


def plain(city: str) -> str:
    """Say the weather.

    Args:
        city: Name of the city.
    """
    return city


class Person(BaseModel):
    """A person."""

    name: str = Field(description="Full name")


class Place(TypedDict):
    """A place."""

    name: str


NUMBERS = {"a": {"type": "integer"}, "b": {"type": "integer"}}
SCHEMA = {"properties": NUMBERS, "required": ["a", "b"], "type": "object"}
FLAT = {"type": "function", "name": "multiply", "description": "Multiply two numbers.", "parameters": SCHEMA}
NESTED = {"type": "function", "function": {key: FLAT[key] for key in ("name", "description", "parameters")}}

TOOLS: dict[str, tuple[Any, dict[str, Any]]] = {
    "a LangChain tool": (multiply, FLAT),
    "chat shape": (NESTED, FLAT),
    "Responses shape": (FLAT, FLAT),
    "a bare function": (NESTED["function"], FLAT),
    "Anthropic's": ({"name": "multiply", "description": "Multiply two numbers.", "input_schema": SCHEMA}, FLAT),
    "a JSON schema": ({"title": "multiply", "description": "Multiply two numbers.", **SCHEMA}, FLAT),
    "a function": (
        plain,
        {
            "type": "function",
            "name": "plain",
            "description": "Say the weather.",
            "parameters": {
                "properties": {"city": {"description": "Name of the city.", "type": "string"}},
                "required": ["city"],
                "type": "object",
            },
        },
    ),
    "a pydantic class": (
        Person,
        {
            "type": "function",
            "name": "Person",
            "description": "A person.",
            "parameters": {
                "properties": {"name": {"description": "Full name", "type": "string"}},
                "required": ["name"],
                "type": "object",
            },
        },
    ),
    "a TypedDict": (
        Place,
        {
            "type": "function",
            "name": "Place",
            "description": "A place.",
            "parameters": {"properties": {"name": {"type": "string"}}, "required": ["name"], "type": "object"},
        },
    ),
    "something of the server's own": ({"type": "web_search_preview"}, {"type": "web_search_preview"}),
}


@pytest.mark.parametrize(("given", "expected"), TOOLS.values(), ids=TOOLS)
def test_tools_become_flat(given: Any, expected: dict[str, Any]) -> None:
    assert tools.to_wire_tools([given]) == [expected]


@pytest.mark.parametrize("strict", [True, False])
def test_strict(strict: bool) -> None:
    for given in (multiply, FLAT):
        (found,) = tools.to_wire_tools([given], strict)
        assert found["strict"] is strict


@pytest.mark.parametrize(("given", "name"), [(7, "int"), ({"no": "name"}, "a dict"), ({"type": "object"}, "a dict")])
def test_what_is_no_tool(given: Any, name: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=rf"tool 2 \({name}\) can't be used: "):
        tools.to_wire_tools([multiply, given])


ONE, TWO = [{"name": "f"}], [{"name": "f"}, {"name": "g"}]
NAMED = {"type": "function", "name": "f"}
CHOICES: dict[str, tuple[Any, Any, bool, tools.ToolChoice]] = {
    "nothing": (None, TWO, False, tools.ToolChoice(None)),
    "False": (False, TWO, False, tools.ToolChoice(None)),
    "auto": ("auto", TWO, False, tools.ToolChoice("auto")),
    "none": ("none", TWO, False, tools.ToolChoice("none")),
    "a name": ("f", TWO, False, tools.ToolChoice(NAMED)),
    "a chat dict": ({"type": "function", "function": {"name": "f"}}, TWO, False, tools.ToolChoice(NAMED)),
    "a Responses dict": (NAMED, TWO, False, tools.ToolChoice(NAMED)),
    "an Anthropic dict": ({"type": "tool", "name": "f"}, TWO, False, tools.ToolChoice(NAMED)),
    "any, where the service can require": ("any", TWO, True, tools.ToolChoice("required")),
    "required, likewise": ("required", ONE, True, tools.ToolChoice("required")),
    "True, likewise": (True, ONE, True, tools.ToolChoice("required")),
    "any of one, where it can't": ("any", ONE, False, tools.ToolChoice(NAMED)),
    "required of one, where it can't": ("required", ONE, False, tools.ToolChoice(NAMED)),
    "True of one, where it can't": (True, ONE, False, tools.ToolChoice(NAMED)),
    "any of several, where it can't": ("any", TWO, False, tools.ToolChoice("auto", tools.MUST_CALL)),
    "any of none": ("any", [], False, tools.ToolChoice(None)),
}


@pytest.mark.parametrize(("given", "wire_tools", "can_require", "expected"), CHOICES.values(), ids=CHOICES)
def test_tool_choice(given: Any, wire_tools: Any, can_require: bool, expected: tools.ToolChoice) -> None:
    assert tools.resolve_tool_choice(given, wire_tools, can_require=can_require) == expected


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("h", "tool_choice='h': there is no tool of that name; there are: f, g"),
        ({"function": {"name": "h"}}, "there is no tool of that name; there are: f, g"),
        (7, "tool_choice=7: use 'auto', 'none', 'any', 'required', a bool, a tool's name or a dict that names one"),
        ({}, "tool_choice={}: use 'auto'"),
    ],
)
def test_tool_choice_that_can_not_be(given: Any, told: str) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        tools.resolve_tool_choice(given, TWO, can_require=False)
    assert told in str(caught.value)
