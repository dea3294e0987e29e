"""What an answer function gives back: an `Answer`, which the gateway sends as the service would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._incoming import Request
from ._items import Call
from ._script import Script


@dataclass(frozen=True)
class Answer:
    """One answer of the model.

    Attributes:
        text: The whole text; it is streamed word by word. `stop` and `max_output_tokens` of the request cut it.
        calls: Tools to call; `text` is then what is said before.
        speech: The spoken answer: a WAV, or 24 kHz mono 16-bit PCM. A string is the name of the voice that speaks the
            text. None speaks it in the request's voice, if the request asks for speech; `b""` never does.
        reasoning: A reasoning summary before it all.
        usage: The response's `usage` object, sent as it is. None counts by the service's rules, if the request asks
            for usage.
        finish: How the answer ends: `completed`, `failed`, or the reason of an incomplete one, `max_output_tokens` or
            `content_filter`.

    Raises:
        ValueError: Both calls and speech are given: the model doesn't speak in a turn that calls tools.
    """

    text: str = ""
    calls: Sequence[Call] = ()
    speech: bytes | str | None = field(default=None, repr=False)
    reasoning: str = ""
    usage: Mapping[str, Any] | None = None
    finish: str = "completed"

    def __post_init__(self) -> None:
        if self.calls and self.speech:
            raise ValueError("Answer: a turn that calls tools has no speech; leave out `calls` or `speech`")


AnswerFunction = Callable[[Request], str | Answer | Script | Awaitable[str | Answer | Script]]
"""Answers requests, sync or async. A string is the text of an answer, a `Script` is played as it is."""
