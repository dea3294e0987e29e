"""One recording under way: which windows there are, which are answered, what is still to ask. It never waits itself."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import closing
from functools import cached_property
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from langchain_dmx_omni._disk.claims import Claim
from langchain_dmx_omni._warnings import warn_user
from langchain_dmx_omni.errors import (
    ContentBlockError,
    StorageError,
)

from ._patience import REFUSALS, Patience
from ._places import Place
from ._recording import Recording
from ._reporting import OnProgress, Progress
from ._store import Store
from ._tasks.digest import digest
from ._tasks.result import Missing, with_missing
from ._tasks.task import Part, Task
from ._tasks.timeline import Window, place

ResultT = TypeVar("ResultT", bound=BaseModel)

_VERSION = 1
"""Of the prompt around a task's instructions; another one makes what older releases have kept unknown."""

OnError = Literal["raise", "skip"]


class ClosingQuestion(NamedTuple):
    """The question that closes a job, and the schema of its answer."""

    question: HumanMessage
    schema: type[BaseModel]


class Run(Generic[ResultT]):
    """The state of one job over one recording, for any driver: threads or an event loop.

    Args:
        task: What is asked.
        recording: What it is asked about.
        root: The place for all that is kept.
        model: What else the answers depend on: the model, and how its answers are structured.
        on_error: What becomes of the result when a window has no answer.

    Attributes:
        windows: All windows of the recording.
        store: What is kept.
        stopped: The error after which no further window is asked about, or None.

    Raises:
        StorageError: The file can't be read.
    """

    def __init__(
        self,
        task: Task[Any, ResultT],
        recording: Recording,
        root: Place,
        model: dict[str, Any],
        on_error: OnError,
    ) -> None:
        self._task = task
        self._recording = recording
        self._on_error = on_error
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
        self._answers: dict[int, BaseModel] = {}
        self._closing_answers: dict[str, BaseModel] = {}
        self._failures: dict[int, BaseException] = {}
        self._unkept: dict[str, BaseModel] = {}
        self._patience = Patience()
        self._ended = False
        self.stopped: BaseException | None = None
        self._bind()
        self._load()

    def __getstate__(self) -> dict[str, Any]:
        """Leave behind what belongs to a process: the claim, who is told of progress, the lock."""
        bound = {"_claim", "_report", "_lock"}
        return {name: value for name, value in self.__dict__.items() if name not in bound}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()

    def _bind(self) -> None:
        self._claim: Claim | None = None
        self._report: OnProgress = lambda _: None
        self._lock = threading.Lock()

    # What there is to do

    @property
    def missing(self) -> list[Window]:
        """The windows that are not answered yet."""
        return [window for window in self.windows if window.index not in self._answers]

    def is_pending(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self.missing) or self.closing() is not None

    @property
    def progress(self) -> Progress:
        """How many windows are answered."""
        return Progress(self._task.name, len(self._answers), len(self.windows))

    def report_to(self, report: OnProgress) -> None:
        """Say how far it is, now and after each window."""
        self._report = report
        report(self.progress)

    # One process at a time

    def begin(self) -> bool:
        """Claim the job, after making sure that answers can be kept; False while another process is at work on it.

        What that one has answered meanwhile is taken.

        Raises:
            StorageError: They can't.
        """
        claim = self.store.claim()
        with self._lock:
            self._claim = claim
        if self._ended:
            self.end()
        self._load()
        return claim is not None

    def end(self) -> None:
        """Let other processes have the job."""
        with self._lock:
            self._ended = True
            claim, self._claim = self._claim, None
        if claim is not None:
            claim.release()

    def _load(self) -> None:
        """Take what is kept."""
        with self._lock:
            before = len(self._answers)
            names = {window_name(window): window.index for window in self.missing}
            kept = self.store.load_all(names, self._task.schema)
            self._answers |= {names[name]: answer for name, answer in kept.items()}
            if len(self._answers) > before:
                self._report(self.progress)

    # Windows

    def questions(self) -> Generator[tuple[Window, HumanMessage]]:
        """Yield each window that is missing with its question. Each step encodes one window, on the calling thread.

        One that can't be encoded has failed, and the others go on.

        Raises:
            DMXOmniError: None of them can be encoded like this, or there is no place for them.
        """
        done = set(self._answers)
        while missing := [window for window in self.windows if window.index not in done]:
            try:
                with closing(self._recording.blocks(skip=frozenset(done))) as blocks:
                    for window, block in blocks:
                        done.add(window.index)
                        prompt = {"type": "text", "text": self._task.prompt(window, len(self.windows))}
                        yield window, HumanMessage([block, prompt])
                return
            except ContentBlockError as error:
                window = next(each for each in missing if each.index not in done)
                done.add(window.index)
                self.fail(window, error)

    def is_answered(self, window: Window) -> bool:
        """Whether another machine has answered a window meanwhile: where there are no claims, it may.

        Raises:
            StorageError: The place for answers can't be reached.
        """
        answer = self.store.load(window_name(window), self._task.schema)
        if answer is not None:
            self.take(window, answer)
        return answer is not None

    def keep(self, window: Window, answer: BaseModel) -> None:
        """Take the answer for a window, and keep it.

        Raises:
            StorageError: It can't be kept.
        """
        self._save(window_name(window), answer)
        self.take(window, answer)

    def take(self, window: Window, answer: BaseModel) -> None:
        """Take the answer for a window, which is kept already."""
        with self._lock:
            self._patience.succeed()
            self._answers[window.index] = answer
            self._report(self.progress)

    def fail(self, window: Window, error: BaseException) -> None:
        """Take note of a window that could not be answered."""
        error.add_note(
            f"{self._task.name}: window {window.index + 1} of {len(self.windows)} "
            f"({window.start:.1f} to {window.end:.1f} s) of {self._recording.path.name}"
        )
        with self._lock:
            self._failures[window.index] = error
            gives_up = self._patience.fail(error)
            self.stopped = self.stopped or gives_up

    def failure(self, window: Window) -> BaseException | None:
        """Return why a window could not be answered, or None."""
        return self._failures.get(window.index)

    def stop(self, error: BaseException) -> None:
        """Ask about no further window; those in flight are kept, then the error is raised."""
        with self._lock:
            self.stopped = self.stopped or error

    def raise_failure(self) -> None:
        """Raise the error that ends the job, if there is one; it says what is kept."""
        error = self.stopped or next(iter(self._failures.values()), None)
        refused = any(isinstance(each, REFUSALS) for each in self._failures.values())
        skipped = self._on_error == "skip" and self.stopped is None and (refused or self._answers)
        if error is None or skipped:
            return
        way_out = '; on_error="skip" gives the result without them' if refused and self.stopped is None else ""
        self._raise(error, way_out)

    def _raise(self, error: BaseException, way_out: str = "") -> None:
        error.add_note(
            f"{len(self._answers)} of {len(self.windows)} windows are answered and kept in {self.store.place}; "
            f"run it again to ask for the others only{way_out}"
        )
        if isinstance(error, StorageError):
            error.answers = dict(self._unkept)
        raise error

    def _save(self, name: str, answer: BaseModel) -> None:
        try:
            self.store.save(name, answer)
        except StorageError:
            with self._lock:
                self._unkept[name] = answer
            raise

    # From here on, all windows are answered, or have failed for good.

    def closing(self) -> ClosingQuestion | None:
        """Return the question that closes the job; None where there is none, or it is answered already."""
        if self.missing and not self._failures:
            return None
        if self._task.closing is None or self._closing_prompt is None or self._closing_answer() is not None:
            return None
        return ClosingQuestion(HumanMessage(self._closing_prompt), self._task.closing.schema)

    def keep_closing(self, answer: BaseModel) -> None:
        """Take the answer to the question that closes the job, and keep it.

        Raises:
            StorageError: It can't be kept.
        """
        self._save(self._closing_name, answer)
        self._closing_answers[self._closing_name] = answer

    def fail_closing(self, error: Exception) -> None:
        """Go on without the answer to the closing question, if it was refused and may be left out; else raise.

        Warns:
            DMXOmniWarning: It is left out.
        """
        if self._on_error == "skip" and isinstance(error, REFUSALS):
            warn_user(
                f"{self._task.name}: the closing question has no answer, the result is put together from the "
                f"windows' alone: {error}"
            )
            return
        error.add_note(f"{self._task.name}: the closing question about {self._recording.path.name}")
        self._raise(error)

    def result(self) -> ResultT:
        """Return the joined result of all windows that are answered, and which are not."""
        result, answer = self._joined, self._closing_answer()
        if self._task.closing is not None and answer is not None:
            result = self._task.closing.apply(result, self._parts, answer)
        if self._on_error == "raise":
            return result
        failures = sorted(self._failures.items())
        missing = [Missing(self.windows[index], error) for index, error in failures if isinstance(error, Exception)]
        return with_missing(result, missing)

    @cached_property
    def _parts(self) -> list[Part[Any]]:
        answered = [window for window in self.windows if window.index in self._answers]
        name = self._recording.path.name
        return [Part(window, place(self._answers[window.index], window, name)) for window in answered]

    @cached_property
    def _joined(self) -> ResultT:
        return self._task.join(self._parts)

    @cached_property
    def _closing_prompt(self) -> str | None:
        closing = self._task.closing
        return closing.prompt(self._joined, self._parts) if closing is not None and self._parts else None

    @property
    def _closing_name(self) -> str:
        return f"closing-{digest(self._closing_prompt or '')}"

    def _closing_answer(self) -> BaseModel | None:
        if self._task.closing is None or self._closing_prompt is None:
            return None
        name = self._closing_name
        if name not in self._closing_answers:
            answer = self.store.load(name, self._task.closing.schema)
            if answer is None:
                return None
            self._closing_answers[name] = answer
        return self._closing_answers[name]


def window_name(window: Window) -> str:
    """Return what the answer for a window is kept as."""
    return f"{window.index:05}"
