"""The state of the graph that answers questions: ids, times and texts, so that a checkpoint of it is small.

The one module that imports LangGraph when it is imported: a state's channels are part of its type.
"""

from __future__ import annotations

from typing import Annotated, NotRequired

from langchain_core.messages import AIMessage, AnyMessage
from langgraph.channels import UntrackedValue
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict

__all__ = ["CitationState", "LibraryState", "LookState", "MomentState"]


class MomentState(TypedDict):
    """A moment that was retrieved. Seconds of its recording."""

    id: str
    start: float
    end: float


class LookState(MomentState):
    """What came of looking at a moment; see `SecondLook`."""

    present: bool | None
    seen: str
    problem: str


class CitationState(TypedDict):
    """A `Citation`, field by field."""

    source: str
    start: float
    end: float
    quote: str
    title: str
    number: int
    moment_id: str


class LibraryState(TypedDict):
    """What goes from node to node. Give `question`, or `messages` whose last one asks."""

    question: NotRequired[str]
    messages: NotRequired[Annotated[list[AnyMessage], add_messages]]
    """Questions and checked answers, in text."""
    queries: NotRequired[list[str]]
    moments: NotRequired[list[MomentState]]
    looks: NotRequired[list[LookState]]
    answer: NotRequired[str]
    citations: NotRequired[list[CitationState]]
    spoken: NotRequired[Annotated[AIMessage | None, UntrackedValue]]
    """The answer as it was spoken, with its sound. It is in the result, and in no checkpoint."""
