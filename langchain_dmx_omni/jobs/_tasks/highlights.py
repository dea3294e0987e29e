"""Highlights: the moments worth seeing of a recording, the best first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import Field, field_validator

from .likeness import alike
from .merging import merge
from .result import Result
from .task import Part, Task
from .timeline import Span


class Highlight(Span):
    """A moment worth seeing."""

    title: str = Field(description="A few words")
    reason: str = Field(description="Why it is worth seeing, in one sentence")
    score: float = Field(description="How much it is worth seeing, from 0 to 1, compared with all recordings you know")

    @field_validator("score")
    @classmethod
    def _within_bounds(cls, score: float) -> float:
        """Return a score from 0 to 1; a model may count to 10 or to 100 instead."""
        if not score > 0:  # nor is what is no number
            return 0.0
        return next((score / scale for scale in (1, 10, 100) if score <= scale), 1.0)


class Highlights(Result):
    """The moments worth seeing, the best first."""

    highlights: list[Highlight] = Field(description="The moments worth seeing; empty if there are none")


@dataclass(frozen=True)
class _Join:
    """Joins the windows' highlights, and keeps the best."""

    most: int

    def __call__(self, parts: Sequence[Part[Highlights]]) -> Highlights:
        merged = merge([(part.window, part.answer.highlights) for part in parts], _same, combine=_combine, across=True)
        best = sorted(merged, key=lambda each: (-each.score, each.start))
        return Highlights(highlights=best[: self.most])


def highlights(*, most: int = 10, about: str | None = None, language: str = "English") -> Task[Any, Highlights]:
    """Return the task that looks for the moments worth seeing.

    Windows are judged one by one, so scores of different windows compare only roughly.

    Args:
        most: How many to keep, of all windows together.
        about: What makes a moment worth seeing, such as `"goals and near misses"`; None leaves it to the model.
        language: What to write in.
    """
    wanted = f" What counts is this: {about}." if about else ""
    return Task(
        name="highlights",
        instructions=(
            f"Find the moments of this recording that are most worth seeing, {most} at the most, each of some seconds "
            f"up to a minute, and grade each.{wanted} Write in {language}."
        ),
        schema=Highlights,
        join=_Join(most),
    )


def _same(first: Highlight, second: Highlight) -> bool:
    return alike(first.title, second.title)


def _combine(first: Highlight, second: Highlight) -> Highlight:
    """Return one highlight for the two, in the words of the better one."""
    better = max(first, second, key=lambda each: each.score)
    return better.model_copy(update={"start": min(first.start, second.start), "end": max(first.end, second.end)})
