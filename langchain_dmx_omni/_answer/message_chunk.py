"""`AnswerChunk`: a message chunk whose sums know when a tool call is whole.

Adding message chunks makes an object of the first one's class, and that is the place where LangChain parses the
arguments of tool calls. Whatever way chunks are added (one by one, as a list, by LangChain at the end of a stream),
it passes through here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from langchain_core.messages import AIMessage, AIMessageChunk
from pydantic import BaseModel, model_validator

from .tool_calls import all_finished, all_unfinished

if TYPE_CHECKING:
    from langchain_core.messages import ToolCall, ToolCallChunk


class _CallMakesMessage(type(BaseModel)):  # type: ignore[misc]
    def __call__(cls, *args: Any, **fields: Any) -> Any:
        return AIMessage(*args, **fields) if cls is _Whole else super().__call__(*args, **fields)


class _Whole(AIMessageChunk, metaclass=_CallMakesMessage):
    """Makes messages, never itself: `message_chunk_to_message` calls the first parent of a chunk's class."""


class AnswerChunk(_Whole):  # type: ignore[metaclass]  # pydantic has no public name for its metaclass
    """A piece of an answer, or a sum of pieces. To LangChain and to whoever stores it, it is an `AIMessageChunk`."""

    @model_validator(mode="after")
    def init_tool_calls(self) -> Self:
        """Parse tool calls: as a preview while they arrive, strictly once the last piece is in."""
        if self.tool_call_chunks:
            self.tool_call_chunks = corrected(self.tool_call_chunks)
            if self.chunk_position == "last":
                calls = all_finished(self.tool_call_chunks, self.response_metadata.get("finish_reason"))
            else:
                calls = all_unfinished(self.tool_call_chunks)
            self.tool_calls, self.invalid_tool_calls = calls
            if self.chunk_position == "last" and isinstance(self.content, list):
                self.content = _with_calls(self.content, self.tool_calls)
        return self

    @property
    def lc_attributes(self) -> dict[str, Any]:
        """What `dumps` writes; whoever loads it parses the arguments of chunks anew, so those of invalid calls go."""
        settled = self.chunk_position == "last" and self.invalid_tool_calls
        return super().lc_attributes | ({"tool_call_chunks": []} if settled else {})

    def __radd__(self, left: AIMessageChunk) -> AIMessageChunk:
        """Add to a chunk of LangChain's own, such as the empty one that sums begin with."""
        return AnswerChunk.model_construct(left.model_fields_set, **vars(left)) + self

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (), self.__getstate__()


def _unpickled() -> AnswerChunk:
    return AnswerChunk.__new__(AnswerChunk)


# Its name is LangChain's, so that stores which write the name down (LangGraph's checkpoints, `dumps`) give back
# LangChain's own class.
AnswerChunk.__module__ = AIMessageChunk.__module__
AnswerChunk.__name__ = AnswerChunk.__qualname__ = AIMessageChunk.__name__


def _with_calls(content: list[Any], calls: list[ToolCall]) -> list[Any]:
    """Return content blocks with calls in the place of their chunks, which LangChain puts there for `"v1"` output."""
    whole = {call["id"]: {**call} for call in calls}
    blocks = [
        whole.get(block.get("id")) if isinstance(block, dict) and block.get("type") == "tool_call_chunk" else block
        for block in content
    ]
    return [block for block in blocks if block is not None]


def correction(index: int) -> int:
    """Return the index of the chunk that replaces the arguments of the call at `index`: what is out can't be unsaid."""
    return -1 - index


def corrected(chunks: list[ToolCallChunk]) -> list[ToolCallChunk]:
    """Return chunks of tool calls with each correction in the place of what it corrects."""
    corrections = {each["index"]: each["args"] for each in chunks if (each["index"] or 0) < 0}
    if not corrections:
        return chunks
    calls = []
    for each in chunks:
        index = each["index"]
        if index is not None and index >= 0 and correction(index) in corrections:
            each = {**each, "args": corrections.pop(correction(index))}  # noqa: PLW2901
        calls.append(each)
    return [each for each in calls if (each["index"] or 0) >= 0 or each["index"] in corrections]
