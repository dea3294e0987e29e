"""The nodes of the graph that answers questions. Each is written twice, for threads and for an event loop.

What the two share is all but the waiting: what is asked, and what is made of the answer, are functions of the state.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

from langchain_core.exceptions import ModelError, OutputParserException
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import merge_configs
from pydantic import ValidationError

from langchain_dmx_omni._warnings import warn_user
from langchain_dmx_omni.chat_models import ChatDMXOmni
from langchain_dmx_omni.errors import ConfigurationError
from langchain_dmx_omni.jobs import alike
from langchain_dmx_omni.jobs._patience import HOPELESS

from . import _evidence
from ._citations import CheckedAnswer, Citation, check, not_shown, speakable
from ._look import Looker, SecondLook
from .moments import Moment

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from ._searcher import Mode, Searcher
    from ._state import LibraryState

SILENT: Final = "nostream"
"""LangGraph's tag for calls whose tokens it leaves out of its streams (`langgraph.constants.TAG_NOSTREAM`)."""


class Search(TypedDict):
    """What holds for every search of a graph; see `Searcher`."""

    source: str | None
    between: tuple[float, float] | None
    mode: Mode


class Planning:
    """Writes the queries: the question, and with a model, others besides.

    Args:
        llm: The model; None searches for the question as it is.
    """

    def __init__(self, llm: BaseChatModel | None) -> None:
        self._model: Runnable[Any, Any] | None = None
        if llm is not None:
            self._model = llm.with_structured_output(_evidence.Queries, method="json_schema")

    def invoke(self, state: LibraryState, config: RunnableConfig) -> LibraryState:
        """Return the question and its queries."""
        question, queries = _evidence.question_of(state), None
        if self._model is not None:
            try:
                queries = self._model.invoke(_prompt(question, state), merge_configs(config, _PLAN))
            except _REFUSED as error:
                _warn_unplanned(error)
        return _planned(question, state, queries)

    async def ainvoke(self, state: LibraryState, config: RunnableConfig) -> LibraryState:
        """Async version of `invoke`."""
        question, queries = _evidence.question_of(state), None
        if self._model is not None:
            try:
                queries = await self._model.ainvoke(_prompt(question, state), merge_configs(config, _PLAN))
            except _REFUSED as error:
                _warn_unplanned(error)
        return _planned(question, state, queries)


_PLAN: RunnableConfig = {"tags": [SILENT], "run_name": "plan"}
_REFUSED = (ModelError, OutputParserException, ValidationError)


def _prompt(question: str, state: LibraryState) -> list[BaseMessage]:
    return _evidence.plan_prompt(question, _evidence.history(state))


def _warn_unplanned(error: Exception) -> None:
    if isinstance(error, HOPELESS):
        raise error
    warn_user(f"the search is not planned, the question is searched for as it is: {error}")


def _planned(question: str, state: LibraryState, queries: _evidence.Queries | None) -> LibraryState:
    messages = state.get("messages") or []
    # LangGraph streams every message object that a node returns; a question is nothing to stream.
    is_new = not messages or messages[-1].type != "human"
    return {
        "question": question,
        "queries": _evidence.all_queries(question, queries.queries if queries else []),
        "messages": [cast("Any", {"role": "user", "content": question})] if is_new else [],
    }


class Retrieving:
    """Searches for every query, and keeps the best moments of all.

    Args:
        searcher: The library.
        k: How many moments.
        search: What holds for every search.
    """

    def __init__(self, searcher: Searcher, k: int, search: Search) -> None:
        self._searcher, self._k, self._search = searcher, k, search

    def invoke(self, state: LibraryState) -> LibraryState:
        """Return the moments."""
        return self._retrieved([self._searcher.search(each, k=self._k, **self._search) for each in state["queries"]])

    async def ainvoke(self, state: LibraryState) -> LibraryState:
        """Async version of `invoke`."""
        searches = [self._searcher.asearch(each, k=self._k, **self._search) for each in state["queries"]]
        return self._retrieved(await asyncio.gather(*searches))

    def _retrieved(self, rankings: Sequence[Sequence[Moment]]) -> LibraryState:
        moments = _evidence.fused(rankings, self._k)
        return {"moments": [{"id": each.id, "start": each.start, "end": each.end} for each in moments], "looks": []}


class Looking:
    """Looks at the moments again.

    Args:
        searcher: The library.
        looker: What looks.
    """

    def __init__(self, searcher: Searcher, looker: Looker) -> None:
        self._searcher, self._looker = searcher, looker

    def invoke(self, state: LibraryState, config: RunnableConfig) -> LibraryState:
        """Return the looks."""
        moments = _in_order(state, self._searcher)
        return _looked(self._looker.look_at_all(state["question"], moments, config))

    async def ainvoke(self, state: LibraryState, config: RunnableConfig) -> LibraryState:
        """Async version of `invoke`."""
        moments = await asyncio.to_thread(_in_order, state, self._searcher)
        return _looked(await self._looker.alook_at_all(state["question"], moments, config))


def moments_of(state: LibraryState, searcher: Searcher) -> dict[str, Moment]:
    """Return the moments of a state by their ids, as the library has them."""
    ids = [each["id"] for each in state.get("moments") or []]
    return {moment.id: moment for moment in searcher.moments(ids)} if ids else {}


def _in_order(state: LibraryState, searcher: Searcher) -> list[Moment]:
    moments = moments_of(state, searcher)
    return [moments[each["id"]] for each in state["moments"] if each["id"] in moments]


def _looked(looks: Sequence[SecondLook]) -> LibraryState:
    return {
        "looks": [
            {
                "id": look.moment.id,
                "start": look.moment.start,
                "end": look.moment.end,
                "present": look.present,
                "seen": look.seen,
                "problem": look.problem,
            }
            for look in looks
        ]
    }


class Answering:
    """Answers from the evidence, in text; without any, it says so and asks nobody.

    Args:
        searcher: The library.
        llm: The model.
    """

    def __init__(self, searcher: Searcher, llm: BaseChatModel) -> None:
        self._searcher = searcher
        # Spoken answers are worded otherwise, and nothing is to be said that is not checked.
        self._model: Runnable[Any, Any] = llm.bind(modalities=["text"]) if isinstance(llm, ChatDMXOmni) else llm

    def invoke(self, state: LibraryState, config: RunnableConfig) -> LibraryState:
        """Return the answer and its citations."""
        evidence = _evidence.evidence(state, moments_of(state, self._searcher))
        raw = self._model.invoke(_answer_prompt(state, evidence), config) if evidence else None
        return _answered(state, evidence, raw)

    async def ainvoke(self, state: LibraryState, config: RunnableConfig) -> LibraryState:
        """Async version of `invoke`."""
        evidence = _evidence.evidence(state, await asyncio.to_thread(moments_of, state, self._searcher))
        raw = await self._model.ainvoke(_answer_prompt(state, evidence), config) if evidence else None
        return _answered(state, evidence, raw)


def _answer_prompt(state: LibraryState, evidence: Sequence[Citation]) -> list[BaseMessage]:
    return _evidence.answer_prompt(state["question"], evidence, _evidence.history(state))


def _answered(state: LibraryState, evidence: Sequence[Citation], raw: AIMessage | None) -> LibraryState:
    checked = check(raw.text, evidence, state["question"]) if raw else CheckedAnswer(not_shown(state["question"]), [])
    # Under the id of what has been streamed it is the same message, and is not streamed again.
    id = raw.id if raw and raw.text == checked.text else None
    return {
        "answer": checked.text,
        "citations": [cast("Any", asdict(citation)) for citation in checked.citations],
        "messages": [AIMessage(checked.text, id=id)],
    }


class Speaking:
    """Speaks the checked answer: what is said can't be taken back.

    Args:
        llm: A model with a voice.
        voice: Its name.

    Raises:
        ConfigurationError: It is no model of ours, and how it is made to speak is not known.
    """

    def __init__(self, llm: BaseChatModel, voice: str) -> None:
        if not isinstance(llm, ChatDMXOmni):
            raise ConfigurationError(
                f"voice={voice!r}: a {type(llm).__name__} does not speak; leave it out, or use ChatDMXOmni"
            )
        self._model = llm.bind(voice=voice, modalities=["text", "audio"])

    def invoke(self, state: LibraryState, config: RunnableConfig) -> LibraryState:
        """Return the spoken answer; None where there is nothing to say."""
        words = _words(state)
        return _spoken(words, self._model.invoke(_evidence.speech_prompt(words), config) if words else None)

    async def ainvoke(self, state: LibraryState, config: RunnableConfig) -> LibraryState:
        """Async version of `invoke`."""
        words = _words(state)
        return _spoken(words, await self._model.ainvoke(_evidence.speech_prompt(words), config) if words else None)


def own_voice(llm: BaseChatModel) -> str | None:
    """Return the voice that a model speaks with by itself, or None."""
    return llm.voice if isinstance(llm, ChatDMXOmni) and llm.modalities != ["text"] else None


def _words(state: LibraryState) -> str:
    citations = [Citation(**each) for each in state["citations"]]
    return speakable(CheckedAnswer(state["answer"], citations))


def _spoken(words: str, message: AIMessage | None) -> LibraryState:
    if message is not None and not alike(words, message.text):
        warn_user(f"the voice says something else than the answer: {message.text!r}; trust the text")
    return {"spoken": message}
