"""`Job`: a task over a long recording, window by window, as a LangChain runnable.

Windows are encoded one at a time, the next one while answers are awaited; what is answered is kept at once. Threads
and the event loop drive the same `Run`; they differ in how they wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import ContextThreadPoolExecutor, merge_configs
from pydantic import BaseModel

from langchain_dmx_omni.video import cache_dir

from ._ask import Method, aask, ask, structured
from ._recording import Recording, WindowOptions
from ._reporting import OnProgress, reporting
from ._run import Run
from ._tasks.task import Task
from ._tasks.timeline import Window

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import HumanMessage

    from langchain_dmx_omni.video import By

StrPath = str | os.PathLike[str]
ResultT = TypeVar("ResultT", bound=BaseModel)

CONCURRENCY = 4
"""Windows that are asked about at a time where the config's `max_concurrency` says nothing."""

OVERLAP = 2.0
"""Seconds that windows share by default."""


class Job(Runnable[StrPath, ResultT], Generic[ResultT]):
    """A task over long video or audio, answered window by window and joined.

    It is a LangChain runnable: its input is a path, its output the task's result.

    ```python
    from langchain_dmx_omni import ChatDMXOmni, jobs

    job = jobs.Job(ChatDMXOmni(), jobs.minutes(), progress=True)
    print(job.invoke("meeting.mp4", {"max_concurrency": 4}).summary)
    ```

    Each answer is kept as a small file as soon as it is there. A run that was interrupted, in whatever way, goes on
    where it was: run it again, and only the missing windows are encoded and asked about.

    The config's `max_concurrency` bounds the calls in flight, 4 by default; in `batch`, those of all recordings
    together. Its callbacks, tags and metadata reach every call.

    Args:
        llm: The model that is asked: `ChatDMXOmni`, or another one that can watch or hear and has structured output.
        task: What is asked; see `chapters`, `minutes`, `subtitles`, `moderation`, or make a `Task` of your own.
        window: Seconds of a window; by default 300 for video and 1,200 for sound. Shorter ones give finer times.
        overlap: Seconds that a window shares with the one before it, so that what is said over an edge is heard whole
            by one of them; what two of them tell is there once. By default 2, and none where windows end in pauses or
            at cuts.
        by: Where windows end: `"time"`, `"keyframes"`, or in a pause or at a cut (`"silence"`, `"scenes"`); see
            `langchain_dmx_omni.video.windows`. By default keyframes for a recording of which nine tenths or more can be
            sent without encoding, which is said in the log (level INFO), and time for others, or where `fps` is given.
        fps: Frames a second of what is sent; see `langchain_dmx_omni.video.split`.
        folder: Where answers are kept; by default in the user's cache folder. What is kept is found again only for
            the same bytes of the recording, task, model and windows.
        progress: True for a bar on standard error, or a function that is given a `Progress`, from any thread.
        method: How answers are structured, as in `with_structured_output`. By default the service's model is told the
            schema in words, which works whether or not a service passes formats and tools on.
    """

    def __init__(
        self,
        llm: BaseChatModel,
        task: Task[Any, ResultT],
        *,
        window: float | None = None,
        overlap: float | None = None,
        by: By | None = None,
        fps: float | None = None,
        folder: StrPath | None = None,
        progress: OnProgress | bool = False,
        method: Method = "json_schema",
    ) -> None:
        self.name = task.name
        self.task = task
        edges = OVERLAP if by in (None, "time", "keyframes") else 0.0
        self._options = WindowOptions(window, edges if overlap is None else overlap, by, fps)
        self._root = cache_dir() / "jobs" if folder is None else Path(folder).expanduser()
        self._progress = progress
        self._identity = {"model": _identity(llm), "method": method}
        self._model = structured(llm, task.schema, method)
        self._closing_model = None if task.closing is None else structured(llm, task.closing.schema, method)
        self._slots: threading.Semaphore | None = None
        self._async_slots: asyncio.Semaphore | None = None

    # What there is to do

    def missing(self, path: StrPath) -> list[Window]:
        """Return the windows of a recording that a run would ask about now. Nothing is encoded.

        Raises:
            InvalidInputError: The recording can't be read, or not be cut like this.
        """
        return self._run(path).missing

    def forget(self, path: StrPath) -> None:
        """Delete what is kept for a recording."""
        self._run(path).store.clear()

    # Runnable

    def invoke(self, input: StrPath, config: RunnableConfig | None = None, **kwargs: Any) -> ResultT:
        """Return the result for a recording.

        Raises:
            InvalidInputError: The recording can't be read, or not be cut like this; nothing was sent.
            DMXOmniError: A window could not be answered, with notes that say which one and what is kept; for an
                answer that can't be read, it is an `UnreadableAnswerError`.
        """
        return self._call_with_config(self._invoke, input, config, run_type="chain", **kwargs)

    async def ainvoke(self, input: StrPath, config: RunnableConfig | None = None, **kwargs: Any) -> ResultT:
        """Async version of `invoke`."""
        return await self._acall_with_config(self._ainvoke, input, config, run_type="chain", **kwargs)

    def batch(
        self, inputs: list[StrPath], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> list[ResultT]:
        """Return the results for several recordings; `max_concurrency` bounds the calls of all of them together."""
        return Runnable.batch(self._shared(config), inputs, config, return_exceptions=return_exceptions, **kwargs)

    def batch_as_completed(self, inputs: Sequence[StrPath], config: Any = None, **kwargs: Any) -> Iterator[Any]:
        """Yield the results for several recordings as they come, each with its place."""
        return Runnable.batch_as_completed(self._shared(config), inputs, config, **kwargs)

    async def abatch(
        self, inputs: list[StrPath], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> list[ResultT]:
        """Async version of `batch`."""
        shared = self._shared(config)
        return await Runnable.abatch(shared, inputs, config, return_exceptions=return_exceptions, **kwargs)

    # The two ways to wait

    def _invoke(self, path: StrPath, run_manager: CallbackManagerForChainRun, config: RunnableConfig) -> ResultT:
        run, limit = self._run(path), _concurrency(config)
        slots = self._slots or threading.Semaphore(limit)
        pool = ContextThreadPoolExecutor(limit)
        with reporting(self._progress, run.progress) as report, contextlib.closing(run.questions()) as questions:
            run.report_to(report)
            try:
                for window, question in questions:
                    slots.acquire()
                    if run.failure is not None:
                        slots.release()
                        break
                    pool.submit(self._answer, run, window, question, config, slots)
                pool.shutdown()
            except BaseException:
                pool.shutdown()  # what is in flight is paid for, and kept; a second Ctrl-C does not wait for it
                raise
        run.raise_failure()
        if self._closing_model is not None and (closing := run.closing()) is not None:
            with slots:
                run.keep_closing(ask(self._closing_model, *closing, _closing_config(config, self.task)))
        return run.result()

    def _answer(
        self,
        run: Run[ResultT],
        window: Window,
        question: HumanMessage,
        config: RunnableConfig,
        slots: threading.Semaphore,
    ) -> None:
        try:
            run.keep(window, ask(self._model, question, self.task.schema, _window_config(config, self.task, window)))
        except BaseException as error:
            run.fail(window, error)
            raise
        finally:
            slots.release()

    async def _ainvoke(
        self, path: StrPath, run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
    ) -> ResultT:
        run = await asyncio.to_thread(self._run, path)
        slots = self._async_slots or asyncio.Semaphore(_concurrency(config))
        questions = run.questions()
        calls: list[asyncio.Task[None]] = []
        step: asyncio.Future[tuple[Window, HumanMessage] | None] | None = None
        with reporting(self._progress, run.progress) as report:
            run.report_to(report)
            try:
                while True:
                    step = asyncio.ensure_future(asyncio.to_thread(next, questions, None))
                    item = await asyncio.shield(step)
                    if item is None:
                        break
                    await slots.acquire()
                    if run.failure is not None:
                        slots.release()
                        break
                    calls.append(asyncio.create_task(self._aanswer(run, *item, config, slots)))
            except asyncio.CancelledError:
                for call in calls:
                    call.cancel()  # closes its connection
                raise
            finally:
                await asyncio.gather(*calls, *([] if step is None else [step]), return_exceptions=True)
                await asyncio.to_thread(questions.close)
        run.raise_failure()
        if self._closing_model is not None and (closing := run.closing()) is not None:
            async with slots:
                answer = await aask(self._closing_model, *closing, _closing_config(config, self.task))
            await asyncio.to_thread(run.keep_closing, answer)
        return run.result()

    async def _aanswer(
        self,
        run: Run[ResultT],
        window: Window,
        question: HumanMessage,
        config: RunnableConfig,
        slots: asyncio.Semaphore,
    ) -> None:
        try:
            answer = await aask(self._model, question, self.task.schema, _window_config(config, self.task, window))
            await asyncio.to_thread(run.keep, window, answer)
        except BaseException as error:
            run.fail(window, error)
            raise
        finally:
            slots.release()

    # Parts of it

    def _run(self, path: StrPath) -> Run[ResultT]:
        recording = Recording(Path(path).expanduser(), self._options)
        return Run(self.task, recording, self._root, self._identity)

    def _shared(self, config: Any) -> Self:
        """Return a job whose runs share their slots."""
        limit = _concurrency((next(iter(config), None) if isinstance(config, list) else config) or {})
        shared = copy.copy(self)
        shared._slots, shared._async_slots = threading.Semaphore(limit), asyncio.Semaphore(limit)
        return shared


def _identity(llm: BaseChatModel) -> dict[str, str]:
    """Return what tells models apart as far as their answers go, and no more: a longer timeout is the same model."""
    params = llm._get_ls_params()
    known = {name: params.get(f"ls_{name}") for name in ("provider", "model_name", "temperature")}
    known["base_url"] = getattr(llm, "base_url", None) or getattr(llm, "openai_api_base", None)
    return {name: str(value) for name, value in known.items() if value is not None}


def _concurrency(config: Any) -> int:
    return max(config.get("max_concurrency") or CONCURRENCY, 1)


def _closing_config(config: RunnableConfig, task: Task[Any, Any]) -> RunnableConfig:
    return merge_configs(config, {"run_name": f"{task.name} closing"})


def _window_config(config: RunnableConfig, task: Task[Any, Any], window: Window) -> RunnableConfig:
    """Return the config of a window's calls, by which traces say which one it is."""
    metadata = {"window": window.index, "window_start": window.start, "window_end": window.end}
    return merge_configs(config, {"run_name": f"{task.name} {window.index + 1}", "metadata": metadata})
