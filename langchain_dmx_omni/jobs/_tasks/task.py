"""What a job asks and how it joins the answers: a few fields, which you can fill for a job of your own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from .digest import digest
from .timeline import Window

AnswerT = TypeVar("AnswerT", bound=BaseModel)
ResultT = TypeVar("ResultT", bound=BaseModel)
ClosingT = TypeVar("ClosingT", bound=BaseModel)


class Part(NamedTuple, Generic[AnswerT]):
    """A window and what the model has said of it; the times of every `Span` are seconds of the recording."""

    window: Window
    answer: AnswerT


@dataclass(frozen=True)
class Closing(Generic[ResultT, ClosingT]):
    """One more question, in text alone, once all windows are joined: for what no single window can tell.

    Attributes:
        schema: What the answer holds.
        prompt: Asks it about the joined result; None where nothing is to be asked, such as after a single window.
        apply: Puts the answer into the result.
    """

    schema: type[ClosingT]
    prompt: Callable[[ResultT, Sequence[Part[Any]]], str | None]
    apply: Callable[[ResultT, Sequence[Part[Any]], ClosingT], ResultT]


@dataclass(frozen=True)
class Task(Generic[AnswerT, ResultT]):
    """What is asked of each window, and how the answers become one result.

    Attributes:
        name: A short name, for progress, traces and the names of folders.
        instructions: The question, in words. How long the window is and how to tell times is added to it.
        schema: What the answer for one window holds. What has times derives from `Span`.
        join: Makes the result of all windows, in order; see `merge` for what overlapping windows saw twice.
        closing: One more question at the end, or None.
        needs_sound: Whether a recording without sound is not to be sent.
    """

    name: str
    instructions: str
    schema: type[AnswerT]
    join: Callable[[Sequence[Part[AnswerT]]], ResultT]
    closing: Closing[ResultT, Any] | None = None
    needs_sound: bool = False

    @property
    def version(self) -> str:
        """A short name for what is asked: another one where the instructions or the schema differ."""
        return digest(json.dumps([self.name, self.instructions, self.schema.model_json_schema()], sort_keys=True))

    def prompt(self, window: Window, count: int) -> str:
        """Return what the model is asked about a window, one of `count`."""
        what, it = f"part {window.index + 1} of {count} of a longer recording", "this part"
        if count == 1:
            what, it = "the whole recording", "it"
        length = f"{window.end - window.start:.1f}"
        return (
            f"{self.instructions}\n\n"
            f"This is {what} and lasts {length} seconds. Give every time in seconds since the beginning of {it}, as a "
            f"number from 0 to {length}. Say only what is seen or heard; where there is nothing, a list is empty."
        )
