"""Embeddings and rerank: the errors, retries, deadlines and bounds of the chat model, sync and async."""

from __future__ import annotations

import asyncio
import gzip
import json
import pickle
import socket
import traceback
from typing import Any

import httpx
import pytest

from langchain_dmx_omni import ChatDMXOmni, DMXEmbeddings, DMXReranker, errors
from langchain_dmx_omni.testing import LocalGateway, Script
from langchain_dmx_omni.testing.scripts import ABORT, ERRORS, error

from .calls import RawServer, auntil, body_of, took
from .json_calls import QUERY, TEXTS, WAYS, Way, answering_json, documents
from .test_failures import PLACED, TABLE
from .test_retries import TRIES, at_once

SECRET = "sk-secret-0123456789"
KINDS: list[type[DMXEmbeddings | DMXReranker]] = [DMXEmbeddings, DMXReranker]
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@ways
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_that_of_the_chat_model_and_as_often_retried(gateway: LocalGateway, name: str, way: Way) -> None:
    expected = TABLE[name]
    gateway.play(*[at_once(ERRORS[name]())] * 3)
    with pytest.raises(expected.kind) as caught:
        way(gateway, max_retries=2)
    failure = caught.value
    assert (type(failure), str(failure), failure.status_code) == (expected.kind, expected.told, expected.status)
    assert (failure.code, failure.error_type, failure.param) == (expected.code, expected.error_type, expected.param)
    assert len(gateway.requests) == TRIES[name][2]


@ways
def test_a_later_try_answers(gateway: LocalGateway, way: Way) -> None:
    plain = way(gateway)
    gateway.play(at_once(ERRORS["429"]()), at_once(ERRORS["500"]()))
    assert way(gateway, max_retries=2) == plain
    assert [request.body for request in gateway.requests] == [gateway.requests[0].body] * 4


@ways
@pytest.mark.parametrize("name", PLACED)
def test_http_200_with_an_error(gateway: LocalGateway, name: str, way: Way) -> None:
    body, kind, told, requests = PLACED[name]
    gateway.play(*[answering_json(body)] * 3)
    with pytest.raises(kind) as caught:
        way(gateway, max_retries=2)
    assert type(caught.value) is kind
    assert told in str(caught.value)
    assert len(gateway.requests) == requests


BROKEN: dict[str, tuple[Script, type[errors.DMXOmniError], str, int]] = {
    # what arrives, error, message, requests with one retry
    "nothing": (Script(), errors.ProtocolError, "the answer is no JSON: it is empty", 2),
    "no JSON": (Script(body=(b"Ok then",)), errors.ProtocolError, "the answer is no JSON: Ok then", 2),
    "half of it": (Script(body=(b'{"data": [',)), errors.ProtocolError, 'the answer is no JSON: {"data": [', 2),
    "too deep": (Script(body=(b"[" * 100_000,)), errors.ProtocolError, "the answer is no JSON: [[[", 2),
    "another JSON": (Script(body=(b"[]",)), errors.ProtocolError, "the answer holds no list of objects", 2),
    "a break": (Script(body=(b'{"da', ABORT)), errors.StreamInterruptedError, "the connection broke off midway", 2),
    "a page": (
        Script(headers={"content-type": "text/html"}, body=(b"<title>Welcome</title>",)),
        errors.ProtocolError,
        "HTTP 200 with an HTML page instead of an answer: Welcome",
        2,
    ),
    "a redirect": (
        Script(302, {"location": "https://elsewhere.example/?k=1"}),
        errors.BadRequestError,
        "a redirect to https://elsewhere.example/, which is not followed",
        1,
    ),
    "too much": (
        Script(body=(b" " * 2_000, b"{}")),
        errors.AnswerTooLargeError,
        "the answer is longer than 1,000 bytes (max_answer_bytes)",
        1,
    ),
    "a long wait": (
        Script(body=(b"{", 30.0)),
        errors.RequestTimeoutError,
        "no whole answer within 0.3 s of sending (timeout)",
        2,
    ),
    "a longer wait": (
        Script(body=(b"{", *(b" ", 0.1) * 100)),
        errors.RequestTimeoutError,
        "no whole answer within 0.3 s of sending (timeout)",
        2,
    ),
}


@ways
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_answer(gateway: LocalGateway, name: str, way: Way) -> None:
    script, kind, told, requests = BROKEN[name]
    gateway.play(*[script] * 2)
    fields: dict[str, Any] = {"max_answer_bytes": 1_000} if name == "too much" else {}
    if name.endswith("wait"):
        fields = {"timeout": httpx.Timeout(20, read=0.3)}
    with took() as seconds, pytest.raises(kind) as caught:
        way(gateway, max_retries=1, **fields)
    assert seconds[0] < 20
    assert type(caught.value) is kind
    assert told in str(caught.value)
    assert len(gateway.requests) == requests
    if name.endswith("wait"):
        assert gateway.requests[0].disconnected.wait(10)


@ways
def test_nobody_is_there(way: Way) -> None:
    with RawServer(lambda *_: None) as server:
        pass
    with pytest.raises(errors.ConnectError, match=r"can't reach http://127\.0\.0\.1"):
        way(server)


@ways
def test_the_request(gateway: LocalGateway, way: Way) -> None:
    way(gateway, auth_scheme="Bearer", default_headers={"x-mine": "1"}, extra_body={"user": "me"})
    (request,) = gateway.requests
    body = body_of(request)
    sent = {name: request.headers[name] for name in ("accept", "authorization", "content-type", "x-mine")}
    assert sent == {
        "accept": "application/json",
        "authorization": "Bearer sk-local",
        "content-type": "application/json",
        "x-mine": "1",
    }
    if request.path == "/v1/embeddings":
        assert body == {"model": "text-embedding-v4", "input": TEXTS, "user": "me"}
    else:
        sent_documents = {"query": QUERY, "documents": TEXTS, "top_n": 2, "user": "me"}
        assert (request.path, body) == ("/v1/rerank", {"model": "bge-reranker-v2-m3-free"} | sent_documents)


@ways
def test_clients_of_the_user_are_used_and_not_closed(gateway: LocalGateway, way: Way) -> None:
    sync = httpx.Client(verify=False, trust_env=False)
    used = httpx.AsyncClient(verify=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
    try:
        way(gateway, http_client=sync, http_async_client=used)
        assert not sync.is_closed
        assert not used.is_closed
    finally:
        sync.close()
        asyncio.run(used.aclose())


# Stopping


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancelled_call_hangs_up(gateway: LocalGateway, kind: type[Any]) -> None:
    gateway.play(*[Script(body=(b"{", 30.0))] * 3)
    fields: dict[str, Any] = {"base_url": gateway.base_url, "api_key": gateway.api_key}
    call: Any
    if kind is DMXEmbeddings:
        call = DMXEmbeddings(**fields, batch_size=1, max_concurrency=3).aembed_documents(["a", "b", "c"])
    else:
        call = DMXReranker(**fields).acompress_documents(documents(), QUERY)
    expected = 3 if kind is DMXEmbeddings else 1
    task = asyncio.ensure_future(call)
    await auntil(lambda: len(gateway.requests) == expected)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for request in gateway.requests:
        assert await asyncio.to_thread(request.disconnected.wait, 10)
    assert len(gateway.requests) == expected


# What is secret


@ways
def test_a_service_that_echoes_the_key(gateway: LocalGateway, way: Way) -> None:
    gateway.play(error(400, f"Refused: {SECRET}", code=SECRET), Script(body=(f"no JSON: {SECRET}".encode(),)))
    for _ in range(2):
        with pytest.raises(errors.DMXOmniError) as caught:
            way(gateway, api_key=SECRET)
        shown = "".join(traceback.format_exception(caught.value)) + str(vars(caught.value))
        assert SECRET not in shown
        assert "[key]" in shown


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_of_it_tells_secrets(kind: type[DMXEmbeddings | DMXReranker]) -> None:
    fields: dict[str, Any] = {"default_headers": {"x": "h3ader"}, "base_url": "http://h3ader:h3ader@service.example/v1"}
    one = kind(api_key=SECRET, **fields)
    for told in (repr(one), str(one), str(one.model_dump(exclude={"default_headers", "base_url"}))):
        assert SECRET not in told
        assert "h3ader" not in told


@pytest.mark.parametrize("kind", KINDS)
def test_a_pickle_holds_no_key(kind: type[DMXEmbeddings | DMXReranker], monkeypatch: pytest.MonkeyPatch) -> None:
    pickled = pickle.dumps(kind(api_key=SECRET, model="m", max_retries=7))
    assert SECRET.encode() not in pickled
    monkeypatch.setenv("DMXAPI_API_KEY", "sk-of-the-other-process")
    again = pickle.loads(pickled)
    assert (again.model, again.max_retries, again._key()) == ("m", 7, "sk-of-the-other-process")
    with httpx.Client(verify=False) as client, pytest.raises(TypeError, match="its own http_client can't be pickled"):
        pickle.dumps(kind(api_key=SECRET, http_client=client))


@ways
def test_without_a_key(gateway: LocalGateway, way: Way) -> None:
    said = r"there is no API key: set DMXAPI_API_KEY, or pass (DMXEmbeddings|DMXReranker)\(api_key=…\)"
    with pytest.raises(errors.ConfigurationError, match=said):
        way(gateway, api_key=None)
    assert not gateway.requests


# As a model is reached


@pytest.mark.parametrize("kind", KINDS)
def test_from_llm(kind: type[DMXEmbeddings | DMXReranker]) -> None:
    with httpx.Client(verify=False) as client:
        llm = ChatDMXOmni(
            api_key=SECRET,
            base_url="http://127.0.0.1:9/v1",
            auth_scheme="Bearer",
            default_headers={"x": "1"},
            timeout=7.0,
            max_retries=4,
            http_client=client,
            extra_body={"chat": "only"},
        )
        one = kind.from_llm(llm, model="other", max_retries=5)
        assert one.http_client is client
    assert one._key() == SECRET
    assert (one.base_url, one.auth_scheme, one.timeout) == ("http://127.0.0.1:9/v1", "Bearer", 7.0)
    assert (one.default_headers, one.model, one.max_retries, one.extra_body) == ({"x": "1"}, "other", 5, None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_misspelt_argument_is_said(kind: type[Any]) -> None:
    with pytest.warns(errors.DMXOmniWarning, match="did you mean api_key=?"):
        kind(api_kay="sk-x")


@ways
def test_an_answer_in_pieces_and_packed(way: Way, gateway: LocalGateway) -> None:
    whole = way(gateway)
    path = gateway.requests[0].path

    def play(connection: socket.socket, request: bytes) -> None:
        body = json.loads(request.partition(b"\r\n\r\n")[2])
        answer = httpx.post(
            gateway.base_url + path.removeprefix("/v1"), json=body, headers={"authorization": "sk-local"}, verify=False
        )
        packed = gzip.compress(answer.content)
        head = (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n"
        )
        for at in range(0, len(head % len(packed) + packed), 997):
            connection.sendall((head % len(packed) + packed)[at : at + 997])

    with RawServer(play) as server:
        assert way(server) == whole
