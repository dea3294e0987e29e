"""Messages → the request's `input` list: one function a kind of message."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_dmx_omni._profiles import LIMITS
from langchain_dmx_omni.errors import DMXOmniWarning, InvalidInputError

from .content import Place, Rules, parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import InvalidToolCall, ToolCall

    from .options import Options

    Item = dict[str, Any]

# What an assistant message may hold beside text and is not sent back: its speech says what its text says,
# its tool calls go as items of their own, and reasoning is not input.
_NOT_SENT_BACK = frozenset(
    {
        "audio",
        "reasoning",
        "reasoning_content",
        "thinking",
        "redacted_thinking",
        "tool_call",
        "tool_call_chunk",
        "invalid_tool_call",
        "tool_use",
        "function_call",
        "server_tool_call",
        "server_tool_call_chunk",
        "server_tool_result",
    }
)


def items(messages: Sequence[BaseMessage], options: Options) -> list[Item]:
    """Return the `input` list.

    Raises:
        InvalidInputError: There are no messages, or one of them can't be sent.
    """
    if not messages:
        raise InvalidInputError("there are no messages to send")
    rules = Rules(options.media_roots, LIMITS.data_url)
    fold = options.speaks and options.system_with_audio != "send"
    sent: list[Item] = []
    system: list[str] = []
    media_of_tools: list[Any] = []  # which only a user message can hold
    for number, message in enumerate(messages, 1):
        place = Place(number, message.type.removesuffix("MessageChunk").lower())
        if isinstance(message, ToolMessage):
            output, media = _tool_output(message, place, rules)
            sent.append(output)
            media_of_tools += media
            continue
        if media_of_tools:
            sent.append({"role": "user", "content": media_of_tools})
            media_of_tools = []
        if not (fold and _is_system(message)):
            sent += _message(message, place, rules)
        elif options.system_with_audio == "error":
            raise place.error(
                "the service takes no system message together with speech; "
                "system_with_audio='fold' puts its text into the first user message"
            )
        else:
            system.append(_plain(message, place))
    if media_of_tools:
        sent.append({"role": "user", "content": media_of_tools})
    if any(system):
        prepend_to_user_message("\n\n".join(filter(None, system)), sent)
    if not sent:
        raise InvalidInputError("there is nothing to send: the messages hold no text and no media")
    return sent


def _is_system(message: BaseMessage) -> bool:
    return isinstance(message, SystemMessage) or (isinstance(message, ChatMessage) and message.role == "system")


def _message(message: BaseMessage, place: Place, rules: Rules) -> list[Item]:
    match message:
        case HumanMessage() | ChatMessage(role="user" | "human"):
            return [_user(message.content, place, rules)]
        case AIMessage():
            calls: list[ToolCall | InvalidToolCall] = [
                *message.tool_calls,
                *_answerable(message.invalid_tool_calls, place),
            ]
            text = _plain(message, place)
            says = [{"role": "assistant", "content": text}] if text or not (calls or message.invalid_tool_calls) else []
            return [*says, *(_call(call, place) for call in calls)]
        case SystemMessage():
            return [{"role": "system", "content": _plain(message, place)}]
        case ChatMessage(role="assistant" | "system" as role):
            return [{"role": role, "content": _plain(message, place)}]
        case ChatMessage():
            raise place.error(f"the service knows no role {message.role!r}; it knows user, assistant and system")
    raise place.error(f"a {type(message).__name__} can't be sent; the service takes user, assistant, system and tool")


def _answerable(calls: list[InvalidToolCall], place: Place) -> list[InvalidToolCall]:
    """Return invalid calls that can be sent back: models make some without a name, and the next turn must not fail."""
    kept = [call for call in calls if call["id"] and call["name"]]
    if len(kept) < len(calls):
        message = f"{place}: a tool call without a {'name' if all(each['id'] for each in calls) else 'id'} is left out"
        warnings.warn(message, DMXOmniWarning, stacklevel=2)
    return kept


def _call(call: ToolCall | InvalidToolCall, place: Place) -> Item:
    """A tool call as a flat item; the arguments of an invalid one are the text that came."""
    if not call["id"] or not call["name"]:
        raise place.error(f"its tool call {call['name'] or ''!r} has no {'name' if call['id'] else 'id'}")
    arguments = call["args"]
    if not isinstance(arguments, str | None):
        try:
            arguments = json.dumps(arguments, ensure_ascii=False, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise place.error(f"the arguments of its tool call {call['name']!r} are no JSON: {error}") from None
    return {"type": "function_call", "call_id": call["id"], "name": call["name"], "arguments": arguments or ""}


def _tool_output(message: ToolMessage, place: Place, rules: Rules) -> tuple[Item, list[Any]]:
    """Return a tool's result, and the media in it, which goes into a user message behind all results."""
    output = parts(message.content, place, rules)
    texts = [part["text"] for part in output if part["type"] == "text"]
    media = [part for part in output if part["type"] != "text"]
    text = "".join(texts)
    if media:
        name = message.name or message.tool_call_id
        text = text or "What the tool returned follows in the next message."
        media = [{"type": "text", "text": f"This is what the tool {name} returned."}, *media]
    if message.status == "error" and "error" not in text.lower():
        text = f"Error: {text}"
    return {"type": "function_call_output", "call_id": message.tool_call_id, "output": text}, media


def _user(content: str | list[Any], place: Place, rules: Rules) -> Item:
    return {
        "role": "user",
        "content": content if isinstance(content, str) else parts(content, place, rules),
    }


def _plain(message: BaseMessage, place: Place) -> str:
    """Return the text of a message that may hold text only.

    Raises:
        ContentBlockError: There is media in it.
    """
    if isinstance(message.content, str):
        return message.content or str(message.additional_kwargs.get("refusal") or "")
    left_out = _NOT_SENT_BACK if isinstance(message, AIMessage) else frozenset()
    blocks: list[Any] = message.content
    texts: list[str] = []
    for number, block in enumerate(blocks, 1):
        match block:
            case str(text):
                texts.append(text)
            case {"type": "text" | "input_text" | "output_text" | "text-plain", "text": str(text)}:
                texts.append(text)
            case {"type": "refusal", "refusal": str(text)}:
                texts.append(text)
            case {"type": str(kind)} if kind in left_out:
                pass
            case _:
                at = place._replace(block=number, kind=block.get("type") if isinstance(block, dict) else None)
                raise at.error("only text can stand here; media goes into user messages")
    return "".join(texts)


def prepend_to_user_message(text: str, sent: list[Item]) -> None:
    """Put text in front of the first user message, for where there can be no system message."""
    for item in sent:
        if item.get("role") == "user":
            content = item["content"]
            if isinstance(content, str):
                item["content"] = f"{text}\n\n{content}" if content else text
            else:
                item["content"] = [{"type": "text", "text": text}, *content]
            return
    sent.insert(0, {"role": "user", "content": text})


def without_random_ids(messages: list[BaseMessage]) -> list[BaseMessage]:
    """Return messages without the ids that LangChain gives to blocks at random when it normalizes them."""
    return [_without_random_ids(message) for message in messages]


def _without_random_ids(message: BaseMessage) -> BaseMessage:
    if isinstance(message.content, str) or not any(map(_has_random_id, message.content)):
        return message
    blocks = [
        {key: value for key, value in block.items() if key != "id"}
        if isinstance(block, dict) and _has_random_id(block)
        else block
        for block in message.content
    ]
    return message.model_copy(update={"content": blocks})


def _has_random_id(block: Any) -> bool:
    return isinstance(block, dict) and str(block.get("id")).startswith("lc_")
