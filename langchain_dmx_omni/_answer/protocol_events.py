"""The answer → LangChain's protocol events, native: speech arrives live and whole.

langchain-core can make such events from message chunks by itself, but then keeps only the last piece of an
audio block's base64. Blocks begin at their first delta and all end when the answer ends.

Speech goes `{"type": "audio", "mime_type"}` → `data-delta`… → the block with its whole `base64`. The deltas put
behind one another are a WAV whose header says "length unknown", because it is sent first; in the whole block
the length is right.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING, Any, assert_never, cast

from langchain_dmx_omni._profiles import PROVIDER

from .chunks import to_message
from .deltas import CallCorrection, CallDelta, Citation, End, ReasoningDelta, SpeechDelta, TextDelta
from .tool_calls import finished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from langchain_protocol.protocol import MessagesData

    from .answer import Answer
    from .calls import Call
    from .deltas import Delta


class EventWriter:
    """Writes deltas down as protocol events.

    Args:
        answer: The answer that the deltas are of; its content is in blocks.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._open: dict[int, str] = {}
        self._started = False
        self._spare = b""  # samples that don't fill a base64 quantum yet

    def write(self, deltas: Iterable[Delta]) -> Iterator[MessagesData]:
        """Yield the events for deltas."""
        for delta in deltas:
            if not self._started:
                self._started = True
                yield self._start()
            match delta:
                case TextDelta(block, text):
                    yield from self._delta(block, {"type": "text", "text": ""}, {"type": "text-delta", "text": text})
                case ReasoningDelta(block, text):
                    start = {"type": "reasoning", "reasoning": ""}
                    yield from self._delta(block, start, {"type": "reasoning-delta", "reasoning": text})
                case CallDelta(block, id_, name, arguments):
                    call = {"type": "tool_call_chunk", "id": id_, "name": name, "args": "", "index": block}
                    change = {"type": "tool-call-delta", "args": arguments} if arguments else None
                    yield from self._delta(block, call, change)
                case Citation(block, _):
                    yield from self._delta(block, {"type": "text", "text": ""}, None)
                case CallCorrection():
                    pass  # the end of its block says it
                case SpeechDelta(block, data):
                    yield from self._speech(block, bytes(data))
                case End():
                    yield from self._finish()
                case _:
                    assert_never(delta)

    def _start(self) -> MessagesData:
        metadata = {"provider": PROVIDER, "model": self._answer.model_name}
        id_ = self._answer.message_id or ""
        return cast("MessagesData", {"event": "message-start", "role": "ai", "id": id_, "metadata": metadata})

    def _delta(self, block: int, start: Mapping[str, Any], change: Mapping[str, Any] | None) -> Iterator[MessagesData]:
        if block not in self._open:
            self._open[block] = start["type"]
            yield cast("MessagesData", {"event": "content-block-start", "index": block, "content": start})
        if change is not None:
            yield cast("MessagesData", {"event": "content-block-delta", "index": block, "delta": change})

    def _speech(self, block: int, data: bytes) -> Iterator[MessagesData]:
        track = self._answer.track
        start = {"type": "audio", "mime_type": track.mime_type}
        if block not in self._open:
            data = track.header(final=False) + data
        data = self._spare + data
        whole = len(data) // 3 * 3
        self._spare = data[whole:]
        yield from self._delta(block, start, _data(data[:whole]) if whole else None)

    def _finish(self) -> Iterator[MessagesData]:
        whole = to_message(self._answer)
        blocks = {block["index"]: block for block in whole.content if isinstance(block, dict)}
        calls = {call.index: call for call in self._answer.calls}
        for index, kind in sorted(self._open.items()):
            if kind == "audio" and self._spare:
                yield from self._delta(index, {}, _data(self._spare))
            content = self._call(calls[index]) if kind == "tool_call_chunk" else blocks[index]
            yield cast("MessagesData", {"event": "content-block-finish", "index": index, "content": content})
        finish: dict[str, Any] = {"event": "message-finish", "metadata": self._answer.response_metadata}
        if self._answer.usage is not None:
            finish["usage"] = self._answer.usage
        yield cast("MessagesData", finish)

    def _call(self, call: Call) -> dict[str, Any]:
        return dict(finished(call.name, call.id, "".join(call.arguments), self._answer.finish_reason))


def _data(data: bytes) -> dict[str, Any]:
    return {"type": "data-delta", "data": b2a_base64(data, newline=False).decode("ascii"), "encoding": "base64"}
