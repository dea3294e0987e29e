"""Subtitles: what is spoken and when, as it is or translated, for SRT and WebVTT files. Pure but for `save`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, Field

from langchain_dmx_omni._disk.files import storing, write_whole
from langchain_dmx_omni._warnings import warn_user
from langchain_dmx_omni.errors import InvalidInputError
from langchain_dmx_omni.video.subtitles import Cue, Limits, clock, layout, srt, vtt

from .likeness import alike
from .merging import merge
from .result import Result
from .task import Part, Task
from .timeline import Span

Text = Literal["text", "translation", "both"]


class TextSpan(Span):
    """A text, and how long it is heard or stands on the screen."""

    text: str


TextSpanT = TypeVar("TextSpanT", bound=TextSpan)


class Line(TextSpan):
    """Something that is said, and its translation, if one was asked for."""

    translation: str = ""
    speaker: str = ""
    """Who says it, where that is known."""


def _words(value: Any) -> Any:
    """Return what stands where a text belongs as a text: a model writes `null` for nothing, and numbers bare."""
    return "" if value is None else str(value) if isinstance(value, int | float) else value


Words = Annotated[str, BeforeValidator(_words)]


class Heard(Span):
    """Something that is said."""

    text: Words = Field(description="What is said, word by word, in the language that is spoken")


class Translated(Heard):
    """Something that is said, and what it means."""

    translation: Words = Field(description="The same in the other language")


_EACH = "One entry a sentence or phrase, of seven seconds at the most, in order; empty if nobody speaks"


class Transcript(BaseModel):
    """Everything that is said."""

    lines: list[Heard] = Field(description=_EACH)


class TranslatedTranscript(BaseModel):
    """Everything that is said, and what it means."""

    lines: list[Translated] = Field(description=_EACH)


class Subtitles(Result):
    """What is said in a recording, in order.

    Lines are as they were heard; `cues`, `srt`, `vtt` and `save` cut and time them for a screen.
    """

    lines: list[Line]

    def cues(self, show: Text | None = None, limits: Limits | None = None) -> list[Cue]:
        """Return what stands on the screen, when: sorted, never two at a time.

        Args:
            show: The text, its translation, or both, the translation below; by default the translation where there
                is one.
            limits: What fits on the screen; by default two lines of 42 characters, 16 in Chinese.

        Raises:
            InvalidInputError: A translation is asked for and there is none.
        """
        translated = any(line.translation for line in self.lines)
        show = show or ("translation" if translated else "text")
        if show != "text" and not translated and any(line.text for line in self.lines):
            raise InvalidInputError(
                f"show={show!r}: these subtitles have no translation; subtitles(translate=…) asks for one"
            )
        return layout(_once(_cue(line, show) for line in self.lines), limits)

    def srt(self, show: Text | None = None, limits: Limits | None = None) -> str:
        """Return a SubRip text; see `cues` for the arguments.

        Warns:
            DMXOmniWarning: Windows are missing, which SubRip can't say.
        """
        if self.missing:
            warn_user(f"these subtitles have gaps: {'; '.join(self._gaps())}")
        return srt(self.cues(show, limits))

    def vtt(self, show: Text | None = None, limits: Limits | None = None) -> str:
        """Return a WebVTT text; see `cues` for the arguments. A note at its top says which windows are missing."""
        return vtt(self.cues(show, limits), self._gaps())

    def _gaps(self) -> list[str]:
        return [f"missing: {clock(each.window.start)} to {clock(each.window.end)}" for each in self.missing]

    def save(self, path: str | os.PathLike[str], show: Text | None = None, limits: Limits | None = None) -> Path:
        """Write a file for a player, in UTF-8, and return its path; its name says which kind: `.srt` or `.vtt`.

        The file appears whole, or what was there before stays. Where windows are missing, it says so: as `srt` and
        `vtt` do.

        Raises:
            InvalidInputError: It ends in neither, or there is no translation; see `cues`.
            StorageError: It can't be written.

        Warns:
            DMXOmniWarning: Windows are missing, which SubRip can't say.
        """
        target = Path(path)
        writer = {".srt": self.srt, ".vtt": self.vtt}.get(target.suffix.lower())
        if writer is None:
            raise InvalidInputError(f"{target.name!r}: subtitles are saved as .srt or .vtt")
        text = writer(show, limits)
        with storing("save subtitles", target, "free some space, or give another path"):
            write_whole(target, text)
        return target


def _cue(line: Line, show: Text) -> Cue:
    match show:
        case "text":
            return Cue(line.start, line.end, line.text)
        case "translation":
            return Cue(line.start, line.end, line.translation or line.text)
        case "both":
            return Cue(line.start, line.end, line.text, line.translation)


_STANDING = 0.5
"""Seconds between two subtitles of the same words in which nobody sees that there are two."""


def _once(cues: Iterable[Cue]) -> list[Cue]:
    """Return cues in order, the same words in a row as one: what is repeated must not push others off their time."""
    shown: list[Cue] = []
    for cue in cues:
        before = shown[-1] if shown else None
        if before is not None and before[2:] == cue[2:] and before.start <= cue.start <= before.end + _STANDING:
            shown[-1] = before._replace(end=max(before.end, cue.end))
        else:
            shown.append(cue)
    return shown


def subtitles(
    *, translate: str | None = None, language: str | None = None, allow_silent: bool = False
) -> Task[BaseModel, Subtitles]:
    """Return the task that writes down what is said.

    Args:
        translate: A language to translate into, in the same call; None for none.
        language: The language that is spoken, if you know it: it helps.
        allow_silent: Whether a recording without sound is sent all the same; else it is an error, and costs nothing.
    """
    spoken = f" The language is {language}." if language else ""
    wanted = f" Translate each entry into {translate}." if translate else ""
    return Task(
        name="subtitles",
        instructions=(
            "Write down everything that is said in this recording, word by word, with the times at which it is said. "
            f"Leave out sounds and music that are not words.{spoken}{wanted}"
        ),
        schema=TranslatedTranscript if translate else Transcript,
        join=_joined,
        needs_sound=not allow_silent,
    )


def _joined(parts: Sequence[Part[BaseModel]]) -> Subtitles:
    spoken = []
    for part in parts:
        assert isinstance(part.answer, Transcript | TranslatedTranscript)
        spoken.append((part.window, [Line(**dict(line)) for line in part.answer.lines]))
    return Subtitles(lines=merge(spoken, lambda first, second: alike(first.text, second.text), combine=longer_text))


def longer_text(first: TextSpanT, second: TextSpanT) -> TextSpanT:
    """Return one span for the two: with the longer text, since a window's edge cuts words off."""
    kept = second if len(second.text) > len(first.text) else first
    return kept.model_copy(update={"start": min(first.start, second.start), "end": max(first.end, second.end)})
