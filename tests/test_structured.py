"""Structured output by every method, for every kind of schema, over real sockets."""

from __future__ import annotations

from typing import Any, TypedDict, cast

import pytest
from langchain_core.messages import AIMessage
from pydantic import BaseModel, Field

from langchain_dmx_omni import ChatDMXOmni, _structured, errors
from langchain_dmx_omni._request.response_format import resolve_response_format
from langchain_dmx_omni.testing import LocalGateway, scripts

from .calls import body_of, model

pytestmark = pytest.mark.filterwarnings("ignore:speech was asked for")


class Joke(BaseModel):
    """A joke."""

    setup: str = Field(description="The question")
    punchline: str = Field(description="The answer")


class JokeDict(TypedDict):
    """A joke."""

    setup: str
    punchline: str


SCHEMA = {
    "title": "Joke",
    "description": "A joke.",
    "type": "object",
    "properties": {"setup": {"type": "string"}, "punchline": {"type": "string"}},
    "required": ["setup", "punchline"],
}
SCHEMAS: dict[str, tuple[Any, type]] = {"pydantic": (Joke, Joke), "TypedDict": (JokeDict, dict), "JSON": (SCHEMA, dict)}
QUESTION = "Tell me a joke. Return it as a JSON with 'setup' and 'punchline' keys."
SAID = {"setup": "Why?", "punchline": "Because."}


@pytest.mark.parametrize("voice", [None, "Tina"])
@pytest.mark.parametrize(("schema", "kind"), SCHEMAS.values(), ids=SCHEMAS)
@pytest.mark.parametrize("method", _structured.METHODS)
async def test_the_answer_is_of_the_schema(
    gateway: LocalGateway, method: Any, schema: Any, kind: type, voice: str | None
) -> None:
    structured = model(gateway, voice=voice).with_structured_output(schema, method=method)
    found = [
        structured.invoke(QUESTION),
        await structured.ainvoke(QUESTION),
        list(structured.stream(QUESTION))[-1],
        [each async for each in structured.astream(QUESTION)][-1],
    ]
    for one in found:
        assert type(one) is kind
        assert set(one.model_dump() if isinstance(one, BaseModel) else cast("dict[str, Any]", one)) == {
            "setup",
            "punchline",
        }
    assert not any("audio" in body_of(request) for request in gateway.requests)  # nobody wants JSON read out


def answered(text: str) -> scripts.Script:
    return scripts.sse(scripts.answer(text))


@pytest.mark.parametrize("method", ["json_mode", "json_schema"])
def test_with_the_raw_answer_beside_it(gateway: LocalGateway, method: Any) -> None:
    gateway.play(answered('{"setup": "Why?", "punchline": "Because."}'), answered("no JSON"))
    structured = model(gateway).with_structured_output(Joke, method=method, include_raw=True)
    good, bad = structured.invoke(QUESTION), structured.invoke(QUESTION)
    assert (good["parsed"], good["parsing_error"], good["raw"].text[:9]) == (Joke(**SAID), None, '{"setup":')
    assert (bad["parsed"], bad["raw"].text) == (None, "no JSON")
    assert "no JSON" in str(bad["parsing_error"])


def called(arguments: str, finish: str = "completed") -> scripts.Script:
    return scripts.sse(scripts.called(scripts.Call("Joke", arguments), finish=finish))


CUT = '{"setup": "Why?", "punchline": "Because."'
WRONG: dict[str, tuple[list[str], scripts.Script, str]] = {
    "cut at the limit": (
        ["json_mode", "json_schema"],
        scripts.sse(scripts.answer(CUT, finish="max_output_tokens")),
        "the answer is cut off at its greatest length: raise max_tokens, or ask for less",
    ),
    "whole, and cut at the limit": (
        ["json_mode", "json_schema"],
        scripts.sse(scripts.answer(CUT + "}", finish="max_output_tokens")),
        "the answer is cut off at its greatest length",
    ),
    "cut by the filter": (
        ["json_mode", "json_schema"],
        scripts.sse(scripts.answer(CUT, finish="content_filter")),
        "the service's content filter has cut the answer off",
    ),
    "cut in a list": (["json_mode", "json_schema"], answered('{"jokes": [1, 2'), "Invalid json output: {"),
    "cut in a fence": (["json_mode", "json_schema"], answered(f"```json\n{CUT}"), "Invalid json output: ```json"),
    "prose": (["json_mode", "json_schema"], answered("Sure, here it is."), "Invalid json output: Sure, here it is."),
    "a list": (["json_mode", "json_schema"], answered("[1, 2]"), "a JSON list, not an object"),
    "two objects": (["json_mode", "json_schema"], answered(CUT + "}{}"), "Extra data"),
    "a call cut at the limit": (
        ["function_calling"],
        called(CUT, finish="max_output_tokens"),
        "the answer is cut off at its greatest length",
    ),
    "a call cut in a string": (
        ["function_calling"],
        called('{"setup": "Wh'),
        "in the call of 'Joke' its arguments are not JSON (Unterminated string",
    ),
    "prose instead of a call": (
        ["function_calling"],
        answered("Sure, here it is."),
        "the schema was not called as a tool; it says 'Sure, here it is.'",
    ),
}


@pytest.mark.filterwarnings("ignore:the answer is cut off")
@pytest.mark.parametrize("schema", [Joke, JokeDict, SCHEMA], ids=["pydantic", "TypedDict", "JSON"])
@pytest.mark.parametrize(
    ("method", "script", "told"),
    [(method, script, told) for methods, script, told in WRONG.values() for method in methods],
    ids=[f"{name}, {method}" for name, (methods, *_) in WRONG.items() for method in methods],
)
async def test_an_answer_that_is_not_whole_is_an_error(
    gateway: LocalGateway, method: Any, script: scripts.Script, told: str, schema: Any
) -> None:
    gateway.play(*[script] * 6)
    structured = model(gateway).with_structured_output(schema, method=method)
    for ask in (structured.invoke, lambda question: list(structured.stream(question))):
        with pytest.raises(errors.UnreadableAnswerError) as caught:
            ask(QUESTION)
        assert told in str(caught.value)
        assert type(caught.value.partial) is AIMessage
    with pytest.raises(errors.UnreadableAnswerError):
        await structured.ainvoke(QUESTION)
    with pytest.raises(errors.UnreadableAnswerError):
        [each async for each in structured.astream(QUESTION)]
    beside = model(gateway).with_structured_output(schema, method=method, include_raw=True)
    for output in (beside.invoke(QUESTION), await beside.ainvoke(QUESTION)):
        assert (output["parsed"], type(output["parsing_error"])) == (None, errors.UnreadableAnswerError)
        assert output["raw"] == output["parsing_error"].partial


@pytest.mark.parametrize(
    "text",
    [
        f"{CUT}}}",
        f"```json\n{CUT}}}\n```",
        f"Here it is:\n```\n{CUT}}}\n```\nAnything else?",
        f"```json\n{CUT}}}\n```\nand\n```\nmore\n```",
        f"{CUT},}}",
    ],
)
@pytest.mark.parametrize("schema", [Joke, JokeDict], ids=["pydantic", "TypedDict"])
def test_an_object_may_stand_in_a_fence(gateway: LocalGateway, text: str, schema: Any) -> None:
    gateway.play(answered(text))
    structured = model(gateway).with_structured_output(schema, method="json_mode")
    assert structured.invoke(QUESTION) == (Joke(**SAID) if schema is Joke else SAID)


def test_a_streamed_object_grows(gateway: LocalGateway) -> None:
    gateway.play(scripts.sse(scripts.answer(CUT + "}", deltas=['{"setup": "Wh', CUT[13:] + "}"])))
    structured = model(gateway).with_structured_output(JokeDict, method="json_mode")
    assert list(structured.stream(QUESTION)) == [{"setup": "Wh"}, SAID]


REQUESTS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "function calling": (
        {"method": "function_calling", "strict": True},
        "qwen3.5-omni-plus-all",
        {
            "tool_choice": {"type": "function", "name": "Joke"},
            "parallel_tool_calls": False,
            "tools": [
                {
                    "type": "function",
                    "name": "Joke",
                    "description": "A joke.",
                    "strict": True,
                    "parameters": {
                        "type": "object",
                        "properties": SCHEMA["properties"],
                        "required": ["setup", "punchline"],
                        "additionalProperties": False,
                    },
                }
            ],
        },
    ),
    "JSON mode": ({"method": "json_mode"}, "qwen3.5-omni-plus-all", {"response_format": {"type": "json_object"}}),
    "a JSON schema, where the service takes none": (
        {"method": "json_schema"},
        "qwen3.5-omni-plus-all",
        {"response_format": {"type": "json_object"}},
    ),
    "a JSON schema, where it may": (
        {"method": "json_schema", "strict": True},
        "qwen-other",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "Joke", "schema": SCHEMA, "strict": True}}},
    ),
}


@pytest.mark.parametrize(("asked", "name", "expected"), REQUESTS.values(), ids=REQUESTS)
def test_what_is_sent(gateway: LocalGateway, asked: dict[str, Any], name: str, expected: dict[str, Any]) -> None:
    gateway.play(answered('{"setup": "Why?", "punchline": "Because."}'))
    model(gateway, model=name).with_structured_output(SCHEMA, include_raw=True, **asked).invoke(QUESTION)
    body = body_of(gateway.requests[0])
    (user,) = [item for item in body["input"] if item["role"] == "user"]
    assert user == {"role": "user", "content": QUESTION}
    told = [item["content"] for item in body["input"] if item["role"] == "system"]
    in_words = asked["method"] == "json_schema" and name != "qwen-other"
    assert [text[:78] for text in told] == (
        ['Answer with nothing but a JSON object that matches this JSON schema: {"title":'] if in_words else []
    )
    ignored = ("model", "input", "stream", "stream_options", "modalities")
    assert {key: value for key, value in body.items() if key not in ignored} == expected
    assert body["modalities"] == ["text"]


def test_further_tools_go_with_a_json_schema(gateway: LocalGateway) -> None:
    def clock() -> str:
        """Say the time."""
        return "12:00"

    structured = model(gateway).with_structured_output(Joke, method="json_schema", tools=[clock], include_raw=True)
    found = structured.invoke("Use the tool clock.")
    assert [call["name"] for call in found["raw"].tool_calls] == ["clock"]


@pytest.mark.parametrize(
    ("schema", "options", "told"),
    [
        (Joke, {"method": "magic"}, "method='magic': use one of 'function_calling', 'json_mode', 'json_schema'"),
        (None, {}, "method='function_calling' needs a schema"),
        (Joke, {"method": "json_mode", "strict": True}, "strict= has no meaning in JSON mode"),
        (Joke, {"tools": [Joke]}, "with_structured_output takes no tools="),
        ("Joke", {}, "tool 1 (str) can't be used"),
    ],
)
def test_what_can_not_be(schema: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises(errors.ConfigurationError) as caught:
        ChatDMXOmni(api_key="sk-test").with_structured_output(schema, **options)
    assert told in str(caught.value)


def test_json_mode_needs_no_schema(gateway: LocalGateway) -> None:
    gateway.play(answered('{"a": 1}'))
    assert model(gateway).with_structured_output(method="json_mode").invoke("json?") == {"a": 1}


@pytest.mark.parametrize(
    ("given", "told"), [(7, "response_format=7 is no schema"), ({"type": "magic"}, "is no schema")]
)
def test_a_response_format_that_can_not_be(given: Any, told: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=told):
        resolve_response_format(given, has_schema=True)


def test_a_class_is_a_response_format() -> None:
    form, told = resolve_response_format(Joke, has_schema=True)
    assert form is not None
    assert (form["type"], form["json_schema"]["name"], told) == ("json_schema", "Joke", None)
