"""Messages and options → the request body, as DMXAPI's samples for the model send it.

Nothing is sent that was not asked for: an option that is None does not appear.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage, SystemMessage, ToolMessage

from langchain_dmx_omni import _profiles, _structured
from langchain_dmx_omni._media.data import Body
from langchain_dmx_omni._profiles import LIMITS
from langchain_dmx_omni.errors import InvalidInputError

from . import content
from .content import Place, Rules
from .tools import resolve_tool_choice, to_wire_tools

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


def build(messages: Sequence[BaseMessage], options: Options) -> Body:
    """Return the request body.

    Raises:
        InvalidInputError: The messages can't be sent; the message says which, and why.
    """
    return Body(payload(messages, options))


def payload(messages: Sequence[BaseMessage], options: Options) -> dict[str, Any]:
    """Return the request as a JSON value, in which media stands as `_body.MediaData`."""
    speaks = options.speaks
    able = _profiles.abilities(options.model)
    tools = to_wire_tools(options.tools or ())
    choice = resolve_tool_choice(options.tool_choice, tools, can_require=able.require_a_tool)
    form, schema = _structured.response_format(options.response_format, has_schema=able.json_schema)
    sent = items(messages, options)
    _tell(_told(choice.told, schema, form, sent), sent, aside=speaks)
    stop = [options.stop] if isinstance(options.stop, str) else options.stop or ()
    body: dict[str, Any] = {
        "model": options.model,
        "input": sent,
        "stream": True,
        "stream_options": {"include_usage": True} if options.stream_usage else None,
        "modalities": ["text", "audio"] if speaks else options.modalities and [*options.modalities],
        "audio": {"voice": options.spoken_by, "format": options.audio_format} if speaks else None,
        "temperature": options.temperature,
        "top_p": options.top_p,
        "presence_penalty": options.presence_penalty,
        "seed": options.seed,
        "max_output_tokens": options.max_tokens,
        "stop": [*filter(None, stop)] or None,
        "enable_search": options.enable_search,
        "search_options": options.search_options,
        "enable_thinking": options.enable_thinking,
        "tools": tools or None,
        "tool_choice": choice.tool_choice if tools else None,
        "parallel_tool_calls": options.parallel_tool_calls if tools else None,
        "response_format": form,
    }
    return {name: value for name, value in body.items() if value is not None} | dict(options.extra_body or {})


def items(messages: Sequence[BaseMessage], options: Options) -> list[Item]:
    """Return the `input` list.

    Raises:
        InvalidInputError: There are no messages, or one of them can't be sent.
    """
    if not messages:
        raise InvalidInputError("there are no messages to send")
    rules = Rules(options.media_roots, LIMITS.data_url)
    aside = options.speaks and options.system_with_audio != "send"
    found: list[Item] = []
    system: list[str] = []
    shown: list[Any] = []  # media that tools returned, which only a user message can hold
    for number, message in enumerate(messages, 1):
        place = Place(number, message.type.removesuffix("MessageChunk").lower())
        if isinstance(message, ToolMessage):
            output, media = _tool_output(message, place, rules)
            found.append(output)
            shown += media
            continue
        if shown:
            found.append({"role": "user", "content": shown})
            shown = []
        if not (aside and _is_system(message)):
            found += _message(message, place, rules)
        elif options.system_with_audio == "error":
            raise place.error(
                "the service takes no system message together with speech; "
                "system_with_audio='fold' puts its text into the first user message"
            )
        else:
            system.append(_plain(message, place))
    if shown:
        found.append({"role": "user", "content": shown})
    if any(system):
        _fold("\n\n".join(filter(None, system)), found)
    if not found:
        raise InvalidInputError("there is nothing to send: the messages hold no text and no media")
    return found


def _is_system(message: BaseMessage) -> bool:
    return isinstance(message, SystemMessage) or (isinstance(message, ChatMessage) and message.role == "system")


def _message(message: BaseMessage, place: Place, rules: Rules) -> list[Item]:
    match message:
        case HumanMessage() | ChatMessage(role="user" | "human"):
            return [_user(message.content, place, rules)]
        case AIMessage():
            made: list[ToolCall | InvalidToolCall] = [*message.tool_calls, *message.invalid_tool_calls]
            calls = [_call(call, place) for call in made]
            text = _plain(message, place)
            return [*([{"role": "assistant", "content": text}] if text or not calls else []), *calls]
        case SystemMessage():
            return [{"role": "system", "content": _plain(message, place)}]
        case ChatMessage(role="assistant" | "system" as role):
            return [{"role": role, "content": _plain(message, place)}]
        case ChatMessage():
            raise place.error(f"the service knows no role {message.role!r}; it knows user, assistant and system")
    raise place.error(f"a {type(message).__name__} can't be sent; the service takes user, assistant, system and tool")


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
    parts = content.parts(message.content, place, rules)
    texts = [part["text"] for part in parts if part["type"] == "text"]
    media = [part for part in parts if part["type"] != "text"]
    text = "".join(texts)
    if media:
        name = message.name or message.tool_call_id
        text = text or "What the tool returned follows in the next message."
        media = [{"type": "text", "text": f"This is what the tool {name} returned."}, *media]
    if message.status == "error" and "error" not in text.lower():
        text = f"Error: {text}"
    return {"type": "function_call_output", "call_id": message.tool_call_id, "output": text}, media


def _told(calling: str | None, schema: str | None, form: Item | None, sent: list[Item]) -> str:
    """Return what the model is told in words, where the service has no parameter for it."""
    json_mode = form is not None and form["type"] == "json_object"
    hint = "Answer in JSON." if json_mode and schema is None and not _structured.mentions_json(sent) else None
    return " ".join(filter(None, (calling, schema, hint)))


def _tell(told: str, sent: list[Item], *, aside: bool) -> None:
    """Put words for the model into the system message or, where there can be none, into the first user message."""
    if not told:
        return
    if aside:
        _fold(told, sent)
    elif sent[0].get("role") == "system":
        sent[0] = {"role": "system", "content": f"{sent[0]['content']}\n\n{told}"}
    else:
        sent.insert(0, {"role": "system", "content": told})


def _user(content: str | list[Any], place: Place, rules: Rules) -> Item:
    return {
        "role": "user",
        "content": content if isinstance(content, str) else content.parts(content, place, rules),
    }


def _plain(message: BaseMessage, place: Place) -> str:
    """Return the text of a message that may hold text only.

    Raises:
        ContentBlockError: There is media in it.
    """
    if isinstance(message.content, str):
        return message.content or str(message.additional_kwargs.get("refusal") or "")
    passed_over = _NOT_SENT_BACK if isinstance(message, AIMessage) else frozenset()
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
            case {"type": str(kind)} if kind in passed_over:
                pass
            case _:
                at = place._replace(block=number, kind=block.get("type") if isinstance(block, dict) else None)
                raise at.error("only text can stand here; media goes into user messages")
    return "".join(texts)


def _fold(system: str, found: list[Item]) -> None:
    """Put system text in front of the first user message: speech and system messages exclude each other."""
    for item in found:
        if item.get("role") == "user":
            content = item["content"]
            if isinstance(content, str):
                item["content"] = f"{system}\n\n{content}" if content else system
            else:
                item["content"] = [{"type": "text", "text": system}, *content]
            return
    found.insert(0, {"role": "user", "content": system})


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
