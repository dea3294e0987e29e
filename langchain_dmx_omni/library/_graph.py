"""The graph that answers a question from a library: plan → retrieve → look → answer → speak, where there is a voice."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.runnables.config import merge_configs

from langchain_dmx_omni.errors import ConfigurationError

from ._look import Looker
from ._nodes import SILENT, Answering, Looking, Planning, Retrieving, Speaking, own_voice
from .answers import Answer, answer_from_state

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.types import Checkpointer

    from ._searcher import Mode, Searcher

__all__ = ["aask", "ask", "build_graph"]

_MISSING: Final = 'a graph needs: pip install "langchain-dmx-omni[library]"'


def build_graph(
    searcher: Searcher,
    llm: BaseChatModel,
    *,
    k: int = 5,
    look: bool = True,
    plan: bool = True,
    voice: str | None = None,
    source: str | None = None,
    between: tuple[float, float] | None = None,
    mode: Mode = "hybrid",
    checkpointer: Checkpointer = None,
) -> CompiledStateGraph[Any, Any, Any, Any]:
    """Return the graph that answers questions from a library.

    It takes `{"question": …}`, or `messages` whose last one asks, and gives `answer` with `citations`; with a voice
    also `spoken`, a message with the sound. The tokens of its nodes `answer` and `speak` can be streamed
    (`stream_mode="messages"`). What streams of `answer` is not checked yet: where the checked answer differs, it
    comes as one more message.

    Args:
        searcher: The library.
        llm: The model that plans, looks, answers and speaks.
        k: Moments that are retrieved for a question.
        look: Whether the model is shown the clips of these moments, with the question in hand.
        plan: Whether the model writes search queries; else the question is searched for as it is.
        voice: Who speaks the answer; None for the model's own voice, if it has one.
        source: The one recording to search in.
        between: Seconds of a recording, start and end, to search in.
        mode: How to search, as for `Library.search`.
        checkpointer: As for LangGraph's `compile`. A checkpoint holds ids, times and texts.

    Raises:
        ConfigurationError: `k` is less than 1, or there is a voice for a model that is no `ChatDMXOmni`.
        ImportError: LangGraph is not installed (extra `library`).
    """
    try:
        from langgraph.graph import END, START, StateGraph  # noqa: PLC0415  # an extra

        from ._state import LibraryState  # noqa: PLC0415  # it imports LangGraph
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "langgraph":
            raise
        raise ImportError(_MISSING) from None
    if k < 1:
        raise ConfigurationError(f"k={k!r}: 1 or more")
    nodes: dict[str, Any] = {
        "plan": Planning(llm if plan else None),
        "retrieve": Retrieving(searcher, k, {"source": source, "between": between, "mode": mode}),
    }
    if look:
        nodes["look"] = Looking(searcher, Looker(llm, tags=[SILENT]))
    nodes["answer"] = Answering(searcher, llm)
    if speaker := voice or own_voice(llm):
        nodes["speak"] = Speaking(llm, speaker)
    graph = StateGraph(LibraryState)
    for name, node in nodes.items():
        graph.add_node(name, RunnableLambda(node.invoke, node.ainvoke, name=name))
    for before, after in pairwise([START, *nodes, END]):
        graph.add_edge(before, after)
    return graph.compile(checkpointer=checkpointer, name="library")


def ask(
    graph: CompiledStateGraph[Any, Any, Any, Any],
    searcher: Searcher,
    question: str,
    config: RunnableConfig | None = None,
) -> Answer:
    """Put a question to a graph of `build_graph`, and return the answer."""
    usage = UsageMetadataCallbackHandler()
    state = graph.invoke({"question": question}, merge_configs(config, {"callbacks": [usage]}))
    return answer_from_state(state, searcher, usage.usage_metadata.values())


async def aask(
    graph: CompiledStateGraph[Any, Any, Any, Any],
    searcher: Searcher,
    question: str,
    config: RunnableConfig | None = None,
) -> Answer:
    """Async version of `ask`."""
    usage = UsageMetadataCallbackHandler()
    state = await graph.ainvoke({"question": question}, merge_configs(config, {"callbacks": [usage]}))
    return await asyncio.to_thread(answer_from_state, state, searcher, usage.usage_metadata.values())
