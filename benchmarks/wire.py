"""The bytes that the benchmark's server plays, made once: the same text in each protocol, and speech in each shape.

The protocols: `"responses"` is DMXAPI's and OpenAI's, `"chat"` Alibaba's own for the same model
(help.aliyun.com/zh/model-studio/qwen-omni), `"gemini"` Google's (ai.google.dev/api/generate-content).
"""

from __future__ import annotations

import json
import struct
from binascii import b2a_base64
from functools import lru_cache

WORD = "word "
SAMPLE_RATE = 24_000
DELTA_SECONDS = 0.1
"""Speech in one delta; a minute of it is 600 deltas."""


@lru_cache(maxsize=4)
def text(protocol: str, count: int) -> bytes:
    """Return an answer of `count` text deltas, each in an HTTP chunk of its own, as services flush them."""
    return b"".join(map(chunk, PROTOCOLS[protocol](count)))


def events(protocol: str, count: int) -> list[bytes]:
    """Return the events of an answer of `count` text deltas, one by one."""
    return PROTOCOLS[protocol](count)


def spoken(protocol: str) -> list[bytes]:
    """Return the events of an answer of one word with a second of speech, as the service of the protocol sends it."""
    sound = wav(1)
    match protocol:
        case "responses":
            return _spoken("item", 1)
        case "chat":
            audio = {"id": "audio_1", "data": _base64(sound), "expires_at": 2_000_000_000}
            start, word, *end = events(protocol, 1)
            return [start, word, _chat_choice({"audio": audio}), *end]
        case _:
            heard = {"mimeType": f"audio/L16;codec=pcm;rate={SAMPLE_RATE}", "data": _base64(sound[44:])}
            return [_gemini_candidate({"inlineData": heard}, finishReason="STOP")]


def failures(protocol: str) -> list[bytes]:
    """Return the events by which a service says, in the middle of an answer, that it has failed."""
    error = {"code": "server_error", "message": "The upstream has gone."}
    match protocol:
        case "responses":
            failed = {**_completed([]), "status": "failed", "error": error, "usage": None}
            bare = _data({"error": error})
            return [_event("error", **error, param=None), _event("response.failed", response=failed), bare]
        case "chat":
            return [_data({"error": error})]
        case _:
            return [_data({"error": {"code": 503, "message": error["message"], "status": "UNAVAILABLE"}}, end="\r\n")]


def refusals(protocol: str, key: str) -> dict[str, list[tuple[int, bytes]]]:
    """Return statuses and bodies of what a service refuses: by what is the matter, each way in which it says so.

    Args:
        protocol: Whose service.
        key: The key, which some services repeat in what they say about it.
    """
    if protocol == "gemini":
        return {
            "key": [(400, _google_error(400, "INVALID_ARGUMENT", f"API key not valid: {key}"))],
            "quota": [(429, _google_error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."))],
            "saturated": [(503, _google_error(503, "UNAVAILABLE", "The model is overloaded."))],
        }
    spent = "insufficient_user_quota" if protocol == "responses" else "AllocationQuota.FreeTierOnly"
    return {
        "key": [(401, _error("invalid_api_key", f"Incorrect API key provided: {key}"))],
        "quota": [
            (403, _error(spent, "The quota is used up.")),
            (429, _error("insufficient_quota", "You exceeded your current quota.")),
        ],
        "saturated": [(429, _error("", "当前分组上游负载已饱和，请稍后再试"))],
    }


def _error(code: str, message: str) -> bytes:
    return json.dumps({"error": {"message": message, "type": code or "rix_api_error", "code": code}}).encode()


def _google_error(code: int, status: str, message: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "status": status}}).encode()


@lru_cache(maxsize=2)
def speech(shape: str, seconds: int) -> bytes:
    """Return an answer with speech: `"item"` is one event with all of it, `"deltas"` comes in pieces."""
    return b"".join(map(chunk, _spoken(shape, seconds)))


def payload(seconds: int) -> int:
    """Return the bytes of base64 in which so much speech arrives."""
    return (seconds * SAMPLE_RATE * 2 + 44 + 2) // 3 * 4


def beginning() -> list[bytes]:
    """Return the events before the first delta."""
    response = {"id": "resp_1", "object": "response", "model": "qwen3.5-omni-plus-all", "status": "in_progress"}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    full = {**response, "created_at": 1, "output": [], "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return [
        _event("response.created", response=full),
        _event("response.in_progress", response=full),
        _event("response.output_item.added", output_index=0, item=item),
        _event("response.content_part.added", **place, part=part),
    ]


def delta(number: int) -> bytes:
    """Return the event of one text delta."""
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    return _event("response.output_text.delta", sequence_number=number + 4, **place, delta=WORD, logprobs=[])


def ending(count: int) -> list[bytes]:
    """Return the events after the last delta: the text again, as the service repeats it, and the usage."""
    whole = WORD * count
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": whole, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return [
        _event("response.output_text.done", **place, text=whole, logprobs=[]),
        _event("response.content_part.done", **place, part=part),
        _event("response.output_item.done", output_index=0, item=item),
        _event("response.completed", response=_completed([item])),
        b"data: [DONE]\n\n",
    ]


def _responses(count: int) -> list[bytes]:
    return [*beginning(), *(delta(number) for number in range(count)), *ending(count)]


def _chat_completions(count: int) -> list[bytes]:
    usage = {"prompt_tokens": 9, "completion_tokens": count, "total_tokens": count + 9}
    end = [_chat_choice({}, "stop"), _data({**_CHAT, "choices": [], "usage": usage}), b"data: [DONE]\n\n"]
    return [_chat_choice({"role": "assistant", "content": ""}), *[_chat_choice({"content": WORD})] * count, *end]


_CHAT: dict[str, object] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "qwen"}


def _chat_choice(delta: dict[str, object], finish: str | None = None) -> bytes:
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    return _data({**_CHAT, "choices": choices, "usage": None})


def _gemini(count: int) -> list[bytes]:
    word = {"text": WORD}
    return [*[_gemini_candidate(word)] * (count - 1), _gemini_candidate(word, finishReason="STOP")]


def _gemini_candidate(part: dict[str, object], **more: object) -> bytes:
    content = {"parts": [part], "role": "model"}
    usage = {"promptTokenCount": 9, "candidatesTokenCount": 9, "totalTokenCount": 18}
    last = {"usageMetadata": usage} if more else {}
    candidates = [{"content": content, "index": 0, **more}]
    return _data({"candidates": candidates, "modelVersion": "gemini", **last}, end="\r\n")


PROTOCOLS = {"responses": _responses, "chat": _chat_completions, "gemini": _gemini}


def wav(seconds: int) -> bytes:
    """Return a WAV file of so many seconds, with a header of 44 bytes."""
    samples = seconds * SAMPLE_RATE * 2
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", samples + 36, b"WAVE", b"fmt ", 16, 1, 1, SAMPLE_RATE,
                         SAMPLE_RATE * 2, 2, 16, b"data", samples)  # fmt: skip
    return header + (b"\x01\x02\x03\x05" * (samples // 4))


def _spoken(shape: str, seconds: int) -> list[bytes]:
    sound = wav(seconds)
    place = {"item_id": "msg_1", "output_index": 0}
    if shape == "item":
        speech = [{"type": "output_audio", "audio": {"id": "audio_1", "data": _base64(sound)}}]
        pieces = []
    else:
        speech = []
        step = round(SAMPLE_RATE * 2 * DELTA_SECONDS)
        cuts = [sound[start : start + step] for start in range(0, len(sound), step)]
        pieces = [_event("response.output_audio.delta", **place, content_index=1, delta=_base64(cut)) for cut in cuts]
        pieces.append(_event("response.output_audio.done", **place, content_index=1))
    part = {"type": "output_text", "text": WORD, "annotations": []}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part, *speech]}
    return [
        *beginning(),
        delta(0),
        *pieces,
        _event("response.output_item.done", output_index=0, item=item),
        _event("response.completed", response=_completed([])),
        b"data: [DONE]\n\n",
    ]


def _completed(output: list[object]) -> dict[str, object]:
    usage = {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 9,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 18,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "qwen3.5-omni-plus-all",
        "status": "completed",
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }


def _event(name: str, **fields: object) -> bytes:
    return b"event: %s\n" % name.encode() + _data({"type": name, "sequence_number": 0, **fields})


def _data(value: object, end: str = "\n") -> bytes:
    return f"data: {json.dumps(value, separators=(',', ':'))}{end * 2}".encode()


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def chunk(data: bytes) -> bytes:
    """Return data as one chunk of an HTTP body."""
    return b"%x\r\n%s\r\n" % (len(data), data)
