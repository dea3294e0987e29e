"""Deadlines count events: connecting, sending, the first event, and each next one."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import threading
import time
from collections.abc import AsyncGenerator, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest
from langchain_core.messages import AIMessageChunk

from langchain_dmx_omni import errors
from langchain_dmx_omni._transport import deadlines, http
from langchain_dmx_omni._transport.deadlines import Alarm, Deadline, Watchdog
from langchain_dmx_omni.testing import LocalGateway, Script
from langchain_dmx_omni.testing.scripts import TEXT, answer, sse

from .calls import (
    ANSWER,
    COLLECTED,
    END,
    HEAD,
    KEY,
    WAYS,
    RawServer,
    answering,
    call,
    chunked,
    gone,
    model,
    plain,
    text,
    took,
    until,
)

PING = b": PING\n\n"
LONG = 30.0
"""Seconds; a deadline that is far away."""


def begun(*steps: bytes | float) -> Script:
    """Two words, then `steps`."""
    script = sse(answer()[:6], done=False)
    return replace(script, body=(*script.body, *steps))


PINGS_FOR_EVER = (0.05, PING) * 400

WAITS: dict[str, tuple[Script, dict[str, Any], type[errors.DMXOmniError], str, str]] = {
    # script, fields, error, message, what had arrived
    "no headers": (
        Script(body=(LONG,)),
        {"first_event_timeout": 0.4, "idle_timeout": LONG},
        errors.FirstEventTimeoutError,
        "no event within 0.4 s of sending (first_event_timeout)",
        "",
    ),
    "pings before the first event": (
        Script(body=PINGS_FOR_EVER),
        {"first_event_timeout": 0.4, "idle_timeout": LONG},
        errors.FirstEventTimeoutError,
        "no event within 0.4 s of sending (first_event_timeout)",
        "",
    ),
    "silence after one ping": (
        Script(body=(PING, LONG)),
        {"first_event_timeout": 0.4, "idle_timeout": LONG},
        errors.FirstEventTimeoutError,
        "no event within 0.4 s of sending (first_event_timeout)",
        "",
    ),
    "half an event is none": (
        Script(body=(b'event: response.created\ndata: {"type":', LONG)),
        {"first_event_timeout": 0.4, "idle_timeout": LONG},
        errors.FirstEventTimeoutError,
        "no event within 0.4 s of sending (first_event_timeout)",
        "",
    ),
    "silence midway": (
        begun(LONG),
        {"first_event_timeout": LONG, "idle_timeout": 0.4},
        errors.IdleTimeoutError,
        "no further event within 0.4 s (idle_timeout)",
        "Hello from ",
    ),
    "pings midway": (
        begun(*PINGS_FOR_EVER),
        {"first_event_timeout": LONG, "idle_timeout": 0.4},
        errors.IdleTimeoutError,
        "no further event within 0.4 s (idle_timeout)",
        "Hello from ",
    ),
    "timeout alone stands for the first event": (
        Script(body=(PING, LONG)),
        {"timeout": 0.4},
        errors.FirstEventTimeoutError,
        "no event within 0.4 s of sending (first_event_timeout)",
        "",
    ),
    "timeout alone stands for the next event": (
        begun(LONG),
        {"timeout": 0.4},
        errors.IdleTimeoutError,
        "no further event within 0.4 s (idle_timeout)",
        "Hello from ",
    ),
    "the read of an httpx.Timeout stands for both": (
        begun(LONG),
        {"timeout": httpx.Timeout(LONG, read=0.4)},
        errors.IdleTimeoutError,
        "no further event within 0.4 s (idle_timeout)",
        "Hello from ",
    ),
    "its own setting goes before timeout": (
        begun(LONG),
        {"timeout": LONG, "idle_timeout": 0.4},
        errors.IdleTimeoutError,
        "no further event within 0.4 s (idle_timeout)",
        "Hello from ",
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", WAITS)
def test_waiting_ends_at_the_deadline_that_is_due(gateway: LocalGateway, name: str, way: str) -> None:
    script, fields, kind, told, arrived = WAITS[name]
    gateway.play(script)
    with took() as seconds, pytest.raises(kind) as caught:
        call(model(gateway, **fields), way)
    assert str(caught.value) == told
    assert caught.value.is_retryable
    assert (caught.value.partial.content if caught.value.partial else "") == arrived
    assert 0.4 <= seconds[0] < LONG / 2
    assert gateway.requests[0].disconnected.wait(10)


class Clock:
    """A clock that goes on when it is told to, and counts how often it is looked at."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.now


FIRST, IDLE = errors.FirstEventTimeoutError, errors.IdleTimeoutError
# limits, steps and the seconds between them, seconds left, the error if it passed
STEPS: dict[str, tuple[tuple[float | None, float | None], list[str | float], float | None, type[Exception]]] = {
    "nobody waits": ((2, 5), [9], None, FIRST),
    "sending takes no time off": ((2, 5), [9, "sent"], 2, FIRST),
    "late headers count": ((2, 5), ["sent", 1.5, "waiting"], 0.5, FIRST),
    "a ping is no event": ((2, 5), ["sent", "waiting", 1.5, "waiting"], 0.5, FIRST),
    "the last moment": ((2, 5), ["sent", 2], 0, FIRST),
    "much too late": ((2, 5), ["sent", 99, "waiting"], 0, FIRST),
    "an event ends the wait": ((2, 5), ["sent", 1, "event", 99], None, IDLE),
    "each event begins a new wait": ((2, 5), ["sent", 1, "event", "waiting", 4, "event", "waiting"], 5, IDLE),
    "a slow reader is not an idle service": ((2, 5), ["sent", "event", 99, "waiting"], 5, IDLE),
    "a ping midway is no event": ((2, 5), ["sent", "event", "waiting", 4, "waiting"], 1, IDLE),
    "silence midway": ((2, 5), ["sent", "event", "waiting", 5], 0, IDLE),
    "no limit before the first event": ((None, 5), ["sent", 1e9, "waiting"], None, FIRST),
    "no limit for the first event, and one for the next": ((None, 5), ["sent", 1e9, "event", "waiting"], 5, IDLE),
    "no limit for the next event": ((2, None), ["sent", 1, "event", "waiting", 1e9, "waiting"], None, IDLE),
}


@pytest.mark.parametrize(("limits", "steps", "left", "kind"), STEPS.values(), ids=STEPS)
def test_seconds_left(
    limits: tuple[float | None, float | None], steps: list[str | float], left: float | None, kind: type[Exception]
) -> None:
    clock = Clock()
    deadline = Deadline(*limits, clock)
    for step in steps:
        if isinstance(step, str):
            getattr(deadline, step)()
        else:
            clock.now += step
    assert deadline.remaining == left
    assert deadline.passed is (left == 0)
    assert type(deadline.error()) is kind


@pytest.mark.parametrize("way", COLLECTED)
def test_silence_after_pings_is_noticed_at_the_deadline_not_at_twice_it(gateway: LocalGateway, way: str) -> None:
    # The last ping comes just before the deadline; waiting anew from there would take 1.9 times as long.
    gateway.play(Script(body=(1.8, PING, LONG)))
    with took() as seconds, pytest.raises(errors.FirstEventTimeoutError):
        call(model(gateway, first_event_timeout=2.0), way)
    assert 2.0 <= seconds[0] < 3.4


@pytest.mark.parametrize("way", COLLECTED)
def test_late_headers_count_toward_the_first_event(way: str) -> None:
    def late(connection: socket.socket, _: bytes) -> None:
        time.sleep(1.5)
        connection.sendall(HEAD)
        gone(connection)

    with RawServer(late) as server, took() as seconds, pytest.raises(errors.FirstEventTimeoutError):
        call(model(server, first_event_timeout=2.0), way)
    assert 2.0 <= seconds[0] < 3.2


TRICKLES = {
    "bytes of a header": (b"HTTP/1.1 200 OK\r\nx-long: ", b"x"),
    "header lines": (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
    "interim responses": (b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "interim responses, byte by byte": (b"HTTP/1.1 103 Hints\r\n", b"a"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", TRICKLES)
def test_a_head_that_trickles_has_one_deadline(name: str, way: str) -> None:
    first, piece = TRICKLES[name]

    def trickle(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(first)
        for _ in range(200):
            time.sleep(0.05)
            connection.sendall(piece)

    with RawServer(trickle) as server, took() as seconds, pytest.raises(errors.FirstEventTimeoutError) as caught:
        call(model(server, first_event_timeout=0.5, idle_timeout=LONG), way)
    assert str(caught.value) == "no event within 0.5 s of sending (first_event_timeout)"
    assert 0.5 <= seconds[0] < 5


@pytest.mark.parametrize("fields", [{"timeout": None}, {"first_event_timeout": None, "idle_timeout": None}], ids=str)
def test_none_is_no_limit(gateway: LocalGateway, fields: dict[str, Any]) -> None:
    endpoint = model(gateway, **fields)._endpoint(KEY)
    assert (endpoint.first_event_timeout, endpoint.idle_timeout) == (None, None)


@pytest.mark.parametrize("way", COLLECTED)
def test_none_goes_before_timeout(gateway: LocalGateway, way: str) -> None:
    whole = plain()
    gateway.play(replace(whole, body=(0.5, *whole.body[:5], 0.5, *whole.body[5:])))
    llm = model(gateway, timeout=0.3, first_event_timeout=None, idle_timeout=None)
    assert text(call(llm, way)) == TEXT


@pytest.mark.parametrize("way", COLLECTED)
def test_each_event_begins_a_new_wait(gateway: LocalGateway, way: str) -> None:
    gateway.play(plain(pause=0.1))
    with took() as seconds:
        assert text(call(model(gateway, first_event_timeout=0.7, idle_timeout=0.7), way)) == TEXT
    assert seconds[0] > 0.7


@pytest.mark.parametrize("way", ["stream", "astream"])
def test_a_slow_reader_is_not_an_idle_service(gateway: LocalGateway, way: str) -> None:
    gateway.play(plain(pings=1, pause=0.05))
    llm = model(gateway, first_event_timeout=0.5, idle_timeout=0.5)

    async def read() -> str:
        chunks = llm.astream("Hi")
        first = await anext(chunks)
        await asyncio.sleep(0.7)
        return first.text + "".join([chunk.text async for chunk in chunks])

    if way == "astream":
        assert asyncio.run(read()) == TEXT
        return
    chunks = llm.stream("Hi")
    first = next(chunks)
    time.sleep(0.7)
    assert first.text + text([*chunks]) == TEXT


# Connecting and sending


@pytest.fixture
def full_house() -> Iterator[str]:
    """A port whose queue of connections is full: another one is left waiting."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(8):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("timeout", [0.4, httpx.Timeout(LONG, connect=0.4)], ids=["number", "httpx.Timeout"])
def test_connecting(full_house: str, way: str, timeout: Any) -> None:
    llm = model(RawAddress(full_house), timeout=timeout, first_event_timeout=LONG)
    with took() as seconds, pytest.raises(errors.ConnectTimeoutError) as caught:
        call(llm, way)
    assert str(caught.value) == f"no connection to {full_house} within 0.4 s (timeout)"
    assert caught.value.is_retryable
    assert 0.4 <= seconds[0] < LONG / 2


class RawAddress:
    """A server that somebody else runs."""

    def __init__(self, origin: str) -> None:
        self.base_url = f"{origin}/v1"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("piece", [b"", b"x"], ids=["silent", "trickling"])
def test_a_proxy_that_gives_no_way(way: str, piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def play(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nx-long: ")
        for _again in range(200):
            time.sleep(0.05)
            connection.sendall(piece)

    llm = model(RawAddress("https://service.example"), timeout=0.5, first_event_timeout=LONG)
    with RawServer(play) as proxy, took() as seconds:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(errors.ConnectTimeoutError) as caught:
            call(llm, way)
    assert str(caught.value) == "the proxy gave no way to https://service.example within 0.5 s (timeout)"
    assert 0.5 <= seconds[0] < 5


async def test_a_head_that_trickles_to_a_client_of_the_users() -> None:
    def trickle(connection: socket.socket, _: bytes) -> None:
        for _again in range(200):
            time.sleep(0.05)
            connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")

    with RawServer(trickle) as server, took() as seconds:
        async with httpx.AsyncClient() as client:
            llm = model(server, http_async_client=client, first_event_timeout=0.5)
            with pytest.raises(errors.FirstEventTimeoutError):
                await llm.ainvoke("Hi")
    assert 0.5 <= seconds[0] < 5


@pytest.mark.parametrize("way", WAYS)
def test_sending(way: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))  # accepts by itself, and reads nothing
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with listener, took() as seconds, pytest.raises(errors.WriteTimeoutError) as caught:
        call(model(RawAddress(origin), timeout=0.4, first_event_timeout=LONG), way, "a" * 20_000_000)
    assert str(caught.value) == f"{origin} took no more of the request within 0.4 s (timeout)"
    assert 0.4 <= seconds[0] < LONG / 2


def test_waiting_for_a_connection_of_the_users_client(gateway: LocalGateway) -> None:
    gateway.play(begun(LONG))
    with httpx.Client(limits=httpx.Limits(max_connections=1)) as client:
        llm = model(gateway, http_client=client, timeout=0.4, first_event_timeout=LONG, idle_timeout=LONG)
        first = cast("Generator[AIMessageChunk]", llm.stream("Hi"))
        next(first)
        with pytest.raises(errors.ConnectTimeoutError) as caught:
            llm.invoke("Hi")
        assert str(caught.value) == "the client had no free connection within 0.4 s (timeout)"
        first.close()


async def test_waiting_for_a_connection_of_the_users_async_client(gateway: LocalGateway) -> None:
    gateway.play(begun(LONG))
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=1)) as client:
        llm = model(gateway, http_async_client=client, timeout=0.4, first_event_timeout=LONG, idle_timeout=LONG)
        first = cast("AsyncGenerator[AIMessageChunk]", llm.astream("Hi"))
        await anext(first)
        with pytest.raises(errors.ConnectTimeoutError) as caught:
            await llm.ainvoke("Hi")
        assert str(caught.value) == "the client had no free connection within 0.4 s (timeout)"
        await first.aclose()


@pytest.mark.parametrize("way", WAYS)
def test_an_error_whose_body_does_not_come_is_still_an_error(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_SECONDS_FOR_ERROR_BODY", 0.4)

    def play(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 503 Busy\r\ncontent-length: 99\r\nretry-after: 7\r\n\r\n")
        gone(connection)

    with RawServer(play) as server, took() as seconds, pytest.raises(errors.ServerError) as caught:
        call(model(server), way)
    assert (caught.value.status_code, caught.value.retry_after) == (503, 7.0)
    assert seconds[0] < LONG / 2


# Every error of httpx


def lower_errors(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for each in kind.__subclasses__():
        if each.__module__.startswith("httpx"):  # other packages derive theirs from it
            yield from lower_errors(each)


def make(kind: Any) -> Exception:
    match kind.__name__:
        case "HTTPStatusError":
            return kind("told", request=None, response=None)
        case "StreamConsumed" | "StreamClosed" | "ResponseNotRead" | "RequestNotRead":
            return kind()
        case _:
            return kind("told")


AFTER: dict[type[Exception], type[errors.DMXOmniError]] = {
    httpx.UnsupportedProtocol: errors.ConfigurationError,
    httpx.LocalProtocolError: errors.ConfigurationError,
    httpx.DecodingError: errors.ProtocolError,
    httpx.ConnectTimeout: errors.ConnectTimeoutError,
    httpx.PoolTimeout: errors.ConnectTimeoutError,
    httpx.WriteTimeout: errors.WriteTimeoutError,
    httpx.ReadTimeout: errors.FirstEventTimeoutError,
    httpx.TimeoutException: errors.RequestTimeoutError,
    httpx.ProxyError: errors.ConnectError,
}


@pytest.mark.parametrize("begun", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("limit", [None, 3.0])
@pytest.mark.parametrize("kind", [*lower_errors(httpx.HTTPError), *lower_errors(httpx.StreamError)])
def test_every_lower_error_is_mapped(kind: type[Exception], limit: float | None, begun: bool) -> None:
    request = httpx.Request("POST", "http://host:1/v1", extensions={"timeout": httpx.Timeout(limit).as_dict()})
    deadline = Deadline(limit, limit)
    deadline.at = 0.0
    error = http._map_error(make(kind), request, deadline, begun=begun)
    rest = errors.StreamInterruptedError if begun else errors.ConnectError
    assert type(error) is AFTER.get(kind, rest)
    assert "None" not in str(error)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b"", errors.ConnectError),
        (b"HTTP/1.1 200 OK\r\nconte", errors.ConnectError),
        (b"this is no HTTP\r\n\r\n", errors.ConnectError),
        (HEAD, errors.StreamInterruptedError),
        (HEAD + b"zz\r\n", errors.StreamInterruptedError),
        (HEAD + chunked(ANSWER[:700]), errors.StreamInterruptedError),
        (HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n") + chunked(b"no gzip"), errors.ProtocolError),
    ],
    ids=["nothing", "half a head", "no HTTP", "head", "no chunk", "half an answer", "no gzip"],
)
def test_what_breaks_on_a_real_connection(way: str, sent: bytes, kind: type[errors.DMXOmniError]) -> None:
    with RawServer(lambda connection, _: connection.sendall(sent)) as server:
        with pytest.raises(kind) as caught:
            call(model(server), way)
        assert type(caught.value) is kind
        assert isinstance(caught.value.__cause__, httpx.HTTPError)


# The watchdog


def test_many_streams_at_once_each_with_its_own_deadline() -> None:
    """Streams that are due, streams that go on and streams that end, from 20 threads on shared connections."""
    stop = threading.Event()

    def play(connection: socket.socket, request: bytes) -> bool:
        if b"due" in request:
            connection.sendall(HEAD + chunked(PING))
            while not stop.wait(0.02):
                connection.sendall(chunked(PING))
            return False
        connection.sendall(HEAD)
        for start in range(0, len(ANSWER), 400):
            time.sleep(0.01)
            connection.sendall(chunked(ANSWER[start : start + 400]))
        connection.sendall(END)
        return True

    def due(number: int) -> float:
        limit = 0.3 + number % 4 * 0.3
        with took() as seconds, pytest.raises(errors.FirstEventTimeoutError):
            model(server, first_event_timeout=limit).invoke("due")
        return seconds[0] - limit

    def fine(number: int) -> str:
        limit = 30.0 + number % 3 * 5
        return "".join(
            chunk.text
            for _ in range(8)
            for chunk in model(server, first_event_timeout=limit, idle_timeout=limit).stream("fine")
        )

    with RawServer(play) as server, ThreadPoolExecutor(20) as pool:
        late = [pool.submit(due, number) for number in range(8)]
        whole = [pool.submit(fine, number) for number in range(12)]
        assert [one.result() for one in whole] == [TEXT * 8] * 12
        over = [one.result() for one in late]
        stop.set()
        assert min(over) >= 0
        assert max(over) < 20
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("dmx-omni-deadlines") <= 1


def test_a_connection_that_is_used_again_at_once_is_not_shut_down_for_the_call_before() -> None:
    with RawServer(answering) as server:
        client = httpx.Client()
        with client:
            llm = model(server, http_client=client, first_event_timeout=0.5, idle_timeout=0.5)
            until = time.monotonic() + 1.5  # three deadlines of the first call
            while time.monotonic() < until:
                assert llm.invoke("Hi").content == TEXT
        assert len(server.connections) == 1
        assert len(server.requests) > 10


def waiting(seconds: float | None, idle: float | None = None) -> Deadline:
    deadline = Deadline(seconds, idle)
    deadline.waiting()
    return deadline


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def is_open(pair: tuple[socket.socket, socket.socket]) -> bool:
    pair[1].send(b"x")
    return pair[0].recv(1) == b"x"


class Short(Watchdog):
    _REST = 0.1


def test_the_thread_ends_when_there_is_nothing_to_watch(pair: tuple[socket.socket, socket.socket]) -> None:
    watchdog = Short()
    for _ in range(2):  # it also comes back
        deadline = waiting(LONG)
        watchdog.watch(deadline, pair[0])
        thread = watchdog._thread
        assert thread is not None
        assert thread.is_alive()
        watchdog.forget(deadline)
        thread.join(10)
        assert not thread.is_alive()
        assert watchdog._thread is None
        assert is_open(pair)
        assert not deadline.missed


def test_a_nearer_deadline_wakes_the_watchdog(pair: tuple[socket.socket, socket.socket]) -> None:
    watchdog = Watchdog()
    watchdog.watch(waiting(LONG), pair[0])
    until(lambda: watchdog._wakes < math.inf)
    one, other = socket.socketpair()
    with one, other, took() as seconds:
        near = waiting(0.3)
        watchdog.watch(near, one)
        assert one.recv(1) == b""
    assert near.missed
    assert 0.3 <= seconds[0] < LONG / 2
    assert is_open(pair)


def test_a_deadline_that_moves_without_a_word(pair: tuple[socket.socket, socket.socket]) -> None:
    """First nobody waits, then events come in time, and then none does: only that ends the wait."""
    clock = Clock()
    watchdog, deadline = Watchdog(), Deadline(LONG, 0.05, clock)

    def looked() -> None:
        seen = clock.looks
        until(lambda: clock.looks > seen + 4)

    deadline.event()
    watchdog.watch(deadline, pair[0])
    clock.now += 1.0
    looked()
    for _ in range(4):
        deadline.waiting()
        clock.now += 0.04
        looked()
        deadline.event()
    assert is_open(pair)
    deadline.waiting()
    clock.now += 0.05
    assert pair[0].recv(1) == b""
    assert deadline.missed


def test_a_deadline_in_a_thousand_years(pair: tuple[socket.socket, socket.socket]) -> None:
    clock, watchdog = Clock(), Short()
    deadline = Deadline(3e10, None, clock)
    deadline.waiting()
    watchdog.watch(deadline, pair[0])
    until(lambda: clock.looks > 6)  # it has slept, and looked again
    assert is_open(pair)


async def test_an_alarm_rings_for_its_own_deadline_only() -> None:
    """Whoever else cancels the task is obeyed, though the deadline passes at the same moment."""
    deadline = Deadline(0.2, None)
    alarm = Alarm(deadline)
    rang: list[bool] = []

    async def wait() -> None:
        deadline.waiting()
        alarm.set()
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            rang.append(alarm.rang())

    await wait()
    assert rang == [True]

    async def both() -> None:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        deadline.missed = True
        task.cancel()  # the alarm's
        task.cancel()  # somebody else's
        await task

    deadline.event()
    await both()
    assert rang == [True, False]
    alarm.off()


def test_words() -> None:
    assert [deadlines.within(limit) for limit in (None, 2, 0.25)] == ["in time", "within 2 s", "within 0.25 s"]
