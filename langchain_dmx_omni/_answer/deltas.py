"""What passes between the modules of an answer: what was asked for, and what each event adds.

`block` is the index of the block that a delta belongs to.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from langchain_dmx_omni._media.speech_track import WavPart


class AnswerSpec(NamedTuple):
    """What the request asked for, as far as it decides what the answer looks like."""

    model: str
    voice: str | None = None
    """The voice of the spoken answer; None when none was asked for."""
    audio_format: str = "wav"
    blocks: bool = False
    """Whether content is a list of blocks rather than a plain string."""
    max_tokens: int | None = None
    stop: bool = False


class TextDelta(NamedTuple):
    """More of the answer's text."""

    block: int
    text: str


text_delta = partial(tuple.__new__, TextDelta)
"""Return a `TextDelta` of a tuple, past the class's own `__new__`: there are very many."""


class ReasoningDelta(NamedTuple):
    """More of the reasoning."""

    block: int
    text: str


class SpeechDelta(NamedTuple):
    """More samples of the speech, in whole frames; the track knows their format."""

    block: int
    data: bytes | WavPart


class CallDelta(NamedTuple):
    """A tool call begins (`id` and `name` are set), or more of its arguments."""

    block: int
    id: str | None
    name: str | None
    arguments: str


class CallCorrection(NamedTuple):
    """The arguments of a tool call as they should have been: what came of them so far was not that."""

    block: int
    arguments: str


class Citation(NamedTuple):
    """A place that the text cites, as LangChain's standard annotation."""

    block: int
    annotation: dict[str, Any]


class End(NamedTuple):
    """The answer is whole: nothing follows."""


Delta = TextDelta | ReasoningDelta | SpeechDelta | CallDelta | CallCorrection | Citation | End
