"""`Job`: a task over a long recording, window by window, as a LangChain runnable.

Windows are encoded one at a time, the next one while answers are awaited; what is answered is kept at once. Threads
and the event loop drive the same `Run`; they differ in how they wait.
"""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import merge_configs
from pydantic import BaseModel

from langchain_dmx_omni.errors import ConfigurationError

from ._ask import Method, aask, ask, identity, structured
from ._background import Calls, acquire
from ._batch import Batch, concurrency
from ._places import open_place
from ._recording import Recording, WindowOptions, local_path
from ._reporting import OnProgress, reporting
from ._run import OnError, Run
from ._several import Several, StrPath
from ._tasks.result import with_usage
from ._tasks.task import Task
from ._tasks.timeline import Window
from ._used import Used

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.callbacks import AsyncCallbackManagerForChainRun, CallbackManagerForChainRun
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import HumanMessage

    from langchain_dmx_omni.video import By

ResultT = TypeVar("ResultT", bound=BaseModel)

OVERLAP = 2.0
"""Seconds that windows share by default."""

_POLL = 0.5
"""Seconds between two looks at whether another process is done with the same job."""


class Job(Several[ResultT], Runnable[StrPath, ResultT], Generic[ResultT]):
    """A task over long video or audio, answered window by window and joined.

    It is a LangChain runnable: its input is a path, its output the task's result.

    ```python
    from langchain_dmx_omni import ChatDMXOmni, jobs

    job = jobs.Job(ChatDMXOmni(), jobs.minutes(), progress=True)
    print(job.invoke("meeting.mp4", {"max_concurrency": 4}).summary)
    ```

    Each answer is kept as a small file as soon as it is there. A run that was interrupted, in whatever way, goes on
    where it was: run it again, and only the missing windows are encoded and asked about. While another process runs the
    same job, it waits for that one's answers.

    The config's `max_concurrency` bounds the calls in flight, 4 by default; in `batch`, those of all recordings
    together. Its callbacks, tags and metadata reach every call.

    A job pickles, if its model, its task and its `progress` do.

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
        folder: Where answers are kept; by default in the user's cache folder. A path, or the URL of a place that
            `fsspec` knows, such as `s3://bucket/answers`, which several machines may share. What is kept is found again
            only for the same bytes of the recording, task, model and windows.
        folder_options: What it takes to get to such a place, as `fsspec` calls it: keys, an `endpoint_url`, and so on.
        progress: True for a bar on standard error, in a batch one over all recordings; or a function that is given a
            `Progress`, from any thread.
        on_error: What becomes of a window that has no answer for good, such as one that the service's content filter
            refuses. All others are asked about first. With `"raise"` its error is raised; with `"skip"` the result
            is that of the others, and its `missing` says which windows it lacks and why. An error that no window is
            spared, such as a wrong key or a lost connection, is raised with either.
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
        folder_options: Mapping[str, Any] | None = None,
        progress: OnProgress | bool = False,
        on_error: OnError = "raise",
        method: Method = "json_schema",
    ) -> None:
        if on_error not in get_args(OnError):
            raise ConfigurationError(f"on_error={on_error!r}: 'raise' or 'skip'")
        self.name = task.name
        self.task = task
        edges = OVERLAP if by in (None, "time", "keyframes") else 0.0
        self._options = WindowOptions(window, edges if overlap is None else overlap, by, fps)
        self._root = open_place(folder, folder_options)
        self._progress = progress
        self._on_error = on_error
        self._identity = {"model": identity(llm), "method": method}
        self._llm = llm
        self._method = method
        self._bind()

    def _bind(self) -> None:
        """Make what does not pickle."""
        task = self.task
        self._model = structured(self._llm, task.schema, self._method)
        self._closing_model = None if task.closing is None else structured(self._llm, task.closing.schema, self._method)
        self._batch: Batch | None = None

    def __getstate__(self) -> dict[str, Any]:
        bound = {"_model", "_closing_model", "_batch"}
        return {name: value for name, value in self.__dict__.items() if name not in bound}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()

    # What there is to do

    def missing(self, path: StrPath) -> list[Window]:
        """Return the windows of a recording that a run would ask about now. Nothing is encoded.

        Raises:
            InvalidInputError: The recording can't be read, or not be cut like this; or it is no path of a file.
        """
        return self.run(path).missing

    def forget(self, path: StrPath) -> None:
        """Delete what is kept for a recording.

        Raises:
            StorageError: Something can't be deleted.
        """
        self.run(path).store.clear()

    # Runnable

    def invoke(self, input: StrPath, config: RunnableConfig | None = None, **kwargs: Any) -> ResultT:
        """Return the result for a recording; its `usage` says what the calls of this run have used.

        Raises:
            InvalidInputError: The recording can't be read, or not be cut like this, or it is no path of a file; nothing
                was sent.
            StorageError: Answers can't be kept: nothing was sent, or `answers` holds what was paid for.
            DMXOmniError: A window could not be answered, with notes that say which one and what is kept; for an
                answer that can't be read, it is an `UnreadableAnswerError`.

        Warns:
            DMXOmniWarning: Times that the model gave are in no way those of their window.
        """
        return self._call_with_config(self._invoke, input, config, run_type="chain", **kwargs)

    async def ainvoke(self, input: StrPath, config: RunnableConfig | None = None, **kwargs: Any) -> ResultT:
        """Async version of `invoke`."""
        return await self._acall_with_config(self._ainvoke, input, config, run_type="chain", **kwargs)

    # The two ways to wait

    def _invoke(self, path: StrPath, run_manager: CallbackManagerForChainRun, config: RunnableConfig) -> ResultT:
        run, used = self.run(path), Used()
        config = merge_configs(config, {"callbacks": [used]})
        batch = self._batch or Batch(concurrency(config))
        with batch.running(run), reporting(self._progress, run.progress) as report:
            run.report_to(report)
            if run.is_pending():
                try:
                    while not run.begin():
                        run.raise_failure()  # that the batch was interrupted
                        time.sleep(_POLL)
                    self._ask(run, config, batch.slots)
                finally:
                    run.end()
        return with_usage(run.result(), used.tokens)

    def _ask(self, run: Run[ResultT], config: RunnableConfig, slots: threading.Semaphore) -> None:
        # Whoever leaves waits for the calls: they are paid for, and kept.
        with closing(run.questions()) as questions, Calls() as calls:
            for window, question in questions:
                acquire(slots)
                if run.stopped is not None:
                    slots.release()
                    break
                calls.begin(self._answer, run, window, question, config, slots)
        run.raise_failure()
        if self._closing_model is not None and (last := run.closing()) is not None:
            try:
                with slots:
                    run.keep_closing(ask(self._closing_model, *last, _closing_config(config, self.task)))
            except Exception as error:  # noqa: BLE001  # it is raised, unless it may be left out
                run.fail_closing(error)

    def _answer(
        self,
        run: Run[ResultT],
        window: Window,
        question: HumanMessage,
        config: RunnableConfig,
        slots: threading.Semaphore,
    ) -> None:
        try:
            if not run.is_answered(window):
                answer = ask(self._model, question, self.task.schema, _window_config(config, self.task, window))
                run.keep(window, answer)
        except BaseException as error:  # noqa: BLE001  # it is raised when the others are done
            run.fail(window, error)
        finally:
            slots.release()

    async def _ainvoke(
        self, path: StrPath, run_manager: AsyncCallbackManagerForChainRun, config: RunnableConfig
    ) -> ResultT:
        run, used = await asyncio.to_thread(self.run, path), Used()
        config = merge_configs(config, {"callbacks": [used]})
        batch = self._batch or Batch(concurrency(config))
        with batch.running(run), reporting(self._progress, run.progress) as report:
            run.report_to(report)
            if await asyncio.to_thread(run.is_pending):
                try:
                    while not await asyncio.to_thread(run.begin):  # noqa: ASYNC110
                        await asyncio.sleep(_POLL)  # another process can't set an event
                    await self._aask(run, config, batch.async_slots)
                finally:
                    run.end()
        return with_usage(run.result(), used.tokens)

    async def _aask(self, run: Run[ResultT], config: RunnableConfig, slots: asyncio.Semaphore) -> None:
        questions = run.questions()
        calls: list[asyncio.Task[None]] = []
        step: asyncio.Future[tuple[Window, HumanMessage] | None] | None = None
        try:
            while True:
                step = asyncio.ensure_future(asyncio.to_thread(next, questions, None))
                item = await asyncio.shield(step)
                if item is None:
                    break
                await slots.acquire()
                if run.stopped is not None:
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
        if self._closing_model is not None and (last := await asyncio.to_thread(run.closing)) is not None:
            try:
                async with slots:
                    answer = await aask(self._closing_model, *last, _closing_config(config, self.task))
                await asyncio.to_thread(run.keep_closing, answer)
            except Exception as error:  # noqa: BLE001  # it is raised, unless it may be left out
                run.fail_closing(error)

    async def _aanswer(
        self,
        run: Run[ResultT],
        window: Window,
        question: HumanMessage,
        config: RunnableConfig,
        slots: asyncio.Semaphore,
    ) -> None:
        try:
            if not await asyncio.to_thread(run.is_answered, window):
                answer = await aask(self._model, question, self.task.schema, _window_config(config, self.task, window))
                await asyncio.to_thread(run.keep, window, answer)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  # it is raised when the others are done
            run.fail(window, error)
        finally:
            slots.release()

    # Parts of it

    async def aask(self, window: Window, question: HumanMessage, config: RunnableConfig | None = None) -> BaseModel:
        """Return the answer to a question of a run; nobody has kept it yet.

        Raises:
            DMXOmniError: The window could not be answered.
        """
        return await aask(self._model, question, self.task.schema, _window_config(config or {}, self.task, window))

    def run(self, path: StrPath) -> Run[ResultT]:
        """Return the state of a run over a recording, for a driver other than `invoke` and `ainvoke`.

        Raises:
            InvalidInputError: The recording can't be read, or not be cut like this; or it is no path of a file.
            StorageError: What is kept can't be reached.
        """
        recording = Recording(local_path(path), self._options)
        if self.task.needs_sound:
            recording.require_sound(f"{self.task.name}(allow_silent=True) sends its pictures all the same")
        return Run(self.task, recording, self._root, self._identity, self._on_error)


def _closing_config(config: RunnableConfig, task: Task[Any, Any]) -> RunnableConfig:
    return merge_configs(config, {"run_name": f"{task.name} closing"})


def _window_config(config: RunnableConfig, task: Task[Any, Any], window: Window) -> RunnableConfig:
    """Return the config of a window's calls, by which traces say which one it is."""
    metadata = {"window": window.index, "window_start": window.start, "window_end": window.end}
    return merge_configs(config, {"run_name": f"{task.name} {window.index + 1}", "metadata": metadata})
