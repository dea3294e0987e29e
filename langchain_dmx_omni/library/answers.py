"""`Answer`: what a library answers, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages.ai import UsageMetadata, add_usage

from langchain_dmx_omni.speech import Speech

from ._citations import Citation
from ._evidence import evidence, name_of
from .moments import Moment

if TYPE_CHECKING:
    from PIL.Image import Image

    from ._searcher import Searcher
    from ._state import LibraryState

__all__ = ["Answer", "answer_from_state"]


@dataclass(frozen=True, repr=False)
class Answer:
    """An answer from a library.

    Attributes:
        text: The answer; `[2]` in it points to the citation whose `number` is 2.
        citations: Where it can be checked, in the order in which the text mentions them. None means that the library
            does not show it, and the text says so.
        moments: What it could rest on, best first: what was retrieved, without what a second look has ruled out. Their
            texts are what is seen or said there.
        speech: The spoken answer, or None.
        usage: Tokens of all calls that were made for it, or None if the model did not say.
        notes: What could not be looked at, and why.
    """

    text: str
    citations: list[Citation]
    moments: list[Moment]
    speech: Speech | None = None
    usage: UsageMetadata | None = None
    notes: list[str] = field(default_factory=list)

    def contact_sheet(self, *, columns: int | None = None) -> Image:
        """Return a picture of what the answer cites, or of all moments where it cites nothing; see `contact_sheet`."""
        from ._sheet import contact_sheet  # noqa: PLC0415  # an extra

        numbers = {citation.moment_id: citation.number for citation in self.citations}
        shown = [each for each in self.moments if each.id in numbers] or self.moments
        labels = [f"[{numbers[each.id]}]" for each in shown if each.id in numbers]
        return contact_sheet(shown, columns=columns, labels=labels)

    def __repr__(self) -> str:
        speech = f", speech={self.speech}" if self.speech is not None else ""
        return f"Answer({self.text!r}, {len(self.citations)} of {len(self.moments)} moments cited{speech})"

    def __str__(self) -> str:
        return "\n".join([self.text, *map(str, self.citations)])


def answer_from_state(state: Mapping[str, Any], searcher: Searcher, usages: Iterable[UsageMetadata] = ()) -> Answer:
    """Return the answer that the state of the graph holds after a run.

    Args:
        state: What `invoke` has returned.
        searcher: The library.
        usages: Of the calls that were made.
    """
    ids = [each["id"] for each in state["moments"]]
    known = {moment.id: moment for moment in searcher.moments(ids)}
    rested_on = evidence(cast("LibraryState", state), known)
    moments = [replace(known[each.moment_id], start=each.start, end=each.end, text=each.quote) for each in rested_on]
    spoken = state.get("spoken")
    return Answer(
        text=state["answer"],
        citations=[Citation(**each) for each in state["citations"]],
        moments=moments,
        speech=Speech.from_message(spoken) if spoken is not None else None,
        usage=reduce(add_usage, usages, None),
        notes=[
            f"{name_of(known[look['id']])}: it could not be looked at: {look['problem']}"
            for look in state.get("looks") or []
            if look["problem"] and look["id"] in known
        ],
    )
