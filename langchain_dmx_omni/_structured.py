"""Structured output: a schema in, parsed objects out, by three methods.

Function calling is the default, because it works on this service. What goes on the wire for the others stands in
`_request.response_format`.
"""

from __future__ import annotations

import json
import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, cast

from langchain_core.messages import AIMessage, message_chunk_to_message
from langchain_core.output_parsers import (
    BaseCumulativeTransformOutputParser,
    JsonOutputParser,
    PydanticOutputParser,
)
from langchain_core.output_parsers.openai_tools import JsonOutputKeyToolsParser, PydanticToolsParser
from langchain_core.outputs import ChatGeneration, Generation
from langchain_core.runnables import RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass

from ._answer.tool_calls import parse_arguments
from ._request.response_format import named_schema
from .errors import ConfigurationError, UnreadableAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models import LanguageModelInput
    from langchain_core.messages import BaseMessage
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
    """Return what turns the answer into the schema's object: an instance of a pydantic class, else a dict.

    A streamed answer is parsed as far as it has come; at its end, as one that is not streamed, it is whole or an error.
    """
    is_class = isinstance(schema, type) and is_basemodel_subclass(schema)
    if method == "function_calling":
        if is_class:
            return _WholeAnswerParser(in_text=False, inner=PydanticToolsParser(tools=[schema], first_tool_only=True))
        name = convert_to_openai_tool(schema)["function"]["name"]
        return _WholeAnswerParser(in_text=False, inner=JsonOutputKeyToolsParser(key_name=name, first_tool_only=True))
    inner = PydanticOutputParser(pydantic_object=schema) if is_class else JsonOutputParser()
    return _WholeAnswerParser(inner=inner, in_text=True)


_CUT_OFF = {
    "length": "the answer is cut off at its greatest length: raise max_tokens, or ask for less",
    "content_filter": "the service's content filter has cut the answer off",
}


def cut_off(message: BaseMessage) -> str | None:
    """Return how an answer was cut off; None for a whole one."""
    reason = message.response_metadata.get("finish_reason")
    if reason in (None, "stop", "tool_calls"):
        return None
    return _CUT_OFF.get(reason, f"the answer is cut off (finish_reason is {reason!r})")


def unreadable(problem: str, message: BaseMessage) -> UnreadableAnswerError:
    """Return the error for an answer that can't be taken as an object; `partial` is the answer."""
    error = UnreadableAnswerError(problem)
    error.partial = cast("AIMessage", message_chunk_to_message(message))
    return error


class _WholeAnswerParser(BaseCumulativeTransformOutputParser[Any]):
    """A parser of LangChain's that takes no half answer: by itself it mends JSON, and gives None where it finds none.

    Attributes:
        inner: The parser.
        in_text: Whether the object is the answer's text, in a code fence or not.
    """

    inner: Any
    in_text: bool

    def parse_result(self, result: list[Generation], *, partial: bool = False) -> Any:
        """Parse an answer, or with `partial` what has come of one.

        Raises:
            UnreadableAnswerError: The answer is cut off, holds no object, or one that does not fit.
        """
        message: BaseMessage = result[0].message  # type: ignore[attr-defined]  # which only answers of text have not
        if partial and getattr(message, "chunk_position", None) != "last":
            return self.inner.parse_result(result, partial=True)
        if problem := cut_off(message):
            raise unreadable(problem, message)
        try:
            parsed = self.inner.parse_result([_object_as_text(message)] if self.in_text else result)
        except (ValueError, TypeError) as error:  # of LangChain's parsers and of pydantic
            problem = str(error).partition(_TROUBLESHOOTING)[0].strip()
            raise unreadable(f"the answer can't be read: {problem}", message) from error
        if parsed is None:
            raise unreadable(_no_object(message), message)
        return parsed

    def parse(self, text: str) -> Any:
        """Parse an answer in text."""
        return self.parse_result([ChatGeneration(message=AIMessage(text))])


def _object_as_text(message: BaseMessage) -> Generation:
    try:
        return Generation(text=json.dumps(_object_in(message.text)))
    except ValueError as error:
        raise ValueError(f"Invalid json output: {message.text[:_EXCERPT]} ({error})") from None


_TROUBLESHOOTING = "\nFor troubleshooting, visit:"  # which LangChain adds to its errors


_EXCERPT = 200  # characters of an answer that go into an error


def _no_object(message: BaseMessage) -> str:
    if invalid := getattr(message, "invalid_tool_calls", ()):
        return f"the answer can't be read: in the call of {invalid[0]['name']!r} {invalid[0]['error']}"
    return f"there is no object in the answer: the schema was not called as a tool{_says(message)}"


_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])')


def _object_in(text: str) -> dict[str, Any]:
    """Return the JSON object that a text is, or that stands in its code fence; trailing commas are let pass.

    Raises:
        ValueError: There is none, or it is not complete.
    """
    _, fence, fenced = text.partition("```")
    inner = fenced.removeprefix("json")
    candidates = [text, *([inner.rpartition("```")[0] or inner, inner.partition("```")[0]] if fence else [])]
    for candidate in candidates:
        try:
            return parse_arguments(candidate)
        except json.JSONDecodeError:
            pass
    return parse_arguments(_TRAILING_COMMA.sub(r"\1", candidates[-1]))


def _says(message: BaseMessage) -> str:
    return f"; it says {message.text[:_EXCERPT]!r}" if message.text else ""


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
