"""What users write, as mypy sees it: checked with the tests, and never run."""

from __future__ import annotations

from typing import assert_type

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from langchain_dmx_omni import ChatDMXOmni, DMXOmniError, Speech, errors, jobs, media, voices
from langchain_dmx_omni.testing import LocalGateway


class Joke(BaseModel):
    setup: str
    punchline: str


@tool
def weather(city: str) -> str:
    """Say what the weather is like."""
    return f"Sunny in {city}"


def ask() -> str:
    llm = ChatDMXOmni(voice="Tina", temperature=0.5, timeout=30, max_retries=1)
    question = HumanMessage(
        content_blocks=[media.video("a.mp4", fps=1), {"type": "text", "text": "What happens here?"}]
    )
    answer = llm.invoke([SystemMessage("Be brief."), question])
    assert_type(answer, AIMessage)
    Speech.from_message(answer).save("answer.wav")
    more = llm.invoke([("human", [{"type": "text", "text": "And then?"}])])
    history = media.strip([question, answer, more])
    return llm.invoke(history).text


def stream(llm: ChatDMXOmni) -> None:
    for chunk in llm.stream("Hello", voice="Ethan"):
        print(chunk.text, chunk.usage_metadata)


async def astream(llm: ChatDMXOmni) -> AIMessage:
    async for chunk in llm.astream([HumanMessage("Hello")]):
        print(chunk.text, chunk.content_blocks)
    return await llm.ainvoke("Hello")


def tools_and_schemas(llm: ChatDMXOmni) -> None:
    calls = llm.bind_tools([weather], tool_choice="auto").invoke("Tokyo?").tool_calls
    print([call["args"] for call in calls])
    print(llm.with_structured_output(Joke, method="json_schema").invoke("A joke"))


def long_recordings(llm: ChatDMXOmni) -> None:
    chapters = jobs.Job(llm, jobs.chapters(language="German"), window=300).invoke("film.mp4")
    print([chapter.title for chapter in chapters.chapters])


def failures(llm: ChatDMXOmni) -> AIMessage | None:
    try:
        return llm.invoke("Hello")
    except errors.RateLimitError as error:
        print(error.retry_after, error.is_retryable)
        return None
    except DMXOmniError as error:
        return error.partial


def by_loopback() -> list[str]:
    with LocalGateway() as gateway:
        ChatDMXOmni(base_url=gateway.base_url, voice="Tina").invoke("Hello")
    return [*voices.names()]
