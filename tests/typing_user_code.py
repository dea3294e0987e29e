"""What users write, for type checkers: `mypy --strict` accepts every line, without a plugin. It is never run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import assert_type

import httpx
from langchain.agents import create_agent
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from pydantic import BaseModel, SecretStr

import langchain_dmx_omni
from langchain_dmx_omni import (
    ChatDMXOmni,
    DMXEmbeddings,
    DMXOmniError,
    DMXReranker,
    Speech,
    errors,
    jobs,
    media,
    video,
    voices,
)
from langchain_dmx_omni.middleware import SmallHistory
from langchain_dmx_omni.speech import pcm_chunks
from langchain_dmx_omni.testing import LocalGateway


def embeddings_and_uploads() -> None:
    llm = ChatDMXOmni(api_key="sk-x")
    embeddings = DMXEmbeddings.from_llm(llm, dimensions=256)
    assert_type(embeddings, DMXEmbeddings)
    assert_type(DMXEmbeddings(api_key="sk-x", timeout=httpx.Timeout(5)).embed_query("one"), list[float])
    ranked = DMXReranker(top_n=3).compress_documents([], "Why?")
    place = media.Place("s3://films/long", expires=60, endpoint_url="http://127.0.0.1:9000")
    print(ranked, media.video("clip.mp4", publish=place), media.audio("talk.wav", publish="s3://films/long"))


def readme_in_its_order() -> None:
    llm = ChatDMXOmni(voice="Tina")
    msg = llm.invoke([("human", [media.video("clip.mp4"), {"type": "text", "text": "What happens here?"}])])
    print(msg.text)
    Speech.from_message(msg).save("answer.wav")

    print(llm.invoke([media.video("clip.mp4"), "What happens here?"]).text)
    for chunk in llm.stream([media.video("clip.mp4")], voice="Ethan"):
        print(chunk.text)
    for pcm in pcm_chunks(llm.stream("Tell me a story in two sentences.")):
        print(len(pcm))
    print(langchain_dmx_omni.__version__)

    question = HumanMessage(
        [
            media.image("picture.png"),
            media.audio("talk.wav"),
            {"type": "text", "text": "Does the voice describe the picture?"},
        ]
    )
    print(ChatDMXOmni().invoke([question]).text)

    talk = media.video("clip.mp4", fit=True)
    job = jobs.Job(ChatDMXOmni(), jobs.minutes(), folder="kept")
    minutes = job.invoke("clip.mp4", {"max_concurrency": 4})
    print(talk["type"], minutes.summary, [action.text for action in minutes.actions])

    speech = Speech.from_message(msg)
    print(f"{speech.duration:.1f} s at {speech.sample_rate} Hz")

    chunks = []
    for chunk in llm.stream("Tell me a story in two sentences."):
        print(chunk.text, end="", flush=True)
        chunks.append(chunk)
    Speech.from_chunks(chunks).save("story.wav")

    patient = ChatDMXOmni(first_event_timeout=120, idle_timeout=60, max_retries=5)
    print(patient.model)

    with LocalGateway() as gateway:
        llm = ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key, voice="Tina")
        answer = llm.invoke("Hello!")
        assert answer.text


def an_agent_that_remembers() -> None:
    history = SmallHistory("media", media_turns=2)
    agent = create_agent(ChatDMXOmni(voice="Tina"), middleware=[history])
    state = agent.invoke({"messages": history.refer([HumanMessage([media.audio("talk.wav"), "What?"])])})
    print(history.speech(state["messages"][-1]).duration)


def every_kind_of_option() -> None:
    ChatDMXOmni(
        api_key="sk-1", media_roots=["."], event_log="log", timeout=30, stop="END", modalities=["text", "audio"]
    )
    ChatDMXOmni(
        model="another-model",
        api_key=SecretStr("sk-1"),
        base_url="http://127.0.0.1:8000/v1",
        auth_scheme="Bearer",
        default_headers={"X-Trace": "1"},
        media_roots=[Path(), "talks"],
        event_log=Path("log"),
        timeout=httpx.Timeout(5, read=30),
        first_event_timeout=None,
        idle_timeout=2.5,
        stop=["END"],
        temperature=0,
        extra_body={"top_k": 20},
        search_options={"forced": True},
        system_with_audio="send",
        http_client=httpx.Client(),
        http_async_client=httpx.AsyncClient(),
    )
    ChatDMXOmni(api_key=None, timeout=None, voice=None, max_tokens=None, media_roots=(Path(),))


def every_way_to_ask(llm: ChatDMXOmni, history: Sequence[BaseMessage]) -> None:
    assert_type(llm.invoke("Hello!", voice="Ethan"), AIMessage)
    for chunk in llm.stream([*history, HumanMessage([media.image(b"...", max_pixels=230_400)])]):
        assert_type(chunk, AIMessageChunk)
    llm.batch(["One?", "Two?"], {"max_concurrency": 2})
    llm.invoke([{"role": "user", "content": [media.audio(Path("talk.wav")), {"type": "text", "text": "Who?"}]}])
    llm.invoke([SystemMessage("Be short."), ("human", "Hello!"), ("human", [media.video("clip.mp4", fps=0.5)])])
    answer = llm.invoke([HumanMessage("Hello!")])
    llm.invoke([*media.strip([HumanMessage("Hello!"), answer]), HumanMessage("And in one word?")])
    for segment in video.split("clip.mp4"):
        llm.invoke([HumanMessage([segment.block(), {"type": "text", "text": "What is said here?"}])])


async def every_way_to_wait(llm: ChatDMXOmni) -> Speech:
    assert_type(await llm.ainvoke("Hello!"), AIMessage)
    return Speech.from_chunks([chunk async for chunk in llm.astream("Hello!")])


@tool
def opening_hours(day: str) -> str:
    """Return when the shop is open."""
    return day


class Scene(BaseModel):
    title: str


def tools_and_objects(llm: ChatDMXOmni) -> str:
    llm.with_structured_output(Scene, method="json_mode").invoke("Describe it.")
    return llm.bind_tools([opening_hours], tool_choice="any").invoke("When?").text


def failures(llm: ChatDMXOmni) -> str | None:
    try:
        return llm.invoke("Hello!").text
    except errors.MediaTooLargeError as error:
        return f"{error.size} bytes"
    except DMXOmniError:
        return None


def catalogue() -> list[str]:
    return [voice.name for voice in voices.search("Cantonese")]
