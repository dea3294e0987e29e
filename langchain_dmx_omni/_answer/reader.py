"""Events → the answer: what each event adds, as deltas.

The reader knows in how many ways the same thing may be said: in deltas, in a `done`, in an item, and once more in the
final response. `Answer` is the record that it fills.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from langchain_dmx_omni import _failures
from langchain_dmx_omni._media.base64_text import is_url
from langchain_dmx_omni.errors import ProtocolError

from .annotations import standard_annotation
from .answer import Answer
from .deltas import CallCorrection, CallDelta, Citation, ReasoningDelta, SpeechDelta, text_delta
from .events import DONE, ERROR, Halves, check_unknown, decode, is_flat_error, name_of, text_of
from .usage import usage_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from langchain_dmx_omni._media.speech_track import WavPart
    from langchain_dmx_omni._sse import ServerSentEvent

    from .deltas import AnswerSpec, Delta
    from .events import Audio, ContentPart, Event, Item, Response

_log = logging.getLogger(__name__)

_WRONG_SHAPE = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What reading an event of a wrong shape sets off, wherever it is noticed: here it becomes a `ProtocolError`."""

_EXCERPT = 300
"""Characters of such an error that go into the message."""

_FAILED = frozenset({"failed", "cancelled", "canceled", "error", "expired"})
"""Statuses of a response that is not whole, whatever the event that carries it is called."""


class AnswerReader:
    """Reads the events of one answer.

    Args:
        spec: What the request asked for.
        headers: The HTTP headers of the answer.

    Attributes:
        answer: The record, as far as it has been read.
    """

    def __init__(self, spec: AnswerSpec, headers: Mapping[str, str] | None = None) -> None:
        self.answer = Answer(spec, headers)
        self._text = self.answer.text
        self._indexes = self.answer.indexes
        self._deltas: list[Delta] = []  # what the events of one `feed` add
        self._run = 0  # how many texts had come when the last item ended
        self._text_key: tuple[int, int] | None = None
        self._text_keys: set[tuple[int, int]] = set()
        self._text_from: str | None = None  # "text" or "transcript": both say the same
        self._text_known = False  # whether the final response can only repeat it
        self._summary: int | None = None
        self._audio_part: object = None  # which part the open audio deltas belong to
        self._by_delta: set[object] = set()  # names of the items whose speech came as deltas
        self._heard: set[tuple[object, int]] = set()  # speech that came whole: its name and a hash of it
        self._heard_names: set[object] = set()
        self._heard_data: set[int] = set()
        self._cited: set[tuple[str, ...]] = set()
        self._halves = Halves()
        self._items_done = 0
        self._unknown: set[str] = set()  # types of events that no handler knows

    def feed(self, events: Iterable[ServerSentEvent]) -> list[Delta]:
        """Return what events add. Reads no further than the event that ends the answer."""
        deltas: list[Delta] = []
        self._deltas = deltas
        answer, halves, count = self.answer, self._halves, 0
        event: Event = {}
        try:
            for sent in events:
                if answer.ended:
                    break
                count += 1
                event = decode(sent, halves)
                handler = _HANDLERS.get(event["type"])
                if handler is not None:
                    handler(self, event)
                else:
                    self._on_unknown(event)
        except ProtocolError as error:
            answer.fail(error)
        except _WRONG_SHAPE as error:
            kind, problem = str(event.get("type"))[:80], str(error)[:_EXCERPT] or type(error).__name__
            answer.fail(ProtocolError(f"an event of type {kind!r} is not of the shape it should be: {problem}"))
        answer.events += count
        return deltas

    def end_speech(self) -> list[Delta]:
        """Return the rest of the speech, behind the last event."""
        deltas: list[Delta] = []
        self._deltas = deltas
        try:
            self._add_speech(self.answer.track.end())
        except ProtocolError as error:
            self.answer.failure = self.answer.failure or error
        return deltas

    def _on_unknown(self, event: Event) -> None:
        """Say once of a type of events that nobody here knows it; the event log keeps them all."""
        kind = event["type"]
        check_unknown(event)
        if is_flat_error(event):
            self._on_failure(event)
        elif kind not in self._unknown and kind not in _REDUNDANT:
            self._unknown.add(kind)
            _log.debug("events of type %.80r are not known, and passed over", kind)

    # Text

    def _add_text(self, text: str, source: str = "text") -> None:
        if self._text_from is None:
            self._text_from = source
        if text and source == self._text_from:
            if not isinstance(text, str):
                raise TypeError(f"text is a {type(text).__name__}")
            self._text.append(text)
            index = self._indexes.get("text")
            self._deltas.append(text_delta((self.answer.index("text") if index is None else index, text)))

    def _whole_text(self, text: str | None, key: tuple[int, int], source: str = "text") -> None:
        """Take a text that came whole: all of it, the end that no delta brought, or nothing."""
        if not text:
            return
        run = "".join(self._text[self._run :])
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
        self.answer.refused = True
        self._on_text_delta(event)

    def _on_refusal_done(self, event: Event) -> None:
        self.answer.refused = True
        self._whole_text(event.get("refusal"), self._key(event))

    # Reasoning

    def _on_reasoning_delta(self, event: Event) -> None:
        text = text_of(event.get("delta"), "reasoning")
        if not text:
            return
        part = event.get("summary_index")
        if self.answer.reasoning and part != self._summary:
            text = "\n\n" + text
        self._summary = part
        self.answer.reasoning.append(text)
        self._deltas.append(ReasoningDelta(self.answer.index("reasoning"), text))

    def _whole_reasoning(self, item: Item) -> None:
        if not self.answer.reasoning:
            parts = [*(item.get("summary") or ()), *(item.get("content") or ())]
            text = "\n\n".join(part["text"] for part in parts if part.get("text"))
            self._on_reasoning_delta({"delta": text})

    # Speech

    def _add_speech(self, data: bytes | WavPart) -> None:
        if data:
            self.answer.speech.append(data)
            self._deltas.append(SpeechDelta(self.answer.index("audio"), data))

    def _on_audio_delta(self, event: Event) -> None:
        part = (event.get("item_id"), event.get("output_index"), event.get("content_index"))
        if part != self._audio_part:
            self._add_speech(self.answer.track.end_part())
            self._audio_part = part
            self._by_delta |= {*part[:2]} - {None} or {None}
        self._add_speech(self.answer.track.feed(event.get("delta") or ""))

    def _on_audio_done(self, _event: Event) -> None:
        self._add_speech(self.answer.track.end_part())

    def _take_audio(self, audio: Audio, names: set[object], *, repeated: bool = False) -> None:
        """Take speech that came whole, once: deltas, parts, items and the final response may all say the same.

        Args:
            audio: The speech.
            names: What the item that holds it is called: its id and its place in the output.
            repeated: Whether it comes with the final response, which repeats what came before.
        """
        data, url = audio.get("data"), audio.get("url")
        if is_url(data or url):
            self._at_url(text_of(data or url, "audio"))
            return
        if not data:
            return
        id_, digest = name_of(audio.get("id"), "the id of audio"), hash(data)
        key = (id_ or min(map(str, names)), digest)
        known = key in self._heard or bool(self._by_delta & {*names, None})
        if repeated:
            known = known or bool(self._by_delta) or digest in self._heard_data or id_ in self._heard_names
        self._heard.add(key)
        self._heard_names.add(key[0])
        self._heard_data.add(digest)
        if known:
            return
        if not self.answer.speech:
            self.answer.audio_id = id_
        if part := self.answer.track.whole(data):
            self._add_speech(part)
            return
        self._add_speech(self.answer.track.feed(data))
        self._add_speech(self.answer.track.end_part())

    def _at_url(self, url: str) -> None:
        url = url.strip()
        if url not in self.answer.audio_urls:
            self.answer.audio_urls.append(url)

    # Items

    def _take_part(self, part: ContentPart, key: tuple[int, int], item: str | None, *, repeated: bool = False) -> None:
        kind = part.get("type")
        if kind in ("output_text", "text"):
            if not (repeated and self._text_known):
                self._whole_text(text_of(part.get("text"), "text"), key)
            for annotation in part.get("annotations") or ():
                self._cite(annotation)
        elif kind == "refusal":
            self.answer.refused = True
            if not (repeated and self._text_known):
                self._whole_text(part.get("refusal"), key)
        elif kind in ("output_audio", "audio"):
            if part.get("transcript") and not self._text:
                self._whole_text(part["transcript"], key, "transcript")
            audio = part.get("audio") or cast("Audio", part)
            if isinstance(audio, str):  # base64, a data URL, or the URL of a file
                audio = {"data": audio}
            names: set[object] = {key[0], item}
            self._take_audio(audio, names - {None}, repeated=repeated)

    def _cite(self, annotation: dict[str, Any]) -> None:
        """Take a citation, once: an event of its own, the part, the item and the final response may all say it."""
        place = ("type", "url", "file_id", "start_index", "end_index")
        key = tuple(str(annotation.get(name)) for name in place)
        if annotation and key not in self._cited:
            self._cited.add(key)
            cited = standard_annotation(annotation)
            self.answer.annotations.append(cited)
            self._deltas.append(Citation(self.answer.index("text"), cited))

    def _on_annotation(self, event: Event) -> None:
        self._cite(event.get("annotation") or {})

    def _on_part_done(self, event: Event) -> None:
        self._take_part(event.get("part") or {}, self._key(event), event.get("item_id"))

    def _on_item_added(self, event: Event) -> None:
        item = event.get("item") or {}
        if item.get("type") == "function_call":
            self._call(self.answer.calls.open(item, event, self.answer.next_index()))

    def _on_item_done(self, event: Event) -> None:
        self._take_item(event.get("item") or {}, event.get("output_index", self._items_done), event)
        self._items_done += 1

    def _take_item(self, item: Item, output: int, event: Event, *, repeated: bool = False) -> None:
        kind = item.get("type")
        if kind == "function_call":
            self._call(self.answer.calls.open(item, event, self.answer.next_index()))
            self._call(self.answer.calls.complete(item, event))
        elif kind == "reasoning":
            self._whole_reasoning(item)
        else:
            for place, part in enumerate(item.get("content") or ()):
                self._take_part(part, (output, place), item.get("id"), repeated=repeated)
                if part.get("type") != "output_audio":
                    self._run = len(self._text)

    # Tool calls

    def _call(self, deltas: Iterable[CallDelta | CallCorrection]) -> None:
        self._deltas.extend(deltas)

    def _on_arguments_delta(self, event: Event) -> None:
        self._call(self.answer.calls.add(event, event.get("delta")))

    def _on_arguments_done(self, event: Event) -> None:
        self._call(self.answer.calls.complete({"arguments": event.get("arguments") or ""}, event))

    # The response as a whole

    def _on_response(self, event: Event) -> None:
        response = event.get("response") or {}
        self.answer.id = self.answer.id or name_of(response.get("id"), "the id of the response")
        if not self.answer.started:
            self.answer.message_id = self.answer.id
        self.answer.model = self.answer.model or name_of(response.get("model"), "the model")

    def _on_end(self, event: Event) -> None:
        self._on_response(event)
        response: Response = event.get("response") or {}
        self._text_known = bool(self._text)
        for output, item in enumerate(response.get("output") or ()):
            self._take_item(item, output, {}, repeated=True)
        self.answer.usage = usage_metadata(response.get("usage"))
        status = response.get("status")
        if error := response.get("error") or (status in _FAILED and f"the response's status is {status!r}"):
            self.answer.fail(_failures.from_event({"error": error}, self.answer.headers))
            return
        reason = name_of((response.get("incomplete_details") or {}).get("reason"), "the reason of the end")
        if reason or status == "incomplete" or event["type"] == "response.incomplete":
            self.answer.finish = "length" if reason == "max_output_tokens" else reason or "incomplete"
        else:
            self.answer.finish = "stop"
        self.answer.ended = True

    def _on_done(self, _event: Event) -> None:
        self.answer.finish = "stop"
        self.answer.ended = True

    def _on_failure(self, event: Event) -> None:
        self._on_response(event)
        self.answer.fail(_failures.from_event(event, self.answer.headers))


_REDUNDANT = frozenset(
    {
        "response.content_part.added",
        "response.output_audio_transcript.done",
        "response.output_audio.transcript.done",
        "response.audio_transcript.done",
        "response.audio.transcript.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
        "response.reasoning_text.done",
    }
)
"""Types of events that say nothing which others don't."""

_HANDLERS: dict[str, Callable[[AnswerReader, Event], None]] = {
    "response.created": AnswerReader._on_response,
    "response.in_progress": AnswerReader._on_response,
    "response.queued": AnswerReader._on_response,
    "response.output_text.delta": AnswerReader._on_text_delta,
    "response.output_text.done": AnswerReader._on_text_done,
    "response.output_audio.delta": AnswerReader._on_audio_delta,
    "response.audio.delta": AnswerReader._on_audio_delta,
    "response.output_audio.done": AnswerReader._on_audio_done,
    "response.audio.done": AnswerReader._on_audio_done,
    "response.output_audio_transcript.delta": AnswerReader._on_transcript_delta,
    "response.output_audio.transcript.delta": AnswerReader._on_transcript_delta,
    "response.audio_transcript.delta": AnswerReader._on_transcript_delta,
    "response.audio.transcript.delta": AnswerReader._on_transcript_delta,
    "response.refusal.delta": AnswerReader._on_refusal_delta,
    "response.refusal.done": AnswerReader._on_refusal_done,
    "response.reasoning_summary_text.delta": AnswerReader._on_reasoning_delta,
    "response.reasoning_text.delta": AnswerReader._on_reasoning_delta,
    "response.content_part.done": AnswerReader._on_part_done,
    "response.output_text.annotation.added": AnswerReader._on_annotation,
    "response.output_item.added": AnswerReader._on_item_added,
    "response.output_item.done": AnswerReader._on_item_done,
    "response.function_call_arguments.delta": AnswerReader._on_arguments_delta,
    "response.function_call_arguments.done": AnswerReader._on_arguments_done,
    "response.completed": AnswerReader._on_end,
    "response.incomplete": AnswerReader._on_end,
    "response.failed": AnswerReader._on_failure,
    "response.cancelled": AnswerReader._on_failure,
    ERROR: AnswerReader._on_failure,
    DONE["type"]: AnswerReader._on_done,
}
