"""Captions: what each short window of a recording shows and says, for whoever looks for a moment in it. Pure.

Windows are short, and their own start and end are what a caption's times are: this model family's seconds drift, cuts
don't. The times within a window are the model's, clamped to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, Field, model_validator

from .likeness import alike
from .merging import merge
from .result import Result
from .task import Part, Task
from .timeline import Seconds, Span, Window
from .transcription import Line, TextSpan, Words, longer_text

CAPTION_WINDOW: Final = 30.0
"""Seconds of a window that suit captions: a moment that is found is no longer than that, whatever times a model gives.

Copied windows begin at keyframes and are then 15 to 30 seconds long.
"""


class Said(Span):
    """Something that is said."""

    text: Words = Field(description="What is said, word by word, in the language that is spoken")
    speaker: Words = Field(
        description="The name, if it is said or shown; else Speaker 1, Speaker 2 and so on", examples=["Speaker 1"]
    )


class Written(TextSpan):
    """Something that can be read on the screen, and how long."""

    text: Words = Field(description="The words, letter by letter")


class Scene(BaseModel):
    """What a window shows."""

    written: list[Written] = Field(description="Titles, signs, labels and slides; empty if nothing can be read")
    entities: list[Words] = Field(description="Who and what appears: people, places, things; their names, if known")
    seen: Words = Field(description="What is seen and what happens, in two to four sentences; empty for sound alone")
    title: Words = Field(description="A few words")

    @model_validator(mode="before")
    @classmethod
    def _read_nothing(cls, data: Any) -> Any:
        """Read what is left out, or `null`, as nothing: models write either where a list would be empty."""
        if not isinstance(data, Mapping):
            return data
        nothing = {"written": [], "entities": [], "said": [], "title": ""}
        return {**nothing, **{name: value for name, value in data.items() if value is not None or name == "seen"}}


class SpokenScene(Scene):
    """What a window shows, and what is said in it."""

    said: list[Said] = Field(description="One entry a sentence or phrase, in order; empty if nobody speaks")


class Caption(BaseModel):
    """A window of a recording: what is seen, said and written in it, and who and what appears.

    Where there is nothing, in silence or in the dark, texts and lists are empty. All times are seconds of the
    recording; `start` and `end` are where it was cut.
    """

    start: Seconds
    end: Seconds
    title: str = ""
    seen: str = ""
    said: list[Line] = []
    written: list[Written] = []
    entities: list[str] = []


class Captions(Result):
    """What a recording shows and says, window by window."""

    windows: list[Caption]

    @property
    def lines(self) -> list[Line]:
        """What is said in the whole recording, in order; what two windows have heard in their overlap is there once."""
        said = [(window, caption.said) for window, caption in self._cut()]
        return merge(said, lambda first, second: alike(first.text, second.text), combine=longer_text)

    @property
    def written(self) -> list[Written]:
        """What can be read in the whole recording, in order; what stands there over several windows is there once."""
        written = [(window, caption.written) for window, caption in self._cut()]
        return merge(written, lambda first, second: alike(first.text, second.text), combine=longer_text, across=True)

    def _cut(self) -> list[tuple[Window, Caption]]:
        return [(Window(index, each.start, each.end), each) for index, each in enumerate(self.windows)]


def captions(*, language: str | None = None, transcript: bool = True) -> Task[Scene, Captions]:
    """Return the task that says what each window of a recording shows.

    Give the job short windows: `Job(llm, captions(), window=CAPTION_WINDOW)`.

    Args:
        language: What to describe in; by default in the language that is spoken, or in English. What is said, written
            or called by name stays as it is.
        transcript: Whether to write down what is said; not needed where subtitles have it.
    """
    said = ", what is said" if transcript else ""
    described = language or "the language that is spoken, or in English if nobody speaks"
    return Task(
        name="captions",
        instructions=(
            f"Describe what is seen{said} and what is written on the screen, with times, and name who and what "
            "appears. Names and written words stay letter by letter as they are. No time is invented, ranges in a list "
            f"do not overlap, and what is uncertain is left out. Describe in {described}."
        ),
        schema=SpokenScene if transcript else Scene,
        join=_joined,
    )


def _joined(parts: Sequence[Part[Scene]]) -> Captions:
    return Captions(windows=[_caption(part.window, part.answer) for part in parts])


def _caption(window: Window, scene: Scene) -> Caption:
    said = scene.said if isinstance(scene, SpokenScene) else []
    return Caption(
        start=window.start,
        end=window.end,
        title=scene.title.strip(),
        seen=scene.seen.strip(),
        said=[Line(**dict(each)) for each in said if each.text.strip()],
        written=[each for each in scene.written if each.text.strip()],
        entities=list(dict.fromkeys(name for each in scene.entities if (name := each.strip()))),
    )
