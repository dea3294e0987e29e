"""Events → the answer being built.

`Answer` reads events one after another and says what each adds, as deltas; it keeps every part and joins it
once. Message chunks, the final message and LangChain's protocol events are three ways to write the same
deltas down, so that they can't disagree.

One index space covers all blocks of a message. There is one text block, one reasoning block and one audio
block, however many items they arrive in, and one block for each tool call, in the order of arrival.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING, cast

from langchain_dmx_omni import _failures
from langchain_dmx_omni._media.wav import Part, Track
from langchain_dmx_omni._profiles import PROVIDER
from langchain_dmx_omni.errors import DMXOmniError, ProtocolError

from . import endings
from .calls import Calls
from .deltas import CallDelta, End, ReasoningDelta, SpeechDelta, text_delta
from .events import DONE, ERROR, decode
from .usage import usage_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from langchain_core.messages.ai import UsageMetadata

    from langchain_dmx_omni._sse import ServerSentEvent

    from .deltas import Asked, Delta
    from .events import Audio, ContentPart, Event, Item, Response


class Answer:
    """An answer while it arrives.

    Attributes:
        ended: Whether the service has said that the answer is over.
        events: How many events have been read.
        failure: The error that ended it, if one did. Deltas before it stand.
        id: The service's id of the response, once known.
        message_id: The id of the message: that of the response, if it was known before anything else, so that
            all chunks carry the same.
        audio_id: The service's id of the speech, if it was known when the speech began.
        track: The speech's format and size.
    """

    def __init__(self, asked: Asked, headers: Mapping[str, str] | None = None) -> None:
        self.asked = asked
        self.ended = False
        self.events = 0
        self.failure: DMXOmniError | None = None
        self.id: str | None = None
        self.message_id: str | None = None
        self.audio_id: str | None = None
        self.usage: UsageMetadata | None = None
        self.refused = False
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.speech: list[bytes | Part] = []
        self.calls = Calls()
        self.track = Track(asked.audio_format)
        self.indexes: dict[str, int] = {}
        """The index of the text, reasoning and audio block, in the order in which they began."""

        self._headers = headers or {}
        self._model: str | None = None
        self._finish: str | None = None
        self._out: list[Delta] = []
        self._run = 0  # how many texts had come when the last item ended
        self._text_key: tuple[int, int] | None = None
        self._text_keys: set[tuple[int, int]] = set()
        self._text_from: str | None = None  # "text" or "transcript": both say the same
        self._text_known = False  # whether the final response can only repeat it
        self._summary: int | None = None
        self._audio_part: object = None  # which part the open audio deltas belong to
        self._by_delta: set[object] = set()  # names of the items whose speech came as deltas
        self._heard: set[tuple[object, int]] = set()
        self._items_done = 0

    # Events in

    def feed(self, sent: Iterable[ServerSentEvent]) -> list[Delta]:
        """Return what events add. Reads no further than the event that ends the answer."""
        out: list[Delta] = []
        self._out = out
        event: Event = {}
        try:
            for one in sent:
                if self.ended:
                    break
                self.events += 1
                event = decode(one)
                handler = _HANDLERS.get(event["type"])
                if handler is not None:
                    handler(self, event)
        except ProtocolError as error:
            self._fail(error)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            told = f"an event of type {event.get('type')!r} is not of the shape it should be: {error}"
            self._fail(ProtocolError(told))
        return out

    def close(self, rest: Sequence[ServerSentEvent] = (), stray: bytes = b"") -> list[Delta]:
        """Return what the end of the stream completes, and settle how the answer ended: `End`, or `failure`.

        Args:
            rest: Events that the end of the stream completed.
            stray: The beginning of what arrived and was no event.
        """
        out: list[Delta] = []
        if not self.ended:
            out += self.feed(rest)
            if isinstance(self.failure, ProtocolError):
                self.ended, self.failure = False, None  # an event cut off in the middle: the stream broke
        self._out = out
        try:
            self._add_speech(self.track.end_part())
        except ProtocolError as error:
            self._fail(error)
        if self.failure is None:
            self.failure = endings.error(self, stray)
        if self.failure is None:
            out.append(End())
        return out

    @property
    def started(self) -> bool:
        """Whether anything of the answer has arrived."""
        return bool(self.text or self.speech or self.calls or self.reasoning)

    @property
    def speech_base64(self) -> str:
        """The speech as base64 of one WAV: the very text that came, where that is it."""
        match self.speech:
            case [Part(text=text)]:
                return text
        data = b"".join([self.track.header(final=True), *map(bytes, self.speech)])
        return b2a_base64(data, newline=False).decode("ascii")

    @property
    def finish_reason(self) -> str | None:
        """`"stop"`, `"tool_calls"`, `"length"`, `"content_filter"` or the service's own word; None while open."""
        if self._finish == "stop" and self.calls:
            return "tool_calls"
        return self._finish

    @property
    def model_name(self) -> str:
        """The model that answers: as the service says, else as it was asked."""
        return self._model or self.asked.model

    @property
    def response_metadata(self) -> dict[str, str]:
        """Facts about the response, as they go on the message."""
        facts = {
            "id": self.id,
            "model_name": self.model_name,
            "model_provider": PROVIDER,
            "finish_reason": self.finish_reason,
            "request_id": _failures.request_id(self._headers),
            "refusal": "".join(self.text) if self.refused else None,
        }
        return {name: value for name, value in facts.items() if value is not None}

    # How it ended

    def _fail(self, error: DMXOmniError) -> None:
        self.failure = error
        self.ended = True

    # Text

    def _index(self, kind: str) -> int:
        found = self.indexes.get(kind)
        if found is None:
            found = self.indexes[kind] = self._next_index()
        return found

    def _next_index(self) -> int:
        return len(self.indexes) + len(self.calls)

    def _add_text(self, text: str, source: str = "text") -> None:
        if self._text_from is None:
            self._text_from = source
        if text and source == self._text_from:
            if not isinstance(text, str):
                raise TypeError(f"text is a {type(text).__name__}")
            self.text.append(text)
            index = self.indexes.get("text")
            self._out.append(text_delta((self._index("text") if index is None else index, text)))

    def _whole_text(self, text: str | None, key: tuple[int, int], source: str = "text") -> None:
        """Take a text that came whole: all of it, the end that no delta brought, or nothing."""
        if not text:
            return
        run = "".join(self.text[self._run :])
        if run and text.startswith(run):
            self._add_text(text[len(run) :], source)
        elif not run or (text not in run and key not in self._text_keys):
            self._add_text(text, source)
        self._text_keys.add(key)

    def _key(self, event: Event) -> tuple[int, int]:
        return event.get("output_index", self._items_done), event.get("content_index", 0)

    def _on_text_delta(self, event: Event, source: str = "text") -> None:
        key = self._key(event)
        if key != self._text_key:
            self._text_keys.add(key)
            self._text_key = key
        self._add_text(event.get("delta", ""), source)

    def _on_text_done(self, event: Event) -> None:
        self._whole_text(event.get("text"), self._key(event))

    def _on_transcript_delta(self, event: Event) -> None:
        self._on_text_delta(event, "transcript")

    def _on_refusal_delta(self, event: Event) -> None:
        self.refused = True
        self._on_text_delta(event)

    def _on_refusal_done(self, event: Event) -> None:
        self.refused = True
        self._whole_text(event.get("refusal"), self._key(event))

    # Reasoning

    def _on_reasoning_delta(self, event: Event) -> None:
        text = event.get("delta", "")
        if not text:
            return
        part = event.get("summary_index")
        if self.reasoning and part != self._summary:
            text = "\n\n" + text
        self._summary = part
        self.reasoning.append(text)
        self._out.append(ReasoningDelta(self._index("reasoning"), text))

    def _whole_reasoning(self, item: Item) -> None:
        if not self.reasoning:
            parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
            text = "\n\n".join(part["text"] for part in parts if part.get("text"))
            self._on_reasoning_delta({"delta": text})

    # Speech

    def _add_speech(self, data: bytes | Part) -> None:
        if data:
            self.speech.append(data)
            self._out.append(SpeechDelta(self._index("audio"), data))

    def _on_audio_delta(self, event: Event) -> None:
        part = (event.get("item_id"), event.get("output_index"), event.get("content_index"))
        if part != self._audio_part:
            self._add_speech(self.track.end_part())
            self._audio_part = part
            self._by_delta |= {*part[:2]} - {None} or {None}
        self._add_speech(self.track.feed(event.get("delta") or ""))

    def _on_audio_done(self, _event: Event) -> None:
        self._add_speech(self.track.end_part())

    def _take_audio(self, audio: Audio, names: set[object], *, repeated: bool = False) -> None:
        """Take speech that came whole, once: deltas, parts, items and the final response may all say the same.

        Args:
            audio: The speech.
            names: What the item that holds it is called: its id and its place in the output.
            repeated: Whether it comes with the final response, which repeats what came before.
        """
        data = audio.get("data")
        if not data:
            return
        id_, digest = audio.get("id"), hash(data)
        key = (id_ or min(map(str, names)), digest)
        known = key in self._heard or bool(self._by_delta & {*names, None})
        if repeated:
            known = known or bool(self._by_delta) or any(digest == old or id_ == name for name, old in self._heard)
        self._heard.add(key)
        if known:
            return
        if not self.speech:
            self.audio_id = id_
        if part := self.track.whole(data):
            self._add_speech(part)
            return
        self._add_speech(self.track.feed(data))
        self._add_speech(self.track.end_part())

    # Items

    def _take_part(self, part: ContentPart, key: tuple[int, int], item: str | None, *, repeated: bool = False) -> None:
        kind = part.get("type")
        if kind in ("output_text", "text"):
            if not (repeated and self._text_known):
                self._whole_text(part.get("text"), key)
        elif kind == "refusal":
            self.refused = True
            if not (repeated and self._text_known):
                self._whole_text(part.get("refusal"), key)
        elif kind in ("output_audio", "audio"):
            if part.get("transcript") and not self.text:
                self._whole_text(part["transcript"], key, "transcript")
            audio = part.get("audio") or cast("Audio", part)
            names: set[object] = {key[0], item}
            self._take_audio(audio, names - {None}, repeated=repeated)

    def _on_part_done(self, event: Event) -> None:
        self._take_part(event.get("part") or {}, self._key(event), event.get("item_id"))

    def _on_item_added(self, event: Event) -> None:
        item = event.get("item") or {}
        if item.get("type") == "function_call":
            self._call(self.calls.open(item, event, self._next_index()))

    def _on_item_done(self, event: Event) -> None:
        self._take_item(event.get("item") or {}, event.get("output_index", self._items_done), event)
        self._items_done += 1

    def _take_item(self, item: Item, output: int, event: Event, *, repeated: bool = False) -> None:
        kind = item.get("type")
        if kind == "function_call":
            self._call(self.calls.open(item, event, self._next_index()))
            self._call(self.calls.complete(item, event))
        elif kind == "reasoning":
            self._whole_reasoning(item)
        else:
            for place, part in enumerate(item.get("content") or ()):
                self._take_part(part, (output, place), item.get("id"), repeated=repeated)
                if part.get("type") != "output_audio":
                    self._run = len(self.text)

    # Tool calls

    def _call(self, deltas: Iterable[CallDelta]) -> None:
        self._out.extend(deltas)

    def _on_arguments_delta(self, event: Event) -> None:
        self._call(self.calls.add(event, event.get("delta")))

    def _on_arguments_done(self, event: Event) -> None:
        self._call(self.calls.complete({"arguments": event.get("arguments") or ""}, event))

    # The response as a whole

    def _on_response(self, event: Event) -> None:
        response = event.get("response") or {}
        self.id = self.id or response.get("id") or None
        if not self.started:
            self.message_id = self.id
        self._model = self._model or response.get("model") or None

    def _on_end(self, event: Event) -> None:
        self._on_response(event)
        response: Response = event.get("response") or {}
        self._text_known = bool(self.text)
        for output, item in enumerate(response.get("output") or ()):
            self._take_item(item, output, {}, repeated=True)
        self.usage = usage_metadata(response.get("usage"))
        reason = (response.get("incomplete_details") or {}).get("reason")
        if event["type"] == "response.incomplete" or response.get("status") == "incomplete":
            self._finish = "length" if reason == "max_output_tokens" else reason or "incomplete"
        else:
            self._finish = "stop"
        self.ended = True

    def _on_done(self, _event: Event) -> None:
        self._finish = "stop"
        self.ended = True

    def _on_failure(self, event: Event) -> None:
        self._on_response(event)
        self._fail(_failures.from_event(event, self._headers))


_HANDLERS: dict[str, Callable[[Answer, Event], None]] = {
    "response.created": Answer._on_response,
    "response.in_progress": Answer._on_response,
    "response.queued": Answer._on_response,
    "response.output_text.delta": Answer._on_text_delta,
    "response.output_text.done": Answer._on_text_done,
    "response.output_audio.delta": Answer._on_audio_delta,
    "response.audio.delta": Answer._on_audio_delta,
    "response.output_audio.done": Answer._on_audio_done,
    "response.audio.done": Answer._on_audio_done,
    "response.output_audio_transcript.delta": Answer._on_transcript_delta,
    "response.output_audio.transcript.delta": Answer._on_transcript_delta,
    "response.audio_transcript.delta": Answer._on_transcript_delta,
    "response.audio.transcript.delta": Answer._on_transcript_delta,
    "response.refusal.delta": Answer._on_refusal_delta,
    "response.refusal.done": Answer._on_refusal_done,
    "response.reasoning_summary_text.delta": Answer._on_reasoning_delta,
    "response.reasoning_text.delta": Answer._on_reasoning_delta,
    "response.content_part.done": Answer._on_part_done,
    "response.output_item.added": Answer._on_item_added,
    "response.output_item.done": Answer._on_item_done,
    "response.function_call_arguments.delta": Answer._on_arguments_delta,
    "response.function_call_arguments.done": Answer._on_arguments_done,
    "response.completed": Answer._on_end,
    "response.incomplete": Answer._on_end,
    "response.failed": Answer._on_failure,
    "response.cancelled": Answer._on_failure,
    ERROR: Answer._on_failure,
    DONE["type"]: Answer._on_done,
}
