"""Clients: made late, shared, one for each event loop, new after a fork, and the user's own never closed."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from langchain_dmx_omni import ChatDMXOmni, errors
from langchain_dmx_omni._transport import clients, http
from langchain_dmx_omni._transport.deadlines import Watchdog
from langchain_dmx_omni.testing import LocalGateway
from langchain_dmx_omni.testing.scripts import TEXT

from .calls import ANSWER, END, HEAD, KEY, WAYS, RawServer, answering, call, chunked, model, plain, text, took, until

ROOT = Path(__file__).parent.parent


@pytest.fixture
def server() -> Iterator[RawServer]:
    """A server that gives everyone the plain answer."""
    with RawServer(answering) as server:
        yield server


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clients and an SSL context that are made anew."""
    clients._ssl_context.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(clients, "_clients", clients._Clients())
        yield
        clients._close()


def run(program: str, **environment: str) -> str:
    """Run a program that shall say nothing on standard error; what it prints."""
    head = (
        "from langchain_dmx_omni import ChatDMXOmni\nfrom langchain_dmx_omni._transport import clients\n"
        "import asyncio, os, sys, threading\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "always", "-W", "ignore::DeprecationWarning", "-c", head + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "DMXAPI_API_KEY": KEY, **environment},
        timeout=50,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


# Made late


def test_constructing_makes_no_client_and_no_ssl_context() -> None:
    told = run("""
        llms = [ChatDMXOmni() for _ in range(10)]
        print(clients._clients.sync, [*clients._clients.loops], clients._ssl_context.cache_info().currsize)
    """)
    assert told == "{} [] 0\n"


@pytest.mark.parametrize("way", WAYS)
def test_one_client_and_one_ssl_context_serve_all_models(way: str, server: RawServer) -> None:
    async def several() -> None:
        for _ in range(3):
            llm = model(server)
            if way == "ainvoke":
                assert (await llm.ainvoke("Hi")).content == TEXT
            else:
                assert text([chunk async for chunk in llm.astream("Hi")]) == TEXT

    before = clients._ssl_context()
    if way.startswith("a"):
        asyncio.run(several())
    else:
        for _ in range(3):
            assert text(call(model(server), way)) == TEXT
    assert (len(server.requests), len(server.connections)) == (3, 1)
    assert clients._ssl_context() is before


@pytest.mark.parametrize("way", WAYS)
def test_a_crowd_is_spread_over_clients_and_shrinks_again(way: str) -> None:
    """No client carries more than its share, nobody waits, and one client is left of all, errors included."""
    crowd, together = 2 * clients._ANSWERS_PER_CLIENT + 1, threading.Barrier(2 * clients._ANSWERS_PER_CLIENT + 1)

    def play(connection: socket.socket, request: bytes) -> bool:
        together.wait(20)
        connection.sendall(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n" if b"fail" in request else b"")
        return b"fail" in request or answering(connection, request)

    def ask(llm: ChatDMXOmni, number: int) -> str:
        try:
            return text(call(llm, way, "fail" if number % 5 == 0 else "Hi"))
        except errors.ServerError:
            return "failed"

    async def aask(llm: ChatDMXOmni, number: int) -> str:
        try:
            asked = "fail" if number % 5 == 0 else "Hi"
            if way == "ainvoke":
                return text([await llm.ainvoke(asked)])
            return text([chunk async for chunk in llm.astream(asked)])
        except errors.ServerError:
            return "failed"

    async def all_at_once(llm: ChatDMXOmni) -> tuple[list[str], list[int], int]:
        said = await asyncio.gather(*(aask(llm, number) for number in range(crowd)))
        of_loop = clients._clients.loops[asyncio.get_running_loop()]
        answers = [shared._answers for pool in of_loop.by_proxies.values() for shared in pool]
        return said, answers, await asyncio.to_thread(settled)

    def settled() -> int:
        """How many of the crowd's connections stay open."""
        for _ in range(200):
            if sum(one.fileno() >= 0 for one in server.connections) <= clients._ANSWERS_PER_CLIENT:
                break
            threading.Event().wait(0.05)
        return sum(one.fileno() >= 0 for one in server.connections)

    with RawServer(play) as server:
        llm = model(server)
        if way.startswith("a"):
            said, answers, connections = asyncio.run(all_at_once(llm))
        else:
            with ThreadPoolExecutor(crowd) as pool:
                said = [*pool.map(ask, [llm] * crowd, range(crowd))]
            answers, connections = [shared._answers for shared in clients._clients.sync[clients._proxies()]], settled()
        assert answers == [0]
        assert len(server.connections) == crowd
        assert connections <= clients._ANSWERS_PER_CLIENT
        assert said == ["failed" if number % 5 == 0 else TEXT for number in range(crowd)]


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("way", WAYS)
def test_without_a_thread_to_be_had(way: str, server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines are then left to each read; no answer, no socket and no room of a client is lost."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "dmx-omni-deadlines" or "ThreadPool" in thread.name or "asyncio" in thread.name:
            raise RuntimeError("can't start new thread")
        start(thread)

    def silent(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD)
        threading.Event().wait(10)

    watchdog = Watchdog()
    monkeypatch.setattr(http, "watchdog", watchdog)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert text(call(model(server), way)) == TEXT
    with RawServer(silent) as other, took() as seconds, pytest.raises(errors.FirstEventTimeoutError):
        call(model(other, first_event_timeout=0.5), way)
    assert 0.5 <= seconds[0] < 5
    if way == "stream":
        next(model(server).stream("Hi"))
        assert len(watchdog._chores) == 1  # waits for a thread
    monkeypatch.undo()
    assert text(call(model(server), way)) == TEXT


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("way", WAYS)
def test_an_early_failure_loses_nothing(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class OwnError(Exception):
        pass

    def fail(*_: object) -> None:
        raise OwnError

    monkeypatch.setattr(http.AsyncEventStream if way[0] == "a" else http.EventStream, "__init__", fail)
    with RawServer(answering) as server:
        with pytest.raises(OwnError):
            call(model(server), way)
        if way[0] != "a":
            assert [shared._answers for (pool,) in [clients._clients.sync.values()] for shared in pool] == [0]
        for _ in range(200):
            if server.connections[0].fileno() < 0:
                break
            threading.Event().wait(0.05)
        assert [one.fileno() for one in server.connections] == [-1]


# Event loops


def test_event_loops_one_after_another(server: RawServer) -> None:
    told = run(
        """
        import weakref, gc
        llm, loops = ChatDMXOmni(), []
        async def main():
            loops.append(weakref.ref(asyncio.get_running_loop()))
            assert (await llm.ainvoke("Hi")).content
            assert [chunk async for chunk in llm.astream("Hi")]
        for _ in range(5):
            asyncio.run(main())
        gc.collect()
        print([*clients._clients.loops], [loop() for loop in loops])
        """,
        DMXAPI_BASE_URL=server.base_url,
    )
    assert told == "[] [None, None, None, None, None]\n"


def test_a_loop_that_is_closed_without_being_shut_down_is_forgotten_at_the_next_call(server: RawServer) -> None:
    llm = model(server)
    for _ in range(3):
        loop = asyncio.new_event_loop()
        assert loop.run_until_complete(llm.ainvoke("Hi")).content
        ((shared,),) = clients._clients.loops[loop].by_proxies.values()
        loop.run_until_complete(shared.client.aclose())  # only to leave no warning behind
        loop.close()
    asyncio.run(llm.ainvoke("Hi"))
    assert [*clients._clients.loops] == []


def test_a_loop_that_goes_on_after_its_generators_were_shut_down(server: RawServer) -> None:
    llm, loop = model(server), asyncio.new_event_loop()
    assert loop.run_until_complete(llm.ainvoke("Hi")).content
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert loop not in clients._clients.loops
    with pytest.warns(ResourceWarning, match="after loop.shutdown_asyncgens"):  # asyncio's own
        assert loop.run_until_complete(llm.ainvoke("Hi")).content
    closing = clients._clients.loops[loop].closing
    assert closing is not None
    loop.run_until_complete(closing.aclose())
    loop.close()


def test_event_loops_at_once(gateway: LocalGateway) -> None:
    llm = model(gateway)

    async def several() -> list[str]:
        messages = await asyncio.gather(*[llm.ainvoke("Hi") for _ in range(5)])
        return [str(message.content) for message in messages]

    gateway.play(*[plain()] * 40)
    with ThreadPoolExecutor(8) as pool:
        told = [one.result() for one in [pool.submit(asyncio.run, several()) for _ in range(8)]]
    assert told == [[TEXT] * 5] * 8
    gc.collect()
    assert not [loop for loop in clients._clients.loops if loop.is_closed()]


def test_sixteen_threads(gateway: LocalGateway) -> None:
    gateway.play(*[plain()] * 160)
    llm = model(gateway)

    def several(_: int) -> list[object]:
        return [llm.invoke("Hi").content for _ in range(10)]

    with ThreadPoolExecutor(16) as pool:
        assert [*pool.map(several, range(16))] == [[TEXT] * 10] * 16


async def test_a_hundred_calls_at_once(gateway: LocalGateway) -> None:
    gateway.play(*[plain(pause=0.02)] * 100)
    llm = model(gateway)
    messages = await asyncio.gather(*[llm.ainvoke("Hi") for _ in range(100)])
    assert [message.content for message in messages] == [TEXT] * 100


def test_a_program_that_made_calls_ends_in_silence(server: RawServer) -> None:
    told = run(
        """
        llm = ChatDMXOmni()
        assert llm.invoke("Hi").content
        assert [*llm.stream("Hi")]
        kept = llm.stream("Hi")
        next(kept)
        asyncio.run(llm.ainvoke("Hi"))
        """,
        DMXAPI_BASE_URL=server.base_url,
    )
    assert told == ""


# Forks

FORK = """
llm = ChatDMXOmni()
def call():
    assert llm.invoke("Hi").content == {text!r}
    async def main():
        assert (await llm.ainvoke("Hi")).content == {text!r}
    asyncio.run(main())
call()
{before}
child = os.fork()
if not child:
    call()
    sys.stdout.flush()
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
{after}
call()
"""
STREAM = 'stream = llm.stream("Hi"); first = next(stream).text'
REST = f'assert first + "".join(chunk.text for chunk in stream) == {TEXT!r}'
WATCHED = """
threads = [threading.Thread(target=llm.invoke, args=("slow",)) for _ in range(3)]
[thread.start() for thread in threads]
import time
while "dmx-omni-deadlines" not in [thread.name for thread in threading.enumerate()]:
    time.sleep(0.01)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize(
    ("before", "after"),
    [("", ""), (STREAM, REST), (WATCHED, "[thread.join() for thread in threads]")],
    ids=["idle", "in the middle of a stream", "while the watchdog runs"],
)
def test_a_fork_has_connections_of_its_own(before: str, after: str) -> None:
    def play(connection: socket.socket, request: bytes) -> bool:
        if b"slow" in request:  # until the child has called twice, as its parent did before it
            until(lambda: sum(b"slow" not in each for each in raw.requests) >= 4)
        return answering(connection, request)

    with RawServer(play) as raw:
        told = run(FORK.format(before=before, after=after, text=TEXT), DMXAPI_BASE_URL=raw.base_url)
        assert told == "0\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_deadlines_hold_in_a_fork(gateway: LocalGateway) -> None:
    from langchain_dmx_omni.testing import Script

    gateway.play(plain(), Script(body=(b": PING\n\n", 30.0)))
    told = run(
        """
        llm = ChatDMXOmni(first_event_timeout=0.5, max_retries=0)
        llm.invoke("Hi")
        child = os.fork()
        if not child:
            try:
                llm.invoke("Hi")
            except Exception as error:
                print(type(error).__name__, flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        """,
        DMXAPI_BASE_URL=gateway.base_url,
    )
    assert told == "FirstEventTimeoutError\n"


# The user's own clients


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_a_client_of_the_users(gateway: LocalGateway, way: str) -> None:
    gateway.play(plain(), plain())
    with httpx.Client(headers={"x-mine": "yes", "authorization": "theirs"}) as client:
        for _ in range(2):
            assert text(call(model(gateway, http_client=client), way)) == TEXT
            gc.collect()
        assert not client.is_closed
    assert [request.headers["x-mine"] for request in gateway.requests] == ["yes", "yes"]
    assert {request.headers["authorization"] for request in gateway.requests} == {KEY}


@pytest.mark.parametrize("way", ["ainvoke", "astream"])
async def test_an_async_client_of_the_users(gateway: LocalGateway, way: str) -> None:
    gateway.play(plain(), plain())
    async with httpx.AsyncClient(headers={"x-mine": "yes"}) as client:
        llm = model(gateway, http_async_client=client)
        for _ in range(2):
            if way == "ainvoke":
                assert (await llm.ainvoke("Hi")).content == TEXT
            else:
                assert text([chunk async for chunk in llm.astream("Hi")]) == TEXT
        assert not client.is_closed
    assert [request.headers["x-mine"] for request in gateway.requests] == ["yes", "yes"]


@pytest.mark.parametrize("base_url", ["", "/", "v1", "/v1/"])
def test_a_base_url_relative_to_the_users_client(gateway: LocalGateway, base_url: str) -> None:
    gateway.play(plain())
    root = gateway.base_url if base_url in ("", "/") else gateway.base_url.removesuffix("/v1")
    with httpx.Client(base_url=root) as client:
        assert model(gateway, base_url=base_url, http_client=client).invoke("Hi").content == TEXT
    assert [request.path for request in gateway.requests] == ["/v1/responses"]


def test_a_client_that_follows_redirects_does_not_here() -> None:
    def play(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:9/else\r\ncontent-length: 0\r\n\r\n")

    with RawServer(play) as server, httpx.Client(follow_redirects=True) as client:
        with pytest.raises(errors.BadRequestError):
            model(server, http_client=client).invoke("Hi")
        assert len(server.requests) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_explained(way: str, status: int) -> None:
    def play(connection: socket.socket, _: bytes) -> None:
        head = f"HTTP/1.1 {status} Moved\r\nlocation: https://elsewhere.example/v1/responses?token=1\r\n"
        connection.sendall(f"{head}content-length: 0\r\n\r\n".encode())

    with RawServer(play) as server, pytest.raises(errors.BadRequestError) as caught:
        call(model(server, max_retries=2), way)
    assert str(caught.value) == (
        f"the service answered {status}, a redirect to https://elsewhere.example/v1/responses, "
        "which is not followed: check base_url"
    )
    assert caught.value.status_code == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_closed_client(gateway: LocalGateway, way: str) -> None:
    client, async_client = httpx.Client(), httpx.AsyncClient()
    client.close()
    asyncio.run(async_client.aclose())
    kind = "AsyncClient" if way.startswith("a") else "Client"
    with pytest.raises(errors.ConfigurationError, match=f"^the {kind} that was passed has been closed$"):
        call(model(gateway, http_client=client, http_async_client=async_client), way)


@pytest.mark.parametrize("way", WAYS)
def test_a_transport_without_sockets(way: str) -> None:
    """Deadlines and the rest work with what a user's client brings along, such as a replay of recorded answers."""

    def replay(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=plain().payload)

    transport = httpx.MockTransport(replay)
    llm = ChatDMXOmni(
        api_key=KEY,
        http_client=httpx.Client(transport=transport),
        http_async_client=httpx.AsyncClient(transport=transport),
    )
    assert text(call(llm, way)) == TEXT


def test_deadlines_without_sockets() -> None:
    def pings() -> Iterator[bytes]:
        while True:
            threading.Event().wait(0.05)
            yield b": PING\n\n"

    def replay(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=pings())

    llm = ChatDMXOmni(
        api_key=KEY, http_client=httpx.Client(transport=httpx.MockTransport(replay)), timeout=0.5, max_retries=0
    )
    with took() as seconds, pytest.raises(errors.FirstEventTimeoutError):
        llm.invoke("Hi")
    assert 0.5 <= seconds[0] < 10


# Proxies


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_proxy_of_the_environment(way: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(answering) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert text(call(ChatDMXOmni(api_key=KEY, base_url="http://service.example/v1"), way)) == TEXT
        assert proxy.requests[0].startswith(b"POST http://service.example/v1/responses HTTP/1.1\r\n")


@pytest.mark.parametrize("way", WAYS)
def test_no_proxy_and_a_change_of_mind(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    llm = ChatDMXOmni(api_key=KEY, base_url="http://service.invalid/v1", max_retries=0)
    with RawServer(answering) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert text(call(llm, way)) == TEXT
        monkeypatch.setenv("NO_PROXY", "service.invalid")
        with pytest.raises(errors.ConnectError):
            call(llm, way)
        monkeypatch.delenv("NO_PROXY")
        assert text(call(llm, way)) == TEXT
        assert len(proxy.requests) == 2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_not_asked_through_a_proxy(way: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(answering) as proxy, RawServer(answering) as server:
        for name in ("HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        llm = model(server, base_url=server.base_url.replace("127.0.0.1", host))
        assert text(call(llm, way)) == TEXT
        assert (len(server.requests), len(proxy.requests)) == (1, 0)


@pytest.mark.parametrize("way", WAYS)
def test_a_proxy_that_refuses(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")

    with RawServer(refuse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(errors.ConnectError) as caught:
            call(ChatDMXOmni(api_key=KEY, base_url="https://service.example/v1", max_retries=0), way)
    assert str(caught.value) == (
        "the proxy gave no way to https://service.example: 407 Proxy Authentication Required; check the proxy settings"
    )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("proxy", ["gopher://127.0.0.1:1", "http://[::1"])
def test_a_proxy_that_cannot_be_used(way: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(errors.ConfigurationError, match="a proxy that the environment names can't be used"):
        call(ChatDMXOmni(api_key=KEY, base_url="http://service.example/v1"), way)


ENVIRONMENTS = {
    "a proxy's scheme": (
        {"HTTPS_PROXY": "gopher://127.0.0.1:1"},
        "a proxy that the environment names can't be used: Unknown scheme for proxy URL URL('gopher://127.0.0.1:1'); "
        "check HTTPS_PROXY, which takes an address such as http://127.0.0.1:8080",
    ),
    "a proxy with a password": (
        {"ALL_PROXY": "http://me:s3cr/et@127.0.0.1:x"},
        "a proxy that the environment names can't be used; "
        "check ALL_PROXY, which takes an address such as http://127.0.0.1:8080",
    ),
    "NO_PROXY": (
        {"HTTP_PROXY": "http://me:s3cret@127.0.0.1:1", "NO_PROXY": "[::1"},
        "NO_PROXY='[::1' can't be used: Invalid port: ':1'; it takes names and addresses of hosts, "
        "with commas between them",
    ),
    "SSL_CERT_FILE": (
        {"SSL_CERT_FILE": "/nowhere/ca.pem"},
        "SSL_CERT_FILE='/nowhere/ca.pem' can't be used: No such file or directory; "
        "name a file of certificates in PEM form, or unset it",
    ),
    "SSL_CERT_DIR": (
        {"SSL_CERT_DIR": "/nowhere"},
        "SSL_CERT_DIR='/nowhere' is no folder: name one of certificates, or unset it",
    ),
    "SSLKEYLOGFILE": (
        {"SSLKEYLOGFILE": "/nowhere/keys"},
        "SSLKEYLOGFILE='/nowhere/keys' can't be used: No such file or directory; "
        "name a file of certificates in PEM form, or unset it",
    ),
}


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_environment_that_cannot_be_used(
    name: str, way: str, server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables, told = ENVIRONMENTS[name]
    llm = model(server)
    with monkeypatch.context() as patch:
        for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            patch.delenv(variable, raising=False)
        for variable, value in variables.items():
            patch.setenv(variable, value)
        with pytest.raises(errors.ConfigurationError) as caught:
            call(llm, way)
    assert str(caught.value) == told
    assert "s3cr" not in "".join(traceback.format_exception(caught.value))
    assert text(call(llm, way)) == TEXT


# TLS and what can't be reached


@pytest.mark.parametrize("way", WAYS)
def test_a_closed_port(way: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        origin = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(errors.ConnectError) as caught:
        call(ChatDMXOmni(api_key=KEY, base_url=f"{origin}/v1", max_retries=0), way)
    told = str(caught.value)
    assert told.startswith(f"can't reach {origin}: ")
    assert told.endswith("; check base_url, the network and the proxy, if any")


@pytest.mark.parametrize("way", WAYS)
def test_https_to_a_port_without_tls(gateway: LocalGateway, way: str) -> None:
    base_url = gateway.base_url.replace("http:", "https:")
    with pytest.raises(errors.ConnectError) as caught:
        call(model(gateway, base_url=base_url), way)
    assert str(caught.value).startswith(f"can't reach {base_url.removesuffix('/v1')}: ")
    assert "SSL" in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for loopback, with its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    key = path.with_name("key.pem")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    extra = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(path)]
    subprocess.run([*made, *extra], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + key.read_bytes())
    return path


def over_tls(certificate: Path, play: Callable[[socket.socket, bytes], object]) -> RawServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return RawServer(play, wrap=lambda connection: context.wrap_socket(connection, server_side=True))


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_deadlines_over_tls(certificate: Path, way: str) -> None:
    """The watchdog ends a wait within TLS too, and a connection that it didn't end is used again."""

    def play(connection: socket.socket, request: bytes) -> bool:
        if b"due" not in request:
            return answering(connection, request)
        threading.Event().wait(10)
        return False

    trusted = ssl.create_default_context(cafile=certificate)
    with over_tls(certificate, play) as server, httpx.Client(verify=trusted) as client:
        llm = model(
            server, base_url=server.base_url.replace("http:", "https:"), http_client=client, first_event_timeout=0.5
        )
        assert text(call(llm, way)) == text(call(llm, way)) == TEXT
        assert len(server.connections) == 1
        with took() as seconds, pytest.raises(errors.FirstEventTimeoutError):
            call(llm, way, "due")
        assert 0.5 <= seconds[0] < 5
        assert text(call(llm, way)) == TEXT


@pytest.mark.parametrize("way", WAYS)
def test_a_certificate_that_nobody_vouches_for(certificate: Path, way: str) -> None:
    with over_tls(certificate, answering) as server:
        base_url = server.base_url.replace("http:", "https:")
        with pytest.raises(errors.CertificateError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            call(model(server, base_url=base_url, max_retries=2), way)
        assert str(caught.value).startswith(f"{base_url.removesuffix('/v1')} can't be trusted: ")
        assert str(caught.value).endswith(
            "; check base_url, the clock, and the certificates (SSL_CERT_FILE, SSL_CERT_DIR)"
        )
        assert not caught.value.is_retryable
        assert (len(server.requests), len(server.connections)) == (0, 1)


@pytest.mark.skipif(not hasattr(socket, "TCP_CORK"), reason="only Linux lets a server send all of it at once")
@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("apart", [False, True], ids=["in one record", "in a record of its own"])
def test_what_is_behind_an_answer_within_tls(
    certificate: Path, way: str, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may lie in memory, where no socket tells of it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    def play(connection: socket.socket, _: bytes) -> bool:
        stray = HEAD + chunked(plain("Not yours.").payload) + END
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # all of it arrives at once
        for part in [HEAD + chunked(ANSWER) + END, stray] if apart else [HEAD + chunked(ANSWER) + END + stray]:
            connection.sendall(part)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        return True

    async def several(llm: ChatDMXOmni) -> list[str]:
        if way == "ainvoke":
            return [(await llm.ainvoke("Hi")).text for _ in range(3)]
        return ["".join([chunk.text async for chunk in llm.astream("Hi")]) for _ in range(3)]

    with over_tls(certificate, play) as server:
        llm = model(server, base_url=server.base_url.replace("http:", "https:"))
        if way.startswith("a"):
            assert asyncio.run(several(llm)) == [TEXT] * 3
        else:
            assert [text(call(llm, way)) for _ in range(3)] == [TEXT] * 3
