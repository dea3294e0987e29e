"""What is tried again, how often, after how long, and what the user is told."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest
from langchain_core.callbacks import AsyncCallbackHandler, BaseCallbackHandler
from tenacity import RetryCallState

from langchain_dmx_omni import errors
from langchain_dmx_omni.testing import LocalGateway, Script
from langchain_dmx_omni.testing.scripts import ARRIVALS, BROKEN_ARRIVALS, ERRORS, PCM, TEXT, answer, spoken, sse

from .calls import COLLECTED, STREAMED, WAYS, call, call_into, model, partial_of, plain, text, took

FINAL, AGAIN, FEW = (1, 1, 1, 1), (1, 2, 3, 11), (1, 2, 3, 3)
TRIES = {  # requests with max_retries 0, 1, 2 and 10
    "400": FINAL,
    "400_bad_response_status_code": FINAL,
    "401_invalid_token": FINAL,
    "401_exhausted": FINAL,
    "403_quota": FINAL,
    "403_group": FINAL,
    "404_url": FINAL,
    "404_model": FINAL,
    "413": FINAL,
    "429": AGAIN,
    "429_retry_after": AGAIN,
    "429_retry_after_whole_second": AGAIN,
    "500": AGAIN,
    "502": AGAIN,
    "503": FEW,
    "504": AGAIN,
    "524_html": AGAIN,
    "500_invalid_request": FINAL,
    "429_insufficient_quota": FINAL,
    "500_insufficient_user_quota": FINAL,
    "503_quota_not_enough": FINAL,
    "shape_flat": FINAL,
    "shape_blank": AGAIN,
    "shape_empty": AGAIN,
    "shape_html": AGAIN,
    "type_new_api_error": FINAL,
    "type_openai_error": FINAL,
    "type_invalid_request_error": FINAL,
    "request_id_in_message": FINAL,
    "request_id_in_header": FINAL,
    "request_id_in_oneapi_header": FINAL,
    "request_id_in_both": FINAL,
    "request_id_nowhere": FINAL,
}


def at_once(script: Script) -> Script:
    """The same, but the service asks for no wait."""
    return replace(script, headers={**script.headers, "retry-after": "0"})


def test_the_table_is_complete() -> None:
    assert TRIES.keys() == ERRORS.keys()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", TRIES)
def test_tries(gateway: LocalGateway, name: str, way: str) -> None:
    seen = []
    for retries in (0, 1, 2, 10):
        gateway.reset()
        gateway.play(*[at_once(ERRORS[name]())] * 12)
        with pytest.raises(errors.APIStatusError):
            call(model(gateway, max_retries=retries), way)
        seen.append(len(gateway.requests))
    assert tuple(seen) == TRIES[name]


@pytest.mark.parametrize("way", WAYS)
def test_a_later_try_answers(gateway: LocalGateway, way: str) -> None:
    gateway.play(at_once(ERRORS["429"]()), at_once(ERRORS["500"]()), plain())
    assert text(call(model(gateway, max_retries=2), way)) == TEXT
    assert [request.body for request in gateway.requests] == [gateway.requests[0].body] * 3


@pytest.mark.parametrize("way", WAYS)
def test_the_default_is_two_retries_after_a_random_wait(gateway: LocalGateway, way: str) -> None:
    gateway.play(ERRORS["500"](), ERRORS["500"](), plain())
    llm = model(gateway, max_retries=2)
    assert type(llm).model_fields["max_retries"].default == 2
    with took() as seconds:
        assert text(call(llm, way)) == TEXT
    assert seconds[0] < 10


# Retry-After


@pytest.mark.parametrize("way", WAYS)
def test_retry_after_in_seconds(gateway: LocalGateway, way: str) -> None:
    script = replace(ERRORS["429"](), headers={"retry-after": "0.8"})
    gateway.play(script, plain())
    with took() as seconds:
        assert text(call(model(gateway, max_retries=1), way)) == TEXT
    assert 0.8 <= seconds[0] < 8


@pytest.mark.parametrize("way", ["invoke", "astream"])
def test_retry_after_as_a_date(gateway: LocalGateway, way: str) -> None:
    script = replace(ERRORS["429"](), headers={"retry-after": formatdate(time.time() + 2, usegmt=True)})
    gateway.play(script, plain())
    with took() as seconds:
        assert text(call(model(gateway, max_retries=1), way)) == TEXT
    assert 0.5 <= seconds[0] < 10  # dates have whole seconds


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("header", "asked"),
    [("61", 61.0), ("3600", 3600.0), (lambda: formatdate(time.time() + 600, usegmt=True), pytest.approx(600, abs=60))],
    ids=["61", "3600", "date"],
)
def test_a_service_that_asks_for_more_than_a_minute_is_not_waited_for(
    gateway: LocalGateway, way: str, header: Any, asked: float
) -> None:
    gateway.play(replace(ERRORS["429"](), headers={"retry-after": header if isinstance(header, str) else header()}))
    with took() as seconds, pytest.raises(errors.RateLimitError) as caught:
        call(model(gateway, max_retries=5), way)
    assert seconds[0] < 10
    assert caught.value.retry_after == asked
    assert len(gateway.requests) == 1


# Broken off midway


MIDWAY = {  # arrival → (the text before it broke, the cause of a stream's error)
    "closes_early": ("Hello from ", None),
    "closes_mid_event": ("Hello ", None),
    "aborts": ("Hello from ", "RemoteProtocolError"),
    "error_event_flat": ("Hello from ", "ServerError"),
    "error_event_nested": ("Hello from ", "ServerError"),
    "error_in_data": ("Hello from ", "ServerError"),
    "error_bare_json": ("Hello from ", "ServerError"),
}


@pytest.mark.parametrize("way", STREAMED)
@pytest.mark.parametrize("name", MIDWAY)
def test_a_stream_is_not_tried_again_once_a_chunk_was_seen(gateway: LocalGateway, name: str, way: str) -> None:
    words, cause = MIDWAY[name]
    gateway.play(ARRIVALS[name]())
    got: list[Any] = []
    with pytest.raises(errors.StreamInterruptedError) as caught:
        call_into(got, model(gateway, max_retries=2), way)
    assert text(got) == partial_of(caught.value).content == words
    assert partial_of(caught.value).type == "ai"
    assert (type(caught.value.__cause__).__name__ if caught.value.__cause__ else None) == cause
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize("name", MIDWAY)
def test_invoke_is_tried_again_after_it_broke_midway(gateway: LocalGateway, name: str, way: str) -> None:
    gateway.play(ARRIVALS[name](), plain())
    assert text(call(model(gateway, max_retries=1), way)) == TEXT
    assert len(gateway.requests) == 2


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize("name", MIDWAY)
def test_invoke_that_broke_midway_tells_what_had_arrived(gateway: LocalGateway, name: str, way: str) -> None:
    gateway.play(ARRIVALS[name]())
    with pytest.raises(errors.DMXOmniError) as caught:
        call(model(gateway), way)
    assert partial_of(caught.value).content == MIDWAY[name][0]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["aborts_at_once", "pings_only", "nothing", "error_json_with_200", "html_with_524"])
def test_everything_is_tried_again_before_the_first_chunk(gateway: LocalGateway, name: str, way: str) -> None:
    assert name in BROKEN_ARRIVALS
    gateway.play(ARRIVALS[name](), plain())
    assert text(call(model(gateway, max_retries=1), way)) == TEXT
    assert len(gateway.requests) == 2


@pytest.mark.parametrize("way", STREAMED)
def test_speech_that_had_arrived_is_in_the_partial_message(gateway: LocalGateway, way: str) -> None:
    events = spoken(TEXT, PCM, "deltas")
    last = max(number for number, event in enumerate(events) if event["type"] == "response.output_audio.delta")
    gateway.play(sse(events[:last], done=False))
    got: list[Any] = []
    with pytest.raises(errors.StreamInterruptedError) as caught:
        call_into(got, model(gateway, voice="Tina", max_retries=2), way)
    partial = partial_of(caught.value)
    assert partial.text == TEXT
    kinds = [block["type"] for block in partial.content_blocks]
    assert kinds == ["text", "audio"]

    from langchain_dmx_omni import Speech

    heard = Speech.from_message(partial).pcm
    assert 0 < len(heard) < len(PCM)
    assert PCM.startswith(heard[:-2])  # the delta may end in the middle of a sample


@pytest.mark.parametrize("way", STREAMED)
def test_an_error_that_no_try_mends_stays_what_it_is(gateway: LocalGateway, way: str) -> None:
    quota = {"type": "error", "error": {"message": "used up", "code": "insufficient_quota"}}
    gateway.play(sse([*answer()[:6], quota], done=False))
    with pytest.raises(errors.QuotaExceededError) as caught:
        call(model(gateway, max_retries=2), way)
    assert partial_of(caught.value).content == "Hello from "
    assert not caught.value.is_retryable


# Callbacks


def failure_of(state: RetryCallState) -> BaseException | None:
    assert state.outcome is not None
    return state.outcome.exception()


class Sync(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[tuple[int, str]] = []

    def on_retry(self, retry_state: RetryCallState, **_: Any) -> None:
        self.seen.append((retry_state.attempt_number, type(failure_of(retry_state)).__name__))


class Async(AsyncCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[tuple[int, str]] = []

    async def on_retry(self, retry_state: RetryCallState, **_: Any) -> None:
        await asyncio.sleep(0)
        self.seen.append((retry_state.attempt_number, type(failure_of(retry_state)).__name__))


@pytest.mark.parametrize(
    ("way", "handler"),
    [("invoke", Sync), ("ainvoke", Sync), ("ainvoke", Async)],  # LangChain gives streams no run manager
)
def test_on_retry_is_called_before_each_wait(gateway: LocalGateway, way: str, handler: type[Sync | Async]) -> None:
    gateway.play(at_once(ERRORS["429"]()), at_once(ERRORS["502"]()), plain())
    callback = handler()
    assert text(call(model(gateway, max_retries=2), way, config={"callbacks": [callback]})) == TEXT
    assert callback.seen == [(1, "RateLimitError"), (2, "ServerError")]


@pytest.mark.parametrize("way", COLLECTED)
def test_on_retry_is_not_called_for_the_last_error(gateway: LocalGateway, way: str) -> None:
    gateway.play(at_once(ERRORS["429"]()), at_once(ERRORS["502"]()))
    callback = Sync()
    with pytest.raises(errors.ServerError):
        call(model(gateway, max_retries=1), way, config={"callbacks": [callback]})
    assert callback.seen == [(1, "RateLimitError")]


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
async def test_waiting_leaves_the_event_loop_free(gateway: LocalGateway, way: str) -> None:
    gateway.play(replace(ERRORS["429"](), headers={"retry-after": "1"}), plain())
    llm, ticks = model(gateway, max_retries=1), 0

    async def run() -> None:
        if way == "ainvoke":
            await llm.ainvoke("Hi")
        else:
            assert [chunk async for chunk in llm.astream("Hi")]

    task = asyncio.create_task(run())
    while not task.done():
        await asyncio.sleep(0.01)
        ticks += 1
    await task
    assert ticks > 20
