"""HTTP chunks that arrived together become one, and h11 reads the same from both."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import h11
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langchain_dmx_omni._transport import clients, network
from langchain_dmx_omni._transport.http_chunks import ChunkMerger

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"

RESPONSES: dict[str, tuple[bytes, bytes]] = {
    # what arrives, and what goes on when it arrives at once
    "chunks": (
        HEAD + b"3\r\nabc\r\n2\r\nde\r\n1\r\nf\r\n0\r\n\r\n",
        HEAD + b"6\r\nabcdef\r\n0\r\n\r\n",
    ),
    "one chunk": (HEAD + b"3\r\nabc\r\n0\r\n\r\n", HEAD + b"3\r\nabc\r\n0\r\n\r\n"),
    "no chunk": (HEAD + b"0\r\n\r\n", HEAD + b"0\r\n\r\n"),
    "line ends in the data": (
        HEAD + b"4\r\n\r\n\r\n\r\n3\r\n0\r\n\r\n0\r\n\r\n",
        HEAD + b"7\r\n\r\n\r\n0\r\n\r\n0\r\n\r\n",
    ),
    "sizes in both cases, with zeros and extensions": (
        HEAD + b"0A;x=1\r\n0123456789\r\n00a\r\n0123456789\r\n0\r\n\r\n",
        HEAD + b"14\r\n01234567890123456789\r\n0\r\n\r\n",
    ),
    "trailers": (
        HEAD + b"1\r\na\r\n1\r\nb\r\n0\r\nx-a: 1\r\n\r\n",
        HEAD + b"2\r\nab\r\n0\r\nx-a: 1\r\n\r\n",
    ),
    "an interim response before it": (
        b"HTTP/1.1 103 Hints\r\nlink: a\r\n\r\n" + HEAD + b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
        b"HTTP/1.1 103 Hints\r\nlink: a\r\n\r\n" + HEAD + b"2\r\nab\r\n0\r\n\r\n",
    ),
    "no chunks at all": (PLAIN + b"1\r\na\r\n1\r\nb", PLAIN + b"1\r\na\r\n1\r\nb"),
    "an end in the middle": (HEAD + b"1\r\na\r\n1\r\nb\r\n5\r\nabc", HEAD + b"2\r\nab\r\n5\r\nabc"),
    "an end in a size": (HEAD + b"1\r\na\r\n1\r\nb\r\n5", HEAD + b"2\r\nab\r\n5"),
    "no size": (HEAD + b"1\r\na\r\n1\r\nb\r\nzz\r\nc", HEAD + b"2\r\nab\r\nzz\r\nc"),
    "too much data": (
        HEAD + b"1\r\na\r\n1\r\nb\r\n1\r\nccc\r\n0\r\n\r\n",
        HEAD + b"2\r\nab\r\n1\r\nccc\r\n0\r\n\r\n",
    ),
    "a size without an end": (HEAD + b"1" * 2000, HEAD + b"1" * 2000),
    "sizes that only Python takes": (
        HEAD + b"1\r\na\r\n1\r\nb\r\n-6\r\n" + b"x" * 20,
        HEAD + b"2\r\nab\r\n-6\r\n" + b"x" * 20,
    ),
    "a size with a sign": (HEAD + b"+1\r\na\r\n1\r\nb\r\n0\r\n\r\n",) * 2,
    "a size with a prefix": (HEAD + b"0x1\r\na\r\n1\r\nb\r\n0\r\n\r\n",) * 2,
    "a size with an underscore": (HEAD + b"1_0\r\n0123456789abcdef\r\n1\r\nb\r\n0\r\n\r\n",) * 2,
    "a size with a blank before it": (HEAD + b" 1\r\na\r\n1\r\nb\r\n0\r\n\r\n",) * 2,
    "sizes with blanks behind them": (
        HEAD + b"1 \t\r\na\r\n1 ;x\r\nb\r\n1;x \r\nc\r\n0\r\n\r\n",
        HEAD + b"1 \t\r\na\r\n1 ;x\r\nb\r\n1;x \r\nc\r\n0\r\n\r\n",
    ),
    "a head whose lines end in LF": (
        HEAD.replace(b"\r\n", b"\n") + b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
        HEAD.replace(b"\r\n", b"\n") + b"2\r\nab\r\n0\r\n\r\n",
    ),
    "an empty line of a chunk in a head that has ended": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\n\n7\r\nab\r\n\r\nc\r\n0\r\n\r\n",
    )
    * 2,
    "no HTTP": (b"hello\r\n\r\n1\r\na\r\n", b"hello\r\n\r\n1\r\na\r\n"),
}


def merged(pieces: list[bytes], merger: ChunkMerger | None = None) -> bytes:
    """What goes on of a connection's bytes, in the pieces in which they arrive, and of its end."""
    merger = merger or ChunkMerger()
    merger.sent()
    return b"".join(merger.feed(piece) for piece in pieces) + merger.feed(b"")


def read(data: bytes) -> tuple[bytes, list[tuple[bytes, bytes]], str]:
    """What h11 makes of a response: its body, its trailers, and how it ended."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    body = b""
    try:
        while True:
            match connection.next_event():
                case h11.Data(data=piece):
                    body += piece
                case h11.EndOfMessage(headers=trailers):
                    return body, [*trailers], "whole"
                case h11.ConnectionClosed():
                    return body, [], "closed"
    except h11.RemoteProtocolError as error:
        return body, [], str(error)


@pytest.mark.parametrize(("arrived", "passed"), RESPONSES.values(), ids=RESPONSES)
def test_a_response_however_it_is_cut(arrived: bytes, passed: bytes) -> None:
    assert merged([arrived]) == passed
    whole = read(arrived)
    assert read(passed) == whole
    assert read(merged([bytes([byte]) for byte in arrived])) == whole
    for cut in range(1, len(arrived)):
        assert read(merged([arrived[:cut], arrived[cut:]])) == whole, cut


LINES = st.sampled_from([b"\r\n", b"\n", b"\r"])
SIZES = st.sampled_from(
    [b"0", b"1", b"3", b"0a", b"-6", b"+5", b"0x5", b"1_0", b" 2", b"2 ", b"2;x=1", b"2 ;x", b"\xb2", b""]
)
HEADS = st.sampled_from(
    [
        HEAD,
        HEAD.replace(b"\r\n", b"\n"),
        PLAIN,
        b"HTTP/1.1 102 Processing\r\n\r\n" + HEAD,
        b"HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: y\r\nTransfer-Encoding:\tchunked\r\n\n",
    ]
)
PARTS = SIZES | LINES | st.binary(max_size=6) | st.sampled_from([b"abc\r\n", b"2\r\nhi\r\n", b"0\r\n\r\n"])


@settings(max_examples=300)
@given(HEADS, st.lists(PARTS, max_size=12), st.lists(st.integers(0, 200), max_size=6))
def test_whatever_arrives_is_what_h11_reads(head: bytes, parts: list[bytes], cuts: list[int]) -> None:
    arrived = head + b"".join(parts)
    at = sorted({0, len(arrived), *(min(cut, len(arrived)) for cut in cuts)})
    merger = ChunkMerger()
    body, trailers, end = read(merged([arrived[start:stop] for start, stop in pairwise(at)], merger))
    expected = read(arrived)
    if end == "whole":
        assert (body, trailers, end) == expected
        assert merger.behind is bool(left_behind(arrived))
    else:  # h11 hands out what it has of a chunk before it finds that the chunk does not end
        assert end == expected[2]
        assert body.startswith(expected[0]) or expected[0].startswith(body)


def left_behind(data: bytes) -> bytes:
    """What h11 holds behind the end of a response."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    while not isinstance(connection.next_event(), h11.EndOfMessage):
        pass
    return bytes(connection.trailing_data[0])


BEHIND = {
    "nothing": (HEAD + b"1\r\na\r\n0\r\n\r\n", False),
    "a byte": (HEAD + b"1\r\na\r\n0\r\n\r\nx", True),
    "another response": (HEAD + b"1\r\na\r\n0\r\n\r\n" + PLAIN + b"0123456789", True),
    "trailers": (HEAD + b"0\r\nx: 1\r\n\r\n", False),
    "something behind trailers": (HEAD + b"0\r\nx: 1\r\n\r\n\r\n", True),
    "a body of its length": (PLAIN + b"0123456789", False),
    "a longer body": (PLAIN + b"0123456789\n", True),
    "no body": (b"HTTP/1.1 204 None\r\n\r\n", False),
    "a body where there is none": (b"HTTP/1.1 204 None\r\ncontent-length: 3\r\n\r\nabc", True),
    "a body that the connection ends": (b"HTTP/1.1 200 OK\r\n\r\nabc", False),
}


@pytest.mark.parametrize(("arrived", "behind"), BEHIND.values(), ids=BEHIND)
def test_what_comes_behind_a_response(arrived: bytes, behind: bool) -> None:
    for cut in range(len(arrived)):
        merger = ChunkMerger()
        merged([arrived[:cut], arrived[cut:]], merger)
        assert merger.behind is behind
    merger.sent()
    assert not merger.behind


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=8),
    st.lists(st.integers(0, 400)),
    st.binary(max_size=12) | st.just(b"0\r\n\r\n"),
)
def test_any_chunks_in_any_split(chunks: list[bytes], cuts: list[int], end: bytes) -> None:
    arrived = HEAD + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + end
    at = sorted({0, len(arrived), *(min(cut, len(arrived)) for cut in cuts)})
    pieces = [arrived[start:stop] for start, stop in pairwise(at)]
    assert read(merged(pieces)) == read(arrived)


def test_thousands_of_interim_responses_in_one_read() -> None:
    interim = b"HTTP/1.1 102 Processing\r\n\r\n" * 2000
    assert merged([interim + HEAD + b"1\r\na\r\n1\r\nb\r\n"]) == interim + HEAD + b"2\r\nab\r\n"


def test_one_connection_serves_many_responses() -> None:
    merger = ChunkMerger()
    for arrived, passed in RESPONSES.values():
        assert merged([arrived], merger) == passed


def test_a_long_chunk_goes_on_as_it_came() -> None:
    merger = ChunkMerger()
    piece = b"x" * 65_536
    assert merger.feed(HEAD + b"1000000\r\n" + piece) == HEAD + b"1000000\r\n" + piece
    for _ in range(200):
        assert merger.feed(piece) is piece


@pytest.mark.parametrize(
    ("kind", "backend"), [(httpx.Client, network._Backend), (httpx.AsyncClient, network._AsyncBackend)]
)
def test_the_shared_clients_use_it(kind: Any, backend: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a proxy has a transport of its own. It rests on attributes of httpx that might move."""
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    client = clients._new_client(kind)
    transports: list[Any] = [client._transport, *client._mounts.values()]
    kinds = {type(transport._pool._network_backend) for transport in transports if transport is not None}
    assert len(transports) > 1
    assert kinds == {backend}


def test_a_transport_that_keeps_its_backend_elsewhere_is_left_alone() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    network.merge_chunks(transport)
    network.merge_chunks(None)
    assert vars(transport).keys() == {"handler"}
