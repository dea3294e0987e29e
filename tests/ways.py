"""The four ways to ask, as one table: what holds for one must hold for all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import reduce
from operator import add
from typing import Any

from langchain_core.messages import AIMessage, BaseMessageChunk, message_chunk_to_message

from langchain_dmx_omni import ChatDMXOmni

Way = Callable[..., Awaitable[AIMessage]]


def total(chunks: Sequence[BaseMessageChunk]) -> AIMessage:
    """The message that LangChain makes of chunks, adding them one after another."""
    message = message_chunk_to_message(reduce(add, chunks))
    assert isinstance(message, AIMessage)
    return message


async def by_invoke(model: ChatDMXOmni, *args: Any, **kwargs: Any) -> AIMessage:
    return model.invoke(*args, **kwargs)


async def by_stream(model: ChatDMXOmni, *args: Any, **kwargs: Any) -> AIMessage:
    return total(list(model.stream(*args, **kwargs)))


async def by_ainvoke(model: ChatDMXOmni, *args: Any, **kwargs: Any) -> AIMessage:
    return await model.ainvoke(*args, **kwargs)


async def by_astream(model: ChatDMXOmni, *args: Any, **kwargs: Any) -> AIMessage:
    return total([chunk async for chunk in model.astream(*args, **kwargs)])


WAYS: dict[str, Way] = {"invoke": by_invoke, "ainvoke": by_ainvoke, "stream": by_stream, "astream": by_astream}
