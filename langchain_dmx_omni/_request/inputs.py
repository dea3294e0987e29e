"""What a model is called with → what LangChain makes messages of: a question's parts need no message around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import BaseMessage, HumanMessage

from langchain_dmx_omni._secrets import without_media
from langchain_dmx_omni.errors import InvalidInputError

from .content import KINDS

_LONGEST = 300
"""Characters of LangChain's own message that are worth reading."""


def as_messages(model_input: Any) -> Any:
    """Return one human message for a bare content block, or for a list of blocks and texts; anything else as it is.

    A list of texts alone is a list of messages to LangChain, and stays so.

    Raises:
        InvalidInputError: Content blocks and messages stand in one list.
    """
    if _is_block(model_input):
        return [HumanMessage([model_input])]
    if isinstance(model_input, str) or not isinstance(model_input, Sequence):
        return model_input
    blocks = [number for number, each in enumerate(model_input, 1) if _is_block(each)]
    if not blocks:
        return model_input
    if all(isinstance(each, str) or _is_block(each) for each in model_input):
        return [HumanMessage([*model_input])]
    other = next(each for each in model_input if not isinstance(each, str) and not _is_block(each))
    what = (
        "messages" if isinstance(other, BaseMessage | tuple | Mapping) else f"something of type {type(other).__name__}"
    )
    raise InvalidInputError(
        f"item {blocks[0]} of the input is a content block ({model_input[blocks[0] - 1]['type']}) beside {what}: "
        "put the blocks of one message into it, HumanMessage([block, 'What is this?'])"
    )


def readable(error: Exception) -> InvalidInputError | None:
    """Return what stands for LangChain's error about an input that shows all of its media; None for a short one."""
    text = str(error)
    short = without_media(text)
    if len(text) <= _LONGEST and short == text:
        return None
    short = " ".join(short.split())
    return InvalidInputError(short if len(short) <= _LONGEST else f"{short[:_LONGEST]}…")


def _is_block(each: Any) -> bool:
    """Whether something is a content block; a message as a dict may have a `type` too, but none of these."""
    return isinstance(each, dict) and "role" not in each and isinstance(kind := each.get("type"), str) and kind in KINDS
