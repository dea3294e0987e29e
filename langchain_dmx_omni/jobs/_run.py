"""One recording under way: which windows there are, which are answered, what is still to ask. It never waits itself."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from langchain_dmx_omni.video._cache import content_hash

from . import _recording
from ._recording import Cut
from ._reporting import Progress, Report
from ._store import Store, digest
from ._task import Part, Task
from ._timeline import Window, place

ResultT = TypeVar("ResultT", bound=BaseModel)

_VERSION = 1
"""Of the prompt around a task's instructions; another one makes what older releases have kept unknown."""


class Last(NamedTuple):
    """The question that closes a job, and the schema of its answer."""

    question: HumanMessage
    schema: type[BaseModel]


class Run(Generic[ResultT]):
    """The state of one job over one recording, for any driver: threads or an event loop.

    Args:
        task: What is asked.
        path: The recording.
        cut: How it is cut.
        root: The folder for all that is kept.
        asked_of: What else the answers depend on: the model, and how it is asked.

    Raises:
        DMXOmniError: The recording can't be read; see `langchain_dmx_omni.video.probe`.
        OSError: The file can't be read.
    """

    def __init__(self, task: Task[Any, ResultT], path: Path, cut: Cut, root: Path, asked_of: dict[str, Any]) -> None:
        self._task = task
        self._path = path
        self._cut = cut
        self.windows = _recording.plan(path, cut)
        about = {
            "version": _VERSION,
            "recording": content_hash(path),
            "task": {
                "name": task.name,
                "instructions": task.instructions,
                "schema": task.schema.model_json_schema(),
            },
            "windows": [[window.start, window.end] for window in self.windows],
            "fps": cut.fps,
            "asked_of": asked_of,
        }
        self.store = Store(root, about)
        found = {window.index: self.store.load(_name(window), task.schema) for window in self.windows}
        self._answers = {index: answer for index, answer in found.items() if answer is not None}
        self._report: Report = lambda _: None
        self._lock = threading.Lock()
        self.failure: BaseException | None = None
        """The first error of a window."""

    @property
    def missing(self) -> list[Window]:
        """The windows that are not answered yet."""
        return [window for window in self.windows if window.index not in self._answers]

    def report_to(self, report: Report) -> None:
        """Say how far it is, now and after each window."""
        self._report = report
        report(self._progress())

    def questions(self) -> Generator[tuple[Window, HumanMessage]]:
        """Yield each window that is missing with its question. Each step encodes one window, on the calling thread."""
        if not self.missing:
            return
        with closing(_recording.blocks(self._path, self.windows, self._cut, skip=frozenset(self._answers))) as blocks:
            for window, block in blocks:
                told = {"type": "text", "text": self._task.prompt(window, len(self.windows))}
                yield window, HumanMessage([block, told])

    def keep(self, window: Window, answer: BaseModel) -> None:
        """Take the answer for a window, and keep it."""
        self.store.save(_name(window), answer)
        with self._lock:
            self._answers[window.index] = answer
            self._report(self._progress())

    def fail(self, window: Window, error: BaseException) -> None:
        """Take note of a window that could not be answered."""
        with self._lock:
            if self.failure is None:
                self.failure = error
                error.add_note(
                    f"{self._task.name}: window {window.index + 1} of {len(self.windows)} "
                    f"({window.start:.1f} to {window.end:.1f} s) of {self._path.name}"
                )

    def raise_failure(self) -> None:
        """Raise the first error, which says what is kept."""
        if self.failure is not None:
            self.failure.add_note(
                f"{len(self._answers)} of {len(self.windows)} windows are answered and kept in {self.store.folder}; "
                "run it again to ask for the others only"
            )
            raise self.failure

    def closing(self) -> Last | None:
        """Return the question that closes the job; None where there is none, or it is answered already."""
        if self._task.closing is None or self._last_words is None or self._closing_answer is not None:
            return None
        return Last(HumanMessage(self._last_words), self._task.closing.schema)

    def keep_closing(self, answer: BaseModel) -> None:
        """Take the answer to the question that closes the job, and keep it."""
        self.store.save(self._closing_name, answer)
        self._closing_answer = answer

    def result(self) -> ResultT:
        """Return the joined result of all windows, all of which must be answered."""
        if self._task.closing is None or self._closing_answer is None:
            return self._joined
        return self._task.closing.apply(self._joined, self._parts, self._closing_answer)

    def _progress(self) -> Progress:
        return Progress(self._task.name, len(self._answers), len(self.windows))

    # From here on, all windows are answered.

    @cached_property
    def _parts(self) -> list[Part[Any]]:
        return [Part(window, place(self._answers[window.index], window)) for window in self.windows]

    @cached_property
    def _joined(self) -> ResultT:
        return self._task.join(self._parts)

    @cached_property
    def _last_words(self) -> str | None:
        closing = self._task.closing
        return None if closing is None else closing.prompt(self._joined, self._parts)

    @property
    def _closing_name(self) -> str:
        return f"closing-{digest(self._last_words or '')}"

    @cached_property
    def _closing_answer(self) -> BaseModel | None:
        if self._task.closing is None or self._last_words is None:
            return None
        return self.store.load(self._closing_name, self._task.closing.schema)


def _name(window: Window) -> str:
    return f"{window.index:05}"
