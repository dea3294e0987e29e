"""Tools for anybody's agent: search the library, and look at a moment."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, Field

from langchain_dmx_omni.errors import InvalidInputError
from langchain_dmx_omni.jobs import Seconds

from ._look import Looker, SecondLook
from ._nodes import SILENT
from ._spelling import clock, time_range
from .moments import Moment

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from ._searcher import Mode, Searcher

__all__ = ["tools"]

_STEM_BYTES: Final = 100
"""Of a clip's name, those that are the recording's."""


class SearchArguments(BaseModel):
    """What `search_recordings` is called with."""

    query: str = Field(description="What is seen, said or written at the moment, in a few words")
    source: str | None = Field(None, description="Search in this recording only: its path, as a search has named it")
    start: Seconds | None = Field(None, description="Search from this second of a recording on")
    end: Seconds | None = Field(None, description="Search up to this second of a recording")
    k: int = Field(5, ge=1, le=50, description="How many moments to return")


class LookArguments(BaseModel):
    """What `look_at_moment` is called with."""

    question: str = Field(description="What to look for; the clip is watched with this question in hand")
    moment_id: str | None = Field(None, description="The id of a moment, as a search has given it")
    source: str | None = Field(None, description="Without an id: the path of the recording, as a search has named it")
    start: Seconds | None = Field(None, description="Without an id: the second where the clip begins")
    end: Seconds | None = Field(None, description="Without an id: the second where the clip ends")


def tools(
    searcher: Searcher,
    llm: BaseChatModel,
    *,
    folder: str | os.PathLike[str] | None = None,
    mode: Mode = "hybrid",
) -> list[BaseTool]:
    """Return the tools `search_recordings` and `look_at_moment`, for `create_agent` and the like.

    What is wrong with a call is said to the agent, which may call again. The artifacts are dicts of JSON, which any
    checkpointer takes: a list of moments, of each of which `Moment(**artifact)` makes one, and `{"moment", "path"}`.

    Args:
        searcher: The library.
        llm: The model that looks; it may be another one than the agent's.
        folder: Where clips of what was seen go; without it, to `video.cache_dir()`.
        mode: How to search, as for `Library.search`.
    """
    search, look = _Search(searcher, mode), _Look(searcher, Looker(llm, tags=[SILENT]), folder)
    common: dict[str, Any] = {
        "response_format": "content_and_artifact",
        "handle_tool_error": True,
        "handle_validation_error": True,
    }
    return [
        StructuredTool.from_function(
            search.run,
            search.arun,
            name="search_recordings",
            description="Search a library of video and audio recordings for moments, by words and by meaning. Returns "
            "each with its id, recording and times, and what is seen, said or written there.",
            args_schema=SearchArguments,
            **common,
        ),
        StructuredTool.from_function(
            look.run,
            look.arun,
            name="look_at_moment",
            description="Watch a moment of a recording with a question in hand. Returns whether the answer is there, "
            "from when to when, what is seen and said, and the path of a video clip of it.",
            args_schema=LookArguments,
            **common,
        ),
    ]


@contextmanager
def _told_to_the_agent() -> Iterator[None]:
    """Turn what is wrong with a call into what the agent reads."""
    try:
        yield
    except InvalidInputError as error:
        raise ToolException(str(error)) from error


class _Search:
    def __init__(self, searcher: Searcher, mode: Mode) -> None:
        self._searcher, self._mode = searcher, mode

    def run(
        self,
        query: str,
        source: str | None = None,
        start: float | None = None,
        end: float | None = None,
        k: int = 5,
    ) -> tuple[str, list[dict[str, Any]]]:
        with _told_to_the_agent():
            between = _between(start, end)
            moments = self._searcher.search(query, k=k, source=source, between=between, mode=self._mode)
        return _listed(query, moments)

    async def arun(
        self,
        query: str,
        source: str | None = None,
        start: float | None = None,
        end: float | None = None,
        k: int = 5,
    ) -> tuple[str, list[dict[str, Any]]]:
        with _told_to_the_agent():
            between = _between(start, end)
            moments = await self._searcher.asearch(query, k=k, source=source, between=between, mode=self._mode)
        return _listed(query, moments)


def _between(start: float | None, end: float | None) -> tuple[float, float] | None:
    """Return the seconds to search in.

    Raises:
        ToolException: They are none.
    """
    if start is None and end is None:
        return None
    first, last = start or 0.0, math.inf if end is None else end
    if not 0 <= first < last:  # NaN is neither
        raise ToolException(f"start={start}, end={end}: give two times in seconds, the first before the second")
    return first, last


def _listed(query: str, moments: Sequence[Moment]) -> tuple[str, list[dict[str, Any]]]:
    artifact = [asdict(moment) for moment in moments]
    if not moments:
        return f"No moment was found for {query!r}. Try other words, or without source, start and end.", artifact
    return "\n\n".join(f"{number}. {_described(each)}" for number, each in enumerate(moments, 1)), artifact


def _described(moment: Moment) -> str:
    """Return a moment with all that a further call may need."""
    title = f"{moment.title}, " if moment.title else ""
    times = f"{time_range(moment.start, moment.end)} ({moment.start:.1f} to {moment.end:.1f} s)"
    speaker = f"{moment.speaker}: " if moment.speaker else ""
    return f"{title}{times}\n   id: {moment.id}\n   source: {moment.source}\n   {speaker}{moment.text}"


class _Look:
    def __init__(self, searcher: Searcher, looker: Looker, folder: str | os.PathLike[str] | None) -> None:
        self._searcher, self._looker = searcher, looker
        self._folder = None if folder is None else Path(folder).expanduser().absolute()

    def run(
        self,
        question: str,
        *,
        config: RunnableConfig,
        moment_id: str | None = None,
        source: str | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> tuple[str, dict[str, Any]]:
        moment = self._moment(moment_id, source, start, end)
        return self._reported(self._looker.look(question, moment, config))

    async def arun(
        self,
        question: str,
        *,
        config: RunnableConfig,
        moment_id: str | None = None,
        source: str | None = None,
        start: float | None = None,
        end: float | None = None,
    ) -> tuple[str, dict[str, Any]]:
        moment = await asyncio.to_thread(self._moment, moment_id, source, start, end)
        look = await self._looker.alook(question, moment, config)
        return await asyncio.to_thread(self._reported, look)

    def _moment(self, moment_id: str | None, source: str | None, start: float | None, end: float | None) -> Moment:
        """Return the moment that is meant.

        Raises:
            ToolException: There is none in the library: an agent looks at nothing else on this machine.
        """
        if moment_id:
            moment = next(iter(self._searcher.moments([moment_id])), None)
            if moment is None:
                raise ToolException(f"there is no moment with the id {moment_id!r}; search_recordings gives the ids")
            return moment
        if not source or start is None or end is None:
            raise ToolException("give moment_id, or all of source, start and end")
        if source not in self._searcher:
            raise ToolException(f"{source!r} is not in the library; search_recordings names the sources")
        first, last = _between(start, end) or (start, end)
        return Moment(source, first, last, "")

    def _reported(self, look: SecondLook) -> tuple[str, dict[str, Any]]:
        """Return what the agent reads of a look, and write the clip of what was seen.

        Raises:
            ToolException: It could not be looked at.
        """
        moment = replace(look.moment, text=look.seen or look.moment.text)
        if look.present is None:
            raise ToolException(f"the moment could not be looked at: {look.problem}")
        if not look.present:
            return f"It is not there. {look.seen}".strip(), {"moment": asdict(moment), "path": None}
        with _told_to_the_agent():
            path = moment.clip(self._folder and self._folder / _name_of(moment))
        content = (
            f"It is there, from {clock(moment.start)} to {clock(moment.end)} "
            f"({moment.start:.1f} to {moment.end:.1f} s) of {moment.source}: {look.seen}\nClip: {path}"
        )
        return content, {"moment": asdict(moment), "path": str(path)}


def _name_of(moment: Moment) -> str:
    """Return the name of a clip's file; a short one, whatever the recording is called."""
    source = Path(moment.source)
    stem = os.fsencode(source.stem)[:_STEM_BYTES].decode(errors="ignore")
    return f"{stem}-{moment.start:.1f}-{moment.end:.1f}.mp4"
