"""What is asked of the model on the way to an answer, and what it is given as evidence. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from langchain_core.messages import BaseMessage, HumanMessage
from pydantic import BaseModel, Field

from langchain_dmx_omni import media
from langchain_dmx_omni.errors import ConfigurationError

from ._citations import Citation
from ._fusion import Place, by_recording, drop_overlaps, reciprocal_rank
from ._spelling import time_range
from .moments import Moment

if TYPE_CHECKING:
    from ._state import LibraryState

_MOST_QUERIES: Final = 4
"""Searches for one question, the question itself among them."""
_REMEMBERED: Final = 6
"""Messages before the question that are shown to the model, so that it knows what "it" is."""


class Queries(BaseModel):
    """What to search a library of recordings for."""

    queries: list[str] = Field(
        description="One to three short search queries that find the moments which answer the question, each complete "
        "in itself: words that are likely to be said, shown or written there"
    )


def question_of(state: LibraryState) -> str:
    """Return what is asked: the last message's text if it is a person's, else `question`.

    Raises:
        ConfigurationError: Nothing is.
    """
    messages = state.get("messages") or []
    asked = messages[-1].text if messages and messages[-1].type == "human" else state.get("question") or ""
    if not asked.strip():
        raise ConfigurationError('there is no question; give {"question": "…"}, or messages whose last one asks')
    return asked.strip()


def history(state: LibraryState) -> list[BaseMessage]:
    """Return what was said before the question, in text."""
    messages = [*(state.get("messages") or [])]
    if messages and messages[-1].type == "human":
        del messages[-1]
    return media.strip(messages[-_REMEMBERED:])


def plan_prompt(question: str, before: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return what is asked to plan the search."""
    text = (
        "A library of video and audio recordings is searched for the moments that answer this question:\n\n"
        f"{question}\n\nWrite the search queries for it. Do not answer it."
    )
    return [*before, HumanMessage(text)]


def all_queries(question: str, planned: Iterable[str]) -> list[str]:
    """Return what to search for: the question itself, and what was planned besides."""
    queries = dict.fromkeys(query.strip() for query in [question, *planned])
    return [query for query in queries if query][:_MOST_QUERIES]


def fused(rankings: Sequence[Sequence[Moment]], k: int) -> list[Moment]:
    """Return the best moments of several searches by reciprocal rank, recording by recording, the best one's first.

    Of moments that mostly overlap, only the best one is there.
    """
    moments = {moment.id: moment for ranking in reversed(rankings) for moment in ranking}
    scores = dict(reciprocal_rank([[moment.id for moment in ranking] for ranking in rankings]))
    distinct = drop_overlaps((id, _place(moments[id])) for id in scores)
    best = [replace(moments[id], score=scores[id]) for id in islice(distinct, k)]
    return [moment for group in by_recording(best).values() for moment in group]


def _place(span: Moment | Citation) -> Place:
    return Place(span.source, span.start, span.end)


def evidence(state: LibraryState, moments: Mapping[str, Moment]) -> list[Citation]:
    """Return what an answer may rest on, numbered from 1.

    What was looked at and is there comes first, with the span and the words of the look; what two looks see at one
    place is there once. What was looked at and is not there is left out. What could not be looked at is what was
    retrieved.

    Args:
        state: The state after retrieving, and after looking if that is done.
        moments: The moments of the state by their ids; one that has left the library meanwhile is left out.
    """
    looks = {look["id"]: look for look in state.get("looks") or []}
    present: list[Citation] = []
    others: list[Citation] = []
    for each in state.get("moments") or []:
        moment, look = moments.get(each["id"]), looks.get(each["id"])
        if moment is None or (look and look["present"] is False):
            continue
        seen = look if look and look["present"] else None
        start, end = (seen["start"], seen["end"]) if seen else (each["start"], each["end"])
        quote = (seen["seen"] if seen else "") or moment.text
        citation = Citation(moment.source, start, end, quote, moment.title, moment_id=moment.id)
        (present if seen else others).append(citation)
    distinct = drop_overlaps((each, _place(each)) for each in [*present, *others])
    return [replace(each, number=number) for number, each in enumerate(distinct, 1)]


def answer_prompt(question: str, evidence: Sequence[Citation], before: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return what is asked for an answer with citations."""
    text = (
        "These moments of recordings were found for a question, each with its number:\n\n"
        + "\n".join(" ".join(str(each).split()) for each in evidence)
        + f"\n\nThe question: {question}\n\n"
        "Answer it in its own language, in a few sentences, from these moments alone. Behind every statement put the "
        "number of the moment that shows it in square brackets, such as [1]. Where you name a time, write it as it is "
        "written above. If the moments do not answer the question, say so, without any number."
    )
    return [*before, HumanMessage(text)]


def speech_prompt(words: str) -> list[BaseMessage]:
    """Return what is asked to have a text spoken."""
    return [HumanMessage(f"Say exactly these words, and nothing else:\n\n{words}")]


def name_of(moment: Moment) -> str:
    """Return what a moment is called in notes and lists, such as `talk.mp4, 0:05–0:08`."""
    return f"{moment.title or Path(moment.source).name}, {time_range(moment.start, moment.end)}"
