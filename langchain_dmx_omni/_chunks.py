"""The answer → LangChain messages: chunks while it arrives, and the whole message.

Adding all chunks gives the whole message, byte for byte: what must not be concatenated (ids, MIME type,
metadata) goes on one chunk only, base64 is cut where no padding falls, and speech goes out in pieces that grow
with what has gone before, so that LangChain's adding stays linear in the length of the answer.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage, AIMessageChunk, message_chunk_to_message
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from ._audio import Base64Piece
from ._deltas import CallDelta, End, ReasoningDelta, SpeechDelta, TextDelta

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ._deltas import Delta
    from ._response import Answer

Content = str | list[str | dict[Any, Any]]

_GROWTH = 16
"""A piece of speech is sent on when it is longer than what went before, divided by this."""


class ChunkWriter:
    """Writes deltas down as message chunks.

    Args:
        answer: The answer that the deltas are of.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._blocks = answer.asked.blocks
        self._speech: list[bytes] = []  # samples not sent on yet
        self._waiting = 0
        self._sent = 0

    def write(self, deltas: Iterable[Delta]) -> list[ChatGenerationChunk]:
        """Return a chunk for each delta; speech may wait for more."""
        chunks = []
        for delta in deltas:
            match delta:
                case TextDelta(index, text):
                    content = [{"type": "text", "text": text, "index": index}] if self._blocks else text
                    chunks.append(self._chunk(cast("Content", content)))
                case SpeechDelta(index, data):
                    self._speech.append(data)
                    self._waiting += len(data)
                    if self._waiting > self._sent // _GROWTH:
                        chunks.append(self._chunk([self._audio_block(index, last=False)]))
                case ReasoningDelta(index, text) if self._blocks:
                    chunks.append(self._chunk([{"type": "reasoning", "reasoning": text, "index": index}]))
                case ReasoningDelta(_, text):
                    # Where plain text was asked for, reasoning goes where LangChain looks for it then.
                    chunks.append(self._chunk(self._nothing(), additional_kwargs={"reasoning_content": text}))
                case CallDelta(index, id_, name, arguments):
                    call = tool_call_chunk(index=index, id=id_, name=name, args=arguments)
                    chunks.append(self._chunk(self._nothing(), tool_call_chunks=[call]))
                case End():
                    chunks.append(self._last())
        return chunks

    def _last(self) -> ChatGenerationChunk:
        """Return the chunk that ends the message: what is left of the speech, usage and metadata."""
        index = self._answer.indexes.get("audio")
        return self._chunk(
            self._nothing() if index is None else [self._audio_block(index, last=True)],
            usage_metadata=self._answer.usage,
            response_metadata=self._answer.response_metadata,
            chunk_position="last",
        )

    def _chunk(self, content: Any, **fields: Any) -> ChatGenerationChunk:
        return ChatGenerationChunk(message=AIMessageChunk(content=content, id=self._answer.message_id, **fields))

    def _nothing(self) -> Content:
        return [] if self._blocks else ""

    def _audio_block(self, index: int, *, last: bool) -> dict[str, Any]:
        track, first = self._answer.track, self._sent == 0
        data = b"".join([track.header(final=False) if first else b"", *self._speech])
        whole = len(data) if last else len(data) // 3 * 3
        self._speech = [data[whole:]] if whole < len(data) else []
        self._waiting = len(data) - whole
        self._sent += whole
        text = _base64(data[:whole] if whole < len(data) else data)
        block: dict[str, Any] = {
            "type": "audio",
            "base64": Base64Piece.final(text) if last else Base64Piece(text),
            "index": index,
        }
        return block | _once(self._answer) if first else block


def message(answer: Answer) -> AIMessage:
    """Return the whole message: of a finished answer, or of what has arrived of one that broke off."""
    blocks: list[tuple[int, str | dict[str, Any]]] = []
    fields: dict[str, Any] = {}
    text = "".join(answer.text)
    asked_blocks = answer.asked.blocks
    for kind, index in answer.indexes.items():
        if kind == "audio":
            data = b"".join([answer.track.header(final=True), *answer.speech])
            block = {"type": "audio", "base64": _base64(data), "index": index, **_once(answer)}
            blocks.append((index, block))
        elif kind == "text":
            blocks.append((index, {"type": "text", "text": text, "index": index} if asked_blocks else text))
        elif asked_blocks:
            blocks.append((index, {"type": "reasoning", "reasoning": "".join(answer.reasoning), "index": index}))
        else:
            fields["additional_kwargs"] = {"reasoning_content": "".join(answer.reasoning)}
    plain = not asked_blocks and "audio" not in answer.indexes
    whole = AIMessageChunk(
        content=text if plain else cast("list[str | dict[Any, Any]]", [block for _, block in blocks]),
        id=answer.message_id,
        tool_call_chunks=[
            tool_call_chunk(index=call.index, id=call.id, name=call.name, args="".join(call.arguments))
            for call in answer.calls
        ],
        usage_metadata=answer.usage,
        response_metadata=answer.response_metadata,
        chunk_position="last",
        **fields,
    )
    return cast("AIMessage", message_chunk_to_message(whole))


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def _once(answer: Answer) -> dict[str, str]:
    """Return what only one piece of the audio block may carry, since adding concatenates strings."""
    known = {"mime_type": answer.track.mime_type}
    return known | {"id": answer.audio_id} if answer.audio_id else known
