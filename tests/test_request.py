"""Messages and options → the request, compared whole with the samples of DMXAPI's pages."""

# ruff: noqa: E501  # a table has one case a line

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)

from langchain_dmx_omni._request.messages import without_random_ids
from langchain_dmx_omni._request.options import NAMES, Options, resolve
from langchain_dmx_omni._request.payload import build
from langchain_dmx_omni.errors import ContentBlockError, DMXOmniWarning, InvalidInputError

HI = [HumanMessage("Hi")]
SPEECH = {"modalities": ["text", "audio"], "audio": {"voice": "Tina", "format": "wav"}}
URL = "https://example.com/a.png"
IMAGE = {"type": "image_url", "image_url": {"url": URL}}


def sent(messages: Sequence[BaseMessage], **options: Any) -> dict[str, Any]:
    body = build(messages, Options(**options))
    written = b"".join(body)
    assert len(body) == len(written)
    return json.loads(written)


def items(messages: Sequence[BaseMessage], **options: Any) -> list[dict[str, Any]]:
    return sent(messages, **options)["input"]


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def system(content: str) -> dict[str, Any]:
    return {"role": "system", "content": content}


def assistant(content: str) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


# Options

PLAIN = {
    "model": "qwen3.5-omni-plus-all",
    "input": [{"role": "user", "content": "Hi"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
TOOL = {
    "type": "function",
    "name": "clock",
    "description": "The time",
    "parameters": {"type": "object", "properties": {}},
}

OPTIONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    ({"model": "another"}, {"model": "another"}),
    ({"voice": "Tina"}, SPEECH),
    ({"voice": "Ethan", "audio_format": "mp3"}, {"modalities": ["text", "audio"], "audio": {"voice": "Ethan", "format": "mp3"}}),
    ({"modalities": ["text", "audio"]}, SPEECH),
    ({"modalities": ["audio"]}, SPEECH),
    ({"modalities": ["audio", "text"], "voice": "Tina"}, SPEECH),
    ({"modalities": ["text"]}, {"modalities": ["text"]}),
    ({"modalities": ("text",), "voice": "Tina"}, {"modalities": ["text"]}),
    ({"temperature": 0.0}, {"temperature": 0.0}),
    ({"top_p": 0.5}, {"top_p": 0.5}),
    ({"presence_penalty": -1.0}, {"presence_penalty": -1.0}),
    ({"seed": 0}, {"seed": 0}),
    ({"max_tokens": 9}, {"max_output_tokens": 9}),
    ({"stop": "END"}, {"stop": ["END"]}),
    ({"stop": ["END", "。"]}, {"stop": ["END", "。"]}),
    ({"stop": ("END",)}, {"stop": ["END"]}),
    ({"stop": []}, {}),
    ({"stop": ""}, {}),
    ({"enable_search": True}, {"enable_search": True}),
    ({"enable_search": False}, {"enable_search": False}),
    ({"search_options": {"forced_search": True}}, {"search_options": {"forced_search": True}}),
    ({"enable_thinking": False}, {"enable_thinking": False}),
    ({"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False},
     {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False}),
    ({"tools": []}, {}),
    ({"tools": [TOOL], "tool_choice": "clock"},
     {"tools": [TOOL], "tool_choice": {"type": "function", "name": "clock"}}),
    ({"tool_choice": "any", "parallel_tool_calls": True}, {}),
    ({"response_format": {"type": "json_object"}},
     {"response_format": {"type": "json_object"}, "input": [system("Answer in JSON."), user("Hi")]}),
    ({"response_format": {"type": "json_object"}, "voice": "Tina"},
     {"response_format": {"type": "json_object"}, "input": [user("Answer in JSON.\n\nHi")], **SPEECH}),
    ({"response_format": {"type": "text"}}, {"response_format": {"type": "text"}}),
    ({"extra_body": {"top_k": 20}}, {"top_k": 20}),
    ({"extra_body": {}}, {}),
    ({"extra_body": {"temperature": 1, "model": "mine", "note": None}, "temperature": 0.5},
     {"temperature": 1, "model": "mine", "note": None}),
    ({"extra_body": {"input": "raw"}}, {"input": "raw"}),
    ({"media_roots": [Path("/srv")], "system_with_audio": "error"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("options", "beside"), OPTIONS, ids=[repr(options) for options, _ in OPTIONS])
def test_an_option_is_sent_and_nothing_that_was_not_asked_for(options: dict[str, Any], beside: dict[str, Any]) -> None:
    assert sent(HI, **options) == {**PLAIN, **beside}


def test_the_table_knows_every_option() -> None:
    assert {name for options, _ in OPTIONS for name in options} | {"stream_usage"} == set(NAMES)


def test_usage_is_not_asked_for_when_it_is_off() -> None:
    assert sent(HI, stream_usage=False) == {key: value for key, value in PLAIN.items() if key != "stream_options"}


def test_everything_at_once_is_the_body_of_the_samples() -> None:
    messages = [HumanMessage([{"type": "video", "url": "https://example.com/a.mp4", "fps": 1}, "What happens?"])]
    written = b"".join(build(messages, Options(voice="Serena", temperature=0.7, max_tokens=100, seed=1)))
    assert written.decode() == (
        '{"model":"qwen3.5-omni-plus-all",'
        '"input":[{"role":"user","content":['
        '{"type":"video_url","video_url":{"url":"https://example.com/a.mp4"},"fps":1},'
        '{"type":"text","text":"What happens?"}]}],'
        '"stream":true,"stream_options":{"include_usage":true},'
        '"modalities":["text","audio"],"audio":{"voice":"Serena","format":"wav"},'
        '"temperature":0.7,"seed":1,"max_output_tokens":100}'
    )


def test_a_calls_options_reach_the_body() -> None:
    options = resolve({"voice": "Tina", "seed": 1}, {"voice": None, "max_tokens": 5, "extra_body": {"top_k": 1}})
    assert json.loads(b"".join(build(HI, options))) == {**PLAIN, "seed": 1, "max_output_tokens": 5, "top_k": 1}


def test_what_is_no_json_among_the_options_is_named() -> None:
    with pytest.raises(InvalidInputError) as caught:
        build(HI, Options(search_options={"since": datetime.date(2026, 1, 1)}))
    assert str(caught.value) == "the request can't be written as JSON: search_options.since is a date"


# History

CALL = {"type": "tool_call", "id": "call_1", "name": "clock", "args": {"zone": "Zürich"}}
CALL_ITEM = {"type": "function_call", "call_id": "call_1", "name": "clock", "arguments": '{"zone": "Zürich"}'}
SPOKEN = {"type": "audio", "base64": "UklGRg==", "mime_type": "audio/wav", "id": "lc_1"}

MESSAGES: dict[str, tuple[BaseMessage, list[dict[str, Any]]]] = {
    "user": (HumanMessage("Hi"), [user("Hi")]),
    "user, a list": (HumanMessage(["Hi", text("you"), IMAGE]), [user([text("Hi"), text("you"), IMAGE])]),
    "user, a chunk": (HumanMessageChunk(content="Hi"), [user("Hi")]),
    "system": (SystemMessage("Be brief"), [system("Be brief")]),
    "system, a list": (SystemMessage(["Be ", text("brief")]), [system("Be brief")]),
    "system, a chunk": (SystemMessageChunk(content="Be brief"), [system("Be brief")]),
    "assistant": (AIMessage("Hello"), [assistant("Hello")]),
    "assistant, empty": (AIMessage(""), [assistant("")]),
    "assistant, text blocks": (AIMessage([text("Hel"), "l", {"type": "output_text", "text": "o"}]), [assistant("Hello")]),
    "assistant, spoken": (AIMessage([{**text("Hello"), "index": 0}, SPOKEN]), [assistant("Hello")]),
    "assistant, spoken, a chunk": (AIMessageChunk(content=[text("Hello"), SPOKEN]), [assistant("Hello")]),
    "assistant, speech alone": (AIMessage([SPOKEN]), [assistant("")]),
    "assistant, reasoning": (
        AIMessage([{"type": "reasoning", "reasoning": "Hm"}, {"type": "thinking", "thinking": "Hm"}, text("Hello")]),
        [assistant("Hello")],
    ),
    "assistant, refusal": (AIMessage([{"type": "refusal", "refusal": "No."}]), [assistant("No.")]),
    "assistant, refusal beside": (AIMessage("", additional_kwargs={"refusal": "No."}), [assistant("No.")]),
    "assistant, refusal in the wrapper": (
        AIMessage([{"type": "non_standard", "value": {"type": "refusal", "refusal": "No."}}]),
        [assistant("No.")],
    ),
    "assistant, OpenAI's speech": (
        AIMessage("", additional_kwargs={"audio": {"id": "audio_1", "data": "UklGRg==", "transcript": "Hello"}}),
        [assistant("Hello")],
    ),
    "assistant, OpenAI's speech and its text": (
        AIMessage("Hi", additional_kwargs={"audio": {"id": "audio_1", "transcript": "Hello"}}),
        [assistant("Hi")],
    ),
    "assistant, OpenAI's speech and its call": (
        AIMessage("", additional_kwargs={"audio": {"transcript": "Wait"}, "refusal": None}, tool_calls=[CALL]),
        [assistant("Wait"), CALL_ITEM],
    ),
    "assistant, OpenAI's speech without words": (AIMessage("", additional_kwargs={"audio": {"id": "audio_1"}}), [assistant("")]),
    "assistant, Google's speech": (AIMessage("", additional_kwargs={"audio": b"RIFF"}), [assistant("")]),
    "assistant, calls in other models' words": (
        AIMessage([text("Wait"), {"type": "tool_use", "id": "call_1", "name": "clock", "input": {}},
                   {"type": "input_json_delta", "partial_json": "{"}, {"type": "function_call", "call_id": "call_1"},
                   {"type": "custom_tool_call", "call_id": "call_1", "input": "x"}], tool_calls=[CALL]),
        [assistant("Wait"), CALL_ITEM],
    ),
    "assistant, tool call": (AIMessage("", tool_calls=[CALL]), [CALL_ITEM]),
    "assistant, tool call, a chunk": (
        AIMessageChunk(content="", tool_call_chunks=[{"type": "tool_call_chunk", "index": 0, "id": "call_1", "name": "clock",
                                              "args": '{"zone": "Zürich"}'}]),
        [CALL_ITEM],
    ),
    "assistant, text and tool call": (AIMessage([text("Wait"), CALL], tool_calls=[CALL]), [assistant("Wait"), CALL_ITEM]),
    "assistant, two tool calls": (
        AIMessage("", tool_calls=[CALL, {**CALL, "id": "call_2", "args": {}}]),
        [CALL_ITEM, {**CALL_ITEM, "call_id": "call_2", "arguments": "{}"}],
    ),
    "assistant, broken tool call": (
        AIMessage("", invalid_tool_calls=[{"type": "invalid_tool_call", "id": "call_1", "name": "clock",
                                           "args": '{"zo', "error": None}]),
        [{**CALL_ITEM, "arguments": '{"zo'}],
    ),
    "assistant, tool call without arguments": (
        AIMessage("", invalid_tool_calls=[{"type": "invalid_tool_call", "id": "call_1", "name": "clock",
                                           "args": None, "error": "no arguments"}]),
        [{**CALL_ITEM, "arguments": ""}],
    ),
    "tool": (ToolMessage("12:00", tool_call_id="call_1"),
             [{"type": "function_call_output", "call_id": "call_1", "output": "12:00"}]),
    "tool, a list": (ToolMessage([text("12"), ":00"], tool_call_id="call_1"),
                     [{"type": "function_call_output", "call_id": "call_1", "output": "12:00"}]),
    "tool, a chunk": (ToolMessageChunk(content="12:00", tool_call_id="call_1"),
                      [{"type": "function_call_output", "call_id": "call_1", "output": "12:00"}]),
    "tool, an error": (ToolMessage("No clock", tool_call_id="call_1", status="error"),
                       [{"type": "function_call_output", "call_id": "call_1", "output": "Error: No clock"}]),
    "role user": (ChatMessage(content="Hi", role="user"), [user("Hi")]),
    "role human, a list": (ChatMessage(content=[IMAGE], role="human"), [user([IMAGE])]),
    "role assistant": (ChatMessage(content="Hello", role="assistant"), [assistant("Hello")]),
    "role assistant, spoken": (ChatMessage(content=[text("Hello"), SPOKEN, {"type": "reasoning"}], role="assistant"), [assistant("Hello")]),
    "role system": (ChatMessage(content="Be brief", role="system"), [system("Be brief")]),
}  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), MESSAGES.values(), ids=MESSAGES)
def test_a_message_becomes_items(message: BaseMessage, expected: list[dict[str, Any]]) -> None:
    before = message.model_dump_json()
    assert items([message]) == expected
    assert message.model_dump_json() == before


CALL_RESULT = ToolMessage("12:00", tool_call_id="call_1")
NO_NAME = {**CALL, "name": ""}
NO_ID = {**CALL, "id": None}


def broken(**parts: Any) -> AIMessage:
    call = {"type": "invalid_tool_call", "id": "call_1", "name": "clock", "args": "{", "error": None, **parts}
    return AIMessage("", invalid_tool_calls=[call])


# Histories as langchain-openai, -anthropic and -google-genai leave them, what of them goes on, and what is named.
FOREIGN: dict[str, tuple[list[BaseMessage], list[dict[str, Any]], str]] = {
    "OpenAI": (
        [AIMessage([
            {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "noon"}},
            {"type": "file_search_call", "id": "fs_1", "queries": ["noon"], "results": []},
            {"type": "code_interpreter_call", "id": "ci_1", "code": "12", "outputs": [{"type": "logs", "logs": "12"}]},
            {"type": "mcp_call", "id": "mcp_1", "name": "clock", "arguments": "{}", "server_label": "s", "output": "12"},
            {"type": "computer_call", "id": "cc_1", "action": {"type": "screenshot"}},
            {"type": "image_generation_call", "id": "ig_1", "result": "iVBORw0KGgo="},
            {**text("Noon."), "annotations": [{"type": "url_citation", "url": URL}]},
        ])],
        [assistant("Noon.")],
        "web_search_call, file_search_call, code_interpreter_call, mcp_call, computer_call, image_generation_call",
    ),
    "Anthropic": (
        [AIMessage([
            {"type": "server_tool_use", "id": "ws_1", "name": "web_search", "input": {"query": "noon"}},
            {"type": "web_search_tool_result", "tool_use_id": "ws_1", "content": [{"type": "web_search_result", "url": URL}]},
            {**text("No"), "citations": None}, text("on."),
        ])],
        [assistant("Noon.")],
        "server_tool_use, web_search_tool_result",
    ),
    "Google": (
        [AIMessage([
            {"type": "executable_code", "executable_code": "print(12)", "language": "python", "id": "1"},
            {"type": "code_execution_result", "code_execution_result": "12", "outcome": 1, "tool_call_id": ""},
            "Noon.",
        ])],
        [assistant("Noon.")],
        "executable_code, code_execution_result",
    ),
    "LangChain's v1": (
        [AIMessage([
            {"type": "server_tool_call", "name": "web_search", "args": {"query": "noon"}, "id": "ws_1"},
            {"type": "server_tool_result", "tool_call_id": "ws_1", "status": "success", "output": [text("12")]},
            {"type": "non_standard", "value": {"type": "mcp_list_tools", "tools": []}},
            {"type": "non_standard", "value": {"a": 1}},
            text("Noon."),
        ])],
        [assistant("Noon.")],
        "server_tool_call, server_tool_result, mcp_list_tools, non_standard",
    ),
    "nothing beside it": ([AIMessage([{"type": "smell"}])], [assistant("")], "smell"),
    "a role": ([ChatMessage(content=[{"type": "smell"}, text("Hm.")], role="assistant")], [assistant("Hm.")], "smell"),
    "a chunk": ([AIMessageChunk(content=[{"type": "smell"}, text("Hm.")])], [assistant("Hm.")], "smell"),
    "each kind is named once": (
        [AIMessage([{"type": "smell"}, text("Hm.")]), HumanMessage("And?"), AIMessage([{"type": "taste"}, {"type": "smell"}, text("Ah.")])],
        [assistant("Hm."), user("And?"), assistant("Ah.")],
        "smell, taste",
    ),
    "call without a name": ([broken(name=None), CALL_RESULT], [], "a tool call without a name"),
    "call of an empty name": ([AIMessage("", tool_calls=[NO_NAME]), CALL_RESULT], [], "a tool call without a name"),
    "call without an id": ([broken(id=None), ToolMessage("?", tool_call_id="")], [], "the tool call 'clock' without an id"),
    "call of no id": ([AIMessage("Wait", tool_calls=[NO_ID])], [assistant("Wait")], "the tool call 'clock' without an id"),
    "one of two calls": (
        [AIMessage("", tool_calls=[{**NO_NAME, "id": "call_2"}, CALL]), ToolMessage("?", tool_call_id="call_2"), CALL_RESULT],
        [CALL_ITEM, {"type": "function_call_output", "call_id": "call_1", "output": "12:00"}],
        "a tool call without a name",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("history", "expected", "named"), FOREIGN.values(), ids=FOREIGN)
def test_what_another_model_left_does_not_go_on_and_is_named(
    history: list[BaseMessage], expected: list[dict[str, Any]], named: str
) -> None:
    with pytest.warns(DMXOmniWarning) as caught:
        assert items([*history, HumanMessage("Hi")]) == [*expected, user("Hi")]
    assert [str(each.message) for each in caught] == [
        f"left out of the history, since the service can't take it: {named}"
    ]


def test_a_conversation_keeps_its_order() -> None:
    messages = [
        SystemMessage("Be brief"),
        HumanMessage("What time is it?"),
        AIMessage("", tool_calls=[CALL]),
        ToolMessage("12:00", tool_call_id="call_1"),
        AIMessage([text("Noon."), SPOKEN]),
        HumanMessage("Thanks"),
    ]
    assert items(messages) == [
        system("Be brief"),
        user("What time is it?"),
        CALL_ITEM,
        {"type": "function_call_output", "call_id": "call_1", "output": "12:00"},
        assistant("Noon."),
        user("Thanks"),
    ]


ONLY_TEXT = "only text can stand here; media goes into user messages"

REFUSED: dict[str, tuple[BaseMessage, str]] = {
    "image in assistant": (AIMessage([text("See"), IMAGE]), f"message 2 (ai), block 2 (image_url): {ONLY_TEXT}"),
    "video in assistant": (AIMessage([{"type": "video", "url": URL}]), f"message 2 (ai), block 1 (video): {ONLY_TEXT}"),
    "video in a chunk": (AIMessageChunk(content=[{"type": "video", "url": URL}]), f"message 2 (ai), block 1 (video): {ONLY_TEXT}"),
    "audio in system": (SystemMessage([SPOKEN]), f"message 2 (system), block 1 (audio): {ONLY_TEXT}"),
    "reasoning in system": (SystemMessage([{"type": "reasoning"}]), f"message 2 (system), block 1 (reasoning): {ONLY_TEXT}"),
    "image in the wrapper": (AIMessage([{"type": "non_standard", "value": IMAGE}]), f"message 2 (ai), block 1 (image_url): {ONLY_TEXT}"),
    "file in assistant": (AIMessage([{"type": "file", "file_id": "f"}]), f"message 2 (ai), block 1 (file): {ONLY_TEXT}"),
    "recording in assistant": (AIMessage([{"type": "input_audio", "input_audio": {}}]), f"message 2 (ai), block 1 (input_audio): {ONLY_TEXT}"),
    "a tool of another model in system": (SystemMessage([{"type": "mcp_call"}]), f"message 2 (system), block 1 (mcp_call): {ONLY_TEXT}"),
    "image in a role": (ChatMessage(content=[IMAGE], role="system"), f"message 2 (chat), block 1 (image_url): {ONLY_TEXT}"),
    "no type": (AIMessage([{"a": 1}]), f"message 2 (ai), block 1: {ONLY_TEXT}"),
    "text that is none": (AIMessage([{"type": "text", "text": None}]), f"message 2 (ai), block 1 (text): {ONLY_TEXT}"),
    "refusal that is none": (AIMessage([{"type": "refusal", "refusal": 5}]), f"message 2 (ai), block 1 (refusal): {ONLY_TEXT}"),
    "type that is a list": (AIMessage([{"type": ["text"]}]), f"message 2 (ai), block 1 (['text']): {ONLY_TEXT}"),
    "unknown block": (HumanMessage([{"type": "smell"}]),
                      "message 2 (human), block 1 (smell): the service takes no block of type 'smell'; "
                      "it takes text, image, audio and video"),
    "unknown role": (ChatMessage(content="Hi", role="wizard"),
                     "message 2 (chat): the service knows no role 'wizard'; it knows user, assistant and system"),
    "function": (FunctionMessage(content="1", name="clock"),
                 "message 2 (function): a FunctionMessage can't be sent; the service takes user, assistant, system and tool"),
    "remove": (RemoveMessage(id="1"),
               "message 2 (remove): a RemoveMessage can't be sent; the service takes user, assistant, system and tool"),
    "tool call of no JSON": (AIMessage("", tool_calls=[{**CALL, "args": {"at": datetime.date(2026, 1, 1)}}]),
                             "message 2 (ai): the arguments of its tool call 'clock' are no JSON: "
                             "Object of type date is not JSON serializable"),
}  # fmt: skip


@pytest.mark.parametrize(("message", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_sent_is_an_error_that_names_the_place(message: BaseMessage, told: str) -> None:
    with pytest.raises(ContentBlockError) as caught:
        build([HumanMessage("Hi"), message], Options())
    assert str(caught.value) == told


@pytest.mark.parametrize("options", [{}, {"voice": "Tina"}])
def test_no_messages_are_an_error(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        build([], Options(**options))
    assert str(caught.value) == "there are no messages to send"


# System messages and speech

FOLDED: dict[str, tuple[list[BaseMessage], list[dict[str, Any]]]] = {
    "into a string": ([SystemMessage("Be brief"), HumanMessage("Hi")], [user("Be brief\n\nHi")]),
    "into a list": ([SystemMessage("Be brief"), HumanMessage([IMAGE, "Hi"])], [user([text("Be brief"), IMAGE, text("Hi")])]),
    "into an empty string": ([SystemMessage("Be brief"), HumanMessage("")], [user("Be brief")]),
    "from a list": ([SystemMessage(["Be ", text("brief")]), HumanMessage("Hi")], [user("Be brief\n\nHi")]),
    "from a chunk": ([SystemMessageChunk(content="Be brief"), HumanMessage("Hi")], [user("Be brief\n\nHi")]),
    "from a role": ([ChatMessage(content="Be brief", role="system"), HumanMessage("Hi")], [user("Be brief\n\nHi")]),
    "into a role": ([SystemMessage("Be brief"), ChatMessage(content="Hi", role="user")], [user("Be brief\n\nHi")]),
    "several": ([SystemMessage("A"), SystemMessage("B"), HumanMessage("Hi"), SystemMessage("C")], [user("A\n\nB\n\nC\n\nHi")]),
    "an empty one": ([SystemMessage(""), HumanMessage("Hi")], [user("Hi")]),
    "an empty one of two": ([SystemMessage(""), SystemMessage("B"), HumanMessage("Hi")], [user("B\n\nHi")]),
    "into the first user message": (
        [AIMessage("Hello"), HumanMessage("Hi"), SystemMessage("Be brief"), HumanMessage("Go on")],
        [assistant("Hello"), user("Be brief\n\nHi"), user("Go on")],
    ),
    "no user message at all": ([SystemMessage("Be brief")], [user("Be brief")]),
    "no user message but others": ([AIMessage("Hello"), SystemMessage("Be brief")], [user("Be brief"), assistant("Hello")]),
}  # fmt: skip


@pytest.mark.parametrize(("messages", "expected"), FOLDED.values(), ids=FOLDED)
def test_system_text_is_folded_when_speech_is_on(messages: list[BaseMessage], expected: list[dict[str, Any]]) -> None:
    before = [message.model_dump_json() for message in messages]
    assert items(messages, voice="Tina") == items(messages, modalities=["text", "audio"]) == expected
    assert [message.model_dump_json() for message in messages] == before


def test_nothing_but_an_empty_system_message_is_nothing_to_send() -> None:
    with pytest.raises(InvalidInputError) as caught:
        build([SystemMessage("")], Options(voice="Tina"))
    assert str(caught.value) == "there is nothing to send: the messages hold no text and no media"


SYSTEM_FIRST = [SystemMessage("Be brief"), HumanMessage("Hi")]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"modalities": ["text"]},
        {"voice": "Tina", "modalities": ["text"]},
        {"system_with_audio": "error"},
        {"voice": "Tina", "system_with_audio": "send"},
    ],
    ids=repr,
)
def test_system_stays_where_it_is_without_speech_or_when_it_is_to_be_sent(options: dict[str, Any]) -> None:
    assert items(SYSTEM_FIRST, **options) == [system("Be brief"), user("Hi")]


@pytest.mark.parametrize("message", [SystemMessage("Be brief"), ChatMessage(content="Be brief", role="system")])
def test_system_with_speech_can_be_an_error(message: BaseMessage) -> None:
    with pytest.raises(ContentBlockError) as caught:
        build([HumanMessage("Hi"), message], Options(voice="Tina", system_with_audio="error"))
    assert str(caught.value) == (
        f"message 2 ({message.type}): the service takes no system message together with speech; "
        "system_with_audio='fold' puts its text into the first user message"
    )


def test_media_in_a_folded_system_message_is_refused() -> None:
    with pytest.raises(ContentBlockError) as caught:
        build([SystemMessage([IMAGE]), HumanMessage("Hi")], Options(voice="Tina"))
    assert str(caught.value) == f"message 1 (system), block 1 (image_url): {ONLY_TEXT}"


def output(call: str, told: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call, "output": told}


def test_media_from_tools_follows_in_a_user_message_behind_all_results() -> None:
    messages = [
        HumanMessage("Look"),
        AIMessage("", tool_calls=[{**CALL, "id": "1"}, {**CALL, "id": "2"}]),
        ToolMessage([IMAGE], tool_call_id="1", name="camera"),
        ToolMessage([text("Two: "), IMAGE], tool_call_id="2"),
        HumanMessage("And now?"),
        AIMessage("", tool_calls=[{**CALL, "id": "3"}]),
        ToolMessage([IMAGE], tool_call_id="3", status="error"),
    ]
    sent_items = items(messages)
    assert [item for item in sent_items if item.get("type") != "function_call"] == [
        user("Look"),
        output("1", "What the tool returned follows in the next message."),
        output("2", "Two: "),
        user(
            [
                text("This is what the tool camera returned."),
                IMAGE,
                text("This is what the tool 2 returned."),
                IMAGE,
            ]
        ),
        user("And now?"),
        output("3", "Error: What the tool returned follows in the next message."),
        user([text("This is what the tool 3 returned."), IMAGE]),
    ]


def test_a_pdf_from_a_tool_is_refused() -> None:
    with pytest.raises(ContentBlockError, match=r"message 1 \(tool\), block 1 \(file\)"):
        items([ToolMessage([{"type": "file", "base64": "JVBERi0xLjc=", "mime_type": "x/y"}], tool_call_id="1")])


def test_what_the_service_has_no_parameter_for_is_told_in_words() -> None:
    both = [TOOL, {**TOOL, "name": "calendar"}]
    must = "Answer by calling one of the functions that you are given, and in no other way."
    asked = {"tools": both, "tool_choice": "any"}
    assert sent(HI, **asked) == {**PLAIN, "tools": both, "tool_choice": "auto", "input": [system(must), user("Hi")]}
    spoken = sent([SystemMessage("Be brief"), *HI], **asked, voice="Tina")
    assert spoken["input"] == [user(f"{must}\n\nBe brief\n\nHi")]
    plain = sent([SystemMessage("Be brief"), *HI], **asked)
    assert plain["input"] == [system(f"Be brief\n\n{must}"), user("Hi")]
    other = sent(HI, **asked, model="another")
    assert (other["tool_choice"], other["input"]) == ("required", [user("Hi")])


def test_search_is_left_out_where_there_are_tools() -> None:
    with pytest.warns(DMXOmniWarning, match="enable_search is left out"):
        options = resolve({"enable_search": True, "search_options": {"forced_search": True}}, {"tools": [TOOL]})
    assert json.loads(b"".join(build(HI, options))) == {**PLAIN, "tools": [TOOL]}


@pytest.mark.parametrize("block", [{"type": "text", "text": "Hi", "id": "lc_1"}, {"type": "audio", "id": "lc_2"}])
def test_random_ids_are_left_out(block: dict[str, Any]) -> None:
    given = HumanMessage([block, "text", {"type": "image", "id": "mine"}])
    (found,) = without_random_ids([given])
    assert found.content == [
        {key: value for key, value in block.items() if key != "id"},
        "text",
        {"type": "image", "id": "mine"},
    ]
    assert given.content[0] == block
