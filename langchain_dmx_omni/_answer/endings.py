"""How an answer ended: whole, cut short, broken off, or empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_dmx_omni import voices
from langchain_dmx_omni.errors import DMXOmniError, EmptyAnswerError, ProtocolError, StreamInterruptedError

from .deltas import End

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_dmx_omni._sse import ServerSentEvent

    from .answer import Answer
    from .deltas import Delta
    from .reader import AnswerReader


def settle(
    reader: AnswerReader, rest: Sequence[ServerSentEvent] = (), stray: bytes = b"", before_stray: int = 0
) -> list[Delta]:
    """Return what the end of the stream completes: `End` comes last, or the answer has a `failure`.

    Args:
        reader: What has read the answer so far.
        rest: Events that the end of the stream completed.
        stray: The beginning of what arrived and was no event.
        before_stray: How many events had come before that.
    """
    answer, deltas = reader.answer, []
    if not answer.ended:
        deltas += reader.feed(rest)
        if isinstance(answer.failure, ProtocolError):
            answer.ended, answer.failure = False, None  # an event cut off in the middle: the stream broke
    deltas += reader.end_speech()
    if answer.failure is None:
        answer.failure = _error(answer, stray, before_stray)
    if answer.failure is None:
        deltas.append(End())
    return deltas


def _error(answer: Answer, stray: bytes, before_stray: int) -> DMXOmniError | None:
    """Return the error for a stream that ended without an answer, or in the middle of one.

    Args:
        answer: The answer, after the last event.
        stray: The beginning of what arrived and was no event.
        before_stray: How many events had come before that.
    """
    excerpt = f"; what arrived begins with {stray[:120].decode('utf-8', 'replace')!r}" if stray else ""
    if answer.events == 0 and stray:
        return ProtocolError(f"HTTP 200, and no server-sent events in it{excerpt}")
    if answer.events and not answer.ended:
        return StreamInterruptedError(
            "the connection closed before the answer ended (no response.completed); "
            f"{arrived(answer)} had arrived{excerpt}"
        )
    if stray and before_stray < answer.events:  # proxies write their failure between events, and end the stream well
        return StreamInterruptedError(
            f"something that is no event came before the end of the answer; {arrived(answer)} had arrived{excerpt}"
        )
    stopped = answer.ended and (answer.spec.stop or answer.finish_reason != "stop")
    return None if answer.started or stopped else _empty(answer.spec.voice)


def arrived(answer: Answer) -> str:
    """Return how much of an answer has arrived, for a message."""
    return f"{sum(map(len, answer.text)):,} characters of text and {answer.track.size:,} bytes of speech"


def warnings(answer: Answer) -> list[str]:
    """Return what the user should know about an answer that is right as far as it goes."""
    spec, reason, messages = answer.spec, answer.finish_reason, []
    if reason == "length" and spec.max_tokens is None:
        messages.append("the answer is cut off at the model's own limit (finish_reason is 'length')")
    elif reason not in (None, "stop", "tool_calls", "length"):
        messages.append(f"the answer is cut off (finish_reason is {reason!r})")
    if answer.audio_urls:
        messages.append(
            "the speech is not in the answer but behind a URL, which is not fetched: "
            f"{', '.join(answer.audio_urls)} (response_metadata['audio_url'])"
        )
    elif spec.voice is not None and not answer.speech and not answer.calls and reason == "stop":
        messages.append(f"speech was asked for (voice={spec.voice!r}), and only text arrived")
    return messages


def _empty(voice: str | None) -> EmptyAnswerError:
    message = "the service answered with HTTP 200 and nothing in it"
    if voice is not None:
        message += ", as it does for a voice that it does not know"
    known = voice is None or voice in voices.names()
    if voice is None:
        hint = ""
    elif known:
        hint = f"; voice={voice!r} is in the catalogue, so try again, or another voice"
    else:
        suggestions = " or ".join(map(repr, voices.similar(voice)))
        hint = f"; voice={voice!r} is not in the catalogue: " + (
            f"did you mean {suggestions}?" if suggestions else "see langchain_dmx_omni.voices.names()"
        )
    error = EmptyAnswerError(message + hint)
    error.is_retryable = known  # an unknown voice stays unknown
    return error
