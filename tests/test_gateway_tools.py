"""Turns with tools, with formats and with reasoning at the local gateway, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from pydantic import BaseModel, Field

from langchain_dmx_omni.testing import LocalGateway, scripts
from langchain_dmx_omni.testing._simulator.fill import fill
from langchain_dmx_omni.testing._simulator.json_schema import field_names
from langchain_dmx_omni.testing._simulator.prompt_values import PromptValues
from langchain_dmx_omni.testing._simulator.requested_json import requested_schema
from langchain_dmx_omni.testing._token_counts import count_text
from tests import gateway_clips as clips
from tests.gateway_calls import calls_of, events_of, post, saying, text_of
from tests.gateway_schema import SCHEMAS, TEXTS, problems

STRING, INTEGER, NUMBER, BOOLEAN = ({"type": kind} for kind in ("string", "integer", "number", "boolean"))
MAYBE = {"anyOf": [STRING, {"type": "null"}]}


def tool(name: str, description: str = "", /, optional: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    required = [field for field in fields if field not in optional]
    schema = {"type": "object", "properties": fields, "required": required}
    return {"type": "function", "name": name, "description": description, "parameters": schema}


MAGIC = tool(
    "magic_function",
    "Apply a magic function to an input.",
    input={"type": "integer", "exclusiveMinimum": -1000, "exclusiveMaximum": 1000},
)
MAGIC_ALONE = tool("magic_function_no_args", "Calculate a magic function.")
WEATHER = tool("get_weather", "Get the weather at a location.", location=STRING)
TIME = tool("get_time", "Get the time in a city.", city=STRING)
ADD = tool("add", "Adds two integers.", a=INTEGER, b=INTEGER)
MULTIPLY = tool("multiply", "Multiplies two integers.", a=INTEGER, b=INTEGER)
CUSTOMER = tool("unicode_customer", "Create a customer.", customer_name=STRING, description=STRING)
GREETING = tool("greeting_generator", "Generate a greeting in a particular style of speaking.", answer_style=STRING)
REPORT = tool("WeatherReport", "The report.", city=STRING, summary=STRING)
FINAL = tool("answer_with", "Gives the final response.", text=STRING)
SEARCH = tool("search", "Searches the films.", optional=("limit", "order"), query=STRING, limit=INTEGER, order=MAYBE)
WEATHER_ZH = tool("query_weather", "查询城市天气", city=STRING)

PARIS = "What's the weather in Paris?"


def named(name: str) -> dict[str, str]:
    return {"type": "function", "name": name}


def call(name: str, arguments: str = "{}", call_id: str = "c1") -> dict[str, str]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def output(said: Any, call_id: str = "c1") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


@pytest.fixture
def other() -> Iterator[LocalGateway]:
    """A gateway that plays a server which can more."""
    with LocalGateway(json_schema=True, tool_choice_required=True) as gateway:
        yield gateway


# --- what is refused --------------------------------------------------------------------------------------------------

NESTED = {"type": "function", "function": {"name": "get_weather", "parameters": {}}}
OWN, UPSTREAM = "invalid_parameter", "bad_response_status_code"
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "tools_kind": (saying("Hi", tools={}), OWN, "tools must be a list"),
    "tool_kind": (saying("Hi", tools=["x"]), OWN, "tools[0] must be an object"),
    "tool_type": (
        saying("Hi", tools=[{"type": "web_search"}]),
        OWN,
        "Invalid value: 'web_search'. Supported values are",
    ),
    "nested_shape": (
        saying("Hi", tools=[WEATHER, NESTED]),
        OWN,
        "Missing required parameter: 'tools[1].name': this endpoint takes the flat shape "
        '{"type":"function","name":…,"description":…,"parameters":…}, '
        'not the nested {"type":"function","function":{…}} of chat completions',
    ),
    "tool_name": (saying("Hi", tools=[{"type": "function", "name": "a b"}]), OWN, "Invalid 'tools[0].name'"),
    "no_tool_name": (saying("Hi", tools=[{"type": "function"}]), OWN, "Invalid 'tools[0].name'"),
    "parameters": (
        saying("Hi", tools=[WEATHER | {"parameters": {"type": "string"}}]),
        OWN,
        "Invalid schema for function 'get_weather': schema must be a JSON Schema of 'type: \"object\"'",
    ),
    "parameters_within": (
        saying("Hi", tools=[tool("f", "", x={"anyOf": [{"type": "integer", "minimum": "3"}]})]),
        OWN,
        "Invalid schema for function 'f': '3' is no value of 'minimum'",
    ),
    "properties": (
        saying("Hi", tools=[WEATHER | {"parameters": {"properties": None}}]),
        OWN,
        "None is no value of 'properties'",
    ),
    "choice": (saying("Hi", tools=[WEATHER], tool_choice="any"), OWN, "Invalid value: 'any'. tool_choice must be"),
    "choice_kind": (saying("Hi", tools=[WEATHER], tool_choice=["auto"]), OWN, "Invalid value: ['auto']"),
    "choice_required": (
        saying("Hi", tools=[WEATHER], tool_choice="required"),
        UPSTREAM,
        'tool_choice is one of the strings that should be ["none", "auto"]',
    ),
    "choice_of_no_tool": (
        saying("Hi", tools=[WEATHER], tool_choice=named("x")),
        UPSTREAM,
        'Invalid value for "tool_choice": no function named "x" was specified in the "tools" parameter.',
    ),
    "no_choice_of_mine": (saying("Hi", tools=[WEATHER], tool_choice=5), OWN, "Invalid value: 5. tool_choice must be"),
    "choice_nested": (
        saying("Hi", tools=[WEATHER], tool_choice={"type": "function", "function": {"name": "get_weather"}}),
        OWN,
        "Missing required parameter: 'tool_choice.name': this endpoint takes the flat shape",
    ),
    "choice_while_thinking": (
        saying("Hi", tools=[WEATHER], tool_choice=named("get_weather"), enable_thinking=True),
        UPSTREAM,
        "does not support being set to required or object in thinking mode",
    ),
    "search": (
        saying("Hi", tools=[WEATHER], enable_search=True),
        UPSTREAM,
        "tools and enable_search exclude each other",
    ),
    "call_without_output": (
        saying(PARIS, call("get_weather"), "And Rome?"),
        OWN,
        "No tool output found for function call c1.",
    ),
    "output_without_call": (
        saying(PARIS, output("Sunny."), call("get_weather")),
        OWN,
        "No tool call found for function call output with call_id c1.",
    ),
    "output_parts": (
        saying(PARIS, call("get_weather"), output([{"type": "text", "text": "Sunny."}])),
        OWN,
        "input[2].output must be a string",
    ),
    "arguments": (saying(PARIS, call("get_weather") | {"arguments": {}}), OWN, "input[1].arguments must be a string"),
    "call_id": (
        saying(PARIS, {"type": "function_call_output", "output": ""}),
        OWN,
        "input[1].call_id must be a string",
    ),
    "item_type": (saying("Hi", {"type": "reasoning", "summary": []}), OWN, "'reasoning' is no item type of this model"),
    "item_type_kind": (saying("Hi", {"type": ["x"]}), OWN, "['x'] is no item type of this model"),
    "thinking_kind": (saying("Hi", enable_thinking="yes"), OWN, "enable_thinking must be a boolean"),
    "thinking_and_audio": (
        saying("Hi", enable_thinking=True, modalities=["text", "audio"]),
        UPSTREAM,
        "enable_thinking is not supported with audio output",
    ),
    "text_kind": (saying("Hi", text="json"), OWN, "text must be an object"),
    "format": (
        saying("Hi", response_format={"type": "xml"}),
        OWN,
        "Invalid value: 'xml'. Supported values are: 'text'",
    ),
    "format_kind": (saying("Hi", text={"format": "json"}), OWN, "Invalid value: None. Supported values are"),
    "json_without_the_word": (
        saying({"role": "user", "content": [{"type": "text", "text": "Hi"}]}, text={"format": {"type": "json_object"}}),
        UPSTREAM,
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
    ),
    "json_schema": (
        saying("Hi", response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}),
        UPSTREAM,
        "The format type json_schema is not supported by this model",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(gateway: LocalGateway, name: str) -> None:
    body, code, said = REFUSED[name]
    response = post(gateway, body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == code
    assert said in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (saying("Hi", tool_choice="required"), "must be specified with 'tools'"),
        (saying("Hi", text={"format": {"type": "json_schema"}}), "Missing required parameter: 'text.format.schema'."),
        (
            saying("Hi", text={"format": {"type": "json_schema", "schema": {"items": {"enum": []}}}}),
            "Invalid schema for response_format: [] is no value of 'enum'",
        ),
        (
            saying(
                "Hi", text={"format": {"type": "json_schema", "schema": json.loads('{"items":' * 60 + "{}" + "}" * 60)}}
            ),
            "Invalid schema for response_format: it is nested too deep",
        ),
    ],
)
def test_another_server_refuses(other: LocalGateway, body: dict[str, Any], said: str) -> None:
    response = post(other, body)
    assert response.status_code == 400
    assert said in response.json()["error"]["message"]


# --- which tools are called, and with what ----------------------------------------------------------------------------

Calls = list[tuple[str, dict[str, Any]]]
ASKED: dict[str, tuple[list[dict[str, Any]], str, Calls]] = {
    "by_name": ([MAGIC], "What is the value of magic_function(3)? Use the tool.", [("magic_function", {"input": 3})]),
    "by_name_in_words": ([MAGIC], "Try the Magic Function on 12.", [("magic_function", {"input": 12})]),
    "by_the_longer_name": (
        [MAGIC, MAGIC_ALONE],
        "What is the value of magic_function_no_args()? Use the tool.",
        [("magic_function_no_args", {})],
    ),
    "by_a_word": (
        [TIME, WEATHER],
        "What's the weather in San Francisco, CA?",
        [("get_weather", {"location": "San Francisco, CA"})],
    ),
    "in_small_letters": (
        [WEATHER],
        "what is the weather in san francisco",
        [("get_weather", {"location": "san francisco"})],
    ),
    "two_by_words": (
        [TIME, WEATHER],
        "The weather in Paris and the time in Tokyo, please!",
        [("get_weather", {"location": "Paris"}), ("get_time", {"city": "Tokyo"})],
    ),
    "two_by_name": (
        [ADD, MULTIPLY],
        "Multiply 3 and 12, then add 11 and 49.",
        [("multiply", {"a": 3, "b": 12}), ("add", {"a": 11, "b": 49})],
    ),
    "one_value_for_two": (
        [WEATHER, TIME],
        "Use get_weather and get_time for Oslo.",
        [("get_weather", {"location": "Oslo"}), ("get_time", {"city": "Oslo"})],
    ),
    "words_count_once": ([WEATHER, REPORT], PARIS, [("get_weather", {"location": "Paris"})]),
    "by_its_description": ([SEARCH], "Which films are about cats?", [("search", {"query": "cats"})]),
    "by_a_plural": (
        [tool("find_city", "", country=STRING)],
        "List cities of Peru.",
        [("find_city", {"country": "Peru"})],
    ),
    "optional_by_name": (
        [SEARCH],
        "search for red cars, limit 5, order: newest first",
        [("search", {"query": "red cars", "limit": 5, "order": "newest first"})],
    ),
    "by_order": (
        [GREETING],
        "Using the tool, generate a Pirate greeting.",
        [("greeting_generator", {"answer_style": "Pirate"})],
    ),
    "by_order_alone": ([MAGIC], "Use your tool: 7", [("magic_function", {"input": 7})]),
    "in_chinese": ([WEATHER_ZH], "请问“北京”的天气怎么样？", [("query_weather", {"city": "北京"})]),
    "chinese_value": (
        [CUSTOMER],
        "Create a customer named '你好啊集团' (Hello Group) - a Chinese technology company",
        [("unicode_customer", {"customer_name": "你好啊集团", "description": "Hello Group"})],
    ),
    "not_at_all": ([WEATHER, ADD], "Hello! What can you do?", []),
    "not_if_forbidden": ([WEATHER], "What's the weather like? Don't use any tools.", []),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_calls_what_is_requested(gateway: LocalGateway, name: str) -> None:
    tools, question, calls = ASKED[name]
    response = post(gateway, saying(question, tools=tools))
    assert calls_of(response) == calls
    assert bool(text_of(response)) == (not calls)


TOKYO = "The weather in Paris and the time in Tokyo?"
SUNNY = (call("get_weather", '{"location":"Paris"}'), output("It's sunny."))
NOON = (call("get_time", '{"city":"Tokyo"}', "c2"), output("12:00", "c2"))
TURNS: dict[str, tuple[dict[str, Any], Calls]] = {
    "answered": (saying(PARIS, *SUNNY, tools=[WEATHER]), []),
    "one_is_left": (saying(TOKYO, *SUNNY, tools=[WEATHER, TIME]), [("get_time", {"city": "Tokyo"})]),
    "none_is_left": (saying(TOKYO, *SUNNY, *NOON, tools=[WEATHER, TIME]), []),
    "requested_again": (
        saying(PARIS, *SUNNY, {"role": "assistant", "content": "Sunny."}, "And the weather in Rome?", tools=[WEATHER]),
        [("get_weather", {"location": "Rome"})],
    ),
    "requested_again_at_once": (
        saying(PARIS, *SUNNY, "And the weather in Rome?", tools=[WEATHER]),
        [("get_weather", {"location": "Rome"})],
    ),
    "one_at_a_time": (
        saying(TOKYO, tools=[WEATHER, TIME], parallel_tool_calls=False),
        [("get_weather", {"location": "Paris"})],
    ),
    "final_response": (
        saying(PARIS, *SUNNY, tools=[FINAL, WEATHER]),
        [("answer_with", {"text": "Paris"})],
    ),
    "final_response_not_at_first": (saying("Hello!", tools=[FINAL]), []),
    "named": (
        saying("Hello!", tools=[MAGIC, WEATHER], tool_choice=named("get_weather")),
        [("get_weather", {"location": "Hello!"})],
    ),
    "named_again": (
        saying(PARIS, *SUNNY, tools=[WEATHER], tool_choice=named("get_weather")),
        [("get_weather", {"location": "Paris"})],
    ),
    "named_without_parameters": (
        saying("Hello!", tools=[{"type": "function", "name": "now"}], tool_choice=named("now")),
        [("now", {})],
    ),
    "none": (saying(PARIS, tools=[WEATHER], tool_choice="none"), []),
    "auto": (saying(PARIS, tools=[WEATHER], tool_choice="auto"), [("get_weather", {"location": "Paris"})]),
    "no_tools": (saying(PARIS, tools=[], tool_choice="auto"), []),
    "required_in_words": (
        saying({"role": "system", "content": "Answer by calling a function."}, "Hello 5!", tools=[MAGIC, WEATHER]),
        [("magic_function", {"input": 5})],
    ),
    "required_in_words_then_last_bound": (
        saying("You must call a tool. " + PARIS, *SUNNY, tools=[WEATHER, TIME, REPORT]),
        [("WeatherReport", {"city": "Paris", "summary": "It's sunny."})],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TURNS)
def test_calls_what_the_turn_needs(gateway: LocalGateway, name: str) -> None:
    body, calls = TURNS[name]
    assert calls_of(post(gateway, body)) == calls


@pytest.mark.parametrize(
    ("items", "tools", "calls"),
    [
        (["Hello!"], [MAGIC, WEATHER], [("magic_function", {"input": 0})]),
        ([PARIS], [MAGIC, WEATHER], [("get_weather", {"location": "Paris"})]),
        ([PARIS, *SUNNY], [WEATHER, TIME, REPORT], [("WeatherReport", {"city": "Paris", "summary": "It's sunny."})]),
        ([TOKYO, *SUNNY], [WEATHER, TIME, REPORT], [("get_time", {"city": "Tokyo"})]),
        ([PARIS, *SUNNY], [WEATHER], [("get_weather", {"location": "Paris"})]),
    ],
)
def test_required_always_calls(other: LocalGateway, items: Any, tools: Any, calls: Calls) -> None:
    assert calls_of(post(other, saying(*items, tools=tools, tool_choice="required"))) == calls
    assert calls_of(post(other, saying(*items, tools=tools, tool_choice="required", enable_thinking=True))) == calls


def test_what_an_agent_gets_at_each_step(gateway: LocalGateway) -> None:
    """The loop that agents run: call, run the tools, send the outputs back, until the answer is text."""
    tools: dict[str, Callable[..., str]] = {
        "get_weather": lambda location: f"Sunny in {location}.",
        "get_time": lambda city: f"Noon in {city}",
    }
    items: list[Any] = [{"role": "user", "content": TOKYO}]
    for _ in range(3):
        outputs = events_of(post(gateway, saying(*items, tools=[WEATHER, TIME])))[-1]["response"]["output"]
        for item in outputs:
            if item["type"] == "function_call":
                items.append({name: item[name] for name in ("type", "call_id", "name", "arguments")})
                items.append(output(tools[item["name"]](**json.loads(item["arguments"])), item["call_id"]))
    assert [item.get("name") for item in items] == [None, "get_weather", None, "get_time", None]
    assert outputs[0]["content"][0]["text"] == (
        f"This is a simulated answer by the local gateway. You asked: '{TOKYO}' "
        "get_weather says: Sunny in Paris. get_time says: Noon in Tokyo."
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("It's sunny.", "get_weather says: It's sunny."),
        ('{"result": 3}', 'get_weather says: {"result": 3}.'),
        ("晴天。", "get_weather says: 晴天。"),
        (" \n", "get_weather says nothing."),
        ("a" * 3000, f"get_weather says: {'a' * 2000}…"),
        ("Error: Missing required argument 'b'.", "get_weather says: Error: Missing required argument 'b'."),
    ],
)
def test_repeats_what_tools_said(gateway: LocalGateway, said: str, expected: str) -> None:
    text = text_of(post(gateway, saying(PARIS, call("get_weather"), output(said), tools=[WEATHER])))
    assert text == f"This is a simulated answer by the local gateway. You asked: '{PARIS}' {expected}"


def test_media_right_after_an_output_belongs_to_it(gateway: LocalGateway) -> None:
    """An output holds text only, so its pictures follow as user messages, and those ask for nothing."""
    picture = clips.image_part(clips.image("png", clips.RED))
    shown = {"role": "user", "content": [{"type": "text", "text": "Result of get_weather:"}, picture]}
    response = post(gateway, saying(PARIS, call("get_weather"), output(""), shown, shown, tools=[WEATHER]))
    assert text_of(response) == (
        f"This is a simulated answer by the local gateway. You asked: '{PARIS}' get_weather says nothing. "
        "The conversation holds 3 messages. " + " ".join(["I received an image: PNG, 320×240. Main colours: red."] * 2)
    )


# --- how it comes over the wire ---------------------------------------------------------------------------------------


def test_a_call_is_streamed_in_the_services_order(gateway: LocalGateway) -> None:
    response = post(gateway, saying("Use get_weather in 北京 now", tools=[WEATHER], **AUDIO))
    events = events_of(response)
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created", "in_progress", "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta",
        "function_call_arguments.done", "output_item.done", "completed",
    ]  # fmt: skip
    added, done = events[2]["item"], events[-2]["item"]
    assert added == done | {"arguments": "", "status": "in_progress"}
    assert done["call_id"].startswith("call_")
    assert done["id"] == events[3]["item_id"] == events[-3]["item_id"]
    assert [event["delta"] for event in events[3:5]] == ['{"locatio', 'n":"北京"}']
    assert events[-3]["arguments"] == done["arguments"] == '{"location":"北京"}'
    assert events[-1]["response"]["output"] == [done]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert "北京".encode() in response.content


AUDIO = {"modalities": ["text", "audio"], "audio": {"voice": "Tina", "format": "wav"}}


def test_speaks_only_when_it_calls_nothing(gateway: LocalGateway) -> None:
    assert b"output_audio" not in post(gateway, saying(PARIS, tools=[WEATHER], **AUDIO)).content
    assert b"output_audio" in post(gateway, saying(PARIS, *SUNNY, tools=[WEATHER], **AUDIO)).content


def test_calls_have_ids_of_their_own(gateway: LocalGateway) -> None:
    responses = [post(gateway, saying(TOKYO, tools=[WEATHER, TIME])) for _ in range(2)]
    items = [item for response in responses for item in events_of(response)[-1]["response"]["output"]]
    assert len({item["call_id"] for item in items}) == 4
    assert [item["id"] for item in items[:2]] == ["fc_1", "fc_2"]


def test_thinks_aloud_before_a_call(gateway: LocalGateway) -> None:
    response = post(gateway, saying(f"Think aloud. {TOKYO}", tools=[WEATHER, TIME]))
    output = events_of(response)[-1]["response"]["output"]
    assert [item["type"] for item in output] == ["message", "function_call", "function_call"]
    assert text_of(response) == "I call get_weather and get_time."


@pytest.mark.parametrize(
    ("tools", "thought", "last"),
    [
        ([], f"'{PARIS}' is answered with what I received.", "message"),
        ([WEATHER], f"'{PARIS}' is for get_weather.", "function_call"),
    ],
)
def test_reasons_before_it_answers(gateway: LocalGateway, tools: Any, thought: str, last: str) -> None:
    body = saying(PARIS, tools=tools, enable_thinking=True, stream_options={"include_usage": True})
    events = events_of(post(gateway, body))
    kinds = list(dict.fromkeys(event["type"].removeprefix("response.") for event in events))
    assert kinds[2:7] == [
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done",
    ]  # fmt: skip
    deltas = [event for event in events if event["type"] == "response.reasoning_summary_text.delta"]
    assert "".join(event["delta"] for event in deltas) == thought
    assert {(event["item_id"], event["output_index"], event["summary_index"]) for event in deltas} == {("rs_1", 0, 0)}
    reasoning, answer = events[-1]["response"]["output"]
    assert reasoning == {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": thought}]}
    assert answer["type"] == last
    usage = events[-1]["response"]["usage"]
    assert usage["output_tokens_details"] == {"reasoning_tokens": count_text(thought)}
    assert usage["output_tokens"] > count_text(thought)


def test_reasons_only_on_request(gateway: LocalGateway) -> None:
    assert b"reasoning_summary" not in post(gateway, saying(PARIS, enable_thinking=False)).content


def test_counts_tools_calls_and_outputs(gateway: LocalGateway) -> None:
    counted = {"stream_options": {"include_usage": True}, "tools": [WEATHER]}
    tokens = count_text(PARIS) + count_text(json.dumps([WEATHER]))
    usage = events_of(post(gateway, saying(PARIS, **counted)))[-1]["response"]["usage"]
    assert usage == {
        "input_tokens": tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": count_text('get_weather({"location":"Paris"})'),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": tokens + count_text('get_weather({"location":"Paris"})'),
    }
    usage = events_of(post(gateway, saying(PARIS, *SUNNY, **counted)))[-1]["response"]["usage"]
    text = "\n".join([PARIS, 'get_weather({"location":"Paris"})', "It's sunny."])
    assert usage["input_tokens"] == count_text(text) + count_text(json.dumps([WEATHER]))


def test_a_script_of_calls(gateway: LocalGateway) -> None:
    calls = [scripts.Call("search", {"query": "你好"}), scripts.Call("now", call_id="mine")]
    gateway.play(scripts.sse(scripts.called(*calls, text="A moment.", thought="Hm.", response_id="resp_7", usage=None)))
    response = post(gateway, {})
    assert calls_of(response) == [("search", {"query": "你好"}), ("now", {})]
    assert text_of(response) == "A moment."
    last = events_of(response)[-1]["response"]
    assert [item["type"] for item in last["output"]] == ["reasoning", "message", "function_call", "function_call"]
    assert [item.get("call_id") for item in last["output"]] == [None, None, "call_1", "mine"]
    assert (last["id"], "usage" in last) == ("resp_7", False)


# --- JSON -------------------------------------------------------------------------------------------------------------

INSTRUCTIONS = """The output should be formatted as a JSON instance that conforms to the JSON schema below.

As an example, for the schema {"properties": {"foo": {"type": "array", "items": {"type": "string"}}}}
the object {"foo": ["bar", "baz"]} is a well-formatted instance. {"properties": {"foo": ["bar", "baz"]}} is not.

Here is the output schema:
```
{"properties": {"setup": {"type": "string"}, "stars": {"type": "integer"}}, "required": ["setup", "stars"]}
```"""
JOKE = "Tell me a joke about cats."
IN_JSON: dict[str, tuple[list[Any], Any]] = {
    "quoted_keys": (
        [f"{JOKE} Return the result as a JSON with 'setup' and 'punchline' keys. Return nothing other than JSON."],
        {"setup": "cats", "punchline": "joke cats"},
    ),
    "listed_keys": (
        ["Describe Bob in JSON with the keys name, age and city. He lives in Rome."],
        {"name": "Rome", "age": "Bob", "city": "Bob age city lives Rome"},
    ),
    "example": (
        ['Answer in JSON: {"city": "Oslo", "days": 3, "warm": true, "wind": 0.5, "tags": ["a"], "at": {}, "x": []}. '
         "For Rome, 5 days, 2.5 wind; not warm, tags: a"],
        {"city": "Rome", "days": 5, "warm": False, "wind": 2.5, "tags": ["a"], "at": {}}
        | {"x": ["Rome days wind warm tags"]},
    ),
    "sketch": (
        [f'{JOKE} JSON: {{"setup": …, "stars": integer, "ok": bool, "score": number, "tags": [...]}}'],
        {"setup": "cats", "stars": 0, "ok": False, "score": 0, "tags": ["joke cats"]},
    ),
    "format_instructions": ([{"role": "system", "content": INSTRUCTIONS}, JOKE], {"setup": "cats", "stars": 0}),
    "no_keys": (
        ["Hello in JSON!"],
        {"answer": "This is a simulated answer by the local gateway. You asked: 'Hello in JSON!'"},
    ),
    "broken_braces": (
        ["JSON, { please"],
        {"answer": "This is a simulated answer by the local gateway. You asked: 'JSON, { please'"},
    ),
    "from_what_a_tool_said": (
        ["How warm is it? As JSON with the keys city and celsius", call("f"), output("city: Rome, celsius: 21")],
        {"city": "Rome", "celsius": "21"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("field", ["text", "response_format"])
@pytest.mark.parametrize("name", IN_JSON)
def test_answers_in_json(gateway: LocalGateway, name: str, field: str) -> None:
    items, expected = IN_JSON[name]
    form = {"type": "json_object"}
    response = post(gateway, saying(*items, **{field: {"format": form} if field == "text" else form}))
    assert json.loads(text_of(response)) == expected


def test_json_tells_of_media(gateway: LocalGateway) -> None:
    picture = clips.image_part(clips.image("png", clips.RED))
    question = {"role": "user", "content": [picture, {"type": "text", "text": 'JSON: {"summary": ""}'}]}
    text = text_of(post(gateway, saying(question, text={"format": {"type": "json_object"}})))
    assert json.loads(text) == {"summary": "I received an image: PNG, 320×240. Main colours: red."}


def test_json_tells_when(gateway: LocalGateway) -> None:
    film = clips.video_part(clips.clip(clips.RED, clips.BLUE, seconds=1.0))
    schema = {"properties": {"scenes": {"type": "array", "items": SCENE}}, "required": ["scenes"]}
    question = {
        "role": "user",
        "content": [film, {"type": "text", "text": f"JSON by this schema: {json.dumps(schema)}"}],
    }
    text = text_of(post(gateway, saying(question, text={"format": {"type": "json_object"}})))
    assert json.loads(text) == {
        "scenes": [
            {"start": 0.0, "end": 1.0, "told": "Simulated told, from 0.0 to 1.0 s", "note": None},
            {"start": 1.0, "end": 2.0, "told": "Simulated told, from 1.0 to 2.0 s", "note": None},
        ]
    }


SCENE = {
    "type": "object",
    "properties": {"start": NUMBER, "end": NUMBER, "told": STRING, "note": MAYBE},
    "required": ["start", "end", "told", "note"],
}
SPANS = [(0.0, 1.5), (1.5, 4.0)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"properties": {"start": NUMBER, "end": NUMBER}}, {"start": 0.0, "end": 1.5}),
        ({"properties": {"start": INTEGER, "end": INTEGER}}, {"start": 0, "end": 1}),
        ({"properties": {"start": NUMBER | {"minimum": 3}, "end": NUMBER}}, {"start": 3, "end": 1.5}),
        ({"properties": {"start": STRING, "end": NUMBER}}, {"start": "kind b"}),
        (
            {"type": "array", "items": {"properties": {"start": NUMBER, "end": NUMBER}}},
            [{"start": 0.0, "end": 1.5}, {"start": 1.5, "end": 4.0}],
        ),
        (
            {"type": "array", "maxItems": 1, "items": {"properties": {"start": NUMBER, "end": NUMBER}}},
            [{"start": 0.0, "end": 1.5}],
        ),
        (
            {"properties": {"start": NUMBER, "end": NUMBER, "kind": {"enum": ["a", "b"]}}, "required": ["kind"]},
            {"start": 0.0, "end": 1.5, "kind": "b"},
        ),
    ],
)
def test_fills_spans_of_a_clip(field: dict[str, Any], value: Any) -> None:
    schema = {"type": "object", "properties": {"field": field}, "required": ["field"]}
    assert fill(schema, PromptValues("any of kind b", ["field"], spans=SPANS)) == {"field": value}


def test_text_is_a_format_as_well(gateway: LocalGateway) -> None:
    assert text_of(post(gateway, saying("Hi", text={"format": {"type": "text"}}))).startswith("This is a simulated")


@pytest.mark.parametrize("nested", [False, True])
def test_another_server_keeps_to_a_schema(other: LocalGateway, nested: bool) -> None:
    schema = {"type": "object", "properties": {"city": STRING, "days": INTEGER}, "required": ["city", "days"]}
    named = {"name": "trip", "schema": schema, "strict": True}
    form = {"type": "json_schema", "json_schema": named} if nested else {"type": "json_schema", **named}
    body = saying("4 days in Rome", **({"response_format": form} if nested else {"text": {"format": form}}))
    assert json.loads(text_of(post(other, body))) == {"city": "Rome", "days": 4}


def test_a_tool_comes_before_the_format(other: LocalGateway) -> None:
    form = {"format": {"type": "json_schema", "name": "x", "schema": REPORT["parameters"]}}
    options = {"tools": [WEATHER], "text": form}
    assert calls_of(post(other, saying(PARIS, **options))) == [("get_weather", {"location": "Paris"})]
    filled = json.loads(text_of(post(other, saying(PARIS, *SUNNY, **options))))
    assert filled == {"city": "Paris", "summary": "get_weather says: It's sunny."}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Give me JSON.", None),
        ("JSON with the fields name, age, and city_of_birth. Be brief.", ["name", "age", "city_of_birth"]),
        ("The key “answer” of the JSON.", ["answer"]),
        ('```json\n{\n\t"answer": string  // what\n\t"source": string  // where\n}\n```', ["answer", "source"]),
        ("{} and {'a': 1} and {", ["a"]),
        ("The keys are secret.", ["secret"]),
    ],
)  # fmt: skip
def test_finds_the_keys_that_a_prompt_names(text: str, names: list[str] | None) -> None:
    schema = requested_schema(text)
    assert (schema and list(schema["properties"])) == names


# --- arguments fit ----------------------------------------------------------------------------------------------------


class Stop(BaseModel):
    city: str
    nights: int = Field(ge=1, le=14)


class Trip(BaseModel):
    """What pydantic makes of most kinds of fields."""

    stops: list[Stop] = Field(min_length=1)
    title: str = Field(min_length=3, max_length=40)
    unit: str | int
    day: str = Field(json_schema_extra={"format": "date"})
    code: str = Field(pattern=r"^[A-Z]{3}$")
    tags: set[str] = Field(min_length=2)
    pair: tuple[int, str]
    extra: dict[str, int]
    note: str | None = None
    budget: float | None = None
    warm: bool = False


@pytest.mark.parametrize(
    "text",
    ["", "Plan 3 nights in Rome, code ROM, on 2026-05-01; budget 99.5, warm, note: 'bring hats'", "计划去罗马3天"],
)
def test_pydantic_takes_the_arguments(text: str) -> None:
    schema = Trip.model_json_schema()
    trip = Trip.model_validate(fill(schema, PromptValues(text, field_names(schema))))
    if "Plan" in text:
        assert trip.stops == [Stop(city="Rome", nights=3)]
        assert (trip.code, trip.day, trip.note, trip.budget, trip.warm) == (
            "ROM",
            "2026-05-01",
            "bring hats",
            99.5,
            True,
        )
    else:
        assert (trip.note, trip.budget, trip.warm) == (None, None, False)


@given(SCHEMAS, TEXTS)
def test_arguments_are_valid(schema: dict[str, Any], text: str) -> None:
    value = fill(schema, PromptValues(text, field_names(schema)))
    assert problems(schema, value, schema) == []
    assert json.loads(json.dumps(value, allow_nan=False)) == value


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (INTEGER, "3.5 or 4", 4),
        (NUMBER, "3.5 or 4", 3.5),
        (INTEGER, "1,000 apples", 1000),
        (INTEGER, "on 2026-05-01 at 4B, 7 times", 7),
        (INTEGER | {"minimum": 10}, "5 or 12", 12),
        (INTEGER | {"maximum": -3}, "no number", -3),
        (INTEGER | {"default": 6}, "no number", 6),
        (INTEGER | {"minimum": 1, "multipleOf": 5}, "no number", 5),
        (NUMBER | {"exclusiveMinimum": 0, "exclusiveMaximum": 1}, "no number", 0.5),
        ({"enum": ["celsius", "kelvin"]}, "in Kelvin", "kelvin"),
        ({"enum": ["celsius", "kelvin"]}, "in degrees", "celsius"),
        ({"enum": ["celsius", "kelvin"], "default": "kelvin"}, "in degrees", "kelvin"),
        ({"const": 7}, "8", 7),
        (BOOLEAN, "with the field", True),
        (BOOLEAN, "without the field", False),
        (BOOLEAN, "field: false", False),
        (BOOLEAN, "nothing of it", False),
        (BOOLEAN | {"default": True}, "nothing of it", True),
        (STRING, "Say 'this one', not Paris", "this one"),
        (STRING, 'field: that one, in "Paris"', "that one"),
        (STRING, "the field is Bonn and more", "Bonn"),
        (STRING, "what field is it in Rome?", "Rome"),
        (STRING, "about the red car, please", "red car"),
        (STRING, "why? why!", "why? why!"),
        (STRING | {"maxLength": 4}, "in Paris", "Pari"),
        (STRING | {"minLength": 7}, "in Paris", "Paris.."),
        (STRING | {"format": "date"}, "on 2026-05-01", "2026-05-01"),
        (STRING | {"format": "date"}, "some day", "2026-01-01"),
        (STRING | {"format": "email"}, "write to me@example.net.", "me@example.net"),
        (STRING | {"pattern": "^A-\\d+$"}, "part A-17", "A-17"),
        (STRING | {"pattern": "^\\d{5}$"}, "no number", "00000"),
        (STRING | {"pattern": "("}, "no pattern", "pattern"),
        (MAYBE, "in Paris", None),
        (MAYBE, "field: x", "x"),
        ({"type": ["null", "integer"]}, "field 9", 9),
        ({"anyOf": [STRING, INTEGER]}, "9 lives", 9),
        ({"type": "array", "items": INTEGER}, "1, 2 and 3", [1, 2, 3]),
        ({"type": "array", "items": STRING}, "'a b' and 'c'", ["a b", "c"]),
        ({"type": "array", "items": STRING}, "field: a, b and c.", ["a"]),
        ({"type": "array", "items": {"enum": ["x", "y", "z"]}}, "z and x", ["z", "x"]),
        ({"type": "array", "items": STRING, "maxItems": 0}, "'a'", []),
        ({"type": "array", "prefixItems": [INTEGER, STRING]}, "4 in Rome", [4, "Rome"]),
        ({"allOf": [{"minimum": 3}, {"maximum": 9}], "type": "integer", "minimum": 1}, "2 or 12 or 5", 5),
        ({"properties": {"inner": STRING}, "required": ["inner"]}, "in Rome", {"inner": "Rome"}),
        ({"$ref": "#/$defs/none"}, "in Rome", "Rome"),
        ({"items": INTEGER}, "1 and 2", [1, 2]),
        ({"minimum": 2}, "1 or 2.5", 2.5),
        ({"anyOf": [{"const": None}, STRING]}, "in Rome", None),
        ({"anyOf": [{"type": "array", "items": STRING}, {"type": "null"}]}, "field: a", ["a"]),
        ({"anyOf": [{"properties": {"city": STRING}}, {"type": "null"}]}, "city: Rome", {"city": "Rome"}),
    ],
)
def test_takes_values_from_the_text(field: dict[str, Any], text: str, value: Any) -> None:
    schema = {"type": "object", "properties": {"field": field}, "required": ["field"]}
    assert fill(schema, PromptValues(text, ["field"])) == {"field": value}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (INTEGER, "1"),
        (INTEGER, True),
        (INTEGER | {"minimum": 2}, 1),
        (STRING | {"minLength": 2}, "a"),
        ({"enum": [1]}, 2),
        ({"anyOf": [STRING, INTEGER]}, None),
        ({"type": "array", "items": INTEGER, "minItems": 1}, []),
        ({"type": "array", "items": INTEGER, "uniqueItems": True}, [1, 1]),
        ({"type": "array", "items": INTEGER}, ["1"]),
        ({"type": "object", "properties": {}, "required": ["a"]}, {}),
        ({"type": "object", "properties": {"a": STRING}, "additionalProperties": False}, {"b": 1}),
    ],
)
def test_the_check_itself_finds_what_is_wrong(schema: dict[str, Any], value: Any) -> None:
    assert problems(schema, value, schema)
