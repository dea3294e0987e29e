"""Questions answered by the graph: what goes from node to node, what is streamed, spoken and kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver

from langchain_dmx_omni import Speech, errors
from langchain_dmx_omni.library import Moment
from langchain_dmx_omni.library._citations import Citation
from langchain_dmx_omni.library._evidence import all_queries, fused
from langchain_dmx_omni.library._graph import aask, ask, build_graph
from langchain_dmx_omni.library.answers import Answer
from langchain_dmx_omni.testing import LocalGateway, Request, Script, scripts
from tests.calls import COLLECTED, model
from tests.library_parts import Shelf, model_of

QUESTION = "When did the crane stop?"
NOTHING = "The library does not show it."

pytestmark = [
    pytest.mark.filterwarnings("ignore:The method `BaseChatModel._a?chat_model_stream_v3` is in beta"),
    pytest.mark.filterwarnings("ignore:The v3 streaming protocol on Pregel is experimental"),
]


@pytest.fixture
def shelf(film: Path) -> Shelf:
    return Shelf(
        Moment(str(film), 2.0, 5.0, "the crane did stop", id="stop", title="Crane"),
        Moment(str(film), 6.0, 8.0, "the crane moves", id="move", title="Crane"),
        Moment("/gone/gate.mp4", 1.0, 4.0, "the gate opens", id="gate"),
    )


def put(graph: Any, shelf: Shelf, way: str, question: str = QUESTION, **config: Any) -> Answer:
    if way == "invoke":
        return ask(graph, shelf, question, config or None)  # type: ignore[arg-type]
    return asyncio.run(aask(graph, shelf, question, config or None))  # type: ignore[arg-type]


def kinds(gateway: LocalGateway) -> list[str]:
    """What the model was asked for, in order."""
    signs = {
        "Write the search queries": "plan",
        "Does this clip show": "look",
        "Say exactly": "speak",
        "Answer it in its own": "answer",
    }
    bodies = [json.dumps(request.body, ensure_ascii=False) for request in gateway.requests]
    return [next(kind for sign, kind in signs.items() if sign in body) for body in bodies]


def present(request: Request) -> dict[str, Any]:
    """Three seconds from the moment's start, after the margin of two."""
    return {"present": "It lasts 7.0" in request.question, "start": 3, "end": 4, "seen": "the hook is still"}


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", COLLECTED)
def test_an_answer_rests_on_what_was_seen(shelf: Shelf, film: Path, way: str) -> None:
    with LocalGateway(answer=model_of(plan=["crane"], look=present, answer="It stopped [1], [3].")) as gateway:
        answer = put(build_graph(shelf, model(gateway)), shelf, way)
        assert kinds(gateway) == ["plan", "look", "look", "answer"]
    assert answer.text == "It stopped [1]."
    assert answer.citations == [Citation(str(film), 3.0, 4.0, "the hook is still")]
    assert (answer.citations[0].number, answer.citations[0].moment_id) == (1, "stop")
    # The other crane was looked at and is not it; the gate can't be looked at, and is what was retrieved.
    assert answer.moments == [
        replace(shelf.by_id["stop"], start=3.0, end=4.0, text="the hook is still"),
        shelf.by_id["gate"],
    ]
    assert answer.notes == [
        "gate.mp4, 0:01–0:04: it could not be looked at: /gone/gate.mp4: it can't be read: No such file or "
        "directory; give the path of a local file"
    ]
    assert answer.speech is None
    assert answer.usage is not None
    assert answer.usage["total_tokens"] > 0
    assert repr(answer) == "Answer('It stopped [1].', 1 of 2 moments cited)"
    assert str(answer) == "It stopped [1].\n[1] Crane, 0:03–0:04: the hook is still"
    assert shelf.queries == [QUESTION, "crane"]


PARTS: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({}, ["plan", "look", "look", "look", "answer"], [QUESTION, "crane"]),
    ({"plan": False}, ["look", "look", "look", "answer"], [QUESTION]),
    ({"look": False}, ["plan", "answer"], [QUESTION, "crane"]),
    ({"plan": False, "look": False}, ["answer"], [QUESTION]),
    ({"plan": False, "look": False, "voice": "Tina"}, ["answer", "speak"], [QUESTION]),
]


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(("options", "calls", "queries"), PARTS, ids=repr)
def test_parts_that_are_left_out_cost_nothing(
    film: Path, options: dict[str, Any], calls: list[str], queries: list[str], way: str
) -> None:
    shelf = Shelf(*(Moment(str(film), at, at + 1.0, "the crane did stop", id=str(at)) for at in (0, 3, 6)))
    with LocalGateway(answer=model_of(plan=["crane"])) as gateway:
        answer = put(build_graph(shelf, model(gateway), **options), shelf, way)
        assert kinds(gateway) == calls
    assert [citation.moment_id for citation in answer.citations] == ["0"]
    assert shelf.queries == queries


def test_the_search_is_limited_as_the_graph_says(gateway: LocalGateway, shelf: Shelf, film: Path) -> None:
    options: dict[str, Any] = {"plan": False, "look": False}

    def moments(**search: Any) -> list[str]:
        graph = build_graph(shelf, model(gateway), **options, **search)
        return [moment["id"] for moment in graph.invoke({"question": QUESTION})["moments"]]

    assert moments() == ["stop", "move", "gate"]
    assert moments(k=1) == ["stop"]
    assert moments(source=str(film)) == ["stop", "move"]
    assert moments(between=(5.5, 9.0)) == ["move"]


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(
    ("question", "sentence"),
    [("What do penguins eat?", NOTHING), ("企鹅吃什么？", "视频库中没有这方面的内容。")],
)
def test_what_is_not_retrieved_is_not_asked_about(shelf: Shelf, question: str, sentence: str, way: str) -> None:
    with LocalGateway(answer=model_of()) as gateway:
        answer = put(build_graph(shelf, model(gateway), plan=False), shelf, way, question)
        assert kinds(gateway) == []
    assert answer == Answer(sentence, [], [])


@pytest.mark.parametrize("way", COLLECTED)
def test_what_is_seen_nowhere_is_not_answered(film: Path, way: str) -> None:
    shelf = Shelf(Moment(str(film), 2.0, 5.0, "the crane did stop", id="stop"))
    absent = {"present": False, "start": 0, "end": 0}
    with LocalGateway(answer=model_of(look=absent)) as gateway:
        answer = put(build_graph(shelf, model(gateway), plan=False), shelf, way)
        assert kinds(gateway) == ["look"]
    assert (answer.text, answer.citations, answer.moments, answer.notes) == (NOTHING, [], [], [])


@pytest.mark.parametrize("answer", ["It stopped at once.", "It stopped [7].", "The moments do not say."])
def test_an_answer_that_rests_on_nothing(film: Path, answer: str) -> None:
    shelf = Shelf(Moment(str(film), 2.0, 5.0, "the crane did stop", id="stop"))
    with LocalGateway(answer=model_of(answer=answer)) as gateway:
        given = put(build_graph(shelf, model(gateway), plan=False, look=False), shelf, "invoke")
    assert (given.text, given.citations) == (NOTHING, [])
    assert given.moments == [shelf.by_id["stop"]]


def test_where_nothing_can_be_looked_at_what_was_retrieved_is_the_evidence() -> None:
    shelf = Shelf(
        *(Moment(f"/gone/{name}.mp4", 1.0, 4.0, f"the {name} did stop", id=name) for name in ("crane", "car"))
    )
    with LocalGateway(answer=model_of(answer="Both did [1, 2].")) as gateway:
        answer = put(build_graph(shelf, model(gateway), plan=False), shelf, "invoke")
    assert [citation.quote for citation in answer.citations] == ["the crane did stop", "the car did stop"]
    assert len(answer.notes) == 2


def test_what_has_left_the_library_meanwhile_is_no_evidence(film: Path) -> None:
    shelf = Shelf(Moment(str(film), 2.0, 5.0, "the crane did stop", id="stop"))

    def leaves(request: Request) -> str:
        shelf.by_id.clear()
        return json.dumps({"present": True, "start": 0, "end": 1, "seen": "it"})

    with LocalGateway(answer=leaves) as gateway:
        answer = put(build_graph(shelf, model(gateway), plan=False), shelf, "invoke")
    assert answer == replace(answer, text=NOTHING, citations=[], moments=[], notes=[])


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(
    "script", [scripts.error(400, "data_inspection_failed"), scripts.sse(scripts.answer("no JSON"))], ids=["400", "no"]
)
def test_a_search_that_cannot_be_planned(shelf: Shelf, script: Script, way: str) -> None:
    with LocalGateway(answer=model_of()) as gateway:
        gateway.play(script)
        with pytest.warns(errors.DMXOmniWarning, match="the search is not planned"):
            answer = put(build_graph(shelf, model(gateway), look=False), shelf, way)
    assert [citation.moment_id for citation in answer.citations] == ["stop"]
    assert shelf.queries == [QUESTION]


@pytest.mark.parametrize("way", COLLECTED)
def test_a_wrong_key_ends_it(gateway: LocalGateway, shelf: Shelf, way: str) -> None:
    with pytest.raises(errors.AuthenticationError):
        put(build_graph(shelf, model(gateway, api_key="sk-wrong")), shelf, way)


@pytest.mark.parametrize("state", [{}, {"question": " "}, {"messages": [HumanMessage("")]}, {"messages": []}])
def test_nothing_is_asked(gateway: LocalGateway, shelf: Shelf, state: Any) -> None:
    with pytest.raises(errors.ConfigurationError, match="there is no question"):
        build_graph(shelf, model(gateway)).invoke(state)


@pytest.mark.parametrize(
    ("options", "problem"),
    [({"k": 0}, "k=0: 1 or more"), ({"voice": "Tina"}, "voice='Tina': a FakeListChatModel does not speak")],
)
def test_options_that_cannot_be(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=problem):
        build_graph(Shelf(), FakeListChatModel(responses=[""]), look=False, plan=False, **options)


def test_other_models_answer_too(shelf: Shelf) -> None:
    llm = FakeListChatModel(responses=["It stopped [1]."])
    answer = put(build_graph(shelf, llm, plan=False, look=False), shelf, "invoke")
    assert (answer.text, answer.usage) == ("It stopped [1].", None)


# --- pure parts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("planned", "queries"),
    [
        ([], ["why?"]),
        (["crane", " crane ", "why?", ""], ["why?", "crane"]),
        (["a", "b", "c", "d", "e"], ["why?", "a", "b", "c"]),
    ],
)
def test_queries(planned: list[str], queries: list[str]) -> None:
    assert all_queries("why?", planned) == queries


@pytest.mark.parametrize(
    ("rankings", "k", "best"),
    [
        ([], 5, ""),
        (["abc"], 2, "ab"),
        (["abc", "cab"], 5, "acb"),
        (["ab", "cb"], 3, "bac"),
        (["a", "b"], 5, "ab"),
    ],
)
def test_fusion(rankings: list[str], k: int, best: str) -> None:
    moments = [[Moment("film.mp4", 0, 1, id, id=id) for id in ranking] for ranking in rankings]
    fusion = fused(moments, k)
    assert "".join(moment.id for moment in fusion) == best
    assert [moment.score for moment in fusion] == sorted((moment.score for moment in fusion), reverse=True)


# --- speech -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(("voice", "own"), [("Serena", None), (None, "Tina"), ("Serena", "Tina")])
def test_the_checked_answer_is_spoken(shelf: Shelf, way: str, voice: str | None, own: str | None) -> None:
    said: list[tuple[str, str | None]] = []
    reply = model_of(answer="It stopped at 0:02 [1] [9].")

    def listening(request: Request) -> str:
        said.append((request.question, request.voice))
        return reply(request)

    with LocalGateway(answer=listening) as gateway:
        llm = model(gateway, voice=own)
        answer = put(build_graph(shelf, llm, plan=False, look=False, voice=voice), shelf, way)
    assert answer.text == "It stopped at 0:02 [1]."
    assert answer.speech is not None
    assert answer.speech.duration > 0.5
    assert [voice for _, voice in said] == [None, voice or own]
    assert said[1][0] == "Say exactly these words, and nothing else:\n\nIt stopped at 2 seconds."


@pytest.mark.parametrize("way", COLLECTED)
def test_that_the_library_does_not_show_it_is_spoken_too(shelf: Shelf, way: str) -> None:
    with LocalGateway(answer=model_of()) as gateway:
        graph = build_graph(shelf, model(gateway), plan=False, voice="Tina")
        answer = put(graph, shelf, way, "What do penguins eat?")
        assert kinds(gateway) == ["speak"]
    assert answer.speech is not None
    assert repr(answer).startswith("Answer('The library does not show it.', 0 of 0 moments cited, speech=Speech(")


def test_a_model_for_text_does_not_speak(shelf: Shelf) -> None:
    with LocalGateway(answer=model_of()) as gateway:
        llm = model(gateway, voice="Tina", modalities=["text"])
        assert put(build_graph(shelf, llm, plan=False, look=False), shelf, "invoke").speech is None


def test_a_voice_that_says_something_else(shelf: Shelf) -> None:
    reply = model_of(answer="It stopped at 0:02 [1].")
    with LocalGateway(answer=lambda request: "At 3 seconds!" if request.voice else reply(request)) as gateway:
        graph = build_graph(shelf, model(gateway, voice="Tina"), plan=False, look=False)
        with pytest.warns(
            errors.DMXOmniWarning, match="the voice says something else than the answer: 'At 3 seconds!'"
        ):
            assert put(graph, shelf, "invoke").text == "It stopped at 0:02 [1]."


# --- streams ----------------------------------------------------------------------------------------------------------


def streamed(graph: Any) -> list[tuple[str, Any]]:
    stream = graph.stream({"question": QUESTION}, stream_mode="messages")
    return [(metadata["langgraph_node"], message) for message, metadata in stream]


def astreamed(graph: Any) -> list[tuple[str, Any]]:
    async def run() -> list[tuple[str, Any]]:
        stream = graph.astream({"question": QUESTION}, stream_mode="messages")
        return [(metadata["langgraph_node"], message) async for message, metadata in stream]

    return asyncio.run(run())


def v3(graph: Any) -> list[tuple[str, Any]]:
    run = graph.stream_events({"question": QUESTION}, version="v3")
    return [(message.node, (list(message), message.output)[1]) for message in run.messages]


def av3(graph: Any) -> list[tuple[str, Any]]:
    async def stream() -> list[tuple[str, Any]]:
        run = await graph.astream_events({"question": QUESTION}, version="v3")
        return [(message.node, await message.output) async for message in run.messages]

    return asyncio.run(stream())


@pytest.mark.parametrize("stream", [streamed, astreamed, v3, av3])
def test_streams_carry_text_and_speech_and_no_more(
    shelf: Shelf, stream: Callable[[Any], list[tuple[str, Any]]]
) -> None:
    look = {"present": True, "start": 2, "end": 3, "seen": "the hook is still"}
    with LocalGateway(answer=model_of(plan=["crane"], look=look, answer="It stopped at 0:02 [1].")) as gateway:
        messages = stream(build_graph(shelf, model(gateway), voice="Tina"))
    answer = "".join(each.text for node, each in messages if node == "answer")
    speech = [each for node, each in messages if node == "speak"]
    assert {node for node, _ in messages} == {"answer", "speak"}
    assert answer == "It stopped at 0:02 [1]."
    assert "".join(each.text for each in speech) == "It stopped at 2 seconds."
    assert Speech.from_chunks(speech).duration > 0.5


def test_a_corrected_answer_streams_as_one_more_message(shelf: Shelf) -> None:
    with LocalGateway(answer=model_of(answer="It stopped [9].")) as gateway:
        messages = [each for node, each in streamed(build_graph(shelf, model(gateway), plan=False, look=False))]
    draft = reduce(add, [each for each in messages if isinstance(each, AIMessageChunk)])
    assert draft.text == "It stopped [9]."
    assert [each.text for each in messages if type(each) is AIMessage] == [NOTHING]


# --- state ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", COLLECTED)
def test_a_checkpoint_is_small_and_plain(shelf: Shelf, way: str) -> None:
    saver = InMemorySaver()
    with LocalGateway(answer=model_of(plan=["crane"])) as gateway:
        graph = build_graph(shelf, model(gateway), voice="Tina", checkpointer=saver)
        answer = put(graph, shelf, way, configurable={"thread_id": "1"})
        assert answer.speech is not None
        kept = graph.get_state({"configurable": {"thread_id": "1"}}).values
    messages = kept.pop("messages")
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert [(message.type, message.content) for message in messages] == [("human", QUESTION), ("ai", answer.text)]
    assert sorted(kept) == ["answer", "citations", "looks", "moments", "queries", "question"]
    assert kept["moments"][0] == {"id": "stop", "start": 2.0, "end": 5.0}
    stored = sum(len(blob) for _, blob in saver.blobs.values())
    stored += sum(len(write[2][1]) for writes in saver.writes.values() for write in writes.values())
    assert stored < 10_000


def test_the_conversation_goes_on(shelf: Shelf) -> None:
    prompts: list[list[tuple[str, str]]] = []
    reply = model_of()

    def listening(request: Request) -> str:
        prompts.append([(message.role, message.text) for message in request.messages if message.role != "system"])
        return reply(request)

    config: Any = {"configurable": {"thread_id": "1"}}
    with LocalGateway(answer=listening) as gateway:
        graph = build_graph(shelf, model(gateway), look=False, checkpointer=InMemorySaver())
        graph.invoke({"messages": [HumanMessage(QUESTION)]}, config)
        state = graph.invoke({"messages": [HumanMessage("And when did the gate open?")]}, config)
        again = graph.invoke({"question": QUESTION}, config)
    before = [("user", QUESTION), ("assistant", "It stopped [1].")]
    assert [prompt[:-1] for prompt in prompts[:4]] == [[], [], before, before]
    assert [message.text for message in state["messages"]][-2:] == ["And when did the gate open?", "It stopped [1]."]
    assert len(again["messages"]) == 6
    assert again["question"] == QUESTION
