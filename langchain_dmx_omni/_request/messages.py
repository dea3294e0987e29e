"""Messages → the request's `input` list: one function a kind of message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_dmx_omni._profiles import LIMITS
from langchain_dmx_omni._warnings import warn_user
from langchain_dmx_omni.errors import InvalidInputError

from .content import KINDS, Place, Rules, parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from langchain_core.messages import InvalidToolCall, ToolCall

    from .options import Options

    Item = dict[str, Any]

_SENT_OTHERWISE = frozenset(
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
        "input_json_delta",
        "function_call",
        "custom_tool_call",
    }
)
"""Blocks of an assistant message that say nothing new: its speech says what its text says, its tool calls go as items
of their own, and reasoning is not input."""

_REFUSED = KINDS.keys() - _SENT_OTHERWISE - {"non_standard"} | {"refusal"}
"""Blocks that hold what the user would miss: media, and text that is none. Others are another model's own affair, such
as the record of a web search, and are left out."""

_ONLY_TEXT = "only text can stand here; media goes into user messages"


class _LeftOut:
    """What of a history does not go on, for one warning."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}  # in order
        self._calls: set[str] = set()

    def block(self, kind: str) -> None:
        """Leave out a block of a kind."""
        self._names[kind[:40]] = None

    def call(self, call: ToolCall | InvalidToolCall) -> None:
        """Leave out a tool call that has no name or no id, and so its result."""
        name = f"the tool call {call['name'][:40]!r} without an id" if call["name"] else "a tool call without a name"
        self._names[name] = None
        self._calls.add(call["id"] or "")

    def holds_call_of(self, result: ToolMessage) -> bool:
        """Whether the call of a result was left out."""
        return result.tool_call_id in self._calls

    def warn(self) -> None:
        """Name everything that was left out, if anything was."""
        if self._names:
            message = f"left out of the history, since the service can't take it: {', '.join(self._names)}"
            warn_user(message)


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
    left_out = _LeftOut()
    media_of_tools: list[Any] = []  # which only a user message can hold
    for number, message in enumerate(messages, 1):
        place = Place(number, message.type.removesuffix("MessageChunk").lower())
        if isinstance(message, ToolMessage):
            if left_out.holds_call_of(message):
                continue
            output, media = _tool_output(message, place, rules)
            sent.append(output)
            media_of_tools += media
            continue
        if media_of_tools:
            sent.append({"role": "user", "content": media_of_tools})
            media_of_tools = []
        if not (fold and _is_system(message)):
            sent += _message(message, place, rules, left_out)
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
    left_out.warn()
    if not sent:
        raise InvalidInputError("there is nothing to send: the messages hold no text and no media")
    return sent


def _is_system(message: BaseMessage) -> bool:
    return isinstance(message, SystemMessage) or (isinstance(message, ChatMessage) and message.role == "system")


def _message(message: BaseMessage, place: Place, rules: Rules, left_out: _LeftOut) -> list[Item]:
    match message:
        case HumanMessage() | ChatMessage(role="user" | "human"):
            return [_user(message.content, place, rules)]
        case AIMessage():
            calls: list[ToolCall | InvalidToolCall] = [*message.tool_calls, *message.invalid_tool_calls]
            text = _said(message, place, left_out)
            says = [{"role": "assistant", "content": text}] if text or not calls else []
            return [*says, *_calls(calls, place, left_out)]
        case ChatMessage(role="assistant"):
            return [{"role": "assistant", "content": _said(message, place, left_out)}]
        case SystemMessage() | ChatMessage(role="system"):
            return [{"role": "system", "content": _plain(message, place)}]
        case ChatMessage():
            raise place.error(f"the service knows no role {message.role!r}; it knows user, assistant and system")
    raise place.error(f"a {type(message).__name__} can't be sent; the service takes user, assistant, system and tool")


def _calls(calls: Sequence[ToolCall | InvalidToolCall], place: Place, left_out: _LeftOut) -> Iterator[Item]:
    for call in calls:
        if call["id"] and call["name"]:
            yield _call(call, place)
        else:
            left_out.call(call)


def _call(call: ToolCall | InvalidToolCall, place: Place) -> Item:
    """A tool call as a flat item; the arguments of an invalid one are the text that came."""
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
        ContentBlockError: There is anything else in it.
    """
    texts: list[str] = []
    for number, block in enumerate(_blocks(message), 1):
        text = _text(block)
        if text is None:
            raise place._replace(block=number, kind=_kind(block)).error(_ONLY_TEXT)
        texts.append(text)
    return "".join(texts)


def _said(message: BaseMessage, place: Place, left_out: _LeftOut) -> str:
    """Return the text of an assistant message, whichever model wrote it.

    Raises:
        ContentBlockError: There is media in it, other than its own speech.
    """
    texts: list[str] = []
    for number, block in enumerate(map(_unwrapped, _blocks(message)), 1):
        text, kind = _text(block), _kind(block)
        if text is not None:
            texts.append(text)
        elif not isinstance(kind, str) or kind in _REFUSED:
            raise place._replace(block=number, kind=kind).error(_ONLY_TEXT)
        elif kind not in _SENT_OTHERWISE:
            left_out.block(kind)
    return "".join(texts) or _said_beside(message.additional_kwargs)


def _said_beside(kwargs: dict[str, Any]) -> str:
    """Return the words that OpenAI's models put beside an empty content: a refusal, or what was spoken."""
    match kwargs:
        case {"refusal": str(text)} if text:
            return text
        case {"audio": {"transcript": str(text)}}:
            return text
    return ""


def _blocks(message: BaseMessage) -> list[Any]:
    return [message.content] if isinstance(message.content, str) else message.content


def _unwrapped(block: Any) -> Any:
    """Return the block in LangChain's v1 wrapper for those of one provider; any other as it is."""
    match block:
        case {"type": "non_standard", "value": {"type": str()} as value}:
            return value
    return block


def _text(block: Any) -> str | None:
    match block:
        case (
            str(text)
            | {"type": "text" | "input_text" | "output_text" | "text-plain", "text": str(text)}
            | {"type": "refusal", "refusal": str(text)}
        ):
            return text
    return None


def _kind(block: Any) -> object:
    return block.get("type") if isinstance(block, dict) else None


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
