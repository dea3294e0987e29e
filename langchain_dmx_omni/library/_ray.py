"""`add(…, engine="ray")`: recordings carried through a cluster by Ray Data; one process writes.

Two stages, each scaled by itself: cutting needs processors, asking waits for the service. An answer is kept inside the
stage that asks, before anything is passed on: whatever Ray does a second time, such as after a worker was killed, finds
it there. What goes wrong with a recording or a window travels as a row like any other, since an exception would cost
all rows beside it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import pickle
import warnings
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pydantic import BaseModel

from langchain_dmx_omni.errors import ConfigurationError, DMXOmniError
from langchain_dmx_omni.jobs import Window
from langchain_dmx_omni.jobs._run import Run, window_name
from langchain_dmx_omni.jobs._store import Store

from ._adding import Adding
from ._indexing import Indexed, Prepared, Recipe
from ._listing import Listed

if TYPE_CHECKING:
    from langchain_core.messages import HumanMessage
    from langchain_core.runnables import RunnableConfig

_MISSING: Final = 'engine="ray" needs: pip install "langchain-dmx-omni[ray]"'
_PER_ACTOR: Final = 32
"""Calls in flight of one actor: an event loop serves more, but what is killed with it is asked again."""
_BLOCK_BYTES: Final = 8 << 20
"""Of a block of rows: one or two windows of the greatest size, or many small ones."""
_MOST_BLOCKS: Final = 4_096
"""Blocks of names at the beginning."""
_PASSES: Final = 3
"""Times that a recording goes through the stages until all its windows have come back."""
_STARTS: Final = 3
"""Tries to start a cluster."""

Row = dict[str, Any]
"""`recording`, its number, and `message`, a pickled object: the only kind of row there is."""


class _Begun(NamedTuple):
    """A recording is being cut."""

    prepared: Prepared
    run: Run[Any]


class _Question(NamedTuple):
    """A window that waits to be asked about."""

    window: Window
    message: HumanMessage
    store: Store
    transcript: bool


class _Answered(NamedTuple):
    """A window whose answer is kept."""

    window: Window
    answer: BaseModel


class _Failed(NamedTuple):
    """A window, or with None a whole recording, that could not be done."""

    window: Window | None
    error: Exception


def add_on_ray(adding: Adding, recipe: Recipe, config: RunnableConfig) -> None:
    """Index what is to be done on the cluster that `RAY_ADDRESS` names, else on this machine; this process writes.

    Args:
        adding: What is to be done.
        recipe: How.
        config: LangChain's: `max_concurrency`, calls in flight in the whole cluster; tags and metadata. Callbacks stay
            on this machine.

    Raises:
        ImportError: Ray is not installed (extra `ray`).
    """
    ray = _connected()
    waiting = dict(enumerate(adding.todo))
    lost: Exception | None = None
    for _ in range(_PASSES):
        under_way: dict[int, _Recording] = {}
        try:
            with closing(_messages(ray, waiting, recipe, config)) as messages:
                for number, message in messages:
                    if under_way.setdefault(number, _Recording()).take(message):
                        _finish(adding, recipe, waiting.pop(number), under_way.pop(number))
                    if adding.stopped is not None:
                        return
        except ray.exceptions.RayError as error:
            lost = error
        if not waiting:
            return
    for listed in waiting.values():
        adding.fail(listed, DMXOmniError(f"{listed.source}: the cluster has lost some of its windows: {lost}"))


def _finish(adding: Adding, recipe: Recipe, listed: Listed, recording: _Recording) -> None:
    try:
        adding.keep(recording.indexed(recipe))
    except Exception as error:  # noqa: BLE001  # it is in the report
        adding.fail(listed, error)


@dataclass
class _Recording:
    """What has come back of a recording, in any order."""

    begun: _Begun | None = None
    whole: Indexed | Exception | None = None
    windows: dict[int, _Answered | _Failed] = field(default_factory=dict)

    def take(self, message: object) -> bool:
        """Take a message; whether it was the last one."""
        match message:
            case _Begun():
                self.begun = message
            case _Failed(window=None, error=error):
                self.whole = error
            case Indexed():
                self.whole = message
            case _Answered() | _Failed():
                assert message.window is not None
                self.windows[message.window.index] = message
        if self.whole is not None:
            return True
        return self.begun is not None and all(each.index in self.windows for each in self.begun.run.missing)

    def indexed(self, recipe: Recipe) -> Indexed:
        """Return the moments of the recording.

        Raises:
            Exception: What has happened instead.
        """
        if isinstance(self.whole, Exception):
            raise self.whole
        if self.whole is not None:
            return self.whole
        assert self.begun is not None
        prepared, run = self.begun
        for _, message in sorted(self.windows.items()):
            match message:
                case _Answered(window, answer):
                    run.take(window, answer)
                case _Failed(Window() as window, error):
                    run.fail(window, error)
        run.raise_failure()
        return recipe.indexed(prepared, run.result())


# --- the stages -------------------------------------------------------------------------------------------------------


class _Cutting:
    """The stage that cuts: a recording → a row that it has begun, and one for each window that is not answered."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe

    def __call__(self, row: Row) -> Iterator[Row]:
        """Cut a recording, window by window: a row at a time is in memory here."""
        try:
            for message in self._messages(_message(row)):
                yield _row(row["recording"], message)
        except Exception as error:  # noqa: BLE001  # it is in the report
            yield _row(row["recording"], _Failed(None, error))

    def _messages(self, listed: Listed) -> Iterator[object]:
        with listed.local() as path:
            prepared = self._recipe.prepare(listed, path)
            if self._recipe.captions != "model":
                yield self._recipe.indexed(prepared, None)
                return
            transcript = prepared.lines is None
            run = self._recipe.job(transcript=transcript).run(path)
            yield _Begun(prepared, run)
            if run.missing:
                run.store.prepare()
            with closing(run.questions()) as questions:
                for window, message in questions:
                    yield _Question(window, message, run.store, transcript)
            for window in run.missing:
                if isinstance(error := run.failure(window), Exception):
                    yield _Failed(window, error)


class _Asking:
    """The stage that asks: a window → its answer, which is kept. All other rows pass."""

    def __init__(self, recipe: Recipe, config: RunnableConfig, at_a_time: int) -> None:
        self._config = config
        self._slots = asyncio.Semaphore(at_a_time)
        self._jobs = {transcript: recipe.job(transcript=transcript) for transcript in (True, False)}

    async def __call__(self, row: Row) -> Row:
        """Ask about a window."""
        question = _message(row)
        if not isinstance(question, _Question):
            return row
        async with self._slots:
            try:
                message: object = _Answered(question.window, await self._answer(question))
            except Exception as error:  # noqa: BLE001  # it is in the report
                message = _Failed(question.window, error)
        return _row(row["recording"], message)

    async def _answer(self, question: _Question) -> BaseModel:
        job = self._jobs[question.transcript]
        # Whoever was killed may have kept it; then it is not paid for twice.
        answer = await asyncio.to_thread(question.store.load, window_name(question.window), job.task.schema)
        if answer is None:
            answer = await job.aask(question.window, question.message, self._config)
            await asyncio.to_thread(question.store.save, window_name(question.window), answer)
        return answer


def _messages(
    ray: Any, listed: Mapping[int, Listed], recipe: Recipe, config: RunnableConfig
) -> Generator[tuple[int, object]]:
    """Yield what comes out of the stages: the number of a recording, and a message of it."""
    at_a_time = max(config.get("max_concurrency") or _PER_ACTOR, 1)
    actors = math.ceil(at_a_time / _PER_ACTOR)
    each = math.ceil(at_a_time / actors)
    portable: RunnableConfig = {"tags": config.get("tags") or [], "metadata": config.get("metadata") or {}}
    rows = [_row(number, recording) for number, recording in listed.items()]
    with _settings(ray):
        stages = (
            ray.data.from_items(rows, override_num_blocks=min(len(rows), _MOST_BLOCKS))
            .flat_map(_Cutting(recipe).__call__, num_cpus=1)
            .map(
                _Asking,
                fn_constructor_args=(recipe, portable, each),
                num_cpus=0,
                # Each block is a call: as many as may be in flight, should each hold one window.
                compute=ray.data.ActorPoolStrategy(
                    size=actors, max_concurrent_calls_per_actor=each, max_tasks_in_flight_per_actor=each
                ),
            )
        )
        for row in stages.iter_rows():
            yield row["recording"], _message(row)


def _message(row: Row) -> Any:
    return pickle.loads(row["message"])  # noqa: S301  # it is our own


def _row(number: int, message: object) -> Row:
    try:
        pickled = pickle.dumps(message)
    except Exception as error:  # what users' errors hold may not pickle
        if not isinstance(message, _Failed):
            raise
        known = DMXOmniError(f"{type(message.error).__name__}: {message.error}")
        known.add_note(f"it can't be passed on as it is: {error}")
        pickled = pickle.dumps(_Failed(message.window, known))
    return {"recording": number, "message": pickled}


# --- Ray --------------------------------------------------------------------------------------------------------------


def _connected() -> Any:
    """Return the package, connected to a cluster: the one that is in use, or `RAY_ADDRESS` names, or one of our own.

    Raises:
        ConfigurationError: No cluster can be reached or started.
        ImportError: Ray is not installed.
    """
    try:
        import ray  # noqa: PLC0415  # an extra, which takes seconds
        import ray.data  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ImportError(_MISSING) from error
    if not ray.is_initialized():
        _start(ray)
    return ray


def _start(ray: Any) -> None:
    # A cluster that starts here for this one call tells nobody of itself.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A busy machine takes longer than the 15 seconds that Ray gives itself, and than the 30 that can't be set.
    os.environ.setdefault("RAY_agent_register_timeout_ms", "120000")
    dashboard = None if os.environ.get("RAY_ADDRESS") else False
    with warnings.catch_warnings():
        # LanceDB warns of what Ray starts, which are programs of their own.
        warnings.filterwarnings("ignore", "lancedb fork support", RuntimeWarning)
        for attempt in range(1, _STARTS + 1):
            try:
                ray.init(log_to_driver=False, logging_level=logging.ERROR, include_dashboard=dashboard)
                return
            except Exception as error:
                if attempt == _STARTS:
                    remedy = "start a cluster, and name it in RAY_ADDRESS"
                    raise ConfigurationError(f"Ray does not start: {error}; {remedy}") from error


@contextmanager
def _settings(ray: Any) -> Iterator[None]:
    """Set what holds for our stages, and put the user's own settings back."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Ray's, of its own settings
        context = ray.data.DataContext.get_current()
    own = {"target_max_block_size": _BLOCK_BYTES, "enable_progress_bars": False, "print_on_execution_start": False}
    before = {name: getattr(context, name) for name in own}
    logger = logging.getLogger("ray.data")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)  # what is said here is for those who write pipelines
        for name, value in own.items():
            setattr(context, name, value)
        yield
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            setattr(context, name, value)
