"""What an answer may take: the longest event, the whole, and what is packed."""

from __future__ import annotations

import gc
import gzip
import socket
import tracemalloc
import zlib
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import pytest

from langchain_dmx_omni import ChatDMXOmni, errors
from langchain_dmx_omni._sse import EventDecoder
from langchain_dmx_omni._transport import http
from langchain_dmx_omni.testing.scripts import TEXT, answer, sse

from .calls import ANSWER, END, HEAD, WAYS, RawServer, call, chunked, model, partial_of, text

MB = 1 << 20
EVENT = "an event of the answer is longer than {:,} bytes (max_event_bytes)"
WHOLE = "the answer is longer than {:,} bytes (max_answer_bytes)"
BEGUN = sse(answer()[:6], done=False).payload
DELTA = sse(answer()[5:6], done=False).payload

ENDLESS: dict[str, tuple[bytes, bytes, dict[str, int], str]] = {
    # what arrives first and then for ever, fields, and the message
    "a line": (b"data: {", b"x" * 60_000, {"max_event_bytes": MB}, EVENT.format(MB)),
    "a line behind events": (BEGUN + b"data: ", b"x" * 60_000, {"max_event_bytes": MB}, EVENT.format(MB)),
    "a comment": (b": ", b"x" * 60_000, {"max_event_bytes": MB}, EVENT.format(MB)),
    "lines of data": (b"", b"data: x\n" * 5_000, {"max_event_bytes": MB}, EVENT.format(MB)),
    "a bare object": (b"{\n", b'"x": 1,\n' * 5_000, {"max_event_bytes": MB}, EVENT.format(MB)),
    "events": (BEGUN, DELTA * 300, {"max_answer_bytes": MB}, WHOLE.format(MB)),
    "comments": (BEGUN, b": PING\n\n" * 5_000, {"max_answer_bytes": MB}, WHOLE.format(MB)),
    "stray lines": (b"", b"noise\n" * 5_000, {"max_answer_bytes": MB}, WHOLE.format(MB)),
}


def endless(first: bytes, more: Iterator[bytes], head: bytes = HEAD) -> RawServer:
    def play(connection: socket.socket, _: bytes) -> None:
        connection.sendall(head + chunked(first or b"\n"))
        for piece in more:
            connection.sendall(chunked(piece))

    return RawServer(play)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ENDLESS)
def test_what_does_not_end(name: str, way: str) -> None:
    first, more, fields, told = ENDLESS[name]
    with endless(first, repeat(more)) as server, pytest.raises(errors.DMXOmniError) as caught:
        call(model(server, max_retries=2, **fields), way)
    assert type(caught.value) is errors.AnswerTooLargeError
    assert str(caught.value) == told
    assert len(server.requests) == 1
    assert not caught.value.is_retryable
    if first == BEGUN:
        assert partial_of(caught.value).text.startswith("Hello from ")


LIMITS = len(max(ANSWER.split(b"\n"), key=len).removeprefix(b"data: ")), len(ANSWER)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("cut", [None, 1, 7])
@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"max_event_bytes": LIMITS[0], "max_answer_bytes": LIMITS[1]}, None),
        ({"max_event_bytes": LIMITS[0] - 1}, EVENT.format(LIMITS[0] - 1)),
        ({"max_answer_bytes": LIMITS[1] // 2}, WHOLE.format(LIMITS[1] // 2)),
        ({"max_event_bytes": None, "max_answer_bytes": None}, None),
    ],
    ids=str,
)
def test_the_bounds_are_exact(way: str, cut: int | None, fields: dict[str, Any], told: str | None) -> None:
    pieces = [ANSWER[at : at + (cut or 700)] for at in range(0, len(ANSWER), cut or 700)]

    def play(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD)
        for piece in pieces:
            connection.sendall(chunked(piece))
        connection.sendall(END)

    with RawServer(play) as server:
        llm = model(server, **fields)
        if told is None:
            assert text(call(llm, way)) == TEXT
        else:
            with pytest.raises(errors.AnswerTooLargeError) as caught:
                call(llm, way)
            assert str(caught.value) == told


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_wherever_an_answer_is_cut_no_event_seems_longer_than_it_is(end: bytes) -> None:
    decoder = EventDecoder()
    for byte in ANSWER.replace(b"\n", end):
        decoder.feed(bytes([byte]))
        assert decoder.held - http._LINE_FRAMING <= LIMITS[0]


def test_a_speech_of_two_hours_fits() -> None:
    base64 = 2 * 60 * 60 * 24_000 * 2 * 4 // 3
    llm = ChatDMXOmni(api_key="k")
    assert llm.max_event_bytes is not None
    assert llm.max_answer_bytes is not None
    assert base64 * 1.1 < llm.max_event_bytes
    assert base64 * 3 * 1.1 < llm.max_answer_bytes


# Packed


def packed(data: bytes, encoding: str) -> bytes:
    match encoding:
        case "gzip" | "x-gzip":
            return gzip.compress(data)
        case "raw deflate":
            squeezer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
            return squeezer.compress(data) + squeezer.flush()
    return zlib.compress(data)


def head(encoding: str) -> bytes:
    return HEAD.replace(b"\r\n\r\n", f"\r\ncontent-encoding: {encoding.removeprefix('raw ')}\r\n\r\n".encode())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "deflate", "raw deflate", "identity, gzip"])
def test_an_answer_that_is_packed_unasked(way: str, encoding: str) -> None:
    data = packed(ANSWER, encoding.removeprefix("identity, "))
    pieces = [data[at : at + 100] for at in range(0, len(data), 100)]

    def play(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(head(encoding) + b"".join(map(chunked, pieces)) + END)
        return True

    with RawServer(play) as server:
        assert text(call(model(server), way)) == TEXT


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_a_packing_that_was_not_asked_for(way: str, encoding: str) -> None:
    with endless(b"x", iter(()), head(encoding)) as server, pytest.raises(errors.ProtocolError) as caught:
        call(model(server), way)
    assert str(caught.value) == f"the answer's content encoding can't be read: {encoding!r} was not asked for"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("status", [b"200 OK", b"500 Bad"])
def test_a_megabyte_that_stands_for_gigabytes(way: str, status: bytes) -> None:
    bomb = gzip.compress(bytes(200 * MB))
    with endless(bomb, iter(()), head("gzip").replace(b"200 OK", status)) as server:
        tracemalloc.start()
        gc.collect()
        with pytest.raises((errors.AnswerTooLargeError, errors.ServerError)):
            call(model(server, max_event_bytes=MB), way)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * MB


def test_what_is_held() -> None:
    decoder = EventDecoder()
    held = []
    for piece in (
        b"data: 12",
        b"34",
        b"\n",
        b"data: 5\nda",
        b"ta: 6\n",
        b"\n",
        b": PING\n",
        b": PI",
        b"NG\n",
        b"data: 1\n\n",
    ):
        decoder.feed(piece)
        held.append(decoder.held)
    assert held == [8, 10, 5, 9, 9, 0, 0, 4, 0, 0]
