"""`SmallHistory`: no media in an agent's checkpoints, all of it where it is needed."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command

from langchain_dmx_omni import ChatDMXOmni, Speech, media
from langchain_dmx_omni.errors import ConfigurationError, NoSpeechError, StorageError
from langchain_dmx_omni.middleware import SmallHistory
from langchain_dmx_omni.testing import Answer, Call, LocalGateway, Request

from . import gateway_clips as clips
from .calls import model

if TYPE_CHECKING:
    from collections.abc import Iterator

PCM = bytes(range(256)) * 3_000  # 16 seconds
WAV = clips.sound(10.0, 0.5)
MP4 = clips.clip(clips.RED, seconds=0.2, amplitude=None)
PNG = clips.image("png", clips.RED, width=16, height=16)
THREAD: Any = {"configurable": {"thread_id": "1"}}


def answer(request: Request) -> Answer:
    """Look at the camera when asked to; otherwise say what was sent."""
    if "look" in request.question and not request.tool_results:
        return Answer(calls=[Call("look", {})])
    return Answer(f"{len(request.media)} media", speech=PCM if request.voice else None)


def look() -> list[dict[str, Any]]:
    """Look through the camera."""
    return [media.image(PNG)]


@pytest.fixture
def llm() -> Iterator[ChatDMXOmni]:
    with LocalGateway(answer=answer) as gateway:
        yield model(gateway, voice="Tina")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "media"


def talk(agent: Any, way: str, *questions: Any) -> list[BaseMessage]:
    """Ask one question after the other; the messages of the state at the end."""

    async def ainvoke() -> Any:
        for question in questions:
            state = await agent.ainvoke({"messages": question}, THREAD)
        return state

    def invoke() -> Any:
        for question in questions:
            state = agent.invoke({"messages": question}, THREAD)
        return state

    messages = (asyncio.run(ainvoke()) if way == "ainvoke" else invoke())["messages"]
    assert isinstance(messages, list)
    return messages


def kinds(message: BaseMessage) -> list[str]:
    """Type of each block, and how it holds its media."""
    held = [block for block in message.content if isinstance(block, dict)]
    return [f"{block['type']}{' url' * ('url' in block)}{' base64' * ('base64' in block)}" for block in held]


ASKED = HumanMessage([media.audio(WAV), {"type": "text", "text": "What?"}])


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_three_turns_with_voice_are_less_than_100_kb(llm: ChatDMXOmni, folder: Path, tmp_path: Path, way: str) -> None:
    history = SmallHistory(folder)
    sizes = {}
    for name, middleware in (("plain", []), ("small", [history])):
        with closing(sqlite3.connect(tmp_path / name, check_same_thread=False)) as connection:
            saver = SqliteSaver(connection) if way == "invoke" else InMemorySaver()
            agent = create_agent(llm, [look], middleware=middleware, checkpointer=saver)
            asked = history.refer([ASKED]) if middleware else [ASKED]
            messages = talk(agent, way, *([each.model_copy() for each in asked] for _ in range(3)))
            sizes[name] = len(saver.serde.dumps_typed(messages)[1])
        if way == "invoke":
            sizes[name] = (tmp_path / name).stat().st_size
    assert sizes["small"] < 100_000 < 3_000_000 < sizes["plain"]
    assert [message.text for message in messages if isinstance(message, AIMessage)] == ["1 media"] * 3
    assert history.speech(messages[-1]).pcm == PCM
    assert len([*folder.iterdir()]) == 2  # the question and the answer, however often


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_inline_media_leaves_the_state_with_the_answer(llm: ChatDMXOmni, folder: Path, way: str) -> None:
    agent = create_agent(llm, [look], middleware=[SmallHistory(folder)], checkpointer=InMemorySaver())
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{media.image(PNG)['base64']}"}}
    messages = talk(agent, way, [HumanMessage([media.audio(WAV), image, "What?"])], "And now look!")
    assert [(message.type, kinds(message)) for message in messages] == [
        ("human", ["audio url", "image url"]),
        ("ai", ["text", "audio url"]),
        ("human", []),
        ("ai", []),
        ("tool", ["image url"]),
        ("ai", ["text", "audio url"]),
    ]
    # The picture of the tool is of this turn, the sound of the one before.
    assert messages[-1].text == "1 media"


PNG_URL = f"data:image/png;base64,{media.image(PNG)['base64']}"
REFERRED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ours": (media.video(MP4, fps=1), {"type": "video", "mime_type": "video/mp4", "extras": {"fps": 1}}),
    "a data URL": ({"type": "image", "url": PNG_URL}, {"type": "image"}),
    "OpenAI's": ({"type": "image_url", "image_url": {"url": PNG_URL}}, {"type": "image", "mime_type": "image/png"}),
    "the service's": (
        {"type": "video_url", "video_url": {"url": f"data:;base64,{media.video(MP4)['base64']}"}, "fps": 1},
        {"type": "video", "fps": 1},
    ),
}
AS_THEY_ARE: dict[str, Any] = {
    "text": {"type": "text", "text": "Hi"},
    "a string": "Hi",
    "a URL": {"type": "image", "url": "https://example.com/a.png"},
    "the service's URL": {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
    "a reference": {"type": "video", "url": "file:///a.mp4"},
    "broken base64": {"type": "audio", "base64": "A!"},
}


@pytest.mark.parametrize(("block", "after"), REFERRED.values(), ids=REFERRED)
def test_a_block_becomes_a_reference(folder: Path, block: dict[str, Any], after: dict[str, Any]) -> None:
    (message,) = SmallHistory(folder).refer([HumanMessage([block])])
    (reference,) = message.content
    (path,) = folder.iterdir()
    assert reference == {**after, "url": path.as_uri()}
    assert path.read_bytes() in (PNG, MP4)
    assert path.suffix in (".png", ".mp4")


@pytest.mark.parametrize("block", AS_THEY_ARE.values(), ids=AS_THEY_ARE)
def test_what_holds_no_bytes_stays(folder: Path, block: Any) -> None:
    message = HumanMessage([block])
    assert SmallHistory(folder).refer([message])[0] is message


@pytest.mark.parametrize(("turns", "sent"), [(1, "1 media"), (2, "2 media"), (None, "3 media")])
def test_the_model_is_sent_the_media_of_the_last_turns(
    llm: ChatDMXOmni, folder: Path, turns: int | None, sent: str
) -> None:
    agent = create_agent(llm, middleware=[SmallHistory(folder, media_turns=turns)], checkpointer=InMemorySaver())
    messages = talk(agent, "invoke", *([HumanMessage([media.audio(WAV), f"What {turn}?"])] for turn in range(3)))
    assert messages[-1].text == sent


def test_speech_can_be_dropped_and_is_heard_live(llm: ChatDMXOmni, folder: Path) -> None:
    history = SmallHistory(folder, keep_speech=False)
    agent: Any = create_agent(llm, middleware=[history], checkpointer=InMemorySaver())
    chunks = [chunk for chunk, _ in agent.stream({"messages": "Hi"}, THREAD, stream_mode="messages")]
    assert Speech.from_chunks(chunks).pcm == PCM
    assert agent.get_state(THREAD).values["messages"][-1].content == "0 media"
    assert not folder.exists()


def test_a_folder_of_the_user_s_is_still_read(llm: ChatDMXOmni, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "talk.wav").write_bytes(WAV)
    question = [HumanMessage([media.audio(tmp_path / "talk.wav", inline=False)])]
    agent = create_agent(llm.model_copy(update={"media_roots": [tmp_path]}), middleware=[SmallHistory(folder)])
    assert talk(agent, "invoke", question)[-1].text == "1 media"


def test_a_command_s_messages_are_small_too(folder: Path) -> None:
    message = ToolMessage([media.image(PNG)], tool_call_id="1")
    command: Command[Any] = Command(update={"messages": [message, ("human", "x")], "more": 1})
    after = SmallHistory(folder)._returned(command)
    assert isinstance(after, Command)
    assert isinstance(after.update, dict)
    assert kinds(after.update["messages"][0]) == ["image url"]
    assert (after.update["messages"][1], after.update["more"]) == (("human", "x"), 1)
    assert SmallHistory(folder)._returned(Command(goto="end")) == Command(goto="end")


def test_speech_elsewhere_is_not_read(folder: Path, tmp_path: Path) -> None:
    history = SmallHistory(folder)
    (tmp_path / "talk.wav").write_bytes(WAV)
    for url in ((tmp_path / "talk.wav").as_uri(), f"{folder.as_uri()}/../talk.wav", "https://example.com/a.wav"):
        with pytest.raises(NoSpeechError, match=r"the speech is elsewhere, not in .*media: "):
            history.speech(AIMessage([{"type": "audio", "url": url}]))
    with pytest.raises(StorageError, match=r"can't read speech in .*gone\.wav"):
        history.speech(AIMessage([{"type": "audio", "url": (folder / "gone.wav").as_uri()}]))
    assert history.speech(AIMessage([media.audio(WAV)])).duration == 10.0


@pytest.mark.parametrize("turns", [0, -1])
def test_media_of_no_turn_is_refused(folder: Path, turns: int) -> None:
    with pytest.raises(ConfigurationError, match=f"media_turns={turns}: give 1 or more"):
        SmallHistory(folder, media_turns=turns)


def test_without_langchain_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['langchain.agents.middleware'] = None; import langchain_dmx_omni.middleware"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert re.search(r"^ImportError: .*pip install -U langchain$", result.stderr, re.MULTILINE)
