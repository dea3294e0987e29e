"""Structured output: a schema in, parsed objects out, by three methods.

Function calling is the default, because it works on this service. What goes on the wire for the others stands in
`_request.response_format`.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.runnables import RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from ._request.response_format import named_schema
from .errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models import LanguageModelInput
    from langchain_core.runnables import Runnable

Method = Literal["function_calling", "json_mode", "json_schema"]
METHODS: tuple[Method, ...] = ("function_calling", "json_mode", "json_schema")


def binding(schema: Any, method: Method, strict: bool | None) -> dict[str, Any]:
    """Return what is bound to the model for a method, beside tools.

    Speech is off: nobody wants JSON read out.
    """
    bound: dict[str, Any] = {
        "modalities": ["text"],
        "ls_structured_output_format": {
            "kwargs": {"method": method} | ({} if strict is None else {"strict": strict}),
            "schema": schema,
        },
    }
    if method == "json_mode":
        bound["response_format"] = {"type": "json_object"}
    elif method == "json_schema":
        form = named_schema(schema)
        bound["response_format"] = {
            "type": "json_schema",
            "json_schema": form if strict is None else {**form, "strict": strict},
        }
    return bound


def parser(schema: Any, method: Method) -> Runnable[Any, Any]:
    """Return what turns the answer into the schema's object: an instance of a pydantic class, else a dict."""
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    if method == "function_calling":
        if is_class:
            return PydanticToolsParser(tools=[schema], first_tool_only=True)
        name = convert_to_openai_tool(schema)["function"]["name"]
        return JsonOutputKeyToolsParser(key_name=name, first_tool_only=True)
    return PydanticOutputParser(pydantic_object=schema) if is_class else JsonOutputParser()


def with_parser(
    model: Runnable[LanguageModelInput, Any], output: Runnable[Any, Any], *, include_raw: bool
) -> Runnable[LanguageModelInput, Any]:
    """Return the model with its answer parsed; with `include_raw`, beside the raw answer and any error."""
    if not include_raw:
        return model | output
    answer = RunnablePassthrough.assign(parsed=itemgetter("raw") | output, parsing_error=lambda _: None)
    nothing = RunnablePassthrough.assign(parsed=lambda _: None)
    return RunnableMap(raw=model) | answer.with_fallbacks([nothing], exception_key="parsing_error")


def check(schema: Any, method: str, strict: bool | None, unknown: Mapping[str, Any]) -> None:
    """Raise for what can't be.

    Raises:
        ConfigurationError: The method, or an argument, is not known; or a schema is missing.
    """
    if method not in METHODS:
        raise ConfigurationError(f"method={method!r}: use one of {', '.join(map(repr, METHODS))}")
    if schema is None and method != "json_mode":
        raise ConfigurationError(f"method={method!r} needs a schema")
    if method == "json_mode" and strict is not None:
        raise ConfigurationError("strict= has no meaning in JSON mode, which has no schema")
    if unknown:
        raise ConfigurationError(f"with_structured_output takes no {', '.join(f'{name}=' for name in unknown)}")
