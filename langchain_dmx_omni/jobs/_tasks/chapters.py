"""Long-video analysis: a title, a summary, and chapters with their times. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, Field

from .likeness import alike
from .merging import longer, merge
from .result import Result
from .task import Closing, Part, Task
from .timeline import Span


class Chapter(Span):
    """A chapter of a recording."""

    title: str = Field(description="A few words")
    summary: str = Field(description="What happens, in one or two sentences")


class Chapters(Result):
    """What a recording is about, and its chapters in order."""

    title: str = Field(description="A title for the whole, a few words")
    summary: str = Field(description="What the whole is about, in three to five sentences")
    chapters: list[Chapter] = Field(description="The chapters, in order, without gaps")


class Overview(BaseModel):
    """What no single window can tell of a recording."""

    title: str = Field(description="A title for the whole, a few words")
    summary: str = Field(description="What the whole is about, in three to five sentences")
    continued: list[int] = Field([], description="Numbers of the chapters that only go on with the one before them")


def chapters(*, language: str = "English", closing: bool = True) -> Task[Chapters, Chapters]:
    """Return the task that divides a recording into chapters.

    Args:
        language: What to answer in.
        closing: Whether to ask once more at the end, in text alone, where there are several windows: for a title and
            a summary of the whole, and for chapters that a window's edge has cut in two. Without it, both are put
            together from the windows'.
    """
    return Task(
        name="chapters",
        instructions=(
            "Divide this recording into chapters: a new one starts where the subject, the place or the people change. "
            f"Write in {language}."
        ),
        schema=Chapters,
        join=_joined,
        closing=Closing(Overview, partial(_prompt, language), _applied) if closing else None,
    )


def _joined(parts: Sequence[Part[Chapters]]) -> Chapters:
    merged = merge(
        [(part.window, part.answer.chapters) for part in parts],
        lambda first, second: alike(first.title, second.title),
        across=True,
    )
    return Chapters(
        title=next((part.answer.title for part in parts if part.answer.title), ""),
        summary=" ".join(filter(None, (part.answer.summary for part in parts))),
        chapters=_without_overlaps(merged),
    )


def _without_overlaps(chapters: Sequence[Chapter]) -> list[Chapter]:
    """Return sorted chapters, each ending where the next one starts at the latest; of two that start at once, one.

    Two windows may name differently what is in their overlap.
    """
    sequence: list[Chapter] = []
    for chapter in chapters:
        if sequence and sequence[-1].start == chapter.start:
            sequence[-1] = longer(sequence[-1], chapter)
            continue
        if sequence:
            sequence[-1] = sequence[-1].model_copy(update={"end": min(sequence[-1].end, chapter.start)})
        sequence.append(chapter)
    return sequence


def _prompt(language: str, result: Chapters, parts: Sequence[Part[Any]]) -> str | None:
    if len(parts) < 2:
        return None
    listed = [
        f"{number}. From {chapter.start:.0f} to {chapter.end:.0f} s: {chapter.title}. {chapter.summary}"
        for number, chapter in enumerate(result.chapters, 1)
    ]
    return "\n".join(
        [
            "A recording was described in parts. These are its chapters, in order:",
            *listed,
            f"Write a title and a summary of the whole, in {language}. Then give the numbers of the chapters that only "
            "go on with the one before them, because the recording was cut there.",
        ]
    )


def _applied(result: Chapters, _parts: Sequence[Part[Any]], overview: Overview) -> Chapters:
    whole: list[Chapter] = []
    for number, chapter in enumerate(result.chapters, 1):
        if whole and number in overview.continued:
            before = whole[-1]
            summary = " ".join(filter(None, (before.summary, chapter.summary)))
            whole[-1] = before.model_copy(update={"end": max(before.end, chapter.end), "summary": summary})
        else:
            whole.append(chapter)
    return Chapters(title=overview.title, summary=overview.summary, chapters=whole)
