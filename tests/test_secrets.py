"""What is secret goes out in no error, log, repr, trace and cache key."""

from __future__ import annotations

import json
import pickle
import socket
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.load import dumpd, dumps, load

from langchain_dmx_omni import ChatDMXOmni, errors, media
from langchain_dmx_omni._secrets import Secrets
from langchain_dmx_omni.testing import LocalGateway
from langchain_dmx_omni.testing.scripts import TEXT, answer, error, sse

from .calls import WAYS, RawServer, answering, call, model, plain, text
from .gateway_clips import sound

KEY = "sk-secret-0123456789"
PASSWORD = "pr0xy-passw0rd"
HEADER = "Bearer h3ader-value-42"
SAMPLE = "AAAAGGZ0eXBtcDQy" + "Zm9vYmFy" * 20

REDACTED: dict[str, tuple[Secrets, str, str]] = {
    "a key": (Secrets(KEY), f"wrong: {KEY}!", "wrong: [key]!"),
    "a key that is cut off": (Secrets(KEY), f"wrong: {KEY[:12]}…", "wrong: [key]…"),
    "a key, twice": (Secrets(KEY), f"{KEY}{KEY}", "[key][key]"),
    "a key in the middle of other letters": (Secrets(KEY), f"x{KEY}x and x{KEY[:12]}", "x[key]x and x[key]"),
    "a word that begins like a key": (Secrets(KEY), "sk-secretary, sk-secret-012x", "sk-secretary, sk-secret-012x"),
    "words that hold a key of a few letters": (
        Secrets("sk-local"),
        "sk-locals, sk-local_x and risk-local; but sk-local.",
        "sk-locals, sk-local_x and risk-local; but [key].",
    ),
    "a word behind another that ends like a name": (Secrets("x"), "monkey x, a turkey: x", "monkey x, a turkey: x"),
    "names of every spelling": (
        Secrets("x"),
        'api_key=x, apiKey: "x", X-Api-Key: x, access_token=x, --key x',
        'api_key=[key], apiKey: "[key]", X-Api-Key: [key], access_token=[key], --key [key]',
    ),
    "too little of a key": (Secrets(KEY), "sk-secr is how keys begin", "sk-secr is how keys begin"),
    "a key in a JSON text": (Secrets('sk-"secret"-01'), r'{"m": "sk-\"secret\"-01"}', '{"m": "[key]"}'),
    "a short key in ordinary text": (Secrets("x"), "the x axis of fox.txt: x", "the x axis of fox.txt: x"),
    "a short key where it stands as a key": (
        Secrets("x"),
        "Invalid token x, API key: 'x'; authorization: Bearer x",
        "Invalid token [key], API key: '[key]'; authorization: Bearer [key]",
    ),
    "a key that is a word": (Secrets("internal"), "internal error; key=internal", "internal error; key=[key]"),
    "a header": (Secrets(KEY, {"X-Mine": "v4lue-of-mine"}), "got v4lue-of-mine", "got [header]"),
    "a header of two words, and one of them": (
        Secrets(KEY, {"X-Mine": HEADER}),
        f"got {HEADER} or h3ader-value-42 or h3ader-value…; a Bearer scheme",
        "got [header] or [header] or [header]…; a Bearer scheme",
    ),
    "a short header": (
        Secrets(KEY, {"x-retry": "1"}),
        'try 1 of 11; "x-retry": "1", X-Retry=1',
        'try 1 of 11; "x-retry": "[header]", X-Retry=[header]',
    ),
    "a header without a value": (Secrets(KEY, {"x-none": ""}), "x-none: ", "x-none: "),
    "a proxy's password": (Secrets(KEY, others=[PASSWORD]), f"http://me:{PASSWORD}@h", "http://me:[secret]@h"),
    "media": (Secrets(KEY), f"bad value '{SAMPLE[:100]}'", "bad value '<100 characters>'"),
    "media of silence": (Secrets(KEY), f"bad: {'A' * 100}==", "bad: <102 characters>"),
    "media behind a data URL's head": (
        Secrets(KEY),
        "bad: data:video/mp4;base64,AAAA…",
        "bad: data:video/mp4;base64,<4 characters>…",
    ),
    "no media": (
        Secrets(KEY),
        f"{'-' * 80} https://h.example/{'a/' * 40}x {'ab ' * 40}",
        f"{'-' * 80} https://h.example/{'a/' * 40}x {'ab ' * 40}",
    ),
}


@pytest.mark.parametrize(("secrets", "said", "told"), REDACTED.values(), ids=REDACTED)
def test_what_is_taken_out(secrets: Secrets, said: str, told: str) -> None:
    assert secrets.redact(said) == told
    assert secrets.are_in(said) is (said != told)


@pytest.mark.parametrize("piece", ["A" * 63 + " ", "sk-secre", "key ", "key   ", "A", "-", ";base64,"])
def test_the_time_grows_with_the_text_and_not_faster(piece: str) -> None:
    secrets = Secrets("x", {"a": KEY})

    def seconds(size: int) -> float:
        said = (piece * size)[:size]
        start = time.perf_counter()
        secrets.redact(said)
        return time.perf_counter() - start

    few, many = (min(seconds(size) for _ in range(5)) for size in (5_000, 320_000))
    assert many < 64 * 12 * max(few, 1e-4)  # the square would be 64 * 64


# What goes out of a call


SHAPES = {
    "body": lambda said: error(400, said),
    "flat body": lambda said: error(400, said, shape="flat"),
    "page": lambda said: error(502, said, shape="html"),
    "facts": lambda said: error(400, "m", code=said, type=said, param=said),
    "stream": lambda said: sse([*answer()[:6], {"type": "error", "message": said, "code": "server_error"}]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", SHAPES)
def test_a_service_that_echoes_the_request(
    gateway: LocalGateway, name: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", f"http://me:{PASSWORD}@127.0.0.1:1")
    said = f"Refused: x-mine: {HEADER}, via me:{PASSWORD}, data:;base64,{SAMPLE[:40]} or {SAMPLE[:100]}"
    gateway.play(SHAPES[name](said))
    llm = model(gateway, default_headers={"x-mine": HEADER}, event_log=tmp_path)
    with pytest.raises(errors.DMXOmniError) as caught:
        call(llm, way, [("human", [media.audio(sound(0.1, 0.5))])])
    (log,) = tmp_path.iterdir()
    shown = [
        "".join(traceback.format_exception(caught.value)),
        str(vars(caught.value)),
        log.read_text("utf-8"),
    ]
    for each in shown:
        for secret in (HEADER, HEADER[:16], PASSWORD, SAMPLE[:20]):
            assert secret not in each


@pytest.mark.parametrize("way", WAYS)
def test_a_proxy_that_tells_its_password(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(connection: socket.socket, _: bytes) -> None:
        said = f"407 No way for me:{PASSWORD}".encode()
        connection.sendall(b"HTTP/1.1 " + said + b"\r\ncontent-length: 0\r\n\r\n")

    with RawServer(refuse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}")
        with pytest.raises(errors.ConnectError) as caught:
            call(ChatDMXOmni(api_key=KEY, base_url="https://service.example/v1", max_retries=0), way)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


# What stands in the model


class Serialized(BaseCallbackHandler):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_chat_model_start(self, serialized: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        self.seen.append((serialized, args, kwargs))


SECRET_FIELDS: dict[str, dict[str, Any]] = {
    "headers": {"default_headers": {"x-mine": "h3ader-value-42", "x.y": "h3ader-value-42", "Authorization": "h3ader"}},
    "user info": {"base_url": "http://h3ader:h3ader@service.example/v1"},
}


@pytest.mark.parametrize("name", SECRET_FIELDS)
def test_no_text_of_a_model_tells_secrets(name: str) -> None:
    llm = ChatDMXOmni(api_key=KEY, **SECRET_FIELDS[name])
    bound = llm.bind(temperature=0.5)
    for told in (repr(llm), str(llm), repr(bound), dumps(llm), str(dumpd(llm)), dumps(bound), dumps(llm | str)):
        assert "h3ader" not in told
    for told in (llm._get_llm_string(), str(llm._identifying_params), repr(llm._endpoint(KEY))):
        assert "h3ader" not in told


@pytest.mark.parametrize("way", WAYS)
def test_no_trace_tells_headers(way: str) -> None:
    handler = Serialized()
    with RawServer(answering) as server:
        llm = model(server, **SECRET_FIELDS["headers"])
        assert text(call(llm, way, config={"callbacks": [handler]})) == TEXT
        assert b"x-mine: h3ader-value-42" in server.requests[0]
    assert len(handler.seen) == 1
    assert "h3ader" not in str(handler.seen)


def test_the_cache_tells_services_apart_and_not_headers() -> None:
    def key(**fields: Any) -> str:
        return ChatDMXOmni(api_key=KEY, **fields)._get_llm_string()

    one = key(base_url="http://one/v1", default_headers={"x": "1"})
    assert one == key(base_url="http://one/v1", default_headers={"x": "2"})
    assert one == key(base_url="http://me:pw@one/v1", default_headers={"x": "2"})
    assert one != key(base_url="http://two/v1", default_headers={"x": "1"})
    assert "bytes" not in one
    assert key(max_event_bytes=1_000) != key(max_answer_bytes=None) != key()


def test_a_cached_answer_holds_no_header(gateway: LocalGateway) -> None:
    gateway.play(plain())
    cache = InMemoryCache()
    for header in ("h3ader-one", "h3ader-two"):
        assert model(gateway, default_headers={"x": header}, cache=cache).invoke("Hi").content == TEXT
    assert len(gateway.requests) == 1
    assert "h3ader" not in str(cache._cache)


def test_a_pickle_keeps_headers() -> None:
    llm = ChatDMXOmni(api_key=KEY, **SECRET_FIELDS["headers"])
    assert pickle.loads(pickle.dumps(llm)).default_headers == llm.default_headers


@pytest.mark.parametrize("secrets", [{}, {"DMXAPI_DEFAULT_HEADERS": {"x": "again"}}])
def test_a_serialized_model_is_given_its_headers_anew(secrets: dict[str, Any]) -> None:
    told = json.loads(dumps(ChatDMXOmni(api_key=KEY, **SECRET_FIELDS["headers"])))
    assert told["kwargs"]["default_headers"] == {"lc": 1, "type": "secret", "id": ["DMXAPI_DEFAULT_HEADERS"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # langchain-core calls load a beta
        again = load(
            told,
            secrets_map={"DMXAPI_API_KEY": KEY, **secrets},
            valid_namespaces=["langchain_dmx_omni"],
            allowed_objects=[ChatDMXOmni],
        )
    assert again.default_headers == (secrets.get("DMXAPI_DEFAULT_HEADERS"))
