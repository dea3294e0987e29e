"""The record of an answer: every part of it, joined once.

Message chunks, the final message and LangChain's protocol events are three ways to write the same record down, so
that they can't disagree.

One index space covers all blocks of a message. There is one text block, one reasoning block and one audio
block, however many items they arrive in, and one block for each tool call, in the order of arrival.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING, Any

from langchain_dmx_omni import _failures
from langchain_dmx_omni._media.speech_track import SpeechTrack, WavPart
from langchain_dmx_omni._profiles import PROVIDER

from .calls import Calls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages.ai import UsageMetadata

    from langchain_dmx_omni.errors import DMXOmniError

    from .deltas import AnswerSpec


class Answer:
    """An answer, as far as it has arrived.

    Attributes:
        spec: What the request asked for.
        headers: The HTTP headers of the answer.
        ended: Whether the service has said that the answer is over.
        events: How many events have been read.
        failure: The error that ended it, if one did. What arrived before it stands.
        id: The service's id of the response, once known.
        message_id: The id of the message: that of the response, if it was known before anything else, so that
            all chunks carry the same.
        audio_id: The service's id of the speech, if it was known when the speech began.
        model: The model that answers, as the service says.
        finish: Why it ended, in LangChain's words or the service's own.
        refused: Whether the text is a refusal.
        annotations: What the text cites, in LangChain's standard form.
        speech: The speech in parts, in whole frames.
        audio_urls: Where the speech is, if that is all that came of it.
        track: The speech's format and size.
        indexes: The index of the text, reasoning and audio block, in the order in which they began.
    """

    def __init__(self, spec: AnswerSpec, headers: Mapping[str, str] | None = None) -> None:
        self.spec = spec
        self.headers: Mapping[str, str] = headers or {}
        self.ended = False
        self.events = 0
        self.failure: DMXOmniError | None = None
        self.id: str | None = None
        self.message_id: str | None = None
        self.audio_id: str | None = None
        self.model: str | None = None
        self.finish: str | None = None
        self.usage: UsageMetadata | None = None
        self.refused = False
        self.text: list[str] = []
        self.reasoning: list[str] = []
        self.annotations: list[dict[str, Any]] = []
        self.speech: list[bytes | WavPart] = []
        self.audio_urls: list[str] = []
        self.calls = Calls()
        self.track = SpeechTrack(spec.audio_format)
        self.indexes: dict[str, int] = {}

    def fail(self, error: DMXOmniError) -> None:
        """End the answer with an error."""
        self.failure = error
        self.ended = True

    def next_index(self) -> int:
        """Return the index of a block that begins now."""
        return len(self.indexes) + len(self.calls)

    def index(self, kind: str) -> int:
        """Return the index of the `"text"`, `"reasoning"` or `"audio"` block, which begins now if it has not begun."""
        index = self.indexes.get(kind)
        if index is None:
            index = self.indexes[kind] = self.next_index()
        return index

    @property
    def started(self) -> bool:
        """Whether anything of the answer has arrived."""
        return bool(self.text or self.speech or self.calls or self.reasoning or self.audio_urls)

    @property
    def speech_base64(self) -> str:
        """The speech as base64 of one WAV: the very text that came, where that is it."""
        match self.speech:
            case [WavPart(text=text)]:
                return text
        data = b"".join([self.track.header(final=True), *map(bytes, self.speech)])
        return b2a_base64(data, newline=False).decode("ascii")

    @property
    def finish_reason(self) -> str | None:
        """`"stop"`, `"tool_calls"`, `"length"`, `"content_filter"` or the service's own word; None while open."""
        return "tool_calls" if self.finish == "stop" and self.calls else self.finish

    @property
    def model_name(self) -> str:
        """The model that answers: as the service says, else as it was asked."""
        return self.model or self.spec.model

    @property
    def response_metadata(self) -> dict[str, Any]:
        """Facts about the response, as they go on the message."""
        facts = {
            "id": self.id,
            "model_name": self.model_name,
            "model_provider": PROVIDER,
            "finish_reason": self.finish_reason,
            "request_id": _failures.request_id(self.headers),
            "audio_url": self.audio_urls[0] if len(self.audio_urls) == 1 else self.audio_urls or None,
            "refusal": "".join(self.text) if self.refused else None,
        }
        return {name: value for name, value in facts.items() if value is not None}
