"""Every error of the service, over real sockets: its class, what the user reads, and the facts it carries."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)
from langchain_core.messages import HumanMessage

from langchain_dmx_omni import ChatDMXOmni, errors, media
from langchain_dmx_omni._failures import from_event, from_response, retry_after
from langchain_dmx_omni.testing.scripts import ERRORS, REQUEST_ID, TEXT, Script

from . import calls
from .ways import WAYS, Way

if TYPE_CHECKING:
    from langchain_dmx_omni.testing import LocalGateway

ID = f" (request id: {REQUEST_ID})"
KEY_HINT = ". Check the key, and that it belongs to this host: a key of one DMXAPI host is unknown to the others"
QUOTA_HINT = ". The account or the key has no quota left: top it up"
BUSY_HINT = ". The service is saturated: try later, or raise max_retries"
BUSY = f"the service answered 429: 当前分组上游负载已饱和，请稍后再试{ID}{BUSY_HINT}"


@dataclass(frozen=True)
class Expected:
    kind: type[errors.APIStatusError]
    status: int | None
    told: str
    retryable: bool = False
    code: str | None = None
    error_type: str | None = "rix_api_error"
    param: str | None = None
    request_id: str | None = REQUEST_ID
    retry_after: float | None = None


def bad(told: str, **facts: Any) -> Expected:
    return Expected(errors.BadRequestError, 400, f"the service answered 400{told}", **facts)


def server(status: int, told: str, **facts: Any) -> Expected:
    return Expected(errors.ServerError, status, f"the service answered {status}{told}", retryable=True, **facts)


TABLE: dict[str, Expected] = {
    "400": bad(f" (invalid_parameter): Invalid parameter: stream must be true{ID}", code="invalid_parameter"),
    "400_bad_response_status_code": bad(
        f" (bad_response_status_code): upstream refused the request{ID}", code="bad_response_status_code", param="400"
    ),
    "401_invalid_token": Expected(
        errors.AuthenticationError, 401, f"the service answered 401: Invalid token{ID}{KEY_HINT}"
    ),
    "401_exhausted": Expected(
        errors.QuotaExceededError, 401, f"the service answered 401: Token amount has been exhausted{ID}{QUOTA_HINT}"
    ),
    "403_quota": Expected(
        errors.QuotaExceededError,
        403,
        f"the service answered 403 (insufficient_user_quota): The quota of this key is used up{ID}{QUOTA_HINT}",
        code="insufficient_user_quota",
    ),
    "403_group": Expected(
        errors.PermissionDeniedError,
        403,
        f"the service answered 403: No permission for group vip{ID}. Check the quota and the group of the key",
    ),
    "404_url": Expected(
        errors.NotFoundError,
        404,
        "the service answered 404 (invalid_url): Invalid URL (POST /v1/response). "
        "Check base_url, and that the model is open to this key",
        code="invalid_url",
        error_type="invalid_request_error",
        request_id=None,
    ),
    "404_model": Expected(
        errors.NotFoundError,
        404,
        f"the service answered 404 (model_not_found): The model is not open{ID}. "
        "Check base_url, and that the model is open to this key",
        code="model_not_found",
    ),
    "413": Expected(
        errors.ContextLengthError,
        413,
        f"the service answered 413: Request body is too long{ID}. "
        "Send less: drop old media with media.strip, or split the input",
    ),
    "429": Expected(errors.RateLimitError, 429, BUSY, retryable=True),
    "429_retry_after": Expected(errors.RateLimitError, 429, BUSY, retryable=True, retry_after=0.05),
    "429_retry_after_whole_second": Expected(errors.RateLimitError, 429, BUSY, retryable=True, retry_after=1.0),
    "500": server(500, f" (internal_server_error): Internal server error{ID}", code="internal_server_error"),
    "502": server(502, f" (bad_response): Bad gateway{ID}", code="bad_response", error_type="openai_error"),
    "503": server(
        503,
        f" (model_not_found): No available channel for model qwen3.5-omni-plus-all under group default{ID}",
        code="model_not_found",
    ),
    "504": server(504, f": Upstream timed out{ID}"),
    "524_html": server(524, ": 524: A timeout occurred", error_type=None, request_id=None),
    "500_invalid_request": Expected(
        errors.BadRequestError,
        500,
        f"the service answered 500 (invalid_request): field input is required{ID}",
        code="invalid_request",
    ),
    "429_insufficient_quota": Expected(
        errors.QuotaExceededError,
        429,
        f"the service answered 429 (insufficient_quota): The quota of this key is used up{ID}{QUOTA_HINT}",
        code="insufficient_quota",
    ),
    "500_insufficient_user_quota": Expected(
        errors.QuotaExceededError,
        500,
        f"the service answered 500 (insufficient_user_quota): The quota of this key is used up{ID}{QUOTA_HINT}",
        code="insufficient_user_quota",
    ),
    "503_quota_not_enough": Expected(
        errors.QuotaExceededError,
        503,
        f"the service answered 503 (quota_not_enough): The quota of this key is used up{ID}{QUOTA_HINT}",
        code="quota_not_enough",
    ),
    "shape_flat": bad(" (invalid_parameter): bad request", code="invalid_parameter", error_type=None, request_id=None),
    "shape_blank": server(500, ": no message", request_id=None),
    "shape_empty": server(502, ": no message", error_type=None, request_id=None),
    "shape_html": server(502, ": 502: Bad Gateway", error_type=None, request_id=None),
    "type_new_api_error": bad(f": bad request{ID}", error_type="new_api_error"),
    "type_openai_error": bad(f": bad request{ID}", error_type="openai_error"),
    "type_invalid_request_error": bad(
        ": bad request", error_type="invalid_request_error", param="input", request_id=None
    ),
    "request_id_in_message": bad(f": bad request{ID}"),
    "request_id_in_header": bad(f": bad request{ID}"),
    "request_id_in_oneapi_header": bad(f": bad request{ID}"),
    "request_id_in_both": bad(f": bad request{ID}"),
    "request_id_nowhere": bad(": bad request", request_id=None),
}


def test_every_error_has_its_expectation() -> None:
    assert TABLE.keys() == ERRORS.keys()


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", TABLE)
async def test_errors_of_the_service(gateway: LocalGateway, name: str, way: Way) -> None:
    case = TABLE[name]
    gateway.play(ERRORS[name]())
    model = ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key, max_retries=0)
    with pytest.raises(errors.APIStatusError) as caught:
        await way(model, "Hello?")
    error = caught.value
    assert str(error) == case.told
    assert (
        Expected(
            type(error),
            error.status_code,
            str(error),
            error.is_retryable,
            error.code,
            error.error_type,
            error.param,
            error.request_id,
            error.retry_after,
        )
        == case
    )
    assert error.partial is None
    assert isinstance(error, ValueError) is not case.retryable


EARLY = {
    "401": (b"HTTP/1.1 401 No", errors.AuthenticationError, True),
    "413": (b"HTTP/1.1 413 Large", errors.ContextLengthError, True),
    "413 behind an interim response": (
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 413 Large",
        errors.ContextLengthError,
        True,
    ),
    "413, and the connection stays open": (b"HTTP/1.1 413 Large", errors.ContextLengthError, False),
}


@pytest.mark.parametrize("way", calls.WAYS)
@pytest.mark.parametrize("name", EARLY)
def test_an_error_that_comes_while_a_file_goes_out(name: str, way: str, tmp_path: Path) -> None:
    head, kind, closes = EARLY[name]
    stop = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(connection)
                connection.recv(1000)
                connection.sendall(head + b"\r\ncontent-length: 18\r\n\r\n" + b'{"message":"so so"}'[:18])
                if closes:
                    connection.close()  # with most of the request unread, so the other end is reset
                else:
                    stop.wait(20)

    connections: list[socket.socket] = []
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(7_000_000))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        model = ChatDMXOmni(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1",
            api_key="k",
            max_retries=2,
            media_roots=[tmp_path],
            timeout=60.0 if closes else 1.0,
        )
        with pytest.raises(kind):
            calls.call(model, way, [HumanMessage([media.video(path, inline=False)])])
        stop.set()
        assert len(connections) == 1
        listener.shutdown(socket.SHUT_RDWR)
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("way", calls.WAYS)
def test_an_interim_response_does_not_end_the_sending(way: str) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            head = connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            left = length - len(head.partition(b"\r\n\r\n")[2])
            while left and (piece := connection.recv(65_536)):
                left -= len(piece)
            whole.append(not left)
            connection.sendall(calls.HEAD + calls.chunked(calls.ANSWER) + calls.END)
            connection.recv(1)

    whole: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        model = ChatDMXOmni(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}/v1", api_key="k", max_retries=0)
        block = {"type": "video", "base64": "AAAA" * 1_000_000, "mime_type": "video/mp4"}
        assert calls.text(calls.call(model, way, [HumanMessage([block])])) == TEXT
    assert whole == [True]


@pytest.mark.parametrize(
    ("event", "kind", "told"),
    [
        ({"error": "it broke"}, errors.ServerError, "the service broke off the answer: it broke"),
        ({"error": {"message": {"text": "x"}}}, errors.ServerError, 'the service broke off the answer: {"text": "x"}'),
        ({"code": "insufficient_quota", "message": "m"}, errors.QuotaExceededError, "(insufficient_quota): m"),
        ({"code": "rate_limit_exceeded", "message": "m"}, errors.RateLimitError, "(rate_limit_exceeded): m"),
        ({"code": 429, "message": "m"}, errors.RateLimitError, "the service answered 429: m"),
        ({"code": "invalid_request", "message": "m"}, errors.BadRequestError, "(invalid_request): m"),
        ({"code": "invalid_api_key", "message": "m"}, errors.AuthenticationError, "(invalid_api_key): m"),
        ({"code": "model_not_found", "message": "m"}, errors.NotFoundError, "(model_not_found): m"),
        (
            {"code": "context_length_exceeded", "message": "m"},
            errors.ContextLengthError,
            "(context_length_exceeded): m",
        ),
        ({"response": {"error": {"code": "server_error", "message": "m"}}}, errors.ServerError, "(server_error): m"),
        ({"response": {"status": "failed"}}, errors.ServerError, "the service broke off the answer: no message"),
        ({"error": {"type": "invalid_request_error", "message": "m"}}, errors.BadRequestError, "answer: m"),
        ({"type": "error"}, errors.ServerError, "the service broke off the answer: no message"),
    ],
)
def test_errors_within_a_stream(event: dict[str, object], kind: type[errors.APIStatusError], told: str) -> None:
    error = from_event(event, {})
    assert type(error) is kind
    assert told in str(error)


def test_the_request_id_of_a_stream_error_may_be_in_the_headers() -> None:
    assert from_event({"error": "m"}, {"x-request-id": "r1"}).request_id == "r1"


def test_a_page_is_cut_to_its_words() -> None:
    page = b"<html><style>p {}</style><script>var a = '<b>';</script><h1>Bad   gateway</h1><p>" + b"word " * 200
    error = from_response(502, {}, page)
    assert str(error).startswith("the service answered 502: Bad gateway word word")
    assert len(str(error)) < 260


UTF8, GBK = "上游负载已饱和", "网关错误"
PAGE = "<html><head><title>{}</title></head></html>"

ENCODINGS = {
    "UTF-8": ("text/plain", UTF8.encode(), UTF8),
    "UTF-8, cut in a letter": ("text/plain", UTF8.encode()[:-1], UTF8[:-1]),
    "GBK, as the header says": ("text/html; charset=gbk", PAGE.format(GBK).encode("gbk"), GBK),
    "GBK, as the page says": (
        "text/html",
        b'<meta charset="gb2312"><title>' + GBK.encode("gbk") + b"</title>",
        GBK,
    ),
    "GBK without a word": ("text/html", PAGE.format(GBK).encode("gbk"), GBK),
    "GBK that calls itself UTF-8": ("text/html; charset=utf-8", PAGE.format(GBK).encode("gbk"), GBK),
    "JSON in GBK": ("application/json", f'{{"message":"{GBK}"}}'.encode("gbk"), GBK),
    "an encoding that nobody knows": ("text/plain; charset=klingon", UTF8.encode(), UTF8),
    "an encoding that is none of text": ("text/plain; charset=base64", GBK.encode("gbk"), GBK),
    "noise": ("text/plain", b"ab\xff\xff\xff", "ab���"),
}


@pytest.mark.parametrize(("content_type", "body", "told"), ENCODINGS.values(), ids=ENCODINGS)
def test_the_encoding_of_an_error(content_type: str, body: bytes, told: str) -> None:
    assert str(from_response(502, {"content-type": content_type}, body)) == f"the service answered 502: {told}"


PAGES = {
    "a script in capitals": ("<SCRIPT>a < b</SCRIPT>Bad", "Bad"),
    "a script without an end": ("Bad<script>var a", "Bad"),
    "a tag without an end": ("Bad <a href='x", "Bad <a href='x"),
    "no tag": ("expected x < 5 and y>3", "expected x < 5 and y>3"),
    "a title of blanks": ("<title> </title>Bad", "Bad"),
    "a title without an end": ("<title>Bad", "Bad"),
    "a comment": ("<!-- no -->Bad<br/>gateway", "Bad gateway"),
}


@pytest.mark.parametrize(("page", "told"), PAGES.values(), ids=PAGES)
def test_the_words_of_a_page(page: str, told: str) -> None:
    assert str(from_response(502, {}, page.encode())) == f"the service answered 502: {told}"


REPEATED = ["<script>", "<style ", "<", "<a", "<title", "<title>", "(request id: ", "<html><script", "</script", "a<b>"]


@pytest.mark.parametrize("piece", REPEATED)
def test_the_time_grows_with_the_body_and_not_faster(piece: str) -> None:
    """Bodies that send a regular expression back to each place where it might begin."""

    def seconds(size: int) -> float:
        body = (piece * size)[:size].encode()
        start = time.perf_counter()
        from_response(502, {}, body)
        from_event({"error": {"message": body.decode()}}, {})
        return time.perf_counter() - start

    few, many = (min(seconds(size) for _ in range(5)) for size in (3_000, 192_000))
    assert many < 64 * 12 * max(few, 1e-4)  # the square would be 64 * 64


def test_what_is_kept_of_a_long_message() -> None:
    long = "word " * 10_000_000
    error = from_event({"code": long, "message": f"{long} (request id: r1)", "param": long, "type": long}, {})
    assert len(str(error)) < 2_400
    assert max(len(one or "") for one in (error.code, error.param, error.error_type)) <= 201


DOWNLOAD_HINT = ". The service could not download the media: its URL must be open to it without a login, a signed one"
REMEDIES = {  # what the upstream says, its code, and what the user reads after it
    "Failed to download multimodal content": ("", DOWNLOAD_HINT),
    "Failed to download multimodal content: 403 Forbidden.": ("", DOWNLOAD_HINT),
    "<400> InternalError.Algo.InvalidParameter: Download the media resource timed out during the data inspection "
    "process.": ("bad_response_status_code", DOWNLOAD_HINT),
    "The video file is too long": ("", ". The service takes an hour of video and three hours of sound: cut it with"),
    "The audio is empty": ("InvalidParameter", ". There is no sound in what was sent"),
    "Output data may contain inappropriate content.": ("data_inspection_failed", ". The service's content filter"),
    "no": ("DataInspectionFailed", ". The service's content filter"),
    "The provided URL does not appear to be valid. Ensure it is correctly formatted.": ("", ". Give a public http(s)"),
    "Voice 'Nobody' is not supported": ("", ". langchain_dmx_omni.voices.names() lists the voices"),
}


@pytest.mark.parametrize("message", REMEDIES)
def test_what_the_upstream_says_comes_with_a_remedy(message: str) -> None:
    code, remedy = REMEDIES[message]
    body = {"error": {"message": f"{message} (request id: r1)", "code": code}}
    for failure in (from_response(400, {}, json.dumps(body).encode()), from_event({"type": "error", **body}, {})):
        assert f"{message.rstrip('.')} (request id: r1){remedy}" in str(failure)


def test_a_message_that_says_it_all_comes_without_a_remedy() -> None:
    error = from_response(400, {}, b'{"error": {"message": "downloads are closed; voice it"}}')
    assert str(error) == "the service answered 400: downloads are closed; voice it"


PLACED = {
    # HTTP 200 with an error in place of an answer: body, error, message, requests with two retries
    "flat": (
        {"code": "InvalidParameter", "message": "no such voice"},
        errors.BadRequestError,
        "the service answered with an error in place of an answer (InvalidParameter): no such voice",
        1,
    ),
    "flat, of an unknown code": (
        {"code": "Whatever", "message": "It is so."},
        errors.BadRequestError,
        "the service answered with an error in place of an answer (Whatever): It is so",
        1,
    ),
    "nested": (
        {"error": {"code": "odd", "message": "It is so."}},
        errors.BadRequestError,
        "the service answered with an error in place of an answer (odd): It is so",
        1,
    ),
    "flat, with a request's id": (
        {"code": "Arrearage", "message": "pay first", "request_id": "r1"},
        errors.QuotaExceededError,
        f"the service answered with an error in place of an answer (Arrearage): pay first (request id: r1){QUOTA_HINT}",
        1,
    ),
    "a status as the code": ({"code": 401, "message": "no"}, errors.AuthenticationError, "answered 401: no", 1),
    "the service's own fault": (
        {"code": "InternalError", "message": "sorry"},
        errors.ServerError,
        "the service answered with an error in place of an answer (InternalError): sorry",
        3,
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", PLACED)
async def test_http_200_with_an_error_in_place_of_a_stream(gateway: LocalGateway, name: str, way: Way) -> None:
    body, kind, told, requests = PLACED[name]
    gateway.play(*[Script(200, {"content-type": "application/json"}, (json.dumps(body).encode(),))] * 3)
    model = ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key, max_retries=2)
    with pytest.raises(kind) as caught:
        await way(model, "Hello?")
    assert type(caught.value) is kind
    assert told in str(caught.value)
    assert len(gateway.requests) == requests


@pytest.mark.parametrize("way", calls.WAYS)
@pytest.mark.parametrize(("path", "remedy"), [("", ", which ends in /v1 as a rule"), ("/v1", "")])
def test_html_in_place_of_a_stream(way: str, path: str, remedy: str) -> None:
    page = PAGE.format("欢迎").encode("gbk")

    def play(connection: socket.socket, _: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: %d\r\n\r\n"
        connection.sendall(head % len(page) + page)

    with calls.RawServer(play) as server:
        base_url = server.base_url.removesuffix("/v1") + path
        with pytest.raises(errors.ProtocolError) as caught:
            calls.call(calls.model(server, base_url=base_url), way)
    assert str(caught.value) == (
        f"HTTP 200 with an HTML page instead of an answer: 欢迎; check base_url={base_url!r}{remedy}"
    )


@pytest.mark.parametrize(
    ("value", "seconds"), [("2", 2.0), ("0.5", 0.5), ("-1", 0.0), ("", None), ("soon", None), ("nan", None)]
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}) == seconds


def test_retry_after_as_a_date_in_the_past_is_now() -> None:
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0


CORE = {
    errors.InvalidInputError: ModelInvalidRequestError,
    errors.ConfigurationError: ModelInvalidRequestError,
    errors.ContentBlockError: ModelInvalidRequestError,
    errors.MediaTooLargeError: ModelInvalidRequestError,
    errors.NoSpeechError: ModelInvalidRequestError,
    errors.APIStatusError: ModelError,
    errors.BadRequestError: ModelInvalidRequestError,
    errors.ContextLengthError: ContextOverflowError,
    errors.AuthenticationError: ModelAuthenticationError,
    errors.PermissionDeniedError: ModelPermissionDeniedError,
    errors.QuotaExceededError: ModelPermissionDeniedError,
    errors.NotFoundError: ModelNotFoundError,
    errors.RateLimitError: ModelRateLimitError,
    errors.ServerError: ModelAPIError,
    errors.ConnectError: ModelConnectionError,
    errors.CertificateError: ModelConnectionError,
    errors.RequestTimeoutError: ModelTimeoutError,
    errors.ConnectTimeoutError: ModelTimeoutError,
    errors.WriteTimeoutError: ModelTimeoutError,
    errors.FirstEventTimeoutError: ModelTimeoutError,
    errors.IdleTimeoutError: ModelTimeoutError,
    errors.StreamInterruptedError: ModelConnectionError,
    errors.ProtocolError: ModelAPIError,
    errors.AnswerTooLargeError: ModelAPIError,
    errors.UnreadableAnswerError: ModelAPIError,
    errors.EmptyAnswerError: ModelAPIError,
    errors.StorageError: OSError,
    errors.DMXOmniError: ModelError,
}


def test_the_tree_is_complete() -> None:
    kinds = {getattr(errors, name) for name in errors.__all__} - {errors.DMXOmniWarning}
    assert kinds == CORE.keys()
    for kind, core in CORE.items():
        assert issubclass(kind, core)
        assert issubclass(kind, errors.DMXOmniError)
        assert kind.__name__ in errors.__doc__
        assert kind.__doc__


@pytest.mark.parametrize("kind", CORE, ids=lambda kind: kind.__name__)
def test_langgraph_retries_what_may_be_mended(kind: type[errors.DMXOmniError]) -> None:
    from langgraph.types import default_retry_on  # type: ignore[attr-defined]  # public, though not listed

    error = kind("m")
    if kind in (errors.DMXOmniError, errors.APIStatusError):
        return  # bases, never raised themselves
    expected = error.is_retryable or kind is errors.EmptyAnswerError
    assert default_retry_on(error) is expected
