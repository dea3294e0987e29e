"""Token counts, by Alibaba Model Studio's rules for the model. Pure.

Those of media are the same as the client counts, in `_media.token_rules`; audio out is 12.5 a second. Text is near 1
token per 4 letters, or per Chinese, Japanese or Korean character.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from langchain_dmx_omni._media.token_rules import FRAMES, count_audio, count_frames, count_image, count_video

from ._incoming import Media
from ._media_facts import Facts

AUDIO_OUT_PER_SECOND: Final = 12.5

_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]")


@dataclass(frozen=True)
class Tokens:
    """Tokens of one side of a turn, by kind; `plain` are those of text and pictures."""

    plain: int = 0
    audio: int = 0
    reasoning: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.plain + other.plain, self.audio + other.audio, self.reasoning + other.reasoning)

    @property
    def total(self) -> int:
        """All of them."""
        return self.plain + self.audio + self.reasoning


def count_text(text: str) -> int:
    """Return the tokens of a text."""
    cjk = len(_CJK.findall(text))
    return cjk + math.ceil((len(text) - cjk) / 4)


def count_speech(seconds: float) -> int:
    """Return the tokens of a spoken answer."""
    return math.ceil(seconds * AUDIO_OUT_PER_SECOND)


def count_media(media: Media, facts: Sequence[Facts | None]) -> Tokens:
    """Return the tokens of one media part; 0 for what was not measured."""
    parameters = dict(media.parameters)
    fps = parameters.pop("fps", FRAMES)
    if media.kind == "frames":
        first = next((one.vision for one in facts if one and one.vision), None)
        return Tokens(count_frames(len(facts), first.width, first.height, **parameters) if first else 0)
    return sum((_file(one, fps, parameters) for one in facts if one), start=Tokens())


def usage(request: Tokens, answer: Tokens) -> dict[str, Any]:
    """Return the `usage` object of a response; it tells of audio where there was some."""
    return {
        "input_tokens": request.total,
        "input_tokens_details": {"cached_tokens": 0} | _audio_tokens(request),
        "output_tokens": answer.total,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning} | _audio_tokens(answer),
        "total_tokens": request.total + answer.total,
    }


def _audio_tokens(tokens: Tokens) -> dict[str, int]:
    return {"audio_tokens": tokens.audio} if tokens.audio else {}


def _file(facts: Facts, fps: float, pixels: dict[str, float]) -> Tokens:
    seconds = facts.seconds or 0.0
    audio = count_audio(seconds) if facts.sound else 0
    vision = facts.vision
    if vision is None:
        return Tokens(0, audio)
    if facts.format and facts.format.still:
        return Tokens(count_image(vision.width, vision.height, pixels.get("max_pixels")), audio)
    return Tokens(count_video(seconds, vision.width, vision.height, fps, **pixels), audio)
