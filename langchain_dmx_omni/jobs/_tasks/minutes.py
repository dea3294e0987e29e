"""Meeting minutes: who spoke, what was said, decided, and is to be done. Pure.

Windows are heard one by one and several at a time, so one window can't know what another one calls a voice. Names that
are said are the same everywhere; for the others, a closing question says which "Speaker 1" is which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, Field

from .likeness import alike
from .merging import merge
from .result import Result
from .task import Closing, Part, Task
from .timeline import Span


class Speaker(BaseModel):
    """Someone who speaks."""

    name: str = Field(description="The name, if it is said or shown; else Speaker 1, Speaker 2 and so on")
    description: str = Field(description="What tells this voice from others: its sound, the role, the looks")


class Decision(Span):
    """Something that was decided."""

    text: str = Field(description="What was decided, in one sentence")


class Action(Span):
    """Something that is to be done."""

    text: str = Field(description="What is to be done, in one sentence")
    owner: str | None = Field(None, description="Name of the speaker who does it; null if nobody is named")
    due: str | None = Field(None, description="Until when, as it was said; null if it was not")


class Minutes(Result):
    """The minutes of a meeting. Times say when something was spoken of."""

    summary: str = Field(description="What was talked about, in three to five sentences")
    speakers: list[Speaker] = Field(description="Everyone who speaks, in the order of their first words")
    decisions: list[Decision] = Field(description="What was decided, in order")
    actions: list[Action] = Field(description="What is to be done, in order")


class Person(BaseModel):
    """A person, and the entries of the list that are this person."""

    name: str = Field(description="The name, if any entry has one; else Speaker 1, Speaker 2 and so on")
    description: str = Field(description="What tells this person from others")
    entries: list[int] = Field(description="Numbers of the entries that are this person")


class People(BaseModel):
    """What no single window can tell of a meeting."""

    summary: str = Field(description="What the whole meeting was about, in three to five sentences")
    people: list[Person] = Field(description="Everyone who speaks")


def minutes(*, language: str = "English", closing: bool = True) -> Task[Minutes, Minutes]:
    """Return the task that writes the minutes of a meeting.

    Args:
        language: What to write in.
        closing: Whether to ask once more at the end, in text alone, where there are several windows: for a summary of
            the whole, and for who is who among the speakers of different windows. Without it, the summary is put
            together from the windows', and speakers with the same name are taken for one: right for names, but
            "Speaker 1" of one window need not be "Speaker 1" of the next.
    """
    return Task(
        name="minutes",
        instructions=(
            "Write the minutes of this meeting: who speaks, a summary, every decision, and everything that is to be "
            f"done. Write in {language}."
        ),
        schema=Minutes,
        join=_joined,
        closing=Closing(People, partial(_prompt, language), _applied) if closing else None,
    )


def _joined(parts: Sequence[Part[Minutes]]) -> Minutes:
    speakers: dict[str, Speaker] = {}
    for part in parts:
        for speaker in part.answer.speakers:
            speakers.setdefault(_key(speaker.name), speaker)
    return Minutes(
        summary=" ".join(filter(None, (part.answer.summary for part in parts))),
        speakers=list(speakers.values()),
        decisions=merge([(part.window, part.answer.decisions) for part in parts], _same),
        actions=merge([(part.window, part.answer.actions) for part in parts], _same, combine=_combine),
    )


def _same(first: Decision | Action, second: Decision | Action) -> bool:
    return alike(first.text, second.text)


def _combine(first: Action, second: Action) -> Action:
    """Return one action for the two; what only one window has heard of it stays."""
    kept = second if second.end - second.start > first.end - first.start else first
    return kept.model_copy(
        update={
            "start": min(first.start, second.start),
            "end": max(first.end, second.end),
            "owner": kept.owner or first.owner or second.owner,
            "due": kept.due or first.due or second.due,
        }
    )


def _key(name: str) -> str:
    return " ".join(name.casefold().split())


def _entries(parts: Sequence[Part[Minutes]]) -> list[tuple[int, Speaker]]:
    """Return every speaker of every window, with the window's number."""
    return [(part.window.index, speaker) for part in parts for speaker in part.answer.speakers]


def _prompt(language: str, _: Minutes, parts: Sequence[Part[Minutes]]) -> str | None:
    if len(parts) < 2:
        return None
    listed = [
        f"{number}. Part {index + 1}, {speaker.name}: {speaker.description}"
        for number, (index, speaker) in enumerate(_entries(parts), 1)
    ]
    summaries = [f"Part {part.window.index + 1}: {part.answer.summary}" for part in parts]
    return "\n".join(
        [
            "A meeting was heard in parts. This is what each part was about:",
            *summaries,
            "These are the speakers of the parts; the same person may have several entries:",
            *(listed or ["(none)"]),
            f"Write a summary of the whole meeting, in {language}, and say who is who. Entries are counted from 1.",
        ]
    )


def _applied(result: Minutes, parts: Sequence[Part[Any]], people: People) -> Minutes:
    """Give every speaker the name of the whole meeting, in each window, and join once more."""
    entries = _entries(parts)
    named: dict[tuple[int, str], Person] = {}
    for person in people.people:
        for number in person.entries:
            if 1 <= number <= len(entries):
                index, speaker = entries[number - 1]
                named.setdefault((index, _key(speaker.name)), person)
    renamed = [
        _renamed(part, {name: person for (at, name), person in named.items() if at == part.window.index})
        for part in parts
    ]
    return _joined(renamed).model_copy(update={"summary": people.summary or result.summary})


def _renamed(part: Part[Minutes], people: Mapping[str, Person]) -> Part[Minutes]:
    """Return a window's minutes with other names; who is not among them keeps the name."""
    speakers = []
    for speaker in part.answer.speakers:
        known = people.get(_key(speaker.name))
        speakers.append(speaker if known is None else Speaker(name=known.name, description=known.description))
    actions = []
    for action in part.answer.actions:
        known = people.get(_key(action.owner or ""))
        actions.append(action if known is None else action.model_copy(update={"owner": known.name}))
    return part._replace(answer=part.answer.model_copy(update={"speakers": speakers, "actions": actions}))
