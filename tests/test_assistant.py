"""The assistant: what it is sent, what it remembers, how it streams and speaks, over real sockets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from langchain_dmx_omni import errors, media
from langchain_dmx_omni.jobs import Assistant, Reply
from langchain_dmx_omni.testing import LocalGateway, Script, scripts
from tests.calls import body_of, model

WAYS = ("for", "async for")


def assistant(gateway: LocalGateway, voice: str | None = None, **options: Any) -> Assistant:
    return Assistant(model(gateway, voice=voice), **options)


def heard(reply: Reply, way: str) -> str:
    """Take the whole reply, and return the text of its chunks."""

    async def collect() -> list[str]:
        return [chunk.text async for chunk in reply]

    return "".join([chunk.text for chunk in reply] if way == "for" else asyncio.run(collect()))


def kinds(gateway: LocalGateway) -> list[list[tuple[str, list[str]]]]:
    """Role and kinds of parts of each message, of each request."""
    return [
        [
            (item["role"], ["text"] if isinstance(item["content"], str) else [part["type"] for part in item["content"]])
            for item in body_of(request)["input"]
        ]
        for request in gateway.requests
    ]


@pytest.mark.parametrize("way", WAYS)
def test_it_hears_and_speaks(gateway: LocalGateway, clip: Path, way: str) -> None:
    talk = assistant(gateway, "Tina", instructions="You are kind.")
    reply = talk.ask(media.video(clip), "Who is it?")
    assert gateway.requests == []
    text = heard(reply, way)
    assert text == reply.text == talk.history[-1].text
    assert "Who is it?" in text
    assert reply.speech.duration > 0
    assert kinds(gateway) == [[("user", ["text", "video_url", "text"])]]  # with speech, the system's text is folded in


@pytest.mark.parametrize("way", WAYS)
def test_media_of_the_last_turn_only_are_sent_again(gateway: LocalGateway, clip: Path, way: str) -> None:
    talk = assistant(gateway)
    for question in ([media.video(clip), "What is it?"], [media.video(clip)], ["And now?"]):
        heard(talk.ask(*question), way)
    first, second, third = kinds(gateway)
    assert first == [("user", ["video_url", "text"])]
    assert second == [("user", ["video_url", "text"]), ("assistant", ["text"]), ("user", ["video_url"])]
    assert third == [
        ("user", ["text"]),
        ("assistant", ["text"]),
        ("user", ["video_url"]),
        ("assistant", ["text"]),
        ("user", ["text"]),
    ]
    assert [message.text for message in talk.history[::2]] == ["What is it?", "[video]", "And now?"]


REMEMBERED = {
    (20, 1): ["[video] 1", "[video] 2", "video 3"],
    (20, 2): ["[video] 1", "video 2", "video 3"],
    (20, 0): ["[video] 1", "[video] 2", "[video] 3"],
    (20, 9): ["video 1", "video 2", "video 3"],
    (2, 1): ["[video] 2", "video 3"],
    (1, 9): ["video 3"],
    (0, 1): [],
}


@pytest.mark.parametrize(("turns", "media_turns", "expected"), [(*key, value) for key, value in REMEMBERED.items()])
def test_what_is_remembered(
    gateway: LocalGateway, clip: Path, turns: int, media_turns: int, expected: list[str]
) -> None:
    talk = assistant(gateway, turns=turns, media_turns=media_turns)
    for number in "123":
        heard(talk.ask(media.video(clip), number), "for")
    questions = [message for message in talk.history if isinstance(message, HumanMessage)]
    remembered = [
        "video " + message.text if len(message.content) == 2 else "[video] " + message.text for message in questions
    ]
    assert remembered == expected
    assert len(talk.history) == 2 * len(expected)


@pytest.mark.parametrize("way", WAYS)
def test_a_turn_that_broke_off_has_not_happened(gateway: LocalGateway, way: str) -> None:
    talk = assistant(gateway)
    whole = scripts.sse(scripts.answer("One two three."))
    gateway.play(Script(body=[*whole.body[:6], scripts.ABORT]))
    reply = talk.ask("Hello?")
    with pytest.raises(errors.StreamInterruptedError):
        heard(reply, way)
    assert talk.history == []
    assert heard(reply, way) == reply.text  # the same question, once more
    assert [type(message) for message in talk.history] == [HumanMessage, AIMessage]


def test_leaving_early_closes_the_connection() -> None:
    with LocalGateway(pace=0.2) as gateway:
        talk = assistant(gateway)
        for _ in talk.ask("Tell me a story."):
            break
        assert gateway.requests[0].disconnected.wait(10)
        assert talk.history == []


def test_without_a_voice_there_is_no_speech(gateway: LocalGateway) -> None:
    reply = assistant(gateway).ask("Hi")
    heard(reply, "for")
    with pytest.raises(errors.NoSpeechError):
        _ = reply.speech


def test_nothing_is_asked(gateway: LocalGateway) -> None:
    with pytest.raises(errors.ConfigurationError, match="give a text"):
        assistant(gateway).ask()
    with pytest.raises(errors.ConfigurationError, match="0 or more"):
        assistant(gateway, turns=-1)
    assert gateway.requests == []
