"""`ChatDMXOmni` itself: its fields, what a call may override, copies, and that the key stays inside."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from langchain_core.language_models import LanguageModelInput
from langchain_core.load import dumpd, dumps, load
from langchain_core.messages import HumanMessage
from langchain_core.tracers import BaseTracer, Run
from pydantic import SecretStr, ValidationError

from langchain_dmx_omni import ChatDMXOmni, errors
from langchain_dmx_omni.errors import DMXOmniWarning
from langchain_dmx_omni.testing import LocalGateway, Script
from langchain_dmx_omni.testing.scripts import TEXT, answer, error, sse

from .calls import END, HEAD, WAYS, RawServer, answering, body_of, call, chunked, model, plain, text

KEY = "sk-secret-0123456789"


# Fields


def test_defaults() -> None:
    llm = ChatDMXOmni(api_key=KEY)
    assert {name: getattr(llm, name) for name in NAMED} == NAMED


NAMED: dict[str, Any] = {
    "model": "qwen3.5-omni-plus-all",
    "model_name": "qwen3.5-omni-plus-all",
    "base_url": "https://www.dmxapi.cn/v1",
    "auth_scheme": None,
    "modalities": None,
    "voice": None,
    "audio_format": "wav",
    "temperature": None,
    "top_p": None,
    "presence_penalty": None,
    "seed": None,
    "max_tokens": None,
    "stop": None,
    "enable_search": None,
    "search_options": None,
    "enable_thinking": None,
    "extra_body": None,
    "default_headers": None,
    "timeout": 60.0,
    "first_event_timeout": 300.0,
    "idle_timeout": 120.0,
    "max_event_bytes": 512 * 1024**2,
    "max_answer_bytes": 2 * 1024**3,
    "max_retries": 2,
    "stream_usage": True,
    "http_client": None,
    "http_async_client": None,
    "media_roots": [],
    "system_with_audio": "fold",
    "event_log": None,
}


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMXAPI_API_KEY", KEY)
    monkeypatch.setenv("DMXAPI_BASE_URL", "https://www.dmxapi.com/v1")
    llm = ChatDMXOmni()
    assert llm.api_key == SecretStr(KEY)
    assert llm.base_url == "https://www.dmxapi.com/v1"
    assert ChatDMXOmni(api_key="other", base_url="http://x/v1").base_url == "http://x/v1"


@pytest.mark.parametrize("name", ["model", "model_name"])
def test_both_names_of_the_model(gateway: LocalGateway, name: str) -> None:
    gateway.play(plain())
    llm = model(gateway, **{name: "another"})
    assert (llm.model, llm.model_name) == ("another", "another")
    llm.invoke("Hi")
    assert body_of(gateway.requests[0])["model"] == "another"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("temprature", "did you mean temperature=?"),
        ("voize", "did you mean voice=?"),
        ("max_output_tokens", "did you mean max_tokens=?"),
        ("request_timeout", "did you mean timeout=?"),
        ("openai_api_key", "did you mean api_key=?"),
        ("openai_api_base", "did you mean base_url=?"),
        ("model_kwargs", "did you mean extra_body=?"),
        ("zzz", "to send it to the service, use extra_body={'zzz': …}"),
    ],
)
def test_a_misspelt_argument_warns(given: str, meant: str) -> None:
    with pytest.warns(DMXOmniWarning) as told:
        ChatDMXOmni(api_key=KEY, **{given: 1})
    assert [str(one.message) for one in told] == [f"{given}= is not an argument and is ignored; {meant}"]


@pytest.mark.parametrize(
    "fields",
    [
        {"max_retries": -1},
        {"max_event_bytes": 0},
        {"max_answer_bytes": -1},
        {"timeout": 0},
        {"timeout": -1.0},
        {"first_event_timeout": 0},
        {"idle_timeout": -1},
        {"idle_timeout": float("nan")},
        {"idle_timeout": float("inf")},
        {"modalities": ["video"]},
        {"system_with_audio": "perhaps"},
        {"http_client": httpx.AsyncClient()},
        {"http_async_client": httpx.Client()},
    ],
    ids=lambda fields: "{}={}".format(*next(iter(fields.items()))).partition("<")[0],
)
def test_fields_that_cannot_be(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        ChatDMXOmni(api_key=KEY, **fields)
    assert caught.value.errors()[0]["loc"][0] == next(iter(fields))
    assert KEY not in str(caught.value)


# What goes over the wire


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, {"authorization": KEY}),
        ({"auth_scheme": "Bearer"}, {"authorization": f"Bearer {KEY}"}),
        ({"api_key": f" {KEY}\n"}, {"authorization": KEY}),
        ({"api_key": SecretStr(f"{KEY}\r\n")}, {"authorization": KEY}),
        ({"default_headers": {"X-Mine": "yes"}}, {"x-mine": "yes", "authorization": KEY}),
        ({"default_headers": {"Authorization": "mine"}}, {"authorization": "mine"}),
        ({"default_headers": {"User-Agent": "mine"}}, {"user-agent": "mine"}),
    ],
    ids=str,
)
def test_headers(gateway: LocalGateway, way: str, fields: dict[str, Any], expected: dict[str, str]) -> None:
    gateway.play(plain())
    call(model(gateway, **{"api_key": KEY} | fields), way)
    sent = gateway.requests[0].headers
    assert expected.items() <= sent.items()
    assert sent["accept"] == "text/event-stream"
    assert sent["content-type"] == "application/json"
    assert int(sent["content-length"]) == gateway.requests[0].size


def test_a_header_is_sent_once() -> None:
    with RawServer(answering) as server:
        headers = {"Authorization": "mine", "Content-Length": "3", "ACCEPT": "*/*"}
        assert model(server, default_headers=headers).invoke("Hi").content == TEXT
        names = [line.split(b":")[0].lower() for line in server.requests[0].split(b"\r\n\r\n")[0].split(b"\r\n")[1:]]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_a_slash_after_the_base_url(gateway: LocalGateway, slashes: str) -> None:
    gateway.play(plain())
    model(gateway, base_url=gateway.base_url + slashes).invoke("Hi")
    assert gateway.requests[0].path == "/v1/responses"


# Calls that are not sent


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("key", "told"),
    [
        (None, "there is no API key: set DMXAPI_API_KEY, or pass ChatDMXOmni(api_key=…)"),
        ("", "there is no API key: set DMXAPI_API_KEY, or pass ChatDMXOmni(api_key=…)"),
        (" \n", "there is no API key: set DMXAPI_API_KEY, or pass ChatDMXOmni(api_key=…)"),
        ("sk-пароль", "the API key holds characters that no header can carry: check DMXAPI_API_KEY"),
        ("sk-“quoted”", "the API key holds characters that no header can carry: check DMXAPI_API_KEY"),
        ("sk-two\nlines", "the API key holds characters that no header can carry: check DMXAPI_API_KEY"),
    ],
)
def test_keys_that_cannot_be(gateway: LocalGateway, way: str, key: str | None, told: str) -> None:
    llm = model(gateway, api_key=key)
    with pytest.raises(errors.ConfigurationError) as caught:
        call(llm, way)
    assert str(caught.value) == told
    assert gateway.requests == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "base_url",
    [
        "www.dmxapi.cn/v1",
        "ftp://x/v1",
        "http://",
        "http://[::1",
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:x/v1",
        "",
        "/v1",
    ],
)
def test_base_urls_that_cannot_be(way: str, base_url: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="base_url"):
        call(ChatDMXOmni(api_key=KEY, base_url=base_url, max_retries=0), way)


HEADERS: dict[str, tuple[dict[str, Any], str]] = {
    "two lines": (
        {"default_headers": {"x-mine": "s3cret\nlines"}},
        "default_headers['x-mine'] holds characters that no header can carry",
    ),
    "a letter that is not ASCII": (
        {"default_headers": {"x-ok": "yes", "X-Mine": "s3cretü"}},
        "default_headers['X-Mine'] holds characters that no header can carry",
    ),
    "a control character": (
        {"default_headers": {"x-mine": "s3cret\0"}},
        "default_headers['x-mine'] holds characters that no header can carry",
    ),
    "a name": ({"default_headers": {"x mine": "s3cret"}}, "default_headers: 'x mine' can't be the name of a header"),
    "the scheme": ({"auth_scheme": "Bea\ns3cret"}, "auth_scheme holds characters that no header can carry"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_cannot_be(way: str, name: str) -> None:
    fields, told = HEADERS[name]
    with RawServer(answering) as server, pytest.raises(errors.ConfigurationError) as caught:
        call(model(server, api_key=KEY, **fields), way)
    assert str(caught.value) == told
    assert server.requests == []
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert "s3cret" not in shown


BASE_URLS = {
    "a password": (
        "http://me:s3cret@127.0.0.1:1/v1",
        "base_url='http://127.0.0.1:1/v1' holds a user's name or password: "
        "pass the key as api_key, or what else authorizes as default_headers={'authorization': …}",
    ),
    "a key": (
        "http://s3cret@127.0.0.1:1/v1",
        "base_url='http://127.0.0.1:1/v1' holds a user's name or password: "
        "pass the key as api_key, or what else authorizes as default_headers={'authorization': …}",
    ),
    "a query": (
        "http://127.0.0.1:1/v1?api-version=1",
        "base_url='http://127.0.0.1:1/v1' goes on with '?': leave out the rest",
    ),
    "a fragment": ("http://127.0.0.1:1/v1#x", "base_url='http://127.0.0.1:1/v1' goes on with '#': leave out the rest"),
    "a password and no port": ("http://me:s3cret@127.0.0.1:x/v1", "base_url='http://127.0.0.1:x/v1' can't be used"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", BASE_URLS)
def test_base_urls_that_would_lead_elsewhere(way: str, name: str) -> None:
    base_url, told = BASE_URLS[name]
    with pytest.raises(errors.ConfigurationError) as caught:
        call(ChatDMXOmni(api_key=KEY, base_url=base_url), way)
    assert str(caught.value) == told
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


# One call's own options


@pytest.mark.parametrize("way", WAYS)
def test_a_call_overrides(gateway: LocalGateway, way: str) -> None:
    gateway.play(*[plain()] * 3)
    llm = model(gateway, temperature=0.5, seed=1)
    call(llm, way, temperature=0.1, max_tokens=5)
    call(llm.bind(temperature=0.2), way)
    call(llm, way)
    sent = [
        {name: body_of(request).get(name) for name in ("temperature", "seed", "max_output_tokens")}
        for request in gateway.requests
    ]
    assert sent == [
        {"temperature": 0.1, "seed": 1, "max_output_tokens": 5},
        {"temperature": 0.2, "seed": 1, "max_output_tokens": None},
        {"temperature": 0.5, "seed": 1, "max_output_tokens": None},
    ]


@pytest.mark.filterwarnings("ignore:speech was asked for")
@pytest.mark.parametrize("way", WAYS)
def test_a_call_with_a_voice(gateway: LocalGateway, way: str) -> None:
    gateway.play(plain(), plain())
    llm = model(gateway)
    call(llm, way, voice="Ethan")
    call(llm, way)
    assert [body_of(request)["modalities"] for request in gateway.requests[:1]] == [["text", "audio"]]
    assert body_of(gateway.requests[0])["audio"]["voice"] == "Ethan"
    assert "audio" not in body_of(gateway.requests[1])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("field", "option", "sent"),
    [
        (None, None, None),
        ("END", None, ["END"]),
        (["A", "B"], None, ["A", "B"]),
        (None, ["C"], ["C"]),
        ("END", ["C"], ["C"]),
    ],
)
def test_stop(gateway: LocalGateway, way: str, field: Any, option: Any, sent: Any) -> None:
    gateway.play(plain())
    call(model(gateway, stop=field), way, **({} if option is None else {"stop": option}))
    got = body_of(gateway.requests[0]).get("stop")
    assert ([got] if isinstance(got, str) else got) == sent


@pytest.mark.parametrize("way", WAYS)
def test_a_misspelt_option_of_a_call_warns(gateway: LocalGateway, way: str) -> None:
    gateway.play(plain())
    with pytest.warns(DMXOmniWarning) as told:
        call(model(gateway), way, temprature=1)
    assert [str(one.message) for one in told] == [
        "temprature= is not an argument and is ignored; did you mean temperature=?"
    ]
    assert "temprature" not in body_of(gateway.requests[0])


# Batches


@pytest.mark.parametrize("way", ["batch", "abatch"])
def test_batches_keep_their_order(way: str) -> None:
    def echo(connection: Any, request: bytes) -> bool:
        number = request.rsplit(b"number ", 1)[1][:1].decode()
        connection.sendall(HEAD + chunked(sse(answer(f"got {number}")).payload) + END)
        return True

    with RawServer(echo) as server:
        llm = model(server)
        asked: list[LanguageModelInput] = [f"number {number}" for number in range(9)]
        got = llm.batch(asked) if way == "batch" else asyncio.run(llm.abatch(asked))
    assert [message.content for message in got] == [f"got {number}" for number in range(9)]


@pytest.mark.parametrize("way", ["batch", "abatch"])
def test_a_batch_gives_errors_in_their_places(way: str) -> None:
    def play(connection: Any, request: bytes) -> bool:
        if b"bad" in request:
            connection.sendall(b"HTTP/1.1 400 Bad\r\ncontent-length: 2\r\n\r\n{}")
            return True
        return answering(connection, request)

    with RawServer(play) as server:
        llm = model(server)
        asked: list[LanguageModelInput] = ["good", "bad", "good"]
        if way == "batch":
            got = llm.batch(asked, return_exceptions=True)
        else:
            got = asyncio.run(llm.abatch(asked, return_exceptions=True))
    assert [type(one).__name__ for one in got] == ["AIMessage", "BadRequestError", "AIMessage"]


# Copies


def test_pickle_leaves_the_key_behind(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway.play(plain())
    data = pickle.dumps(model(gateway, api_key=KEY, temperature=0.5, timeout=7.0))
    assert KEY.encode() not in data
    without = pickle.loads(data)
    assert (without.api_key, without.temperature) == (None, 0.5)
    with pytest.raises(errors.ConfigurationError, match="there is no API key"):
        without.invoke("Hi")
    monkeypatch.setenv("DMXAPI_API_KEY", "sk-other")
    again = pickle.loads(data)
    assert again._endpoint("k").idle_timeout == 7.0
    assert again.invoke("Hi").content == TEXT
    assert gateway.requests[0].headers["authorization"] == "sk-other"


@pytest.mark.parametrize("name", ["http_client", "http_async_client"])
def test_a_model_with_its_own_client_is_not_pickled(name: str) -> None:
    client = httpx.Client() if name == "http_client" else httpx.AsyncClient()
    llm = ChatDMXOmni(api_key=KEY, **{name: client})
    with pytest.raises(TypeError, match=f"^a model with its own {name} can't be pickled"):
        pickle.dumps(llm)


COPIES: dict[str, Callable[[ChatDMXOmni], ChatDMXOmni]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "model_copy": lambda llm: llm.model_copy(),
    "deep model_copy": lambda llm: llm.model_copy(deep=True),
    "deepcopy in a list": lambda llm: copy.deepcopy([llm])[0],
}


@pytest.mark.parametrize("name", COPIES)
def test_copies(gateway: LocalGateway, name: str) -> None:
    gateway.play(plain(), plain())
    llm = COPIES[name](model(gateway, api_key=KEY))
    assert llm.api_key == SecretStr(KEY)
    assert llm.invoke("Hi").content == TEXT
    assert asyncio.run(llm.ainvoke("Hi")).content == TEXT


@pytest.mark.parametrize("name", COPIES)
def test_copies_share_the_users_clients(gateway: LocalGateway, name: str) -> None:
    gateway.play(plain())
    with httpx.Client() as client:
        async_client = httpx.AsyncClient()
        llm = COPIES[name](model(gateway, http_client=client, http_async_client=async_client))
        assert llm.http_client is client
        assert llm.http_async_client is async_client
        assert llm.invoke("Hi").content == TEXT


SHOWN: dict[str, dict[str, Any]] = {
    "ChatDMXOmni(model='qwen3.5-omni-plus-all')": {"api_key": KEY, "temperature": None, "max_retries": 2},
    "ChatDMXOmni(model='qwen3.5-omni-plus-all', timeout=5.0, voice='Tina')": {"voice": "Tina", "timeout": 5},
    "ChatDMXOmni(model='other', base_url='http://h/v1')": {"model": "other", "base_url": "http://me:pw@h/v1"},
    "ChatDMXOmni(model='qwen3.5-omni-plus-all', extra_body={'top_k': 1})": {
        "extra_body": {"top_k": 1},
        "default_headers": {"x": "secret"},
        "metadata": {"team": "a"},
    },
}


@pytest.mark.parametrize(("shown", "fields"), SHOWN.items(), ids=SHOWN)
def test_the_repr_names_the_model_and_what_was_set(shown: str, fields: dict[str, Any]) -> None:
    assert repr(ChatDMXOmni(**fields)) == shown


# The key stays inside


def test_the_key_is_in_no_text_of_the_model() -> None:
    llm = ChatDMXOmni(api_key=KEY, default_headers={"authorization": KEY}, http_client=httpx.Client())
    for told in (repr(llm), str(llm), repr(llm._endpoint(KEY)), str(llm.asdict())):
        assert KEY not in told
    llm = ChatDMXOmni(api_key=KEY)
    for told in (dumps(llm), str(dumpd(llm)), str(llm.model_dump()), repr(llm.lc_secrets)):
        assert KEY not in told


def test_the_key_is_in_no_text_of_a_request() -> None:
    assert KEY not in repr(ChatDMXOmni(api_key=KEY)._exchange([HumanMessage("Hi")], None, {}))


def test_dumps_and_load(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMXAPI_API_KEY", KEY)
    told = dumpd(model(gateway, api_key=KEY, voice="Tina", temperature=0.5))
    assert told["kwargs"]["api_key"] == {"lc": 1, "type": "secret", "id": ["DMXAPI_API_KEY"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # langchain-core calls load a beta
        again = load(
            told,
            secrets_from_env=True,
            valid_namespaces=["langchain_dmx_omni"],
            allowed_objects=[ChatDMXOmni],
        )
    assert (again.voice, again.temperature, again.api_key) == ("Tina", 0.5, SecretStr(KEY))


class Trace(BaseTracer):
    def __init__(self) -> None:
        super().__init__()
        self.runs: list[Run] = []

    def _persist_run(self, run: Run) -> None:
        self.runs.append(run)


ECHOES = {
    "body": error(401, f"Invalid token {KEY}, given as {KEY}"),
    "every field": error(400, KEY, code=KEY, type=KEY, param=KEY),
    "flat body": error(400, f"Invalid token {KEY}", shape="flat"),
    "page": error(502, f"Bad gateway for {KEY}", shape="html"),
    "page that is cut in the key": error(502, "x" * 165 + KEY, shape="html"),
    "stream": sse([*answer()[:6], {"type": "error", "message": f"Invalid token {KEY}", "code": "server_error"}]),
    "stream at once": sse([{"type": "error", "message": f"Invalid token {KEY}", "code": "invalid_api_key"}]),
    "no JSON": Script(body=(b"event: response.created\ndata: Invalid token " + KEY.encode() + b"\n\n",)),
    "no events": Script(body=(b"Invalid token " + KEY.encode() + b"\n\n",)),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ECHOES)
def test_a_service_that_tells_the_key_again(
    gateway: LocalGateway, name: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway.play(ECHOES[name])
    trace = Trace()
    with pytest.raises(errors.DMXOmniError) as caught:
        call(model(gateway, api_key=KEY), way, config={"callbacks": [trace]})
    assert "[key]" in str(caught.value)
    assert trace.runs
    written = [
        "".join(traceback.format_exception(caught.value)),
        repr(caught.value),
        str(vars(caught.value)),
        caplog.text,
        *(str(run.__dict__) for run in trace.runs),
    ]
    for told in written:
        assert KEY[:12] not in told


def test_the_key_is_in_no_trace_of_a_good_call(gateway: LocalGateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    gateway.play(plain())
    trace = Trace()
    assert text(call(model(gateway, api_key=KEY), "invoke", config={"callbacks": [trace]})) == TEXT
    assert KEY not in str(trace.runs[0].__dict__)
    assert KEY not in caplog.text
