"""Events → the answer: what bridges leave out, say twice, or say in other words."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import pickle
import re
import time
from copy import deepcopy
from functools import reduce
from itertools import accumulate
from operator import add
from typing import Any, cast

import pytest
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from langchain_core.outputs import ChatGenerationChunk

from langchain_dmx_omni import errors
from langchain_dmx_omni._answer.annotations import standard_annotation
from langchain_dmx_omni._answer.answer import Answer
from langchain_dmx_omni._answer.chunks import ChunkWriter, partial_message, to_message
from langchain_dmx_omni._answer.deltas import AnswerSpec
from langchain_dmx_omni._answer.endings import settle, warnings
from langchain_dmx_omni._answer.protocol_events import EventWriter
from langchain_dmx_omni._answer.reader import AnswerReader
from langchain_dmx_omni._answer.usage import usage_metadata
from langchain_dmx_omni._media.wav import WavFormat
from langchain_dmx_omni._sse import ServerSentEvent
from langchain_dmx_omni.testing.scripts import PCM, wav

from . import ways
from .calls import blocks

TEXT = AnswerSpec("m")
SPOKEN = AnswerSpec("m", "Tina", blocks=True)
CREATED = {"type": "response.created", "response": {"id": "resp_1", "model": "m"}}
COMPLETED = {"type": "response.completed", "response": {"id": "resp_1", "model": "m"}}


def sent(event: dict[str, Any] | bytes) -> ServerSentEvent:
    return ServerSentEvent("", event if isinstance(event, bytes) else json.dumps(event).encode())


def written(events: list[Any], asked: AnswerSpec = TEXT) -> tuple[Answer, list[AIMessageChunk]]:
    """The answer and its chunks, of events that arrive one by one."""
    reader = AnswerReader(asked)
    writer = ChunkWriter(reader.answer)
    chunks = [chunk for event in events for chunk in writer.write(reader.feed([sent(event)]))]
    chunks += writer.write(settle(reader))
    return reader.answer, [cast("AIMessageChunk", chunk.message) for chunk in chunks]


def protocol_events(events: list[Any]) -> list[Any]:
    reader = AnswerReader(AnswerSpec("m", blocks=True))
    writer = EventWriter(reader.answer)
    written = [one for event in events for one in writer.write(reader.feed([sent(event)]))]
    return [*written, *writer.write(settle(reader))]


def read(events: list[Any], asked: AnswerSpec = TEXT, *, together: bool = False) -> tuple[AIMessage, AIMessage]:
    """The message, and the sum of its chunks, of events that arrive one by one or all at once."""
    reader = AnswerReader(asked)
    answer, writer = reader.answer, ChunkWriter(reader.answer)
    batches = [events] if together else [[event] for event in events]
    chunks = [chunk for batch in batches for chunk in writer.write(reader.feed(map(sent, batch)))]
    chunks += writer.write(settle(reader))
    if answer.failure is not None:
        raise answer.failure
    return to_message(answer), ways.total([chunk.message for chunk in chunks])


def delta(text: str, **place: Any) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "delta": text, **place}


def done(text: str, **place: Any) -> dict[str, Any]:
    return {"type": "response.output_text.done", "text": text, **place}


def item(*parts: dict[str, Any], kind: str = "message", **fields: Any) -> dict[str, Any]:
    place = {"output_index": fields.pop("output_index")} if "output_index" in fields else {}
    return {"type": "response.output_item.done", "item": {"type": kind, "content": [*parts], **fields}, **place}


def text(value: str) -> dict[str, Any]:
    return {"type": "output_text", "text": value}


def completed(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"output": [each["item"] for each in items], **fields}}


TEXTS: dict[str, tuple[list[Any], str]] = {
    "deltas alone": ([delta("Hello "), delta("you"), COMPLETED], "Hello you"),
    "deltas, then all of it three times": (
        [delta("Hello "), delta("you"), done("Hello you"), item(text("Hello you")), completed(item(text("Hello you")))],
        "Hello you",
    ),
    "deltas at other places than the whole": (
        [delta("Hello you"), done("Hello you", output_index=3, content_index=1), item(text("Hello you")), COMPLETED],
        "Hello you",
    ),
    "deltas that stop before the end": ([delta("Hello "), done("Hello you"), COMPLETED], "Hello you"),
    "only done": ([done("Hello you"), item(text("Hello you")), COMPLETED], "Hello you"),
    "only the item": ([item(text("Hello you")), COMPLETED], "Hello you"),
    "only completed": ([completed(item(text("Hello "), text("you")))], "Hello you"),
    "two parts, whole": ([item(text("Hello "), text("you")), COMPLETED], "Hello you"),
    "two items, whole": ([item(text("Hello ")), item(text("you")), COMPLETED], "Hello you"),
    "two items, by delta and whole": (
        [delta("Hello "), item(text("Hello ")), item(text("you")), completed(item(text("Hello ")), item(text("you")))],
        "Hello you",
    ),
    "the same word twice": ([item(text("ha")), item(text("ha")), COMPLETED], "haha"),
    "a part that came whole": (
        [{"type": "response.content_part.done", "part": text("Hello you")}, item(text("Hello you")), COMPLETED],
        "Hello you",
    ),
    "empty deltas": ([delta(""), delta("Hello you"), delta(""), COMPLETED], "Hello you"),
    "[DONE] instead of completed": ([delta("Hello you"), b"[DONE]"], "Hello you"),
    "nothing is read behind the end": ([delta("Hello you"), COMPLETED, delta("!")], "Hello you"),
    "a whole response in one JSON object": (
        [{"id": "resp_1", "object": "response", "output": [item(text("Hello you"))["item"]]}],
        "Hello you",
    ),
    "an emoji cut in two": ([delta("a\ud83c"), delta("\udfac!"), done("a🎬!"), COMPLETED], "a🎬!"),
    "an emoji cut in three places": ([delta("\ud83c"), delta("\udfac\ud83c"), delta("\udfac"), COMPLETED], "🎬🎬"),
    "half a character": ([delta("a\ud83c"), delta("b"), COMPLETED], "a\ufffdb"),
    "half a character in a whole text": ([done("a\udfacb"), COMPLETED], "a\ufffdb"),
    "a refusal, whole": ([item({"type": "refusal", "refusal": "Hello you"}), COMPLETED], "Hello you"),
}


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("events", "expected"), TEXTS.values(), ids=TEXTS)
def test_text_is_taken_once(events: list[Any], expected: str, together: bool) -> None:
    whole, total = read([CREATED, *events], together=together)
    assert whole.content == expected
    assert total == whole


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def audio(data: bytes, id_: str | None = None) -> dict[str, Any]:
    return {"type": "output_audio", "audio": {"data": b64(data)} | ({"id": id_} if id_ else {})}


def spoken(data: bytes, kind: str = "response.output_audio.delta", **place: Any) -> dict[str, Any]:
    return {"type": kind, "delta": b64(data), **place}


ONE, TWO = PCM[:6_000], PCM[6_000:9_000]
SOUNDS: dict[str, tuple[list[Any], bytes]] = {
    "deltas, and no end of the part": ([spoken(ONE), COMPLETED], ONE),
    "deltas, then the item, by index": (
        [spoken(ONE, output_index=1), item(audio(ONE, "a"), output_index=1), COMPLETED],
        ONE,
    ),
    "deltas, then the item, by id": ([spoken(ONE, item_id="i"), item(audio(ONE, "a"), id="i"), COMPLETED], ONE),
    "deltas without a place, then the item": ([spoken(ONE), item(audio(ONE)), COMPLETED], ONE),
    "deltas of two items with a header each": (
        [spoken(wav(ONE), output_index=0), spoken(wav(TWO), output_index=1), COMPLETED],
        ONE + TWO,
    ),
    "deltas, text's item, then the item": (
        [spoken(ONE, output_index=1), item(text("Hi"), output_index=0), item(audio(ONE), output_index=1), COMPLETED],
        ONE,
    ),
    "deltas, then completed": ([spoken(ONE), completed(item(audio(ONE, "a")))], ONE),
    "deltas of one item, another whole": (
        [spoken(ONE, output_index=0), item(audio(TWO, "b"), output_index=1), COMPLETED],
        ONE + TWO,
    ),
    "the same id, other sound": ([item(audio(ONE, "a")), item(audio(TWO, "a")), COMPLETED], ONE + TWO),
    "the same sound under other ids": ([item(audio(ONE, "a")), item(audio(ONE, "b")), COMPLETED], ONE + ONE),
    "the item twice": ([item(audio(ONE, "a")), item(audio(ONE, "a")), COMPLETED], ONE),
    "the part, then its item": (
        [
            {"type": "response.content_part.done", "part": audio(ONE), "output_index": 0},
            item(audio(ONE), output_index=0),
            COMPLETED,
        ],
        ONE,
    ),
    "again in completed, by id": ([item(audio(ONE, "a")), completed(item(audio(ONE, "a")))], ONE),
    "again in completed, without ids": ([item(audio(ONE)), completed(item(audio(ONE)))], ONE),
    "only in completed": ([completed(item(audio(wav(ONE), "a"), audio(wav(TWO), "b")))], ONE + TWO),
    "audio as base64": ([item({"type": "output_audio", "audio": b64(wav(ONE))}), COMPLETED], ONE),
    "audio as a data URL": (
        [item({"type": "output_audio", "audio": f"data:audio/wav;base64,{b64(wav(ONE))}"}), COMPLETED],
        ONE,
    ),
    "items that are slices of one file": (
        [*(item(audio(wav(ONE)[at : at + 1_001], f"a{at}")) for at in range(0, len(wav(ONE)), 1_001)), COMPLETED],
        ONE,
    ),
    "parts that are slices of raw samples": (
        [item(*(audio(ONE[at : at + 7]) for at in range(0, 700, 7))), COMPLETED],
        ONE[:700],
    ),
    "deltas that are a WAV each": ([spoken(wav(ONE)), spoken(wav(TWO)), spoken(wav(ONE)), COMPLETED], ONE + TWO + ONE),
    "data beside the type": ([item({"type": "output_audio", "data": b64(ONE)}), COMPLETED], ONE),
    "an item without data": ([item({"type": "output_audio", "audio": {"id": "a"}}), item(audio(ONE)), COMPLETED], ONE),
}


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("events", "expected"), SOUNDS.values(), ids=SOUNDS)
def test_speech_is_taken_once(events: list[Any], expected: bytes, together: bool) -> None:
    whole, total = read([CREATED, delta("Hi", output_index=0), *events], SPOKEN, together=together)
    assert [block["type"] for block in blocks(whole)] == ["text", "audio"]
    assert base64.b64decode(blocks(whole)[1]["base64"], validate=True) == wav(expected)
    assert total == whole


def test_a_transcript_is_the_text_where_there_is_no_other() -> None:
    says = {"type": "response.output_audio_transcript.delta", "delta": "Hello you"}
    assert read([CREATED, says, spoken(ONE), COMPLETED], SPOKEN)[0].text == "Hello you"
    assert read([CREATED, says, delta("Hello you"), spoken(ONE), COMPLETED], SPOKEN)[0].text == "Hello you"
    assert read([CREATED, delta("Hello you"), says, spoken(ONE), COMPLETED], SPOKEN)[0].text == "Hello you"
    whole = item({"type": "output_audio", "transcript": "Hello you", "audio": {"data": b64(ONE)}})
    assert read([CREATED, whole, COMPLETED], SPOKEN)[0].text == "Hello you"


def call(number: int = 0, **fields: Any) -> dict[str, Any]:
    return {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "name": "f", **fields}


def added(number: int = 0, **place: Any) -> dict[str, Any]:
    return {"type": "response.output_item.added", "item": call(number, arguments=""), **place}


def arguments(value: str, **place: Any) -> dict[str, Any]:
    return {"type": "response.function_call_arguments.delta", "delta": value, **place}


def whole_arguments(value: str) -> dict[str, Any]:
    return {"type": "response.function_call_arguments.done", "arguments": value, "item_id": "fc_0"}


F0 = {"name": "f", "args": {"a": 1}, "id": "call_0", "type": "tool_call"}
F1 = {"name": "f", "args": {"b": 2}, "id": "call_1", "type": "tool_call"}
CALLS: dict[str, tuple[list[Any], list[dict[str, Any]]]] = {
    "by delta": (
        [
            added(),
            arguments('{"a"'),
            arguments(":1}"),
            {"type": "response.output_item.done", "item": call(arguments='{"a":1}')},
            COMPLETED,
        ],
        [F0],
    ),
    "whole in the item": ([{"type": "response.output_item.done", "item": call(arguments='{"a":1}')}, COMPLETED], [F0]),
    "whole in arguments.done": (
        [
            added(),
            {"type": "response.function_call_arguments.done", "arguments": '{"a":1}', "item_id": "fc_0"},
            COMPLETED,
        ],
        [F0],
    ),
    "only in completed": (
        [{"type": "response.completed", "response": {"output": [call(arguments='{"a":1}')]}}],
        [F0],
    ),
    "two, interleaved": (
        [
            added(0, output_index=0),
            added(1, output_index=1),
            arguments('{"a":', output_index=0),
            arguments('{"b":', output_index=1),
            arguments("1}", item_id="fc_0"),
            arguments("2}", item_id="fc_1"),
            COMPLETED,
        ],
        [F0, F1],
    ),
    "without a place": ([added(0), arguments('{"a":1}'), added(1), arguments('{"b":2}'), COMPLETED], [F0, F1]),
    "without arguments": ([added(0), COMPLETED], [{**F0, "args": {}}]),
    "blank arguments": ([added(0), arguments(" \n"), COMPLETED], [{**F0, "args": {}}]),
    "a line break in a string": ([added(0), arguments('{"a":"1\n2"}'), COMPLETED], [{**F0, "args": {"a": "1\n2"}}]),
    "done says more than the deltas": ([added(0), arguments('{"a"'), whole_arguments('{"a":1}'), COMPLETED], [F0]),
    "done says other than the deltas": ([added(0), arguments('"a":1'), whole_arguments('{"a":1}'), COMPLETED], [F0]),
    "done says the same with blanks": ([added(0), arguments('{"a":1}'), whole_arguments('{"a": 1 }'), COMPLETED], [F0]),
    "done is cut off": ([added(0), arguments('{"a":1}'), whole_arguments('{"a": 1'), COMPLETED], [F0]),
    "the item says other than the deltas": (
        [
            added(0),
            arguments('{"a":2}'),
            {"type": "response.output_item.done", "item": call(arguments='{"a":1}')},
            COMPLETED,
        ],
        [F0],
    ),
    "two under one place": (
        [
            *(added(number, output_index=0) for number in (0, 1)),
            arguments('{"a":1}', output_index=0, item_id="fc_0"),
            arguments('{"b":2}', output_index=0, item_id="fc_1"),
            COMPLETED,
        ],
        [F0, F1],
    ),
    "two under one place, whole": (
        [
            *(
                {"type": "response.output_item.done", "output_index": 0, "item": call(number, arguments=text_)}
                for number, text_ in enumerate(('{"a":1}', '{"b":2}'))
            ),
            COMPLETED,
        ],
        [F0, F1],
    ),
    "an emoji cut in two": (
        [added(0), arguments('{"a":"\ud83c'), arguments('\udfac"}'), COMPLETED],
        [{**F0, "args": {"a": "🎬"}}],
    ),
    "a name that comes late": (
        [
            {"type": "response.output_item.added", "item": call(name="")},
            {"type": "response.output_item.done", "item": call(arguments='{"a":1}')},
            COMPLETED,
        ],
        [F0],
    ),
}


@pytest.mark.parametrize("asked", [TEXT, AnswerSpec("m", blocks=True)], ids=["plain", "blocks"])
@pytest.mark.parametrize(("events", "expected"), CALLS.values(), ids=CALLS)
def test_tool_calls_are_taken_once(events: list[Any], expected: list[dict[str, Any]], asked: AnswerSpec) -> None:
    whole, total = read([CREATED, delta("Let me see."), *events], asked)
    assert whole.tool_calls == expected
    assert whole.text == "Let me see."
    assert whole.response_metadata["finish_reason"] == "tool_calls"
    assert total == whole


def test_a_tool_call_never_merges_into_text() -> None:
    reader = AnswerReader(TEXT)
    chunks = [*ChunkWriter(reader.answer).write(reader.feed(map(sent, [delta("Hi"), added(), arguments("{}")])))]
    assert [
        chunk.message.tool_call_chunks[0]["index"] for chunk in chunks[1:] if isinstance(chunk.message, AIMessageChunk)
    ] == [1, 1]


INCOMPLETE = {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "max_output_tokens"}}}
FILTERED = {"type": "response.incomplete", "response": {"incomplete_details": {"reason": "content_filter"}}}
NO_OBJECT: dict[str, tuple[str, dict[str, Any], str]] = {
    "cut in a list": ('{"city": "x", "n": [1, 2', COMPLETED, "its arguments are not JSON (Expecting ',' delimiter: "),
    "cut in a string": ('{"city": "Par', COMPLETED, "its arguments are not JSON (Unterminated string "),
    "cut at the limit": (
        '{"city": "x", "n": [1, 2',
        INCOMPLETE,
        "its arguments are cut off: the answer reached its greatest length, see max_tokens",
    ),
    "cut at the limit before they began": (
        "",
        INCOMPLETE,
        "its arguments are missing: the answer reached its greatest length, see max_tokens",
    ),
    "cut by the filter": (
        '{"city',
        FILTERED,
        "its arguments are cut off: the service's content filter stopped the answer",
    ),
    "no JSON at all": ("{oops", COMPLETED, "its arguments are not JSON (Expecting property name"),
    "two objects": ('{"a":1}{"a":2}', COMPLETED, "its arguments are not JSON (Extra data"),
    "something behind the object": ('{"a":1} and so on', COMPLETED, "its arguments are not JSON (Extra data"),
    "a list": ("[1]", COMPLETED, "its arguments are not one JSON object: a JSON list, not an object"),
    "a string": ('"x"', COMPLETED, "its arguments are not one JSON object: a JSON str, not an object"),
    "a number": ("7", COMPLETED, "its arguments are not one JSON object: a JSON int, not an object"),
    "null": ("null", COMPLETED, "its arguments are not one JSON object: a JSON NoneType, not an object"),
    "a name twice": (
        '{"a":1,"a":2}',
        COMPLETED,
        "its arguments are not one JSON object: 'a' stands in it twice",
    ),
    "NaN": ('{"a":NaN}', COMPLETED, "its arguments are not one JSON object: NaN is not JSON"),
    "1e400": ('{"a":1e400}', COMPLETED, "its arguments are not one JSON object: the number 1e400 is too large"),
    "nested without end": ('{"a":' * 100_000, COMPLETED, "its arguments are not one JSON object: too deeply nested"),
    "a million characters": ('{"a":1, ' + "b" * 1_000_000, COMPLETED, "its arguments are not JSON (Expecting property"),
}


def sums(chunks: list[AIMessageChunk]) -> dict[str, AIMessageChunk]:
    """Chunks, added in every way."""
    middle = len(chunks) // 2
    return {
        "one by one": reduce(add, chunks),
        "from the right": reduce(lambda right, left: left + right, reversed(chunks)),
        "as a list": chunks[0] + chunks[1:],
        "halves": reduce(add, chunks[:middle]) + reduce(add, chunks[middle:]),
        "to an empty chunk": reduce(add, chunks, AIMessageChunk(content=[] if chunks[0].content == [] else "")),
        "copies": reduce(add, [deepcopy(each) for each in chunks]),
        "pickled": reduce(add, pickle.loads(pickle.dumps(chunks))),
    }


@pytest.mark.filterwarnings("ignore:The function `loads` is in beta")
@pytest.mark.parametrize("asked", [TEXT, AnswerSpec("m", blocks=True)], ids=["plain", "blocks"])
@pytest.mark.parametrize("cut", [1, 7, 10**9])
@pytest.mark.parametrize(("text_", "end", "error"), NO_OBJECT.values(), ids=NO_OBJECT)
def test_a_call_whose_arguments_are_not_one_object_is_invalid(
    text_: str, end: dict[str, Any], error: str, cut: int, asked: AnswerSpec
) -> None:
    cut = max(cut, len(text_) // 1_000)
    parts = [arguments(text_[at : at + cut]) for at in range(0, len(text_), cut)]
    answer, chunks = written([CREATED, added(), *parts, end], asked)
    whole = to_message(answer)
    (invalid,) = whole.invalid_tool_calls
    assert (whole.tool_calls, invalid["name"], invalid["id"], invalid["args"]) == ([], "f", "call_0", text_)
    assert (invalid["error"] or "").startswith(error)
    for how, total in sums(chunks).items():
        assert message_chunk_to_message(total) == whole, how
        assert message_chunk_to_message(loads(dumps(total), allowed_objects="messages")) == whole, how
    assert type(message_chunk_to_message(chunks[0])) is AIMessage
    (block,) = [event["content"] for event in protocol_events([CREATED, added(), *parts, end]) if "content" in event][
        1:
    ]
    assert block == invalid


def test_a_call_that_was_whole_when_the_answer_was_cut_off_is_valid() -> None:
    whole, total = read([CREATED, added(0), arguments('{"a":1}'), added(1), arguments('{"b":'), INCOMPLETE])
    assert (whole.tool_calls, [each["id"] for each in whole.invalid_tool_calls]) == ([F0], ["call_1"])
    assert total == whole


def test_while_it_streams_arguments_are_shown_as_far_as_they_go() -> None:
    _, chunks = written([CREATED, added(), arguments('{"city": "Par'), arguments('is"}'), COMPLETED])
    assert [total.tool_calls[0]["args"] for total in accumulate(chunks)] == [
        {},
        {"city": "Par"},
        {"city": "Paris"},
        {"city": "Paris"},
    ]
    assert all(repr(chunk).startswith("AIMessageChunk(") for chunk in chunks)


def test_an_answer_makes_so_many_calls_and_no_more() -> None:
    calls = [added(number, output_index=number) for number in range(257)]
    assert len(read([CREATED, *calls[:-1], COMPLETED])[0].tool_calls) == 256
    with pytest.raises(errors.ProtocolError, match="the answer makes more than 256 tool calls"):
        read([CREATED, *calls, COMPLETED])


@pytest.mark.parametrize(
    ("asked", "content", "kwargs"),
    [
        (TEXT, "Hi", {"reasoning_content": "First.\n\nThen."}),
        (
            AnswerSpec("m", blocks=True),
            [
                {"type": "reasoning", "reasoning": "First.\n\nThen.", "index": 0},
                {"type": "text", "text": "Hi", "index": 1},
            ],
            {},
        ),
    ],
)
@pytest.mark.parametrize("whole", [False, True])
def test_reasoning(asked: AnswerSpec, content: Any, kwargs: dict[str, str], whole: bool) -> None:
    deltas = [
        {"type": "response.reasoning_summary_text.delta", "delta": "First.", "summary_index": 0},
        {"type": "response.reasoning_summary_text.delta", "delta": "Then.", "summary_index": 1},
    ]
    reasoned = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": part} for part in ("First.", "Then.")],
    }
    events = [*([] if whole else deltas), {"type": "response.output_item.done", "item": reasoned}]
    one, total = read([CREATED, *events, delta("Hi"), COMPLETED], asked)
    assert (one.content, one.additional_kwargs) == (content, kwargs)
    assert total == one


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (b"{not json", "is not JSON"),
        (b"[1,2]", "is a JSON list, not an object"),
        ({"type": "response.output_text.delta", "delta": 7}, "'response.output_text.delta' is not of the shape"),
        ({"type": "response.output_text.delta", "delta": {"a": 1}}, "text is a dict"),
        ({"type": "response.output_text.delta", "delta": "x", "output_index": {}}, "is not of the shape"),
        ({"type": "response.output_text.done", "text": ["x"]}, "is not of the shape"),
        ({"type": "response.refusal.done", "refusal": 7}, "is not of the shape"),
        ({"type": "response.reasoning_summary_text.delta", "delta": 7}, "reasoning is a int, not text"),
        (item(kind="reasoning", summary=[{"text": {"a": 1}}]), "is not of the shape"),
        ({"type": "response.output_item.done", "item": {**call(), "name": 7}}, "the name of a tool call is a int"),
        ({"type": "response.output_item.done", "item": {**call(), "call_id": {"a": 1}}}, "is not of the shape"),
        ({"type": "response.output_item.done", "item": {**call(), "arguments": {"a": 1}}}, "is called with is a dict"),
        ({"type": "response.function_call_arguments.delta", "delta": 7}, "is called with is a int"),
        ({"type": "response.incomplete", "response": {"incomplete_details": {"reason": {}, "a": 1}}}, None),
        ({"type": "response.incomplete", "response": {"incomplete_details": {"reason": [1]}}}, "the reason of the end"),
        ({"type": "response.completed", "response": {"status": {"a": 1}}}, "is not of the shape"),
        ({"type": "response.completed", "response": {"output": 7}}, "is not of the shape"),
        (b'{"type":"response.completed","response":{"usage":{"input_tokens":1e400}}}', "infinity to integer"),
        ({"type": "response.completed", "response": {"usage": {"input_tokens": {}}}}, "is not of the shape"),
        ({"type": "response.completed", "response": {"usage": "many"}}, "is not of the shape"),
        ({"type": {"a": 1}}, "is not of the shape"),
        (b'{"type":"response.created","response":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, "is not of the shape"),
        (b'{"error":' + b'{"message":' * 900 + b"1" + b"}" * 901, None),
        (item({"type": "output_audio", "audio": 7}), "is not of the shape"),
        (item({"type": "output_audio", "audio": {"data": 7}}), "is not of the shape"),
        (item({"type": "output_audio", "audio": {"data": "AAAA", "id": {"a": 1}}}), "the id of audio is a dict"),
        ({"type": "response.output_audio.delta", "delta": 7}, "is not of the shape"),
        ({"type": "response.output_audio.delta", "delta": PCM.hex()}, "is not base64 but hex"),
        (spoken(WavFormat(0).header(4)), "its WAV header says 0 Hz"),
        ({"type": "response.output_text.annotation.added", "annotation": "x"}, "is not of the shape"),
        ({"object": "chat.completion.chunk", "choices": [{}]}, "answers in Chat Completions ('chat.completion.chunk')"),
        ({"choices": [{"delta": {"content": "x"}}]}, "answers in another protocol ('choices')"),
        ({"type": "content_block_delta", "delta": {"text": "x"}}, "answers in Anthropic Messages"),
        ({"type": "response.output_item.done", "item": "x"}, "'response.output_item.done' is not of the shape"),
        ({"type": "response.completed", "response": "x"}, "'response.completed' is not of the shape"),
        ({"type": "response.output_audio.delta", "delta": "!!!!"}, "is not base64"),
    ],
)
def test_what_can_not_be_understood_is_an_error(event: Any, told: str | None) -> None:
    if told is None:  # an error of the service's, or an end
        with contextlib.suppress(errors.DMXOmniError):
            read([CREATED, delta("Hi"), event, COMPLETED])
        return
    for together in (False, True):
        with pytest.raises(errors.ProtocolError, match=re.escape(told)):
            read([CREATED, delta("Hi"), event, COMPLETED], together=together)
    answer, _ = written([CREATED, delta("Hi"), event, COMPLETED])
    partial = partial_message(answer)
    assert partial is not None
    assert partial.text == "Hi"


@pytest.mark.parametrize(
    ("response", "told"),
    [({"id": {"a": 1}}, "the id of the response is a dict"), ({"model": ["m"]}, "the model is a list")],
)
def test_an_id_and_a_name_are_text_or_a_number(response: dict[str, Any], told: str) -> None:
    with pytest.raises(errors.ProtocolError, match=told):
        read([{"type": "response.created", "response": response}, delta("Hi"), COMPLETED])
    numbered = {"type": "response.created", "response": dict.fromkeys(response, 7)}
    assert read([numbered, delta("Hi"), COMPLETED])[0].text == "Hi"


FAILURE = {"code": "server_error", "message": "upstream broke"}
FAILED: dict[str, tuple[dict[str, Any], str]] = {
    "completed, and failed": (completed(status="failed", error=FAILURE), "(server_error): upstream broke"),
    "completed with an error": (completed(status="completed", error=FAILURE), "(server_error): upstream broke"),
    "completed with an error in words": (completed(error="upstream broke"), "upstream broke"),
    "completed, and cancelled": (completed(status="cancelled"), "the response's status is 'cancelled'"),
    "completed, and failed for no reason": (completed(status="failed"), "the response's status is 'failed'"),
    "completed, and error": (completed(status="error"), "the response's status is 'error'"),
    "incomplete with an error": (
        {"type": "response.incomplete", "response": {"status": "incomplete", "error": FAILURE}},
        "upstream broke",
    ),
    "a flat error": (FAILURE, "(server_error): upstream broke"),
    "a flat error with a type of its own": ({**FAILURE, "type": "rix_api_error"}, "upstream broke"),
    "a flat error in other words": ({"code": 500, "msg": "upstream broke"}, "upstream broke"),
    "a flat error without a code": ({"detail": "upstream broke"}, "upstream broke"),
}


@pytest.mark.parametrize(("event", "told"), FAILED.values(), ids=FAILED)
def test_what_says_that_it_failed_is_no_answer(event: dict[str, Any], told: str) -> None:
    for end in (COMPLETED, b"[DONE]"):
        with pytest.raises(errors.ServerError, match=re.escape(told)):
            read([CREATED, delta("Hi"), event, end])


@pytest.mark.parametrize(
    ("event", "finish"),
    [
        (completed(status="incomplete"), "incomplete"),
        (completed(status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "length"),
        (completed(status="completed", incomplete_details={"reason": "max_output_tokens"}), "length"),
        (completed(status="completed", incomplete_details=None, error=None), "stop"),
        (completed(status="in_progress", created_at=1.5), "stop"),
    ],
)
def test_the_response_says_how_it_ended(event: dict[str, Any], finish: str) -> None:
    assert read([CREATED, delta("Hi"), event])[0].response_metadata["finish_reason"] == finish


def test_a_name_that_never_comes_makes_an_invalid_call() -> None:
    nameless = {"type": "response.output_item.done", "item": call(name="", arguments='{"a":1}')}
    whole, total = read([CREATED, nameless, COMPLETED])
    assert (whole.tool_calls, [each["error"] for each in whole.invalid_tool_calls]) == ([], ["the call has no name"])
    assert total == whole


CITED = {"type": "url_citation", "url": "https://example.com", "title": "An example", "start_index": 0, "end_index": 2}
CITATION = {**CITED, "type": "citation"}
OTHER = {"type": "file_citation", "file_id": "f", "index": 1}


@pytest.mark.parametrize("asked", [TEXT, AnswerSpec("m", blocks=True)], ids=["plain", "blocks"])
@pytest.mark.parametrize(
    "events",
    [
        [{"type": "response.output_text.annotation.added", "annotation": each} for each in (CITED, OTHER)],
        [item({**text("Hi"), "annotations": [CITED, OTHER]})],
        [completed(item({**text("Hi"), "annotations": [CITED, OTHER]}))],
        [
            {"type": "response.output_text.annotation.added", "annotation": CITED},
            item({**text("Hi"), "annotations": [CITED, OTHER]}),
            completed(item({**text("Hi"), "annotations": [CITED, OTHER]})),
        ],
    ],
    ids=["events", "the item", "completed", "all"],
)
def test_citations_are_standard_annotations(events: list[Any], asked: AnswerSpec) -> None:
    whole, total = read([CREATED, delta("Hi"), *events, COMPLETED], asked)
    (block,) = cast("list[dict[str, Any]]", whole.content_blocks)
    assert (block["type"], block["text"]) == ("text", "Hi")
    assert block["annotations"] == [CITATION, {"type": "non_standard_annotation", "value": OTHER}]
    assert total == whole
    assert total.content_blocks == whole.content_blocks
    ended = [
        each["content"] for each in protocol_events([CREATED, delta("Hi"), *events, COMPLETED]) if "content" in each
    ]
    assert ended[-1]["annotations"] == block["annotations"]


def test_other_facts_of_a_citation_are_kept() -> None:
    nested = {"type": "url_citation", "url_citation": {"url": "https://example.com"}, "site": "example"}
    assert standard_annotation(nested) == {
        "type": "citation",
        "url": "https://example.com",
        "extras": {"site": "example"},
    }


URL = "https://example.com/a.wav"
AT_URL: dict[str, dict[str, Any]] = {
    "audio is its URL": {"type": "output_audio", "audio": URL},
    "data is its URL": {"type": "output_audio", "audio": {"id": "a", "data": URL}},
    "a URL and no data": {"type": "output_audio", "audio": {"data": "", "url": URL}},
}


@pytest.mark.parametrize("part", AT_URL.values(), ids=AT_URL)
def test_speech_behind_a_url_is_named(part: dict[str, Any]) -> None:
    for events in ([item(part), completed(item(part))], [delta("Hi"), item(part), COMPLETED]):
        answer, chunks = written([CREATED, *events], SPOKEN)
        assert to_message(answer).response_metadata["audio_url"] == URL
        assert reduce(add, chunks).response_metadata["audio_url"] == URL
        assert answer.failure is None
        (warning,) = warnings(answer)
        assert warning.startswith("the speech is not in the answer but behind a URL, which is not fetched: " + URL)


def test_thousands_of_items_cost_no_more_than_each_by_itself() -> None:
    def seconds(count: int) -> float:
        items = [
            item(audio(number.to_bytes(4, "little"), f"a{number}"), output_index=number) for number in range(count)
        ]
        start = time.process_time()
        written([CREATED, *items, completed(*items)], SPOKEN)
        return time.process_time() - start

    seconds(300)
    assert seconds(4_000) < 30 * seconds(400)


def test_a_type_of_events_that_nobody_knows_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "langchain_dmx_omni")
    paused = {"type": "response.audio.held"}
    assert read([CREATED, paused, delta("Hello "), paused, delta("you"), COMPLETED])[0].content == "Hello you"
    assert caplog.messages == ["events of type 'response.audio.held' are not known, and passed over"]


def test_an_error_message_holds_no_media() -> None:
    with pytest.raises(errors.ProtocolError) as caught:
        read([b'{"type":"response.output_audio.delta","delta":"' + b"A" * 5_000])
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("events", "asked", "kind"),
    [
        ([], TEXT, errors.EmptyAnswerError),
        ([], AnswerSpec("m", stop=True), errors.EmptyAnswerError),
        ([b"[DONE]"], TEXT, errors.EmptyAnswerError),
        ([CREATED, COMPLETED], TEXT, errors.EmptyAnswerError),
        ([CREATED], TEXT, errors.StreamInterruptedError),
        ([b'{"type":"resp'], TEXT, errors.ProtocolError),
    ],
)
def test_no_answer_is_an_error(events: list[Any], asked: AnswerSpec, kind: type[errors.DMXOmniError]) -> None:
    with pytest.raises(kind):
        read(events, asked)


def test_an_answer_may_be_empty_where_it_was_asked_to_stop() -> None:
    assert read([CREATED, COMPLETED], AnswerSpec("m", stop=True))[0].content == ""


def test_an_event_cut_off_at_the_end_means_that_the_connection_broke() -> None:
    reader = AnswerReader(TEXT)
    answer = reader.answer
    reader.feed([sent(CREATED), sent(delta("Hi"))])
    settle(reader, [sent(b'{"type":"resp')])
    assert type(answer.failure) is errors.StreamInterruptedError
    assert str(answer.failure) == (
        "the connection closed before the answer ended (no response.completed); "
        "2 characters of text and 0 bytes of speech had arrived"
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        (
            {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8},
            {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8},
        ),
        ({"input_tokens": 5, "output_tokens": 3}, {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}),
        ({"output_tokens": None}, {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}),
        (
            {
                "input_tokens": 5,
                "output_tokens": 3,
                "total_tokens": 8,
                "input_tokens_details": {"cached_tokens": 2, "audio_tokens": 1, "text_tokens": None},
                "output_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 2.0},
            },
            {
                "input_tokens": 5,
                "output_tokens": 3,
                "total_tokens": 8,
                "input_token_details": {"cache_read": 2, "audio": 1},
                "output_token_details": {"reasoning": 0, "audio": 2},
            },
        ),
        (
            {"prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 1}},
            {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8, "input_token_details": {"cache_read": 1}},
        ),
    ],
)
def test_usage(usage: Any, expected: Any) -> None:
    assert usage_metadata(usage) == expected


@pytest.mark.parametrize("together", [False, True])
def test_all_chunks_have_one_id_even_where_the_response_s_comes_late(together: bool) -> None:
    whole, total = read([delta("Hi"), COMPLETED], together=together)
    assert (whole.id, total.id) == (None, None)
    assert whole.response_metadata["id"] == total.response_metadata["id"] == "resp_1"


def test_pieces_of_speech_grow_with_what_has_gone_before() -> None:
    reader = AnswerReader(SPOKEN)
    writer = ChunkWriter(reader.answer)
    chunks: list[ChatGenerationChunk] = []
    for _ in range(2_000):
        chunks += writer.write(reader.feed([sent(spoken(bytes(480)))]))
    sizes = [len(blocks(chunk.message)[0]["base64"]) for chunk in chunks]
    assert sizes[0] == (480 + 44) // 3 * 4  # the first sound goes out at once
    assert len(chunks) < 150
    assert all(size <= max(1_300, sum(sizes[:place]) // 16 + 1_300) for place, size in enumerate(sizes))
