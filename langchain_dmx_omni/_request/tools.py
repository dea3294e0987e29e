"""Tools and tool choice, as LangChain users give them → the flat shape of the Responses API.

Source of the shape: the endpoint's own tool page. Source of the limits: Alibaba Model Studio on the model, which
knows no `"required"`, and no tools together with search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from langchain_core.utils.function_calling import convert_to_openai_tool

from langchain_dmx_omni.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from langchain_core.tools import BaseTool

    Tool = Mapping[str, Any] | type | Callable[..., Any] | BaseTool

MUST_CALL = "Answer by calling one of the functions that you are given, and in no other way."
"""What a model is told that must call a function and whose service can't force it to."""


class ToolChoice(NamedTuple):
    """What the request says about calling tools."""

    tool_choice: str | dict[str, Any] | None
    prompt_note: str | None = None
    """What the model is told in words, because the service has no parameter for it."""


def to_wire_tools(tools: Sequence[Tool], strict: bool | None = None) -> list[dict[str, Any]]:
    """Return tools in the Responses API's shape: `{"type": "function", "name", "description", "parameters"}`.

    Args:
        tools: Functions, pydantic classes, LangChain tools, and dicts in any shape that LangChain knows.
        strict: Whether the service must keep to the schema; None leaves that to the service.

    Raises:
        ConfigurationError: Something is no tool.
    """
    wire_tools = []
    for place, tool in enumerate(tools, 1):
        try:
            converted = convert_to_openai_tool(tool, strict=strict)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"tool {place} ({_name(tool)}) can't be used: {error}") from error
        function = converted.get("function")
        wire_tool = {"type": "function", **function} if isinstance(function, dict) else dict(converted)
        if strict is not None and wire_tool["type"] == "function":
            wire_tool.setdefault("strict", strict)
        wire_tools.append(wire_tool)
    return wire_tools


def resolve_tool_choice(value: Any, tools: Sequence[Mapping[str, Any]], *, can_require: bool) -> ToolChoice:
    """Return what a `tool_choice` means for the request.

    Args:
        value: `"auto"`, `"none"`, `"any"`, `"required"`, True, False, a tool's name, or a dict that names one.
        tools: The tools, in the flat shape.
        can_require: Whether the service takes `"required"`. Where it does not, one tool is named instead; of
            several, none can be named, so the model is told in words.

    Raises:
        ConfigurationError: The choice names no tool that is there.
    """
    names = [str(tool.get("name")) for tool in tools]
    match value:
        case None | False:
            return ToolChoice(None)
        case "auto" | "none":
            return ToolChoice(value)
        case True | "any" | "required" if can_require:
            return ToolChoice("required")
        case True | "any" | "required" if len(tools) == 1:
            return ToolChoice({"type": "function", "name": names[0]})
        case True | "any" | "required":
            return ToolChoice("auto", MUST_CALL) if tools else ToolChoice(None)
        case {"function": {"name": str(name)}} | {"name": str(name)} | str(name):
            if name not in names:
                known = ", ".join(names) or "none"
                raise ConfigurationError(f"tool_choice={value!r}: there is no tool of that name; there are: {known}")
            return ToolChoice({"type": "function", "name": name})
    raise ConfigurationError(
        f"tool_choice={value!r}: use 'auto', 'none', 'any', 'required', a bool, a tool's name or a dict that names one"
    )


def _name(tool: Any) -> str:
    if isinstance(tool, dict):
        return str(tool.get("name") or tool.get("title") or "a dict")
    return str(getattr(tool, "name", None) or getattr(tool, "__name__", type(tool).__name__))
