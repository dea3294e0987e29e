"""The local gateway with an answer function: what the function is shown, and how its answers go over the wire."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from base64 import b64decode
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest
from langchain.agents import create_agent

from langchain_dmx_omni import Speech, errors
from langchain_dmx_omni.testing import Answer, Call, LocalGateway, Media, Message, Request, Tool, ToolResult, scripts
from langchain_dmx_omni.testing._voice import speak
from tests import gateway_clips as clips
from tests.calls import model
from tests.gateway_calls import HTTP, calls_of, events_of, post, request, saying, text_of

from .ways import WAYS, Way

SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "Tina", "format": "wav"}}
COUNTED = {"stream_options": {"include_usage": True}}
PCM = scripts.PCM
TOOL = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather.",
    "parameters": {"properties": {"city": {"type": "string"}}},
}
WEATHER = Tool("weather", "Tells the weather.", {"type": "object", "properties": {"city": {"type": "string"}}})


# --- the ways to write one --------------------------------------------------------------------------------------------


def echo(request: Request) -> str:
    return f"You said: {request.question}"


async def async_echo(request: Request) -> Answer:
    await asyncio.sleep(0)
    return Answer(echo(request))


def awaitable_echo(request: Request) -> Awaitable[Answer]:
    return async_echo(request)


class Echo:
    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    async def __call__(self, request: Request) -> str:
        return self.prefix + request.question


FUNCTIONS: dict[str, Any] = {
    "function": echo,
    "async_function": async_echo,
    "lambda": lambda request: Answer(f"You said: {request.question}"),
    "function_of_async": awaitable_echo,
    "partial": partial(lambda prefix, request: prefix + request.question, "You said: "),
    "async_callable": Echo("You said: "),
    "script": lambda request: scripts.sse(scripts.answer(echo(request))),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
async def test_any_kind_of_function_answers_in_every_way(function: Any, way: Way) -> None:
    with LocalGateway(answer=function) as gateway:
        answer = await way(model(gateway), "Hello there!")
    assert answer.text == "You said: Hello there!"
    assert gateway.requests[0].error is None


# --- what it is shown -------------------------------------------------------------------------------------------------

PNG = clips.image("png", clips.RED, width=16, height=16)
WAV = scripts.wav(PCM)
CALL = {"type": "function_call", "call_id": "c1", "name": "weather", "arguments": '{"city":"Paris"}'}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "Sunny."}
SHOWN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": (
        saying("Hi."),
        {"question": "Hi.", "system": "", "prompt": "Hi.", "messages": (Message("user", "Hi."),), "voice": None},
    ),
    "conversation": (
        saying({"role": "system", "content": "Be brief."}, "One?", {"role": "assistant", "content": "1"}, "Two?"),
        {
            "question": "Two?",
            "system": "Be brief.",
            "prompt": "Be brief.\nOne?\nTwo?",
            "messages": (
                Message("system", "Be brief."),
                Message("user", "One?"),
                Message("assistant", "1"),
                Message("user", "Two?"),
            ),
        },
    ),
    "media": (
        request(clips.image_part(PNG), clips.audio_part(WAV)),
        {
            "question": "What happens here?",
            "media": (Media("image", (PNG,), (None,)), Media("audio", (WAV,), (None,))),
        },
    ),
    "media_by_url": (
        request({"type": "video_url", "video_url": {"url": "https://example.org/clip.mp4"}}),
        {"media": (Media("video", (None,), ("https://example.org/clip.mp4",)),)},
    ),
    "frames": (
        request({"type": "video", "video": [clips.data_url(PNG), "https://example.org/2.png"]}),
        {"media": (Media("frames", (PNG, None), (None, "https://example.org/2.png")),)},
    ),
    "tools": (saying("Hi.", tools=[TOOL]), {"tools": (WEATHER,), "tool_results": ()}),
    "tool_results": (
        saying("Weather?", CALL, OUTPUT, tools=[TOOL]),
        {"question": "Weather?", "tool_results": (ToolResult("weather", "Sunny."),)},
    ),
    "tool_results_of_an_earlier_question": (
        saying("Weather?", CALL, OUTPUT, {"role": "assistant", "content": "Sunny."}, "Thanks."),
        {"question": "Thanks.", "tool_results": ()},
    ),
    "voice": (saying("Hi.", **SPOKEN), {"voice": "Tina"}),
    "json_object": (
        saying("Some JSON.", text={"format": {"type": "json_object"}}),
        {"format": "json_object", "schema": None},
    ),
    "body_and_headers": (saying("Hi.", temperature=0.5), {"body": saying("Hi.", temperature=0.5)}),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_function_is_shown(name: str) -> None:
    body, expected = SHOWN[name]
    shown: list[Request] = []
    with LocalGateway(answer=lambda request: shown.append(request) or "Fine.") as gateway:
        assert text_of(post(gateway, body)) == "Fine."
    assert {field: getattr(shown[0], field) for field in expected} == expected
    assert shown[0].headers["authorization"] == "sk-local"
    assert "sk-local" not in repr(shown[0])


def test_a_schema_is_shown() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    shown: list[Request] = []
    body = saying("Hi.", text={"format": {"type": "json_schema", "name": "City", "schema": schema}})
    with LocalGateway(answer=lambda request: shown.append(request) or "{}", json_schema=True) as gateway:
        post(gateway, body)
    assert (shown[0].format, shown[0].schema) == ("json_schema", schema)


@pytest.mark.parametrize(
    ("media", "mime", "data"),
    [
        (Media("image", (PNG,)), "image/png", PNG),
        (Media("frames", (PNG, None)), "image/png", PNG),
        (Media("audio", (WAV,)), "audio/wav", WAV),
        (Media("video", (b"no video",)), "text/plain", b"no video"),
        (Media("video", (b"\1\2\3\4",)), None, b"\1\2\3\4"),
        (Media("video", (None,), ("https://example.org/clip.mp4",)), None, None),
    ],
)
def test_media_say_what_they_are(media: Media, mime: str | None, data: bytes | None) -> None:
    assert (media.mime, media.data) == (mime, data)


def test_what_the_service_refuses_reaches_no_function() -> None:
    shown: list[Request] = []
    with LocalGateway(answer=lambda request: shown.append(request) or "") as gateway:
        statuses = [
            post(gateway, saying("Hi.", stream=False)).status_code,
            post(gateway, saying("Hi."), key="sk-other").status_code,
            post(gateway, saying("Hi.", **SPOKEN | {"audio": {"voice": "Cherry"}})).status_code,
        ]
        gateway.play(scripts.error(429))
        statuses.append(post(gateway, saying("Hi.")).status_code)
    assert (statuses, shown) == ([400, 401, 200, 429], [])


# --- what goes over the wire ------------------------------------------------------------------------------------------

FINISHES: dict[str, tuple[Any, dict[str, Any], str, str, str | None]] = {
    "whole": (Answer("One two three."), {}, "One two three.", "completed", None),
    "nothing": ("", {}, "", "completed", None),
    "failed": (Answer("One", finish="failed"), {}, "One", "failed", None),
    "filtered": (Answer("One", finish="content_filter"), {}, "One", "incomplete", "content_filter"),
    "cut_by_the_request": (Answer("One two."), {"max_output_tokens": 1}, "One ", "incomplete", "max_output_tokens"),
    "stopped_by_the_request": (Answer("One two."), {"stop": " two"}, "One", "completed", None),
    "script": (scripts.sse(scripts.answer("One.")), {"max_output_tokens": 1}, "One.", "completed", None),
}


@pytest.mark.parametrize("name", FINISHES)
def test_an_answer_ends_as_it_says(name: str) -> None:
    answer, options, text, status, reason = FINISHES[name]
    with LocalGateway(answer=lambda _: answer) as gateway:
        response = post(gateway, saying("Hi.", **options))
    last = events_of(response)[-1]
    assert text_of(response) == text
    assert last["type"] == f"response.{status}"
    assert (last["response"].get("incomplete_details") or {}).get("reason") == reason


ASKED_PCM = speak("Good morning.", "Tina", "tones")
SPEECH: dict[str, tuple[bytes | str | None, dict[str, Any], bytes | None]] = {
    "in_the_voice_of_the_request": (None, SPOKEN, scripts.wav(ASKED_PCM)),
    "in_a_voice_of_its_own": ("Ethan", SPOKEN, scripts.wav(speak("Good morning.", "Ethan", "tones"))),
    "pcm": (PCM, SPOKEN, WAV),
    "wav": (WAV, SPOKEN, WAV),
    "none": (b"", SPOKEN, None),
    "not_asked_for": (None, {}, None),
    "not_asked_for_and_yet_spoken": (PCM, {}, WAV),
}


@pytest.mark.parametrize("name", SPEECH)
def test_an_answer_speaks(name: str) -> None:
    speech, options, expected = SPEECH[name]
    with LocalGateway(answer=lambda _: Answer("Good morning.", speech=speech), speak="tones") as gateway:
        events = events_of(post(gateway, saying("Hi.", **options, **COUNTED)))
    (done,) = [event for event in events if event["type"] == "response.output_item.done"]
    audio = [b64decode(part["audio"]["data"]) for part in done["item"]["content"] if part["type"] == "output_audio"]
    assert audio == ([] if expected is None else [expected])
    details = events[-1]["response"]["usage"]["output_tokens_details"]
    seconds = (len(expected) - 44) / 48_000 if expected else 0
    assert details.get("audio_tokens", 0) == -(-seconds * 12.5 // 1)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_speech_reaches_the_client(way: Way) -> None:
    with LocalGateway(answer=lambda request: Answer(request.voice or "", speech=PCM)) as gateway:
        answer = await way(model(gateway, voice="Tina"), "Hello!")
    assert answer.text == "Tina"
    assert Speech.from_message(answer).pcm == PCM


def test_calls_have_ids_of_their_own() -> None:
    answer = Answer("I look.", calls=[Call("weather", {"city": "Paris"}), Call("now"), Call("now", call_id="mine")])
    with LocalGateway(answer=lambda _: answer) as gateway:
        response = post(gateway, saying("Hi.", tools=[TOOL]))
    assert text_of(response) == "I look."
    assert calls_of(response) == [("weather", {"city": "Paris"}), ("now", {}), ("now", {})]
    items = events_of(response)[-1]["response"]["output"]
    ids = [item["call_id"] for item in items if item["type"] == "function_call"]
    assert len(set(ids)) == 3
    assert ids[2] == "mine"


USAGE = {"input_tokens": 100, "output_tokens": 7, "total_tokens": 107}
USAGES: dict[str, tuple[Answer, dict[str, Any], dict[str, Any] | None]] = {
    "counted": (
        Answer("abcd"),
        COUNTED,
        {
            "input_tokens": 1,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 1,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 2,
        },
    ),
    "counted_with_reasoning": (
        Answer("abcd", reasoning="abcdefgh"),
        COUNTED,
        {
            "input_tokens": 1,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 4,
        },
    ),
    "not_wanted": (Answer("abcd"), {}, None),
    "its_own": (Answer("abcd", usage=USAGE), COUNTED, USAGE),
    "its_own_and_not_wanted": (Answer("abcd", usage=USAGE), {}, USAGE),
    "its_own_with_calls": (Answer(calls=[Call("weather")], usage=USAGE), COUNTED, USAGE),
}


@pytest.mark.parametrize("name", USAGES)
def test_an_answer_is_counted(name: str) -> None:
    answer, options, expected = USAGES[name]
    with LocalGateway(answer=lambda _: answer) as gateway:
        events = events_of(post(gateway, saying("Hi.", **options)))
    assert events[-1]["response"].get("usage") == expected


def test_pace_spreads_its_answers() -> None:
    with LocalGateway(answer=lambda _: "one two three", pace=0.02) as gateway:
        begun = time.monotonic()
        assert text_of(post(gateway, saying("Hi."))) == "one two three"
        assert time.monotonic() - begun > 0.1


def test_an_agent_gets_along_with_it() -> None:
    def weather(city: str) -> str:
        """Tell the weather."""
        return f"Rain in {city}."

    def answer(request: Request) -> Answer:
        if not request.tool_results:
            return Answer(calls=[Call("weather", {"city": "Paris"})])
        return Answer(f"It says: {request.tool_results[-1].output}", reasoning="Read it out.")

    with LocalGateway(answer=answer) as gateway:
        agent = create_agent(model(gateway), tools=[weather])
        result = agent.invoke({"messages": [{"role": "user", "content": "What's the weather?"}]})
    assert result["messages"][-1].text == "It says: Rain in Paris."
    assert len(gateway.requests) == 2


# --- when it fails ----------------------------------------------------------------------------------------------------


def fails(error: BaseException) -> Any:
    def broken(_: Request) -> str:
        raise error

    return broken


class NoException(BaseException):
    """What test frameworks raise to fail a test."""


async def broken_async(_: Request) -> str:
    raise KeyError("film")


FAILURES: dict[str, tuple[Any, type[BaseException], str]] = {
    "raises": (fails(ValueError("no film")), ValueError, "broken failed: ValueError: no film"),
    "raises_async": (broken_async, KeyError, "broken_async failed: KeyError: 'film'"),
    "fails_an_assertion": (fails(AssertionError("1 != 2")), AssertionError, "broken failed: AssertionError: 1 != 2"),
    "fails_the_test": (fails(NoException("enough")), NoException, "broken failed: NoException: enough"),
    "no_answer": (
        lambda _: None,
        TypeError,
        "<lambda> failed: TypeError: an answer is a str, an Answer or a Script, not NoneType",
    ),
    "no_voice": (
        lambda _: Answer("Hi.", speech="Cherry"),
        ValueError,
        "Answer.speech: 'Cherry' is no voice; `voices.names()` lists them",
    ),
    "speech_with_calls": (
        lambda _: Answer(calls=[Call("weather")], speech=PCM),
        ValueError,
        "a turn that calls tools has no speech; leave out `calls` or `speech`",
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_reaches_the_client_and_then_the_block(
    name: str, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    function, kind, message = FAILURES[name]
    gateway = LocalGateway(answer=function)

    async def ask() -> None:
        with gateway:
            with pytest.raises(errors.APIStatusError, match=re.escape(message)) as answered:
                await way(model(gateway), "Hello!")
            assert answered.value.status_code == 500

    with pytest.raises(kind) as raised:
        await ask()
    assert gateway.requests[0].error is raised.value
    assert len(gateway.requests) == 1  # another try would fail as well
    assert [record.message for record in caplog.records] == ["LocalGateway's answer function failed"]


def test_a_failure_does_not_hide_that_of_the_block(caplog: pytest.LogCaptureFixture) -> None:
    with (
        pytest.raises(errors.APIStatusError, match="broken failed: ValueError: no film"),
        LocalGateway(answer=fails(ValueError("no film"))) as gateway,
    ):
        model(gateway).invoke("Hello!")
    assert caplog.records


def test_a_failure_is_raised_once(caplog: pytest.LogCaptureFixture) -> None:
    gateway = LocalGateway(answer=fails(ValueError("no film")))

    def ask() -> None:
        with gateway:
            post(gateway, saying("Hi."))
            gateway.stop()

    with pytest.raises(ValueError, match="no film"):
        ask()
    with gateway:
        assert isinstance(gateway.requests[0].error, ValueError)
    assert caplog.records


def test_a_failure_is_forgotten_with_the_requests(caplog: pytest.LogCaptureFixture) -> None:
    with LocalGateway(answer=fails(ValueError("no film"))) as gateway:
        assert post(gateway, saying("Hi.")).status_code == 500
        gateway.reset()
    assert caplog.records


# --- while it waits ---------------------------------------------------------------------------------------------------


def test_functions_may_wait_for_each_other() -> None:
    barrier = threading.Barrier(8)
    with (
        LocalGateway(answer=lambda _: str(barrier.wait(20) >= 0)) as gateway,
        ThreadPoolExecutor(8) as callers,
    ):
        texts = list(callers.map(lambda _: text_of(post(gateway, saying("Hi."))), range(8)))
    assert texts == ["True"] * 8


def test_a_client_that_leaves_cancels_an_async_function() -> None:
    begun, cancelled = threading.Event(), threading.Event()

    async def wait(_: Request) -> str:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return ""

    with LocalGateway(answer=wait) as gateway:
        url = httpx.URL(gateway.base_url)
        body = json.dumps(saying("Hi.")).encode()
        head = (
            f"POST /v1/responses HTTP/1.1\r\nhost: x\r\nauthorization: sk-local\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection((url.host, url.port)) as client:
            client.sendall(head.encode() + body)
            assert begun.wait(10)
        assert cancelled.wait(10)
        assert gateway.requests[0].disconnected.wait(10)
        assert gateway.requests[0].error is None


def test_stops_at_once_while_a_function_waits() -> None:
    begun, over, returned = threading.Event(), threading.Event(), threading.Event()

    def wait(_: Request) -> str:
        begun.set()
        over.wait(30)
        returned.set()
        return ""

    gateway = LocalGateway(answer=wait).start()

    def call() -> None:
        with pytest.raises(httpx.HTTPError):
            HTTP.post(gateway.base_url + "/responses", json=saying("Hi."), headers={"authorization": "sk-local"})

    caller = threading.Thread(target=call)
    caller.start()
    try:
        assert begun.wait(10)
        gateway.stop()
        assert not returned.is_set()
        caller.join(10)
        assert not caller.is_alive()
    finally:
        over.set()
