"""A warning points at the user's own line, whichever way the package was called."""

from __future__ import annotations

import asyncio
import linecache
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda

from langchain_dmx_omni import ChatDMXOmni, jobs, media, video
from langchain_dmx_omni.errors import DMXOmniWarning
from langchain_dmx_omni.testing import Answer, LocalGateway

from .gateway_clips import sound
from .test_video_awkward import DAMAGED, write_clip

HERE = "# here"
PACKAGE = Path(__file__).parent.parent / "langchain_dmx_omni"
SOUND = [("human", [media.audio(sound(0.2, 0.5))])]
CITED: list[Any] = [
    AIMessage([{"type": "web_search_call", "id": "1"}, {"type": "text", "text": "Hm."}]),
    ("human", "Go on."),
]


@pytest.fixture(scope="module")
def llm() -> Iterator[ChatDMXOmni]:
    with LocalGateway(answer=lambda request: Answer("Fine.", speech=b"" if request.voice else None)) as gateway:
        yield ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key)


def stream(llm: Any, asked: Any = "Hi", **options: Any) -> None:
    for _ in llm.stream(asked, **options):  # here
        pass


def ainvoke(llm: Any, asked: Any = "Hi", **options: Any) -> None:
    async def run() -> None:
        await llm.ainvoke(asked, **options)  # here

    asyncio.run(run())


def astream(llm: Any, asked: Any = "Hi", **options: Any) -> None:
    async def run() -> None:
        async for _ in llm.astream(asked, **options):  # here
            pass

    asyncio.run(run())


def abatch(llm: Any, asked: Any = "Hi", **options: Any) -> None:
    async def run() -> None:
        await llm.abatch([asked, asked], **options)  # here

    asyncio.run(run())


def agent_ainvoke(agent: Any) -> None:
    async def run() -> None:
        await agent.ainvoke({"messages": "Hi"})

    asyncio.run(run())  # here: LangGraph's tasks are the loop's, and nothing of them leads back to the line that waits


def agent_stream(agent: Any) -> None:
    for _ in agent.stream({"messages": "Hi"}, stream_mode="messages"):  # here
        pass


def agent(llm: ChatDMXOmni) -> Any:
    return create_agent(llm.model_copy(update={"enable_search": True}), [weather])


def structured(llm: ChatDMXOmni) -> Any:
    schema = {"title": "T", "type": "object", "properties": {}}
    return llm.with_structured_output(schema, method="json_mode", include_raw=True, voce="Tina")


def weather(city: str) -> str:
    """Tell the weather."""
    return f"Rain in {city}."


PROMPT = ChatPromptTemplate.from_messages([("human", "{text}")])
SUBTITLES = jobs.Subtitles(lines=[]).with_missing(
    [jobs.Missing(window=jobs.Window(0, 0.0, 1.0), error=ValueError("refused"))]
)

CALLS: dict[str, Callable[[ChatDMXOmni], object]] = {
    "the model": lambda llm: ChatDMXOmni(voce="Tina"),  # here
    "a copy's name": lambda llm: llm.bind(voce="Tina").invoke("Hi"),  # here
    "invoke": lambda llm: llm.invoke("Hi", voce="Tina"),  # here
    "stream": lambda llm: stream(llm, voce="Tina"),
    "ainvoke": lambda llm: ainvoke(llm, voce="Tina"),
    "astream": lambda llm: astream(llm, voce="Tina"),
    "ainvoke with media": lambda llm: ainvoke(llm, SOUND, voce="Tina"),
    "astream with media": lambda llm: astream(llm, SOUND, voce="Tina"),
    "batch": lambda llm: llm.batch(["Hi", "Hi"], voce="Tina"),  # here
    "abatch": lambda llm: abatch(llm, voce="Tina"),
    "abatch with media": lambda llm: abatch(llm, SOUND, voce="Tina"),
    "a chain": lambda llm: (PROMPT | llm.bind(voce="Tina") | RunnableLambda(str)).invoke({"text": "Hi"}),  # here
    "structured output": lambda llm: structured(llm).invoke("Say it in JSON"),  # here
    "an agent": lambda llm: agent(llm).invoke({"messages": "Hi"}),  # here
    "an agent, async": lambda llm: agent_ainvoke(agent(llm)),
    "an agent's stream": lambda llm: agent_stream(agent(llm)),
    "an answer without speech": lambda llm: llm.invoke("Hi", voice="Tina"),  # here
    "an answer without speech, streamed": lambda llm: stream(llm, voice="Tina"),
    "an answer without speech, async": lambda llm: ainvoke(llm, voice="Tina"),
    "a history": lambda llm: llm.invoke(CITED),  # here
    "tools and search": lambda llm: llm.bind_tools([weather]).invoke("Hi", enable_search=True),  # here
    "an event log": lambda llm: llm.model_copy(update={"event_log": Path(__file__)}).invoke("Hi"),  # here
    "pictures": lambda llm: media.image(two_pictures(), fit=True),  # here
    "a file that is cut off": lambda llm: video.fit("cut.mp4", out="out.mp4"),  # here
    "a file that is cut off, and its scenes": lambda llm: video.scenes("cut.mp4"),  # here
    "windows": lambda llm: video.windows("cut.mp4", window=1.0),  # here
    "a former name": lambda llm: jobs.merge([], lambda one, two: True, both=jobs.longer),  # here
    "gaps": lambda llm: SUBTITLES.srt(),  # here
}


def two_pictures() -> bytes:
    import io

    from PIL import Image

    one, two = (Image.new("RGB", (32, 32), color) for color in ("red", "blue"))
    data = io.BytesIO()
    one.save(data, "GIF", save_all=True, append_images=[two])
    return data.getvalue()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_warning_points_at_the_user_s_line(
    llm: ChatDMXOmni, call: Callable[[ChatDMXOmni], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path / "cache"))
    write_clip(next(iter(DAMAGED)), tmp_path).rename("cut.mp4")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(llm)
    assert caught
    for each in caught:
        assert issubclass(each.category, DMXOmniWarning | DeprecationWarning)
        assert each.filename == __file__
        assert HERE in linecache.getline(__file__, each.lineno), each


def test_a_line_is_warned_about_once(llm: ChatDMXOmni) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            llm.invoke("Hi", voce="Tina")
    assert len(caught) == 1


def test_no_module_warns_in_another_way() -> None:
    texts = {path: path.read_text("utf-8") for path in PACKAGE.rglob("*.py") if path.name != "_warnings.py"}
    assert [path.name for path, text in texts.items() if re.search(r"warnings\.warn\(", text)] == []
