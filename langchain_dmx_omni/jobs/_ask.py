"""One question in words, with its answer in a schema; put once more when the answer can't be read.

The conversation is written once, as a generator that never waits; `ask` and `aask` wait for it.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda, RunnableSequence
from pydantic import BaseModel

from langchain_dmx_omni.errors import UnreadableAnswerError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

AnswerT = TypeVar("AnswerT", bound=BaseModel)
Method = Literal["json_schema", "function_calling"]
Conversation = Generator[list["BaseMessage"], dict[str, Any], AnswerT]

_CUT_OFF = {
    "length": "the answer is cut off at its greatest length: take shorter windows, or a larger max_tokens",
    "content_filter": "the service's content filter has cut the answer off",
}
_TROUBLESHOOTING = "\nFor troubleshooting, visit:"  # which LangChain adds for people
_ERROR_LENGTH = 1_000  # characters of an error that the model is shown


def identity(llm: BaseChatModel) -> dict[str, str]:
    """Return what tells models apart as far as their answers go, and no more: a longer timeout is the same model."""
    params = llm._get_ls_params()
    known = {name: params.get(f"ls_{name}") for name in ("provider", "model_name", "temperature")}
    known["base_url"] = getattr(llm, "base_url", None) or getattr(llm, "openai_api_base", None)
    return {name: str(value) for name, value in known.items() if value is not None}


def structured(
    llm: BaseChatModel, schema: type[BaseModel], method: Method = "json_schema"
) -> Runnable[Any, dict[str, Any]]:
    """Return the model with structured output, the raw answer beside it, as `include_raw=True` gives it.

    LangChain's own would call the model on a thread of its own, which keeps the process from ending.
    """
    chain = llm.with_structured_output(schema, method=method)
    if not isinstance(chain, RunnableSequence):
        return llm.with_structured_output(schema, method=method, include_raw=True)  # type: ignore[return-value]
    model, *parsers = chain.steps

    def output(raw: Any, config: RunnableConfig) -> dict[str, Any]:
        try:
            parsed = raw
            for parser in parsers:
                parsed = parser.invoke(parsed, config)
        except Exception as error:  # noqa: BLE001  # as LangChain does; what it is, is told to the model
            return {"raw": raw, "parsed": None, "parsing_error": error}
        return {"raw": raw, "parsed": parsed, "parsing_error": None}

    def invoke(messages: list[BaseMessage], config: RunnableConfig) -> dict[str, Any]:
        return output(model.invoke(messages, config), config)

    async def ainvoke(messages: list[BaseMessage], config: RunnableConfig) -> dict[str, Any]:
        return output(await model.ainvoke(messages, config), config)

    return RunnableLambda(invoke, ainvoke, name=schema.__name__)


def conversation(question: BaseMessage, schema: type[AnswerT]) -> Conversation[AnswerT]:
    """Yield what to send, take the structured output with its raw answer, return the parsed answer.

    Raises:
        UnreadableAnswerError: The answer is cut off, or it does not fit the schema the second time either.
    """
    output = yield [question]
    answer, problem = _read(output, schema)
    if answer is None:
        correction = HumanMessage(f"That can't be read: {problem}\nAnswer again, with nothing but the JSON object.")
        output = yield [question, AIMessage(_text_of(output["raw"])), correction]
        answer, problem = _read(output, schema)
    if answer is None:
        raise _error(f"the answer does not fit {schema.__name__}, nor does a second one: {problem}", output["raw"])
    return answer


def _read(output: dict[str, Any], schema: type[AnswerT]) -> tuple[AnswerT | None, str]:
    """Return the answer, or what is wrong with it.

    Raises:
        UnreadableAnswerError: It is cut off: what is parsed of it may look whole, and a second one would end the same.
    """
    raw, parsed = output["raw"], output["parsed"]
    reason = raw.response_metadata.get("finish_reason")
    if reason in _CUT_OFF:
        raise _error(_CUT_OFF[reason], raw)
    if isinstance(parsed, schema):
        return parsed, ""
    message = str(output["parsing_error"] or "there is no JSON object in it")
    return None, message.partition(_TROUBLESHOOTING)[0].strip()[:_ERROR_LENGTH]


def _text_of(raw: AIMessage) -> str:
    """Return the model's answer in words: a call of a tool is a call only together with its result."""
    calls = [call["args"] for call in [*raw.tool_calls, *raw.invalid_tool_calls]]
    return raw.text or "\n".join(json.dumps(each, ensure_ascii=False) for each in calls) or "…"


def _error(message: str, raw: AIMessage) -> UnreadableAnswerError:
    error = UnreadableAnswerError(message)
    error.partial = raw
    return error


def ask(
    model: Runnable[Any, dict[str, Any]], question: BaseMessage, schema: type[AnswerT], config: RunnableConfig
) -> AnswerT:
    """Hold a `conversation` with a model, and return the parsed answer."""
    steps = conversation(question, schema)
    sent = next(steps)
    try:
        while True:
            sent = steps.send(model.invoke(sent, config))
    except StopIteration as done:
        answer: AnswerT = done.value
        return answer


async def aask(
    model: Runnable[Any, dict[str, Any]], question: BaseMessage, schema: type[AnswerT], config: RunnableConfig
) -> AnswerT:
    """Async version of `ask`."""
    steps = conversation(question, schema)
    sent = next(steps)
    try:
        while True:
            sent = steps.send(await model.ainvoke(sent, config))
    except StopIteration as done:
        answer: AnswerT = done.value
        return answer
