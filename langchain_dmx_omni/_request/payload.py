"""Messages and options → the request body, as DMXAPI's samples for the model send it.

Nothing is sent that was not asked for: an option that is None does not appear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_dmx_omni import _profiles

from .body import Body
from .messages import items, prepend_to_user_message
from .response_format import ResponseFormat, mentions_json, resolve_response_format
from .tools import ToolChoice, resolve_tool_choice, to_wire_tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.messages import BaseMessage

    from .messages import Item
    from .options import Options


def build(messages: Sequence[BaseMessage], options: Options) -> Body:
    """Return the request body.

    Raises:
        InvalidInputError: The messages can't be sent; the message says which, and why.
    """
    return Body(payload(messages, options))


def payload(messages: Sequence[BaseMessage], options: Options) -> dict[str, Any]:
    """Return the request as a JSON value, in which media stands as `_media.data.MediaData`."""
    speaks = options.speaks
    abilities = _profiles.abilities(options.model)
    tools = to_wire_tools(options.tools or ())
    choice = resolve_tool_choice(options.tool_choice, tools, can_require=abilities.require_a_tool)
    form = resolve_response_format(options.response_format, has_schema=abilities.json_schema)
    sent = items(messages, options)
    add_prompt_note(prompt_notes(choice, form, sent), sent, to_user=speaks)
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
        "response_format": form.response_format,
    }
    return {name: value for name, value in body.items() if value is not None} | dict(options.extra_body or {})


def prompt_notes(choice: ToolChoice, form: ResponseFormat, sent: list[Item]) -> str:
    """Return what the model is told in words, where the service has no parameter for it."""
    json_mode = form.response_format is not None and form.response_format["type"] == "json_object"
    hint = json_mode and form.prompt_note is None and not mentions_json(sent)
    return " ".join(filter(None, (choice.prompt_note, form.prompt_note, "Answer in JSON." if hint else None)))


def add_prompt_note(note: str, sent: list[Item], *, to_user: bool) -> None:
    """Put words for the model into the system message or, where there can be none, into the first user message."""
    if not note:
        return
    if to_user:
        prepend_to_user_message(note, sent)
    elif sent[0].get("role") == "system":
        sent[0] = {"role": "system", "content": f"{sent[0]['content']}\n\n{note}"}
    else:
        sent.insert(0, {"role": "system", "content": note})
