"""One turn: a request comes in, an answer goes out as a script. No sockets; a second of CPU at times.

What the answer says is not decided here: an answer function does that, or else the simulator.
"""

from __future__ import annotations

import io
import json
import wave
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, Final
from uuid import uuid4

from . import _routes, _rules
from ._answers import answer as answer_events
from ._answers import called, wav
from ._incoming import Request, read_request, text_of_items
from ._items import words
from ._media_facts import Cancelled, Facts, measure
from ._record import RecordedRequest
from ._replay import Replay
from ._reply import Answer, AnswerFunction
from ._script import Event, Script, json_answer, sse
from ._token_counts import Tokens, count_media, count_speech, count_text, usage
from ._tool_rules import Allowed
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
        answer: What answers requests; None for the simulator.
        replay: Recorded answers, which go before both; None for none.
    """

    api_key: str
    pace: float
    speaker: Speaker
    allowed: Allowed
    answer: AnswerFunction | None = None
    replay: Replay | None = None


def open_turn(
    method: str, record: RecordedRequest, body: object, settings: GatewaySettings, cancelled: Cancelled
) -> Turn | Script:
    """Read one HTTP request.

    Args:
        method: HTTP method.
        record: The request's path and headers.
        body: The request's body, as `_rules.parse` gives it.
        settings: The gateway's settings.
        cancelled: Whether the turn is to end early.

    Returns:
        The turn; or the answer, where no model is asked: on the other routes, where answers are played back, and for a
        voice that the service doesn't know, which it answers with nothing at all.

    Raises:
        Refusal: The service would not answer this request.
    """
    route = _routes.find(method, record.path)
    _rules.check_key(record.headers, settings.api_key)
    if route is not None:
        return json_answer(route(body))
    if settings.replay is not None and isinstance(body, dict):
        return settings.replay.script(body)
    checked = _rules.check_body(body, settings.allowed)
    if _rules.wants_audio(checked) and not _rules.knows_voice(_rules.voice_of(checked)):
        return Script()
    return Turn(read_request(checked, record.headers), settings, cancelled)


class Turn:
    """One request that waits for its answer.

    Attributes:
        request: The request.
    """

    def __init__(self, request: Request, settings: GatewaySettings, cancelled: Cancelled) -> None:
        self.request = request
        self._settings = settings
        self._cancelled = cancelled

    @cached_property
    def media_facts(self) -> list[list[Facts | None]]:
        """For each of the request's media, up to the most that are measured, the facts of each of its items.

        None stands for what is at a URL, and for all frames but the first.
        """
        return [
            [self._facts(item) if number < _MOST_FRAMES else None for number, item in enumerate(media.items)]
            for media in islice(self.request.media, _MOST_MEDIA)
        ]

    def script(self, answer: str | Answer | Script) -> Script:
        """Return what goes over the wire for an answer.

        Raises:
            TypeError: It is no answer.
            ValueError: Its speech is in a voice that the service doesn't have.
            wave.Error: Its speech begins like a WAV and is none.
        """
        match answer:
            case Script():
                return answer
            case str():
                return self.script(Answer(answer))
            case Answer():
                events = self._calling_events(answer) if answer.calls else self._answering_events(answer)
                script = sse(events, pause=self._settings.pace)
                return replace(script, headers={**script.headers, "x-request-id": uuid4().hex})
        raise TypeError(f"an answer is a str, an Answer or a Script, not {type(answer).__name__}")

    def _calling_events(self, answer: Answer) -> list[Event]:
        """A turn that calls tools, without speech even where that is asked for."""
        calls = [replace(call, call_id=call.call_id or f"call_{uuid4().hex}") for call in answer.calls]
        call_tokens = sum(count_text(f"{call.name}({call.text})") for call in calls)
        output = Tokens(call_tokens + count_text(answer.text), reasoning=count_text(answer.reasoning))
        return called(
            *calls,
            text=answer.text,
            thought=answer.reasoning,
            usage=self._usage(answer, output),
            response_id=f"resp_{uuid4().hex}",
            model=self.request.body["model"],
            finish=answer.finish,
        )

    def _answering_events(self, answer: Answer) -> list[Event]:
        """A turn that answers in text, and in speech."""
        text, finish = _limited(answer, self.request.body)
        speech, seconds = self._speech(answer.speech, text)
        audio = [{"id": f"audio_{uuid4().hex}", "data": b64encode(speech).decode()}] if speech else []
        output = Tokens(count_text(text), count_speech(seconds), count_text(answer.reasoning))
        return answer_events(
            text,
            audio=audio,
            usage=self._usage(answer, output),
            response_id=f"resp_{uuid4().hex}",
            model=self.request.body["model"],
            finish=finish,
            thought=answer.reasoning,
        )

    def _speech(self, speech: bytes | str | None, text: str) -> tuple[bytes, float]:
        """The WAV of the answer, empty for none, and its seconds."""
        if isinstance(speech, bytes):
            pcm = speech
        elif voice := speech or self.request.voice:
            if not _rules.knows_voice(voice):
                raise ValueError(f"Answer.speech: {voice!r} is no voice; `voices.names()` lists them")
            pcm = speak(text, voice, self._settings.speaker, self._cancelled)
        else:
            pcm = b""
        if pcm.startswith(b"RIFF"):
            with wave.open(io.BytesIO(pcm)) as file:
                return pcm, file.getnframes() / file.getframerate()
        return (wav(pcm) if pcm else b""), seconds_of(pcm)

    def _usage(self, answer: Answer, output: Tokens) -> Mapping[str, Any] | None:
        """The answer's own usage, else what was counted, if the request wants to know."""
        options = self.request.body.get("stream_options")
        if answer.usage is not None or not isinstance(options, dict) or options.get("include_usage") is not True:
            return answer.usage
        return usage(self._input_tokens(media=not answer.calls), output)

    def _input_tokens(self, *, media: bool) -> Tokens:
        """Tokens of the request; those of its media only where asked for, since measuring them takes a while."""
        body = self.request.body
        tools = json.dumps(body["tools"], ensure_ascii=False) if body.get("tools") else ""
        tokens = Tokens(count_text(text_of_items(body["input"])) + count_text(tools))
        return sum(map(count_media, self.request.media, self.media_facts), start=tokens) if media else tokens

    def _facts(self, item: bytes | None) -> Facts | None:
        return None if item is None else measure(item, self._cancelled)


def _limited(answer: Answer, body: Mapping[str, Any]) -> tuple[str, str]:
    """The text up to the first stop string and to `max_output_tokens` (a word counts as one), and how it finished."""
    stop = body.get("stop")
    stops = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    ends = [answer.text.find(each) for each in stops if isinstance(each, str) and each]
    text = answer.text[: min((end for end in ends if end >= 0), default=len(answer.text))]
    pieces, limit = words(text), body.get("max_output_tokens")
    if limit is None or len(pieces) <= limit:
        return text, answer.finish
    return "".join(pieces[:limit]), "max_output_tokens"
