"""What an event and a call may cost, counted in bytecode instructions and in memory blocks, not in seconds.

The counts are of this package's own code and the same on every machine; versions of Python differ by a few percent,
and the bounds leave room for that, not for a call or a copy more for each event.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import langchain_dmx_omni
from langchain_dmx_omni._answer.answer import Answer
from langchain_dmx_omni._answer.chunks import ChunkWriter, to_message
from langchain_dmx_omni._answer.deltas import AnswerSpec
from langchain_dmx_omni._answer.endings import settle
from langchain_dmx_omni._answer.protocol_events import EventWriter
from langchain_dmx_omni._answer.reader import AnswerReader
from langchain_dmx_omni._media.data import InlineData
from langchain_dmx_omni._media.speech_track import SpeechTrack
from langchain_dmx_omni._request.body import Body
from langchain_dmx_omni._sse import EventDecoder
from langchain_dmx_omni.testing import scripts

from .calls import blocks

OWN = str(Path(langchain_dmx_omni.__file__).parent)


def instructions(work: Callable[[], object]) -> int:
    """Bytecode instructions that this package's own code runs."""
    counted = 0

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal counted
        if not frame.f_code.co_filename.startswith(OWN):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        counted += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()  # once for nothing: from 3.12 on, code is prepared for counting when it first runs
        counted = 0
        work()
    finally:
        sys.settrace(before)
    return counted


def per_event(work: Callable[[list[bytes]], object]) -> float:
    """Instructions for each further text delta, so that what a call costs once is not in it."""
    few, many = (pieces(scripts.answer("word " * count, deltas=["word "] * count)) for count in (100, 200))
    assert len(many) - len(few) == 100
    return (instructions(lambda: work(many)) - instructions(lambda: work(few))) / 100


TEXT = AnswerSpec("m")


def pieces(events: list[dict[str, Any]]) -> list[bytes]:
    return [step for step in scripts.sse(events).body if isinstance(step, bytes)]


def answered(sent: list[bytes], spec: AnswerSpec = TEXT) -> Answer:
    decoder, reader = EventDecoder(), AnswerReader(spec)
    for piece in sent:
        reader.feed(decoder.feed(piece))
    settle(reader)
    return reader.answer


def written(writer: type[ChunkWriter] | type[EventWriter]) -> Callable[[list[bytes]], object]:
    def write(sent: list[bytes]) -> list[object]:
        decoder, reader = EventDecoder(), AnswerReader(AnswerSpec("m", blocks=writer is EventWriter))
        writes = writer(reader.answer).write
        out = [one for piece in sent for one in writes(reader.feed(decoder.feed(piece)))]
        return [*out, *writes(settle(reader))]

    return write


EVENT: dict[str, tuple[Callable[[list[bytes]], object], int]] = {
    "reading it": (answered, 310),
    "reading it and making a message chunk": (written(ChunkWriter), 470),
    "reading it and making a protocol event": (written(EventWriter), 390),
}


@pytest.mark.parametrize(("work", "bound"), EVENT.values(), ids=EVENT)
def test_instructions_of_a_text_delta(work: Callable[[list[bytes]], object], bound: int) -> None:
    assert bound * 0.6 < per_event(work) <= bound


def test_instructions_grow_with_the_answer_and_not_faster() -> None:
    few, many = (pieces(scripts.answer("word " * count, deltas=["word "] * count)) for count in (100, 1000))
    assert instructions(lambda: answered(many)) < 10.5 * instructions(lambda: answered(few))


@pytest.fixture
def peak() -> Iterator[Callable[[Callable[[], object]], int]]:
    """Measures the bytes that work takes at its peak, over what there was before."""
    tracemalloc.start()

    def measured(work: Callable[[], object]) -> int:
        gc.collect()
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        work()
        return tracemalloc.get_traced_memory()[1] - before

    yield measured
    tracemalloc.stop()


SPEECH = 3_000_000
"""Bytes of samples: a minute."""


def test_speech_in_one_event_is_copied_no_more_than_it_must(peak: Callable[[Callable[[], object]], int]) -> None:
    """The line that comes in pieces is joined, and parsed: two copies of the base64 at once, and no third."""
    events = scripts.spoken("Hi", bytes(SPEECH))
    whole = scripts.sse(events).payload
    sent = [whole[at : at + 65_536] for at in range(0, len(whole), 65_536)]
    size = SPEECH * 4 // 3

    def collect() -> None:
        answer = answered(sent, AnswerSpec("m", voice="Tina", blocks=True))
        assert len(blocks(to_message(answer))[1]["base64"]) > size

    assert 2 * size < peak(collect) < 2.3 * size


def test_a_wav_that_needs_no_change_is_not_decoded(peak: Callable[[Callable[[], object]], int]) -> None:
    (item,) = [
        event["item"] for event in scripts.spoken("Hi", bytes(SPEECH)) if event["type"] == "response.output_item.done"
    ]
    text = next(part["audio"]["data"] for part in item["content"] if part["type"] == "output_audio")
    assert peak(lambda: SpeechTrack().whole(text)) < 0.1 * len(text)


def test_inline_base64_is_not_copied(peak: Callable[[Callable[[], object]], int]) -> None:
    text = "AbCd" * 1_000_000

    def send() -> int:
        body = Body({"input": [InlineData(text)]})
        return sum(len(piece) for piece in body) - len(body)

    assert send() == 0
    assert peak(send) < 0.1 * len(text)
