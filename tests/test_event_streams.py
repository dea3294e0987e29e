"""Speech through every stream that LangChain and LangGraph have: byte-equal to `invoke`, and live."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langchain_tests.utils.stream_lifecycle import assert_valid_event_stream
from langgraph.graph import START, MessagesState, StateGraph

from langchain_dmx_omni import ChatDMXOmni, errors
from langchain_dmx_omni.testing import scripts
from langchain_dmx_omni.testing.scripts import ARRIVALS, PCM, TEXT, wav

from .calls import blocks, model

if TYPE_CHECKING:
    from langchain_dmx_omni.testing import LocalGateway

pytestmark = [
    # Both say so at every call; the tests are about them all the same.
    pytest.mark.filterwarnings("ignore:The method `BaseChatModel._a?chat_model_stream_v3` is in beta"),
    pytest.mark.filterwarnings("ignore:astream_log is deprecated"),
    pytest.mark.filterwarnings("ignore:The v3 streaming protocol on Pregel is experimental"),
]


class Bridged(ChatDMXOmni):
    """The same model without events of its own: LangChain makes them from its chunks."""

    @property
    def _stream_chat_model_events(self) -> Any:
        return None

    @property
    def _astream_chat_model_events(self) -> Any:
        return None


def graph(llm: ChatDMXOmni) -> Any:
    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [llm.invoke(state["messages"])]}

    async def aanswer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [await llm.ainvoke(state["messages"])]}

    from langgraph._internal._runnable import RunnableCallable

    made = StateGraph(MessagesState)
    made.add_node("answer", RunnableCallable(answer, aanswer))
    made.add_edge(START, "answer")
    return made.compile()


def spoken(message: AIMessage) -> bytes | None:
    return next((base64.b64decode(block["base64"]) for block in blocks(message) if block["type"] == "audio"), None)


ASKED = {"messages": [HumanMessage("Hello?")]}


def v3(llm: ChatDMXOmni) -> AIMessage:
    stream = llm.stream_events("Hello?", version="v3")
    list(stream)
    return stream.output


def av3(llm: ChatDMXOmni) -> AIMessage:
    async def run() -> AIMessage:
        stream = await llm.astream_events("Hello?", version="v3")
        return await stream.output

    return asyncio.run(run())


def v2(llm: ChatDMXOmni) -> AIMessage:
    async def run() -> AIMessage:
        events = [event async for event in llm.astream_events("Hello?", version="v2")]
        chunks = [event["data"]["chunk"] for event in events if event["event"] == "on_chat_model_stream"]
        assert events[-1]["data"]["output"].content == reduce(add, chunks).content
        return reduce(add, chunks)

    return asyncio.run(run())


def log(llm: ChatDMXOmni) -> AIMessage:
    async def run() -> AIMessage:
        chunks: list[AIMessageChunk] = []
        async for patch in llm.astream_log("Hello?"):
            chunks += [op["value"] for op in patch.ops if op["path"] == "/streamed_output/-"]
        return reduce(add, chunks)

    return asyncio.run(run())


def graph_v3(llm: ChatDMXOmni) -> AIMessage:
    run = graph(llm).stream_events(ASKED, version="v3")
    (message,) = [(list(message), message.output)[1] for message in run.messages]
    assert run.output["messages"][-1].content == message.content
    return message


def agraph_v3(llm: ChatDMXOmni) -> AIMessage:
    async def stream() -> AIMessage:
        run = await graph(llm).astream_events(ASKED, version="v3")
        messages = [await message.output async for message in run.messages]
        return messages[0]

    return asyncio.run(stream())


def graph_messages(llm: ChatDMXOmni) -> AIMessage:
    return reduce(add, [chunk for chunk, _ in graph(llm).stream(ASKED, stream_mode="messages")])


def agraph_messages(llm: ChatDMXOmni) -> AIMessage:
    async def stream() -> AIMessage:
        return reduce(add, [chunk async for chunk, _ in graph(llm).astream(ASKED, stream_mode="messages")])

    return asyncio.run(stream())


STREAMS = {
    "stream_events v3": v3,
    "astream_events v3": av3,
    "astream_events v2": v2,
    "astream_log": log,
    "LangGraph v3": graph_v3,
    "LangGraph v3, async": agraph_v3,
    "LangGraph messages": graph_messages,
    "LangGraph messages, async": agraph_messages,
}


@pytest.mark.parametrize("shape", ["one_item", "several_items", "deltas", "deltas_raw", "repeated_in_completed"])
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_every_stream_carries_the_speech_of_invoke(gateway: LocalGateway, stream: Any, shape: str) -> None:
    gateway.play(*[scripts.sse(scripts.spoken(TEXT, PCM, shape))] * 2)
    llm = model(gateway, voice="Tina")
    message = stream(llm)
    assert spoken(message) == spoken(llm.invoke("Hello?")) == wav(PCM)
    assert message.text == TEXT
    assert message.usage_metadata["total_tokens"] == 18
    assert message.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("stream", [v3, av3, graph_v3, agraph_v3])
def test_the_bridge_of_langchain_loses_it(gateway: LocalGateway, stream: Any) -> None:
    """Why the model makes its own events. When this fails, LangChain has been mended, and they can go."""
    gateway.play(ARRIVALS["speech_deltas"]())
    assert spoken(stream(model(gateway, Bridged, voice="Tina"))) != wav(PCM)


AGENTS = {
    "invoke": lambda agent: agent.invoke(ASKED)["messages"],
    "stream": lambda agent: list(agent.stream(ASKED, stream_mode="values"))[-1]["messages"],
    "ainvoke": lambda agent: asyncio.run(agent.ainvoke(ASKED))["messages"],
    "v3": lambda agent: agent.stream_events(ASKED, version="v3").output["messages"],
}


@pytest.mark.filterwarnings("ignore:the answer is cut off")
@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize("run", AGENTS.values(), ids=AGENTS)
@pytest.mark.parametrize("name", ["tool_call_cut_off", "tool_call_not_json", "tool_call_without_a_name"])
def test_an_agent_runs_no_half_call(gateway: LocalGateway, name: str, run: Any, streaming: bool) -> None:
    gateway.play(ARRIVALS[name]())
    ran = []

    def weather(city: str = "", days: Any = None) -> str:
        """Tell the weather."""
        ran.append((city, days))
        return "sunny"

    agent = create_agent(model(gateway, streaming=streaming), [weather])
    messages = run(agent)
    (call,) = messages[1].invalid_tool_calls
    assert (ran, len(messages), messages[1].tool_calls, type(messages[1])) == ([], 2, [], AIMessage)
    assert call["error"]


KINDS = [
    "plain",
    "speech_deltas",
    "tool_call",
    "two_tool_calls",
    "reasoning_summary",
    "refusal",
    "whole_text_only",
    "tool_call_not_json",
    "tool_call_done_says_other",
    "url_citation",
]


def events_of(llm: ChatDMXOmni) -> list[Any]:
    return list(llm.stream_events("Hello?", version="v3"))


def aevents_of(llm: ChatDMXOmni) -> list[Any]:
    async def run() -> list[Any]:
        return [event async for event in await llm.astream_events("Hello?", version="v3")]

    return asyncio.run(run())


@pytest.mark.parametrize("read", [events_of, aevents_of])
@pytest.mark.parametrize("name", [name for name in KINDS if name != "speech_deltas"])
def test_events_obey_the_protocol(gateway: LocalGateway, name: str, read: Any) -> None:
    gateway.play(ARRIVALS[name]())
    assert_valid_event_stream(read(model(gateway)))


@pytest.mark.parametrize("read", [events_of, aevents_of])
@pytest.mark.parametrize("shape", scripts.SPEECH_SHAPES)
def test_events_of_speech_obey_the_protocol(gateway: LocalGateway, shape: str, read: Any) -> None:
    """langchain-tests' validator wants an audio block to end with `data`, which no content block has."""
    gateway.play(scripts.sse(scripts.spoken(TEXT, PCM, shape)))
    events = read(model(gateway, voice="Tina"))
    assert_valid_event_stream([event for event in events if event.get("index") != 1])
    speech = [event for event in events if event.get("index") == 1]
    assert speech[0] == {
        "event": "content-block-start",
        "index": 1,
        "content": {"type": "audio", "mime_type": "audio/wav"},
    }
    assert {event["delta"]["type"] for event in speech[1:-1]} == {"data-delta"}
    heard = b"".join(base64.b64decode(event["delta"]["data"], validate=True) for event in speech[1:-1])
    assert heard == wav(PCM, length=0xFFFFFFFF)
    assert base64.b64decode("".join(event["delta"]["data"] for event in speech[1:-1]), validate=True) == heard
    assert speech[-1]["event"] == "content-block-finish"
    assert base64.b64decode(speech[-1]["content"]["base64"], validate=True) == wav(PCM)


def test_interleaved_blocks_end_right(gateway: LocalGateway) -> None:
    gateway.play(ARRIVALS["two_tool_calls"]())
    stream = model(gateway).stream_events("Hello?", version="v3")
    deltas = [(chunk["id"], chunk["args"]) for chunk in stream.tool_calls]
    assert "".join(args for id_, args in deltas if id_ == "call_1") == scripts.TOOL_ARGUMENTS
    assert "".join(args for id_, args in deltas if id_ == "call_2") == scripts.TOOL_ARGUMENTS
    assert [(call["name"], call["id"], call["args"]) for call in stream.output.tool_calls] == [
        ("weather", "call_1", {"city": "Paris", "days": 3}),
        ("weather", "call_2", {"city": "Paris", "days": 3}),
    ]


def test_invalid_arguments_end_as_an_invalid_call(gateway: LocalGateway) -> None:
    gateway.play(scripts.sse(_bad_call()))
    stream = model(gateway).stream_events("Hello?", version="v3")
    assert_valid_event_stream(list(stream))
    (call,) = stream.output.invalid_tool_calls
    assert (call["name"], call["args"]) == ("weather", "[1")


def _bad_call() -> list[dict[str, Any]]:
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "weather", "arguments": "[1"}
    frame = scripts.answer("", deltas=[])
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    return [frame[0], done, {"type": "response.completed", "response": {"id": "resp_1", "output": [item]}}]


def test_speech_goes_out_as_it_comes(gateway: LocalGateway) -> None:
    """The first sound is out before the last has arrived."""
    script = scripts.sse(scripts.spoken(TEXT, PCM, "deltas"), pause=0.01)
    gateway.play(script)
    events: Iterable[Any] = model(gateway, voice="Tina").stream_events("Hello?", version="v3")
    for event in events:
        if event.get("delta", {}).get("type") == "data-delta":
            assert not gateway.requests[0].finished.is_set()
            break
    else:
        pytest.fail("no speech came")


def test_a_stream_that_breaks_says_so(gateway: LocalGateway) -> None:
    gateway.play(ARRIVALS["closes_early"]())
    stream = model(gateway).stream_events("Hello?", version="v3")
    with pytest.raises(errors.StreamInterruptedError, match="before the answer ended"):
        list(stream)
