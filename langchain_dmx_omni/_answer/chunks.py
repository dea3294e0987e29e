"""The answer → LangChain messages: chunks while it arrives, and the whole message.

Adding all chunks gives the whole message, byte for byte: what must not be concatenated (ids, MIME type,
metadata) goes on one chunk only, base64 is cut where no padding falls, and speech goes out in pieces that grow
with what has gone before, so that LangChain's adding stays linear in the length of the answer.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Any, assert_never, cast

from langchain_core.messages import AIMessage, message_chunk_to_message
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk

from langchain_dmx_omni._media.base64_text import Base64Text
from langchain_dmx_omni._media.wav import HEADER_SIZE, with_length

from .annotations import KEY as ANNOTATIONS
from .deltas import CallCorrection, CallDelta, Citation, End, ReasoningDelta, SpeechDelta, TextDelta
from .message_chunk import AnswerChunk, correction

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .answer import Answer
    from .deltas import Delta

Content = str | list[str | dict[Any, Any]]

_GROWTH = 16
"""A piece of speech is sent on when it is longer than what went before, divided by this."""


_SHORT = 4_096
"""Characters of a call's arguments up to which each piece is sent on as it comes."""


class _Pieces:
    """The arguments of a tool call, in pieces that grow once they are long: each sum of chunks reads all of them."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._size = 0
        self._sent = 0

    def add(self, text: str) -> str:
        """Return what is to be sent on now."""
        self._waiting.append(text)
        self._size += len(text)
        return self.take() if self._sent < _SHORT or self._size > self._sent // _GROWTH else ""

    def take(self) -> str:
        """Return what has not been sent on."""
        text = "".join(self._waiting)
        self._sent += self._size
        self._waiting, self._size = [], 0
        return text


class Base64Piece(Base64Text):
    """A piece of a WAV's base64, for message chunks: adding the last one writes the length into the header.

    The header goes out first, when nobody knows the length yet, so it says "unknown" (0xFFFFFFFF), which
    players take. LangChain adds equal-index strings of one type with `+`; hooking into that is what lets the sum
    of all chunks be the very bytes that `invoke` gives. Where a chunk passes through JSON the hook is lost and the
    header stays "unknown": still a WAV, and `Speech` repairs it.
    """

    last = False

    def __add__(self, other: str) -> str:
        return join_pieces([self, other])

    def __reduce__(self) -> tuple[Any, ...]:
        return (Base64Piece.final if self.last else Base64Piece), (str(self),)

    @classmethod
    def final(cls, text: str) -> Base64Piece:
        """Return the piece that completes the WAV."""
        piece = cls(text)
        piece.last = True
        return piece


def join_pieces(pieces: list[str]) -> str:
    """Return pieces of a WAV's base64 as one; where the last is there, the lengths in the header are set."""
    if not getattr(pieces[-1], "last", False):
        return Base64Piece("".join(pieces))
    first = pieces[0]
    start = a2b_base64(first[:60])  # the header and one byte of the samples
    length = sum(map(len, pieces)) // 4 * 3 - "".join(pieces[-2:])[-2:].count("=") - HEADER_SIZE
    begins = b2a_base64(with_length(start, length), newline=False).decode("ascii")
    return Base64Text("".join([begins, first[60:], *pieces[1:]]))


class ChunkWriter:
    """Writes deltas down as message chunks.

    Args:
        answer: The answer that the deltas are of.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._blocks = answer.spec.blocks
        self._speech: list[bytes] = []  # samples not sent on yet
        self._waiting = 0
        self._sent = 0
        self._arguments: dict[int, _Pieces] = {}
        self._first: ChatGenerationChunk | None = None  # of the chunks with text; never handed out
        self._mutable: list[tuple[str, type[dict[Any, Any]] | type[list[Any]]]] = []

    def write(self, deltas: Iterable[Delta]) -> Iterator[ChatGenerationChunk]:
        """Yield a chunk for each delta; speech may wait for more."""
        for delta in deltas:
            match delta:
                case TextDelta(index, text):
                    yield self._text_chunk(index, text)
                case SpeechDelta(index, data):
                    self._speech.append(bytes(data))
                    self._waiting += len(data)
                    if self._waiting > self._sent // _GROWTH:
                        yield self._chunk([self._audio_block(index, last=False)])
                case ReasoningDelta(index, text):
                    yield self._reasoning(index, text)
                case CallDelta(index, id_, name, arguments):
                    if id_ or name:
                        yield self._call_chunk(index, arguments, id=id_, name=name)
                    elif piece := self._arguments.setdefault(index, _Pieces()).add(arguments):
                        yield self._call_chunk(index, piece)
                case CallCorrection(index, arguments):
                    self._arguments.pop(index, None)
                    yield self._call_chunk(correction(index), arguments)
                case Citation(index, annotation):
                    yield self._citation(index, annotation)
                case End():
                    yield self._last()
                case _:
                    assert_never(delta)

    def _last(self) -> ChatGenerationChunk:
        """Return the chunk that ends the message: what is left of the speech, usage and metadata."""
        index = self._answer.indexes.get("audio")
        return self._chunk(
            self._nothing() if index is None else [self._audio_block(index, last=True)],
            tool_call_chunks=[
                tool_call_chunk(index=index, args=rest)
                for index, pieces in self._arguments.items()
                if (rest := pieces.take())
            ],
            usage_metadata=self._answer.usage,
            response_metadata=self._answer.response_metadata,
            chunk_position="last",
        )

    def _chunk(self, content: Any, **fields: Any) -> ChatGenerationChunk:
        return _Chunk(message=AnswerChunk(content=content, id=self._answer.message_id, **fields))

    def _text_chunk(self, index: int, text: str) -> ChatGenerationChunk:
        """Return a chunk of text, copied from the first one: most of an answer is text, and validating takes long."""
        content: Content = [{"type": "text", "text": text, "index": index}] if self._blocks else text
        if self._first is None:
            self._first = self._chunk(content)
            self._mutable = [
                (name, type(value))
                for name, value in vars(self._first.message).items()
                if isinstance(value, dict | list)
            ]
        chunk, message = self._first.__copy__(), self._first.message.__copy__()
        fields = message.__dict__
        for name, kind in self._mutable:  # a copy would share them
            fields[name] = kind()
        fields["content"] = content
        fields = chunk.__dict__
        fields["message"], fields["text"] = message, text
        return chunk

    def _reasoning(self, index: int, text: str) -> ChatGenerationChunk:
        if self._blocks:
            return self._chunk([{"type": "reasoning", "reasoning": text, "index": index}])
        # Where plain text was asked for, reasoning goes where LangChain looks for it then.
        return self._chunk(self._nothing(), additional_kwargs={"reasoning_content": text})

    def _call_chunk(self, index: int, arguments: str, **names: str | None) -> ChatGenerationChunk:
        call = tool_call_chunk(index=index, args=arguments, **names)
        return self._chunk(self._nothing(), tool_call_chunks=[call])

    def _citation(self, index: int, annotation: dict[str, Any]) -> ChatGenerationChunk:
        if self._blocks:
            return self._chunk([{"type": "text", "text": "", ANNOTATIONS: [annotation], "index": index}])
        return self._chunk("", additional_kwargs={ANNOTATIONS: [annotation]})

    def _nothing(self) -> Content:
        return [] if self._blocks else ""

    def _audio_block(self, index: int, *, last: bool) -> dict[str, Any]:
        track, first = self._answer.track, self._sent == 0
        data = b"".join([track.header(final=last) if first else b"", *self._speech])
        whole = len(data) if last else len(data) // 3 * 3
        self._speech = [data[whole:]] if whole < len(data) else []
        self._waiting = len(data) - whole
        self._sent += whole
        text = b2a_base64(data[:whole] if whole < len(data) else data, newline=False).decode("ascii")
        block: dict[str, Any] = {
            "type": "audio",
            "base64": Base64Piece.final(text) if last else Base64Piece(text),
            "index": index,
        }
        return block | _once(self._answer) if first else block


class _Chunk(ChatGenerationChunk):
    """A chunk that adds a whole list of others in one go, as LangChain asks it to at the end of a stream.

    LangChain would add the pieces of speech one by one and copy all the earlier ones each time: half a second
    without a break, for ten minutes of speech.
    """

    def __add__(self, other: ChatGenerationChunk | list[ChatGenerationChunk]) -> ChatGenerationChunk:
        if not isinstance(other, list):
            return super().__add__(other)
        first, *rest = _with_one_speech([self, *other])
        return ChatGenerationChunk.__add__(first, rest)

    @classmethod
    def lc_id(cls) -> list[str]:
        """Serialize as what LangChain knows."""
        return ChatGenerationChunk.lc_id()


def _with_one_speech(chunks: list[ChatGenerationChunk]) -> list[ChatGenerationChunk]:
    """Return chunks with all the speech in the first chunk that has any; what is given stays as it is."""
    spoken = [number for number, chunk in enumerate(chunks) if _piece(chunk) is not None]
    if len(spoken) < 2:
        return chunks
    pieces = [cast("dict[str, Any]", _piece(chunks[number])) for number in spoken]
    whole = {**pieces[0], "base64": join_pieces([piece["base64"] for piece in pieces])}
    merged = [*chunks]
    for number in spoken:
        message = chunks[number].message
        content = [whole] if number == spoken[0] else []
        merged[number] = chunks[number].model_copy(update={"message": message.model_copy(update={"content": content})})
    return merged


def _piece(chunk: ChatGenerationChunk) -> dict[str, Any] | None:
    """Return the piece of speech that is all that a chunk holds, or None."""
    match chunk.message.content:
        case [{"type": "audio", "base64": str()} as block]:
            return cast("dict[str, Any]", block)
    return None


def to_message(answer: Answer) -> AIMessage:
    """Return the whole message: of a finished answer, or of what has arrived of one that broke off."""
    blocks: list[tuple[int, str | dict[str, Any]]] = []
    kwargs: dict[str, Any] = {}
    text = "".join(answer.text)
    in_blocks = answer.spec.blocks
    for kind, index in answer.indexes.items():
        if kind == "audio":
            block = {"type": "audio", "base64": Base64Text(answer.speech_base64), "index": index, **_once(answer)}
            blocks.append((index, block))
        elif kind == "text":
            block = {"type": "text", "text": text, "index": index}
            if answer.annotations:
                block[ANNOTATIONS] = answer.annotations
            blocks.append((index, block if in_blocks else text))
        elif in_blocks:
            blocks.append((index, {"type": "reasoning", "reasoning": "".join(answer.reasoning), "index": index}))
        else:
            kwargs["reasoning_content"] = "".join(answer.reasoning)
    if answer.annotations and not in_blocks:
        kwargs[ANNOTATIONS] = answer.annotations
    plain = not in_blocks and "audio" not in answer.indexes
    whole = AnswerChunk(
        content=text if plain else cast("list[str | dict[Any, Any]]", [block for _, block in blocks]),
        id=answer.message_id,
        tool_call_chunks=[
            tool_call_chunk(index=call.index, id=call.id, name=call.name, args="".join(call.arguments))
            for call in answer.calls
        ],
        usage_metadata=answer.usage,
        response_metadata=answer.response_metadata,
        chunk_position="last",
        additional_kwargs=kwargs,
    )
    return cast("AIMessage", message_chunk_to_message(whole))


def partial_message(answer: Answer) -> AIMessage | None:
    """Return what has arrived of an answer that broke off; None where that can't be written down either."""
    try:
        return to_message(answer)
    except Exception:  # noqa: BLE001 - whatever it is, the error that says why the answer broke off must come through
        return None


def _once(answer: Answer) -> dict[str, str]:
    """Return what only one piece of the audio block may carry, since adding concatenates strings."""
    fields = {"mime_type": answer.track.mime_type}
    return fields | {"id": answer.audio_id} if answer.audio_id else fields
