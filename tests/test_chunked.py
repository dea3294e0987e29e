"""HTTP chunks that arrived together become one, and h11 reads the same from both."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import h11
import httpx
import pytest
from hypothesis import given
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
