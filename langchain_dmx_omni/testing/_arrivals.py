"""`ARRIVALS`: everything a client must live with once the service has said 200, one named script each.

Unless an entry says otherwise its answer is `TEXT`, its speech is `PCM`, and it ends well;
`BROKEN_ARRIVALS` names those that a client must turn into an error.
"""

from __future__ import annotations

import json
import math
from array import array
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from ._answers import SAMPLE_RATE, SPEECH_SHAPES, TEXT, answer, called, numbered, spoken, wav
from ._items import Call
from ._script import ABORT, Event, Script, error, html_page, sse

ODD_TEXT: Final = (
    'line\u2028paragraph\u2029next\u0085tab\u000bpage\u000cfile\u001c 你好 🎬👩🏽‍🚀 "quoted" \\ back\r\nend'
)
"""Characters that `str.splitlines` takes for line ends, and some that need two UTF-16 units."""

TOOL_ARGUMENTS: Final = '{"city":"Paris","days":3}'
REASONING: Final = "First I look, then I speak."
REFUSAL: Final = "I can't help with that."

EMOJI: Final = "So: 🎬!"
CUT_ARGUMENTS: Final = '{"city":"Paris","days":[1, 2'
URL_CITATION: Final = {
    "type": "url_citation",
    "url": "https://example.com/paris",
    "title": "Paris",
    "start_index": 0,
    "end_index": 5,
}
AUDIO_URL: Final = "https://example.com/speech.wav"

PCM: Final = array(
    "h", (round(9000 * math.sin(2 * math.pi * 440 * n / SAMPLE_RATE)) for n in range(SAMPLE_RATE // 2 + 1))
).tobytes()
"""Half a second of a 440 Hz tone and one sample: 24 kHz mono 16-bit; 24,002 bytes, no multiple of 3."""

BIG_PCM_BYTES: Final = 30_000_000
"""Bytes of silence in `line_of_40_mb`: 40 million characters of base64, one line."""

_SERVER_ERROR: Final = {
    "message": "upstream broke (request id: req_1)",
    "type": "rix_api_error",
    "code": "server_error",
}
_BEGUN_EVENTS: Final = 6  # the answer has begun, two words are out


def _without(*types: str) -> list[Event]:
    return numbered([event for event in answer() if event["type"] not in types])


def _text_done_without_text() -> list[Event]:
    events = answer()
    for event in events:
        if event["type"] == "response.output_text.done":
            del event["text"]
        elif event["type"] == "response.content_part.done":
            event["part"] = {"type": "output_text"}
        elif event["type"] == "response.output_item.done":
            event["item"]["content"] = []
        elif event["type"] == "response.completed":
            event["response"]["output"] = []
    return events


def _among(extra: Iterable[Event], *, after: str = "response.in_progress") -> list[Event]:
    """The plain answer with more events after the first of type `after`."""
    events = answer()
    at = next(number for number, event in enumerate(events) if event["type"] == after) + 1
    return numbered([*events[:at], *extra, *events[at:]])


def _tool_call(count: int = 1, *, deltas: bool = True, done_arguments: bool = True) -> Script:
    calls = [Call("weather", TOOL_ARGUMENTS)] * count
    return sse(called(*calls, deltas=deltas, done_arguments=done_arguments))


def _reasoning() -> list[Event]:
    place = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
    cuts = [REASONING[:9], REASONING[9:]]
    return _among(
        [
            *({"type": "response.reasoning_summary_text.delta", **place, "delta": piece} for piece in cuts),
            {"type": "response.reasoning_summary_text.done", **place, "text": REASONING},
        ]
    )


def _refusal() -> list[Event]:
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "refusal", "refusal": REFUSAL}
    events = answer("", deltas=[])
    events[3]["part"] = part | {"refusal": ""}
    events[-2]["item"]["content"] = [part]
    events[-1]["response"]["output"][0]["content"] = [part]
    refusal_events: list[Event] = [
        {"type": "response.refusal.delta", **place, "delta": REFUSAL[:8]},
        {"type": "response.refusal.delta", **place, "delta": REFUSAL[8:]},
        {"type": "response.refusal.done", **place, "refusal": REFUSAL},
    ]
    return numbered([*events[:4], *refusal_events, *events[-2:]])


def _transcript() -> list[Event]:
    """The speech's transcript beside the text: the same words twice on the wire, once in the answer."""
    events = spoken(TEXT, PCM, "deltas")
    at = next(number for number, event in enumerate(events) if event["type"] == "response.output_audio.delta")
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 1}
    delta = {"type": "response.output_audio_transcript.delta", **place, "delta": TEXT}
    done = {"type": "response.output_audio_transcript.done", **place, "transcript": TEXT}
    return numbered([*events[:at], delta, done, *events[at:]])


def _ended(**response: object) -> list[Event]:
    """The plain answer, whose last event says more than that it is complete."""
    events = answer()
    events[-1]["response"] |= response
    return events


def _emoji_cut_in_two() -> list[Event]:
    """A character in two halves, one at the end of a delta and one at the beginning of the next."""
    return answer(EMOJI, deltas=["So: \ud83c", "\udfac!"])


def _cited() -> list[Event]:
    events = answer()
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "annotation_index": 0}
    cited: Event = {"type": "response.output_text.annotation.added", **place, "annotation": URL_CITATION}
    at = next(number for number, event in enumerate(events) if event["type"] == "response.output_text.done")
    events[-2]["item"]["content"][0]["annotations"] = [URL_CITATION]
    return numbered([*events[:at], cited, *events[at:]])


def _audio_as(audio: object) -> list[Event]:
    """Speech as a string in the place of an object."""
    events = spoken(TEXT, PCM)
    for event in events:
        for part in event.get("item", {}).get("content", ()):
            if part.get("type") == "output_audio":
                part["audio"] = audio
    return events


def _called_with(arguments: str, *, deltas: str | None = None, name: str = "weather", **options: Any) -> Script:
    """A call whose arguments are `arguments` in the end, and `deltas` in pieces before that."""
    events = called(Call(name, arguments), **options)
    if deltas is not None:
        kept = [event for event in events if event["type"] != "response.function_call_arguments.delta"]
        at = next(number for number, event in enumerate(kept) if event["type"].endswith("arguments.done"))
        piece = {"type": "response.function_call_arguments.delta", "item_id": kept[at]["item_id"], "output_index": 0}
        events = numbered([*kept[:at], {**piece, "delta": deltas}, *kept[at:]])
    return sse(events)


def _calls_in_one_place() -> Script:
    events = called(*[Call("weather", TOOL_ARGUMENTS)] * 2)
    for event in events:
        if "output_index" in event:
            event["output_index"] = 0
    return sse(events)


def _chat_completions() -> Script:
    def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: " + _line({"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice]}) + b"\n"

    return Script(body=(chunk({"content": "Hello "}), chunk({}, "stop"), b"data: [DONE]\n\n"))


def _begun_then(*steps: bytes | float, tail: bytes = b"") -> Script:
    """The first few events of the plain answer, then `steps`, then the end."""
    begun = sse(answer()[:_BEGUN_EVENTS], done=False)
    return replace(begun, body=(*begun.body, *steps, *((tail,) if tail else ())))


def _rest(events: list[Event]) -> bytes:
    return sse(events).payload


def _aborted(events: list[Event]) -> Script:
    script = sse(events, done=False)
    return replace(script, body=(*script.body, ABORT))


def _line(value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _big_line() -> Script:
    return sse(spoken(TEXT, bytes(BIG_PCM_BYTES)))


def _mid_event() -> Script:
    script = sse(answer()[:_BEGUN_EVENTS], done=False)
    return replace(script, body=(*script.body[:-1], script.payload[-40:-20]))


_UNKNOWN_EVENTS: Final[list[Event]] = [
    {"type": "response.queued", "response": {"id": "resp_1", "status": "queued"}},
    {"type": "response.web_search_call.searching", "item_id": "ws_1", "output_index": 9},
    {"type": "vendor.keepalive"},
    {"type": "response.output_text.annotation.added", "item_id": "msg_1", "annotation": {}},
]

_WHOLE: Final[dict[str, Callable[[], Script]]] = {
    "plain": lambda: sse(answer()),
    # how the bytes are laid out
    "no_done_line": lambda: sse(answer(), done=False),
    "done_line_only": lambda: sse(answer(finish="none")),
    "pings": lambda: sse(answer(), pings=3),
    "crlf": lambda: sse(answer(), newline=b"\r\n"),
    "cr": lambda: sse(answer(), newline=b"\r"),
    "crlf_cut_at_every_byte": lambda: sse(answer(ODD_TEXT), newline=b"\r\n", cut=1),
    "cut_at_every_byte": lambda: sse(answer(), cut=1),
    "cut_at_every_7_bytes": lambda: sse(answer(ODD_TEXT), cut=7),
    "one_chunk": lambda: sse(answer(), cut=1 << 30),
    "no_blank_lines": lambda: sse(answer(), blank_lines=False),
    "no_blank_lines_crlf": lambda: sse(answer(), blank_lines=False, newline=b"\r\n"),
    "no_event_lines": lambda: sse(answer(), event_lines=False),
    "no_blank_lines_no_event_lines": lambda: sse(answer(), blank_lines=False, event_lines=False),
    "no_space_after_colon": lambda: sse(answer(), data_space=False),
    "odd_characters": lambda: sse(answer(ODD_TEXT)),
    "line_of_40_mb": _big_line,
    # what bridges leave out or add
    "skips_in_progress": lambda: sse(_without("response.in_progress")),
    "skips_content_part": lambda: sse(_without("response.content_part.added", "response.content_part.done")),
    "deltas_and_completed_only": lambda: sse(
        [event for event in answer() if event["type"] in ("response.output_text.delta", "response.completed")]
    ),
    "text_done_without_text": lambda: sse(_text_done_without_text()),
    "whole_text_only": lambda: sse(answer(deltas=[])),
    "no_usage": lambda: sse(answer(usage=None)),
    "unknown_events": lambda: sse(_among(_UNKNOWN_EVENTS)),
    # other kinds of output
    "tool_call": _tool_call,
    "tool_call_done_without_arguments": lambda: _tool_call(done_arguments=False),
    "tool_call_without_deltas": lambda: _tool_call(deltas=False),
    "two_tool_calls": lambda: _tool_call(2),
    "two_tool_calls_in_one_place": _calls_in_one_place,
    "tool_call_done_says_more": lambda: _called_with(TOOL_ARGUMENTS, deltas=TOOL_ARGUMENTS[:9]),
    "tool_call_done_says_other": lambda: _called_with(TOOL_ARGUMENTS, deltas=TOOL_ARGUMENTS[5:]),
    "tool_call_cut_off": lambda: _called_with(CUT_ARGUMENTS, finish="max_output_tokens"),
    "tool_call_not_json": lambda: _called_with(TOOL_ARGUMENTS * 2),
    "tool_call_without_a_name": lambda: _called_with(TOOL_ARGUMENTS, name=""),
    "reasoning_summary": lambda: sse(_reasoning()),
    "refusal": lambda: sse(_refusal()),
    "audio_transcript": lambda: sse(_transcript()),
    "emoji_cut_in_two": lambda: sse(_emoji_cut_in_two()),
    "url_citation": lambda: sse(_cited()),
    "audio_as_base64": lambda: sse(_audio_as(b64encode(wav(PCM)).decode())),
    "audio_as_data_url": lambda: sse(_audio_as(f"DATA:audio/wav;base64, {b64encode(wav(PCM)).decode()}")),
    "audio_as_url": lambda: sse(_audio_as(AUDIO_URL)),
    # ends that are ends, though not "completed"
    "incomplete_max_output_tokens": lambda: sse(answer(finish="max_output_tokens")),
    "incomplete_content_filter": lambda: sse(answer(finish="content_filter")),
    "completed_and_incomplete": lambda: sse(
        _ended(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    ),
}


def _speech(shape: str) -> Callable[[], Script]:
    return lambda: sse(spoken(TEXT, PCM, shape))


_BROKEN: Final[dict[str, Callable[[], Script]]] = {
    "closes_early": _begun_then,
    "closes_mid_event": _mid_event,
    "aborts": lambda: _aborted(answer()[:_BEGUN_EVENTS]),
    "aborts_at_once": lambda: _aborted([]),
    "nothing": Script,
    "pings_only": lambda: Script(body=(b": PING\n\n",) * 3),
    "failed": lambda: sse(answer(finish="failed")),
    "completed_and_failed": lambda: sse(_ended(status="failed", error=_SERVER_ERROR)),
    "completed_with_an_error": lambda: sse(_ended(error=_SERVER_ERROR)),
    "completed_and_cancelled": lambda: sse(_ended(status="cancelled")),
    "error_flat_then_done": lambda: _begun_then(
        b"data: " + _line({"code": "server_error", "message": "upstream broke"}), b"\ndata: [DONE]\n\n"
    ),
    "stray_line_then_done": lambda: _begun_then(
        b"upstream connect error or disconnect/reset before headers\n\n", b"data: [DONE]\n\n"
    ),
    "stray_line_then_completed": lambda: _begun_then(
        b"upstream connect error\n\n", tail=_rest(answer()[_BEGUN_EVENTS:])
    ),
    "chat_completions": _chat_completions,
    "error_event_flat": lambda: sse(
        [
            *answer()[:_BEGUN_EVENTS],
            {"type": "error", "code": "server_error", "message": "upstream broke", "param": None},
        ]
    ),
    "error_event_nested": lambda: sse(
        [*answer()[:_BEGUN_EVENTS], {"type": "error", "error": _SERVER_ERROR}], done=False
    ),
    "error_in_data": lambda: _begun_then(b"data: " + _line({"error": _SERVER_ERROR}), b"\n"),
    "error_bare_json": lambda: _begun_then(_line({"error": _SERVER_ERROR})),
    "error_bare_json_at_once": lambda: Script(body=(_line({"error": _SERVER_ERROR}),)),
    "error_json_with_200": lambda: replace(error(500, "upstream broke", code="server_error"), status=200),
    "html_with_200": lambda: Script(
        headers={"content-type": "text/html; charset=UTF-8"}, body=(html_page(200, "Sign in"),)
    ),
    "html_with_524": lambda: error(524, "A timeout occurred", shape="html"),
}

ARRIVALS: Final[dict[str, Callable[[], Script]]] = {
    **_WHOLE,
    **{f"speech_{shape}": _speech(shape) for shape in SPEECH_SHAPES},
    **_BROKEN,
}
"""Name → script, built when called: some are large."""

BROKEN_ARRIVALS: Final = frozenset(_BROKEN)
"""The arrivals that are no answer: a client must say what happened."""
