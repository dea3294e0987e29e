"""One run of `add`: what is to be done, what became of it, when to give up. It never waits itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from langchain_dmx_omni.jobs._patience import Patience
from langchain_dmx_omni.video.progress import progress_bar

from ._indexing import Indexed, Recipe
from ._listing import Listed
from ._reports import AddReport, Failed
from ._writing import Writer


class AddProgress(NamedTuple):
    """How far `add` is."""

    source: str
    """The recording that is done; `""` at the beginning."""
    done: int
    total: int
    """Recordings, without those that are indexed already."""


OnAddProgress = Callable[[AddProgress], object]


class Adding:
    """The state of one run of `add`, for any driver.

    Attributes:
        report: What became of each file so far.
        todo: The files that are to be indexed.
        stopped: The error after which no further one is begun, or None.
    """

    def __init__(self, listed: Sequence[Listed], recipe: Recipe, writer: Writer) -> None:
        self._writer = writer
        known = writer.recordings.of([each.source for each in listed])
        self.report = AddReport()
        self.todo: list[Listed] = []
        for each in listed:
            recorded = known.get(each.source)
            if recorded and (recorded.version, recorded.recipe, recorded.missing) == (each.version, recipe.digest, 0):
                self.report.unchanged.append(each.source)
            else:
                self.todo.append(each)
        self.stopped: BaseException | None = None
        self._patience = Patience()
        self._report_progress: OnAddProgress = lambda _: None

    @contextmanager
    def reporting(self, progress: OnAddProgress | bool) -> Iterator[None]:
        """Say how far it is, now and after each recording; at the end, write what waits.

        Args:
            progress: The function that it is said to; True for a bar on standard error, False for nothing.
        """
        with ExitStack() as stack:
            stack.callback(self._writer.flush)
            if callable(progress):
                self._report_progress = progress
            elif progress:
                bar = stack.enter_context(progress_bar("library", len(self.todo), "recording"))
                self._report_progress = lambda step: bar(step.done)
            self._step("")
            yield

    def keep(self, indexed: Indexed) -> None:
        """Take the moments of a recording, and write them, now or with the next ones."""
        source = indexed.recorded.source
        self._writer.write(indexed)
        self._patience.succeed()
        self.report.added.append(source)
        if indexed.missing:
            self.report.missing[source] = indexed.missing
        self._step(source)

    def fail(self, listed: Listed, error: Exception) -> None:
        """Take note of a file that could not be indexed."""
        self.report.failed.append(Failed(listed.source, error))
        gives_up = self._patience.fail(error)
        self.stopped = self.stopped or gives_up
        self._step(listed.source)

    def end(self) -> AddReport:
        """Return the report.

        Raises:
            DMXOmniError: What has stopped it; its notes say what is indexed.
        """
        if self.stopped is not None:
            self.stopped.add_note(
                f"{len(self.report.added)} of {len(self.todo)} recordings are indexed; add them again to go on, "
                "nothing that was answered is paid for twice"
            )
            raise self.stopped
        order = {each.source: place for place, each in enumerate(self.todo)}
        self.report.added.sort(key=order.__getitem__)
        self.report.failed.sort(key=lambda failed: order[failed.source])
        return self.report

    def _step(self, source: str) -> None:
        done = len(self.report.added) + len(self.report.failed)
        self._report_progress(AddProgress(source, done, len(self.todo)))
