"""Several recordings: the part of a job that runs over them together."""

from __future__ import annotations

import copy
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Generic, Self, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import get_config_list
from pydantic import BaseModel

from ._batch import Batch, concurrency
from ._completion import completed
from ._reporting import OnProgress, Overall, overall
from ._tasks.task import Task

StrPath = str | os.PathLike[str]
ResultT = TypeVar("ResultT", bound=BaseModel)


class Several(Runnable[StrPath, ResultT], Generic[ResultT]):
    """A runnable over recordings whose batches share the calls in flight, and one bar."""

    task: Task[Any, ResultT]
    _progress: OnProgress | Overall | bool
    _batch: Batch | None

    def batch(
        self, inputs: list[StrPath], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> list[ResultT]:
        """Return the results for several recordings; `max_concurrency` bounds the calls of all of them together.

        Ctrl-C does what it does for one recording. With `progress=True` one bar counts the recordings, each as far as
        its windows are answered.
        """
        calls = dict(self._calls(inputs, config, return_exceptions, kwargs))
        return [_outcome(calls[index], return_exceptions) for index in sorted(calls)]

    def batch_as_completed(
        self, inputs: Sequence[StrPath], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> Iterator[Any]:
        """Yield the results for several recordings as they come, each with its place; see `batch`."""
        for index, call in self._calls(inputs, config, return_exceptions, kwargs):
            yield index, _outcome(call, return_exceptions)

    def _calls(
        self, inputs: Sequence[StrPath], config: Any, go_on: bool, kwargs: dict[str, Any]
    ) -> Iterator[tuple[int, Future[ResultT]]]:
        """Yield the finished call for each recording, as they come; after a failure none begins, unless it is to."""
        configs = get_config_list(config, len(inputs))
        failed = False

        def going() -> Iterator[tuple[StrPath, RunnableConfig]]:
            for each in zip(inputs, configs, strict=True):
                if failed and not go_on:
                    return
                yield each

        with self._together(configs) as (shared, batch):
            at_a_time = concurrency(configs[0]) if configs else 1
            for index, call in completed(lambda each: shared.invoke(*each, **kwargs), going(), at_a_time, batch.stop):
                failed = failed or call.exception() is not None
                yield index, call

    async def abatch(
        self, inputs: list[StrPath], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> list[ResultT]:
        """Async version of `batch`."""
        with self._together(get_config_list(config, len(inputs))) as (shared, _):
            return await Runnable.abatch(shared, inputs, config, return_exceptions=return_exceptions, **kwargs)

    async def abatch_as_completed(
        self, inputs: Sequence[StrPath], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> AsyncIterator[Any]:
        """Async version of `batch_as_completed`."""
        with self._together(get_config_list(config, len(inputs))) as (shared, _):
            several: Any = Runnable.abatch_as_completed  # its overloads know True and False, and not either
            async for each in several(shared, inputs, config, return_exceptions=return_exceptions, **kwargs):
                yield each

    def joining(self, batch: Batch) -> Self:
        """Return a job like this one, whose runs share their calls in flight with those of a batch."""
        joined = copy.copy(self)
        joined._batch = batch
        return joined

    @contextmanager
    def _together(self, configs: Sequence[RunnableConfig]) -> Iterator[tuple[Self, Batch]]:
        """Yield the job that runs over each of the recordings, and what its runs share."""
        batch = Batch(concurrency(configs[0]) if configs else 1)
        shared = self.joining(batch)
        with overall(self._progress, self.task.name, len(configs)) as shared._progress:
            yield shared, batch


def _outcome(call: Future[ResultT], return_exceptions: bool) -> Any:
    error = call.exception()
    return error if return_exceptions and isinstance(error, Exception) else call.result()
