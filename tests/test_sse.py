"""Bytes → events: tables of streams, each cut at every byte, and any cut that hypothesis thinks of."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_dmx_omni._sse import EventDecoder, ServerSentEvent

E = ServerSentEvent

STREAMS: dict[str, tuple[bytes, list[E]]] = {
    "nothing": (b"", []),
    "one event": (b'event: a\ndata: {"x":1}\n\n', [E("a", b'{"x":1}')]),
    "no name": (b'data: {"x":1}\n\n', [E("", b'{"x":1}')]),
    "no space after the colon": (b'event:a\ndata:{"x":1}\n\n', [E("a", b'{"x":1}')]),
    "two spaces after the colon": (b"data:  x\n\n", [E("", b" x")]),
    "a name is for one event": (b"event: a\ndata: 1\n\ndata: 2\n\n", [E("a", b"1"), E("", b"2")]),
    "data before its name": (b"data: 1\nevent: a\n\n", [E("", b"1")]),
    "data on several lines": (b'data: {\ndata: "x": 1\ndata: }\n\n', [E("", b'{\n"x": 1\n}')]),
    "several lines with nested objects": (
        b'data: {"a":\ndata: {"b": [{}\ndata: ,{}]}}\n\n',
        [E("", b'{"a":\n{"b": [{}\n,{}]}}')],
    ),
    "comments": (b": PING\n\n:\n\ndata: 1\n: PING\n\n", [E("", b"1")]),
    "id and retry": (b"id: 7\nretry: 100\ndata: 1\n\n", [E("", b"1")]),
    "CR LF": (b"event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n", [E("a", b"1"), E("", b"2")]),
    "CR": (b"event: a\rdata: 1\r\rdata: 2\r\r", [E("a", b"1"), E("", b"2")]),
    "mixed line ends": (b"event: a\rdata: 1\n\r\ndata: 2\r\n\n", [E("a", b"1"), E("", b"2")]),
    "other line ends of Unicode are text": (
        'data: {"x":"\u2028\u2029\u0085\x0b\x0c\x1c"}\n\n'.encode(),
        [E("", '{"x":"\u2028\u2029\u0085\x0b\x0c\x1c"}'.encode())],
    ),
    "byte order mark": (b"\xef\xbb\xbfdata: 1\n\n", [E("", b"1")]),
    "only one byte order mark": (b"\xef\xbb\xbf\xef\xbb\xbfdata: 1\n\ndata: 2\n\n", [E("", b"2")]),
    "no blank lines": (
        b'event: a\ndata: {"x":1}\nevent: b\ndata: {"x":2}\n',
        [E("a", b'{"x":1}'), E("b", b'{"x":2}')],
    ),
    "no blank lines and no names": (
        b'data: {"x":1}\ndata: {"x":2}\ndata: [DONE]\n',
        [E("", b'{"x":1}'), E("", b'{"x":2}'), E("", b"[DONE]")],
    ),
    "no end of the last line": (b"data: 1\n\ndata: [DONE]", [E("", b"1"), E("", b"[DONE]")]),
    "no blank line at the end": (b"data: 1\n\ndata: 2\n", [E("", b"1"), E("", b"2")]),
    "empty data": (b"data:\n\ndata: \n\ndata: 1\n\n", [E("", b"1")]),
    "a name without data": (b"event: a\n\ndata: 1\n\n", [E("", b"1")]),
    "bare JSON": (b'{"error":{"message":"m"}}\n', [E("", b'{"error":{"message":"m"}}')]),
    "bare JSON without an end": (b'{"error":1}', [E("", b'{"error":1}')]),
    "bare JSON on several lines": (b'{\n "error": 1\n}\n', [E("", b'{\n "error": 1\n}')]),
    "bare JSON after events": (b'data: {"x":1}\n\n{"error":1}\n', [E("", b'{"x":1}'), E("", b'{"error":1}')]),
    "bare JSON right after data": (b'data: {"x":1}\n{"error":1}\n', [E("", b'{"x":1}'), E("", b'{"error":1}')]),
}


def decode(pieces: list[bytes]) -> list[E]:
    decoder = EventDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()


@pytest.mark.parametrize(("stream", "events"), STREAMS.values(), ids=STREAMS)
def test_a_stream_gives_its_events_however_it_is_cut(stream: bytes, events: list[E]) -> None:
    assert decode([stream]) == events
    assert decode([bytes([byte]) for byte in stream]) == events
    for cut in range(len(stream) + 1):
        assert decode([stream[:cut], stream[cut:]]) == events, cut
        assert decode([stream[:cut], b"", stream[cut:]]) == events, cut


@given(st.sampled_from(sorted(STREAMS)), st.lists(st.integers(0, 80)))
def test_any_split_gives_the_same_events(name: str, cuts: list[int]) -> None:
    stream, events = STREAMS[name]
    at = sorted({0, len(stream), *(min(cut, len(stream)) for cut in cuts)})
    assert decode([stream[start:end] for start, end in pairwise(at)]) == events


LINES = [
    b"data: {}",
    b'data: {"a":1}',
    b"event: e",
    b": c",
    b"",
    b"{",
    b"}",
    b"junk",
    b"data: [DONE]",
    b"id: 1",
    b"data",
]


@given(
    st.lists(st.tuples(st.sampled_from(LINES) | st.binary(max_size=9), st.sampled_from([b"\n", b"\r\n", b"\r"]))),
    st.lists(st.integers(1, 30)),
)
def test_any_bytes_in_any_split_give_the_same_events(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    stream = b"".join(line + end for line, end in lines)
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(stream[at : at + cut])
        at += cut
    assert decode([*pieces, stream[at:]]) == decode([stream])


def test_an_event_is_given_out_as_soon_as_it_is_complete() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: 1\n") == []
    assert decoder.feed(b"\n") == [E("", b"1")]
    assert decoder.feed(b"data: 2\r\n\r") == [E("", b"2")]  # its LF is still to come
    assert decoder.feed(b"\nevent: b\n") == []
    assert decoder.feed(b'data: {"x":3}\nevent: c\n') == [E("b", b'{"x":3}')]


def test_what_is_no_event_is_kept_for_the_error_message() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"<html>\nSign in\n" + b"x" * 500 + b"\n") == []
    assert decoder.close() == []
    assert decoder.stray == b"<html>\nSign in\n" + b"x" * 185


def test_a_long_line_in_many_pieces_costs_its_length() -> None:
    piece = b"x" * 65_536
    decoder = EventDecoder()
    decoder.feed(b"data: ")
    for _ in range(640):
        assert decoder.feed(piece) == []
    assert decoder.feed(b"\n\n") == [E("", piece * 640)]


STRAY = b"upstream connect error\n\n"
ONE = b"data: 1\n\n"


@pytest.mark.parametrize(
    ("stream", "before"),
    [
        (STRAY + ONE, 0),
        (ONE + STRAY, 1),
        (ONE + ONE + STRAY + ONE, 2),
        (b"data: 1\nupstream connect error\n\n" + ONE, 1),
        (b"data\nid\nevent\nretry\n   \n" + ONE + STRAY, 1),
    ],
)
def test_how_many_events_came_before_what_is_none(stream: bytes, before: int) -> None:
    for cut in range(len(stream) + 1):
        decoder = EventDecoder()
        for piece in (stream[:cut], stream[cut:]):
            decoder.feed(piece)
        assert (decoder.stray, decoder.before_stray) == (STRAY[:-1], before), cut
