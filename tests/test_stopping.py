"""Stopping early closes the connection, whichever way it happens, and the next call works."""

from __future__ import annotations

import asyncio
import gc
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessageChunk
from tenacity import RetryCallState

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni.testing import LocalGateway, Script
from langchain_dmx_omni.testing.scripts import TEXT, answer, error, sse

from .calls import ANSWER, END, HEAD, WAYS, RawServer, answering, auntil, call, chunked, model, plain, text, took

ROOT = Path(__file__).parent.parent
SLOW = replace(sse(answer()[:6], done=False), body=(*sse(answer()[:6], done=False).body, 30.0))
"""Two words, and then nothing for a long time."""


class OwnError(Exception):
    """Raised by the caller's code."""


def closed(gateway: LocalGateway) -> bool:
    return gateway.requests[0].disconnected.wait(10)


async def until_it_waits(llm: ChatDMXOmni, calls: int = 1) -> None:
    """Wait until the two words of each call have arrived, as its event log says."""
    assert llm.event_log is not None
    folder = Path(llm.event_log)
    await auntil(lambda: sum("from " in log.read_text("utf-8") for log in folder.glob("*.jsonl")) == calls)


# Sync


def leave(llm: ChatDMXOmni) -> None:
    for _ in llm.stream("Hi"):
        break


def close(llm: ChatDMXOmni) -> None:
    stream = cast("Generator[AIMessageChunk]", llm.stream("Hi"))
    next(stream)
    stream.close()
    assert [*stream] == []


def drop(llm: ChatDMXOmni) -> None:
    stream = llm.stream("Hi")
    next(stream)
    del stream


def drop_in_a_cycle(llm: ChatDMXOmni) -> None:
    cycle: list[object] = []
    stream = llm.stream("Hi")
    next(stream)
    cycle += [cycle, stream]
    del cycle, stream
    gc.collect()


def fail(llm: ChatDMXOmni) -> None:
    try:
        for _ in llm.stream("Hi"):
            raise OwnError
    except OwnError:
        pass


def throw(llm: ChatDMXOmni) -> None:
    stream = llm.stream("Hi")
    next(stream)
    with pytest.raises(OwnError):
        stream.throw(OwnError())  # type: ignore[attr-defined]


SYNC: list[Callable[[ChatDMXOmni], None]] = [leave, close, drop, drop_in_a_cycle, fail, throw]


@pytest.mark.parametrize("stop", SYNC)
def test_sync(gateway: LocalGateway, stop: Callable[[ChatDMXOmni], None]) -> None:
    gateway.play(SLOW, plain())
    llm = model(gateway)
    stop(llm)
    assert closed(gateway)
    assert text(call(llm, "stream")) == TEXT


# Async


async def aleave(llm: ChatDMXOmni) -> None:
    async for _ in llm.astream("Hi"):
        break
    gc.collect()


async def aclose(llm: ChatDMXOmni) -> None:
    stream = llm.astream("Hi")
    await anext(stream)
    await stream.aclose()  # type: ignore[attr-defined]
    assert [chunk async for chunk in stream] == []


async def adrop(llm: ChatDMXOmni) -> None:
    stream = llm.astream("Hi")
    await anext(stream)
    del stream
    gc.collect()


async def afail(llm: ChatDMXOmni) -> None:
    try:
        async for _ in llm.astream("Hi"):
            raise OwnError
    except OwnError:
        pass
    gc.collect()


async def cancel_stream(llm: ChatDMXOmni) -> None:
    async def read() -> None:
        async for _ in llm.astream("Hi"):
            pass

    task = asyncio.create_task(read())
    await until_it_waits(llm)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def cancel_invoke(llm: ChatDMXOmni) -> None:
    task = asyncio.create_task(llm.ainvoke("Hi"))
    await until_it_waits(llm)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def time_out(llm: ChatDMXOmni) -> None:
    async def end(limit: asyncio.Timeout) -> None:
        await until_it_waits(llm)
        limit.reschedule(asyncio.get_running_loop().time())

    async def ask() -> None:
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
            group.create_task(end(limit))
            await llm.ainvoke("Hi")

    with pytest.raises(TimeoutError):
        await ask()


async def time_out_of_a_stream(llm: ChatDMXOmni) -> None:
    async def read() -> None:
        async for _ in llm.astream("Hi"):
            pass

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(), 1.0)


ASYNC: list[Callable[[ChatDMXOmni], Awaitable[None]]] = [
    aleave,
    aclose,
    adrop,
    afail,
    cancel_stream,
    cancel_invoke,
    time_out,
    time_out_of_a_stream,
]


@pytest.mark.parametrize("stop", ASYNC)
async def test_async(gateway: LocalGateway, stop: Callable[[ChatDMXOmni], Awaitable[None]], tmp_path: Path) -> None:
    gateway.play(SLOW, plain())
    llm = model(gateway, event_log=tmp_path)
    await stop(llm)
    assert await asyncio.to_thread(closed, gateway)
    assert (await llm.ainvoke("Hi")).content == TEXT


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
async def test_cancelled_before_the_answer_begins(gateway: LocalGateway, way: str) -> None:
    gateway.play(Script(body=(30.0,)), plain())
    llm = model(gateway)

    async def read() -> None:
        async for _ in llm.astream("Hi"):
            pass

    task = asyncio.create_task(llm.ainvoke("Hi") if way == "ainvoke" else read())
    await auntil(lambda: gateway.requests)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(closed, gateway)
    assert (await llm.ainvoke("Hi")).content == TEXT


async def test_cancelled_between_two_tries(gateway: LocalGateway) -> None:
    waiting = asyncio.Event()

    class Retries(AsyncCallbackHandler):
        async def on_retry(self, retry_state: RetryCallState, **_: Any) -> None:
            waiting.set()

    gateway.play(error(429, headers={"retry-after": "30"}))
    llm = model(gateway, max_retries=3)
    task = asyncio.create_task(llm.ainvoke("Hi", config={"callbacks": [Retries()]}))
    await waiting.wait()
    task.cancel()
    with took() as seconds, pytest.raises(asyncio.CancelledError):
        await task
    assert seconds[0] < 10
    assert len(gateway.requests) == 1


async def test_a_group_that_fails_stops_its_calls(gateway: LocalGateway, tmp_path: Path) -> None:
    gateway.play(SLOW, SLOW)
    llm = model(gateway, event_log=tmp_path)

    async def fail() -> None:
        await until_it_waits(llm, calls=2)
        raise OwnError

    async def together() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(llm.ainvoke("Hi"))
            group.create_task(llm.ainvoke("Hi"))
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        await together()
    assert len(gateway.requests) == 2
    for request in gateway.requests:
        assert await asyncio.to_thread(request.disconnected.wait, 10)


LAST_STEPS = {
    "break": "async for chunk in llm.astream('Hi'): break",
    "kept": "global kept; kept = llm.astream('Hi'); await anext(kept)",
    "cancelled": "kept = asyncio.create_task(cancel(asyncio.current_task())); await llm.ainvoke('Hi')",
    "task left behind": "global kept; kept = asyncio.create_task(llm.ainvoke('Hi')); await until_it_waits()",
}


@pytest.mark.parametrize("name", LAST_STEPS)
def test_a_program_that_ends_with_a_stream_open_says_nothing(gateway: LocalGateway, name: str, tmp_path: Path) -> None:
    gateway.play(SLOW)
    program = f"""
import asyncio, contextlib, pathlib
from langchain_dmx_omni import ChatDMXOmni
log = pathlib.Path({str(tmp_path)!r})
llm = ChatDMXOmni(base_url={gateway.base_url!r}, api_key="sk-local", max_retries=0, event_log=log)
async def until_it_waits():
    while not any("from " in file.read_text("utf-8") for file in log.glob("*.jsonl")):
        await asyncio.sleep(0.01)
async def cancel(task):
    await until_it_waits()
    task.cancel()
async def main():
    {LAST_STEPS[name]}
with contextlib.suppress(asyncio.CancelledError):
    asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", program], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert closed(gateway)


# After a finished answer


@pytest.mark.parametrize("way", WAYS)
def test_the_connection_is_used_again(way: str) -> None:
    with RawServer(answering) as server:
        llm = model(server)
        calls_on_one_loop(llm, way, 3)
        assert (len(server.requests), len(server.connections)) == (3, 1)


@pytest.mark.parametrize("way", WAYS)
def test_the_connection_is_used_again_when_its_end_comes_late(way: str) -> None:
    whole = plain().payload
    done = whole.index(b"data: [DONE]")

    def play(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(HEAD + chunked(whole[:done]))
        time.sleep(0.02)
        connection.sendall(chunked(whole[done:]))
        time.sleep(0.02)
        connection.sendall(END)
        return True

    with RawServer(play) as server:
        calls_on_one_loop(model(server), way, 3)
        assert (len(server.requests), len(server.connections)) == (3, 1)


@pytest.mark.parametrize("way", WAYS)
def test_the_connection_is_used_again_after_an_error(way: str) -> None:
    def play(connection: socket.socket, request: bytes) -> bool:
        if len(server.requests) == 1:
            connection.sendall(b"HTTP/1.1 429 Busy\r\nretry-after: 0\r\ncontent-length: 2\r\n\r\n{}")
            return True
        return answering(connection, request)

    with RawServer(play) as server:
        calls_on_one_loop(model(server, max_retries=1), way, 1)
        assert (len(server.requests), len(server.connections)) == (2, 1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("pinging", [False, True], ids=["silent", "pinging"])
def test_a_body_that_never_ends_keeps_nobody_waiting(way: str, pinging: bool) -> None:
    def play(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(HEAD + chunked(plain().payload))
        for _ in range(1000):
            time.sleep(0.03)
            if pinging:
                connection.sendall(chunked(b": PING\n\n"))

    with RawServer(play) as server, took() as seconds:
        calls_on_one_loop(model(server), way, 2)
    assert seconds[0] < 15
    assert len(server.connections) == 2


@pytest.mark.parametrize("way", WAYS)
def test_a_body_that_breaks_after_the_answer_is_no_error(way: str) -> None:
    def play(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + chunked(plain().payload) + b"zz")

    with RawServer(play) as server:
        calls_on_one_loop(model(server), way, 2)


STRAY = {
    "line ends": (HEAD, b"\r\n\r\n", chunked(ANSWER) + END),
    "another answer": (HEAD, HEAD + chunked(plain("Not yours.").payload) + END, chunked(ANSWER) + END),
    "noise": (HEAD, b"noise", chunked(ANSWER) + END),
    "trailers, and then more": (HEAD, b"HTTP/1.1 200 OK\r\n", chunked(ANSWER) + b"0\r\nx: 1\r\n\r\n"),
    "behind a body of its length": (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n" % len(ANSWER),
        b"more",
        ANSWER,
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", STRAY)
def test_a_connection_with_anything_behind_its_answer_is_closed(name: str, way: str) -> None:
    head, stray, body = STRAY[name]

    def play(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(head + body + stray)
        return True

    with RawServer(play) as server:
        calls_on_one_loop(model(server), way, 3)
        assert (len(server.requests), len(server.connections)) == (3, 3)


def calls_on_one_loop(llm: ChatDMXOmni, way: str, times: int) -> None:
    """Make calls one after another; async ones on one event loop."""

    async def run() -> None:
        for _ in range(times):
            if way == "ainvoke":
                assert (await llm.ainvoke("Hi")).content == TEXT
            else:
                assert "".join([chunk.text async for chunk in llm.astream("Hi")]) == TEXT

    if way.startswith("a"):
        asyncio.run(run())
    else:
        for _ in range(times):
            assert text(call(llm, way)) == TEXT
