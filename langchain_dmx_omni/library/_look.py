"""The second look: the model is shown the clip of a moment with the question in hand.

What was indexed of a window was written without knowing the question, and its times are the window's. The second look
says whether the answer is there at all, and from when to when.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, cast

from langchain_core.exceptions import ModelError, OutputParserException
from langchain_core.messages import HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from langchain_core.runnables.config import merge_configs
from pydantic import Field, ValidationError

from langchain_dmx_omni import video
from langchain_dmx_omni.errors import DMXOmniError
from langchain_dmx_omni.jobs import Span, Window
from langchain_dmx_omni.jobs._patience import HOPELESS
from langchain_dmx_omni.jobs._tasks.timeline import place

from ._clip import Extent, extent, segment
from .moments import Moment

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["Look", "Looker", "SecondLook"]

_MARGIN = 2.0
"""Seconds that are shown before and after a moment: what was cut by time may begin a little earlier."""
_SHORTEST = 1.0
"""Seconds of a span; a model that names an instant means what happens around it."""
_AT_A_TIME = 4
"""Clips that are looked at together, unless the config's `max_concurrency` says otherwise."""


class Look(Span):
    """What a clip shows of what is asked. Times are those of the clip; they mean nothing where it is not there."""

    present: bool = Field(description="Whether the clip shows or says it. False if it does not, or if it is uncertain")
    seen: str = Field("", description="What is seen or said there that answers the question; speech word for word")


@dataclass(frozen=True)
class SecondLook:
    """What came of looking at a moment.

    Attributes:
        moment: The moment; where the answer is present, with its span.
        present: Whether it is there; None if the moment could not be looked at.
        seen: What is seen or said there, or `""`.
        problem: Why it could not be looked at, or `""`.
    """

    moment: Moment
    present: bool | None
    seen: str = ""
    problem: str = ""


class _Question(NamedTuple):
    """What the model is shown and asked."""

    message: HumanMessage
    span: Extent


class Looker:
    """Looks at moments again.

    Args:
        llm: A model that takes video.
        margin: Seconds that are shown before and after a moment.
        tags: Of the model's calls.
    """

    def __init__(self, llm: BaseChatModel, *, margin: float = _MARGIN, tags: Sequence[str] = ()) -> None:
        self._model = cast("Runnable[object, Look]", llm.with_structured_output(Look, method="json_schema"))
        self._margin = margin
        self._config: RunnableConfig = {"tags": [*tags], "run_name": "look"}

    def look(self, question: str, moment: Moment, config: RunnableConfig | None = None) -> SecondLook:
        """Return what a moment shows of a question.

        Raises:
            DMXOmniError: The model can't be asked at all: its key, its name or its rights are wrong, or the clip can't
                be written.
        """
        try:
            asked = self._question(question, moment)
            return _seen(moment, asked.span, self._model.invoke([asked.message], merge_configs(config, self._config)))
        except HOPELESS:
            raise
        except (ModelError, OutputParserException, ValidationError) as error:
            return _unseen(moment, error)

    async def alook(self, question: str, moment: Moment, config: RunnableConfig | None = None) -> SecondLook:
        """Async version of `look`."""
        try:
            asked = await asyncio.to_thread(self._question, question, moment)
            look = await self._model.ainvoke([asked.message], merge_configs(config, self._config))
            return _seen(moment, asked.span, look)
        except HOPELESS:
            raise
        except (ModelError, OutputParserException, ValidationError) as error:
            return _unseen(moment, error)

    def look_at_all(
        self, question: str, moments: Sequence[Moment], config: RunnableConfig | None = None
    ) -> list[SecondLook]:
        """Return what each moment shows of a question, in their order; several are looked at together."""
        return self._each(question).batch([*moments], _bounded(config))

    async def alook_at_all(
        self, question: str, moments: Sequence[Moment], config: RunnableConfig | None = None
    ) -> list[SecondLook]:
        """Async version of `look_at_all`."""
        return await self._each(question).abatch([*moments], _bounded(config))

    def _each(self, question: str) -> Runnable[Moment, SecondLook]:
        def look(moment: Moment, config: RunnableConfig) -> SecondLook:
            return self.look(question, moment, config)

        async def alook(moment: Moment, config: RunnableConfig) -> SecondLook:
            return await self.alook(question, moment, config)

        return RunnableLambda(look, alook, name="look at a moment")

    def _question(self, question: str, moment: Moment) -> _Question:
        """Cut the clip of a moment, and return the question about it.

        Raises:
            DMXOmniError: The recording is gone or broken, or the moment is too long to be sent.
        """
        info = video.probe(moment.source)
        span = extent(info, moment.start, moment.end, margin=self._margin)
        with segment(info, span) as clip:
            block = clip.block()
        text = (
            f"Question: {question}\n\n"
            f"Does this clip show or say what answers the question? It lasts {span.end - span.start:.1f} seconds. "
            "If it does, say from when to when, as closely as you can, in seconds since the beginning of the clip, "
            f"as numbers from 0 to {span.end - span.start:.1f}, and what is seen or said there, in the language of "
            "the question. If it does not, present is false. Say only what is seen or heard."
        )
        return _Question(HumanMessage([block, {"type": "text", "text": text}]), span)


def _bounded(config: RunnableConfig | None) -> RunnableConfig:
    return merge_configs({"max_concurrency": _AT_A_TIME}, config)


def _seen(moment: Moment, span: Extent, look: Look) -> SecondLook:
    """Return what a model says of a clip, in seconds of the recording."""
    if not look.present:
        return SecondLook(moment, False, look.seen.strip())
    if math.isfinite(look.start) or math.isfinite(look.end):
        placed = place(look, Window(0, span.start, span.end), moment.source)
        start, end = placed.start, placed.end
    else:
        start, end = max(moment.start, span.start), min(moment.end, span.end)
    if end - start < _SHORTEST:
        start, end = max(span.start, start - _SHORTEST / 2), min(span.end, end + _SHORTEST / 2)
    return SecondLook(replace(moment, start=start, end=end), True, look.seen.strip())


def _unseen(moment: Moment, error: Exception) -> SecondLook:
    # Of a long message the first line says what it is about; LangChain adds where to read on.
    said = str(error).partition("\n")[0] or type(error).__name__
    return SecondLook(
        moment, None, problem=said if isinstance(error, DMXOmniError) else f"{type(error).__name__}: {said}"
    )
