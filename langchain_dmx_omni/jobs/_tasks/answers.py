"""A free question about a recording of any length: answered window by window, then as a whole. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, Field

from langchain_dmx_omni.errors import ConfigurationError

from .likeness import alike
from .merging import merge
from .result import Result
from .task import Closing, Part, Task
from .timeline import Span


class Evidence(Span):
    """A moment that an answer stands on."""

    what: str = Field(description="What is seen or heard there that answers the question, in one sentence")


class PartAnswer(BaseModel):
    """What one part of the recording says about the question."""

    relevant: bool = Field(description="Whether anything in it helps to answer the question")
    answer: str = Field("", description="What it says about the question; empty if nothing")
    evidence: list[Evidence] = Field([], description="The moments that show it, in order; empty if there are none")


class Answered(Result):
    """An answer, and the moments that it stands on, in order."""

    answer: str
    """Empty where nothing in the recording answers the question."""
    evidence: list[Evidence]


class Conclusion(BaseModel):
    """The answer for the whole."""

    answer: str = Field(description="The answer to the question, in one to five sentences")


def ask(question: str, *, language: str | None = None, closing: bool = True) -> Task[PartAnswer, Answered]:
    """Return the task that answers a question of your own.

    ```python
    answered = jobs.Job(ChatDMXOmni(), jobs.ask("Where does Anna speak?")).invoke("meeting.mp4")
    ```

    Args:
        question: Whatever can be seen or heard.
        language: What to answer in; by default the question's.
        closing: Whether to ask once more at the end, in text alone, where several windows say something: for one
            answer from theirs. Without it, theirs are put together.

    Raises:
        ConfigurationError: The question is empty.
    """
    question = " ".join(question.split())
    if not question:
        raise ConfigurationError("ask(): give a question")
    tongue = language or "the language of the question"
    return Task(
        name="ask",
        instructions=(
            f"Answer this question about the recording: {question}\nIf nothing in it helps to answer, say that it is "
            f"not relevant, and no more. Else give what it says, and the moments that show it. Write in {tongue}."
        ),
        schema=PartAnswer,
        join=_joined,
        closing=Closing(Conclusion, partial(_prompt, question, tongue), _applied) if closing else None,
    )


def _relevant(parts: Sequence[Part[PartAnswer]]) -> list[Part[PartAnswer]]:
    return [part for part in parts if part.answer.relevant and (part.answer.answer or part.answer.evidence)]


def _joined(parts: Sequence[Part[PartAnswer]]) -> Answered:
    relevant = _relevant(parts)
    evidence = merge(
        [(part.window, part.answer.evidence) for part in relevant],
        lambda first, second: alike(first.what, second.what),
        across=True,
    )
    return Answered(
        answer=" ".join(filter(None, (part.answer.answer.strip() for part in relevant))),
        evidence=evidence,
    )


def _prompt(question: str, language: str, result: Answered, parts: Sequence[Part[PartAnswer]]) -> str | None:
    relevant = _relevant(parts)
    if len(relevant) < 2:
        return None
    said = [f"From {part.window.start:.0f} to {part.window.end:.0f} s: {part.answer.answer}" for part in relevant]
    shown = [f"At {each.start:.0f} s: {each.what}" for each in result.evidence]
    return "\n".join(
        [
            f"A recording was asked this, part by part: {question}",
            "Its parts say:",
            *said,
            "What shows it:",
            *(shown or ["(nothing more)"]),
            f"Answer the question from this alone, in {language}. Name times where they help, as minutes and seconds.",
        ]
    )


def _applied(result: Answered, _parts: Sequence[Part[Any]], conclusion: Conclusion) -> Answered:
    return result.model_copy(update={"answer": conclusion.answer or result.answer})
