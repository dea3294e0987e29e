"""The tools for agents: what they say, what they refuse, and an agent that finds, looks, and answers with a clip."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver

from langchain_dmx_omni import Speech, errors, video
from langchain_dmx_omni.library import Moment
from langchain_dmx_omni.library._tools import tools
from langchain_dmx_omni.testing import Answer, LocalGateway, Request, scripts
from tests.calls import COLLECTED, model
from tests.library_parts import Shelf, model_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:The method `BaseChatModel._a?chat_model_stream_v3` is in beta"),
    pytest.mark.filterwarnings("ignore:The v3 streaming protocol on Pregel is experimental"),
]

SEEN = {"present": True, "start": 3, "end": 4.5, "seen": "the hook is still"}


@pytest.fixture
def shelf(film: Path) -> Shelf:
    return Shelf(
        Moment(str(film), 2.0, 5.0, "the crane did stop", 0.5, "caption", "stop", title="Crane", speaker="Ada"),
        Moment("/gone/gate.mp4", 1.0, 4.0, "the crane and a gate", 0.25, "caption", "gate"),
    )


def call(
    shelf: Shelf, gateway: LocalGateway, way: str, name: str, folder: Path | None = None, **args: Any
) -> ToolMessage:
    (tool,) = [each for each in tools(shelf, model(gateway), folder=folder) if each.name == name]
    request = {"name": name, "args": args, "id": "1", "type": "tool_call"}
    result = tool.invoke(request) if way == "invoke" else asyncio.run(tool.ainvoke(request))
    assert isinstance(result, ToolMessage)
    return result


@pytest.mark.parametrize("way", COLLECTED)
def test_a_search(gateway: LocalGateway, shelf: Shelf, film: Path, way: str) -> None:
    result = call(shelf, gateway, way, "search_recordings", query="the crane")
    assert result.content == (
        f"1. Crane, 0:02–0:05 (2.0 to 5.0 s)\n   id: stop\n   source: {film}\n   Ada: the crane did stop\n\n"
        "2. 0:01–0:04 (1.0 to 4.0 s)\n   id: gate\n   source: /gone/gate.mp4\n   the crane and a gate"
    )
    assert [Moment(**each) for each in result.artifact] == [*shelf.by_id.values()]
    assert json.loads(json.dumps(result.artifact)) == result.artifact
    assert gateway.requests == []


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ({"k": 1}, ["stop"]),
        ({"source": "/gone/gate.mp4"}, ["gate"]),
        ({"start": 4}, ["stop"]),
        ({"start": "0:04", "end": "1:00"}, ["stop"]),
        ({"end": 1.5}, ["gate"]),
        ({"source": None, "start": None, "end": None}, ["stop", "gate"]),
        ({"source": "elsewhere.mp4"}, []),
    ],
    ids=repr,
)
def test_a_search_within_limits(gateway: LocalGateway, shelf: Shelf, arguments: dict[str, Any], ids: list[str]) -> None:
    result = call(shelf, gateway, "invoke", "search_recordings", query="crane", **arguments)
    assert [each["id"] for each in result.artifact] == ids
    if not ids:
        assert result.content == "No moment was found for 'crane'. Try other words, or without source, start and end."


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize("by_id", [True, False])
def test_a_look(shelf: Shelf, film: Path, tmp_path: Path, way: str, by_id: bool) -> None:
    place: dict[str, Any] = {"moment_id": "stop"} if by_id else {"source": str(film), "start": 2, "end": "0:05"}
    with LocalGateway(answer=model_of(look=SEEN)) as gateway:
        result = call(shelf, gateway, way, "look_at_moment", tmp_path / "clips", question="when?", **place)
    path = tmp_path / "clips" / "film-3.0-4.5.mp4"
    assert result.content == (
        f"It is there, from 0:03 to 0:04 (3.0 to 4.5 s) of {film}: the hook is still\nClip: {path}"
    )
    looked = replace(shelf.by_id["stop"] if by_id else Moment(str(film), 0, 0, ""), start=3.0, end=4.5)
    assert result.artifact == {"moment": asdict(replace(looked, text="the hook is still")), "path": str(path)}
    assert video.probe(path).duration == pytest.approx(1.5, abs=0.2)


def test_a_clip_goes_to_the_cache(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path / "cache"))
    with LocalGateway(answer=model_of(look=SEEN)) as gateway:
        result = call(shelf, gateway, "invoke", "look_at_moment", question="when?", moment_id="stop")
    assert Path(result.artifact["path"]).parent == tmp_path / "cache"


@pytest.mark.parametrize("way", COLLECTED)
def test_a_look_at_what_is_not_there(shelf: Shelf, tmp_path: Path, way: str) -> None:
    absent = {"present": False, "start": 0, "end": 0, "seen": "Only a gate."}
    with LocalGateway(answer=model_of(look=absent)) as gateway:
        result = call(shelf, gateway, way, "look_at_moment", tmp_path / "clips", question="when?", moment_id="stop")
    assert result.content == "It is not there. Only a gate."
    assert result.artifact["path"] is None
    assert not (tmp_path / "clips").exists()


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("search_recordings", {"query": "crane", "k": 0}, "Tool input validation error"),
        ("search_recordings", {"query": "crane", "start": 5, "end": 1}, "the first before the second"),
        ("search_recordings", {"query": "crane", "start": "soon"}, "give two times in seconds"),
        ("look_at_moment", {"question": "?", "moment_id": "x"}, "there is no moment with the id 'x'"),
        ("look_at_moment", {"question": "?"}, "give moment_id, or all of source, start and end"),
        ("look_at_moment", {"question": "?", "source": "/etc/film.mp4", "start": 0, "end": 1}, "is not in the library"),
        ("look_at_moment", {"question": "?", "moment_id": "gate"}, "could not be looked at: /gone/gate.mp4"),
        ("look_at_moment", {"moment_id": "gate"}, "Tool input validation error"),
    ],
    ids=repr,
)
def test_what_is_wrong_is_said_to_the_agent(
    gateway: LocalGateway, shelf: Shelf, way: str, name: str, arguments: dict[str, Any], problem: str
) -> None:
    result = call(shelf, gateway, way, name, **arguments)
    assert problem in str(result.content)
    assert (result.status, result.artifact) == ("error", None)
    assert gateway.requests == []


@pytest.mark.parametrize("way", COLLECTED)
def test_what_the_library_refuses_is_said_to_the_agent(gateway: LocalGateway, way: str) -> None:
    class Refusing(Shelf):
        def search(self, query: str, **options: Any) -> list[Moment]:
            raise errors.ConfigurationError("the library is empty; library.add(…) fills it")

    result = call(Refusing(), gateway, way, "search_recordings", query="crane")
    assert (result.content, result.status) == ("the library is empty; library.add(…) fills it", "error")


@pytest.mark.parametrize("way", COLLECTED)
def test_a_wrong_key_is_not_the_agents_fault(gateway: LocalGateway, shelf: Shelf, way: str) -> None:
    (_, look) = tools(shelf, model(gateway, api_key="sk-wrong"))
    arguments = {"question": "?", "moment_id": "stop"}
    with pytest.raises(errors.AuthenticationError):
        look.invoke(arguments) if way == "invoke" else asyncio.run(look.ainvoke(arguments))


# --- an agent ---------------------------------------------------------------------------------------------------------


def agent_model(request: Request) -> str | Answer:
    """Search, look at the first moment, and answer with its clip."""
    if "Does this clip show" in request.question:
        return json.dumps(SEEN)
    match [result.name for result in request.tool_results]:
        case []:
            return Answer(calls=[scripts.Call("search_recordings", {"query": "crane stop", "k": 1})])
        case ["search_recordings"]:
            id = request.tool_results[0].output.partition("id: ")[2].partition("\n")[0]
            return Answer(calls=[scripts.Call("look_at_moment", {"moment_id": id, "question": "When did it stop?"})])
    assert request.voice == "Tina"
    return f"It stopped at 0:03, see {request.tool_results[1].output.partition('Clip: ')[2]}"


def by_invoke(agent: Any, asked: Any, config: Any) -> list[Any]:
    return agent.invoke(asked, config)["messages"]


def by_ainvoke(agent: Any, asked: Any, config: Any) -> list[Any]:
    return asyncio.run(agent.ainvoke(asked, config))["messages"]


def by_v3(agent: Any, asked: Any, config: Any) -> list[Any]:
    run = agent.stream_events(asked, config, version="v3")
    streamed = [(list(message), message.output)[1] for message in run.messages]
    # The model's own turns and nothing of the look; the last one is heard as it comes.
    assert [bool(message.tool_calls) for message in streamed] == [True, True, False]
    assert Speech.from_message(streamed[-1]).duration > 0.5
    return run.output["messages"]


@pytest.mark.parametrize("run", [by_invoke, by_ainvoke, by_v3])
def test_an_agent_finds_looks_and_answers_with_a_clip(
    shelf: Shelf, tmp_path: Path, run: Callable[[Any, Any, Any], list[Any]]
) -> None:
    with LocalGateway(answer=agent_model) as gateway:
        llm = model(gateway, voice="Tina")
        agent = create_agent(llm, tools=tools(shelf, llm, folder=tmp_path), checkpointer=InMemorySaver())
        config: RunnableConfig = {"configurable": {"thread_id": "1"}}
        messages = run(agent, {"messages": [HumanMessage("When did the crane stop?")]}, config)
        kept = agent.get_state(config).values["messages"]
    searched, looked = [message for message in messages if isinstance(message, ToolMessage)]
    assert [each["id"] for each in searched.artifact] == ["stop"]
    clip = tmp_path / "film-3.0-4.5.mp4"
    assert looked.artifact["path"] == str(clip)
    assert video.probe(clip).duration == pytest.approx(1.5, abs=0.2)
    answer = messages[-1]
    assert isinstance(answer, AIMessage)
    assert answer.text == f"It stopped at 0:03, see {clip}"
    assert Speech.from_message(answer).duration > 0.5
    assert [message.artifact for message in kept if isinstance(message, ToolMessage)] == [
        searched.artifact,
        looked.artifact,
    ]
