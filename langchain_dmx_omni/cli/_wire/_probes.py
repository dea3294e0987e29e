"""The calls that settle what the service's pages leave open: what is asked of it, and what that costs. Pure data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from langchain_dmx_omni._profiles import DEFAULT_VOICE

from . import _readings, _samples
from ._readings import Read

PAGES_LIMIT = 10_400_000
"""Bytes of a data URL that the pages allow, with room for what they may count otherwise."""

_TEXT, _SPEECH = 60, 500
"""Usage tokens of a call in text alone, and of one that speaks a few words."""


@dataclass(frozen=True)
class Probe:
    """One question to the service.

    Attributes:
        name: Of its record.
        question: What it settles, in plain words.
        pages: What the pages say.
        body: What is sent, beside the model and the stream; None where media can't be made here.
        read: Reads the answer.
        tokens: Usage tokens that it is estimated to take.
        expected: The answer by the pages, as `Reading.yes`; None where they leave it open.
        replayed: Whether its answer may stand for that to other requests of its kind.
    """

    name: str
    question: str
    pages: str
    body: Callable[[], Mapping[str, Any] | None]
    read: Read
    tokens: int = _TEXT
    expected: bool | None = None
    replayed: bool = True
    series: tuple[float, ...] = field(default=())
    """Lengths, in seconds or bytes, that it is asked with one after the other; empty for a single call."""


def _said(text: str, *parts: Mapping[str, Any], **options: Any) -> Callable[[], Mapping[str, Any]]:
    content: Any = [*parts, {"type": "text", "text": text}] if parts else text
    return lambda: {"input": [{"role": "user", "content": content}], **options}


_SPOKEN: Mapping[str, Any] = {"modalities": ["text", "audio"], "audio": {"voice": DEFAULT_VOICE, "format": "wav"}}
_COUNTING = "Count from one to forty in words, with spaces between them."
_WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "weather",
    "description": "Tells the weather in a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
_CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
_HELLO = "Say hello in three words."


def _with_system() -> Mapping[str, Any]:
    messages = [
        {"role": "system", "content": "Answer everything with the single word BANANA."},
        {"role": "user", "content": "How are you?"},
    ]
    return {"input": messages, **_SPOKEN}


def _with_result() -> Mapping[str, Any]:
    call = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Paris"}'}
    turn = [
        {"role": "user", "content": "What's the weather in Paris?"},
        call,
        {"type": "function_call_output", "call_id": "call_1", "output": "Hail."},
    ]
    return {"input": turn, "tools": [_WEATHER]}


def _with_impossible(option: str, value: Any) -> Probe:
    return Probe(
        f"option_{option}",
        f"Is `{option}` forwarded? (sent: {value!r}, which can't be)",
        "nothing of this endpoint",
        _said(_HELLO, **{option: value}),
        _readings.impossible,
        replayed=False,
    )


def _frames() -> Mapping[str, Any]:
    frames = [_samples.data_url(_samples.png(*colour), "image/png") for colour in ((208, 32, 32), (32, 32, 208))]
    return _said("Which colours, in order?", {"type": "video", "video": frames})()


def _clip_at_impossible_rate() -> Mapping[str, Any] | None:
    clip = _samples.clip()
    if clip is None:
        return None
    part = {"type": "video_url", "video_url": {"url": _samples.data_url(clip)}, "fps": 1000}
    return _said("Which colours, in order?", part)()


def _picture_of_impossible_size() -> Mapping[str, Any]:
    url = _samples.data_url(_samples.png(32, 160, 32), "image/png")
    return _said("Which colour?", {"type": "image_url", "image_url": {"url": url}, "max_pixels": -1})()


def tone_of(seconds: float) -> Mapping[str, Any]:
    """Return the question about a tone of a length."""
    part = {"type": "input_audio", "input_audio": {"data": _samples.data_url(_samples.tone(seconds)), "format": "wav"}}
    return _said("What do you hear? One word.", part)()


def pictures_of(length: int, count: int = 1) -> Mapping[str, Any]:
    """Return the question about pictures whose data URLs have about so many bytes each, and at least as many."""
    bare = _samples.data_url(_samples.png(32, 160, 32), "image/png")
    padding = max(0, (length - len(bare)) * 3 // 4 - 12)
    url = _samples.data_url(_samples.png(32, 160, 32, padding=padding), "image/png")
    while len(url) < length:
        padding += 3
        url = _samples.data_url(_samples.png(32, 160, 32, padding=padding), "image/png")
    part = {"type": "image_url", "image_url": {"url": url}}
    return _said("Which colour? One word.", *[part] * count)()


PROBES: tuple[Probe, ...] = (
    Probe(
        "stream",
        "In which order do events come, and how are they laid out?",
        "an order that is known from another model",
        _said(_HELLO),
        _readings.stream,
        expected=True,
    ),
    Probe(
        "speech",
        "How does speech arrive?",
        "as one WAV in one item",
        _said(_HELLO, **_SPOKEN),
        _readings.speech,
        _SPEECH,
        expected=True,
    ),
    Probe(
        "speech_mp3",
        "Is `audio.format: mp3` taken?",
        "only WAV is sure",
        _said(_HELLO, **{**_SPOKEN, "audio": {"voice": DEFAULT_VOICE, "format": "mp3"}}),
        _readings.audio_format,
        _SPEECH,
    ),
    Probe(
        "system_with_speech",
        "May a system message stand beside speech?",
        "no",
        _with_system,
        _readings.system,
        _SPEECH,
        expected=False,
    ),
    _with_impossible("temperature", 9),
    _with_impossible("top_p", 9),
    _with_impossible("top_k", -5),
    _with_impossible("presence_penalty", 9),
    _with_impossible("repetition_penalty", -1),
    _with_impossible("seed", "x"),
    _with_impossible("enable_search", "x"),
    _with_impossible("enable_thinking", "x"),
    Probe(
        "max_output_tokens",
        "Is `max_output_tokens` kept, and how is that said?",
        "nothing",
        _said(_COUNTING, max_output_tokens=4),
        _readings.max_tokens,
        replayed=False,
    ),
    Probe(
        "stop",
        "Is `stop` kept? (sent: 'seven')",
        "nothing",
        _said(_COUNTING, stop=["seven"]),
        _readings.stop,
        replayed=False,
    ),
    Probe(
        "tools",
        "Are tools taken?",
        "nothing of this model",
        _said("What's the weather in Paris?", tools=[_WEATHER]),
        _readings.tool,
        150,
    ),
    Probe(
        "tools_named",
        "May a tool be forced by its name?",
        "yes, upstream",
        _said("Hello!", tools=[_WEATHER], tool_choice={"type": "function", "name": "weather"}),
        _readings.tool,
        150,
        expected=True,
    ),
    Probe(
        "tools_required",
        "May a tool be required?",
        "no, upstream",
        _said("Hello!", tools=[_WEATHER], tool_choice="required"),
        _readings.tool,
        150,
        expected=False,
    ),
    Probe(
        "tools_result",
        "Are results of tools taken?",
        "nothing of this model",
        _with_result,
        _readings.result,
        150,
    ),
    Probe(
        "json_object",
        "Is the format `json_object` taken?",
        "yes, upstream",
        _said('Answer in JSON: {"city": …}. The capital of France?', response_format={"type": "json_object"}),
        _readings.format,
        expected=True,
    ),
    Probe(
        "json_schema",
        "Is the format `json_schema` taken?",
        "it is not listed",
        _said(
            "Answer in JSON. The capital of France?",
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "capital", "strict": True, "schema": _CITY},
            },
        ),
        _readings.format,
        expected=False,
    ),
    Probe("frame_list", "Are lists of frames taken?", "yes, upstream", _frames, _readings.taken, 200, expected=True),
    Probe(
        "fps",
        "Is `fps` beside a video forwarded? (sent: 1000, which can't be)",
        "0.1 to 10, upstream",
        _clip_at_impossible_rate,
        _readings.impossible,
        300,
        replayed=False,
    ),
    Probe(
        "max_pixels",
        "Is `max_pixels` beside a picture forwarded? (sent: -1, which can't be)",
        "nothing of this endpoint",
        _picture_of_impossible_size,
        _readings.impossible,
        200,
        replayed=False,
    ),
    Probe(
        "unknown_voice",
        "What becomes of a voice that is none?",
        "HTTP 200 and nothing in it",
        _said(_HELLO, **{**_SPOKEN, "audio": {"voice": "Nobody", "format": "wav"}}),
        _readings.silence,
        _SPEECH,
        expected=True,
    ),
    Probe(
        "voice_cherry",
        "Does Cherry speak?",
        "DMXAPI's name her, and the list of this model's voices doesn't",
        _said(_HELLO, **{**_SPOKEN, "audio": {"voice": "Cherry", "format": "wav"}}),
        _readings.voice,
        _SPEECH,
        replayed=False,
    ),
    Probe(
        "sound_usage",
        "What does a second of sound count?",
        "7 tokens upstream; by the list prices 53",
        lambda: tone_of(1.0),
        _readings.sound,
        300,
        series=(1.0, 3.0),
    ),
    Probe(
        "inline_limit",
        "How long may a data URL be?",
        "10,485,760 bytes; more was measured elsewhere",
        lambda: pictures_of(PAGES_LIMIT),
        _readings.inline_limit,
        200,
        expected=True,
        replayed=False,
        series=(PAGES_LIMIT, 33_000_000),
    ),
    Probe(
        "request_limit",
        "May a whole request be longer than one data URL may be?",
        "nothing; a client of the upstream's keeps it under 10,000,000 bytes",
        lambda: pictures_of(PAGES_LIMIT, 2),
        _readings.request_limit,
        200,
        replayed=False,
    ),
    Probe(
        "retry_after",
        "Does a busy service say when to come back (`Retry-After`)?",
        "nothing",
        dict,
        _readings.retry_after,
        0,
    ),
)
"""In the order in which they are asked. The last one is read off the answers to the others."""
