"""What carries recordings through: threads of this process, or its event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING

from langchain_dmx_omni.jobs import Captions, Job
from langchain_dmx_omni.jobs._batch import Batch
from langchain_dmx_omni.jobs._completion import completed

from ._adding import Adding
from ._indexing import Indexed, Prepared, Recipe
from ._listing import Listed

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


class Asking:
    """The jobs that ask about recordings; they share the calls in flight.

    Args:
        recipe: What they ask.
        config: LangChain's, with `max_concurrency`: recordings at a time, and calls in flight.
    """

    def __init__(self, recipe: Recipe, config: RunnableConfig) -> None:
        self._recipe = recipe
        self._config = config
        self._batch = Batch(at_a_time(config))
        transcripts = (True, False) if recipe.captions == "model" else ()
        self._jobs = {transcript: recipe.job(transcript=transcript).joining(self._batch) for transcript in transcripts}

    def index(self, listed: Listed) -> Indexed:
        """Return the moments of a recording, asking for what is not kept.

        Raises:
            DMXOmniError: It can't be read, or nothing could be answered.
        """
        with listed.local() as path:
            prepared = self._recipe.prepare(listed, path)
            job = self._job(prepared)
            captions = None if job is None else job.invoke(path, self._config)
            return self._recipe.indexed(prepared, captions)

    async def aindex(self, listed: Listed) -> Indexed:
        """Async version of `index`."""
        local = listed.local()
        path = await asyncio.to_thread(local.__enter__)
        try:
            prepared = await asyncio.to_thread(self._recipe.prepare, listed, path)
            job = self._job(prepared)
            captions = None if job is None else await job.ainvoke(path, self._config)
            return await asyncio.to_thread(self._recipe.indexed, prepared, captions)
        finally:
            await asyncio.to_thread(local.__exit__, None, None, None)

    def stop(self, error: BaseException) -> None:
        """Ask about no further window; calls in flight are kept."""
        self._batch.stop(error)

    def _job(self, prepared: Prepared) -> Job[Captions] | None:
        return self._jobs.get(prepared.lines is None)


def add_in_threads(adding: Adding, recipe: Recipe, config: RunnableConfig) -> None:
    """Index what is to be done, several recordings at a time, each on a thread; this thread writes."""
    asking = Asking(recipe, config)
    for index, call in completed(asking.index, _while_it_goes_on(adding), at_a_time(config), asking.stop):
        _take(adding, adding.todo[index], call)


async def add_on_the_loop(adding: Adding, recipe: Recipe, config: RunnableConfig) -> None:
    """Async version of `add_in_threads`."""
    asking = Asking(recipe, config)
    places = asyncio.Semaphore(at_a_time(config))
    writing = asyncio.Lock()

    async def index(listed: Listed) -> None:
        call: Future[Indexed] = Future()
        async with places:
            if adding.stopped is not None:
                return
            try:
                call.set_result(await asking.aindex(listed))
            except Exception as error:  # noqa: BLE001  # it is in the report
                call.set_exception(error)
        async with writing:
            await asyncio.to_thread(_take, adding, listed, call)

    async with asyncio.TaskGroup() as tasks:
        for listed in adding.todo:
            tasks.create_task(index(listed))


def _while_it_goes_on(adding: Adding) -> Iterator[Listed]:
    for listed in adding.todo:
        if adding.stopped is not None:
            return
        yield listed


def _take(adding: Adding, listed: Listed, call: Future[Indexed]) -> None:
    try:
        indexed = call.result()
    except Exception as error:  # noqa: BLE001  # it is in the report
        adding.fail(listed, error)
    else:
        adding.keep(indexed)


def at_a_time(config: RunnableConfig) -> int:
    """Return how many recordings are under way at once, and calls in flight."""
    return max(config.get("max_concurrency") or 1, 1)
