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

from ._recording import Recording
from ._reporting import OnProgress, Progress
from ._store import Store, digest
from ._tasks.task import Part, Task
from ._tasks.timeline import Window, place

ResultT = TypeVar("ResultT", bound=BaseModel)

_VERSION = 1
"""Of the prompt around a task's instructions; another one makes what older releases have kept unknown."""


class ClosingQuestion(NamedTuple):
    """The question that closes a job, and the schema of its answer."""

    question: HumanMessage
    schema: type[BaseModel]


class Run(Generic[ResultT]):
    """The state of one job over one recording, for any driver: threads or an event loop.

    Args:
        task: What is asked.
        recording: What it is asked about.
        root: The folder for all that is kept.
        model: What else the answers depend on: the model, and how its answers are structured.

    Raises:
        OSError: The file can't be read.
    """

    def __init__(self, task: Task[Any, ResultT], recording: Recording, root: Path, model: dict[str, Any]) -> None:
        self._task = task
        self._recording = recording
        self.windows = recording.windows
        # All of it names the folder: with another word here, what older releases have kept would be unknown.
        about = {
            "version": _VERSION,
            "recording": recording.content_hash(),
            "task": {
                "name": task.name,
                "instructions": task.instructions,
                "schema": task.schema.model_json_schema(),
            },
            "windows": [[window.start, window.end] for window in self.windows],
            "fps": recording.fps,
            "asked_of": model,
        }
        self.store = Store(root, about)
        stored = {window.index: self.store.load(_name(window), task.schema) for window in self.windows}
        self._answers = {index: answer for index, answer in stored.items() if answer is not None}
        self._report: OnProgress = lambda _: None
        self._lock = threading.Lock()
        self.failure: BaseException | None = None
        """The first error of a window."""

    @property
    def missing(self) -> list[Window]:
        """The windows that are not answered yet."""
        return [window for window in self.windows if window.index not in self._answers]

    @property
    def progress(self) -> Progress:
        """How many windows are answered."""
        return Progress(self._task.name, len(self._answers), len(self.windows))

    def report_to(self, report: OnProgress) -> None:
        """Say how far it is, now and after each window."""
        self._report = report
        report(self.progress)

    def questions(self) -> Generator[tuple[Window, HumanMessage]]:
        """Yield each window that is missing with its question. Each step encodes one window, on the calling thread."""
        if not self.missing:
            return
        with closing(self._recording.blocks(skip=frozenset(self._answers))) as blocks:
            for window, block in blocks:
                prompt = {"type": "text", "text": self._task.prompt(window, len(self.windows))}
                yield window, HumanMessage([block, prompt])

    def keep(self, window: Window, answer: BaseModel) -> None:
        """Take the answer for a window, and keep it."""
        self.store.save(_name(window), answer)
        with self._lock:
            self._answers[window.index] = answer
            self._report(self.progress)

    def fail(self, window: Window, error: BaseException) -> None:
        """Take note of a window that could not be answered."""
        with self._lock:
            if self.failure is None:
                self.failure = error
                error.add_note(
                    f"{self._task.name}: window {window.index + 1} of {len(self.windows)} "
                    f"({window.start:.1f} to {window.end:.1f} s) of {self._recording.path.name}"
                )

    def raise_failure(self) -> None:
        """Raise the first error, which says what is kept."""
        if self.failure is not None:
            self.failure.add_note(
                f"{len(self._answers)} of {len(self.windows)} windows are answered and kept in {self.store.folder}; "
                "run it again to ask for the others only"
            )
            raise self.failure

    def closing(self) -> ClosingQuestion | None:
        """Return the question that closes the job; None where there is none, or it is answered already."""
        if self._task.closing is None or self._closing_prompt is None or self._closing_answer is not None:
            return None
        return ClosingQuestion(HumanMessage(self._closing_prompt), self._task.closing.schema)

    def keep_closing(self, answer: BaseModel) -> None:
        """Take the answer to the question that closes the job, and keep it."""
        self.store.save(self._closing_name, answer)
        self._closing_answer = answer

    def result(self) -> ResultT:
        """Return the joined result of all windows, all of which must be answered."""
        if self._task.closing is None or self._closing_answer is None:
            return self._joined
        return self._task.closing.apply(self._joined, self._parts, self._closing_answer)

    # From here on, all windows are answered.

    @cached_property
    def _parts(self) -> list[Part[Any]]:
        return [Part(window, place(self._answers[window.index], window)) for window in self.windows]

    @cached_property
    def _joined(self) -> ResultT:
        return self._task.join(self._parts)

    @cached_property
    def _closing_prompt(self) -> str | None:
        closing = self._task.closing
        return None if closing is None else closing.prompt(self._joined, self._parts)

    @property
    def _closing_name(self) -> str:
        return f"closing-{digest(self._closing_prompt or '')}"

    @cached_property
    def _closing_answer(self) -> BaseModel | None:
        if self._task.closing is None or self._closing_prompt is None:
            return None
        return self.store.load(self._closing_name, self._task.closing.schema)


def _name(window: Window) -> str:
    return f"{window.index:05}"
