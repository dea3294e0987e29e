"""One turn as the service would do it: a request goes in, a script comes out. No sockets; a second of CPU at times.

A turn calls tools (`_choice` says when), or else answers: in JSON where that is asked for (`_fields`), else
with what it has found (`_describe`).
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final
from uuid import uuid4

from . import _rules, _tool_rules
from ._answers import answer, called, wav
from ._simulator.tool_choice import Tool, arguments, choose
from ._simulator.prompt_values import PromptValues
from ._simulator.description import describe, findings, quoted, spans
from ._simulator.requested_json import asked_schema, without_objects
from ._simulator.fill import field_names, fill
from ._items import Call, words
from ._media_facts import Cancelled, Facts, measure
from ._incoming import Prompt, read_prompt
from ._refusal import Refusal
from ._script import Event, Script, sse
from ._tool_rules import Allowed
from ._token_counts import Tokens, count_media, count_speech, count_text, usage
from ._voice import Speaker, seconds_of, speak

_MOST_MEDIA: Final = 16  # parts of one request that are measured
_MOST_FRAMES: Final = 1  # of a frame list; the rest are counted


@dataclass(frozen=True)
class GatewaySettings:
    """What holds for every turn of one gateway.

    Attributes:
        api_key: The right key.
        pace: Seconds between streamed events.
        speaker: Who speaks.
        allowed: What is taken that the service refuses.
        cancelled: Whether the gateway is about to stop.
    """

    api_key: str
    pace: float
    speaker: Speaker
    allowed: Allowed
    cancelled: Cancelled = lambda: False


def take_turn(method: str, path: str, headers: Mapping[str, str], raw: bytes, settings: GatewaySettings) -> Script:
    """Answer one HTTP request.

    Args:
        method: HTTP method.
        path: The URL's path.
        headers: The request's headers, names in lower case.
        raw: The request's body.
        settings: The gateway's settings.
    """
    try:
        _rules.check_route(method, path)
        _rules.check_key(headers, settings.api_key)
        body = _rules.check_body(_parsed(raw), settings.allowed)
        if _rules.wants_audio(body) and not _rules.knows_voice(_rules.voice_of(body)):
            return Script()
        prompt = read_prompt(body)
        tools = choose(body, prompt)
        events = _called(body, prompt, tools) if tools else _answered(body, prompt, settings)
    except Refusal as refusal:
        return refusal.script()
    script = sse(events, pause=settings.pace)
    return replace(script, headers={**script.headers, "x-request-id": uuid4().hex})


def _parsed(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "The request body is not valid JSON", code="invalid_request") from error


def _called(body: Mapping[str, Any], prompt: Prompt, tools: Sequence[Tool]) -> list[Event]:
    """A turn that calls tools, without speech even where that is asked for."""
    names = " and ".join(tool.name for tool in tools)
    text = f"I call {names}." if "think aloud" in prompt.question.lower() else ""
    thought = f"'{quoted(prompt.question)}' is for {names}." if body.get("enable_thinking") else ""
    calls = [
        Call(tool.name, given, f"call_{uuid4().hex}")
        for tool, given in zip(tools, arguments(body, prompt, tools), strict=True)
    ]
    said = Tokens(sum(count_text(f"{call.name}({call.text})") for call in calls) + count_text(text))
    return called(
        *calls,
        text=text,
        thought=thought,
        usage=_usage(body, _asked(body, prompt), said + Tokens(reasoning=count_text(thought))),
        response_id=f"resp_{uuid4().hex}",
        model=body["model"],
    )


def _answered(body: Mapping[str, Any], prompt: Prompt, settings: GatewaySettings) -> list[Event]:
    """A turn that tells what was asked and what was received."""
    measured = [
        [_facts(item, settings.cancelled) if number < _MOST_FRAMES else None for number, item in enumerate(media.data)]
        for media in islice(prompt.media, _MOST_MEDIA)
    ]
    text = _formatted(body, prompt, measured)
    text, finish = _limited(text, body)
    thought = f"'{quoted(prompt.question)}' is answered with what I received." if body.get("enable_thinking") else ""
    pcm = speak(text, _rules.voice_of(body), settings.speaker, settings.cancelled) if _rules.wants_audio(body) else b""
    audio = [{"id": f"audio_{uuid4().hex}", "data": b64encode(wav(pcm)).decode()}] if pcm else []
    asked = sum(map(count_media, prompt.media, measured), start=_asked(body, prompt))
    said = Tokens(count_text(text), count_speech(seconds_of(pcm)), count_text(thought))
    return answer(
        text,
        audio=audio,
        usage=_usage(body, asked, said),
        response_id=f"resp_{uuid4().hex}",
        model=body["model"],
        finish=finish,
        thought=thought,
    )


def _formatted(body: Mapping[str, Any], prompt: Prompt, measured: Sequence[Sequence[Facts | None]]) -> str:
    """The answer in the format that the request asks for: an object with the fields that are named, else `answer`."""
    text = describe(prompt, measured)
    format, schema = _tool_rules.format_of(body)
    if format == "text":
        return text
    schema = schema or asked_schema(prompt.told)
    if schema is None:
        value: Any = {"answer": text}
    else:
        asked, found = without_objects(prompt.question), findings(prompt, measured)
        value = fill(schema, PromptValues(asked, field_names(schema), rest=found, spans=spans(measured)))
    return json.dumps(value, ensure_ascii=False)


def _asked(body: Mapping[str, Any], prompt: Prompt) -> Tokens:
    """Tokens of a request, without those of its media."""
    tools = json.dumps(body["tools"], ensure_ascii=False) if body.get("tools") else ""
    return Tokens(count_text(prompt.text) + count_text(tools))


def _usage(body: Mapping[str, Any], asked: Tokens, said: Tokens) -> dict[str, Any] | None:
    """The usage, if the request wants it."""
    options = body.get("stream_options")
    counted = isinstance(options, dict) and options.get("include_usage") is True
    return usage(asked, said) if counted else None


def _facts(item: bytes | None, cancelled: Callable[[], bool]) -> Facts | None:
    return None if item is None else measure(item, cancelled)


def _limited(text: str, body: Mapping[str, Any]) -> tuple[str, str]:
    """The text up to the first stop string and to `max_output_tokens` (a word counts as one), and how it finished."""
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    ends = [text.find(each) for each in stops if isinstance(each, str) and each]
    text = text[: min((end for end in ends if end >= 0), default=len(text))]
    pieces, limit = words(text), body.get("max_output_tokens")
    if limit is None or len(pieces) <= limit:
        return text, "completed"
    return "".join(pieces[:limit]), "max_output_tokens"
