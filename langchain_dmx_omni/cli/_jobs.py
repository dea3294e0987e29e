"""`subtitles`, `minutes`, `chapters`, `moderate`, `highlights` and `ask-long`: recordings of any length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from langchain_dmx_omni.errors import ConfigurationError

from . import _prices
from ._failures import FAILED
from ._media import By
from ._model import Model, PricesText, Retries, chat_model
from ._results import Results

if TYPE_CHECKING:
    from langchain_dmx_omni.jobs import Task

_SHORT = 4.0
"""Seconds of windows that can't share as much as longer ones do."""

Recordings = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Local video or audio files.")]
Language = Annotated[str, typer.Option(help="What to write in, such as English or 中文.")]


@dataclass(frozen=True)
class Running:
    """How recordings are asked about."""

    window: Annotated[float | None, typer.Option(help="Seconds of a window.", show_default=False)] = None
    overlap: Annotated[float | None, typer.Option(help="Seconds that windows share.", show_default=False)] = None
    by: Annotated[By | None, typer.Option(help="Where windows end.", show_default=False)] = None
    concurrency: Annotated[int, typer.Option("--concurrency", "-j", help="Calls in flight.", min=1)] = 4
    kept: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where answers are kept, to go on after a break.", show_default=False),
    ] = None
    skip: Annotated[bool, typer.Option("--skip-refused", help="Go without windows that the service refuses.")] = False
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show windows and estimated tokens; ask nothing.")] = False
    prices: PricesText = None
    model: Model = None
    retries: Retries = 4


@dataclass(frozen=True)
class Writing:
    """Where results go."""

    output_dir: Annotated[
        Path, typer.Option("--output-dir", "-o", metavar="FOLDER", help="Where results go; - is standard output.")
    ] = Path()
    output_format: Annotated[
        str | None,
        typer.Option("--output-format", "-f", help="srt, vtt, txt, md, json, or all there are.", show_default=False),
    ] = None


def subtitles(
    files: Recordings,
    *,
    translate: Annotated[
        str | None, typer.Option(help="A further language, in files of its own.", show_default=False)
    ] = None,
    mux: Annotated[bool, typer.Option("--mux", help="Also a copy of the MP4 with the subtitles in it.")] = False,
    language: Annotated[
        str | None, typer.Option(help="What is spoken, if you know it: it helps.", show_default=False)
    ] = None,
    writing: Writing,
    running: Running,
) -> None:
    """Write down what is said, with times, for players: talk.mp4 becomes talk.srt."""
    from langchain_dmx_omni import jobs  # noqa: PLC0415  # an extra

    results = Results(files, jobs.Subtitles, writing.output_dir, writing.output_format)
    results.translated, results.spoken, results.mux = translate, language, mux
    task = jobs.subtitles(translate=translate, language=language)
    _run(task, files, running, results, window=60.0, by="silence")


def minutes(files: Recordings, *, language: Language = "English", writing: Writing, running: Running) -> None:
    """Write the minutes of meetings: who spoke, what was decided, what is to be done."""
    from langchain_dmx_omni import jobs  # noqa: PLC0415  # an extra

    results = Results(files, jobs.Minutes, writing.output_dir, writing.output_format)
    _run(jobs.minutes(language=language), files, running, results)


def chapters(files: Recordings, *, language: Language = "English", writing: Writing, running: Running) -> None:
    """Divide recordings into chapters, with a title and a summary each."""
    from langchain_dmx_omni import jobs  # noqa: PLC0415  # an extra

    results = Results(files, jobs.Chapters, writing.output_dir, writing.output_format)
    _run(jobs.chapters(language=language), files, running, results)


def moderate(files: Recordings, *, language: Language = "English", writing: Writing, running: Running) -> None:
    """Look for what is against the rules: a verdict, and what it stands on."""
    from langchain_dmx_omni import jobs  # noqa: PLC0415  # an extra

    results = Results(files, jobs.Moderation, writing.output_dir, writing.output_format)
    _run(jobs.moderation(language=language), files, running, results)


def highlights(
    files: Recordings,
    *,
    most: Annotated[int, typer.Option(help="How many.", min=1)] = 10,
    about: Annotated[str | None, typer.Option(help="What counts, such as: goals.", show_default=False)] = None,
    language: Language = "English",
    writing: Writing,
    running: Running,
) -> None:
    """Find the moments worth seeing, the best first."""
    from langchain_dmx_omni import jobs  # noqa: PLC0415  # an extra

    results = Results(files, jobs.Highlights, writing.output_dir, writing.output_format)
    _run(jobs.highlights(most=most, about=about, language=language), files, running, results)


def ask_long(
    question: Annotated[str, typer.Argument(help="Whatever can be seen or heard.")],
    files: Recordings,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    language: Annotated[
        str | None, typer.Option(help="What to answer in; by default the question's.", show_default=False)
    ] = None,
    running: Running,
) -> None:
    """Ask about recordings of any length. The answer says where to look."""
    from langchain_dmx_omni import jobs  # noqa: PLC0415  # an extra

    results = Results(files, jobs.Answered, None, "json" if as_json else "txt")
    _run(jobs.ask(question, language=language), files, running, results)


def _run(
    task: Task[Any, Any],
    files: Sequence[Path],
    running: Running,
    results: Results,
    *,
    window: float | None = None,
    by: By | None = None,
) -> None:
    """Run a task over recordings.

    Args:
        task: What is asked.
        files: The recordings.
        running: How.
        results: Where results go.
        window: Seconds of a window, unless the user says otherwise.
        by: Where windows end, unless the user says otherwise.
    """
    from langchain_dmx_omni.jobs import Job  # noqa: PLC0415  # an extra

    from . import _batch  # noqa: PLC0415  # with an extra

    results.check()
    prices = _prices.prices(running.prices)
    llm = chat_model(model=running.model, max_retries=running.retries)
    overlap = running.overlap
    if overlap is None and running.window is not None and running.window < _SHORT:
        overlap = 0.0
    job: Job[Any] = Job(
        llm,
        task,
        window=running.window or window,
        overlap=overlap,
        by=running.by or by,
        folder=running.kept,
        on_error="skip" if running.skip else "raise",
    )
    plans, whole = _batch.planned(job, files)
    if running.dry_run:
        _batch.show_plans(plans, prices)
    else:
        if llm.api_key is None and any(plan.windows for plan in plans):
            raise ConfigurationError("there is no API key: set DMXAPI_API_KEY")
        whole &= _batch.run(job, plans, running.concurrency, prices, results.finish)
    if not whole:
        raise typer.Exit(FAILED)
